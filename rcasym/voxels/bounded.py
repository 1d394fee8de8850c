# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Voxels of more stars than memory holds: moments, and exact medians in two passes.

The first pass counts each voxel's values in narrow steps, which tells in which step its median
lies; the second keeps the values of that step alone. Pure arrays of floats.
"""

from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from ..exceptions import RcasymError
from ..utils.parallel import in_threads
from .index import LEAST, Grid
from .state import blocks, grouped, mean_of, sort_within, std_of

__all__ = ["VoxelMoments", "FirstPass", "SecondPass", "VoxelSummary"]

# Steps of the values, dex; what is beyond the ends counts as in the first or the last step.
LOWEST, STEP, N_STEPS = -3.0, 0.02, 225


def _steps(values):
    """The step of each value. It never falls as the value grows, which is all that it takes."""
    return np.clip((values - LOWEST) / STEP, 0, N_STEPS - 1).astype(np.intp)


def _pieces(columns, edges, values, function):
    """Results of ``function`` for pieces of the stars: the place of each and its value.

    Pieces are of one size and come in order: the same bits on any number of threads.
    """
    grid = Grid(columns, edges, np.asarray(values))
    size = max(LEAST, 8 * grid.n_places)

    def piece(start):
        stars = slice(start, min(start + size, grid.n_stars))
        index = grid.locate(stars, np.intp)
        x = grid.values[stars].astype(float, copy=False)
        finite = np.isfinite(x)
        return function(index, x if finite.all() else np.where(finite, x, 0), grid.n_voxels)

    return in_threads(piece, range(0, max(grid.n_stars, 1), size))


@dataclass(frozen=True, eq=False)
class VoxelMoments:
    """Count, mean and standard deviation in each voxel, without the stars' values.

    Parameters
    ----------
    counts : ndarray of int
        Stars in each voxel of the flattened grid.
    total : ndarray of float
        Sum of their values.
    squares : ndarray of float
        Sum of the squared deviations of their values from the voxel's mean.
    n_outside, n_masked : int
        Stars outside the grid; stars without a value or a position.

    Notes
    -----
    Moments of the same grid add up, ``a + b``, to rounding (Chan, Golub & LeVeque 1983, The
    American Statistician 37, 242).

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels.bounded import VoxelMoments
    >>> R, m_h = np.array([8.5, 9.5, 9.0, 7.0, np.nan]), np.array([0.1, 0.0, -0.1, 0.3, 0.2])
    >>> moments = VoxelMoments.from_columns([R], [np.array([8.0, 9.0, 10.0])], m_h)
    >>> (moments + moments).counts, moments.mean, moments.std
    (array([2, 4]), array([ 0.1 , -0.05]), array([       nan, 0.07071068]))
    """

    counts: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    n_outside: int = 0
    n_masked: int = 0

    def __post_init__(self):
        for array in (self.counts, self.total, self.squares):
            array.flags.writeable = False

    @classmethod
    def from_columns(cls, columns, edges, values):
        """The moments of stars with known positions.

        Besides the columns, it takes some megabytes of memory a thread and 24 bytes a voxel.

        Parameters
        ----------
        columns : sequence of ndarray
            One array of numbers an axis; see `rcasym.voxels.index.flat_index`.
        edges : sequence of ndarray
            The increasing edges of each axis.
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
        >>> from rcasym.voxels.bounded import VoxelMoments
        >>> R, edges = np.linspace(8, 9.9, 20), [np.array([8.0, 9.0, 10.0])]
        >>> print(VoxelMoments.from_columns([R], edges, -0.1 * R).mean.round(3))
        [-0.845 -0.945]
        """
        return reduce(cls.__add__, _pieces(columns, edges, values, cls._of_places))

    @classmethod
    def _of_places(cls, index, x, n_voxels):
        counts = np.bincount(index, minlength=n_voxels + 2)
        total = np.bincount(index, x, n_voxels + 2)
        mean = total / np.maximum(counts, 1)
        x = x - mean.take(index, mode="clip")
        squares = np.bincount(index, np.square(x, out=x), n_voxels + 2)
        return cls(counts[:-2], total[:-2], squares[:-2], int(counts[-2]), int(counts[-1]))

    def __add__(self, other):
        if not isinstance(other, VoxelMoments):
            return NotImplemented
        counts = self.counts + other.counts
        apart = (self.total / np.maximum(self.counts, 1)
                 - other.total / np.maximum(other.counts, 1))
        apart *= apart
        apart *= self.counts * (other.counts / np.maximum(counts, 1))
        return VoxelMoments(counts, self.total + other.total, self.squares + other.squares + apart,
                            self.n_outside + other.n_outside, self.n_masked + other.n_masked)

    def _not_kept(self):
        raise RcasymError(
            "the values of the stars are not kept in a map that was made with a memory_limit below "
            "what they take: it has no permutation test, no bootstrap, no medians of several "
            "voxels together, and cannot be added to another. profile(statistic='mean') works, and "
            "all else with a larger memory_limit")

    values = property(_not_kept, doc="Raises: the values of the stars are not kept.")
    offsets = property(_not_kept, doc="Raises, as ``values`` does.")

    @property
    def n_stars(self):
        """Stars inside the grid."""
        return int(self.counts.sum())

    @cached_property
    def mean(self):
        """Mean in each voxel, NaN where it is empty."""
        return mean_of(self.counts, self.total)

    @cached_property
    def std(self):
        """Standard deviation in each voxel (n - 1), NaN below two stars."""
        return std_of(self.counts, self.squares)

    def pooled(self, groups, n_groups, shift=None):
        """The moments of groups of voxels, each taken as one.

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
        VoxelMoments
            Its ``n_outside`` counts the stars of voxels that are left out.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym.voxels.bounded import VoxelMoments
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


