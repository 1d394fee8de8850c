# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Estimates with their errors and intervals, and resampling, as plain arrays."""

from .estimates import Estimates, difference, estimate, linear, ratio
from .resampling import bootstrap

__all__ = ["Estimates", "bootstrap", "difference", "estimate", "linear", "ratio"]
