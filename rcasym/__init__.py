# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of the North-South metallicity asymmetry of the Galactic disk."""

from importlib.metadata import version

from .ages.calibrator import AgeCalibrator
from .catalog.core import RedClumpCatalog
from .catalog.cuts import QualityCuts
from .catalog.mock import make_mock_catalog
from .maps.asymmetry_map import AsymmetryMap
from .maps.binning import DiskBinning
from .maps.profile import AsymmetryProfile
from .maps.robustness import Systematics, propagate, systematics

__all__ = ["RedClumpCatalog", "QualityCuts", "AgeCalibrator", "DiskBinning", "AsymmetryMap",
           "AsymmetryProfile", "propagate", "systematics", "Systematics", "make_mock_catalog"]

__version__ = version("rcasym")
