# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Calibration of the ages of one survey to the scale of another."""

from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType

import numpy as np
from astropy import units as u
from numpy.polynomial import Legendre

from ..catalog.columns import COLUMNS, floats
from ..exceptions import CatalogError, RcasymError, RcasymWarning
from ..utils.arrays import ReadOnlyArrays, frozen
from ..utils.validation import check_choice, check_columns, check_rng, check_whole, warn
from .curve import CurveSettings, move_to_axis, simulate_null_curves, warn_about_order
from .errors_in_variables import AgeBias
from .io import read_calibrator, write_calibrator
from .null_test import AgeNullTest
from .pairs import AXES, AgePairs, check_errors, convert_ages, match_ages

__all__ = ["AgeCalibrator"]

# Points at which curves are compared, inverted and fitted by the polynomial.
N_GRID = 401


@dataclass(frozen=True, eq=False, repr=False)
class AgeCalibrator(ReadOnlyArrays):
    """Calibration of the ages of one survey to the scale of another; immutable.

    Made by `from_ages` or `from_catalogs`. The difference, age minus reference age, is described by
    quantile curves and subtracted (Wang et al. 2025, Section 2.2 and Figure 2). Outside the
    `support` it keeps its value at the nearer end.

    Notes
    -----
    With ``method="cobs"`` the difference is the median of age minus reference age, a constrained
    B-spline (`~rcasym.splines.QuantileSpline`), as in the paper. If both ages have errors, it is
    not zero even without a bias. `null_test` measures this regression dilution, and
    ``method="errors-in-variables"`` takes both errors into account.

    Examples
    --------
    >>> from rcasym import AgeCalibrator
    >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
    >>> print(cal.difference(9).round(3), cal.calibrate([6, 9]).round(3))
    3.0 Gyr [4. 6.] Gyr
    """

    pairs: AgePairs
    settings: CurveSettings
    curves: tuple
    bias: AgeBias | None
    error_values: np.ndarray
    counted: tuple

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
            Quantile curves to fit, including 0.5; by default 10, 50 and 90 %.
        axis : {"age", "reference", "mean"}, optional
            Age that the difference is a function of; by default the star's own.
        method : {"cobs", "errors-in-variables"}, optional
            The paper's median curve (default), or a fit of the bias with the errors of both ages
            (`~rcasym.ages.AgeBias`), which leaves out stars above ``max_age`` in either survey.
        age_error, reference_age_error : `~astropy.units.Quantity` or array_like, optional
            Errors as times, or as fractions of the age; one for all stars or one per star, NaN
            where not known. Needed for ``"errors-in-variables"`` and `null_test`, which take them
            as fractions of the observed age.
        max_age : `~astropy.units.Quantity` ['time'] or None, optional
            Largest age in both samples, for ``"errors-in-variables"`` and `null_test`; by default
            the paper's 14 Gyr. None for no cut.
        n_knots, criterion, constraints : optional
            As in `~rcasym.splines.QuantileSpline.fit`.
        n_bootstrap : int, optional
            Resamples of the stars, each with its own knots, for the uncertainty of ``"cobs"`` (that
            of the other method is from the likelihood); by default 50. 0 or 1 leaves it out.
        rng : int or `~numpy.random.Generator`, optional
            Seed of the resampling; by default 0.

        Returns
        -------
        AgeCalibrator

        Raises
        ------
        RcasymError
            If ages, weights or errors are not valid, or errors that are needed are missing.

        Warns
        -----
        RcasymWarning
            If the calibration does not keep the order of ages, with the range.

        Examples
        --------
        >>> import numpy as np
        >>> from astropy import units as u
        >>> from rcasym import AgeCalibrator
        >>> reference_age = np.linspace(1, 12, 100) * u.Gyr
        >>> cal = AgeCalibrator.from_ages(1.1 * reference_age, reference_age, n_bootstrap=5)
        >>> print(cal.difference(11 * u.Gyr).round(1), cal.calibrate([5.5, 11] * u.Gyr).round(1))
        1.0 Gyr [ 5. 10.] Gyr
        """
        settings = CurveSettings(method, axis, quantiles, degree, max_age, n_knots, criterion,
                                 constraints, n_bootstrap)
        pairs, counts = settings.select(
            AgePairs.from_ages(age, reference_age, weights, age_error, reference_age_error))
        rng, bias = check_rng(rng), settings.fit_bias(pairs)
        curves, grid = settings.fit_quantiles(pairs), np.linspace(*pairs.support(axis), N_GRID)
        error = (bias.difference_error(grid) if bias
                 else settings.bootstrap_error(pairs, grid, rng))
        calibrator = cls(pairs, settings, curves, bias, error, tuple(counts.items()))
        if bias and not bias.converged:
            warn("the errors-in-variables fit has not converged; do not trust its correction",
                 RcasymWarning)
        warn_about_order(grid, calibrator.difference_values, axis)
        return calibrator

    @classmethod
    def from_catalogs(cls, catalog, reference, *, max_separation=1 * u.arcsec, **kwargs):
        """Calibrate with the stars that two catalogues have in common.

        Parameters
        ----------
        catalog, reference : RedClumpCatalog
            The first ages are brought onto the scale of the second; APOGEE and LAMOST in the paper.
        max_separation : `~astropy.units.Quantity` ['angle'], optional
            Largest separation of a star's two positions; by default 1 arcsec.
        **kwargs
            Arguments of `from_ages`; the errors are those of the catalogues.

        Returns
        -------
        AgeCalibrator

        Raises
        ------
        CatalogError
            If a catalogue has no ages, or there are no stars in common.

        Examples
        --------
        >>> from rcasym import AgeCalibrator, make_mock_catalog
        >>> cat = make_mock_catalog(20_000)
        >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
        >>> cal = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)
        >>> print(cal.n_stars, cal.counts["n_in_common"])
        584 584
        """
        ages, counts = match_ages(catalog, reference, max_separation)
        calibrator = cls.from_ages(**(ages | kwargs))
        return replace(calibrator, counted=(*counts.items(), *calibrator.counted))

    def __repr__(self):
        low, high = self.support.value
        worst = int(np.argmax(np.abs(self.difference_values)))
        return (f"<AgeCalibrator: {self.n_stars:,} stars, method {self.settings.method!r} on axis "
                f"{self.settings.axis!r}, support {low:.2f} to {high:.2f} Gyr, largest difference "
                f"{self.difference_values[worst]:+.2f} Gyr at {self.grid.value[worst]:.1f} Gyr>")

    @property
    def counts(self):
        """Numbers of stars in common, used and left out, a read-only mapping."""
        return MappingProxyType(dict(self.counted))

    @property
    def n_stars(self):
        """Number of stars that the curves are fitted to."""
        return len(self.pairs)

    @property
    def support(self):
        """0.5 and 99.5 % quantiles of the ages on the axis, `~astropy.units.Quantity` [Gyr]."""
        return self.support_values * u.Gyr

    @cached_property
    def support_values(self):
        """`support` as a tuple of plain floats."""
        return self.pairs.support(self.settings.axis)

    @property
    def grid(self):
        """Evenly spaced ages over the support, `~astropy.units.Quantity` [Gyr]."""
        return np.linspace(*self.support_values, N_GRID) * u.Gyr

    @cached_property
    def difference_values(self):
        """Difference on the `grid` [Gyr], plain floats."""
        return frozen(self._correction(self.grid.value))

    @cached_property
    def polynomial_series(self):
        """Polynomial of the median curve [Gyr], `~numpy.polynomial.legendre.Legendre`."""
        series = Legendre.fit(self.grid.value, self.difference_values, self.settings.degree,
                              domain=self.support_values)
        series.coef.flags.writeable = False
        return series

    @property
    def polynomial_deviation(self):
        """Largest distance between polynomial and curve, `~astropy.units.Quantity` [Gyr]."""
        deviation = self.polynomial_series(self.grid.value) - self.difference_values
        return np.max(np.abs(deviation)) * u.Gyr

    def difference(self, age, quantile=0.5):
        """Return age minus reference age as a function of age.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            Ages on the axis of the calibrator (by default the star's own age).
        quantile : float, optional
            One of the fitted quantiles; by default 0.5, which `calibrate` subtracts (with
            ``"errors-in-variables"`` the bias, not a quantile).

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr], positive where the reference ages are lower; NaN for an unknown age.

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> print(cal.difference([6, 9, 20]).round(2))  # the last is outside the support
        [2.   3.   3.99] Gyr
        """
        check_choice("quantile", quantile, tuple(curve.tau for curve in self.curves))
        if self.bias and quantile != 0.5:
            raise RcasymError("quantile must be 0.5 with method='errors-in-variables', whose "
                              f"difference is a bias and no quantile; got {quantile}. The "
                              "quantiles of the difference are the calibrator's curves")
        return convert_ages(lambda values: self._correction(values, quantile), age)

    def difference_error(self, age):
        """Return the uncertainty of the difference, from resampling or the likelihood.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            As in `difference`.

        Returns
        -------
        `~astropy.units.Quantity`
            Standard deviation [Gyr]; NaN with ``method="cobs"`` and ``n_bootstrap`` below 2.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym import AgeCalibrator
        >>> age, noise = np.linspace(1, 12, 100), np.random.default_rng(1).normal(0, 0.3, 100)
        >>> cal = AgeCalibrator.from_ages(age, np.abs(0.8 * age + noise), n_bootstrap=10)
        >>> print(f"{cal.difference(9):.1f} ± {cal.difference_error(9):.1f}")
        1.8 Gyr ± 0.1 Gyr
        """
        return convert_ages(lambda x: np.interp(x, self.grid.value, self.error_values), age)

    def polynomial(self, age):
        """Return the polynomial that describes the median curve.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            As in `difference`.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr], constant outside the support.

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], degree=1, n_bootstrap=0)
        >>> print(cal.polynomial([6, 9]).round(2), cal.polynomial_deviation.round(2))
        [2. 3.] Gyr 0.0 Gyr
        """
        return convert_ages(lambda x: self.polynomial_series(np.clip(x, *self.support_values)), age)

    def calibrate(self, age):
        """Return ages on the scale of the reference: age minus `difference`, at least 0.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            The stars' own ages, whatever the axis of the calibrator.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr]; NaN, or masked, where ``age`` is.

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> print(cal.calibrate([6, 9]).round(2))
        [4. 6.] Gyr
        """
        return convert_ages(lambda values: np.maximum(self._calibrate(values)[1], 0), age)

    def apply(self, catalog):
        """Return a catalogue with calibrated ages.

        Parameters
        ----------
        catalog : RedClumpCatalog
            Stars of the survey that the calibrator was made for.

        Returns
        -------
        RedClumpCatalog
            A new catalogue: ``age`` calibrated, ``age_error`` with the uncertainty of the
            calibration added in quadrature, the former columns as ``age_original`` and
            ``age_error_original``, and the flags ``age_beyond_support`` and ``age_floored`` (raised
            to 0). It shares its other columns with the given one.

        Examples
        --------
        >>> from rcasym import AgeCalibrator, make_mock_catalog
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> cat = cal.apply(make_mock_catalog(2000))
        >>> print((cat["age"] < cat["age_original"]).all())
        True
        """
        check_columns(catalog.colnames, ["age"], "the catalogue")
        if "age_original" in catalog.colnames:
            raise CatalogError("the catalogue must hold ages as the survey gives them; got one "
                               "with 'age_original', whose ages are calibrated already")
        age, (low, high) = floats(catalog, "age"), self.support_values
        on_axis, calibrated = self._calibrate(age)
        result = catalog.copy(copy_data=False)
        result["age_original"] = catalog["age"]
        with np.errstate(invalid="ignore"):
            result["age_beyond_support"] = (on_axis < low) | (on_axis > high)
            result["age_floored"] = calibrated < 0
        result["age"] = COLUMNS["age"].wrap(np.maximum(calibrated, 0))
        # The error of the difference at a given own age depends on the slope.
        slope = AXES[self.settings.axis] * np.gradient(self.difference_values, self.grid.value)
        error = np.interp(on_axis, self.grid.value, self.error_values / np.maximum(1 + slope, 0.1))
        if "age_error" in catalog.colnames:
            result["age_error_original"] = catalog["age_error"]
            error = np.hypot(floats(catalog, "age_error"), np.nan_to_num(error))
        result["age_error"] = COLUMNS["age_error"].wrap(error)
        return result

    def _correction(self, x, quantile=0.5):
        curve = self.bias.difference if self.bias else next(
            curve for curve in self.curves if curve.tau == quantile)
        return curve(np.clip(x, *self.support_values))

    def _calibrate(self, age):
        """Return ages on the axis, and calibrated ages, which may be negative."""
        on_axis = move_to_axis(age, self.settings.axis, self.grid.value, self.difference_values)
        return on_axis, age - self._correction(on_axis)

    def null_test(self, age_error=None, reference_age_error=None, *, n=200, rng=None):
        """Compare the curve with those of simulated stars without a bias.

        Their true ages have the distribution of the stars in common, their errors are those of the
        surveys. Because of regression dilution their curves are not zero.

        Parameters
        ----------
        age_error, reference_age_error : `~astropy.units.Quantity` or array_like, optional
            As in `from_ages`; by default those given there.
        n : int, optional
            Number of null samples; by default 200.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        AgeNullTest
            The curves of the null samples, and the measured one.

        Raises
        ------
        RcasymError
            If the errors of one survey are not known.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym import AgeCalibrator
        >>> rng = np.random.default_rng(1)
        >>> ages = rng.uniform(2, 9, 100) * (1 + 0.15 * rng.standard_normal((2, 100)))
        >>> cal = AgeCalibrator.from_ages(*ages, age_error=0.15, reference_age_error=0.15,
        ...                               constraints="increasing", n_bootstrap=0)
        >>> null = cal.null_test(n=5, rng=1)
        >>> print(cal.difference(12).round(1), null.median[-1].round(1))  # there is no bias
        2.3 Gyr 1.8 Gyr
        """
        pairs = self.pairs.with_errors(age_error, reference_age_error)
        check_errors(pairs, "the null test")
        check_whole("n", n, least=1)
        pairs, grid, measured = pairs.with_known_errors(), self.grid.value, self.difference_values
        if len(pairs) < self.n_stars:
            # The measured curve must be that of the simulated stars.
            measured = self.settings.fit_median_curve(pairs)(grid)
        curves = simulate_null_curves(pairs, self.settings, grid, n, check_rng(rng))
        return AgeNullTest(self.grid, curves * u.Gyr, measured * u.Gyr)

    def plot(self, *, axes=None, null=None, **kwargs):
        """Draw the difference of the ages, and the calibrated ages (Figure 2 of the paper).

        Parameters
        ----------
        axes : sequence of two `~matplotlib.axes.Axes`, optional
            By default those of a new figure.
        null : AgeNullTest, optional
            Result of `null_test`, whose range is drawn behind the curves.
        **kwargs
            Passed to `~matplotlib.axes.Axes.hexbin`, which draws the density of the stars.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            Left the difference, right the calibrated ages.

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> axes = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0).plot()
        """
        from ..plotting.ages import plot_calibrator

        return plot_calibrator(self, axes=axes, null=null, **kwargs)

    def write(self, path, *, overwrite=False):
        """Write the pairs of ages and the curves to an ECSV file.

        Parameters
        ----------
        path : path-like
            The file; it is written completely or not at all.
        overwrite : bool, optional
            Whether to replace a file; by default False.

        Examples
        --------
        >>> import tempfile
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cal.write(f"{folder}/ages.ecsv")
        """
        write_calibrator(self, path, overwrite=overwrite)

    @classmethod
    def read(cls, path):
        """Read a calibrator that `write` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        AgeCalibrator

        Raises
        ------
        CatalogError
            If the file does not hold a calibrator.

        Examples
        --------
        >>> import tempfile
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cal.write(f"{folder}/ages.ecsv")
        ...     print(AgeCalibrator.read(f"{folder}/ages.ecsv").calibrate(9) == cal.calibrate(9))
        True
        """
        return cls(*read_calibrator(path))
