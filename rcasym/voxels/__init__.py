# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars in voxels, as plain arrays: the statistics that every map is a view of."""

from .moments import VoxelMoments
from .state import VoxelState

__all__ = ["VoxelMoments", "VoxelState"]
