# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of [M/H] in voxels, and North against South."""

from ..utils.axes import Axis
from .asymmetry_map import AsymmetryMap
from .binning import DiskBinning
from .permutation_test import AsymmetryTest
from .profile import AsymmetryProfile
from .propagation import propagate
from .systematics import Systematics, systematics

__all__ = ["AsymmetryMap", "AsymmetryProfile", "AsymmetryTest", "Axis", "DiskBinning",
           "Systematics", "propagate", "systematics"]
