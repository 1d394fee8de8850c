# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from matplotlib import pyplot as plt

from rcasym import plotting


@pytest.fixture
def no_drawing(monkeypatch):
    """Write figure files without laying out and drawing the figures, which saves time."""
    def save_figure(axes, stem, *, overwrite=False):
        for suffix in (".png", ".pdf"):
            stem.with_suffix(suffix).write_bytes(b"figure")
        plt.close(np.ravel(axes)[0].figure)

    monkeypatch.setattr(plotting, "save_figure", save_figure)
