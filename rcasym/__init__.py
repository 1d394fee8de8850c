# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of the North-South metallicity asymmetry of the Galactic disk."""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ages import AgeCalibrator
    from .asymmetry import AsymmetryMap
    from .binning import DiskBinning
    from .catalog import RedClumpCatalog
    from .cuts import QualityCuts
    from .mock import make_mock_catalog
    from .profile import AsymmetryProfile
    from .robustness import Systematics, propagate, systematics

__all__ = ["RedClumpCatalog", "QualityCuts", "AgeCalibrator", "DiskBinning", "AsymmetryMap",
           "AsymmetryProfile", "propagate", "systematics", "Systematics", "make_mock_catalog"]

__version__ = version("rcasym")

_HOMES = {
    "AgeCalibrator": "ages",
    "RedClumpCatalog": "catalog",
    "QualityCuts": "cuts",
    "DiskBinning": "binning",
    "AsymmetryMap": "asymmetry",
    "AsymmetryProfile": "profile",
    "propagate": "robustness",
    "Systematics": "robustness",
    "systematics": "robustness",
    "make_mock_catalog": "mock",
}
_MODULES = (
    "age_bias", "age_curve", "age_likelihood", "age_null", "ages", "asymmetry", "axes", "batches",
    "binning", "bounded", "calibratorfile", "catalog", "catalogfile", "checkpoint", "cli",
    "columns", "common_ages", "compiled", "cuts", "distributed", "exceptions", "files", "frames",
    "grid", "inference", "knots", "mapcommand", "mapfile", "matching", "mock", "order_statistics",
    "parallel", "plotting", "profile", "progress", "quantile_lp", "robustness", "significance",
    "splines", "starfiles", "surveys", "validation", "votable", "voxels", "zero_point",
)


def __getattr__(name):
    # Loaded on first use (PEP 562), so that importing the package costs next to nothing.
    if name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    elif name in _MODULES:
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_MODULES})
