# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Work on all cores, with the same random numbers on any number of them."""

import atexit
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from multiprocessing import get_context, parent_process

import numpy as np
from astropy import log

__all__ = ["SecondProcess", "generators", "in_threads", "n_threads", "one_thread", "shares"]

_here = threading.local()


def generators(rng, n):
    """As many generators as there are pieces of work, whatever order these run in.

    Two numbers are drawn from ``rng``, so that its state tells what comes next.
    """
    seed = np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    return [np.random.default_rng(child) for child in seed.spawn(n)]


def n_threads():
    """How many threads work at a time."""
    return 1 if getattr(_here, "alone", False) else min(os.cpu_count() or 1, 8)


@contextmanager
def one_thread():
    """Within it, this thread works alone: the cores have other work already."""
    before, _here.alone = getattr(_here, "alone", False), True
    try:
        yield
    finally:
        _here.alone = before


def shares(n, least):
    """Slices of ``n`` items, one a thread, with at least so many items in each.

    Examples
    --------
    >>> from rcasym.utils.parallel import shares
    >>> shares(1000, least=1000)
    [slice(0, 1000, None)]
    """
    bounds = np.linspace(0, n, max(1, min(n_threads(), n // least)) + 1).astype(int).tolist()
    return [slice(*ends) for ends in pairwise(bounds)]


def in_threads(function, *arguments):
    """Results of ``function`` in the order of its arguments, as they are ready."""
    calls = list(zip(*arguments, strict=True))
    if len(calls) == 1 or n_threads() == 1:
        for each in calls:
            yield function(*each)
        return
    with ThreadPoolExecutor(n_threads()) as pool:
        futures = [pool.submit(function, *each) for each in calls]
        try:
            for future in futures:
                yield future.result()
        finally:
            # Who interrupts long work does not wait for the rest of it.
            pool.shutdown(wait=False, cancel_futures=True)


class SecondProcess:
    """Work for another core, for which nobody waits until the result is needed.

    If it is not ``wanted``, or if there is one core alone, the work is done when the result is
    asked for. It is a context manager; at the end, work that has not begun is forgotten.
    """

    def __init__(self, wanted):
        self._wanted, self._pool = wanted and n_threads() > 1, None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self, function, *args, **kwargs):
        """Begin with a call; what is returned, called in turn, gives its result."""
        if not self._wanted:
            return partial(function, *args, **kwargs)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"),
                                             initializer=_serve, initargs=(log.level,))
        return self._pool.submit(function, *args, **kwargs).result


def _serve(log_level):
    """What the second process does at first."""
    log.setLevel(log_level)
    # It ends with the first process, however that ends, and without words.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=lambda: (parent_process().join(), os._exit(1)), daemon=True).start()
    # All results are with the first process by then, and taking the modules down takes long.
    atexit.register(os._exit, 0)
