# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Ages of the stars that two surveys have in common."""

from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u
from astropy.utils.masked import Masked

from ..catalog.columns import floats
from ..exceptions import CatalogError, RcasymError
from ..utils.arrays import ReadOnlyArrays
from ..utils.validation import check_columns, to_unit

__all__ = ["AXES", "AgePairs", "check_errors", "check_max_age", "convert_ages", "match_ages"]

# The difference is a function of the star's age minus this part of the difference.
AXES = {"age": 0.0, "reference": 1.0, "mean": 0.5}
# Quantiles of the ages between which a correction is trusted.
SUPPORT = (0.005, 0.995)


@dataclass(frozen=True, eq=False)
class AgePairs(ReadOnlyArrays):
    """Two ages per star in Gyr, with errors as fractions of the age, NaN where not known."""

    age: np.ndarray
    reference_age: np.ndarray
    weights: np.ndarray | None = None
    age_error: np.ndarray | None = None
    reference_age_error: np.ndarray | None = None

    @classmethod
    def from_ages(cls, age, reference_age, weights=None, age_error=None, reference_age_error=None):
        """Check ages, weights and errors that users give."""
        pairs = cls(_check_ages("age", age), _check_ages("reference_age", reference_age))
        if len(pairs.age) != len(pairs.reference_age):
            raise RcasymError("age and reference_age must have the same length; got "
                              f"{len(pairs.age)} and {len(pairs.reference_age)}")
        pairs.check_distinct()
        if weights is not None:
            pairs = replace(pairs, weights=_check_weights(weights, len(pairs)))
        return pairs.with_errors(age_error, reference_age_error)

    def __len__(self):
        return len(self.age)

    def __getitem__(self, rows):
        return AgePairs(*(None if values is None else values[rows]
                          for values in vars(self).values()))

    @property
    def difference(self):
        return self.age - self.reference_age

    def on(self, axis):
        """Return the ages that the difference is a function of."""
        return self.age - AXES[axis] * self.difference

    def support(self, axis="age"):
        """Return the range of ages in which a correction is trusted."""
        return tuple(np.quantile(self.on(axis), SUPPORT).tolist())

    def with_errors(self, age_error=None, reference_age_error=None):
        """Return the pairs with these errors, each where it is given."""
        given = {"age_error": age_error, "reference_age_error": reference_age_error}
        return replace(self, **{
            name: _check_fractions(name, errors, getattr(self, name.removesuffix("_error")))
            for name, errors in given.items() if errors is not None})

    def with_known_errors(self):
        """Return the pairs with a known error of both ages."""
        return self[np.isfinite(self.age_error) & np.isfinite(self.reference_age_error)]

    def with_effective_weights(self):
        """Return the pairs with weights that add up to the effective number of stars."""
        w = self.weights
        return self if w is None else replace(self, weights=w * w.sum() / np.sum(w**2))

    def check_distinct(self):
        """Raise if there are too few different ages for a curve."""
        numbers = [len(np.unique(values)) for values in (self.age, self.reference_age)]
        if min(numbers) < 3:
            raise RcasymError("age and reference_age must each have three or more distinct "
                              f"values; got {numbers[0]} and {numbers[1]}")


def check_errors(pairs, what):
    """Raise unless both ages have errors."""
    for name in ("age_error", "reference_age_error"):
        if getattr(pairs, name) is None:
            raise RcasymError(f"{name} must be known for {what}; got none. Give {name}=, a time or "
                              "a fraction of the age")


def check_max_age(max_age):
    """Return the largest age in Gyr, None for no limit."""
    if max_age is None:
        return None
    max_age = float(to_unit("max_age", max_age, u.Gyr))
    if not max_age > 0:
        raise RcasymError(f"max_age must be above 0, or None; got {max_age:g} Gyr")
    return max_age


def convert_ages(function, age):
    """Return a function of floats in Gyr for ages with any unit and mask."""
    mask = getattr(age, "mask", None)
    values = np.array(to_unit("age", getattr(age, "unmasked", age), u.Gyr))
    if mask is not None:
        values[np.asarray(mask)] = np.nan
    result = u.Quantity(function(values), u.Gyr)
    return result if mask is None else Masked(result, mask=mask)


