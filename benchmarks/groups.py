# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Groups of benchmarks, each a generator of results."""

import tempfile
import tracemalloc
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import QTable
from scipy import optimize, stats

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog
from rcasym.catalog import paper_frame
from rcasym.catalog.frames import sky_to_cylindrical
from rcasym.maps.stars import StarArrays
from rcasym.splines import QuantileSpline
from rcasym.statistics.resampling import PairedVoxels, bootstrap
from rcasym.utils.parallel import in_threads, shares
from rcasym.voxels import VoxelMoments, VoxelState

from .measure import OURS, Result, interleaved
from .peers import FULL, MOMENTS

__all__ = ["GROUPS"]

# The grid of Figure 5 with azimuths and finer in Z: 10,800 voxels.
EDGES = {"phi": np.array([-35.0, -15, -5, 0, 5, 15, 35]),
         "age": np.array([0.0, 2, 4, 6, 8, 10, 14]),
         "R": np.round(6.2 + 0.6 * np.arange(16), 10),
         "Z": 0.3 * np.arange(-10, 11)}
MODULES = {"boost-histogram": "boost_histogram", "dask-histogram": "dask_histogram"}
# Larger catalogues take minutes per round.
MAX_CATALOG = 2_000_000


def make_stars(n):
    """Return columns and [M/H] of stars, about 73 % of them inside the grid."""
    rng = np.random.default_rng(0)
    columns = {}
    for name, edges in EDGES.items():
        middle, half = 0.5 * (edges[0] + edges[-1]), 0.5 * (edges[-1] - edges[0])
        x = rng.uniform(middle - 1.082 * half, middle + 1.082 * half, n)
        # scipy includes stars that are beyond the last edge by a rounding error.
        x[(x > edges[-1]) & (x < edges[-1] + 1e-4)] += 1e-4
        columns[name] = x
    return columns, rng.normal(-0.3, 0.2, n)


def choose_runs(options, n):
    """Return the number of rounds: the more stars, the fewer."""
    return options.runs or (15 if n < 500_000 else 9 if n < 5_000_000 else 5)


def measure_voxels(options):
    """Time count, mean, standard deviation and median in voxels of phi, age, R and Z."""
    for n in options.sizes:
        columns, values = make_stars(n)
        arguments = list(columns.values()), list(EDGES.values()), values
        seconds = {"reading the columns once": partial(read_once, [*columns.values(), values])}
        for kind, peers, names in ((VoxelState, FULL, ("counts", "mean", "std", "median")),
                                   (VoxelMoments, MOMENTS, ("counts", "mean", "std"))):
            def ours(kind=kind, names=names, arguments=arguments):
                state = kind.from_columns(*arguments)
                return {name: getattr(state, name) for name in names}

            functions = {OURS: ours}
            for peer, make in peers.items():
                if peer not in options.peers:
                    continue
                if find_spec(MODULES.get(peer, peer)) is None:
                    print(f"{peer} is not installed: skipped")
                elif run := make(columns, EDGES, values, kind is VoxelState):
                    functions[peer] = run
            expected = ours()

            def check(name, results, expected=expected):
                if results is None:
                    return
                for statistic, array in results.items():
                    # The mean of the two middle values can be rounded in two ways.
                    tolerance = {"counts": 0, "median": 1e-15}.get(statistic, 1e-10)
                    np.testing.assert_allclose(array, expected[statistic], rtol=tolerance,
                                               atol=tolerance, err_msg=f"{statistic} of {name}")

            task = "count, mean, std" + ", median" * (kind is VoxelState)
            yield Result("voxels", task, n,
                         interleaved(functions | seconds, choose_runs(options, n), check))
        state = VoxelState.from_columns(*arguments)
        memory = state.values if state.values.base is None else state.values.base
        print(f"  the state holds {memory.nbytes / n:.1f} bytes per star and "
              f"{state.counts.nbytes / 1e3:.0f} kB of counts; {state.n_stars / n:.0%} of the stars "
              "are inside")


def read_once(columns):
    """Read the columns on all cores, the minimum work of any implementation."""
    def read(part):
        for column in columns:
            column[part].max()

    list(in_threads(read, shares(len(columns[0]), 100_000)))


