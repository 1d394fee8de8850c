# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""North and South of a map: the side of each voxel, and the voxels that pair up."""

import numpy as np
from astropy import units as u

from ..exceptions import BinningError, CatalogWarning
from ..statistics.resampling import PairedVoxels
from ..utils.validation import EDGE_TOLERANCE, warn

__all__ = ["find_R_bins", "number_sides", "pair_voxels", "split_hemispheres", "sum_over_Z",
           "warn_about_stars_astride"]


def find_R_bins(binning, R_min=None, R_max=None):
    """Return the bins of R between two edges, by default all, of a map with both hemispheres."""
    if len(binning.abs_Z) == 0:
        raise BinningError("Z must have bins on both sides of the mid-plane to compare North with "
                           f"South; got {len(binning['Z'])} from "
                           f"{binning['Z'].edges[0]:g} to {binning['Z'].edges[-1]:g}")
    edges = binning["R"].edges.value
    bounds = []
    for name, wanted, default in (("R_min", R_min, 0), ("R_max", R_max, len(edges) - 1)):
        if wanted is None:
            bounds.append(default)
            continue
        value = wanted.to_value(u.kpc)
        if np.ndim(value):
            raise BinningError(f"{name} must be one edge of R of the binning; got {wanted}")
        distance = np.abs(edges - value)
        if not distance.min() <= EDGE_TOLERANCE:
            nearest = np.sort(edges[np.argsort(distance, kind="stable")[:3]])
            raise BinningError(f"{name} must be an edge of R of the binning; got {wanted}, the "
                               f"nearest are {', '.join(f'{edge:g}' for edge in nearest)} kpc")
        bounds.append(int(np.argmin(distance)))
    if bounds[0] >= bounds[1]:
        raise BinningError("R_min must be an edge of R below R_max; got "
                           f"{edges[bounds[0]]:g} and {edges[bounds[1]]:g} kpc")
    return slice(*bounds)


def split_hemispheres(values):
    """Return North and South of an array whose last axis is Z, each from the mid-plane outward."""
    half = values.shape[-1] // 2
    return values[..., values.shape[-1] - half:], values[..., :half][..., ::-1]


def number_sides(binning, R_bins):
    """Return the bin of each voxel, those of the South after those of the North, -1 for none."""
    sides = np.full(binning.shape, -1)
    n_heights = len(binning.abs_Z)
    bins = np.arange(2 * binning.n_slices * n_heights).reshape(2, *binning.shape[:-2], 1, n_heights)
    for side, numbers in zip(split_hemispheres(sides), bins, strict=True):
        side[..., R_bins, :] = numbers
    return sides


def pair_voxels(binning, state, R_bins):
    """Return North against South within the voxels of each bin of azimuth, age and abs(Z)."""
    sides = []
    for side in split_hemispheres(np.arange(binning.size).reshape(binning.shape)):
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
