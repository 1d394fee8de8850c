# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""North and South of a map: the side of each voxel, and the voxels that pair up."""

import numpy as np

from ..exceptions import BinningError, CatalogWarning
from ..statistics.resampling import PairedVoxels
from ..utils.validation import warn

__all__ = ["check_R_bins", "number_sides", "pair_voxels", "sum_over_Z",
           "warn_about_stars_astride"]


def check_R_bins(binning, R_min, R_max):
    """Return the bins of R between two edges, of a binning that has both hemispheres."""
    if len(binning.abs_Z) == 0:
        raise BinningError("Z must have bins on both sides of the mid-plane to compare North with "
                           f"South; got {len(binning['Z'])} from "
                           f"{binning['Z'].edges[0]:g} to {binning['Z'].edges[-1]:g}")
    return binning.R_bins(R_min, R_max)


def number_sides(binning, R_bins):
    """Return the bin of each voxel, those of the South after those of the North, -1 for none."""
    sides = np.full(binning.shape, -1)
    n_heights = len(binning.abs_Z)
    bins = np.arange(2 * binning.n_slices * n_heights).reshape(2, *binning.shape[:-2], 1, n_heights)
    for side, numbers in zip(binning.hemispheres(sides), bins, strict=True):
        side[..., R_bins, :] = numbers
    return sides


def pair_voxels(binning, state, R_bins):
    """Return North against South within the voxels of each bin of azimuth, age and abs(Z)."""
    sides = []
    for side in binning.hemispheres(np.arange(binning.size).reshape(binning.shape)):
        voxels = side[..., R_bins, :]
        chosen = np.full(binning.size, -1)
        chosen[voxels.ravel()] = np.arange(voxels.size)
        sides.append(state.pooled(chosen, voxels.size))
    n_heights = voxels.shape[-1]
    n_bins = voxels[..., 0, :].size
    bins = np.arange(n_bins).reshape(*binning.shape[:-2], 1, n_heights)
    return PairedVoxels(*sides, np.broadcast_to(bins, voxels.shape).ravel(), n_bins)


def sum_over_Z(values):
    """Return the sum over the last axis, with the same bits if North and South are exchanged."""
    half = values.shape[-1] // 2
    total = (values[..., :half] + values[..., ::-1][..., :half]).sum(axis=-1)
    return total + values[..., half] if values.shape[-1] % 2 else total


def warn_about_stars_astride(binning, state):
    """Warn about stars in a bin astride the mid-plane, which are neither North nor South."""
    n_bins = binning.shape[-1]
    if n_bins % 2 and n_bins > 1:
        middle = n_bins // 2
        n_stars = state.counts.reshape(binning.shape)[..., middle].sum()
        warn(f"{n_stars:,} stars in the bin {binning['Z'].interval(middle)}, astride the "
             "mid-plane, are neither North nor South and left out; an edge of Z at 0 includes "
             "them", CatalogWarning)
