# Licensed under a 3-clause BSD style license - see LICENSE.rst
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import MaskedColumn
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import RedClumpCatalog
from rcasym.catalog import galactocentric_frame, paper_frame
from rcasym.catalog.columns import floats
from rcasym.exceptions import CatalogError
from tests.catalog.helpers import plain_table
from tests.conftest import catalog_at


@pytest.fixture
def cat():
    rng = np.random.default_rng(5)
    cat = catalog_at([8.0, 9, 10, 11], [0, 10, -10, 170], [0.1, -0.5, 2, -3],
                     [-0.1, np.nan, -0.3, 0.2], survey="LAMOST",
                     age=[1.0, 2, -9999, 4] * u.Gyr, snr=rng.uniform(10, 90, 4),
                     source_id=["a", "bb", "", "dddd"],
                     frame=galactocentric_frame(R0=8.1 * u.kpc))
    cat.meta["n_common"] = 3
    cat["field"] = SkyCoord([1, 2, 3, 4] * u.deg, [5, 6, 7, 8] * u.deg)
    return cat


@pytest.mark.parametrize(("name", "kwargs"), [
    ("stars.fits", {}), ("stars.h5", {}), ("stars.hdf5", {"path": "inner/table"}),
    ("stars.parquet", {}), ("stars.ecsv", {}), ("stars", {"format": "fits"})])
