# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The summary of a run, as a table and as text."""

from importlib.metadata import version

import numpy as np
from astropy import units as u
from astropy.table import QTable, vstack

__all__ = ["FIGURES", "make_slice_table", "make_summary_table", "write_summary"]

FIGURES = {
    "figure1": "positions, ages and metallicities of the stars",
    "figure2": "age difference of the two surveys, and the calibrated ages",
    "figure3": "offsets from the radial mean at six azimuths",
    "figure4": "North against South at six azimuths",
    "figure5": "offsets from the radial mean at six ages",
    "figure6": "North against South at six ages",
    "figure7": "mean metallicity and radial mean at six azimuths",
    "figure8": "mean metallicity and radial mean at six ages",
}


def make_slice_table(tests):
    """Return the slices of all tests, in plain columns."""
    tables = []
    for name, test in tests.items():
        slices = QTable(test.slices)
        slices.remove_column("level")
        slices.add_column([name] * len(slices), name="map", index=0)
        for column in slices.columns.values():
            column.info.format = None
        tables.append(slices)
    return vstack(tables)


def make_summary_table(results):
    """Return one row per map: the accounting of all rows read, and the largest offset."""
    rows = []
    for name, amap in results.maps.items():
        row = {"map": name, **results.counts, "masked": amap.n_masked, "outside": amap.n_outside,
               "binned": amap.n_stars,
               "filled_voxels": int(np.isfinite(amap.mean).sum())}
        largest = amap.largest_offsets(1)
        row["largest_offset"] = (largest["offset"][0] if len(largest) else np.nan * u.dex)
        row["largest_offset_error"] = (largest["mean_error"][0] if len(largest)
                                       else np.nan * u.dex)
        rows.append(row)
    table = QTable(rows=rows)
    table.meta["accounting"] = "read = cut + repeat + masked + outside + binned"
    table.meta["matched"] = "the part of repeat that is in common between surveys"
    table.meta["largest_offsets"] = {name: _list_rows(amap.largest_offsets())
                                     for name, amap in results.maps.items()}
    table.meta["zero_points"] = [
        {"survey": names[0], "reference": names[1], "stars": zero.n_stars,
         "difference_dex": float(zero.difference.value),
         "difference_error_dex": float(zero.difference_error.value),
         "scatter_dex": float(zero.scatter.value), "trend": zero.trend,
         "trend_error": zero.trend_error} for names, zero in results.zero_points.items()]
    table.meta["left_out"] = [f"{', '.join(files)}: {reason}"
                              for files, reason in results.left_out.items()]
    if results.ages.calibrator:
        table.meta["ages"] = _describe_ages(results.ages)
    return table


def _describe_ages(ages):
    cal, null = ages.calibrator, ages.null
    worst = np.argmax(np.abs(cal.difference_values))
    return {"reference": ages.names[0], "calibrated": ages.names[1],
            "method": cal.settings.method, **cal.counts,
            "polynomial_legendre": cal.polynomial_series.coef.tolist(),
            "polynomial_domain_Gyr": list(cal.support_values),
            "polynomial_deviation_Gyr": float(cal.polynomial_deviation.value),
            "largest_correction_Gyr": float(cal.difference_values[worst]),
            "largest_correction_at_Gyr": float(cal.grid.value[worst]),
            "beyond_support": ages.n_beyond, "floored": ages.n_floored,
            "null_tests": len(null.curves), "null_p_value": null.p_value}


def _list_rows(table):
    """Return the rows of a table as plain numbers, in the units of the catalogue."""
    return [{name: getattr(row[name], "value", row[name]).item() for name in table.colnames}
            for row in table]


def write_summary(results, table):
    """Return the summary as text."""
    lines = [f"rcasym {version('rcasym')}"]
    lines += [f"{path} ({how['format'] or 'format recognised by astropy'})"
              for path, how in results.inputs] or ["the embedded mock sample"]
    lines += ["", "Cuts", *_format_table(results.flow), ""]
    lines += _write_zero_points(results.zero_points)
    lines += _write_ages(table.meta.get("ages"))
    for row in table:
        lines += _write_map(row, results.maps[row["map"]], results.tests[row["map"]])
    lines += [f"{name}: {meaning}" for name, meaning in FIGURES.items()
              if not any(name in files for files in results.left_out)]
    lines += [f"left out: {', '.join(files)}, because {reason}"
              for files, reason in results.left_out.items()]
    return "\n".join(lines) + "\n"


def _format_table(table, indent=""):
    return [f"{indent}{line}" for line in table.pformat(max_lines=-1, max_width=-1)]


def _write_zero_points(zero_points):
    lines = [f"[M/H] of {name} - {reference}, {zero.n_stars:,} stars in common: median "
             f"{zero.difference.value:+.3f} ± {zero.difference_error.value:.3f} dex, trend "
             f"{zero.trend:+.3f} ± {zero.trend_error:.3f} dex per dex"
             for (name, reference), zero in zero_points.items()]
    return [*lines, ""] if lines else []


def _write_ages(ages):
    if not ages:
        return []
    low, high = ages["polynomial_domain_Gyr"]
    coefficients = ", ".join(f"{c:+.4f}" for c in ages["polynomial_legendre"])
    lines = [
        f"Ages: {ages['calibrated']} onto the scale of {ages['reference']}, method "
        f"{ages['method']!r}",
        f"{ages['n_pairs']:>12,}  stars in common with both ages",
        f"{ages['beyond_support']:>12,}  stars beyond the support, {low:.2f} to {high:.2f} Gyr",
        f"{ages['floored']:>12,}  calibrated ages floored at 0",
        f"  largest correction {ages['largest_correction_Gyr']:+.2f} Gyr at "
        f"{ages['largest_correction_at_Gyr']:.1f} Gyr",
        f"  polynomial, Legendre coefficients on that range [Gyr]: {coefficients}; at most "
        f"{ages['polynomial_deviation_Gyr']:.2f} Gyr from the curve",
        f"  p = {ages['null_p_value']:.2g} that age errors alone produce this curve "
        f"({ages['null_tests']} null samples)"]
    if ages["null_p_value"] > 0.05 and ages["method"] == "cobs":
        lines += ["  The ages show no bias beyond their errors: consider --age-method "
                  "errors-in-variables or none"]
    return [*lines, ""]


def _write_map(row, amap, test):
    lines = [f"{row['map']}.fits: {amap.binning!r}"]
    for name, meaning in (
            ("read", "rows read"), ("cut", "removed by the cuts"),
            ("repeat", f"duplicates ({row['matched']:,} in common between surveys, "
                       f"{row['repeat'] - row['matched']:,} repeat observations)"),
            ("masked", "without a position, metallicity or age that the map needs"),
            ("outside", "outside the grid"),
            ("binned", f"binned, filling {row['filled_voxels']:,} voxels")):
        lines.append(f"{row[name]:>12,}  {meaning}")
    lines += ["", "  Largest offsets (voxels with 20 stars or more)",
              *_format_table(amap.largest_offsets(), "  "), ""]
    slices = test.slices
    slices.remove_columns(["level", "n_unpaired"])
    overall = "  all: no stars to compare"
    if np.isfinite(test.p_value):
        overall = (f"  all: {test.difference.value:+.3f} ± {test.difference_error.value:.3f} dex, "
                   f"p = {test.p_value:.2g}, {test.p_value_squares:.2g}")
    return [*lines, f"  North - South within voxels of R from {test.R_min:g} to {test.R_max:g}; "
            f"p-values from {test.n:,} permutations, of the mean and of the squares",
            *_format_table(slices, "  "), overall, ""]
