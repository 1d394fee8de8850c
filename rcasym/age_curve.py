# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How the difference between the ages of two surveys is described by a curve."""

from dataclasses import dataclass

import numpy as np

from .age_bias import AgeBias
from .splines import QuantileSpline

__all__ = ["CurveSettings", "held_at_ends"]


@dataclass(frozen=True)
class CurveSettings:
    """How the difference is described; the same for the data, each resample and each null pair."""

    method: str
    axis: str
    max_age: float | None
    n_knots: int
    criterion: str
    constraints: tuple

    def median(self, pairs):
        """The curve of the difference that is subtracted, a function of plain floats in Gyr."""
        if self.method == "errors-in-variables":
            return self.bias(pairs).difference
        return held_at_ends(self.spline(pairs))

    def bias(self, pairs):
        return AgeBias.fit(pairs.age, pairs.reference_age, age_error=pairs.age_error,
                           reference_age_error=pairs.reference_age_error, max_age=self.max_age,
                           weights=pairs.effective_weights)

    def spline(self, pairs):
        return QuantileSpline.fit(pairs.on(self.axis), pairs.difference, weights=pairs.weights,
                                  n_knots=self.n_knots, criterion=self.criterion,
                                  constraints=self.constraints)


def held_at_ends(spline):
    """The spline, held at its end values beyond its knots."""
    low, high = spline.knots[[0, -1]]
    return lambda x: spline(np.clip(x, low, high))
