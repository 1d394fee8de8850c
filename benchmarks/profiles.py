# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A profile, its bootstrap and its test, beside scipy.stats.bootstrap and permutation_test."""

import time

import numpy as np
from astropy import units as u
from scipy import stats

from rcasym import AsymmetryMap, make_mock_catalog
from rcasym.inference import PairedVoxels, bootstrap
from rcasym.profile import sides_of
from rcasym.voxels import VoxelState

RUNS = 5


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main():
    amap = AsymmetryMap.from_catalog(make_mock_catalog())
    sides = sides_of(amap.binning, slice(None)).ravel()
    pooled = amap.state.pooled(sides, sides.max() + 1)
    groups = [group for group in np.split(pooled.values, pooled.offsets[1:-1]) if len(group) > 1]
    rng = np.random.default_rng(0)

    def ours():
        bootstrap(pooled, n=1000, rng=rng)

    def scipys():
        for group in groups:
            stats.bootstrap((group,), np.median, n_resamples=1000, method="percentile", batch=100)

    print(f"{pooled.n_stars:,} stars in {len(groups)} groups")
    # In turn, so that a change of the machine's speed meets both.
    times = np.array([[seconds(ours), seconds(scipys)] for _ in range(3)])
    a, b = np.median(times, axis=0)
    print(f"1,000 bootstrap medians: {1e3 * a:.1f} ms, scipy {1e3 * b:.0f} ms, ratio {b / a:.0f}")
    for name, call in (
        ("profile", lambda: amap.profile(6.2 * u.kpc)),
        ("1,000 bootstrap means", lambda: amap.bootstrap(6.2 * u.kpc, statistic="mean")),
        ("999 permutations beyond 11 kpc", lambda: amap.test(n=999, rng=1)),
    ):
        print(f"{name}: {1e3 * np.median([seconds(call) for _ in range(RUNS)]):.1f} ms")

    north, south = groups[0], groups[1]
    values = np.concatenate([north, south])
    sides = [VoxelState.from_stars(np.zeros(len(x), np.int32), x, 1) for x in (north, south)]
    pair = PairedVoxels(*sides, np.zeros(1, int), 1)
    one = [seconds(lambda: pair.permuted(999, rng)) for _ in range(RUNS)]
    other = [seconds(lambda: stats.permutation_test(
        (north, south), lambda x, y, axis: np.mean(x, axis) - np.mean(y, axis), vectorized=True,
        n_resamples=999)) for _ in range(RUNS)]
    print(f"999 permutations of {len(values):,} stars: {1e3 * np.median(one):.1f} ms, scipy "
          f"{1e3 * np.median(other):.1f} ms, ratio {np.median(other) / np.median(one):.1f}")


if __name__ == "__main__":
    main()
