# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Statistics in voxels by other packages, each with its fastest method.

Each function takes columns, their edges and the values, and returns a function without arguments
which returns a dict of arrays over the flattened grid: ``counts``, ``mean``, ``std`` (n - 1) and,
where the package can, ``median``. Converting the stars, to a data frame for example, is not timed.
"""

import numpy as np

__all__ = ["FULL", "MOMENTS"]


def _uniform(edges):
    """Return the origin and inverse width of bins of equal width, else None."""
    widths = np.diff(edges)
    return (edges[0], 1 / widths.mean()) if np.ptp(widths) < 1e-9 else None


def _dense(n_voxels, flat, **columns):
    filled = {}
    for name, values in columns.items():
        array = np.zeros(n_voxels, int) if name == "counts" else np.full(n_voxels, np.nan)
        array[flat] = values
        filled[name] = array
    return filled


def scipy_stats(columns, edges, values, median):
    from scipy.stats import binned_statistic_dd

    def run():
        sample = np.column_stack(list(columns.values()))
        result = first = None
        results = []
        for name in ("count", "mean", "std", *["median"] * median):
            result = binned_statistic_dd(sample, values, name, bins=list(edges.values()),
                                         binned_statistic_result=first)
            first = first or result
            results.append(result.statistic.ravel())
        counts, mean, std, *rest = results
        with np.errstate(divide="ignore", invalid="ignore"):
            std = np.where(counts > 1, std * np.sqrt(counts / (counts - 1)), np.nan)
        return {"counts": counts.astype(int), "mean": mean, "std": std,
                **({"median": rest[0]} if rest else {})}

    return run


def pandas(columns, edges, values, median):
    import pandas as pd

    n_voxels = np.prod([len(axis) - 1 for axis in edges.values()])

    def run():
        flat, inside = 0, True
        for name, axis in edges.items():
            x, equal = columns[name], _uniform(axis)
            number = (((x - equal[0]) * equal[1]).astype(np.int64) if equal
                      else np.searchsorted(axis, x, side="right") - 1)
            flat = flat * (len(axis) - 1) + number
            inside = inside & (x >= axis[0]) & (x < axis[-1])
        groups = pd.Series(values[inside]).groupby(flat[inside], sort=False)
        table = groups.agg(["count", "mean", "std", *["median"] * median])
        return _dense(n_voxels, table.index.to_numpy(),
                      **{"counts" if name == "count" else name: table[name].to_numpy()
                         for name in table})

    return run


def polars(columns, edges, values, median):
    import polars as pl

    frame = pl.DataFrame({**columns, "m_h": values})
    n_voxels = np.prod([len(axis) - 1 for axis in edges.values()])

    def run():
        flat, inside = pl.lit(0, dtype=pl.Int32), pl.lit(True)
        for name, axis in edges.items():
            x, equal = pl.col(name), _uniform(axis)
            if equal:
                number = ((x - equal[0]) * equal[1]).floor().cast(pl.Int32)
            else:
                number = sum(((x >= edge).cast(pl.Int32) for edge in axis[1:-1]),
                             pl.lit(0, dtype=pl.Int32))
            flat = flat * (len(axis) - 1) + number
            inside = inside & (x >= axis[0]) & (x < axis[-1])
        m_h = pl.col("m_h")
        statistics = [pl.len().alias("counts"), m_h.mean().alias("mean"), m_h.std().alias("std"),
                  *[m_h.median().alias("median")] * median]
        table = frame.lazy().filter(inside).group_by(flat.alias("voxel")).agg(statistics).collect(
            engine="streaming")
        return _dense(n_voxels, table["voxel"].to_numpy(),
                      **{column.name: column.to_numpy() for column in table[:, 1:]})

    return run


def duckdb(columns, edges, values, median):
    import duckdb as db
    import pandas as pd

    connection = db.connect()
    connection.register("stars", pd.DataFrame({**columns, "m_h": values}))
    n_voxels = np.prod([len(axis) - 1 for axis in edges.values()])
    flat, inside = "0", []
    for name, axis in edges.items():
        equal = _uniform(axis)
        number = (f"cast(floor(({name} - {equal[0]!s}) * {equal[1]!s}::double) as integer)" if equal
                  else " + ".join(f"({name} >= {edge!s}::double)::integer" for edge in axis[1:-1]))
        flat = f"({flat}) * {len(axis) - 1} + ({number})"
        inside.append(f"{name} >= {axis[0]!s}::double and {name} < {axis[-1]!s}::double")
    query = (f"select {flat} as voxel, count(*) as counts, avg(m_h) as mean, "
             f"stddev_samp(m_h) as std{', median(m_h) as median' if median else ''} "
             f"from stars where {' and '.join(inside)} group by voxel")

    def run():
        table = connection.execute(query).fetchnumpy()
        return _dense(n_voxels, table.pop("voxel"),
                      **{name: np.ma.filled(column, np.nan) if name != "counts" else column
                         for name, column in table.items()})

    return run


def _histogram_axes(edges):
    import boost_histogram as bh

    return [bh.axis.Regular(len(axis) - 1, axis[0], axis[-1], underflow=False, overflow=False)
            if _uniform(axis) else bh.axis.Variable(axis, underflow=False, overflow=False)
            for axis in edges.values()]


def _read_mean_storage(histogram):
    view = histogram.view()
    counts = view["count"].ravel()
    with np.errstate(divide="ignore", invalid="ignore"):
        std = np.sqrt(view["_sum_of_deltas_squared"].ravel() / (counts - 1))
    return {"counts": counts.astype(int),
            "mean": np.where(counts > 0, view["value"].ravel(), np.nan),
            "std": np.where(counts > 1, std, np.nan)}


def boost_histogram(columns, edges, values, median):
    import boost_histogram as bh

    def run():
        histogram = bh.Histogram(*_histogram_axes(edges), storage=bh.storage.Mean())
        histogram.fill(*columns.values(), sample=values)
        return _read_mean_storage(histogram)

    return run


def dask_histogram(columns, edges, values, median):
    import boost_histogram as bh
    import dask.array as da
    import dask_histogram as dh

    parts = max(len(values) // 4, 1)
    arrays = [da.from_array(x, chunks=parts) for x in columns.values()]
    sample = da.from_array(values, chunks=parts)

    def run():
        histogram = dh.factory(*arrays, axes=_histogram_axes(edges), storage=bh.storage.Mean(),
                               sample=sample)
        return _read_mean_storage(histogram.compute(scheduler="threads"))

    return run


def astropy(columns, edges, values, median):
    from astropy.table import Table

    if len(values) > 200_000:
        return None
    n_voxels = np.prod([len(axis) - 1 for axis in edges.values()])

    def run():
        flat, inside = 0, True
        for name, axis in edges.items():
            x = columns[name]
            flat = flat * (len(axis) - 1) + np.searchsorted(axis, x, side="right") - 1
            inside = inside & (x >= axis[0]) & (x < axis[-1])
        groups = Table({"voxel": flat[inside], "m_h": values[inside]}).group_by("voxel").groups
        counts = np.diff(groups.indices)
        mean, spread = (np.asarray(groups.aggregate(f)["m_h"]) for f in (np.mean, np.std))
        with np.errstate(divide="ignore", invalid="ignore"):
            std = np.where(counts > 1, spread * np.sqrt(counts / (counts - 1)), np.nan)
        rest = {"median": np.asarray(groups.aggregate(np.median)["m_h"])} if median else {}
        return _dense(n_voxels, np.asarray(groups.keys["voxel"]), counts=counts, mean=mean, std=std,
                      **rest)

    return run


FULL = {"scipy": scipy_stats, "pandas": pandas, "polars": polars, "duckdb": duckdb,
        "astropy": astropy}
"""Packages with exact medians, by the name of the distribution."""

MOMENTS = {"scipy": scipy_stats, "pandas": pandas, "polars": polars, "duckdb": duckdb,
           "boost-histogram": boost_histogram, "dask-histogram": dask_histogram}
"""Packages with count, mean and standard deviation."""
