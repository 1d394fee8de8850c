# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The inner loops of `rcasym.voxels`, compiled where numba is installed.

They give the same bits as the arrays of numpy do. The compiled code is kept on disk, so that only
the first process ever waits for the compiler. Loading numba takes about a second all the same,
which few stars do not repay: it is done where a program has numba loaded already, or once a process
has binned `PAYS` stars. The environment variable ``RCASYM_NO_NUMBA`` turns it off.
"""

import os
import sys
from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["Kernels", "kernels", "lookup"]

# Stars binned by this process; from how many on loading numba pays.
binned, PAYS = 0, 1_000_000
# Cells of equal width that an axis is divided in, for each of its narrowest bins; and at most.
CELLS_PER_BIN, MAX_CELLS = 8, 16_384


@dataclass(frozen=True)
class Kernels:
    """The compiled functions."""

    place: callable
    settle: callable
    count: callable
    put: callable


def kernels(n_stars=0):
    """The compiled functions, or None where numba is missing, turned off or does not pay.

    ``n_stars`` are those that are going to be binned.
    """
    global binned
    binned += n_stars
    if os.environ.get("RCASYM_NO_NUMBA") or ("numba" not in sys.modules and binned < PAYS):
        return None
    return _compiled()


@cache
def _compiled():
    try:
        import numba
    except ImportError:  # not installed, or for another numpy
        return None
    from numba import types

    def arrays(dtype):
        return types.Array(dtype, 1, "C"), types.Array(dtype, 1, "C", readonly=True)

    double, floats = arrays(types.float64)
    singles = arrays(types.float32)[1]
    bytes_, (int32, int32s), (int64, int64s) = (types.Array(types.uint8, 1, "C"),
                                                arrays(types.int32), arrays(types.int64))
    indices = ((int32, int32s), (int64, int64s))
    signatures = {
        "place": [types.void(x, floats, int32s, floats, types.float64, flat, bytes_)
                  for x in (floats, singles) for flat, _ in indices],
        "settle": [types.void(flat, bytes_, types.int64, types.int64) for flat, _ in indices],
        "count": [types.void(index, int64) for _, index in indices],
        "put": [types.void(index, floats, int64, double) for _, index in indices],
    }

    def compile_(function, signatures):
        try:
            return numba.njit(signatures, nogil=True, cache=True)(function)
        except RuntimeError:  # no folder to keep it in
            return numba.njit(signatures, nogil=True)(function)

    return Kernels(**{name: compile_(FUNCTIONS[name], each) for name, each in signatures.items()})


def lookup(edges):
    """Where to look for the bin of a value.

    Cell ``int((value - edges[0]) * scale)`` never falls as the value grows: the bin of a value is
    that of the lowest in its cell, or a later one, found by comparison with the edges.

    Parameters
    ----------
    edges : ndarray
        Increasing.

    Returns
    -------
    table : ndarray of int
        For each cell the bin to start from.
    inner : ndarray of float
        The edges between bins, and NaN, which is never reached.
    scale : float
        Cells in a unit.
    """
    width = edges[-1] - edges[0]
    with np.errstate(over="ignore"):
        n_cells = int(min(MAX_CELLS, np.ceil(CELLS_PER_BIN * width / np.min(np.diff(edges)))))
    scale = n_cells / width
    cells = np.minimum((edges[1:-1] - edges[0]) * scale, n_cells).astype(np.int64)
    most = np.bincount(cells, minlength=1).max()
    return (np.searchsorted(cells, np.arange(n_cells + 1)).astype(np.int32),
            np.concatenate([edges[1:-1], np.full(most + 1, np.nan)]), scale)


def _place(x, edges, table, inner, scale, flat, state):
    n, last_cell = np.int32(len(edges) - 1), float(len(table) - 1)
    first, last = edges[0], edges[len(edges) - 1]
    most = len(inner) - (len(edges) - 1)
    # Choices without branches, and indices without a sign, become vector instructions.
    for i in range(len(x)):
        value = float(x[i])
        cell = (value - first) * scale
        cell = cell if cell > 0 else 0.0  # NaN too
        cell = cell if cell < last_cell else last_cell
        number = np.int32(table[np.uint32(np.int32(cell))])
        for _ in range(most):  # few edges are in one cell, most often one
            number = number + (np.int32(1) if value >= inner[np.uint32(number)] else np.int32(0))
        flat[i] = flat[i] * n + number
        state[i] |= (np.uint8(0) if first <= value <= last else
                     np.uint8(1) if value - value == 0 else np.uint8(3))


def _settle(flat, state, outside, unknown):
    for i in range(len(flat)):
        if state[i]:
            flat[i] = unknown if state[i] & 2 else outside


def _count(index, counts):
    for place in index:
        counts[place] += 1


def _put(index, values, starts, grouped):
    for i in range(len(index)):
        place = index[i]
        grouped[starts[place]] = values[i]
        starts[place] += 1


FUNCTIONS = {"place": _place, "settle": _settle, "count": _count, "put": _put}
