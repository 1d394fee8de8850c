# Licensed under a 3-clause BSD style license - see LICENSE.rst
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcasym.utils import parallel


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: 4)


def test_generators_are_reproducible_and_independent():
    one, two = (parallel.generators(np.random.default_rng(1), 3) for _ in range(2))
    draws = [generator.random(5) for generator in one]
    assert_array_equal(draws, [generator.random(5) for generator in two])
    assert len(np.unique(draws)) == 15


def test_shares_cover_all_items(four_cores):
    for n, least, n_shares in ((1000, 10, 4), (1000, 400, 2), (1000, 2000, 1), (3, 1, 3)):
        shares = parallel.shares(n, least)
        assert_array_equal(np.concatenate([np.arange(n)[share] for share in shares]), np.arange(n))
        assert len(shares) == n_shares


def test_results_are_in_order(four_cores):
    results = parallel.in_threads(lambda x, y: (x + y, threading.get_ident()), range(9), range(9))
    sums, threads = zip(*results, strict=True)
    assert sums == tuple(range(0, 18, 2))
    assert threading.get_ident() not in threads


def test_errors_are_raised(four_cores):
    with pytest.raises(ZeroDivisionError):
        list(parallel.in_threads(lambda x: 1 / x, [1, 0, 2]))


def test_one_thread(four_cores):
    with parallel.one_thread():
        with parallel.one_thread():
            assert parallel.n_threads() == 1
        assert set(parallel.in_threads(lambda _: threading.get_ident(), range(3))) == {
            threading.get_ident()}
    assert parallel.n_threads() == 4


@pytest.mark.parametrize(("cores", "n_threads"), [(None, 1), (1, 1), (3, 3), (64, 8)])
def test_n_threads(monkeypatch, cores, n_threads):
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: cores)
    assert parallel.n_threads() == n_threads
