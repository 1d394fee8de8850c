# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The subcommand ``rcasym run``: from tables of stars to maps, figures and a summary."""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy import log
from astropy.table import QTable

from ..ages import AgeCalibrator, AgeNullTest
from ..ages.pairs import check_errors
from ..catalog import QualityCuts, RedClumpCatalog, ZeroPoint, make_mock_catalog
from ..catalog.columns import floats, survey_names
from ..catalog.io import read_formats
from ..catalog.surveys import SURVEY_READERS
from ..exceptions import RcasymError
from ..maps import AsymmetryMap, DiskBinning
from ..utils.files import write_ecsv, write_text
from ..utils.validation import check_choice
from .options import add_common_options, check_at_least, check_folder, parse_columns
from .summary import FIGURES, make_slice_table, make_summary_table, write_summary

__all__ = ["add_run_parser"]

DESCRIPTION = """\
Without a file the embedded mock sample is mapped. With files, give a --format for each
(or one for all): %s, or a format that astropy's QTable reads.
For larger files, see "rcasym map --help".
"""
AGE_FILES = ("figure5", "figure6", "figure8", "map_by_age.fits", "profile_by_age.ecsv")
CALIBRATION_FILES = ("figure2", "ages.ecsv")
FILES = (*(f"{name}{suffix}" for name in FIGURES for suffix in (".png", ".pdf")),
         "map.fits", "map_by_age.fits", "profile.ecsv", "profile_by_age.ecsv", "asymmetry.ecsv",
         "ages.ecsv", "summary.txt", "summary.ecsv")
# With fewer stars in common than this, ages are not calibrated.
MIN_IN_COMMON = 100


