# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Counts, means and standard deviations in voxels, in memory that does not grow with the stars."""

from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from ..exceptions import ValuesNotKeptError
from ..utils.arrays import ReadOnlyArrays, frozen, lock
from ..utils.parallel import in_threads
from .index import MIN_PER_THREAD, StarBinner
from .state import VoxelState, check_same_size, mean_and_std

__all__ = ["VoxelMoments"]


@dataclass(frozen=True, eq=False)
class VoxelMoments(ReadOnlyArrays):
    """Count, mean and standard deviation in each voxel, without the stars' values.

    A `VoxelState` for any number of stars: whatever needs the values (medians, bootstraps and
    permutation tests) raises a `~rcasym.exceptions.ValuesNotKeptError`.

    Parameters
    ----------
    counts : ndarray of int
        Stars in each voxel of the flattened grid.
    total : ndarray of float
        Sum of their values.
    squares : ndarray of float
        Sum of the squared deviations of their values from the mean of the voxel.
    n_outside, n_masked : int
        Stars outside the grid; stars without a value or a position.

    Notes
    -----
    Moments of the same grid add up, ``a + b``, to rounding (Chan, Golub & LeVeque 1983, The
    American Statistician 37, 242).

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels import VoxelMoments
    >>> R, m_h = np.array([8.5, 9.5, 9.0, 7.0, np.nan]), np.array([0.1, 0.0, -0.1, 0.3, 0.2])
    >>> moments = VoxelMoments.from_columns([R], [np.array([8.0, 9.0, 10.0])], m_h)
    >>> (moments + moments).counts, moments.mean, moments.std
    (array([2, 4]), array([ 0.1 , -0.05]), array([       nan, 0.07071068]))
    >>> hasattr(moments, "median")
    False
    """

    counts: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    n_outside: int = 0
    n_masked: int = 0

    def __post_init__(self):
        object.__setattr__(self, "counts", frozen(self.counts, np.int64))
        object.__setattr__(self, "total", frozen(self.total, float))
        object.__setattr__(self, "squares", frozen(self.squares, float))

    @classmethod
    def from_columns(cls, columns, edges, values):
        """Bin stars by their coordinates.

        Parameters
        ----------
        columns : sequence of ndarray
            One array of numbers of any type per axis, all of the same length.
        edges : sequence of ndarray
            The increasing edges of each axis; bins are half-open, the last one closed.
        values : ndarray
            The stars' values.

        Returns
        -------
        VoxelMoments
            Stars with NaN or infinity in a column or for a value are counted in its ``n_masked``.

        Raises
        ------
        BinningError
            If there is not one array of edges for each column, or the arrays differ in length.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelMoments
        >>> R, edges = np.linspace(8, 9.9, 20), [np.array([8.0, 9.0, 10.0])]
        >>> print(VoxelMoments.from_columns([R], edges, -0.1 * R).mean.round(3))
        [-0.845 -0.945]
        """
        binner = StarBinner(columns, edges, np.asarray(values))
        # Pieces of a fixed size, added in order, give the same bits on any number of threads.
        size = max(MIN_PER_THREAD, 8 * binner.n_places)

        def piece(start):
            stars = slice(start, min(start + size, binner.n_stars))
            index = binner.locate(stars, np.intp)
            x = binner.values[stars].astype(float, copy=False)
            return cls._from_places(index, np.where(np.isfinite(x), x, 0), binner.n_places)

        return reduce(cls.__add__, in_threads(piece, range(0, max(binner.n_stars, 1), size)))

    @classmethod
    def _from_places(cls, index, x, n_places):
        counts = np.bincount(index, minlength=n_places)
        total = np.bincount(index, x, n_places)
        mean = total / np.maximum(counts, 1)
        x = x - mean.take(index, mode="clip")
        squares = np.bincount(index, np.square(x, out=x), n_places)
        return cls(counts[:-2], total[:-2], squares[:-2], int(counts[-2]), int(counts[-1]))

    def __add__(self, other):
        if isinstance(other, VoxelState):
            raise ValuesNotKeptError("states that are added must both keep the values of their "
                                     "stars or both not; got VoxelMoments and VoxelState")
        if not isinstance(other, VoxelMoments):
            return NotImplemented
        check_same_size([self, other])
        counts = self.counts + other.counts
        apart = (self.total / np.maximum(self.counts, 1)
                 - other.total / np.maximum(other.counts, 1))
        apart *= apart
        apart *= self.counts * (other.counts / np.maximum(counts, 1))
        return VoxelMoments(counts, self.total + other.total, self.squares + other.squares + apart,
                            self.n_outside + other.n_outside, self.n_masked + other.n_masked)

    __radd__ = __add__

    def __getattr__(self, name):
        if name in ("values", "offsets", "median"):
            raise ValuesNotKeptError(
                "the values of the stars are not kept in a map made with medians=False: it has no "
                "medians, no bootstrap and no permutation test. profile(statistic='mean') works, "
                "and so does everything else with medians=True")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def n_stars(self):
        """Stars inside the grid."""
        return int(self.counts.sum())

    @cached_property
    def mean(self):
        """Mean in each voxel, NaN where it is empty."""
        return lock(mean_and_std(self.counts, self.total, self.squares)[0])

    @cached_property
    def std(self):
        """Standard deviation in each voxel (n - 1), NaN below two stars."""
        return lock(mean_and_std(self.counts, self.total, self.squares)[1])

    def pooled(self, groups, n_groups, shift=None):
        """Return the moments of groups of voxels, each taken as one voxel.

        Parameters
        ----------
        groups : ndarray of int
            The group of each voxel, -1 to leave it out.
        n_groups : int
            How many groups there are.
        shift : ndarray, optional
            What to subtract from the values of each voxel.

        Returns
        -------
        VoxelMoments
            Its ``n_outside`` counts the stars of voxels that are left out.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelMoments
        >>> moments = VoxelMoments(np.array([1, 1, 4]), np.array([0.1, 0.3, 0.4]), np.zeros(3))
        >>> pooled = moments.pooled(np.array([0, 0, -1]), 1)
        >>> print(pooled.mean, pooled.std.round(3), pooled.n_outside)
        [0.2] [0.141] 4
        """
        chosen = (groups >= 0) & (self.counts > 0)
        groups, n, squares = groups[chosen], self.counts[chosen], self.squares[chosen]
        mean = self.total[chosen] / n - (0 if shift is None else shift[chosen])
        counts = np.bincount(groups, n, n_groups).astype(np.int64)
        total = np.bincount(groups, n * mean, n_groups)
        apart = mean - (total / np.maximum(counts, 1))[groups]
        return VoxelMoments(counts, total, np.bincount(groups, squares + n * apart**2, n_groups),
                            self.n_stars - int(n.sum()))