@dataclass(frozen=True, eq=False)
class FirstPass:
    """Moments of each voxel, and how many of its values are in each step.

    Parameters
    ----------
    moments : VoxelMoments
        Counts, sums and squares.
    steps : ndarray of int
        One row a voxel: the number of values in each step.

    Examples
    --------
    Medians of two batches of stars that are never in memory together:

    >>> import numpy as np
    >>> from rcasym.voxels.bounded import FirstPass, SecondPass
    >>> from rcasym.voxels import VoxelState
    >>> edges = [np.array([8.0, 9.0, 10.0])]
    >>> batches = [([np.array([8.5, 9.5])], np.array([0.1, 0.0])),
    ...            ([np.array([8.2, 9.1])], np.array([0.3, -0.1]))]
    >>> one, other = (FirstPass.from_state(VoxelState.from_columns(R, edges, m_h))
    ...               for R, m_h in batches)
    >>> first = one + other
    >>> second = [SecondPass.from_columns(first, R, edges, m_h) for R, m_h in batches]
    >>> print(SecondPass.merge(second).summary().median)
    [ 0.2  -0.05]
    """

    moments: VoxelMoments
    steps: np.ndarray

    @classmethod
    def from_state(cls, state):
        """The first pass over the stars of a `~rcasym.voxels.VoxelState`."""
        moments = VoxelMoments(state.counts, state.total, state.squares, state.n_outside,
                               state.n_masked)
        steps = np.zeros((len(state.counts), N_STEPS), np.int32)
        for first, last in zip(*blocks(state.counts), strict=True):
            values = state.values[state.offsets[first]:state.offsets[last]]
            cells = np.repeat(np.arange(last - first) * N_STEPS, state.counts[first:last])
            cells += _steps(values)
            steps[first:last] = np.bincount(
                cells, minlength=(last - first) * N_STEPS).reshape(-1, N_STEPS)
        return cls(moments, steps)

    def __add__(self, other):
        return FirstPass(self.moments + other.moments, self.steps + other.steps)

    @cached_property
    def wanted(self):
        """The steps of the two middle values of each voxel, shape (2, n)."""
        n, below = self.moments.counts, np.cumsum(self.steps, axis=1)
        steps = [np.sum(below <= rank[:, np.newaxis], axis=1) for rank in ((n - 1) // 2, n // 2)]
        # A voxel without stars wants nothing.
        return np.where(n > 0, np.stack(steps), -1)

    @cached_property
    def kept(self):
        """How many values of each voxel the second pass is going to keep."""
        voxels, (low, high) = np.arange(len(self.steps)), self.wanted
        n = np.where(low >= 0, self.steps[voxels, low], 0).astype(np.int64)
        return n + np.where(high > low, self.steps[voxels, high], 0)

    @property
    def nbytes(self):
        """Memory that the steps take, and the second pass on top of it, at its peak."""
        return self.steps.nbytes + 16 * int(self.kept.sum())

    @property
    def exact_nbytes(self):
        """Memory of all values, and of the state that they add up to."""
        return 16 * self.moments.n_stars

    def check(self, limit, part=1.0):
        """Raise if the second pass is not within a limit of the memory.

        These stars are ``part`` of all, of which the message says what they need.
        """
        if self.nbytes > limit:
            needed = min(self.steps.nbytes + (self.nbytes - self.steps.nbytes) / part,
                         self.exact_nbytes / part)
            # What is told of a part may be a little more for the whole.
            needed *= 1.0 if part == 1 else 1.2
            raise RcasymError(f"memory_limit must be {np.ceil(needed):,.0f} bytes or more for "
                              f"these stars and this binning; got {limit:,.0f}")


@dataclass(frozen=True, eq=False)
class SecondPass:
    """The values of each voxel that share a step with its two middle ones.

    Parameters
    ----------
    first : FirstPass
        Of all stars.
    counts : ndarray of int
        Values that are kept of each voxel.
    values : ndarray of float
        These values, voxel after voxel.

    Examples
    --------
    See `FirstPass`.

    >>> import numpy as np
    >>> from rcasym.voxels.bounded import FirstPass, SecondPass
    >>> from rcasym.voxels import VoxelState
    >>> R, edges, m_h = [np.array([8.2, 8.3, 8.4])], [np.array([8.0, 9.0])], np.array([0, 0.5, 1])
    >>> first = FirstPass.from_state(VoxelState.from_columns(R, edges, m_h))
    >>> SecondPass.from_columns(first, R, edges, m_h).values
    array([0.5])
    """

    first: FirstPass
    counts: np.ndarray
    values: np.ndarray

    @classmethod
    def from_columns(cls, first, columns, edges, values):
        """The second pass over some stars; arguments as those of `VoxelMoments.from_columns`."""
        # No star outside the grid is in a step that is wanted.
        low, high = np.pad(first.wanted, ((0, 0), (0, 2)), constant_values=-1)

        def keep(index, x, n_voxels):
            step = _steps(x)
            kept = (step == low[index]) | (step == high[index])
            return cls(first, *grouped(index[kept], x[kept], n_voxels))

        return cls.merge(_pieces(columns, edges, values, keep))

    @classmethod
    def merge(cls, parts):
        """All that was kept of several parts of the stars."""
        parts = list(parts)
        voxels = np.arange(len(parts[0].counts))
        return cls(parts[0].first, *grouped(
            np.concatenate([np.repeat(voxels, part.counts) for part in parts]),
            np.concatenate([part.values for part in parts]), len(voxels)))

    def summary(self):
        """Count, mean, standard deviation and median of all stars."""
        if not np.array_equal(self.counts, self.first.kept):
            raise RcasymError("batches must be the same in the second pass as in the first; got "
                              f"{self.counts.sum():,} values about the medians instead of "
                              f"{self.first.kept.sum():,}")
        n, (low, _) = self.first.moments.counts, self.first.wanted
        values = self.values.copy()
        sort_within(self.counts, values)
        # The rank of the first value that is kept: what lies between the two steps is empty.
        below = np.cumsum(self.first.steps, axis=1) - self.first.steps
        first = np.cumsum(self.counts) - self.counts - below[np.arange(len(n)), np.maximum(low, 0)]
        occupied, median = n > 0, np.full(len(n), np.nan)
        n, first = n[occupied], first[occupied]
        median[occupied] = 0.5 * (values[first + (n - 1) // 2] + values[first + n // 2])
        return VoxelSummary(**vars(self.first.moments), median=median)


@dataclass(frozen=True, eq=False)
class VoxelSummary(VoxelMoments):
    """Count, mean, standard deviation and median in each voxel, of stars that are not kept.

    What `~rcasym.voxels.VoxelState` is for all else, this is for more stars than memory holds. It
    cannot give what needs the values of the stars: medians of several voxels together,
    permutations, and the sum with another map.

    Parameters
    ----------
    counts, total, squares, n_outside, n_masked : ndarray or int
        As in `VoxelMoments`.
    median : ndarray of float
        NaN where a voxel is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels.bounded import VoxelSummary
    >>> summary = VoxelSummary(np.array([2, 0]), np.array([0.4, 0]), np.array([0.02, 0]),
    ...                        median=np.array([0.2, np.nan]))
    >>> print(summary.mean, summary.std.round(2), summary.n_stars)
    [0.2 nan] [0.14  nan] 2
    >>> summary.values
    Traceback (most recent call last):
        ...
    rcasym.exceptions.RcasymError: the values of the stars are not kept in a map that was made ...
    """

    median: np.ndarray = None

    def __post_init__(self):
        super().__post_init__()
        self.median.flags.writeable = False

    def __add__(self, other):
        return self.values

    __radd__ = __add__
