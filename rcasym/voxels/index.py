# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The voxel of each star, from columns of numbers and the edges of a grid."""

import numpy as np

from ..exceptions import BinningError
from ..utils.parallel import in_threads, shares

__all__ = ["StarBinner", "flat_index", "index_dtype"]

# Stars per chunk: temporaries stay in cache, and threads seldom wait for the interpreter.
CHUNK = 262_144
# With fewer stars than this, a thread costs more than it saves.
MIN_PER_THREAD = 262_144


def flat_index(columns, edges):
    """Return the voxel of each star in the flattened grid, -1 outside it and for NaN.

    Bins are half-open, ``lower <= value < upper``, and the last one is closed. Values are compared
    with the edges in double precision, so that rounding never moves a star across an edge.
    """
    binner = StarBinner(columns, edges)
    index = binner.locate(slice(0, binner.n_stars))
    np.putmask(index, index >= binner.n_voxels, -1)
    return index


class StarBinner:
    """Columns of stars and the edges of a grid, from which voxels are computed in chunks.

    Two places follow the voxels: ``n_voxels`` for stars outside the grid, ``n_voxels + 1`` for
    stars with an unknown value or coordinate.
    """

    def __init__(self, columns, edges, values=None):
        self.columns = [np.asarray(column) for column in columns]
        self.values = values
        edges = [np.ascontiguousarray(axis, float) for axis in edges]
        lengths = {len(x) for x in self.columns + ([] if values is None else [values])}
        if len(edges) != len(self.columns) or len(lengths) != 1:
            raise BinningError(
                "columns must be one array per axis, all of the same length; got "
                f"{len(self.columns)} for {len(edges)} axes, of lengths {sorted(lengths)}")
        self.n_stars = lengths.pop()
        self.edges = edges
        self.n_voxels = int(np.prod([len(axis) - 1 for axis in edges], dtype=np.int64))
        self.n_places = self.n_voxels + 2

    def locate(self, stars, dtype=None):
        """Return the place of each of a slice of the stars; without values, none is unknown."""
        index = np.empty(stars.stop - stars.start, dtype or index_dtype(self.n_places))

        def fill(part):
            for start in range(part.start, part.stop, CHUNK):
                stop = min(start + CHUNK, part.stop)
                index[start:stop] = self._locate_chunk(
                    slice(stars.start + start, stars.start + stop))

        list(in_threads(fill, shares(len(index), MIN_PER_THREAD)))
        return index

    def _locate_chunk(self, stars):
        n = stars.stop - stars.start
        # The narrowest type that holds the index is the fastest.
        flat = np.zeros(n, np.uint16 if self.n_places <= 2**16 else index_dtype(self.n_places))
        inside, known = np.ones((2, n), bool)
        above = np.empty(n, bool)
        for column, edges in zip(self.columns, self.edges, strict=True):
            x = column[stars]
            if x.dtype not in (np.float32, np.float64):
                x = x.astype(float)
            lower, upper = _round_edges(edges, x.dtype)
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


def index_dtype(n):
    """Return the integer type for indices below ``n``."""
    return np.int32 if n <= 2**31 else np.int64


def _round_edges(edges, dtype):
    """Return lower edges and the closing one, rounded so that ``dtype`` compares as float64."""
    # numpy compares faster with Python floats than with its own scalars.
    if dtype != np.float32:
        return edges[:-1].tolist(), float(edges[-1])
    rounded = edges.astype(np.float32)
    up = np.where(rounded < edges, np.nextafter(rounded, np.float32(np.inf)), rounded)
    down = np.where(rounded > edges, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return up[:-1].tolist(), float(down[-1])
