# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The figures; the only part of the package that imports matplotlib."""

from .ages import plot_calibrator, plot_null, plot_spline
from .catalog import plot_catalog
from .layout import save_figure
from .maps import plot_binning, plot_map
from .profiles import plot_profile, plot_systematics

__all__ = ["plot_catalog", "plot_binning", "plot_map", "plot_profile", "plot_systematics",
           "plot_calibrator", "plot_null", "plot_spline", "save_figure"]
