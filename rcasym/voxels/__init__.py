# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars in voxels: plain arrays."""

from .index import flat_index
from .state import VoxelState

__all__ = ["VoxelState", "flat_index"]
