# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The ages of the stars that two surveys have in common."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from .exceptions import RcasymError
from .validation import to_unit

__all__ = ["CommonAges", "check_ages", "check_errors", "fractions_of", "read_only"]


@dataclass(frozen=True, eq=False)
class CommonAges:
    """The ages of the same stars in two surveys, plain floats in Gyr; errors as fractions."""

    age: np.ndarray
    reference_age: np.ndarray
    weights: np.ndarray | None = None
    age_error: np.ndarray | None = None
    reference_age_error: np.ndarray | None = None

    def __len__(self):
        return len(self.age)

    def __getitem__(self, rows):
        return CommonAges(*(None if values is None else values[rows] for values in (
            self.age, self.reference_age, self.weights, self.age_error,
            self.reference_age_error)))

    def on(self, axis):
        """The ages that the difference is a function of."""
        return {"age": self.age, "reference": self.reference_age,
                "mean": 0.5 * (self.age + self.reference_age)}[axis]

    @property
    def difference(self):
        return self.age - self.reference_age


def read_only(values):
    """A copy of the values as floats that nobody changes."""
    values = np.array(values, dtype=float)
    values.flags.writeable = False
    return values


def check_ages(age, reference_age, weights=None, age_error=None, reference_age_error=None):
    """The ages of stars in common, checked; errors become fractions of the age."""
    ages = {}
    for name, given in (("age", age), ("reference_age", reference_age)):
        values = read_only(to_unit(name, _without_mask(name, given), u.Gyr))
        if values.ndim != 1:
            raise RcasymError(f"{name} must hold one age a star; got shape {values.shape}")
        bad = ~(np.isfinite(values) & (values >= 0))
        if bad.any():
            raise RcasymError(f"{name} must be finite and not negative; got "
                              f"{values[bad][0]:g} Gyr at index {np.argmax(bad)}, {bad.sum():,} "
                              "such in all")
        ages[name] = values
    if len(ages["age"]) != len(ages["reference_age"]):
        raise RcasymError("age and reference_age must have the same length; got "
                          f"{len(ages['age'])} and {len(ages['reference_age'])}")
    if weights is not None:
        weights = read_only(weights)
        if weights.shape != ages["age"].shape or not np.all(weights > 0):
            raise RcasymError("weights must be positive, one a star; got shape "
                              f"{weights.shape}, least {np.min(weights, initial=np.inf):g}")
    errors = {name: None if given is None else fractions_of(name, given, ages[of])
              for name, given, of in (("age_error", age_error, "age"),
                                      ("reference_age_error", reference_age_error,
                                       "reference_age"))}
    return CommonAges(**ages, weights=weights, **errors)


def _without_mask(name, given):
    if np.any(getattr(given, "mask", False)):
        raise RcasymError(f"{name} must not be masked; got {int(np.sum(given.mask)):,} masked "
                          "values. Leave those stars out")
    return getattr(given, "unmasked", given)


def fractions_of(name, given, ages):
    """Errors as fractions of the age, one a star."""
    given = u.Quantity(_without_mask(name, given))
    if given.shape not in ((), ages.shape):
        raise RcasymError(f"{name} must be one error, or one a star ({len(ages)}); got shape "
                          f"{given.shape}")
    if given.unit == u.dimensionless_unscaled:
        fractions = given.value
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            fractions = to_unit(name, given, u.Gyr) / ages
    fractions = read_only(np.broadcast_to(fractions, ages.shape))
    bad = ~(np.isfinite(fractions) & (fractions > 0))
    if bad.any():
        raise RcasymError(f"{name} must be positive and finite; got {fractions[bad][0]:g} of the "
                          f"age at index {np.argmax(bad)}, {bad.sum():,} such in all")
    return fractions


def check_errors(pairs, what):
    """Raise unless the errors of both ages are known."""
    for name in ("age_error", "reference_age_error"):
        if getattr(pairs, name) is None:
            raise RcasymError(f"{name} must be known for {what}; got none. Give {name}=, a time or "
                              "a fraction of the age")
