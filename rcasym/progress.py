# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A progress bar for long work, on a terminal only."""

import sys

from astropy.utils.console import ProgressBar

__all__ = ["progress"]


def progress(items, what, *, show=True):
    """Go through ``items``, saying what is done and how far, if standard error is a terminal."""
    if not (show and sys.stderr.isatty()):
        yield from items
        return
    print(what, file=sys.stderr)
    with ProgressBar(len(items), file=sys.stderr) as bar:
        for item in items:
            yield item
            bar.update()
