# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Benchmarks of the package against its peers."""
