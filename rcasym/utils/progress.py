# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Progress of long work, shown on a terminal only."""

import sys

from astropy.utils.console import ProgressBar

__all__ = ["progress"]


def progress(items, label, *, total=None, show=True):
    """Yield the items of an iterable, with a progress bar if standard error is a terminal.

    Without a ``total`` or a length the items are only counted.
    """
    if not (show and sys.stderr and sys.stderr.isatty()):
        yield from items
        return
    if total is None:
        total = len(items) if hasattr(items, "__len__") else None
    if total is None:
        for number, item in enumerate(items, 1):
            yield item
            print(f"\r{label}: {number:,}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return
    print(label, file=sys.stderr)
    with ProgressBar(total, file=sys.stderr) as bar:
        for item in items:
            yield item
            bar.update()
