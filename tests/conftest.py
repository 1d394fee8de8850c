# Licensed under a 3-clause BSD style license - see LICENSE.rst
import os
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from hypothesis import settings

from rcasym import RedClumpCatalog, make_mock_catalog
from rcasym.catalog import paper_frame

matplotlib.use("agg")

# No deadline, since a machine may be busy; the same examples in each run.
settings.register_profile("rcasym", deadline=None, derandomize=True)
settings.load_profile("rcasym")

DATA = Path(os.environ.get("RCASYM_TEST_DATA",
                           Path(__file__).parents[2] / "shared" / "data"))


def pytest_addoption(parser):
    parser.addoption("--docs-html", metavar="DIR",
                     help="open the documentation built in DIR in a browser")


@pytest.fixture
def data_file():
    """Function that returns the path of a real table, or skips the test without it."""
    def find_file(name):
        path = DATA / name
        if not path.is_file():
            pytest.skip(f"the real table {name} is not in {DATA} (set RCASYM_TEST_DATA)")
        return path
    return find_file


@pytest.fixture(autouse=True)
def close_figures():
    yield
    from matplotlib import pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def mock():
    return make_mock_catalog(20_000, rng=1)


def galcen_coord(R, phi, Z, frame=None):
    """Return ICRS coordinates of positions in kpc, deg and kpc."""
    frame = paper_frame() if frame is None else frame
    R, phi, Z = (np.asarray(values, dtype=float) for values in (R, phi, Z))
    x, y = -R * np.cos(np.radians(phi)), R * np.sin(np.radians(phi))
    return SkyCoord(x * u.kpc, y * u.kpc, Z * u.kpc, frame=frame).icrs


def catalog_at(R, phi, Z, m_h, frame=None, survey=None, **columns):
    """Return a catalogue of stars at Galactocentric positions."""
    table = QTable({"coord": galcen_coord(R, phi, Z, frame), "m_h": np.asarray(m_h, float) * u.dex,
                    **columns})
    return RedClumpCatalog.from_table(table, frame=frame, survey=survey)


def random_stars(n, seed, **kwargs):
    """Return a catalogue of random stars in and just outside the paper's grid."""
    rng = np.random.default_rng(seed)
    return catalog_at(rng.uniform(5.5, 16, n), rng.uniform(-40, 40, n), rng.uniform(-2.4, 2.4, n),
                      rng.normal(-0.3, 0.2, n), **kwargs)
