# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars in voxels: one mergeable state that every statistic is a view of.

Pure arrays of floats. The state keeps the sorted values of each voxel, so that count, mean,
standard deviation and median are exact. The results are bit-identical however the stars were split
or shuffled, on any number of threads.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from ..exceptions import BinningError
from ..utils.arrays import frozen, lock
from ..utils.parallel import in_threads
from .index import CHUNK, StarBinner, index_dtype

__all__ = ["VoxelState", "check_same_size", "mean_and_std"]

# Voxels with up to this many stars are sorted together with all others of the same count.
MAX_BATCHED = 64
# With fewer stars per voxel than this, threads wait for each other longer than they sort.
MIN_PER_VOXEL = 400


def _group(index, values, n):
    """Return the counts of each of ``n`` places, and the values sorted by place."""
    values = np.asarray(values, float)
    # A sparse matrix of one row, converted from rows to columns, is a counting sort in C.
    ends = np.array([0, len(index)], index_dtype(len(index) + 1))
    row = csr_array((values, index, ends), shape=(1, n)).tocsc()
    return np.diff(row.indptr).astype(np.int64), row.data


def _blocks(counts):
    """Return the first and last voxels of blocks of about a chunk of stars."""
    ends = np.cumsum(counts)
    n_stars = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(CHUNK, n_stars, CHUNK)) + 1
    bounds = np.unique(np.concatenate([[0], cuts, [len(counts)]])).tolist()
    return bounds[:-1], bounds[1:]


def _sort_within(counts, values, kind=None):
    """Sort the values of each voxel in place; ``kind`` as in `numpy.sort`."""
    offsets = np.concatenate([[0], np.cumsum(counts)])

    def sort(first, last):
        # Normalise -0.0 to 0.0, so that results are bit-identical.
        values[offsets[first]:offsets[last]] += 0.0
        n, start = counts[first:last], offsets[first:last]
        for number in np.unique(n[(n > 1) & (n <= MAX_BATCHED)]):
            rows = start[n == number][:, np.newaxis] + np.arange(number)
            values[rows] = np.sort(values[rows], axis=1, kind=kind)
        more = n > MAX_BATCHED
        for a, b in zip(start[more].tolist(), (start + n)[more].tolist(), strict=True):
            values[a:b].sort(kind=kind)

    if len(values) < MIN_PER_VOXEL * np.count_nonzero(counts):
        sort(0, len(counts))
    else:
        list(in_threads(sort, *_blocks(counts)))


def check_same_size(states):
    """Raise unless the states are one or more, and have the same number of voxels."""
    sizes = {len(state.counts) for state in states}
    if len(sizes) != 1:
        raise BinningError("states that are added must be one or more of one grid; got "
                           + (f"{sorted(sizes)} voxels" if sizes else "none"))


def mean_and_std(counts, total, squares):
    """Return the mean and the standard deviation (n - 1), NaN below one and two stars."""
    mean = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return mean, np.where(counts > 1, np.sqrt(squares / np.maximum(counts - 1, 1)), np.nan)


