# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Two surveys on one age scale."""

from .calibrator import AgeCalibrator
from .errors_in_variables import AgeBias
from .null_test import AgeNullTest

__all__ = ["AgeBias", "AgeCalibrator", "AgeNullTest"]
