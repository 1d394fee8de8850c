# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Constrained quantile splines (COBS): plain arrays."""

from .quantile_spline import QuantileSpline

__all__ = ["QuantileSpline"]