@dataclass(frozen=True, eq=False)
class VoxelState:
    """The values of the stars in each voxel, and the number of stars outside.

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
    States of the same grid add up: ``a + b`` is, bit for bit, the state of the stars of both. The
    arrays are copied, and read-only.

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
        object.__setattr__(self, "counts", frozen(self.counts, np.int64))
        object.__setattr__(self, "values", frozen(self.values, float))

    def __reduce__(self):
        return VoxelState._wrap, (self.counts, self.values, self.n_outside, self.n_masked)

    @classmethod
    def _wrap(cls, counts, values, n_outside=0, n_masked=0):
        """Return the state of arrays that nobody else holds, without copying them."""
        state = object.__new__(cls)
        counts.flags.writeable = values.flags.writeable = False
        state.__dict__.update(counts=counts, values=values, n_outside=n_outside, n_masked=n_masked)
        return state

    @classmethod
    def from_stars(cls, index, values, n_voxels):
        """Bin stars whose voxels are known.

        Parameters
        ----------
        index : ndarray of int
            The voxel of each star, -1 outside.
        values : ndarray of float
            Their values, finite.
        n_voxels : int
            The size of the grid.

        Returns
        -------
        VoxelState
            Stars outside are counted in its ``n_outside``.

        Raises
        ------
        BinningError
            If a voxel is not in the grid.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelState
        >>> state = VoxelState.from_stars(np.array([2, 0, 2, -1]), np.array([0.3, 0, 0.1, 0.5]), 3)
        >>> print(state.counts, state.values, state.n_outside)
        [1 0 2] [0.  0.1 0.3] 1
        """
        index = np.asarray(index)
        if index.dtype.kind not in "iu":
            raise BinningError(f"index must hold integers; got {index.dtype}")
        if index.dtype not in (np.int32, np.int64):
            index = index.astype(np.int64)
        if np.max(index, initial=-1) >= n_voxels:
            raise BinningError(f"index must be below n_voxels = {n_voxels}; got {np.max(index)}")
        places = np.where(index < 0, n_voxels, index) if np.min(index, initial=0) < 0 else index
        return cls._from_places(*_group(places, values, n_voxels + 2))

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
        VoxelState
            Stars with NaN or infinity in a column or for a value are counted in its ``n_masked``.

        Raises
        ------
        BinningError
            If there is not one array of edges for each column, or the arrays differ in length.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels import VoxelState
        >>> R, m_h = np.array([8.5, 9.5, 9.0, 7.0, np.nan]), np.array([0.1, 0.0, -0.1, 0.3, 0.2])
        >>> state = VoxelState.from_columns([R], [np.array([8.0, 9.0, 10.0])], m_h)
        >>> state.counts, state.values, state.n_outside, state.n_masked
        (array([1, 2]), array([ 0.1, -0.1,  0. ]), 1, 1)
        """
        binner = StarBinner(columns, edges, np.asarray(values))
        index = binner.locate(slice(0, binner.n_stars))
        return cls._from_places(*_group(index, binner.values, binner.n_places))

    @classmethod
    def _from_places(cls, counts, values):
        # The last two places hold the stars outside and those with an unknown value.
        counts, n_outside, n_unknown = counts[:-2], int(counts[-2]), int(counts[-1])
        n_stars = len(values) - n_outside - n_unknown
        # A view keeps the memory of all stars alive: accept that up to twice what is needed.
        values = values[:n_stars] if 2 * n_stars >= len(values) else values[:n_stars].copy()
        _sort_within(counts, values)
        return cls._wrap(counts, values, n_outside, n_unknown)

    @classmethod
    def merge(cls, states):
        """Return the state of the stars of several states of one grid, in one pass.

        Parameters
        ----------
        states : iterable of VoxelState
            One or more.

        Returns
        -------
        VoxelState
            Bit-identical for any order of the states.

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
        check_same_size(states)
        if len(states) == 1:
            return states[0]
        counts = sum(state.counts for state in states)
        outside = [sum(getattr(state, name) for state in states)
                   for name in ("n_outside", "n_masked")]
        values, start = np.empty(counts.sum()), np.cumsum(counts) - counts
        # Each state is released once its values are copied.
        states.reverse()
        while states:
            state = states.pop()
            place = np.repeat(start - state.offsets[:-1], state.counts)
            place += np.arange(len(place))
            values[place] = state.values
            start = start + state.counts
        # The stable sort is fast on runs that are already sorted.
        _sort_within(counts, values, kind="stable")
        return cls._wrap(counts, values, *outside)

    def pooled(self, groups, n_groups, shift=None):
        """Return the state of groups of voxels, each taken as one voxel.

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
        """The start of the values of each voxel, and the end of the last."""
        return lock(np.concatenate([[0], np.cumsum(self.counts)]))

    @cached_property
    def _sums(self):
        """Sum of the values in each voxel, and of their squared deviations from the mean."""
        total, squares = np.zeros((2, len(self.counts)))

        def add_up(first, last):
            values = self.values[self.offsets[first]:self.offsets[last]]
            occupied = np.flatnonzero(self.counts[first:last]) + first
            if len(occupied) == 0:
                return
            # Sorted segments are summed in the same order for any split.
            n, start = self.counts[occupied], self.offsets[occupied] - self.offsets[first]
            total[occupied] = np.add.reduceat(values, start)
            deviations = np.repeat(total[occupied] / n, n)
            np.subtract(values, deviations, out=deviations)
            squares[occupied] = np.add.reduceat(np.square(deviations, out=deviations), start)

        list(in_threads(add_up, *_blocks(self.counts)))
        return lock(total), lock(squares)

    @property
    def total(self):
        """Sum of the values in each voxel, 0 where there are none."""
        return self._sums[0]

    @property
    def squares(self):
        """Sum of the squared deviations from the mean in each voxel."""
        return self._sums[1]

    @cached_property
    def mean(self):
        """Mean in each voxel, NaN where it is empty."""
        return lock(mean_and_std(self.counts, self.total, self.squares)[0])

    @cached_property
    def std(self):
        """Standard deviation in each voxel (n - 1), NaN below two stars."""
        return lock(mean_and_std(self.counts, self.total, self.squares)[1])

    @cached_property
    def median(self):
        """Median in each voxel, NaN where it is empty."""
        occupied = np.flatnonzero(self.counts)
        start, n = self.offsets[occupied], self.counts[occupied]
        median = np.full(len(self.counts), np.nan)
        median[occupied] = 0.5 * (self.values[start + (n - 1) // 2] + self.values[start + n // 2])
        return lock(median)