def match_ages(catalog, reference, max_separation):
    """Return ages and errors of the stars in common, as keywords, and counts."""
    for name, stars in (("catalog", catalog), ("reference", reference)):
        check_columns(stars.colnames, ["coord", "age"], name)
    matches = catalog.match(reference, max_separation)
    if len(matches) == 0:
        raise CatalogError("catalog and reference must have stars in common; got none within "
                           f"{max_separation}")
    ours, theirs = catalog[matches["index"]], reference[matches["other_index"]]
    age, reference_age = floats(ours, "age"), floats(theirs, "age")
    known = np.isfinite(age) & np.isfinite(reference_age)
    if not known.any():
        raise CatalogError("stars in common must have ages in both catalogues; got "
                           f"{len(matches):,} stars, each without one")
    arguments = {
        "age": age[known], "reference_age": reference_age[known],
        "age_error": _catalog_errors(ours[known], age[known]),
        "reference_age_error": _catalog_errors(theirs[known], reference_age[known])}
    return arguments, {"n_in_common": len(matches), "n_without_age": int(np.sum(~known))}


def _catalog_errors(stars, age):
    """Return the errors as fractions, NaN where there is none, or None if there is none at all."""
    if "age_error" not in stars.colnames:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        fractions = floats(stars, "age_error") / age
    fractions[~(np.isfinite(fractions) & (fractions > 0))] = np.nan
    return fractions if np.isfinite(fractions).any() else None


def _check_ages(name, given):
    ages = to_unit(name, _without_mask(name, given), u.Gyr)
    if ages.ndim != 1:
        raise RcasymError(f"{name} must hold one age per star; got shape {ages.shape}")
    _refuse(~(np.isfinite(ages) & (ages >= 0)), ages, f"{name} must be finite and not negative",
            " Gyr")
    return ages


def _check_weights(given, n):
    weights = to_unit("weights", _without_mask("weights", given), u.dimensionless_unscaled)
    if weights.shape != (n,):
        raise RcasymError(f"weights must hold one value per star ({n}); got shape {weights.shape}")
    _refuse(~(np.isfinite(weights) & (weights > 0)), weights,
            "weights must be positive and finite")
    return weights


def _check_fractions(name, given, ages):
    """Return errors as fractions of the age, one per star."""
    try:
        given = u.Quantity(_without_mask(name, given), dtype=float)
    except TypeError:
        raise RcasymError(f"{name} must be a number or a Quantity; got {given!r}") from None
    if given.shape not in ((), ages.shape):
        raise RcasymError(f"{name} must be one error, or one per star ({len(ages)}); got shape "
                          f"{given.shape}")
    if given.unit.is_equivalent(u.dimensionless_unscaled):
        fractions = given.to_value(u.dimensionless_unscaled)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            fractions = to_unit(name, given, u.Gyr) / ages
    fractions = np.broadcast_to(fractions, ages.shape)
    _refuse(np.isinf(fractions) | (fractions <= 0), fractions,
            f"{name} must be positive and finite", " of the age")
    if np.isnan(fractions).all():
        raise RcasymError(f"{name} must be known for some stars; got NaN for all {len(ages):,}")
    if np.nanmedian(fractions) > 1:
        raise RcasymError(f"{name} must be a fraction of the age, or a time with a unit; got pure "
                          f"numbers with a median of {np.nanmedian(fractions):g}")
    return fractions


def _without_mask(name, given):
    if np.any(getattr(given, "mask", False)):
        raise RcasymError(f"{name} must not be masked; got {int(np.sum(given.mask)):,} masked "
                          "values. Leave those stars out")
    return getattr(given, "unmasked", given)


def _refuse(bad, values, rule, unit=""):
    """Raise with the first bad value, its index and the number of bad values."""
    if bad.any():
        raise RcasymError(f"{rule}; got {values[bad][0]:g}{unit} at index {np.argmax(bad)} "
                          f"({bad.sum():,} in total)")
