# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym map``: files of any size to a map, a batch of stars at a time."""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..catalog.chunks import star_files
from ..exceptions import RcasymError
from ..maps.asymmetry_map import AsymmetryMap
from ..maps.binning import DiskBinning
from ..utils.files import whole_file
from ..voxels.bounded import VoxelSummary

__all__ = ["check_folder", "map_parser", "pairs_of", "run_map"]

CHECKPOINT = "checkpoint.npz"
# What is asked of a run that is not finished.
UNFINISHED = "unfinished.json"
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
    parser.add_argument("--memory", metavar="SIZE",
                        help="what the map may take, such as 2GB; more stars than fit in there are "
                             "gone through twice, and have no test (default: no limit)")
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="batches that are worked on at a time (default: %(default)s)")
    parser.add_argument("--resume", action="store_true",
                        help="go on where an interrupted run into the same folder was")
    parser.add_argument("--permutations", type=int, default=999, metavar="N",
                        help="permutations that the difference of North and South is compared "
                             "with; 0 for no test (default: %(default)s)")
    parser.add_argument("--output", default="rcasym-map", metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace files of the same name in the folder, and start anew")
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
    """Make the map, and write it with what it shows."""
    if arguments.permutations < 0 or arguments.seed < 0:
        raise RcasymError("--permutations and --seed must be 0 or more; got "
                          f"{arguments.permutations} and {arguments.seed}")
    columns = pairs_of(arguments.column)
    asked = json.dumps([[[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]
                         for path in star_files(arguments.files)],
                        columns, arguments.by_age, arguments.memory])
    unfinished = Path(arguments.output) / UNFINISHED
    going_on = arguments.resume and unfinished.is_file()
    if going_on and unfinished.read_text(encoding="utf-8") != asked:
        raise RcasymError(f"--resume must be of the same files, --column, --by-age and --memory as "
                          f"the run that {unfinished} is of. --overwrite starts anew")
    output = check_folder(arguments.output, FILES, arguments.overwrite or going_on)
    write = {"overwrite": arguments.overwrite or going_on}
    checkpoint = output / CHECKPOINT
    if checkpoint.exists() and not arguments.resume:
        if not arguments.overwrite:
            raise RcasymError(f"--output {output} must not hold an interrupted run; it has "
                              f"{CHECKPOINT}. --resume goes on from it, --overwrite starts anew")
        checkpoint.unlink()
    if going_on and (output / "map.fits").exists():
        # The stars were all read; what is made of the map was not finished.
        amap = AsymmetryMap.read(output / "map.fits")
    else:
        amap = _read_stars(arguments, columns, checkpoint)
        with whole_file(unfinished, overwrite=True) as part:
            part.write_text(asked, encoding="utf-8")
        amap.write(output / "map.fits", **write)

    bounded = isinstance(amap.state, VoxelSummary)
    profile = amap.profile(statistic="mean" if bounded else "median")
    test = (None if bounded or not arguments.permutations else
            amap.test(n=arguments.permutations, rng=arguments.seed, progress=not arguments.quiet))
    os.environ.setdefault("MPLBACKEND", "agg")
    from ..plotting import save_figure

    with whole_file(output / "profile.ecsv", **write) as part:
        profile.write(part, format="ascii.ecsv")
    save_figure(amap.plot(), output / "figure", **write)
    text = _summary(amap, profile, test, bounded)
    with whole_file(output / "summary.txt", **write) as part:
        part.write_text(text, encoding="utf-8")
    unfinished.unlink()
    print(text)


def _read_stars(arguments, columns, checkpoint):
    begun = time.perf_counter()
    amap = AsymmetryMap.from_batches(
        arguments.files, DiskBinning.by_age() if arguments.by_age else DiskBinning(),
        columns=columns, memory_limit=arguments.memory, progress=not arguments.quiet,
        checkpoint=checkpoint, workers=arguments.workers)
    spent = time.perf_counter() - begun
    if not arguments.quiet:
        n_read = amap.n_stars + amap.n_outside + amap.n_masked
        print(f"{n_read:,} stars in {spent:.1f} s, {n_read / spent:,.0f} a second",
              file=sys.stderr)
    return amap


def _summary(amap, profile, test, bounded):
    read = amap.n_stars + amap.n_outside + amap.n_masked
    filled = np.count_nonzero(amap.count >= amap.binning.min_count)
    lines = [f"{read:,} stars read: {amap.n_masked:,} without a position, [M/H] or age, "
             f"{amap.n_outside:,} outside the grid, {amap.n_stars:,} in {filled:,} voxels", ""]
    if bounded:
        lines += ["The values of the stars were not kept: the profile is one of means, and there "
                  "is no test. A larger --memory has both.", ""]
    table = profile.slices() if test is None else test.slices
    if test is not None:
        table.remove_columns(["level", "n_unpaired"])
    lines += [f"North - South within voxels of R from {profile.meta['R_min']} to "
              f"{profile.meta['R_max']}",
              *table.pformat(max_lines=-1, max_width=-1)]
    return "\n".join(lines) + "\n"