def test_keeps_everything(cat, name, kwargs, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    if ".h" in name:
        pytest.importorskip("h5py")
    path = tmp_path / name
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cat.write(path, **kwargs)
        again = RedClumpCatalog.read(path, **kwargs)
    assert type(again) is RedClumpCatalog
    assert set(again.colnames) == set(cat.colnames)
    assert again.frame.is_equivalent_frame(cat.frame)
    for column in ("m_h", "age", "snr"):
        assert_array_equal(floats(again, column), floats(cat, column))
        assert again[column].unit == cat[column].unit
    for column in ("m_h", "age"):
        assert_array_equal(again[column].mask, cat[column].mask)
    for column in ("source_id", "survey"):
        assert again[column].dtype.kind == "U"
        assert_array_equal(again[column], cat[column])
    assert isinstance(again["coord"], SkyCoord)
    assert_allclose(again["coord"].separation_3d(cat["coord"]).value, 0, atol=1e-12)
    assert_allclose(again.Z.value, cat.Z.value, atol=1e-12)
    assert again["m_h"].dtype.isnative
    assert_allclose(again["field"].separation(cat["field"]).deg, 0, atol=1e-12)
    assert again.meta["n_common"] == 3
    changed = RedClumpCatalog.read(path, survey="DR9", frame=paper_frame(), **kwargs)
    assert set(changed["survey"]) == {"DR9"}
    assert changed.frame.is_equivalent_frame(paper_frame())
    assert "field" in changed.colnames
    assert changed.meta["n_common"] == 3
    if name == "stars.fits":
        with pytest.raises(OSError, match="exists"):
            cat.write(path)
        cat.write(path, overwrite=True)


@pytest.mark.parametrize(("name", "format"), [
    ("stars.xml", "votable"), ("stars.xml", None), ("stars.VOT", None), ("s.votable", None),
    ("stars.parquet", "votable.parquet"), ("stars.fits", "votable")])
def test_votables_are_not_written(cat, name, format, tmp_path):
    with pytest.raises(CatalogError, match="FITS, ECSV, Parquet and HDF5 do; got '.*vot") as no:
        cat.write(tmp_path / name, format=format)
    assert not (tmp_path / name).exists()
    assert (format or name.lower()) in str(no.value)


@pytest.mark.parametrize("format", [None, "votable"])
def test_votables_are_read(format, tmp_path):
    table = plain_table(age=MaskedColumn([1e3, 2, 3e3, 4e3], mask=[0, 1, 0, 0], unit="Myr"),
                        ID=["a", "bb", "", "d"])
    table.write(tmp_path / "stars.xml", format="votable")
    cat = RedClumpCatalog.read(tmp_path / "stars.xml", format=format, survey="LAMOST",
                               columns={"source_id": "ID"}, units={"distance": "pc"})
    assert_allclose(cat["coord"].distance.to_value(u.pc), [1, 2, 3, 4])
    assert_array_equal(floats(cat, "age"), [1, np.nan, 3, 4])
    assert_array_equal(cat["source_id"], ["a", "bb", "", "d"])


@pytest.mark.parametrize("name", ["plain.csv", "plain.fits", "plain.ecsv", "plain.parquet",
                                  "plain.h5", "plain.xml"])
def test_choices_of_from_table(name, tmp_path):
    pytest.importorskip({"h5": "h5py"}.get(name[-2:], "pyarrow"))
    path, frame = tmp_path / name, galactocentric_frame(R0=8 * u.kpc)
    table = plain_table(distance=None, D=[1e3, 2e3, 3e3, 4e3], FEH=[0.1, 0.2, 0.3, 0.4],
                        age=[1.0, 2, 3, 4], teff=[1, 2, 3, 4])
    table.write(path, **{"h5": {"path": "t"}, "ml": {"format": "votable"}}.get(name[-2:], {}))
    cat = RedClumpCatalog.read(
        path, columns={"distance": "D", "m_h": "FEH"}, units={"D": "pc", "age": "Myr"},
        survey="GALAH", frame=frame, keep=["teff"])
    assert_allclose(cat["coord"].distance.kpc, [1, 2, 3, 4])
    assert_allclose(cat["m_h"].value, [0.1, 0.2, 0.3, 0.4])
    assert_allclose(cat["age"].to_value(u.Gyr), [0.001, 0.002, 0.003, 0.004])
    assert set(cat["survey"]) == {"GALAH"}
    assert cat.frame.is_equivalent_frame(frame)
    assert_array_equal(cat["teff"], [1, 2, 3, 4])
    for wrong in ({"units": {"mass": "g"}}, {"columns": {"m_h": "METALS"}},
                  {"frame": "icrs"}, {"keep": ["mass"]}, {"survey": 5}):
        with pytest.raises(ValueError, match=f"{name}.*{next(iter(wrong))}|column '"):
            RedClumpCatalog.read(path, **{"columns": {"distance": "D"}} | wrong)


def test_choices_for_a_catalogue_that_was_written(mock, tmp_path):
    path = tmp_path / "stars.fits"
    cat = mock[:50].copy()
    cat["age_2"], cat["flag"] = 1000 * cat["age"].value, np.arange(50)
    cat.write(path)
    again = RedClumpCatalog.read(path, columns={"age": "age_2"}, units={"age": "Myr"})
    assert_allclose(again["age"].to_value(u.Gyr), cat["age"].to_value(u.Gyr))
    assert {"flag", "age_2", "true_Z"} <= set(again.colnames)
    again = RedClumpCatalog.read(path, units={"age": "Myr", "m_h": "dex"})
    assert_allclose(again["age"].to_value(u.Gyr), 0.001 * cat["age"].to_value(u.Gyr))
    assert_array_equal(again["m_h"], cat["m_h"])
    assert "age" not in RedClumpCatalog.read(path, columns={"age": None}).colnames
    only = RedClumpCatalog.read(path, keep=["flag"])
    assert_array_equal(only["flag"], cat["flag"])
    assert not {"age_2", "true_Z"} & set(only.colnames)
    for wrong, words in (({"units": {"distance": "pc"}}, "key of units must be"),
                         ({"units": {"coord": "pc"}}, "key of units must be"),
                         ({"columns": {"distance": "true_distance"}}, "must name one position"),
                         ({"columns": {"age": "tau"}}, "must have a column 'tau'"),
                         ({"keep": ["tau"]}, "must have a column 'tau'")):
        with pytest.raises(ValueError, match=f"stars.fits: .*{words}"):
            RedClumpCatalog.read(path, **wrong)


@pytest.mark.parametrize("name", ["stars.fits", "stars.ecsv"])
def test_survey_stays_text(name, tmp_path):
    a, b = (catalog_at([R], [0], [0.1], [0], survey=survey) for R, survey in ((8, "A"), (9, None)))
    RedClumpCatalog.concatenate([a, b]).write(tmp_path / name)
    again = RedClumpCatalog.read(tmp_path / name)
    assert_array_equal(again["survey"], ["A", ""])
    assert not hasattr(again["survey"], "mask")


def test_files_that_cannot_be_read(mock, tmp_path):
    path = tmp_path / "stars.fits"
    mock.write(path)
    with pytest.raises(CatalogError, match=r"cannot read stars from .*stars\.fits: .*'colums'"):
        RedClumpCatalog.read(path, colums={"m_h": "FEH"})
    whole, garbage = path.read_bytes(), b"\x00\x01nonsense" * 100
    for content in (*(whole[:int(part * len(whole))] for part in (0.9, 0.5, 0.01)), garbage):
        path.write_bytes(content)
        with pytest.raises(CatalogError, match=r"cannot read .*stars\.fits"):
            RedClumpCatalog.read(path)
    (tmp_path / "stars.bin").write_bytes(garbage)
    with pytest.raises(CatalogError, match=r"stars\.bin: it is not a table that astropy recog"):
        RedClumpCatalog.read(tmp_path / "stars.bin")
    with pytest.raises(FileNotFoundError):
        RedClumpCatalog.read(tmp_path / "none.fits")
    with pytest.raises(IsADirectoryError):
        RedClumpCatalog.read(tmp_path, format="fits")
