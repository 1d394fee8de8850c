# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Time the package against its peers; see benchmarks/README.rst."""

import argparse

from .groups import GROUPS
from .measure import machine, print_result, write
from .peers import FULL, MOMENTS

PEERS = tuple(sorted({*FULL, *MOMENTS}))


def parse_size(text):
    """Return a number of stars, which may be written as 1e6."""
    return int(float(text))


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", default=["voxels"],
                        help=f"groups to measure: {', '.join(GROUPS)}, or all (default: voxels)")
    parser.add_argument("--sizes", nargs="+", type=parse_size, metavar="N",
                        default=[150_000, 1_000_000, 10_000_000],
                        help="numbers of stars (default: 1.5e5 1e6 1e7)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER",
                        help=f"peers to measure: {', '.join(PEERS)} (default: all)")
    parser.add_argument("--runs", type=int, help="number of rounds (default: 3 to 15)")
    parser.add_argument("--csv", metavar="PATH", help="write the times to this file too")
    options = parser.parse_args()
    groups = list(GROUPS) if "all" in options.groups else options.groups
    for group in groups:
        if group not in GROUPS:
            parser.error(f"group must be one of {', '.join(GROUPS)}, all; got {group!r}")
    print(machine())
    results = []
    for group in groups:
        for result in GROUPS[group](options):
            print_result(result)
            results.append(result)
    if options.csv:
        write(options.csv, results)


if __name__ == "__main__":
    main()
