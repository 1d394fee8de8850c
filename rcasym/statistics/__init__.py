# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Estimates with their errors and intervals, and resampling, as plain arrays."""

from .estimates import Estimates, combine, difference, estimate, linear, ratio, with_interval
from .resampling import PairedVoxels, bootstrap

__all__ = ["Estimates", "PairedVoxels", "bootstrap", "combine", "difference", "estimate", "linear",
           "ratio", "with_interval"]
