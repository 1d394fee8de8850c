# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Work on all cores, with the same random numbers on any number of them."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

__all__ = ["generators", "in_threads"]


def generators(rng, n):
    """As many generators as there are pieces of work, whatever order these run in.

    Two numbers are drawn from ``rng``, so that its state tells what comes next.
    """
    seed = np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    return [np.random.default_rng(child) for child in seed.spawn(n)]


def in_threads(function, *arguments):
    """Results of ``function`` in the order of its arguments, as they are ready."""
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        futures = [pool.submit(function, *each) for each in zip(*arguments, strict=True)]
        try:
            for future in futures:
                yield future.result()
        finally:
            # Who interrupts long work does not wait for the rest of it.
            pool.shutdown(wait=False, cancel_futures=True)
