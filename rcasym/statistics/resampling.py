# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Bootstrap samples of medians and means, and permutations of North and South within voxels."""

from functools import cached_property

import numpy as np

from ..utils.parallel import generators, in_threads
from .estimates import welch_dof

__all__ = ["bootstrap", "PairedVoxels"]

# Resamples or permutations are drawn in blocks of about this many numbers, which stay in cache.
BLOCK = 2**16


def bootstrap(state, statistic="median", n=1000, rng=None):
    """Draw medians or means of bootstrap samples of each group.

    Parameters
    ----------
    state : `~rcasym.voxels.VoxelState`
        The groups.
    statistic : {"median", "mean"}, optional
        By default the median.
    n : int, optional
        Samples; by default 1,000.
    rng : int or `~numpy.random.Generator`, optional
        Seed, or the generator to draw from.

    Returns
    -------
    ndarray, shape (n, groups)
        NaN for an empty group.

    Notes
    -----
    The median of a bootstrap sample of n sorted values is one of them, whose rank is the m-th of n
    uniform numbers, a Beta deviate; for even n the two ranks in the middle are drawn together. So
    no median needs any resampling. Means do.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics import bootstrap, estimate
    >>> from rcasym.voxels import VoxelState
    >>> stars = VoxelState.from_stars(np.zeros(5, int), np.array([0.1, 0.2, 0.3, 0.5, 0.9]), 1)
    >>> print(f"{bootstrap(stars, n=20_000, rng=1).std():.2f}, {estimate(stars).error[0]:.2f}")
    0.18, 0.18
    """
    rng = np.random.default_rng(rng)
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
    # The next of the larger half of the ranks: the least of m uniform numbers above u.
    u += (1 - u) * -np.expm1(np.log1p(-rng.random(n)) / m)
    return 0.5 * (low + x[np.minimum((u * size).astype(np.int64), size - 1)])


def _bootstrap_means(x, n, rng):
    size = len(x)
    rows = max(BLOCK // size, 1)
    return np.concatenate([
        x[rng.integers(size, size=(min(rows, n - start), size))].mean(axis=1)
        for start in range(0, n, rows)])


class PairedVoxels:
    """North against South within voxels, and what permuted labels make of it.

    The statistic of a voxel is the sum over its stars of the North of their values less the
    voxel's mean, which is ``weight`` times the difference of the two means. Voxels of one bin add
    up.

    Parameters
    ----------
    north, south : `~rcasym.voxels.VoxelState`
        The voxels of either side, in the same order.
    bins : ndarray of int
        The bin of each voxel.
    n_bins : int
        How many bins there are.

    Attributes
    ----------
    weight : ndarray
        Effective number of pairs of each bin: the sum of n_N n_S / (n_N + n_S) over its voxels.
    difference, error, dof : ndarray
        North less South of each bin within voxels, its standard error from the scatter on either
        side, and the degrees of freedom of that; NaN where nothing can be compared.
    sum, null_std : ndarray
        ``weight * difference``, and its standard deviation over all permutations.
    n_north, n_south, n_unpaired : ndarray of int
        Stars of each bin in voxels that have both sides, and in those that do not.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.statistics import PairedVoxels
    >>> from rcasym.voxels import VoxelState
    >>> north, south = (VoxelState.from_stars(np.array([0, 0, 1]), np.array(m_h), 2)
    ...                 for m_h in ([0.1, 0.3, -0.2], [0.0, 0.1, -0.3]))
    >>> bin_ = PairedVoxels(north, south, bins=np.array([0, 0]), n_bins=1)
    >>> print(bin_.weight, bin_.difference.round(2))
    [1.5] [0.13]
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
            # Scatter within voxels, all voxels of a bin together, since many have few stars.
            squares = [np.where(x.counts > 1, (x.counts - 1) * x.std**2, 0) for x in (north, south)]
            dof = [per_bin(side.counts) - per_bin(np.ones(len(n))) for side in (north, south)]
            variance = [per_bin(square) / degrees * per_bin(weight**2 / side.counts)
                        for square, degrees, side in zip(squares, dof, (north, south), strict=True)]
            self.error = np.sqrt(sum(variance)) / self.weight
            self.dof = welch_dof(variance, dof)
            # Variance of the sum of n_N values drawn from n without replacement.
            spread = squares[0] + squares[1] + weight * step**2
            self.null_std = np.sqrt(per_bin(weight * spread / (n + s - 1)))

    @cached_property
    def _voxels(self):
        """Of each voxel with both sides: its bin, how many stars to draw, the sign of their sum,
        and all values less their mean."""
        voxels = []
        n, s = self.north.counts, self.south.counts
        for k in np.flatnonzero((n > 0) & (s > 0)).tolist():
            values = np.concatenate([side.values[side.offsets[k]:side.offsets[k + 1]]
                                     for side in (self.north, self.south)])
            values -= values.mean()
            # The smaller side is drawn; the values add up to zero, so the other is its negative.
            fewer, sign = (n[k], 1.0) if n[k] <= s[k] else (s[k], -1.0)
            voxels.append((int(self.bins[k]), int(fewer), sign, values))
        return voxels

    def permuted(self, n, rng):
        """The sums of all bins with the labels North and South of each voxel permuted.

        Parameters
        ----------
        n : int
            Permutations.
        rng : `~numpy.random.Generator`
            What to draw from.

        Returns
        -------
        ndarray of shape (n, n_bins)
            What ``sum`` would be.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.statistics import PairedVoxels
        >>> from rcasym.voxels import VoxelState
        >>> north, south = (VoxelState.from_stars(np.zeros(3, int), np.array(m_h), 1)
        ...                 for m_h in ([0.1, 0.3, 0.2], [0.0, 0.1, -0.3]))
        >>> bin_ = PairedVoxels(north, south, bins=np.array([0]), n_bins=1)
        >>> sums = bin_.permuted(999, np.random.default_rng(1))
        >>> print(np.mean(np.abs(sums) >= bin_.sum).round(1))
        0.1
        """
        sums = np.zeros((n, self.n_bins))
        for bin_, fewer, sign, values in self._voxels:
            rows = max(BLOCK // len(values), 1)
            for start in range(0, n, rows):
                part = sums[start:start + rows, bin_]
                mixed = np.tile(values, (len(part), 1))
                rng.permuted(mixed, axis=1, out=mixed)
                part += sign * mixed[:, :fewer].sum(axis=1)
        return sums
