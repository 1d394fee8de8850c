# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars in voxels: one mergeable state that every statistic is a view of.

Pure arrays of floats. The state keeps each voxel's values in order, so that count, mean, standard
deviation and median are exact, and come out with the same bits however the stars were split or
shuffled before.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

__all__ = ["VoxelState", "flat_index"]

# Stars binned at a time: the temporaries stay in the processor's cache.
CHUNK = 65_536


def flat_index(columns, edges):
    """The voxel of each star, as an index into the flattened grid.

    Bins are half-open, ``lower <= value < upper``, the last one closed. Values are compared with
    the edges, never computed from them, so that a star on an edge is never misplaced.

    Parameters
    ----------
    columns : sequence of ndarray
        One array of floats an axis, all of one length.
    edges : sequence of ndarray
        The increasing edges of each axis.

    Returns
    -------
    ndarray of int
        -1 for a star outside the grid or with NaN in a column.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels import flat_index
    >>> flat_index([np.array([0.0, 0.5, 1.0, 2.0, 2.1, np.nan])], [np.array([0.0, 1.0, 2.0])])
    array([ 0,  0,  1,  1, -1, -1], dtype=int32)
    """
    columns = [np.asarray(column) for column in columns]
    limits = [_edges_as(np.asarray(axis), column.dtype)
              for axis, column in zip(edges, columns, strict=True)]
    n_voxels = np.prod([len(axis) - 1 for axis in edges], dtype=np.int64)
    index = np.empty(len(columns[0]), np.int32 if n_voxels < 2**31 else np.int64)
    for start in range(0, len(index), CHUNK):
        flat = index[start:start + CHUNK]
        flat[:] = 0
        inside = np.ones(len(flat), bool)
        above = np.empty(len(flat), bool)
        for column, (lower, upper) in zip(columns, limits, strict=True):
            x = column[start:start + CHUNK]
            inside &= np.greater_equal(x, lower[0], out=above)
            inside &= np.less_equal(x, upper, out=above)
            number = np.zeros(len(flat), np.min_scalar_type(len(lower)))
            for edge in lower[1:]:
                number += np.greater_equal(x, edge, out=above).view(np.uint8)
            flat *= len(lower)
            flat += number
        flat[~inside] = -1
    return index


