# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bootstrap samples of medians and means, and permutations of labels within voxels."""

from functools import cached_property

import numpy as np

from ..utils.parallel import generators, in_threads
from ..utils.validation import check_choice, check_rng, check_whole
from .estimates import STATISTICS, welch_dof

__all__ = ["bootstrap", "PairedVoxels"]

# Resamples are drawn in blocks of about this many numbers, small enough for the CPU cache.
BLOCK_SIZE = 2**16


def bootstrap(state, statistic="median", n=1000, rng=None):
    """Return medians or means of bootstrap samples of each group.

    Parameters
    ----------
    state : `~rcasym.voxels.VoxelState`
        The groups.
    statistic : {"median", "mean"}, optional
        By default the median.
    n : int, optional
        The number of samples; by default 1,000.
    rng : int or `~numpy.random.Generator`, optional
        A seed or a generator; random by default.

    Returns
    -------
    ndarray, shape (n, groups)
        NaN for an empty group.

    Notes
    -----
    The median of a bootstrap sample of n values is one of them, and its rank follows from the m-th
    of n uniform numbers, a Beta deviate; for even n, the two middle ranks are drawn together. So
    medians need no resampling. Means do.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics import bootstrap, estimate
    >>> from rcasym.voxels import VoxelState
    >>> stars = VoxelState.from_stars(np.zeros(5, int), np.array([0.1, 0.2, 0.3, 0.5, 0.9]), 1)
    >>> print(f"{bootstrap(stars, n=20_000, rng=1).std():.2f}, {estimate(stars).error[0]:.2f}")
    0.18, 0.18
    """
    check_choice("statistic", statistic, STATISTICS)
    check_whole("n", n, least=1)
    rng = check_rng(rng)
    draw = _bootstrap_medians if statistic == "median" else _bootstrap_means
    samples = np.full((n, len(state.counts)), np.nan)

    groups = np.flatnonzero(state.counts).tolist()
    values = [state.values[state.offsets[group]:state.offsets[group + 1]] for group in groups]
    drawn = in_threads(lambda x, own: draw(x, n, own), values, generators(rng, len(groups)))
    for group, column in zip(groups, drawn, strict=True):
        samples[:, group] = column
    return samples


def _bootstrap_medians(x, n, rng):
    size = len(x)
    m = (size + 1) // 2
    u = rng.beta(m, size - m + 1, n)
    low = x[np.minimum((u * size).astype(np.int64), size - 1)]
    if size % 2:
        return low
    # The upper middle rank: the smallest of m uniform numbers above u.
    u += (1 - u) * -np.expm1(np.log1p(-rng.random(n)) / m)
    return 0.5 * (low + x[np.minimum((u * size).astype(np.int64), size - 1)])


def _bootstrap_means(x, n, rng):
    size = len(x)
    rows = max(BLOCK_SIZE // size, 1)
    return np.concatenate([
        x[rng.integers(size, size=(min(rows, n - start), size))].mean(axis=1)
        for start in range(0, n, rows)])


class PairedVoxels:
    """The comparison of North and South within voxels, and its distribution for permuted labels.

    The sum of a voxel adds the values of its northern stars, each minus the mean of the voxel,
    which is the difference of the two means times n_N n_S / (n_N + n_S). All results are per bin:
    ``weight`` is the sum of these factors, the effective number of pairs, and ``sum`` the sum of
    the voxels. ``difference`` (North minus South), its standard error ``error`` from the scatter on
    either side and the ``dof`` of that are NaN where nothing can be compared. ``null_std`` is the
    standard deviation of ``sum`` over all permutations. ``n_north`` and ``n_south`` count the stars
    in voxels with both sides, ``n_unpaired`` the others.
    """

    def __init__(self, north, south, bins, n_bins):
        self.north, self.south, self.bins, self.n_bins = north, south, bins, n_bins
        n, s = north.counts, south.counts
        paired = (n > 0) & (s > 0)

        def per_bin(values, dtype=float):
            return np.bincount(bins[paired], values[paired], n_bins).astype(dtype)

        self.n_north, self.n_south = per_bin(n, int), per_bin(s, int)
        self.n_unpaired = np.bincount(bins, n + s, n_bins).astype(int) - self.n_north - self.n_south
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = n * s / (n + s)
            self.weight = per_bin(weight)
            step = north.mean - south.mean
            self.sum = per_bin(weight * step)
            self.difference = self.sum / np.where(self.weight > 0, self.weight, np.nan)
            # The scatter within voxels is pooled per bin, since many voxels have few stars.
            squares = [np.where(x.counts > 1, (x.counts - 1) * x.std**2, 0) for x in (north, south)]
            dof = [per_bin(side.counts) - per_bin(np.ones(len(n))) for side in (north, south)]
            variance = [per_bin(square) / degrees * per_bin(weight**2 / side.counts)
                        for square, degrees, side in zip(squares, dof, (north, south), strict=True)]
            self.error = np.sqrt(sum(variance)) / self.weight
            self.dof = welch_dof(variance, dof)
            # The variance of the sum of n_N values drawn from n without replacement.
            spread = squares[0] + squares[1] + weight * step**2
            self.null_std = np.sqrt(per_bin(weight * spread / (n + s - 1)))

    @cached_property
    def _voxels(self):
        """For each voxel with both sides: bin, stars to draw, sign of their sum, and deviations."""
        voxels = []
        n, s = self.north.counts, self.south.counts
        for k in np.flatnonzero((n > 0) & (s > 0)).tolist():
            values = np.concatenate([side.values[side.offsets[k]:side.offsets[k + 1]]
                                     for side in (self.north, self.south)])
            values -= values.mean()
            # Drawing the smaller side is enough: the deviations add up to zero.
            fewer, sign = (n[k], 1.0) if n[k] <= s[k] else (s[k], -1.0)
            voxels.append((int(self.bins[k]), int(fewer), sign, values))
        return voxels

    def permuted(self, n, rng):
        """Return ``n`` draws of ``sum`` with the labels North and South permuted within voxels."""
        sums = np.zeros((n, self.n_bins))
        for bin_, fewer, sign, values in self._voxels:
            rows = max(BLOCK_SIZE // len(values), 1)
            for start in range(0, n, rows):
                part = sums[start:start + rows, bin_]
                mixed = np.tile(values, (len(part), 1))
                rng.permuted(mixed, axis=1, out=mixed)
                part += sign * mixed[:, :fewer].sum(axis=1)
        return sums