def measure_resampling(options):
    """Time 1,000 bootstrap medians of a whole profile, and permutations of a bin."""
    amap = AsymmetryMap.from_catalog(make_mock_catalog())
    slices, n_Z = amap.binning.n_slices, len(amap.binning["Z"])
    # The bins of a profile: all R of a slice and a height together.
    bins = np.broadcast_to(np.arange(slices * n_Z).reshape(slices, 1, n_Z), amap.binning.shape)
    pooled = amap.state.pooled(bins.ravel(), slices * n_Z)
    groups = [group for group in np.split(pooled.values, pooled.offsets[1:-1]) if len(group) > 1]
    rng = np.random.default_rng(0)

    def by_scipy(groups=groups):
        return [stats.bootstrap((group,), np.median, n_resamples=1000, method="percentile",
                                batch=100, rng=rng).bootstrap_distribution for group in groups]

    seconds = interleaved({OURS: lambda: bootstrap(pooled, n=1000, rng=rng), "scipy": by_scipy},
                          options.runs or 3)
    yield Result("bootstrap", f"1,000 medians of {len(groups)} bins", pooled.n_stars, seconds)
    # Ties between medians only make the test more lenient.
    some = sorted(range(len(groups)), key=lambda k: len(groups[k]))[::max(len(groups) // 10, 1)]
    p = []
    for _ in range(10):
        ours = [bootstrap(VoxelState.from_stars(np.zeros(len(groups[k]), np.int32), groups[k], 1),
                          n=1000, rng=rng)[:, 0] for k in some]
        p += [stats.ks_2samp(a, b).pvalue
              for a, b in zip(ours, by_scipy([groups[k] for k in some]), strict=True)]
    print(f"  Kolmogorov-Smirnov, {len(p)} pairs: {np.mean(np.array(p) < 0.05):.1%} with p < 0.05, "
          f"the smallest {min(p):.3f}")
    assert min(p) > 1e-5, "the bootstrap medians must follow those of scipy"

    samples = groups[7:9]
    states = [VoxelState.from_stars(np.zeros(len(x), np.int32), x, 1) for x in samples]
    pair = PairedVoxels(*states, np.zeros(1, int), 1)
    seconds = interleaved({
        OURS: lambda: pair.permuted(999, rng),
        "scipy": lambda: stats.permutation_test(
            samples, lambda x, y, axis: np.mean(x, axis) - np.mean(y, axis),
            vectorized=True, n_resamples=999)}, options.runs or 5)
    yield Result("bootstrap", "999 permutations of two samples", sum(map(len, samples)), seconds)


def make_table(n):
    """Return a table of positions, [M/H] and ages around the Sun."""
    rng = np.random.default_rng(0)
    return QTable({"ra": rng.uniform(0, 360, n) * u.deg,
                   "dec": np.rad2deg(np.arcsin(rng.uniform(-1, 1, n))) * u.deg,
                   "distance": rng.gamma(3, 1, n) * u.kpc + 0.1 * u.kpc,
                   "m_h": rng.normal(-0.3, 0.2, n) * u.dex,
                   "age": rng.uniform(0.1, 13.9, n) * u.Gyr})


def measure_catalog(options):
    """Time the steps from a table to a map, and the binning of arrays alone."""
    binning = DiskBinning(age=EDGES["age"] * u.Gyr)
    for n in catalog_sizes(options):
        table = make_table(n)
        catalog = RedClumpCatalog.from_table(table)
        arrays = StarArrays.from_catalog(catalog, binning)

        def bin_arrays(arrays=arrays):
            state = arrays.bin(binning)
            return state.counts, state.mean, state.std, state.median

        def make_map(catalog=catalog):
            amap = AsymmetryMap.from_catalog(catalog, binning)
            return amap.count, amap.mean, amap.std, amap.median

        functions = {f"{OURS}, arrays": bin_arrays, f"{OURS}, from_catalog": make_map,
                     f"{OURS}, from_table": partial(RedClumpCatalog.from_table, table)}
        yield Result("catalog", "a map of a catalogue", n,
                     interleaved(functions, choose_runs(options, n)))


def catalog_sizes(options):
    return [n for n in options.sizes if n <= MAX_CATALOG]


def measure_coordinates(options):
    """Time the transformation of ra, dec and distance to R, phi and Z."""
    for n in catalog_sizes(options):
        table, frame = make_table(n), paper_frame()
        position = [table[name] for name in ("ra", "dec", "distance")]

        def ours(position=position, frame=frame):
            return sky_to_cylindrical(*(x.value for x in position), frame)

        def skycoord(position=position, frame=frame):
            galcen = SkyCoord(*position, frame="icrs", copy=False).transform_to(frame)
            x, y, z = (getattr(galcen, axis).to_value(u.kpc) for axis in "xyz")
            return np.hypot(x, y), np.rad2deg(np.arctan2(y, -x)), z

        (R, phi, Z), expected = ours(), skycoord()
        phi_difference = np.remainder(phi - expected[1] + 180, 360) - 180
        # The uncertainty of an azimuth is that of the position, divided by R.
        largest = max(np.abs(R - expected[0]).max(), np.abs(Z - expected[2]).max(),
                    np.abs(np.deg2rad(phi_difference) * np.minimum(R, 1)).max())
        assert largest < 1e-12, largest
        yield Result("coordinates", "R, phi, Z of ra, dec, distance", n, interleaved(
            {OURS: ours, "astropy": skycoord}, choose_runs(options, n)))
        print(f"  they agree to {largest:.1e} kpc and rad; peak memory {peak_memory(ours) / n:.0f} "
              f"bytes per star, astropy {peak_memory(skycoord) / n:.0f}")


def peak_memory(function):
    """Return the largest number of bytes allocated during a call."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure_files(options):
    """Time reading a catalogue from a file, and the same table by other readers."""
    for n in catalog_sizes(options):
        with tempfile.TemporaryDirectory() as folder:
            fits, parquet = Path(folder, "stars.fits"), Path(folder, "stars.parquet")
            table = make_table(n)
            for column in table.itercols():
                column.info.format = None
            table["m_h"] = table["m_h"].value
            table.write(fits)
            functions = {f"{OURS}, FITS": partial(RedClumpCatalog.read, fits),
                         "astropy, FITS": partial(QTable.read, fits)}
            if find_spec("pyarrow") and find_spec("pandas"):
                table.write(parquet)
                functions |= {f"{OURS}, Parquet": partial(RedClumpCatalog.read, parquet),
                              "astropy, Parquet": partial(QTable.read, parquet)}
                if find_spec("polars"):
                    import polars as pl

                    functions["polars, Parquet"] = partial(pl.read_parquet, parquet)
            yield Result("files", "five columns", n,
                         interleaved(functions, choose_runs(options, n)))


def measure_splines(options):
    """Time a quantile spline, and the same linear program solved by scipy."""
    for n in (500, 2000, 20_000):
        rng = np.random.default_rng(0)
        x = np.sort(rng.uniform(0, 10, n))
        y = np.sin(x) + rng.standard_t(3, n)
        knots = np.linspace(0, 10, 7)
        curve = QuantileSpline.fit(x, y, knots=knots)

        def linear_program(x=x, y=y, knots=knots, n=n):
            from scipy import sparse
            from scipy.interpolate import BSpline

            basis = BSpline.design_matrix(x, np.r_[[knots[0]] * 2, knots, [knots[-1]] * 2], 2)
            k = basis.shape[1]
            equal = sparse.hstack([basis, sparse.eye(n), -sparse.eye(n)], format="csc")
            cost = np.r_[np.zeros(k), np.full(2 * n, 0.5)]
            bounds = [(None, None)] * k + [(0, None)] * (2 * n)
            return optimize.linprog(cost, A_eq=equal, b_eq=y, bounds=bounds, method="highs")

        objective = linear_program().fun
        assert abs(curve.loss - objective) < 1e-8 * objective, (curve.loss, objective)
        yield Result("splines", "a median spline of 8 coefficients", n, interleaved(
            {OURS: partial(QuantileSpline.fit, x, y, knots=knots), "scipy": linear_program},
            options.runs or 3))


GROUPS = {"voxels": measure_voxels, "bootstrap": measure_resampling, "catalog": measure_catalog,
          "coordinates": measure_coordinates, "files": measure_files, "splines": measure_splines}