def _edges_as(edges, dtype):
    """Lower edges and the closing edge, such that comparison in ``dtype`` is that in float64."""
    if dtype != np.float32:
        return edges[:-1].astype(float), float(edges[-1])
    rounded = edges.astype(np.float32)
    up = np.where(rounded < edges, np.nextafter(rounded, np.float32(np.inf)), rounded)
    down = np.where(rounded > edges, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return up[:-1], down[-1]


@dataclass(frozen=True, eq=False)
class VoxelState:
    """The values of the stars in each voxel, and how many stars are in none.

    Parameters
    ----------
    counts : ndarray of int
        Stars in each voxel of the flattened grid.
    values : ndarray of float
        The stars' values, voxel after voxel, increasing within each.
    n_outside, n_masked : int
        Stars outside the grid; stars without a value or a position.

    Notes
    -----
    States of the same grid add up: ``a + b`` is, bit for bit, the state of the stars of both.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels import VoxelState
    >>> a = VoxelState.from_stars(np.array([0, 1, 0, -1]), np.array([0.1, 0.3, 0.2, 0.5]), 3)
    >>> b = VoxelState.from_stars(np.array([0, 1]), np.array([0.6, 0.1]), 3)
    >>> (a + b).counts, (a + b).mean, (a + b).median, (a + b).n_outside
    (array([3, 2, 0]), array([0.3, 0.2, nan]), array([0.2, 0.2, nan]), 1)
    """

    counts: np.ndarray
    values: np.ndarray
    n_outside: int = 0
    n_masked: int = 0

    def __post_init__(self):
        self.counts.flags.writeable = False
        self.values.flags.writeable = False

    @classmethod
    def from_stars(cls, index, values, n_voxels, *, n_masked=0):
        """The state of stars with a known voxel.

        Parameters
        ----------
        index : ndarray of int
            The voxel of each star, -1 outside.
        values : ndarray of float
            Their values, finite.
        n_voxels : int
            The size of the grid.
        n_masked : int, optional
            Stars that were left out before because something is not known of them.

        Returns
        -------
        VoxelState
            Stars outside are counted in its ``n_outside``.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelState
        >>> state = VoxelState.from_stars(np.array([2, 0, 2, -1]), np.array([0.3, 0, 0.1, 0.5]), 3)
        >>> print(state.counts, state.values, state.n_outside)
        [1 0 2] [0.  0.1 0.3] 1
        """
        inside = index >= 0
        n_outside = len(index) - int(np.count_nonzero(inside))
        if n_outside:
            index, values = index[inside], values[inside]
        # The conversion from rows to columns of a sparse matrix is a counting sort, in C.
        stars = csr_array((np.asarray(values, float), index, np.arange(len(index) + 1)),
                          shape=(len(index), n_voxels)).tocsc()
        offsets, grouped = stars.indptr, stars.data
        for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            if stop - start > 1:
                grouped[start:stop].sort()
        return cls(np.diff(offsets).astype(np.int64), grouped, n_outside, n_masked)

    @classmethod
    def merge(cls, states):
        """The state of all stars of several states of one grid, in one pass.

        Parameters
        ----------
        states : iterable of VoxelState
            One or more.

        Returns
        -------
        VoxelState
            The same, bit for bit, in whatever order they come.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelState
        >>> states = [VoxelState.from_stars(np.array([0]), np.array([m_h]), 1)
        ...           for m_h in (0.2, -0.1, 0.0)]
        >>> print(VoxelState.merge(states).median)
        [0.]
        """
        states = list(states)
        if len(states) == 1:
            return states[0]
        n_voxels = len(states[0].counts)
        voxels = np.arange(n_voxels, dtype=np.int32 if n_voxels < 2**31 else np.int64)
        merged = cls.from_stars(
            np.concatenate([np.repeat(voxels, state.counts) for state in states]),
            np.concatenate([state.values for state in states]), n_voxels)
        return cls(merged.counts, merged.values, sum(state.n_outside for state in states),
                   sum(state.n_masked for state in states))

    def pooled(self, groups, n_groups, shift=None):
        """The state of groups of voxels, each taken as one.

        Parameters
        ----------
        groups : ndarray of int
            The group of each voxel, -1 for one that is left out.
        n_groups : int
            How many groups there are.
        shift : ndarray, optional
            What to subtract from the values of each voxel.

        Returns
        -------
        VoxelState
            Its ``n_outside`` counts the stars of voxels that are left out.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelState
        >>> state = VoxelState.from_stars(np.array([0, 1, 1, 2]), np.array([0.1, 0.2, 0.4, 0.9]), 3)
        >>> pooled = state.pooled(np.array([0, 0, -1]), 1)
        >>> print(pooled.median, pooled.n_outside)
        [0.2] 1
        """
        values = self.values if shift is None else self.values - np.repeat(shift, self.counts)
        return self.from_stars(np.repeat(groups, self.counts), values, n_groups)

    def __add__(self, other):
        if not isinstance(other, VoxelState):
            return NotImplemented
        return self.merge([self, other])

    @property
    def n_stars(self):
        """Stars inside the grid."""
        return len(self.values)

    @cached_property
    def offsets(self):
        """Where each voxel's values start, and where the last one's end."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def _per_voxel(self, occupied, results):
        filled = np.full(len(self.counts), np.nan)
        filled[occupied] = results
        return filled

    def _sum(self, values, occupied):
        # Segments in increasing order: the same numbers in the same order for any split.
        return np.add.reduceat(values, self.offsets[:-1][occupied]) if occupied.any() else []

    @cached_property
    def total(self):
        """Sum of the values in each voxel, 0 where there are none."""
        occupied = self.counts > 0
        return np.nan_to_num(self._per_voxel(occupied, self._sum(self.values, occupied)), nan=0.0)

    @cached_property
    def mean(self):
        """Mean in each voxel, NaN where it is empty."""
        occupied = self.counts > 0
        return self._per_voxel(occupied, self.total[occupied] / self.counts[occupied])

    @cached_property
    def std(self):
        """Standard deviation in each voxel (n - 1), NaN below two stars."""
        several = self.counts > 1
        squares = (self.values - np.repeat(self.mean, self.counts)) ** 2
        occupied = self.counts > 0
        spread = self._per_voxel(occupied, self._sum(squares, occupied))
        return self._per_voxel(several, np.sqrt(spread[several] / (self.counts[several] - 1)))

    @cached_property
    def median(self):
        """Median in each voxel, NaN where it is empty."""
        occupied = self.counts > 0
        start, n = self.offsets[:-1][occupied], self.counts[occupied]
        middle = 0.5 * (self.values[start + (n - 1) // 2] + self.values[start + n // 2])
        return self._per_voxel(occupied, middle)