def add_run_parser(subparsers):
    """Add the subcommand to the parser."""
    parser = subparsers.add_parser(
        "run", help="map tables of stars, with all figures (the default)",
        description=DESCRIPTION % ", ".join(SURVEY_READERS),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(function=_run)
    parser.add_argument("files", nargs="*", metavar="FILE",
                        help="tables of stars, one per survey, in the order of preference")
    parser.add_argument("--format", action="append", default=[], metavar="FORMAT",
                        help="the format of the files, once for all or once for each")
    parser.add_argument("--ages", metavar="FILE",
                        help="ages to join to an apogee-rc file by APOGEE_ID")
    parser.add_argument("--age-method", default="cobs",
                        choices=("cobs", "errors-in-variables", "none"),
                        help="how to bring the ages of the second survey onto the scale of the "
                             "first (default: %(default)s, the paper's)")
    parser.add_argument("--null-tests", type=int, default=19, metavar="N",
                        help="null samples, in which the ages have errors and no bias (default: "
                             "%(default)s; 200 for a paper)")
    add_common_options(parser, output="rcasym-output", smallest_n=1)


@dataclass
class AgeStep:
    """The result of the age calibration, or the reason why there is none."""

    reason: str = ""
    calibrator: AgeCalibrator | None = None
    null: AgeNullTest | None = None
    names: tuple = ()
    n_beyond: int = 0
    n_floored: int = 0


@dataclass
class Results:
    """All that a run computes, for its files, figures and summary."""

    inputs: list
    flow: QTable
    counts: dict
    zero_points: dict
    ages: AgeStep
    stars: RedClumpCatalog
    maps: dict = field(default_factory=dict)
    profiles: dict = field(default_factory=dict)
    tests: dict = field(default_factory=dict)
    left_out: dict = field(default_factory=dict)


def _run(arguments):
    check_at_least("--seed", arguments.seed, 0)
    check_at_least("--permutations", arguments.permutations, 1)
    check_at_least("--null-tests", arguments.null_tests, 1)
    inputs = _list_inputs(arguments)
    output = check_folder(arguments.output, FILES, arguments.overwrite)
    stages = _Stages(9, arguments.quiet)
    results = _select_stars(inputs, arguments, stages)
    _compare_hemispheres(results, arguments, stages)
    _draw_figures(results, output, arguments.overwrite, stages)
    _write_files(results, output, arguments.overwrite, stages)
    stages.end(f"results in {output}")
    print((output / "summary.txt").read_text(encoding="utf-8"))


def _list_inputs(arguments):
    """Return the files and how to read each, checked before any work."""
    paths, formats = arguments.files, arguments.format
    if len(formats) not in (0, 1, len(paths)) or (formats and not paths):
        raise RcasymError(f"--format must be given once, or once for each of the {len(paths)} "
                          f"files; got {len(formats)}")
    columns = parse_columns(arguments.column)
    formats = formats * len(paths) if len(formats) == 1 else formats or [None] * len(paths)
    if arguments.ages and "apogee-rc" not in formats:
        raise RcasymError("--ages must come with a file of --format apogee-rc; got "
                          f"{', '.join(map(str, formats)) or 'no file'}")
    inputs = []
    for path, format in zip(paths, formats, strict=True):
        if format is not None:
            check_choice("--format", format, read_formats(RedClumpCatalog))
        if not Path(path).is_file():
            kind = "a folder" if Path(path).is_dir() else "no file of that name"
            raise RcasymError(f"{path} must be a file; got {kind}")
        how = {"format": format}
        if columns:
            how["columns"] = columns
        if arguments.ages and format == "apogee-rc":
            how["ages"] = arguments.ages
        inputs.append((path, how))
    return inputs


def _select_stars(inputs, arguments, stages):
    """Read the stars, make the cuts, calibrate the ages and remove duplicates."""
    stages.start("reading the stars" if inputs else "making the mock sample")
    catalogs = ([RedClumpCatalog.read(path, **how) for path, how in inputs]
                or [make_mock_catalog(rng=arguments.seed)])
    catalogs = [survey for catalog in catalogs for survey in _split_surveys(catalog)]
    n_read = sum(map(len, catalogs))

    stages.start(f"selecting from {n_read:,} stars")
    cuts = QualityCuts()
    flow = _add_cut_flows(catalogs, cuts)
    selected = [catalog.select(cuts) for catalog in catalogs]
    n_selected = sum(map(len, selected))
    if n_selected == 0:
        raise RcasymError("no star passes the quality cuts; the first that leaves none is "
                          f"'{flow['cut'][np.argmax(flow['left'] == 0)]}'")

    stages.start("comparing the surveys")
    zero_points = _measure_zero_points(selected)
    selected, ages = _calibrate_ages(selected, arguments)

    stages.start(f"removing duplicates from {n_selected:,} stars")
    stars = RedClumpCatalog.concatenate(selected)
    counts = {"read": n_read, "cut": n_read - n_selected, "matched": stars.meta["n_common"],
              "repeat": n_selected - len(stars)}
    return Results(inputs, flow, counts, zero_points, ages, stars)


def _split_surveys(catalog):
    """Return one catalogue per survey, in the order in which they appear in the file."""
    names = survey_names(catalog)
    return [catalog[names == name] for name in dict.fromkeys(names.tolist())]


def _add_cut_flows(catalogs, cuts):
    """Return the sum of the cut flows of all catalogues."""
    flow, *others = [cuts.cut_flow(catalog) for catalog in catalogs]
    for other in others:
        for name in ("before", "removed", "left", "not_applicable"):
            flow[name] += other[name]
    return flow


def _measure_zero_points(catalogs):
    """Return the [M/H] zero point of each further survey against the first, by their names."""
    zero_points = {}
    for catalog in catalogs[1:]:
        names = tuple(str(survey_names(stars)[0]) if len(stars) else ""
                      for stars in (catalog, catalogs[0]))
        try:
            zero_points[names] = ZeroPoint.from_catalogs(catalog, catalogs[0])
        except RcasymError:
            log.info(f"too few stars in common between {' and '.join(names)}")
    return zero_points


def _has_ages(catalog):
    return "age" in catalog.colnames and bool(np.isfinite(floats(catalog, "age")).any())


def _calibrate_ages(catalogs, arguments):
    """Bring the ages of the second survey onto the scale of the first, or of LAMOST.

    Returns the catalogues and the result of the calibration.
    """
    if arguments.age_method == "none":
        return catalogs, AgeStep("--age-method is none")
    aged = [k for k, catalog in enumerate(catalogs) if _has_ages(catalog)]
    if len(aged) != 2:
        return catalogs, AgeStep(f"ages of two surveys can be compared; got {len(aged)}")
    names = [str(survey_names(catalogs[k])[0]) for k in aged]
    if names[1].upper() == "LAMOST":
        aged, names = aged[::-1], names[::-1]
    reference, catalog = (catalogs[k] for k in aged)
    n_common = len(catalog.match(reference))
    if n_common < MIN_IN_COMMON:
        return catalogs, AgeStep(f"the surveys have {n_common} stars in common, and "
                                 f"{MIN_IN_COMMON} are needed to compare their ages")
    try:
        calibrator = AgeCalibrator.from_catalogs(catalog, reference, method=arguments.age_method,
                                                 n_bootstrap=10, rng=arguments.seed)
        check_errors(calibrator.pairs, "the null test")
    except RcasymError as error:
        return catalogs, AgeStep(f"their ages cannot be compared: {error}")
    null = calibrator.null_test(n=arguments.null_tests, rng=arguments.seed)
    calibrated = calibrator.apply(catalog)
    catalogs = [calibrated if k == aged[1] else stars for k, stars in enumerate(catalogs)]
    return catalogs, AgeStep("", calibrator, null, tuple(names),
                             int(calibrated["age_beyond_support"].sum()),
                             int(calibrated["age_floored"].sum()))


def _compare_hemispheres(results, arguments, stages):
    """Make the maps, and the profiles and tests of North against South."""
    stars = results.stars
    stages.start(f"binning {len(stars):,} stars")
    if not results.ages.calibrator:
        results.left_out[CALIBRATION_FILES] = results.ages.reason
    results.maps["map"] = AsymmetryMap.from_catalog(stars)
    if _has_ages(stars):
        results.maps["map_by_age"] = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
    else:
        results.left_out[AGE_FILES] = "the stars have no ages"
    stages.start("comparing North with South")
    for name, amap in results.maps.items():
        results.profiles[name] = amap.profile()
        results.tests[name] = amap.test(n=arguments.permutations, rng=arguments.seed,
                                        progress=not arguments.quiet)


def _draw_figures(results, output, overwrite, stages):
    from ..plotting import save_figure, style

    stages.start("drawing the figures")
    drawings = {"figure1": results.stars.plot}
    if results.ages.calibrator:
        drawings["figure2"] = lambda: results.ages.calibrator.plot(null=results.ages.null)
    for (name, amap), (offsets, profile, means) in zip(
            results.maps.items(), (("figure3", "figure4", "figure7"),
                                   ("figure5", "figure6", "figure8")), strict=False):
        drawings[offsets] = amap.plot
        drawings[profile] = lambda name=name: results.profiles[name].plot(test=results.tests[name])
        drawings[means] = lambda amap=amap: amap.plot(["mean", "radial_mean"])
    with style("aastex"):
        for name in sorted(drawings):
            save_figure(drawings[name](), output / name, overwrite=overwrite)
            stages.say(f"      {name}: {FIGURES[name]}")


def _write_files(results, output, overwrite, stages):
    stages.start("writing the maps and the profiles")
    for name, amap in results.maps.items():
        amap.write(output / f"{name}.fits", overwrite=overwrite)
        write_ecsv(results.profiles[name], output / f"{name.replace('map', 'profile')}.ecsv",
                   overwrite=overwrite)
    write_ecsv(make_slice_table(results.tests), output / "asymmetry.ecsv", overwrite=overwrite)
    if results.ages.calibrator:
        results.ages.calibrator.write(output / "ages.ecsv", overwrite=overwrite)
    stages.start("writing the summary")
    table = make_summary_table(results)
    write_ecsv(table, output / "summary.ecsv", overwrite=overwrite)
    write_text(write_summary(results, table), output / "summary.txt", overwrite=overwrite)
    # Files of an earlier run that this one left out do not belong to it.
    for name in FILES:
        if name.startswith(tuple(prefix for files in results.left_out for prefix in files)):
            (output / name).unlink(missing_ok=True)


class _Stages:
    """Names each stage on standard error when it begins, and the time of the run at the end."""

    def __init__(self, total, quiet):
        self.total, self.quiet, self.number = total, quiet, 0
        self.begun = time.perf_counter()

    def start(self, label):
        self.number += 1
        self.say(f"[{self.number}/{self.total}] {label}")

    def end(self, label):
        self.say(f"done in {time.perf_counter() - self.begun:.1f} s: {label}")

    def say(self, line):
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)
