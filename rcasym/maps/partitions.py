# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""States of stars in many files, or in a HATS catalogue, by the workers of dask.

One state a partition, and a tree of sums that has the same form each time: which worker does what,
and how often it has to be done, does not change a bit. dask and lsdb are loaded when they are used.
"""

import ctypes
import math
import os
import sys
import time
from asyncio import CancelledError
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Lock, Thread
from uuid import uuid4

import numpy as np
from astropy import units as u
from astropy.table import Column, Table

from ..catalog.chunks import StarFile, star_files
from ..catalog.columns import LostValues
from ..catalog.frames import check_frame
from ..exceptions import CatalogError, RcasymError
from ..utils.parallel import one_thread
from ..utils.validation import check_same_frame, check_whole
from ..voxels.bounded import FirstPass, SecondPass
from .batches import (
    BATCH,
    StateSum,
    arrays_of,
    check_memory,
    naming,
    needed_columns,
    state_of_none,
)
from .binning import DiskBinning, check_binning

__all__ = ["Engine", "state_of_files", "state_of_hats"]

# Stars of a partition of a file, and states that a worker adds up at a time.
PARTITION, FAN_IN = 2_000_000, 8
# States that come together at the end: what workers add up before, they copy and send once more.
GATHERED = 64
SCHEDULERS = ("threads", "processes", "synchronous")
# Partitions that a message names.
NAMED = 5


def state_of_files(paths, binning, columns, frame, memory_limit, *engine):
    """The binning, state and frame of the stars of files; see `AsymmetryMap.from_parquet`."""
    binning = check_binning(binning)
    engine, limit = Engine.of(*engine), check_memory(memory_limit)
    several = [paths] if isinstance(paths, str | Path) or not hasattr(paths, "__iter__") else paths
    several = list(several)
    for path in several:
        if not isinstance(path, str | Path):
            raise CatalogError("paths must be a path of a file or a folder, or several; got "
                               f"{type(path).__name__}")
    partitions, n_stars, own = [], 0, []
    for path in star_files(several):
        file = StarFile.open(path)
        if frame is None and file.n_rows:
            own.append(check_frame(file.frame))
            with naming(path):
                check_same_frame([own[0], own[-1]], "files of one map")
        # What is wrong with a column is said before any work is done.
        with naming(path):
            names = needed_columns(file.colnames, columns, binning)
        n_stars += file.n_rows
        cuts = file.cuts(PARTITION)
        file = replace(file, path=path.resolve(), colnames=[], groups=(), frame=None)
        for start, stop in cuts:
            label = f"{path}, rows {start:,} to {stop - 1:,}"
            partitions.append((label, partial(_part_of_file, label, file, names, start, stop)))
    if frame is None and own:
        frame = own[0]
    return binning, *_state_of(partitions, n_stars, binning, frame, limit, engine)


def state_of_hats(catalog, binning, columns, frame, memory_limit, *engine):
    """The same of the stars of a HATS catalogue; see `AsymmetryMap.from_hats`."""
    binning = check_binning(binning)
    engine, limit = Engine.of(*engine), check_memory(memory_limit)
    if isinstance(catalog, str | Path):
        catalog, names = _open_hats(catalog, columns, binning)
    elif hasattr(catalog, "columns") and (hasattr(catalog, "to_dask_dataframe")
                                          or hasattr(catalog, "to_delayed")):
        names = needed_columns(list(catalog.columns), columns, binning)
    else:
        raise CatalogError("path_or_catalog must be the path of a HATS catalogue, an lsdb Catalog "
                           f"or a dask DataFrame; got {type(catalog).__name__}")
    frames = catalog if hasattr(catalog, "to_delayed") else catalog.to_dask_dataframe()
    frames = frames[list(dict.fromkeys(names.values()))].to_delayed()
    partitions = []
    for k, stars in enumerate(frames):
        label = f"partition {k} of {len(frames)}"
        partitions.append((label, partial(_part_of_frame, label, names), stars))
    return binning, *_state_of(partitions, None, binning, frame, limit, engine)


def _open_hats(path, columns, binning):
    try:
        import lsdb
    except ImportError:
        raise RcasymError("HATS catalogues need lsdb, which the extra 'lsdb' brings: "
                          "pip install 'rcasym[lsdb]'") from None
    with naming(path):
        try:
            every = lsdb.open_catalog(path, columns="all")
            names = needed_columns(list(every.columns), columns, binning)
            return lsdb.open_catalog(path, columns=list(dict.fromkeys(names.values()))), names
        except (OSError, ValueError, TypeError, KeyError) as error:
            if isinstance(error, CatalogError):
                raise
            raise CatalogError(f"cannot open {path} as a HATS catalogue: "
                               f"{type(error).__name__}: {str(error)[:300]}") from error


def _dask():
    try:
        import dask
        import dask.callbacks
    except ImportError:
        raise RcasymError("maps of partitions need dask, which the extra 'dask' brings: "
                          "pip install 'rcasym[dask]'") from None
    return dask


def _state_of(partitions, n_stars, binning, frame, limit, engine):
    frame = check_frame(frame)
    if not partitions:
        return state_of_none(binning), frame
    job = Job(binning, frame, alone=engine.scheduler != "synchronous",
              retries=engine.retries if engine.local else 0,
              deadline=engine.deadline if engine.local else None)

    def exact():
        state, lost = engine.total(job, partitions, "stars")
        lost.warn()
        return state_of_none(binning) if state is None else state, frame

    # 8 bytes a star, and once more where they are added up.
    if limit is None or (n_stars is not None and 16 * n_stars <= limit):
        return exact()
    first, lost = engine.total(replace(job, first=True), partitions, "stars, first pass")
    if first is None or 16 * first.moments.n_stars <= limit:
        # Few of them are inside the grid.
        return exact()
    first.check(limit)
    wanted = Wanted(first.wanted.astype(np.int16))
    second, _ = engine.total(replace(job, wanted=wanted), partitions, "stars, second pass")
    lost.warn()
    return SecondPass(first, second.counts, second.values).summary(), frame


@dataclass(frozen=True, eq=False)
class Wanted:
    """All that the second pass needs of the first; it goes to every worker.

    Parameters
    ----------
    wanted : ndarray of int
        As `FirstPass.wanted`.
    """

    wanted: np.ndarray


@dataclass(frozen=True, eq=False)
class Job:
    """What is to be done with each partition.

    Parameters
    ----------
    binning : DiskBinning
        The grid.
    frame : `~astropy.coordinates.Galactocentric`
        The frame of R, phi and Z.
    alone : bool
        Whether it has one core only, others being busy with other partitions.
    retries : int
        How often a file is read again, where no scheduler sees to that.
    deadline : float or None
        When to stop.
    first : bool
        Whether this is the first of two passes.
    wanted : Wanted or None
        In the second, what the first found.
    """

    binning: DiskBinning
    frame: object
    alone: bool
    retries: int
    deadline: float | None
    first: bool = False
    wanted: Wanted | None = None

    def part(self, tables, names):
        """The state of some tables, None without stars, and the values that they lack."""
        lost, states = LostValues(), StateSum()
        kept = []
        for table in tables:
            if self.deadline is not None and time.time() > self.deadline:
                raise TimeIsUp
            if len(table) == 0:
                continue
            stars = arrays_of(table, self.binning, names, self.frame, lost)
            if self.wanted is not None:
                edges = [axis.edges.value for axis in self.binning.axes]
                kept.append(SecondPass.from_columns(self.wanted, stars.coordinates, edges,
                                                    stars.m_h))
            else:
                state = self.binning.state(stars.coordinates, stars.m_h)
                states.add(FirstPass.from_state(state) if self.first else state)
        return SecondPass.merge(kept) if kept else states.state, lost


class KeptMemory:
    """Within it, memory of arrays that are let go is kept for the next ones.

    Workers of dask have the variable ``MALLOC_TRIM_THRESHOLD_``, by which the system gets it back
    and gives it out anew each time; that takes two thirds of the time that a map takes. Afterwards
    all is as the variable says.
    """

    # Arguments of mallopt in malloc.h of the GNU C library, and what they are set to.
    TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
    USUAL, KEPT = 128 * 1024, 32 * 1024**2
    lock, users = Lock(), 0

    def __enter__(self):
        with self.lock:
            KeptMemory.users += 1
            if self.users == 1:
                self._set(4 * self.KEPT, self.KEPT)

    def __exit__(self, *error):
        with self.lock:
            KeptMemory.users -= 1
            if self.users == 0:
                self._set(int(os.environ.get("MALLOC_TRIM_THRESHOLD_", 0)), self.USUAL, trim=True)

    def _set(self, trim_threshold, mmap_threshold, trim=False):
        if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
            return
        try:
            library = ctypes.CDLL(None)
            library.mallopt(self.TRIM_THRESHOLD, trim_threshold)
            library.mallopt(self.MMAP_THRESHOLD, mmap_threshold)
            if trim:
                library.malloc_trim(0)
        except (AttributeError, OSError, TypeError):
            # Another C library has other ways.
            return


class TimeIsUp(Exception):
    """The deadline has passed."""


@contextmanager
def _working(job, label):
    """Within it, what fails names the partition, and no more cores are taken than are there."""
    with one_thread() if job.alone else nullcontext(), naming(label), KeptMemory():
        try:
            yield
        except (RcasymError, TimeIsUp):
            raise
        except Exception as error:
            raise CatalogError(f"{label}: {type(error).__name__}: {str(error)[:300]}") from error


def _part_of_file(label, file, names, start, stop, job):
    columns = list(dict.fromkeys(names.values()))
    with _working(job, label):
        for attempt in range(job.retries + 1):
            try:
                return job.part(file.read(columns, BATCH, start, stop), names)
            except (CatalogError, OSError) as error:
                # A disk or a network may recover; stars that are wrong stay so.
                if attempt == job.retries or not isinstance(error.__cause__ or error, OSError):
                    raise
                time.sleep(min(0.1 * 2**attempt, 5))


def _part_of_frame(label, names, job, stars):
    def tables():
        columns = list(dict.fromkeys(names.values()))
        for start in range(0, len(stars), BATCH):
            rows = stars.iloc[start:start + BATCH]
            yield Table({name: _column(rows[name]) for name in columns}, copy=False)

    with _working(job, label):
        return job.part(tables(), names)


def _column(series):
    numbers = getattr(series.dtype, "kind", "O") in "iuf"
    try:
        return Column(series.to_numpy(dtype=float, na_value=np.nan) if numbers
                      else np.asarray(series))
    except (TypeError, ValueError):
        # The door of the catalogue says what is wrong with it.
        return Column(np.asarray(series))


def _sum(alone, parts):
    """What some parts add up to, in their order."""
    lost, total, kept, parts = LostValues(), StateSum(), [], list(parts)
    with one_thread() if alone else nullcontext():
        while parts:
            # Each is let go once it is added: all of them are as large as their sum.
            state, own = parts.pop(0)
            lost.merge(own)
            if isinstance(state, SecondPass):
                kept.append(state)
            elif state is not None:
                total.add(state)
            del state
        return SecondPass.merge(kept) if kept else total.state, lost


@dataclass(frozen=True, eq=False)
class Engine:
    """Who does the work, and in what time.

    Parameters
    ----------
    scheduler : str or ``distributed.Client``
        One of `SCHEDULERS`, or a client.
    retries : int
        How often a partition is tried again.
    timeout : float or None
        Seconds for all of the work.
    progress : bool
        Whether to show a bar on a terminal.
    deadline : float or None
        When time is up.
    """

    scheduler: object
    retries: int
    timeout: float | None
    progress: bool
    deadline: float | None

    @classmethod
    def of(cls, scheduler, retries, timeout, progress):
        """The engine, if dask is there and the arguments are right."""
        _dask()
        check_whole("retries", retries)
        # There is no client before its module is loaded.
        module = sys.modules.get("distributed")
        if module and isinstance(scheduler, module.Client):
            if scheduler.asynchronous:
                raise RcasymError("scheduler must be a Client with asynchronous=False; got "
                                  "an asynchronous one")
        elif scheduler is None:
            scheduler = "threads"
        elif not (isinstance(scheduler, str) and scheduler in SCHEDULERS):
            raise RcasymError(f"scheduler must be one of {', '.join(map(repr, SCHEDULERS))}, a "
                              f"distributed.Client or None; got {scheduler!r}")
        deadline = None
        if timeout is not None:
            given = timeout
            try:
                timeout = float(u.Quantity(timeout, u.s).value)
            except (TypeError, ValueError):
                timeout = math.nan
            if not timeout > 0:
                raise RcasymError("timeout must be a time above 0, in seconds, or None; "
                                  f"got {given!r}")
            deadline = time.time() + timeout
        return cls(scheduler, retries, timeout, progress, deadline)

    @property
    def local(self):
        """Whether it is this computer, without a cluster."""
        return isinstance(self.scheduler, str)

    def total(self, job, partitions, what):
        """The sum of all partitions, None without stars, and the values that they lack."""
        dask, token = _dask(), uuid4().hex
        job = replace(job, alone=job.alone and len(partitions) > 1)
        node = dask.delayed(job, name=f"rcasym-job-{token}", traverse=False)
        labels, nodes = {}, []
        for k, (label, function, *stars) in enumerate(partitions):
            key = f"rcasym-partition-{token}-{k}"
            labels[key] = label
            nodes.append(dask.delayed(function, pure=False)(node, *stars, dask_key_name=key))
        add, level = dask.delayed(partial(_sum, job.alone), pure=False), 0
        while len(nodes) > GATHERED:
            level += 1
            nodes = [add(nodes[k:k + FAN_IN], dask_key_name=f"rcasym-sum-{token}-{level}-{k}")
                     for k in range(0, len(nodes), FAN_IN)]
        run = self._here if self.local else self._there
        return _sum(False, run(nodes, labels, what))

    def _here(self, nodes, labels, what):
        dask, trace = _dask(), Trace()
        with ExitStack() as stack:
            stack.enter_context(dask.callbacks.Callback(
                finish=lambda _, state, failed: trace.look(state, labels)))
            if self.progress and sys.stderr.isatty():
                from dask.diagnostics import ProgressBar

                print(what, file=sys.stderr)
                stack.enter_context(ProgressBar(out=sys.stderr))
            try:
                # Tasks of a process come one by one: there are few, and they are long.
                return dask.compute(*nodes, scheduler=self.scheduler, optimize_graph=False,
                                    chunksize=1)
            except Exception as error:
                raise self._explained(error, labels, trace, what) from error

    def _there(self, nodes, labels, what):
        from distributed import as_completed

        client = self.scheduler
        _check_workers(client)
        futures = client.compute(nodes, retries=self.retries, optimize_graph=False)
        try:
            for future in as_completed(futures, timeout=self._left()):
                if future.status in ("cancelled", "lost"):
                    raise CancelledError("the scheduler has lost or cancelled the work")
                if future.status != "finished":
                    raise future.exception(timeout=self._left())
            results = []
            for future in futures:
                results.append(future.result(timeout=self._left()))
                future.release()
            return results
        except BaseException as error:
            trace = _give_up(client, futures, labels)
            if isinstance(error, Exception | CancelledError):
                raise self._explained(error, labels, trace, what) from error
            raise

    def _left(self):
        return None if self.deadline is None else max(self.deadline - time.time(), 0.01)

    def _explained(self, error, labels, trace, what):
        """What to raise, in words that name partitions."""
        # From another process without tblib, with its traceback for a message.
        inner = getattr(error, "exception", None)
        error = inner if isinstance(inner, Exception) else error
        called = type(error).__name__
        if isinstance(error, TimeIsUp) or (isinstance(error, TimeoutError) and self.deadline
                                           and time.time() >= self.deadline):
            unfinished = [label for key, label in labels.items() if key not in trace.finished]
            deadly = [labels[key] for key in trace.deadly]
            return RcasymError(
                f"timeout of {self.timeout:g} s is over ({what}), with {len(unfinished):,} of "
                f"{len(labels):,} partitions unfinished: {_some(unfinished)}"
                + (f". Workers were killed that had {_some(deadly)}" if deadly else ""))
        if isinstance(error, RcasymError):
            return error
        where = _some([labels[key] for key in trace.culprits if key in labels], "one of ")
        if called in ("KilledWorker", "BrokenProcessPool"):
            return CatalogError(f"{where}: each process that worked on it was killed; it may need "
                                f"more memory than a worker has ({called})")
        return CatalogError(f"{where}: {called}: {str(error)[:300]}")


def _some(labels, choice=""):
    if not labels:
        return "partitions that are not known"
    more = f" and {len(labels) - NAMED:,} others" if len(labels) > NAMED else ""
    return (choice if len(labels) > 1 else "") + "; ".join(labels[:NAMED]) + more


class Trace:
    """Keys of partitions at the end of the work: what was done, what may have failed.

    Those of ``deadly`` were in the hands of workers that died.
    """

    def __init__(self):
        self.finished, self.culprits, self.deadly = set(), [], []

    def look(self, state, labels):
        """See for the work of this computer."""
        self.finished = set(state["finished"]) & labels.keys()
        self.culprits = _above(state["running"], state["dependents"].get, labels)


def _above(keys, dependents, labels):
    """The partitions that some tasks are part of."""
    found, seen, waiting = [], set(), list(keys)
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        if key in labels:
            found.append(key)
        else:
            waiting += dependents(key) or ()
    return sorted(found, key=list(labels).index)


def _check_workers(client):
    """Raise if a worker lacks this package: it would break off without a reason."""
    own = version("rcasym")
    found = {"the scheduler": _ask(client.run_on_scheduler, version, "rcasym")}
    workers = _ask(client.run, version, "rcasym", on_error="return")
    for place, other in (found | workers if isinstance(workers, dict) else found).items():
        if isinstance(other, ImportError) or (isinstance(other, str) and other != own):
            raise RcasymError(
                f"the scheduler and all workers must have the package rcasym {own}; {place} has "
                + ("none" if isinstance(other, ImportError) else other))


def _give_up(client, futures, labels):
    """Cancel what is left of the work, and say how far it was."""
    trace = _ask(client.run_on_scheduler, _trace_of, [future.key for future in futures],
                 list(labels))
    _ask(client.cancel, futures)
    return trace if isinstance(trace, Trace) else Trace()


def _ask(function, *args, **kwargs):
    """What a scheduler answers, or an error; None where it takes longer than is waited for."""
    answer = []

    def ask():
        try:
            answer.append(function(*args, **kwargs))
        except (Exception, CancelledError) as error:
            answer.append(error)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(10)
    return answer[0] if answer else None


def _trace_of(tops, keys, dask_scheduler=None):
    """See for the work of a cluster: this runs where its scheduler does."""
    tasks, trace = dask_scheduler.tasks, Trace()
    if any(key in tasks for key in tops):
        # What is not needed any more was done.
        trace.finished = {key for key in keys if key not in tasks
                          or tasks[key].state in ("memory", "released", "forgotten")}
    failed = [tasks[key].exception_blame for key in tops
              if key in tasks and tasks[key].exception_blame is not None]

    def dependents(key):
        return [task.key for task in tasks[key].dependents] if key in tasks else ()

    trace.culprits = _above([task.key for task in failed], dependents, keys)
    trace.deadly = _above([key for key, task in tasks.items() if task.suspicious], dependents, keys)
    return trace
