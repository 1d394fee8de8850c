# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym map``: files of any size to a map, a batch of stars at a time."""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..exceptions import RcasymError
from ..maps.asymmetry_map import AsymmetryMap
from ..maps.binning import DiskBinning
from ..utils.files import whole_file

__all__ = ["check_folder", "map_parser", "pairs_of", "run_map"]

FILES = ("map.fits", "profile.ecsv", "figure.png", "figure.pdf", "summary.txt")


def map_parser():
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="rcasym map", description="Map stars of files of any size, a batch at a time. No cuts "
        "are made, and stars that are there twice are not looked for.")
    parser.add_argument("files", nargs="+", metavar="FILE",
                        help="FITS or Parquet files, or folders of them")
    parser.add_argument("--column", action="append", default=[], metavar="NAME=COLUMN",
                        help="what the files call a column, such as m_h=FEH; repeatable")
    parser.add_argument("--by-age", action="store_true",
                        help="the map by age instead of that by azimuth")
    parser.add_argument("--no-medians", dest="medians", action="store_false",
                        help="do not keep the values of the stars: means alone, without a test, in "
                             "memory that does not grow with the number of stars")
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="batches that are worked on at a time (default: %(default)s)")
    parser.add_argument("--permutations", type=int, default=999, metavar="N",
                        help="permutations that the difference of North and South is compared "
                             "with; 0 for no test (default: %(default)s)")
    parser.add_argument("--output", default="rcasym-map", metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace files of the same name in the folder")
    parser.add_argument("--seed", type=int, default=0,
                        help="seed of the permutations (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")
    return parser


def pairs_of(columns):
    """NAME=COLUMN as a dictionary."""
    found = {}
    for pair in columns:
        name, equals, source = pair.partition("=")
        if not (name and equals and source):
            raise RcasymError(f"--column must be NAME=COLUMN; got {pair!r}")
        found[name] = source
    return found


def check_folder(folder, files, overwrite):
    """Make the folder and see that it can take the files, before any work."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise RcasymError(f"--output must be a folder; {folder} is a file")
    present = [name for name in files if (folder / name).exists()]
    if present and not overwrite:
        raise RcasymError(f"--output {folder} must not hold results; it has {', '.join(present)}. "
                          "--overwrite replaces them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RcasymError(f"--output {folder} cannot be written: {error.strerror}") from None
    return folder


def run_map(arguments):
    """Make the map, and write it with its profile, figure and summary."""
    if arguments.permutations < 0 or arguments.seed < 0:
        raise RcasymError("--permutations and --seed must be 0 or more; got "
                          f"{arguments.permutations} and {arguments.seed}")
    columns = pairs_of(arguments.column)
    output = check_folder(arguments.output, FILES, arguments.overwrite)
    write = {"overwrite": arguments.overwrite}
    begun = time.perf_counter()
    amap = AsymmetryMap.from_batches(
        arguments.files, DiskBinning.by_age() if arguments.by_age else DiskBinning(),
        columns=columns, medians=arguments.medians, progress=not arguments.quiet,
        workers=arguments.workers)
    spent = time.perf_counter() - begun
    if not arguments.quiet:
        n_read = amap.n_stars + amap.n_outside + amap.n_masked
        print(f"{n_read:,} stars in {spent:.1f} s, {n_read / spent:,.0f} per second",
              file=sys.stderr)
    profile = amap.profile(statistic="median" if arguments.medians else "mean")
    test = (amap.test(n=arguments.permutations, rng=arguments.seed, progress=not arguments.quiet)
            if arguments.medians and arguments.permutations else None)
    from ..plotting import save_figure

    amap.write(output / "map.fits", **write)
    with whole_file(output / "profile.ecsv", **write) as part:
        profile.write(part, format="ascii.ecsv")
    save_figure(amap.plot(), output / "figure", **write)
    text = _summary(amap, profile, test, arguments.medians)
    with whole_file(output / "summary.txt", **write) as part:
        part.write_text(text, encoding="utf-8")
    print(text)


def _summary(amap, profile, test, medians):
    read = amap.n_stars + amap.n_outside + amap.n_masked
    filled = np.count_nonzero(amap.count >= amap.binning.min_count)
    lines = [f"{read:,} stars read: {amap.n_masked:,} without a position, [M/H] or age, "
             f"{amap.n_outside:,} outside the grid, {amap.n_stars:,} in {filled:,} voxels", ""]
    if not medians:
        lines += ["The values of the stars were not kept (--no-medians): the profile is one of "
                  "means, and there is no test.", ""]
    table = profile.slices() if test is None else test.slices
    if test is not None:
        table.remove_columns(["level", "n_unpaired"])
    lines += [f"North - South within voxels of R from {profile.meta['R_min']} to "
              f"{profile.meta['R_max']}",
              *table.pformat(max_lines=-1, max_width=-1)]
    return "\n".join(lines) + "\n"
