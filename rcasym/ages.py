# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Two surveys on one age scale."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from astropy import units as u
from numpy.polynomial import Legendre

from .age_bias import AgeBias, TrueAges
from .age_curve import CurveSettings, held_at_ends
from .age_null import AgeNullTest
from .calibratorfile import read_calibrator, write_calibrator
from .columns import COLUMNS, floats
from .common_ages import (
    AXES,
    CommonAges,
    age_values,
    check_ages,
    check_errors,
    fractions_of,
    known_errors,
    read_only,
    with_mask,
)
from .exceptions import CatalogError, RcasymError, RcasymWarning
from .progress import progress
from .splines import QuantileSpline, check_constraints
from .validation import check_choice, check_columns, check_rng, check_whole, to_unit, warn

__all__ = ["AgeCalibrator"]

METHODS = ("cobs", "errors-in-variables")
# The part of the training ages between which the correction is trusted.
SUPPORT = (0.005, 0.995)
# Points at which curves are compared, inverted and described by the polynomial.
N_GRID = 401


@dataclass(frozen=True, eq=False, repr=False)
class AgeCalibrator:
    """Brings the ages of one survey onto the scale of another; immutable.

    Made by `from_ages` or `from_catalogs` from stars that both have observed. The difference, age
    minus reference age, is described by quantile curves and subtracted (Wang et al. 2025, Section
    2.2 and Figure 2).

    Notes
    -----
    With ``method="cobs"`` the difference is that of the paper: the median of age minus reference
    age, as a constrained B-spline (`~rcasym.splines.QuantileSpline`). Where both ages have
    errors, this median is not zero even if neither survey is biased: among the stars that one
    survey gives 12 Gyr, many are younger ones with a large error. `null_test` shows how large this
    regression dilution is; ``method="errors-in-variables"`` takes both errors into account.

    The correction is held at its end values beyond the `support`, the 0.5 to 99.5 % quantiles of
    the ages that it was made from.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy import units as u
    >>> from rcasym import AgeCalibrator
    >>> rng = np.random.default_rng(1)
    >>> reference_age = rng.uniform(1, 12, 1000) * u.Gyr
    >>> age = 1.1 * reference_age + rng.normal(0, 0.2, 1000) * u.Gyr
    >>> cal = AgeCalibrator.from_ages(age, reference_age, n_bootstrap=5)
    >>> print(cal.difference(11 * u.Gyr).round(1), cal.calibrate([5.5, 11] * u.Gyr).round(1))
    1.0 Gyr [ 5. 10.] Gyr
    """

    pairs: CommonAges
    settings: CurveSettings
    curves: tuple
    bias: AgeBias | None
    polynomial_series: Legendre
    support_values: tuple
    error_values: np.ndarray
    counts: dict = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "counts", MappingProxyType(dict(self.counts)))

    @classmethod
    def from_ages(cls, age, reference_age, *, weights=None, degree=5, quantiles=(0.1, 0.5, 0.9),
                  axis="age", method="cobs", age_error=None, reference_age_error=None,
                  max_age=14 * u.Gyr, n_knots=6, criterion="aic", constraints=(), n_bootstrap=50,
                  rng=0):
        """Calibrate with two ages of the same stars.

        Parameters
        ----------
        age, reference_age : `~astropy.units.Quantity` ['time'] or array_like
            Ages of the same stars; plain numbers are in Gyr. The first are brought onto the scale
            of the second.
        weights : array_like, optional
            Weights of the stars, positive; only their ratios count.
        degree : int, optional
            Degree of the polynomial that describes the median curve; by default the paper's 5.
        quantiles : sequence of float, optional
            The quantile curves, 0.5 among them; by default 10, 50 and 90 %.
        axis : {"age", "reference", "mean"}, optional
            The age that the difference is a function of: the star's own (default), which is the
            only one known outside the stars in common, the reference age, or the mean of both.
            For the last two `calibrate` inverts the relation.
        method : {"cobs", "errors-in-variables"}, optional
            The paper's median curve (default), or the bias by maximum likelihood, which takes the
            errors of both ages into account (`~rcasym.age_bias.AgeBias`; stars above ``max_age`` in
            either survey are left out and counted).
        age_error, reference_age_error : `~astropy.units.Quantity` or array_like, optional
            Errors of the ages: times, or fractions of the age as pure numbers; one for all stars
            or one a star, NaN where not known. Needed for ``"errors-in-variables"`` and for
            `null_test`, which take them as fractions of the observed age. An error that is quoted
            as a time, but belongs to the true age and not to the observed one, misleads: by 0.7 Gyr
            at 10 Gyr for errors of 17 and 24 %.
        max_age : `~astropy.units.Quantity` ['time'] or None, optional
            Where both samples were cut, which ``"errors-in-variables"`` and `null_test` must know;
            by default the paper's 14 Gyr. None for no cut.
        n_knots, criterion, constraints : optional
            Of the curves; see `~rcasym.splines.QuantileSpline.fit`.
        n_bootstrap : int, optional
            Resamples of the stars, each with its own knots, for the uncertainty of the
            calibration; by default 50. 0 or 1 leaves the uncertainty out. Of no effect with
            ``"errors-in-variables"``, whose uncertainty is that of the likelihood.
        rng : int or `~numpy.random.Generator`, optional
            Seed of the resampling; by default 0.

        Returns
        -------
        AgeCalibrator

        Raises
        ------
        RcasymError
            If ages are negative or not finite, lengths differ, there are too few stars, or errors
            that are needed are missing.

        Warns
        -----
        RcasymWarning
            If the calibration would not keep the order of ages, with the range.
        """
        check_choice("axis", axis, tuple(AXES))
        check_choice("method", method, METHODS)
        if method == "errors-in-variables" and axis != "age":
            raise RcasymError("axis must be 'age' with method='errors-in-variables', which knows "
                              f"the true ages; got {axis!r}")
        quantiles = tuple(np.atleast_1d(quantiles).tolist())
        if 0.5 not in quantiles or not all(0 < tau < 1 for tau in quantiles):
            raise RcasymError("quantiles must be larger than 0 and smaller than 1, and hold 0.5; "
                              f"got {quantiles}")
        check_whole("degree", degree)
        check_whole("n_bootstrap", n_bootstrap)
        if max_age is not None:
            max_age = float(to_unit("max_age", max_age, u.Gyr))
            if not max_age > 0:
                raise RcasymError(f"max_age must be above 0, or None; got {max_age:g} Gyr")
        pairs = check_ages(age, reference_age, weights, age_error, reference_age_error)
        settings = CurveSettings(method, axis, max_age, n_knots, criterion,
                                 check_constraints(constraints))
        return cls._fit(pairs, settings, quantiles, degree, n_bootstrap,
                        check_rng(rng))

    @classmethod
    def _fit(cls, pairs, settings, quantiles, degree, n_bootstrap, rng):
        counts = {"n_pairs": len(pairs)}
        if settings.method == "errors-in-variables":
            check_errors(pairs, "method='errors-in-variables'")
            pairs = pairs.with_errors
            counts["n_without_error"] = counts["n_pairs"] - len(pairs)
            oldest = np.inf if settings.max_age is None else settings.max_age
            kept = (pairs.age <= oldest) & (pairs.reference_age <= oldest)
            counts["n_beyond_max_age"] = int(np.sum(~kept))
            pairs = pairs[kept]
        x = pairs.on(settings.axis)
        spline = settings.spline(pairs)
        curves = QuantileSpline.fit_many(
            x, pairs.difference, taus=quantiles, weights=pairs.weights, knots=spline.knots,
            criterion=settings.criterion, constraints=settings.constraints)
        support = tuple(float(value) for value in np.quantile(x, SUPPORT))
        grid = np.linspace(*support, N_GRID)
        if settings.method == "cobs":
            bias, median = None, held_at_ends(curves[quantiles.index(0.5)])
            resamples = [
                settings.median(pairs[rng.integers(0, len(pairs), len(pairs))])(grid)
                for _ in progress(range(n_bootstrap), "resampling the stars in common")]
            error = (np.std(resamples, axis=0, ddof=1) if n_bootstrap > 1
                     else np.full(N_GRID, np.nan))
        else:
            bias = settings.bias(pairs)
            median, error = bias.difference, bias.difference_error(grid)
            if not bias.converged:
                warn("the errors-in-variables fit has not converged; its correction is not to be "
                     "trusted", RcasymWarning)
        series = Legendre.fit(grid, median(grid), degree, domain=support)
        error.flags.writeable = False
        series.coef.flags.writeable = False
        calibrator = cls(pairs, settings, curves, bias, series, support, error, counts)
        calibrator._warn_of_order()
        return calibrator

    @classmethod
    def from_catalogs(cls, catalog, reference, *, max_separation=1 * u.arcsec, **kwargs):
        """Calibrate with the stars that two catalogues have in common.

        Parameters
        ----------
        catalog, reference : RedClumpCatalog
            The ages of the first are brought onto the scale of the second:
            ``from_catalogs(apogee, lamost)`` is the paper's.
        max_separation : `~astropy.units.Quantity` ['angle'], optional
            The largest separation of a star's two positions; by default 1 arcsec.
        **kwargs
            Arguments of `from_ages`; the errors are those of the catalogues.

        Returns
        -------
        AgeCalibrator
            Its ``counts`` tell how many stars in common have no age in one of the catalogues.

        Raises
        ------
        CatalogError
            If a catalogue has no ages, or there are no stars in common.
        """
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
        calibrator = cls.from_ages(ages[0][known] * u.Gyr, ages[1][known] * u.Gyr,
                                   **(errors | kwargs))
        counts = {"n_in_common": len(found), "n_without_age": int(np.sum(~known))}
        return replace(calibrator, counts=counts | dict(calibrator.counts))

    def __repr__(self):
        low, high = self.support.value
        worst = int(np.argmax(np.abs(self.difference_values)))
        return (f"<AgeCalibrator: {self.n_stars:,} stars, method {self.settings.method!r} on axis "
                f"{self.settings.axis!r}, support {low:.2f} to {high:.2f} Gyr, largest difference "
                f"{self.difference_values[worst]:+.2f} Gyr at {self.grid.value[worst]:.1f} Gyr>")

    @property
    def n_stars(self):
        """Stars that the calibration is made from."""
        return len(self.pairs)

    @property
    def support(self):
        """The range of ages that the correction is trusted in, `~astropy.units.Quantity` [Gyr].

        The 0.5 and 99.5 % quantiles of the ages on the axis of the difference.
        """
        return self.support_values * u.Gyr

    @property
    def grid(self):
        """Even ages over the support, `~astropy.units.Quantity` [Gyr]."""
        return np.linspace(*self.support_values, N_GRID) * u.Gyr

    @property
    def polynomial_deviation(self):
        """The largest distance of the polynomial from the median curve within the support,
        `~astropy.units.Quantity` [Gyr]."""
        deviation = self.polynomial_series(self.grid.value) - self.difference_values
        return np.max(np.abs(deviation)) * u.Gyr

    def difference(self, age, quantile=0.5):
        """Age minus reference age, as a function of age.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            Ages on the axis that the calibrator was made for (by default the star's own age).
        quantile : float, optional
            One of the quantiles fitted; by default 0.5, what `calibrate` subtracts (with
            ``"errors-in-variables"`` the bias, not a quantile).

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr], positive where the catalogue's ages are the higher ones; NaN for an unknown age.
        """
        curves = {curve.tau: curve for curve in self.curves}
        check_choice("quantile", quantile, tuple(curves))
        values, mask = age_values(age)
        if quantile == 0.5:
            return with_mask(self._correction(values), mask)
        if self.bias:
            raise RcasymError("quantile must be 0.5 with method='errors-in-variables', whose "
                              f"difference is a bias and no quantile; got {quantile}. The "
                              "quantiles of the difference are the calibrator's curves")
        curve = held_at_ends(curves[quantile])
        return with_mask(curve(np.clip(values, *self.support_values)), mask)

    def difference_error(self, age):
        """Uncertainty of the difference: by resampling the stars in common, knots and all, or, with
        ``method="errors-in-variables"``, of the likelihood.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            As in `difference`.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr], the standard deviation; NaN with ``method="cobs"`` and ``n_bootstrap`` below 2.
        """
        values, mask = age_values(age)
        return with_mask(np.interp(values, self.grid.value, self.error_values), mask)

    def polynomial(self, age):
        """The polynomial that describes the median curve.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            As in `difference`; held at the ends of the support.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr].
        """
        values, mask = age_values(age)
        return with_mask(self.polynomial_series(np.clip(values, *self.support_values)), mask)

    def calibrate(self, age):
        """Ages on the scale of the reference: age minus `difference`, never below 0.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            The stars' own ages. Where the difference is a function of another age, that is found
            by inverting the relation.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr]; NaN, or masked, where ``age`` is.
        """
        values, mask = age_values(age)
        return with_mask(np.maximum(values - self._correction(self._on_axis(values)), 0), mask)

    def apply(self, catalog):
        """A catalogue with calibrated ages.

        Parameters
        ----------
        catalog : RedClumpCatalog
            Stars of the survey that the calibrator was made for.

        Returns
        -------
        RedClumpCatalog
            A new catalogue, which shares the columns that stay as they are with the one given:
            ``age`` calibrated, ``age_error`` the star's own with the calibration's
            uncertainty added in quadrature (the star's is not stretched with the age scale), the
            former columns as ``age_original`` and ``age_error_original``, and the flags
            ``age_beyond_support`` (the correction is held at its value at the end of the support)
            and ``age_floored`` (set to 0 from below).
        """
        check_columns(catalog.colnames, ["age"], "the catalogue")
        if "age_original" in catalog.colnames:
            raise CatalogError("the catalogue must hold ages as the survey gives them; got one "
                               "with 'age_original', whose ages are calibrated already")
        age = floats(catalog, "age")
        on_axis = self._on_axis(age)
        calibrated = age - self._correction(on_axis)
        result = catalog.copy(copy_data=False)
        result["age_original"] = catalog["age"]
        with np.errstate(invalid="ignore"):
            result["age_beyond_support"] = ((on_axis < self.support_values[0])
                                            | (on_axis > self.support_values[1]))
            result["age_floored"] = calibrated < 0
        result["age"] = COLUMNS["age"].wrap(np.maximum(calibrated, 0))
        error = np.interp(on_axis, self.grid.value, self._calibration_error)
        if "age_error" in catalog.colnames:
            result["age_error_original"] = catalog["age_error"]
            error = np.hypot(floats(catalog, "age_error"), np.nan_to_num(error))
        result["age_error"] = COLUMNS["age_error"].wrap(error)
        return result

    @cached_property
    def _calibration_error(self):
        """The error of a calibrated age on the grid: that of the difference through the map."""
        slope = np.gradient(self.difference_values, self.grid.value)
        part = AXES[self.settings.axis]
        return self.error_values / np.maximum(1 + part * slope, 0.1)

    def _correction(self, x):
        median = self.bias.difference if self.bias else held_at_ends(
            next(curve for curve in self.curves if curve.tau == 0.5))
        return median(np.clip(x, *self.support_values))

    @cached_property
    def difference_values(self):
        """The difference on the `grid`, plain floats in Gyr."""
        return read_only(self._correction(self.grid.value))

    def _on_axis(self, age):
        """The age on the axis of the difference, for stars of which only their own is known."""
        part = AXES[self.settings.axis]
        if part == 0:
            return age
        grid, difference = self.grid.value, part * self.difference_values
        own = np.maximum.accumulate(grid + difference)
        inside = np.interp(age, own, grid)
        return np.where(age < own[0], age - difference[0],
                        np.where(age > own[-1], age - difference[-1], inside))

    def _warn_of_order(self):
        grid, difference = self.grid.value, self.difference_values
        own = grid + AXES[self.settings.axis] * difference
        falls = (np.diff(own) <= 0) | (np.diff(own - difference) <= 0)
        if falls.any():
            low, high = grid[:-1][falls][0], grid[1:][falls][-1]
            warn(f"the calibration does not keep the order of ages between {low:.2f} and "
                 f"{high:.2f} Gyr: there the difference changes as fast as the age itself; fewer "
                 "knots or another axis may help", RcasymWarning)

    def null_test(self, age_error=None, reference_age_error=None, *, n=200, rng=None):
        """What the curve would be if neither survey were biased.

        Pairs of ages without a bias are drawn from the true ages that the stars in common have
        (deconvolved with the errors of both surveys), given the surveys' own errors, and described
        like the data. Their curves are not zero: this is what regression dilution alone makes.

        Parameters
        ----------
        age_error, reference_age_error : `~astropy.units.Quantity` or array_like, optional
            As in `from_ages`; by default those given there.
        n : int, optional
            Samples to draw; by default 200.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        AgeNullTest

        Raises
        ------
        RcasymError
            If the errors of one survey are not known.
        """
        pairs = self.pairs
        given = {"age_error": age_error, "reference_age_error": reference_age_error}
        for name, errors in given.items():
            if errors is not None:
                pairs = replace(pairs, **{name: fractions_of(name, errors, getattr(
                    pairs, name.removesuffix("_error")))})
        check_errors(pairs, "the null test")
        check_whole("n", n, least=1)
        measured = self.difference_values
        if len(pairs.with_errors) < len(pairs):
            # Like is compared with like: the same stars for the curve and for the simulation.
            pairs = pairs.with_errors
            measured = self.settings.median(pairs)(self.grid.value)
        # Samples that were cut are compared with samples that are cut at the same age.
        oldest = max(pairs.age.max(), pairs.reference_age.max())
        cut = self.settings.max_age
        truth = TrueAges.fit(pairs.age, pairs.reference_age, age_error=pairs.age_error,
                             reference_age_error=pairs.reference_age_error,
                             weights=pairs.effective_weights,
                             max_age=cut if cut is not None and oldest <= cut else None)
        rng = check_rng(rng)
        curves = []
        for _ in progress(range(n), "refitting pairs without a bias"):
            age, reference_age, *errors = truth.sample_pairs(len(pairs), rng)
            weights = None if pairs.weights is None else rng.permutation(pairs.weights)
            unbiased = CommonAges(age, reference_age, weights, *errors)
            curves.append(self.settings.median(unbiased)(self.grid.value))
        return AgeNullTest(self.grid, np.array(curves) * u.Gyr, measured * u.Gyr)

    def plot(self, *, axes=None, null=None, **kwargs):
        """Draw the difference of the ages, and the calibrated ages (Figure 2 of the paper).

        Parameters
        ----------
        axes : sequence of two `~matplotlib.axes.Axes`, optional
            By default those of a new figure.
        null : AgeNullTest, optional
            What `null_test` gave: its envelope is drawn behind the curves.
        **kwargs
            Passed to `~matplotlib.axes.Axes.hexbin`, which draws the density of the stars.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            Left the difference, right the calibrated ages.
        """
        from .plotting import plot_calibrator

        return plot_calibrator(self, axes=axes, null=null, **kwargs)

    def write(self, path, *, overwrite=False):
        """Write the calibrator to an ECSV file: the pairs of ages, and the curves as its ``meta``.

        Parameters
        ----------
        path : path-like
            The file; it appears whole or not at all.
        overwrite : bool, optional
            Whether to replace an existing file; by default False.
        """
        write_calibrator(self, path, overwrite=overwrite)

    @classmethod
    def read(cls, path):
        """Read a calibrator that `write` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Raises
        ------
        CatalogError
            If the file holds no calibrator.
        """
        settings, pairs, curves, series, error, counts = read_calibrator(path)
        settings = CurveSettings(**settings)
        bias = None if settings.method == "cobs" else settings.bias(pairs)
        return cls(pairs, settings, curves, bias, series, tuple(series.domain.tolist()), error,
                   counts)
