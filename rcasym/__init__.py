# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of the North-South metallicity asymmetry of the Galactic disk."""

from importlib.metadata import version as _get_version

from .ages import AgeCalibrator
from .catalog import QualityCuts, RedClumpCatalog, make_mock_catalog
from .maps import (
    AsymmetryMap,
    AsymmetryProfile,
    DiskBinning,
    Systematics,
    propagate,
    systematics,
)

__all__ = ["RedClumpCatalog", "QualityCuts", "AgeCalibrator", "DiskBinning", "AsymmetryMap",
           "AsymmetryProfile", "propagate", "systematics", "Systematics", "make_mock_catalog"]

__version__ = _get_version("rcasym")
