# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Work on all cores, with the same random numbers on any number of them."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import numpy as np

__all__ = ["generators", "in_threads", "n_threads", "one_thread", "shares"]

_here = threading.local()


def generators(rng, n):
    """Return one generator per piece of work, so that results do not depend on their order.

    Two numbers are drawn from ``rng``.
    """
    seed = np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    return [np.random.default_rng(child) for child in seed.spawn(n)]


def n_threads():
    """Return the number of threads to use."""
    return 1 if getattr(_here, "alone", False) else min(os.cpu_count() or 1, 8)


@contextmanager
def one_thread():
    """Context manager in which this thread starts no others, since all cores are busy."""
    before, _here.alone = getattr(_here, "alone", False), True
    try:
        yield
    finally:
        _here.alone = before


def shares(n, least):
    """Return slices of ``n`` items, one per thread, with at least ``least`` items in each."""
    bounds = np.linspace(0, n, max(1, min(n_threads(), n // least)) + 1).astype(int).tolist()
    return [slice(*ends) for ends in pairwise(bounds)]


def in_threads(function, *arguments):
    """Yield the results of ``function`` in the order of its arguments."""
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
            # An interrupt does not wait for work that has not begun.
            pool.shutdown(wait=False, cancel_futures=True)
