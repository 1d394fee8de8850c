# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym``: from tables of stars to maps, figures and a summary."""

import argparse
import os
import sys
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from astropy import log
from astropy import units as u
from astropy.table import QTable, vstack

from ..ages.calibrator import AgeCalibrator
from ..ages.null_test import AgeNullTest
from ..ages.pairs import check_errors
from ..catalog.columns import floats, survey_names
from ..catalog.core import RedClumpCatalog
from ..catalog.cuts import QualityCuts
from ..catalog.io import read_formats
from ..catalog.mock import make_mock_catalog
from ..catalog.surveys import SURVEY_READERS
from ..catalog.zero_point import ZeroPoint
from ..exceptions import RcasymError
from ..maps.asymmetry_map import AsymmetryMap
from ..maps.binning import DiskBinning
from ..utils.files import whole_file
from ..utils.validation import check_choice
from .map import check_folder, map_parser, pairs_of, run_map

__all__ = ["main"]

DESCRIPTION = """\
Map the North-South metallicity asymmetry of the Galactic disk.

Without a file the embedded mock sample is mapped. With files, give a --format for each
(or one for all): %s, or a format that astropy's QTable reads.
"rcasym map --help" tells of files that are too large for this.
"""

FIGURES = {
    "figure1": "where the stars are, and their ages and metallicities",
    "figure2": "difference of the ages of two surveys, and the calibrated ages",
    "figure3": "offsets from the radial mean at six azimuths",
    "figure4": "North against South at six azimuths",
    "figure5": "offsets from the radial mean at six ages",
    "figure6": "North against South at six ages",
    "figure7": "mean metallicity and radial mean at six azimuths",
    "figure8": "mean metallicity and radial mean at six ages",
}
AGE_FILES = ("figure5", "figure6", "figure8", "map_by_age.fits", "profile_by_age.ecsv")
CALIBRATION_FILES = ("figure2", "ages.ecsv")
# Fewer stars in common than this make no calibration.
MIN_IN_COMMON = 100
FILES = (*(f"{name}{suffix}" for name in FIGURES for suffix in (".png", ".pdf")),
         "map.fits", "map_by_age.fits", "profile.ecsv", "profile_by_age.ecsv", "asymmetry.ecsv",
         "ages.ecsv", "summary.txt", "summary.ecsv")


