# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Count, mean, standard deviation and median in voxels, beside scipy's binned_statistic_dd."""

import time

import numpy as np
from scipy.stats import binned_statistic_dd

from rcasym import DiskBinning
from rcasym.voxels import VoxelState, flat_index

RUNS = 5


def stars(n):
    rng = np.random.default_rng(0)
    columns = [rng.uniform(-40, 40, n), rng.uniform(5.5, 16, n), rng.uniform(-2.5, 2.5, n)]
    return columns, rng.normal(-0.3, 0.2, n)


def ours(columns, values, edges, n_voxels):
    state = VoxelState.from_stars(flat_index(columns, edges), values, n_voxels)
    return state.counts, state.mean, state.std, state.median


def scipys(columns, values, edges, n_voxels):
    sample, found = np.column_stack(columns), []
    binnumber = None
    for statistic in ("count", "mean", "std", "median"):
        result = binned_statistic_dd(sample, values, statistic, bins=edges,
                                     binned_statistic_result=binnumber)
        binnumber = binnumber or result
        found.append(result.statistic)
    return found


def main():
    binning = DiskBinning()
    edges = [axis.edges.value for axis in binning.axes]
    print(f"{'stars':>12} {'rcasym [ms]':>12} {'scipy [ms]':>12} {'ratio':>8}")
    for n in (150_000, 1_000_000, 10_000_000):
        columns, values = stars(n)
        times = {ours: [], scipys: []}
        # In turn, so that a change of the machine's speed meets both.
        for _ in range(RUNS if n < 5_000_000 else 2):
            for function, spent in times.items():
                start = time.perf_counter()
                function(columns, values, edges, binning.size)
                spent.append(time.perf_counter() - start)
        a, b = (1e3 * np.median(spent) for spent in times.values())
        print(f"{n:>12,} {a:>12.1f} {b:>12.1f} {b / a:>8.1f}")


if __name__ == "__main__":
    main()
