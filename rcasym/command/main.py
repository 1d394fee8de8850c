# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The entry point: one parser with a subcommand each for `run` and `map`."""

import _thread
import argparse
import os
import sys
import threading
from contextlib import contextmanager
from importlib.metadata import version

from astropy import log

from ..exceptions import RcasymError
from .map import add_map_parser
from .run import add_run_parser

__all__ = ["main"]

DESCRIPTION = """\
Map the North-South metallicity asymmetry of the Galactic disk.

The default subcommand is "run": "rcasym" maps the embedded mock sample, "rcasym FILE ..." your own
stars. "rcasym run --help" and "rcasym map --help" list the options.
"""


def main(argv=None):
    """Run the command, as ``rcasym`` in a shell does.

    Parameters
    ----------
    argv : sequence of str, optional
        Files and options, as ``rcasym --help`` lists them; by default those of the shell.

    Returns
    -------
    int
        The exit status: 0 on success, 1 after an error, with a message on standard error, and 130
        after Ctrl-C.

    Examples
    --------
    A file that does not exist is an error, and nothing is written:

    >>> from rcasym.command import main
    >>> main(["no-such-file.fits", "--format", "apogee-rc", "--quiet"])
    1
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    arguments = _make_parser(argv).parse_args(argv)
    # Figures are saved, never shown in a window.
    os.environ.setdefault("MPLBACKEND", "agg")
    # The summary holds the numbers of stars that the package logs.
    level = log.level
    log.setLevel("WARNING")
    try:
        with _repeat_lost_interrupts():
            arguments.function(arguments)
    except (Exception, KeyboardInterrupt) as error:
        if _is_interrupt(error):
            print("\nrcasym: interrupted", file=sys.stderr)
            return 130
        if not isinstance(error, RcasymError | OSError):
            raise
        print(f"rcasym: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    finally:
        log.setLevel(level)
    return 0


@contextmanager
def _repeat_lost_interrupts():
    """Context manager that repeats a Ctrl-C which Python ignored in a destructor or a callback."""
    previous = sys.unraisablehook

    def repeat(unraisable):
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            threading.Timer(0.05, _thread.interrupt_main).start()
        else:
            previous(unraisable)

    sys.unraisablehook = repeat
    try:
        yield
    finally:
        sys.unraisablehook = previous


def _is_interrupt(error):
    """Return True for a Ctrl-C, and for an error that it caused in a clean-up."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _make_parser(argv):
    """Return the parser, and put "run" before arguments without a subcommand."""
    parser = argparse.ArgumentParser(
        prog="rcasym", description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('rcasym')}")
    subparsers = parser.add_subparsers(metavar="SUBCOMMAND", required=True)
    add_run_parser(subparsers)
    add_map_parser(subparsers)
    if not (argv and argv[0] in (*subparsers.choices, "-h", "--help", "--version")):
        argv.insert(0, "run")
    return parser
