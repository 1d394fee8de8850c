# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Interleaved timing, and the ratios of the times within each round."""

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
    """Times of each function in each round.

    ``seconds`` maps names to times, with the reference first. A name starts with the distribution;
    a comma and a description may follow.
    """

    group: str
    task: str
    stars: int
    seconds: dict

    def rows(self):
        """Yield a row per function: median and quartiles of its times [ms] and ratios."""
        reference = next(iter(self.seconds.values()))
        for who, seconds in self.seconds.items():
            ms, ratio = 1e3 * seconds, seconds / reference
            yield dict(zip(FIELDS, (
                self.group, self.task, self.stars, who, get_version(who), *quartiles(ms),
                *quartiles(ratio), machine()), strict=True))


def quartiles(values):
    """Return the median, first and third quartile to four digits."""
    return [float(f"{value:.4g}") for value in np.quantile(values, [0.5, 0.25, 0.75])]


def interleaved(functions, runs, check=None):
    """Return the times of functions that are called in turn.

    Parameters
    ----------
    functions : dict
        Functions without arguments, by name.
    runs : int
        Number of rounds, after a first one that is not timed. The order within a round is random,
        so that a change in the speed of the machine affects all functions alike.
    check : callable, optional
        Called with the name and the result of each function in the first round; raises an error
        if the result is wrong.
    """
    order, rng = list(functions), np.random.default_rng(0)
    seconds = {name: [] for name in functions}
    for name, function in functions.items():
        result = function()
        if check is not None:
            check(name, result)
        del result
    for _ in range(runs):
        rng.shuffle(order)
        for name in order:
            start = time.perf_counter()
            functions[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(times) for name, times in seconds.items()}


def print_result(result):
    """Print the rows of a result."""
    print(f"\n{result.group}: {result.task}, {result.stars:,} stars")
    for row in result.rows():
        print(f"  {row['who']:<42} {row['ms']:>10.4g} ms ({row['ms_low']:.4g} to "
              f"{row['ms_high']:.4g})   ratio {row['ratio']:.3g} ({row['ratio_low']:.3g} to "
              f"{row['ratio_high']:.3g})")


def write(path, results):
    """Write all results to a CSV file that names the machine in each row."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, FIELDS)
        table.writeheader()
        for result in results:
            table.writerows(result.rows())


def get_version(who):
    """Return the version of the distribution named before the first comma."""
    try:
        return version(who.split(",")[0])
    except PackageNotFoundError:
        return ""


def machine():
    """Return the processor, the number of cores and the versions of Python, numpy and scipy."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":")[1].strip() for line in file
                          if line.startswith("model name")), model)
    return (f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, "
            f"numpy {version('numpy')}, scipy {version('scipy')}")
