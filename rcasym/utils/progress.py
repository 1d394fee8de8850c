# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Progress of long work, on a terminal only."""

import sys
import time

from astropy.utils.console import ProgressBar

__all__ = ["StarCounter", "progress"]


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


class StarCounter:
    """Stars so far, of how many, and how many a second, in one line of a terminal."""

    def __init__(self, n_stars=None, *, show=True):
        self.total, self.n, self.passes = n_stars, 0, 1
        self.show = show and sys.stderr.isatty()
        self.start = self.shown = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.show and self.n:
            self._print("\n")

    def add(self, n):
        """Count a batch of stars."""
        self.n += n
        if self.show and time.monotonic() - self.shown > 0.2:
            self._print("")
            self.shown = time.monotonic()

    def again(self):
        """Begin another pass over the same stars."""
        self.__exit__()
        self.n, self.passes, self.start = 0, self.passes + 1, time.monotonic()

    def _print(self, end):
        per_second = self.n / max(time.monotonic() - self.start, 1e-9)
        words = f"{self.n:,} stars" + (f" of {self.total:,}" if self.total else "")
        if self.passes > 1:
            words += ", second pass"
        print(f"\r{words}, {per_second:,.0f} a second   ", end=end, file=sys.stderr, flush=True)
