# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``python -m benchmarks``: see README.rst."""

import argparse

from .groups import GROUPS
from .measure import machine, show, write
from .peers import FULL, MOMENTS

PEERS = tuple(sorted({*FULL, *MOMENTS}))


def whole(text):
    """A number of stars, also as 1e6."""
    return int(float(text))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", default=["voxels"],
                        help=f"what to measure: {', '.join(GROUPS)}, or all; by default voxels")
    parser.add_argument("--sizes", nargs="+", type=whole, default=[150_000, 1_000_000, 10_000_000],
                        metavar="N", help="numbers of stars; by default 1.5e5 1e6 1e7")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER",
                        help=f"whom to measure beside, of {', '.join(PEERS)}")
    parser.add_argument("--runs", type=int, help="rounds; by default fewer of longer work")
    parser.add_argument("--csv", metavar="PATH", help="write the times to this table as well")
    options = parser.parse_args()
    groups = list(GROUPS) if "all" in options.groups else options.groups
    for group in groups:
        if group not in GROUPS:
            parser.error(f"group must be one of {', '.join(GROUPS)}, all; got {group!r}")
    print(machine())
    results = []
    for group in groups:
        for result in GROUPS[group](options):
            show(result)
            results.append(result)
    if options.csv:
        write(options.csv, results)


if __name__ == "__main__":
    main()
