# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The voxel of each star, from columns of numbers and the edges of a grid."""

import numpy as np

from ..exceptions import BinningError
from ..utils.parallel import in_threads, shares
from .compiled import kernels, lookup

__all__ = ["flat_index"]

# Stars taken at a time: few enough for the cache, and many enough that threads seldom wait for each
# other to use the interpreter.
CHUNK = 262_144
# A thread costs more than it saves below so many stars.
LEAST = 262_144


def flat_index(columns, edges):
    """The voxel of each star, as an index into the flattened grid.

    Bins are half-open, ``lower <= value < upper``, the last one closed. Values are compared with
    the edges, never computed from them, so that a star on an edge is never misplaced.

    Parameters
    ----------
    columns : sequence of ndarray
        One array of numbers an axis, all of one length. Whatever their type, they are binned as
        their values in double precision are.
    edges : sequence of ndarray
        The increasing edges of each axis.

    Returns
    -------
    ndarray of int
        -1 for a star outside the grid or with NaN in a column.

    Raises
    ------
    BinningError
        If there is not one array of edges for each column, or the columns differ in length.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.voxels import flat_index
    >>> flat_index([np.array([0.0, 0.5, 1.0, 2.0, 2.1, np.nan])], [np.array([0.0, 1.0, 2.0])])
    array([ 0,  0,  1,  1, -1, -1], dtype=int32)
    """
    grid = Grid(columns, edges)
    index = grid.locate(slice(0, grid.n_stars))
    np.putmask(index, index >= grid.n_voxels, -1)
    return index


class Grid:
    """Columns of stars over the edges of their axes.

    Beside its voxels it has two places: ``n_voxels`` for stars outside, ``n_voxels + 1`` for stars
    of which something is not known.
    """

    def __init__(self, columns, edges, values=None):
        self.columns = [np.asarray(column) for column in columns]
        self.values = values
        edges = [np.ascontiguousarray(axis, float) for axis in edges]
        lengths = {len(x) for x in self.columns + ([] if values is None else [values])}
        if len(edges) != len(self.columns) or len(lengths) != 1:
            raise BinningError(
                "columns must be one array an axis, all of one length, as many as edges; got "
                f"{len(self.columns)} for {len(edges)} axes, of lengths {sorted(lengths)}")
        self.n_stars = lengths.pop()
        self.edges = edges
        self.n_voxels = int(np.prod([len(axis) - 1 for axis in edges], dtype=np.int64))
        self.n_places = self.n_voxels + 2
        self.kernels = kernels(self.n_stars)
        if self.kernels:
            self.lookups = [lookup(axis) for axis in edges]

    def locate(self, stars, dtype=None):
        """The place of each of a slice of the stars; without values, none is unknown."""
        index = np.empty(stars.stop - stars.start, dtype or index_dtype(self.n_places))
        locate = self._places_compiled if self.kernels else self._places

        def fill(part):
            for start in range(part.start, part.stop, CHUNK):
                stop = min(start + CHUNK, part.stop)
                index[start:stop] = locate(slice(stars.start + start, stars.start + stop))

        list(in_threads(fill, shares(len(index), LEAST)))
        return index

    def _places(self, stars):
        n = stars.stop - stars.start
        # Two bytes where they do: the less memory, the faster.
        flat = np.zeros(n, np.uint16 if self.n_places <= 2**16 else index_dtype(self.n_places))
        inside, known = np.ones((2, n), bool)
        above = np.empty(n, bool)
        for column, edges in zip(self.columns, self.edges, strict=True):
            x = _plain(column[stars])
            lower, upper = _edges_as(edges, x.dtype)
            if self.values is not None:
                known &= np.isfinite(x, out=above)
            inside &= np.greater_equal(x, lower[0], out=above)
            inside &= np.less_equal(x, upper, out=above)
            number = np.zeros(n, np.min_scalar_type(len(lower)))
            for edge in lower[1:]:
                number += np.greater_equal(x, edge, out=above).view(np.uint8)
            flat *= flat.dtype.type(len(lower))
            flat += number
        np.putmask(flat, ~inside, self.n_voxels)
        if self.values is not None:
            known &= np.isfinite(self.values[stars], out=above)
            if not known.all():
                flat[~known] = self.n_voxels + 1
        return flat

    def _places_compiled(self, stars):
        n = stars.stop - stars.start
        flat, state = np.zeros(n, index_dtype(self.n_places)), np.zeros(n, np.uint8)
        for column, edges, found in zip(self.columns, self.edges, self.lookups, strict=True):
            x = np.ascontiguousarray(_plain(column[stars]))
            self.kernels.place(x, edges, *found, flat, state)
        unknown = self.n_voxels
        if self.values is not None:
            unknown += 1
            state |= ~np.isfinite(self.values[stars]) * np.uint8(2)
        self.kernels.settle(flat, state, self.n_voxels, unknown)
        return flat


def _plain(x):
    """Single and double precision as they are, all else as doubles."""
    return x if x.dtype in (np.float32, np.float64) else x.astype(float)


def index_dtype(n):
    return np.int32 if n <= 2**31 else np.int64


def _edges_as(edges, dtype):
    """Lower edges and the closing one, such that comparison in ``dtype`` is that in float64."""
    # Plain numbers, with which numpy compares faster than with its own.
    if dtype != np.float32:
        return edges[:-1].tolist(), float(edges[-1])
    rounded = edges.astype(np.float32)
    up = np.where(rounded < edges, np.nextafter(rounded, np.float32(np.inf)), rounded)
    down = np.where(rounded > edges, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return up[:-1].tolist(), float(down[-1])
