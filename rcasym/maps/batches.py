# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars that come a batch at a time, and the state of all of them.

One state a batch, which add up: of the values of all stars, or, where a limit of the memory does
not allow these, of two passes over the stars.
"""

from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zlib import crc32

import numpy as np
from astropy import units as u
from astropy.table import Table

from ..catalog.chunks import StarFile, release_memory, star_files
from ..catalog.columns import COLUMNS, LostValues, find_columns, floats
from ..catalog.core import RedClumpCatalog, sky_of
from ..catalog.frames import check_frame, paper_frame, sky_to_cylindrical
from ..exceptions import CatalogError, RcasymError
from ..utils.progress import StarCounter
from ..utils.validation import check_columns, check_same_frame
from ..voxels.bounded import FirstPass, SecondPass
from ..voxels.state import VoxelState
from .checkpoint import Checkpoint

__all__ = ["StarArrays", "StateSum", "arrays_of", "check_memory", "naming", "needed_columns",
           "state_of_batches", "state_of_none"]

# Stars of a file that are in memory at a time.
BATCH = 500_000


@dataclass(frozen=True, eq=False)
class StarArrays:
    """What a map needs of a batch of stars, as plain floats.

    Parameters
    ----------
    coordinates : list of ndarray
        One array an axis of the binning.
    m_h : ndarray
        [M/H] [dex], NaN where not known.
    frame : `~astropy.coordinates.Galactocentric`
        The frame of the coordinates.
    """

    coordinates: list
    m_h: np.ndarray
    frame: object

    @property
    def mark(self):
        """A number that other stars hardly have."""
        found = 0
        for column in (*self.coordinates, self.m_h):
            found = crc32(np.ascontiguousarray(column), found)
        return found


def arrays_of(table, binning, columns=None, frame=None, lost=None):
    """What a map needs of a catalogue or of any table of stars.

    Of a table without positions in a Galactocentric frame these are computed, in ``frame``, with
    the rules and the bits of `~rcasym.RedClumpCatalog.from_table`. ``lost`` counts the values that
    are masked.
    """
    if isinstance(table, RedClumpCatalog) or "galcen" in getattr(table, "colnames", ()):
        check_columns(table.colnames, ["galcen", "m_h"], "the catalogue")
        own = _frame_of(table, frame)
        if frame is not None:
            check_same_frame([frame, own], "catalogues of one map")
        if not isinstance(table, RedClumpCatalog):
            table = RedClumpCatalog(table, copy=False)
        return StarArrays(binning.coordinates(table), floats(table, "m_h"), own)
    frame = _frame_of(table, frame)
    needed = needed_columns(table.colnames, columns, binning)
    position = tuple(name for name in needed if name not in COLUMNS)
    sky = sky_of(table, needed, position, lost)
    found = dict(zip(("R", "phi", "Z"), sky_to_cylindrical(*sky, frame), strict=True))
    for name in list(needed)[len(position):]:
        found[name] = COLUMNS[name].clean(table[needed[name]], needed[name], lost)
    return StarArrays([found[axis.name] for axis in binning.axes], found["m_h"], frame)


def _frame_of(table, frame):
    """The frame that R, phi and Z of a table are in."""
    if "galcen" in table.colnames:
        return table["galcen"].frame.replicate_without_data()
    return check_frame(frame)


def needed_columns(colnames, columns, binning):
    """What a table calls the columns that a map of this binning needs."""
    sources, position = find_columns(colnames, columns)
    ages = [axis.name for axis in binning.axes if axis.name == "age"]
    for name in ages:
        if name not in sources:
            check_columns(colnames, [name], "the table, or columns= by another name,")
    needed = (*position, "m_h", *ages)
    for name in needed:
        if name not in sources:
            raise CatalogError(f"columns[{name!r}] must be the name of a column, since a map needs "
                               "it; got None")
    return {name: sources[name] for name in needed}


def state_of_none(binning):
    """The state of no stars."""
    return binning.state([np.empty(0)] * len(binning.axes), np.empty(0))


def check_memory(memory_limit):
    """A limit of the memory in bytes, None for none."""
    if memory_limit is None:
        return None
    try:
        limit = (np.nan if isinstance(memory_limit, bool)
                 else float(u.Quantity(memory_limit, u.byte).value))
    except (TypeError, ValueError):
        limit = np.nan
    if not limit > 0:
        raise RcasymError("memory_limit must be an amount of memory above 0, such as '2 GB' or a "
                          f"number of bytes; got {memory_limit!r}")
    return limit


class _Source:
    """The batches, which can be gone through again unless they come from an iterator."""

    def __init__(self, batches, binning, columns, size):
        self.columns, self.binning, self.size, self.n_stars = columns, binning, size, None
        self.batches, self.files = batches, None
        several = isinstance(batches, list | tuple) and len(batches) > 0
        if isinstance(batches, str | Path) or (several and all(
                isinstance(batch, str | Path) for batch in batches)):
            self.files = [StarFile.open(path) for path in star_files(batches)]
            self.n_stars = sum(file.n_rows for file in self.files)
        elif (isinstance(batches, Table | Mapping | bytes) or hasattr(batches, "iloc")
              or not (callable(batches) or hasattr(batches, "__iter__"))):
            raise CatalogError("batches must be an iterable of catalogues, tables or paths, a "
                               f"path, or a function; got {type(batches).__name__}")

    @property
    def once(self):
        """Whether the batches come only once."""
        return (self.files is None and not callable(self.batches)
                and iter(self.batches) is self.batches)

    @property
    def inputs(self):
        """What tells the files from others."""
        if self.files is None:
            return "batches in memory"
        return [[str(file.path.resolve()), file.path.stat().st_size, file.path.stat().st_mtime_ns]
                for file in self.files]

    def __iter__(self):
        """Tables, each with what messages call it, what it calls its columns, and the frame that
        it was written in."""
        batches = self.files
        if batches is None:
            batches = self.batches() if callable(self.batches) else self.batches
        for k, batch in enumerate(batches):
            if isinstance(batch, str | Path):
                for path in star_files(batch):
                    yield from self._parts(StarFile.open(path))
            elif isinstance(batch, StarFile):
                yield from self._parts(batch)
            else:
                yield f"batch {k}", batch, self.columns, None

    def _parts(self, file):
        with naming(file.path):
            needed = needed_columns(file.colnames, self.columns, self.binning)
        if file.n_rows == 0:
            yield str(file.path), Table(), needed, file.frame
        start = 0
        for part in file.read(list(dict.fromkeys(needed.values())), self.size):
            yield (f"{file.path}, rows {start:,} to {start + len(part) - 1:,}", part, needed,
                   file.frame)
            start += len(part)


@contextmanager
def naming(label):
    """Within it, errors of stars name the batch."""
    try:
        yield
    except CatalogError as error:
        if str(label) in str(error):
            raise
        raise CatalogError(f"{label}: {error}") from error


def _in_order(function, items, workers):
    """Results of ``function`` in order, some items ahead at most."""
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


def state_of_batches(batches, binning, *, columns=None, frame=None, memory_limit=None,
                     progress=True, checkpoint=None, workers=1):
    """The state of the stars of all batches, and their frame; see `AsymmetryMap.from_batches`."""
    source = _Source(batches, binning, columns, BATCH)
    limit = check_memory(memory_limit)
    if frame is not None:
        check_frame(frame)
    work = _Work(source, binning, frame, limit, workers)
    work.checkpoint = None if checkpoint is None else Checkpoint.open(
        checkpoint, binning, columns, frame, source.inputs, limit)
    try:
        with StarCounter(source.n_stars, show=progress) as work.counter:
            total = work.first_pass()
            if isinstance(total, FirstPass):
                total = work.second_pass(total)
    except BaseException:
        if work.checkpoint is not None:
            work.checkpoint.give_up()
        raise
    work.lost.warn()
    if work.checkpoint is not None:
        work.checkpoint.done()
    return total, paper_frame() if work.frame is None else work.frame


class _Work:
    """The way from batches to a state."""

    def __init__(self, source, binning, frame, limit, workers):
        self.source, self.binning, self.limit, self.lost = source, binning, limit, LostValues()
        self.given_frame = self.frame = frame
        self.workers = workers
        self.edges = [axis.edges.value for axis in binning.axes]

    def _results(self, make, skip):
        """A state for each batch, after those that an interrupted run had done."""
        def one(item):
            number, (label, table, columns, frame) = item
            lost, frame = LostValues(), frame if self.given_frame is None else self.given_frame
            with naming(label):
                if not isinstance(table, Table):
                    raise CatalogError("batches must be catalogues, astropy Tables or paths of "
                                       f"files; got {type(table).__name__}")
                n = len(table)
                if n == 0:
                    # No star is in any frame, but a catalogue has one all the same.
                    own = _frame_of(table, frame) if "galcen" in table.colnames else None
                    return label, [0, 0], None, own, lost
                if number < skip and self.source.files is not None:
                    # Files are told by their names, sizes and times.
                    return label, [n, 0], None, _frame_of(table, frame), lost
                stars = arrays_of(table, self.binning, columns, frame, lost)
                marked = self.checkpoint is not None and self.source.files is None
                batch = [n, stars.mark if marked else 0]
                if number < skip:
                    return label, batch, None, stars.frame, LostValues()
                return label, batch, make(stars), stars.frame, lost

        none = True
        for label, batch, state, frame, lost in _in_order(one, enumerate(self.source),
                                                          self.workers):
            none = False
            self.lost.merge(lost)
            self.frame = frame if self.frame is None else self.frame
            if frame is not None:
                with naming(label):
                    check_same_frame([self.frame, frame], "batches of one map")
            self.counter.add(batch[0])
            yield batch, state
        if none:
            raise CatalogError("batches must be one or more; got none")

    def first_pass(self):
        """The state of all stars, or the first pass where it would take too much memory."""
        total = StateSum(self.limit)
        skip, kept = 0, self.checkpoint and self.checkpoint.first
        if kept:
            self.lost = LostValues.from_json(kept.lost)
            if kept.complete:
                return kept.state
            skip = len(kept.batches)
            if kept.state is not None:
                total.add(kept.state)
        batches = []

        def make(stars):
            state = self.binning.state(stars.coordinates, stars.m_h)
            # The same bits here and where the sum is formed, which may be later.
            return FirstPass.from_state(state) if total.bounded else state

        for batch, state in self._results(make, skip):
            batches.append(batch)
            if len(batches) <= skip:
                before = kept.batches[len(batches) - 1]
                if batch != before:
                    raise CatalogError(
                        f"checkpoint {self.checkpoint.path} must be of the same batches; batch "
                        f"{len(batches) - 1} has {batch[0]:,} stars now and had {before[0]:,}"
                        + (" others" if batch[0] == before[0] else "") + ". Remove it to start "
                        "anew")
                continue
            if state is not None:
                was = total.bounded
                total.add(state)
                if total.bounded and not was and self.source.once:
                    raise CatalogError(
                        f"memory_limit must be above {total.first.exact_nbytes:,} bytes for the "
                        "stars up to here, or the batches be such as can be read twice: paths, a "
                        "list, or a function that gives an iterator; got an iterator")
                # The earlier the better, if there is no hope.
                if total.bounded and not was:
                    total.first.check(self.limit, self._part(batches))
            if self.checkpoint is not None:
                self.checkpoint.keep_first(lambda: total.state, batches, self.lost)
        if len(batches) < skip:
            raise CatalogError(f"checkpoint {self.checkpoint.path} must be of the same batches; it "
                               f"has {skip:,} of them, and {len(batches):,} were given. Remove it "
                               "to start anew")
        if total.bounded:
            total.first.check(self.limit)
        if self.checkpoint is not None and total.bounded:
            self.checkpoint.keep_first(lambda: total.state, batches, self.lost, complete=True)
        # The sum takes as much memory as all that is added up.
        release_memory()
        return total.state if total.any else state_of_none(self.binning)

    def _part(self, batches):
        """Which part of all stars some batches are, 1 where that is not known."""
        n = sum(n for n, _ in batches)
        return n / self.source.n_stars if self.source.n_stars and n else 1.0

    def second_pass(self, first):
        """Exact medians, of the values that the first pass says are needed."""
        skip, waiting = 0, []
        if self.checkpoint and self.checkpoint.second:
            skip, kept = self.checkpoint.second
            waiting = [SecondPass(first, *kept)]
        self.counter.again()

        def make(stars):
            return SecondPass.from_columns(first, stars.coordinates, self.edges, stars.m_h)

        # What is lost was counted by the first pass.
        counted, self.lost = self.lost, LostValues()
        for number, (_, state) in enumerate(self._results(make, skip)):
            if state is not None:
                waiting.append(state)
            if len(waiting) > 16:
                waiting[:] = [SecondPass.merge(waiting)]
            if self.checkpoint is not None and waiting and number >= skip:
                self.checkpoint.keep_second(partial(SecondPass.merge, waiting), number + 1)
        self.lost = counted
        return SecondPass.merge(waiting).summary()


class StateSum:
    """States that add up, of all values as long as these are within the limit."""

    def __init__(self, limit=None):
        self.limit, self.states, self.first = limit, [], None

    @property
    def bounded(self):
        return self.first is not None

    @property
    def any(self):
        return bool(self.states) or self.bounded

    @property
    def n_bytes(self):
        return sum(state.values.nbytes for state in self.states)

    def add(self, state):
        if isinstance(state, FirstPass):
            self.first = state if self.first is None else self.first + state
        elif self.bounded:
            self.first += FirstPass.from_state(state)
        else:
            # Not a view of a larger array.
            values = state.values if state.values.base is None else state.values.copy()
            self.states.append(VoxelState(state.counts, values, state.n_outside, state.n_masked))
            # Adding the states up takes their memory once more.
            if self.limit is not None and 2 * self.n_bytes > self.limit:
                # Of all values together, so that the bits do not tell where a run was interrupted.
                self.first = FirstPass.from_state(self.state)
                self.states.clear()

    @property
    def state(self):
        if self.bounded:
            return self.first
        if len(self.states) > 1:
            # Each is gone once it is added: their memory shrinks as that of the sum grows.
            states, self.states = self.states, []
            self.states = [VoxelState.merge(states.pop(0) for _ in range(len(states)))]
        return self.states[0] if self.states else None
