# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The subcommand ``rcasym map``: files of any size to one map, in batches of stars."""

import sys
import time

import numpy as np

from ..catalog.chunks import find_star_files
from ..maps import AsymmetryMap, DiskBinning
from ..utils.files import write_ecsv, write_text
from .options import add_common_options, check_at_least, check_folder, parse_columns

__all__ = ["add_map_parser"]

FILES = ("map.fits", "profile.ecsv", "figure.png", "figure.pdf", "summary.txt")


def add_map_parser(subparsers):
    """Add the subcommand to the parser."""
    parser = subparsers.add_parser(
        "map", help="map files of any size",
        description="Map the stars of files of any size, in batches. No cuts are made, and "
                    "duplicates are not removed.")
    parser.set_defaults(function=_run)
    parser.add_argument("files", nargs="+", metavar="FILE",
                        help="FITS or Parquet files, or folders of them")
    parser.add_argument("--by-age", action="store_true",
                        help="map the stars by age instead of by azimuth")
    parser.add_argument("--no-medians", dest="medians", action="store_false",
                        help="do not keep the values of the stars: only means, without a test, in "
                             "memory that does not grow with the number of stars")
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="batches processed at the same time (default: %(default)s)")
    add_common_options(parser, output="rcasym-map", smallest_n=0)


def _run(arguments):
    check_at_least("--permutations", arguments.permutations, 0)
    check_at_least("--seed", arguments.seed, 0)
    check_at_least("--workers", arguments.workers, 1)
    columns = parse_columns(arguments.column)
    find_star_files(arguments.files)
    output = check_folder(arguments.output, FILES, arguments.overwrite)
    begun = time.perf_counter()
    amap = AsymmetryMap.from_batches(
        arguments.files, DiskBinning.by_age() if arguments.by_age else DiskBinning(),
        columns=columns, medians=arguments.medians, workers=arguments.workers,
        progress=not arguments.quiet)
    spent = time.perf_counter() - begun
    if not arguments.quiet:
        n_read = amap.n_stars + amap.n_outside + amap.n_masked
        print(f"{n_read:,} stars in {spent:.1f} s, {n_read / spent:,.0f} per second",
              file=sys.stderr)
    profile, test = amap.profile(statistic="median" if arguments.medians else "mean"), None
    if arguments.medians and arguments.permutations:
        test = amap.test(n=arguments.permutations, rng=arguments.seed,
                         progress=not arguments.quiet)
    text = _write_summary(amap, profile, test)
    _write_files(amap, profile, text, output, arguments.overwrite)
    print(text)


def _write_files(amap, profile, text, output, overwrite):
    from ..plotting import save_figure, style

    amap.write(output / "map.fits", overwrite=overwrite)
    write_ecsv(profile, output / "profile.ecsv", overwrite=overwrite)
    with style("aastex"):
        save_figure(amap.plot(), output / "figure", overwrite=overwrite)
    write_text(text, output / "summary.txt", overwrite=overwrite)


def _write_summary(amap, profile, test):
    n_read = amap.n_stars + amap.n_outside + amap.n_masked
    n_filled = np.count_nonzero(amap.count >= amap.binning.min_count)
    lines = [f"{n_read:,} stars read: {amap.n_masked:,} without a position, [M/H] or age, "
             f"{amap.n_outside:,} outside the grid, {amap.n_stars:,} in {n_filled:,} voxels", ""]
    if profile.meta["statistic"] == "mean":
        lines += ["The values of the stars were not kept (--no-medians): the profile is one of "
                  "means, and there is no test.", ""]
    table = profile.slices() if test is None else test.slices
    table.remove_columns([name for name in table.colnames
                          if name in ("level", "n_unpaired")
                          or (test is None and name.startswith(("difference", "offset_")))])
    lines += [f"North - South within voxels of R from {profile.meta['R_min']} to "
              f"{profile.meta['R_max']}",
              *table.pformat(max_lines=-1, max_width=-1)]
    return "\n".join(lines) + "\n"
