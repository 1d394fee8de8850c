# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars that come in batches, from files or tables, and the state of all of them."""

from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from operator import add
from pathlib import Path

from astropy.table import Table

from ..catalog.chunks import StarFile, find_star_files, release_memory
from ..catalog.columns import LostValues
from ..catalog.frames import check_frame
from ..exceptions import CatalogError
from ..utils.files import naming
from ..utils.progress import progress
from ..utils.validation import check_same_frame
from ..voxels import VoxelMoments, VoxelState
from .stars import StarArrays, find_needed_columns, is_catalog

__all__ = ["bin_batch", "bin_batches", "merge_states"]

# Stars of a file that are in memory at a time.
BATCH = 500_000


def bin_batches(batches, binning, *, columns=None, units=None, frame=None, medians=True,
                workers=1, show_progress=True):
    """Return the state of the stars of all batches, and their frame.

    See `rcasym.AsymmetryMap.from_batches`.
    """
    if frame is not None:
        check_frame(frame)
    parts, n_parts = _open_batches(batches, binning, columns, units)

    def work(part):
        label, table, own_names, own_frame = part
        has_names = isinstance(table, Table) and not is_catalog(table)
        return label, has_names, bin_batch(label, table, binning, columns=own_names, units=units,
                                frame=own_frame if frame is None else frame, medians=medians)

    states, lost, common_frame, names_used = [], LostValues(), frame, False
    results = _run_ahead(work, parts, workers)
    for label, has_names, (state, own_frame, own_lost) in progress(
            results, "reading stars", total=n_parts, show=show_progress):
        lost.merge(own_lost)
        names_used |= has_names
        if own_frame is not None:
            common_frame = own_frame if common_frame is None else common_frame
            with naming(label):
                check_same_frame([common_frame, own_frame], "batches of one map")
        states.append(state)
        if not medians:
            states = [merge_states(states)]
    if not states:
        raise CatalogError("batches must be one or more; got none")
    if (columns or units) and not names_used:
        raise CatalogError("columns and units must describe tables or files; got only catalogues, "
                           "which have names and units already")
    lost.warn()
    # Merging takes as much memory as the states themselves.
    release_memory()
    return merge_states(states), check_frame(common_frame)


def bin_batch(label, table, binning, *, columns=None, units=None, frame=None, medians=True):
    """Return the state of one batch, its frame (None without stars), and its lost values."""
    lost = LostValues()
    with naming(label):
        if not isinstance(table, Table):
            raise CatalogError("batches must be catalogues, astropy Tables or paths of files; got "
                               f"{type(table).__name__}")
        if len(table) == 0:
            own_frame = (table["galcen"].frame.replicate_without_data()
                         if "galcen" in table.colnames else None)
            return StarArrays.empty(binning).bin(binning, medians), own_frame, lost
        stars = StarArrays.from_table(table, binning, columns=columns, units=units, frame=frame,
                                      lost=lost)
        return stars.bin(binning, medians), stars.frame, lost


def merge_states(states):
    """Return the sum of a list of states, which is emptied to release their memory."""
    if isinstance(states[0], VoxelMoments):
        return reduce(add, states)
    return VoxelState.merge(states.pop() for _ in range(len(states)))


def _open_batches(batches, binning, columns, units):
    """Return an iterator of labelled tables, and how many there are, None where unknown.

    Each comes with its own names of the columns, and the frame that it was written in.
    """
    if isinstance(batches, Table | Mapping | bytes) or hasattr(batches, "iloc") or not isinstance(
            batches, str | Path | Iterable):
        raise CatalogError("batches must be a path, or a list or iterator of paths, catalogues or "
                           f"tables; got {type(batches).__name__}")
    batches = [batches] if isinstance(batches, str | Path) else batches
    n_parts = None
    if isinstance(batches, list | tuple):
        # Open all files first, to fail early.
        batches = [file for batch in batches for file in _open_files(batch)]
        n_parts = sum(max(-(-batch.n_rows // BATCH), 1) if isinstance(batch, StarFile) else 1
                      for batch in batches)

    def parts():
        for number, batch in enumerate(batches):
            for file in _open_files(batch):
                if isinstance(file, StarFile):
                    yield from _read_parts(file, binning, columns, units)
                else:
                    yield f"batch {number}", file, columns, None

    return parts(), n_parts


def _open_files(batch):
    """Return the files that a path stands for, or the batch itself."""
    if not isinstance(batch, str | Path):
        return [batch]
    return [StarFile.open(path) for path in find_star_files(batch)]


def _read_parts(file, binning, columns, units):
    with naming(file.path):
        names, _ = find_needed_columns(file.colnames, binning, columns, units)
    if file.n_rows == 0:
        yield str(file.path), Table(), names, file.frame
    start = 0
    for part in file.read(list(dict.fromkeys(names.values())), BATCH):
        stop = start + len(part)
        yield f"{file.path}, rows {start:,} to {stop - 1:,}", part, names, file.frame
        start = stop


def _run_ahead(function, items, workers):
    """Yield the results of ``function`` in order, with up to ``workers`` items ahead."""
    if workers == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
