# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Options that the subcommands share, and the checks on them before any work."""

import tempfile
from pathlib import Path

from ..exceptions import RcasymError

__all__ = ["add_common_options", "check_at_least", "check_folder", "parse_columns"]


def add_common_options(parser, *, output, smallest_n):
    """Add the options of all subcommands to a parser."""
    parser.add_argument("--column", action="append", default=[], metavar="NAME=COLUMN",
                        help="the files' name for a column, such as m_h=FEH; repeatable")
    parser.add_argument("--permutations", type=int, default=999, metavar="N",
                        help="permutations in the test of North against South"
                             + ("; 0 for no test" if smallest_n == 0 else "")
                             + " (default: %(default)s; 9999 for a paper)")
    parser.add_argument("--output", default=output, metavar="FOLDER",
                        help="folder of the results (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true",
                        help="replace files of the same name in the folder")
    parser.add_argument("--seed", type=int, default=0,
                        help="seed of all random numbers (default: %(default)s)")
    parser.add_argument("--quiet", action="store_true", help="do not show progress")


def check_at_least(option, value, least):
    """Raise if the number given with an option is too small."""
    if value < least:
        raise RcasymError(f"{option} must be {least} or more; got {value}")


def parse_columns(pairs):
    """Return NAME=COLUMN pairs as a dictionary."""
    columns = {}
    for pair in pairs:
        name, equals, source = pair.partition("=")
        if not (name and equals and source):
            raise RcasymError(f"--column must be NAME=COLUMN; got {pair!r}")
        columns[name] = source
    return columns


def check_folder(folder, files, overwrite):
    """Make the output folder, and check that the files can be written there."""
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise RcasymError(f"--output must be a folder; {folder} is a file")
    present = [name for name in files if (folder / name).exists()]
    if present and not overwrite:
        raise RcasymError(f"--output {folder} must not hold results; got {len(present)} files, "
                          f"such as {present[0]}. --overwrite replaces them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RcasymError(f"--output {folder} cannot be written: {error.strerror}") from None
    return folder
