# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Times taken in turn, and the ratios of those of one round."""

import csv
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

OURS = "rcasym"
FIELDS = ("group", "task", "stars", "who", "version", "ms", "ms_low", "ms_high", "ratio",
          "ratio_low", "ratio_high", "machine")


@dataclass
class Result:
    """How long each took, round by round.

    ``seconds`` maps names to times, that of the package first; a name is that of a distribution,
    with a comma and more where one has several ways.
    """

    group: str
    task: str
    stars: int
    seconds: dict

    def rows(self):
        """One row each: median and range of the times [ms], and of the ratios to the first."""
        reference = next(iter(self.seconds.values()))
        for who, spent in self.seconds.items():
            ms, ratio = 1e3 * spent, spent / reference
            yield dict(zip(FIELDS, (
                self.group, self.task, self.stars, who, version_of(who), *middle(ms),
                *middle(ratio), machine()), strict=True))


def middle(values):
    """Median, first and third quartile, to four digits."""
    return [float(f"{value:.4g}") for value in np.quantile(values, [0.5, 0.25, 0.75])]


def interleaved(functions, runs, check=None):
    """Times of each function, all of them once a round, and what they returned.

    Parameters
    ----------
    functions : dict
        What to call, without arguments.
    runs : int
        Rounds, after a first one that is not counted. Their order is shuffled, so that a change of
        the machine's speed meets all.
    check : callable, optional
        Called with the name and the result of the first round; raises where they are wrong.
    """
    order, rng = list(functions), np.random.default_rng(0)
    seconds = {name: [] for name in functions}
    for name, function in functions.items():
        found = function()
        if check is not None:
            check(name, found)
        del found
    for _ in range(runs):
        rng.shuffle(order)
        for name in order:
            start = time.perf_counter()
            functions[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(spent) for name, spent in seconds.items()}


def show(result):
    """Print the rows of a result."""
    print(f"\n{result.group}: {result.task}, {result.stars:,} stars")
    for row in result.rows():
        print(f"  {row['who']:<42} {row['ms']:>10.4g} ms ({row['ms_low']:.4g} to "
              f"{row['ms_high']:.4g})   ratio {row['ratio']:.3g} ({row['ratio_low']:.3g} to "
              f"{row['ratio_high']:.3g})")


def write(path, results):
    """Write all results as a table of comma-separated values, the machine named in each row."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        for result in results:
            table.writerows(result.rows())


def version_of(who):
    """The version of a distribution, named before the first comma."""
    try:
        return version(who.split(",")[0])
    except PackageNotFoundError:
        return ""


def machine():
    """Processor, cores and the versions of what everything is built on."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file
                          if line.startswith("model name")), model)
    return (f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"numpy {version('numpy')}, scipy {version('scipy')}")