def main(argv=None):
    """Run the command, as ``rcasym`` in a shell does.

    Parameters
    ----------
    argv : sequence of str, optional
        Files and options, as ``rcasym --help`` lists them; by default those of the shell.

    Returns
    -------
    int
        The exit status: 0 if all went well, 1 with a message on standard error if not, 130 after
        Ctrl-C.

    Examples
    --------
    A script sees that a file is missing; nothing is written then:

    >>> from rcasym.command.main import main
    >>> main(["no-such-file.fits", "--format", "apogee-rc", "--quiet"])
    1
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    mapping = argv[:1] == ["map"]
    arguments = map_parser().parse_args(argv[1:]) if mapping else _parser().parse_args(argv)
    # No window is opened, whatever the user's matplotlib would do.
    os.environ.setdefault("MPLBACKEND", "agg")
    # What the package says of numbers of stars stands in the summary.
    level = log.level
    log.setLevel("WARNING")
    try:
        if mapping:
            run_map(arguments)
        else:
            _run(arguments)
    except (RcasymError, OSError) as error:
        print(f"rcasym: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nrcasym: interrupted", file=sys.stderr)
        return 130
    finally:
        log.setLevel(level)
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="rcasym", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=DESCRIPTION % ", ".join(SURVEY_READERS))
    parser.add_argument("files", nargs="*", metavar="FILE",
                        help="tables of stars, one a survey, in the order of preference")
    parser.add_argument("--format", action="append", default=[], metavar="FORMAT",
                        help="the format of the files, once for all or once for each")
    parser.add_argument("--column", action="append", default=[], metavar="NAME=COLUMN",
                        help="what the files call a column, such as m_h=FEH; repeatable")
    parser.add_argument("--ages", metavar="FILE",
                        help="ages to join to an apogee-rc file by APOGEE_ID")
    parser.add_argument("--age-method", default="cobs",
                        choices=("cobs", "errors-in-variables", "none"),
                        help="how the second survey's ages are brought onto the scale of the "
                             "first (default: %(default)s, the paper's)")
    parser.add_argument("--null-tests", type=int, default=19, metavar="N",
                        help="samples without a bias that the difference of the ages is compared "
                             "with (default: %(default)s; 200 for a paper)")
    parser.add_argument("--permutations", type=int, default=999, metavar="N",
                        help="permutations that the difference of North and South is compared "
                             "with (default: %(default)s; 9999 for a paper)")
    parser.add_argument("--output", default="rcasym-output", metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace files of the same name in the folder")
    parser.add_argument("--seed", type=int, default=0,
                        help="seed of the mock sample, of the resampling, of the null tests and "
                             "of the permutations (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('rcasym')}")
    return parser


def _run(arguments):
    stages = _Stages(9, arguments.quiet)
    if arguments.seed < 0:
        raise RcasymError(f"--seed must be 0 or more; got {arguments.seed}")
    if arguments.permutations < 1:
        raise RcasymError(f"--permutations must be 1 or more; got {arguments.permutations}")
    inputs = _inputs(arguments)
    output = check_folder(arguments.output, FILES, arguments.overwrite)
    write = {"overwrite": arguments.overwrite}

    stages.start("reading the stars" if inputs else "making the mock sample")
    catalogs = ([RedClumpCatalog.read(path, **how) for path, how in inputs]
                or [make_mock_catalog(rng=arguments.seed)])
    catalogs = [survey for catalog in catalogs for survey in _surveys(catalog)]
    n_read = sum(map(len, catalogs))

    stages.start(f"selecting from {n_read:,} stars")
    cuts = QualityCuts()
    flow = _joint_cut_flow(catalogs, cuts)
    selected = [catalog.select(cuts) for catalog in catalogs]
    n_selected = sum(map(len, selected))
    if n_selected == 0:
        raise RcasymError("no star passes the quality cuts; the first that leaves none is "
                          f"'{flow['cut'][np.argmax(flow['left'] == 0)]}'")

    stages.start("comparing the surveys")
    zero_points = _zero_points(selected)
    selected, ages = _one_age_scale(selected, arguments)

    stages.start(f"finding stars in common and repeats among {n_selected:,} stars")
    stars = RedClumpCatalog.concatenate(selected)
    drawings = {"figure1": partial(_draw, output / "figure1", stars, **write)}

    stages.start(f"binning {len(stars):,} stars")
    maps = {"map": AsymmetryMap.from_catalog(stars)}
    no_ages = ("" if "age" in stars.colnames and np.isfinite(floats(stars, "age")).any()
               else "the stars have no ages")
    if not no_ages:
        maps["map_by_age"] = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())

    stages.start("comparing North with South")
    profiles = {name: amap.profile() for name, amap in maps.items()}
    tests = {name: amap.test(n=arguments.permutations, rng=arguments.seed,
                             progress=not arguments.quiet) for name, amap in maps.items()}

    stages.start("drawing the figures")
    for (name, amap), figures in zip(maps.items(), (("figure3", "figure4", "figure7"),
                                                    ("figure5", "figure6", "figure8")),
                                     strict=False):
        for figure, thing, quantity, how in zip(
                figures, (amap, profiles[name], amap),
                ("offset", "asymmetry", ["mean", "radial_mean"]),
                ({}, {"test": tests[name]}, {}), strict=True):
            drawings[figure] = partial(_draw, output / figure, thing, quantity, **how, **write)
    if ages.calibrator:
        drawings["figure2"] = lambda: _draw(output / "figure2", ages.calibrator, null=ages.null,
                                            **write)
    for name in sorted(drawings):
        drawings[name]()
        stages.say(f"      {name}: {FIGURES[name]}")

    stages.start("writing the maps and the profiles")
    for name, amap in maps.items():
        amap.write(output / f"{name}.fits", **write)
        with whole_file(output / f"{name.replace('map', 'profile')}.ecsv", **write) as part:
            profiles[name].write(part, format="ascii.ecsv")
    slices = _slice_table(tests)
    with whole_file(output / "asymmetry.ecsv", **write) as part:
        slices.write(part, format="ascii.ecsv")
    if ages.calibrator:
        ages.calibrator.write(output / "ages.ecsv", **write)

    stages.start("writing the summary")
    counts = {"read": n_read, "cut": n_read - n_selected, "matched": stars.meta["n_common"],
              "repeat": n_selected - len(stars)}
    left_out = {files: why for files, why in ((CALIBRATION_FILES, ages.why_not),
                                              (AGE_FILES, no_ages)) if why}
    table = _summary_table(maps, counts, ages, zero_points, left_out)
    text = _summary_text(table, maps, tests, flow, inputs, ages, zero_points, left_out)
    with whole_file(output / "summary.ecsv", **write) as part:
        table.write(part, format="ascii.ecsv")
    with whole_file(output / "summary.txt", **write) as part:
        part.write_text(text, encoding="utf-8")
    for files in left_out:
        # What an earlier run on other stars left here does not belong to this one.
        for name in FILES:
            if name.startswith(files):
                (output / name).unlink(missing_ok=True)
    stages.end(f"results in {output}")
    print(text)


def _draw(path, thing, *args, overwrite, **kwargs):
    from ..plotting import save_figure

    save_figure(thing.plot(*args, **kwargs), path, overwrite=overwrite)


class _Stages:
    """Says on standard error what is being done, and how long the last stage took."""

    def __init__(self, total, quiet):
        self.total, self.quiet, self.number = total, quiet, 0
        self.begun = self.last = time.perf_counter()

    def start(self, what):
        self.number += 1
        self.say(f"[{self.number}/{self.total}] {what}")

    def end(self, what):
        self.say(f"done in {time.perf_counter() - self.begun:.1f} s: {what}")

    def say(self, words):
        if not self.quiet:
            print(words, file=sys.stderr, flush=True)


def _inputs(arguments):
    """The files and how to read each, checked before any work."""
    paths, formats = arguments.files, arguments.format
    if len(formats) not in (0, 1, len(paths)) or (formats and not paths):
        raise RcasymError(f"--format must be given once, or once for each of the {len(paths)} "
                          f"files; got {len(formats)}")
    columns = pairs_of(arguments.column)
    formats = formats * len(paths) if len(formats) == 1 else formats or [None] * len(paths)
    if arguments.ages and "apogee-rc" not in formats:
        raise RcasymError("--ages must come with a file of --format apogee-rc; got "
                          f"{', '.join(map(str, formats)) or 'no file'}")
    inputs = []
    for path, format in zip(paths, formats, strict=True):
        if format is not None:
            check_choice("--format", format, read_formats(RedClumpCatalog))
        if not Path(path).is_file():
            raise RcasymError(f"{path} must be a file; there is "
                              + ("a folder" if Path(path).is_dir() else "none")
                              + " of that name")
        how = {"format": format}
        if columns:
            how["columns"] = columns
        if arguments.ages and format == "apogee-rc":
            how["ages"] = arguments.ages
        inputs.append((path, how))
    return inputs


def _surveys(catalog):
    """One catalogue a survey, in the order in which they appear in the file."""
    names = survey_names(catalog)
    return [catalog[names == name] for name in dict.fromkeys(names.tolist())]


def _joint_cut_flow(catalogs, cuts):
    """The cut flows of all catalogues, added up."""
    flow, *others = [cuts.cut_flow(catalog) for catalog in catalogs]
    for other in others:
        for name in ("before", "removed", "left", "not_applicable"):
            flow[name] += other[name]
    return flow


def _zero_points(catalogs):
    """The [M/H] of each further survey against the first, where they have stars in common."""
    found = {}
    for catalog in catalogs[1:]:
        names = tuple(str(survey_names(stars)[0]) if len(stars) else ""
                      for stars in (catalog, catalogs[0]))
        try:
            found[names] = ZeroPoint.from_catalogs(catalog, catalogs[0])
        except RcasymError:
            log.info(f"too few stars in common between {' and '.join(names)}")
    return found


def _slice_table(tests):
    """The slices of all maps, in plain columns: what is written as ``asymmetry.ecsv``."""
    tables = []
    for name, test in tests.items():
        slices = QTable(test.slices)
        slices.remove_column("level")
        slices.add_column([name] * len(slices), name="map", index=0)
        for column in slices.columns.values():
            column.info.format = None
        tables.append(slices)
    return vstack(tables)


@dataclass
class _Ages:
    """What became of the ages, or why nothing did."""

    why_not: str = ""
    calibrator: AgeCalibrator | None = None
    null: AgeNullTest | None = None
    names: tuple = ()
    n_beyond: int = 0
    n_floored: int = 0


def _one_age_scale(catalogs, arguments):
    """The catalogues with the ages of the second survey on the scale of the first (of LAMOST, if
    it is one of them), and what was found on the way."""
    if arguments.age_method == "none":
        return catalogs, _Ages("--age-method is none")
    if arguments.null_tests < 1:
        raise RcasymError(f"--null-tests must be 1 or more; got {arguments.null_tests}")
    aged = [k for k, catalog in enumerate(catalogs)
            if "age" in catalog.colnames and np.isfinite(floats(catalog, "age")).any()]
    if len(aged) != 2:
        return catalogs, _Ages(f"{len(aged)} surveys have ages, and two can be compared")
    names = [str(survey_names(catalogs[k])[0]) for k in aged]
    if names[1].upper() == "LAMOST":
        aged, names = aged[::-1], names[::-1]
    reference, catalog = (catalogs[k] for k in aged)
    n_common = len(catalog.match(reference))
    if n_common < MIN_IN_COMMON:
        return catalogs, _Ages(f"the surveys have {n_common} stars in common, and "
                               f"{MIN_IN_COMMON} are needed to compare their ages")
    try:
        calibrator = AgeCalibrator.from_catalogs(catalog, reference, method=arguments.age_method,
                                                 n_bootstrap=10, rng=arguments.seed)
        check_errors(calibrator.pairs, "the null test")
    except RcasymError as error:
        return catalogs, _Ages(f"their ages cannot be compared: {error}")
    null = calibrator.null_test(n=arguments.null_tests, rng=arguments.seed)
    calibrated = calibrator.apply(catalog)
    catalogs = [calibrated if k == aged[1] else stars for k, stars in enumerate(catalogs)]
    return catalogs, _Ages("", calibrator, null, tuple(names),
                           int(calibrated["age_beyond_support"].sum()),
                           int(calibrated["age_floored"].sum()))


def _summary_table(maps, counts, ages, zero_points, left_out):
    """One row a map: what became of every row read, and the largest offset."""
    rows = []
    for name, amap in maps.items():
        row = {"map": name, **counts, "masked": amap.n_masked, "outside": amap.n_outside,
               "binned": amap.n_stars,
               "filled_voxels": int(np.isfinite(amap.mean).sum())}
        largest = amap.largest_offsets(1)
        row["largest_offset"] = (largest["offset"][0] if len(largest) else np.nan * u.dex)
        row["largest_offset_error"] = (largest["mean_error"][0] if len(largest)
                                       else np.nan * u.dex)
        rows.append(row)
    table = QTable(rows=rows)
    table.meta["accounting"] = "read = cut + repeat + masked + outside + binned"
    table.meta["matched"] = "of repeat, the stars in common between surveys"
    table.meta["largest_offsets"] = {name: _rows(amap.largest_offsets())
                                     for name, amap in maps.items()}
    table.meta["zero_points"] = [
        {"survey": names[0], "reference": names[1], "stars": zero.n_stars,
         "difference_dex": float(zero.difference.value),
         "difference_error_dex": float(zero.difference_error.value),
         "scatter_dex": float(zero.scatter.value), "trend": zero.trend,
         "trend_error": zero.trend_error} for names, zero in zero_points.items()]
    table.meta["left_out"] = [f"{', '.join(files)}: {why}" for files, why in left_out.items()]
    if ages.calibrator:
        cal, worst = ages.calibrator, np.argmax(np.abs(ages.calibrator.difference_values))
        table.meta["ages"] = {
            "reference": ages.names[0], "calibrated": ages.names[1],
            "method": cal.settings.method, **cal.counts,
            "polynomial_legendre": cal.polynomial_series.coef.tolist(),
            "polynomial_domain_Gyr": list(cal.support_values),
            "polynomial_deviation_Gyr": float(cal.polynomial_deviation.value),
            "largest_correction_Gyr": float(cal.difference_values[worst]),
            "largest_correction_at_Gyr": float(cal.grid.value[worst]),
            "beyond_support": ages.n_beyond, "floored": ages.n_floored,
            "null_tests": len(ages.null.curves), "null_p_value": ages.null.p_value}
    return table


def _rows(table):
    """The rows of a table as plain numbers, in the units of the catalogue."""
    return [{name: getattr(row[name], "value", row[name]).item() for name in table.colnames}
            for row in table]


def _ages_text(ages, meta):
    """The age step in words."""
    if not ages.calibrator:
        return []
    low, high = meta["polynomial_domain_Gyr"]
    coefficients = ", ".join(f"{c:+.4f}" for c in meta["polynomial_legendre"])
    return [
        f"Ages: {meta['calibrated']} onto the scale of {meta['reference']}, method "
        f"{meta['method']!r}",
        f"{meta['n_pairs']:>12,}  stars in common with both ages",
        f"{meta['beyond_support']:>12,}  stars beyond the support, {low:.2f} to {high:.2f} Gyr",
        f"{meta['floored']:>12,}  calibrated ages floored at 0",
        f"  largest correction {meta['largest_correction_Gyr']:+.2f} Gyr at "
        f"{meta['largest_correction_at_Gyr']:.1f} Gyr",
        f"  polynomial, Legendre coefficients on that range [Gyr]: {coefficients}; at most "
        f"{meta['polynomial_deviation_Gyr']:.2f} Gyr from the curve",
        f"  p = {meta['null_p_value']:.2g} for the curve to come of the errors of the ages alone "
        f"({meta['null_tests']} samples without a bias)",
        *(["  The ages show no bias beyond what their errors make: consider --age-method "
           "errors-in-variables or none"]
          if meta["null_p_value"] > 0.05 and meta["method"] == "cobs" else []), ""]


def _zero_point_text(zero_points):
    """The zero points of the surveys in words."""
    lines = []
    for (name, reference), zero in zero_points.items():
        lines += [f"[M/H] of {name} - {reference}, {zero.n_stars:,} stars in common: median "
                  f"{zero.difference.value:+.3f} ± {zero.difference_error.value:.3f} dex, trend "
                  f"{zero.trend:+.3f} ± {zero.trend_error:.3f} dex per dex"]
    return [*lines, ""] if lines else []


def _summary_text(table, maps, tests, flow, inputs, ages, zero_points, left_out):
    lines = [f"rcasym {version('rcasym')}"]
    lines += [f"{path} ({how['format'] or 'format by astropy'})" for path, how in inputs] or [
        "the embedded mock sample"]
    lines += ["", "Cuts", *flow.pformat(max_lines=-1, max_width=-1), ""]
    lines += _zero_point_text(zero_points)
    lines += _ages_text(ages, table.meta.get("ages"))
    for row in table:
        lines += [f"{row['map']}.fits: {maps[row['map']].binning!r}"]
        for name, meaning in (
                ("read", "rows read"), ("cut", "taken by the cuts"),
                ("repeat", f"of stars already there ({row['matched']:,} in common between surveys, "
                           f"{row['repeat'] - row['matched']:,} repeat observations)"),
                ("masked", "without a position, metallicity or age that the map needs"),
                ("outside", "outside the grid"),
                ("binned", f"binned, filling {row['filled_voxels']:,} voxels")):
            lines.append(f"{row[name]:>12,}  {meaning}")
        largest = maps[row["map"]].largest_offsets()
        lines += ["", "  Largest offsets (voxels of 20 stars or more)",
                  *(f"  {line}" for line in largest.pformat(max_lines=-1, max_width=-1)), ""]
        test = tests[row["map"]]
        slices = test.slices
        slices.remove_columns(["level", "n_unpaired"])
        lines += [f"  North - South within voxels of R from {test.R_min:g} to {test.R_max:g}; p of "
                  f"{test.n:,} permutations, of the mean and of the squares",
                  *(f"  {line}" for line in slices.pformat(max_lines=-1, max_width=-1)),
                  f"  all: {test.difference.value:+.3f} ± {test.difference_error.value:.3f} dex, "
                  f"p = {test.p_value:.2g}, {test.p_value_squares:.2g}"
                  if np.isfinite(test.p_value) else "  all: no stars to compare", ""]
    lines += [f"{name}: {words}" for name, words in FIGURES.items()
              if not any(name in files for files in left_out)]
    lines += [f"left out: {', '.join(files)}, because {why}" for files, why in left_out.items()]
    return "\n".join(lines) + "\n"
