# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The ages of the stars that two surveys have in common."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.utils.masked import Masked

from ..catalog.columns import floats
from ..exceptions import CatalogError, RcasymError
from ..utils.validation import check_columns, to_unit

__all__ = ["AXES", "CommonAges", "ages_in_common", "check_ages", "age_values", "check_errors",
           "fractions_of", "known_errors", "read_only", "with_mask"]


AXES = {"age": 0.0, "reference": 1.0, "mean": 0.5}
"""Which age the difference is a function of: the age less this part of the difference."""


@dataclass(frozen=True, eq=False)
class CommonAges:
    """The ages of the same stars in two surveys, plain floats in Gyr; errors as fractions."""

    age: np.ndarray
    reference_age: np.ndarray
    weights: np.ndarray | None = None
    age_error: np.ndarray | None = None
    reference_age_error: np.ndarray | None = None

    def __post_init__(self):
        for values in vars(self).values():
            if values is not None:
                values.flags.writeable = False

    def __len__(self):
        return len(self.age)

    def __getitem__(self, rows):
        return CommonAges(*(None if values is None else values[rows] for values in (
            self.age, self.reference_age, self.weights, self.age_error,
            self.reference_age_error)))

    def on(self, axis):
        """The ages that the difference is a function of."""
        return self.age - AXES[axis] * self.difference

    @property
    def effective_weights(self):
        """Weights that add up to the effective number of stars, as a likelihood needs them."""
        w = self.weights
        return None if w is None else w * w.sum() / np.sum(w**2)

    @property
    def with_errors(self):
        """The stars of which the errors of both ages are known."""
        return self[np.isfinite(self.age_error) & np.isfinite(self.reference_age_error)]

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
    if min(len(np.unique(values)) for values in ages.values()) < 3:
        raise RcasymError("age and reference_age must each have three or more distinct values; got "
                          f"{' and '.join(str(len(np.unique(v))) for v in ages.values())}")
    if weights is not None:
        weights = read_only(to_unit("weights", _without_mask("weights", weights),
                                    u.dimensionless_unscaled))
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
    try:
        given = u.Quantity(_without_mask(name, given), dtype=float)
    except TypeError:
        raise RcasymError(f"{name} must be a number or a Quantity; got {given!r}") from None
    if given.shape not in ((), ages.shape):
        raise RcasymError(f"{name} must be one error, or one a star ({len(ages)}); got shape "
                          f"{given.shape}")
    if given.unit.is_equivalent(u.dimensionless_unscaled):
        fractions = given.to_value(u.dimensionless_unscaled)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            fractions = to_unit(name, given, u.Gyr) / ages
    fractions = read_only(np.broadcast_to(fractions, ages.shape))
    bad = np.isinf(fractions) | (fractions <= 0)
    if bad.any():
        raise RcasymError(f"{name} must be positive and finite; got {fractions[bad][0]:g} of the "
                          f"age at index {np.argmax(bad)}, {bad.sum():,} such in all")
    if np.isnan(fractions).all():
        raise RcasymError(f"{name} must be known for some stars; got NaN for all {len(ages):,}")
    if np.nanmedian(fractions) > 1:
        raise RcasymError(f"{name} must be a fraction of the age, or a time with a unit; got pure "
                          f"numbers with a median of {np.nanmedian(fractions):g}")
    return fractions


def ages_in_common(catalog, reference, max_separation):
    """The ages of the stars that two catalogues have in common, their errors, and counts."""
    for name, stars in (("catalog", catalog), ("reference", reference)):
        check_columns(stars.colnames, ["coord", "age"], name)
    found = catalog.match(reference, max_separation)
    if len(found) == 0:
        raise CatalogError("catalog and reference must have stars in common; got none within "
                           f"{max_separation}")
    ours, theirs = catalog[found["index"]], reference[found["other_index"]]
    ages = floats(ours, "age"), floats(theirs, "age")
    known = np.isfinite(ages[0]) & np.isfinite(ages[1])
    if not known.any():
        raise CatalogError("stars in common must have ages in both catalogues; got "
                           f"{len(found):,} stars, each without one")
    errors = (known_errors(ours[known], ages[0][known], "age_error")
              | known_errors(theirs[known], ages[1][known], "reference_age_error"))
    counts = {"n_in_common": len(found), "n_without_age": int(np.sum(~known))}
    return [values[known] * u.Gyr for values in ages], errors, counts


def known_errors(stars, age, name):
    """The errors of a catalogue's ages as fractions, NaN where there is none that can be used."""
    if "age_error" not in stars.colnames:
        return {}
    with np.errstate(divide="ignore", invalid="ignore"):
        fraction = floats(stars, "age_error") / age
    fraction[~(np.isfinite(fraction) & (fraction > 0))] = np.nan
    return {name: fraction} if np.isfinite(fraction).any() else {}


def check_errors(pairs, what):
    """Raise unless the errors of both ages are known."""
    for name in ("age_error", "reference_age_error"):
        if getattr(pairs, name) is None:
            raise RcasymError(f"{name} must be known for {what}; got none. Give {name}=, a time or "
                              "a fraction of the age")


def age_values(age):
    """Plain floats in Gyr, NaN where masked, and the mask (or None)."""
    mask = getattr(age, "mask", None)
    values = np.array(to_unit("age", getattr(age, "unmasked", age), u.Gyr))
    if mask is not None:
        values[np.asarray(mask)] = np.nan
    return values, mask


def with_mask(values, mask):
    """Ages as a Quantity, masked where there was a mask."""
    quantity = u.Quantity(values, u.Gyr)
    return quantity if mask is None else Masked(quantity, mask=mask)
