# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np

from rcasym.voxels import VoxelState


def groups(*samples):
    """Return a state with one group per sample."""
    index = np.repeat(np.arange(len(samples)), [len(sample) for sample in samples])
    return VoxelState.from_stars(index, np.concatenate(samples).astype(float), len(samples))


def normal(n, seed=0, loc=-0.3, scale=0.2):
    return np.random.default_rng(seed).normal(loc, scale, n)
