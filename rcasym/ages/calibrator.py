# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Two surveys on one age scale."""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from types import MappingProxyType

import numpy as np
from astropy import units as u
from numpy.polynomial import Legendre

from ..catalog.columns import COLUMNS, floats
from ..exceptions import CatalogError, RcasymError
from ..splines.quantile_spline import check_constraints
from ..utils.validation import check_choice, check_columns, check_rng, check_whole, to_unit
from .curve import (
    N_GRID,
    CurveSettings,
    fit_curves,
    held_at_ends,
    on_axis,
    unbiased_curves,
    warn_of_order,
)
from .errors_in_variables import AgeBias
from .io import read_calibrator, write_calibrator
from .null_test import AgeNullTest
from .pairs import (
    AXES,
    CommonAges,
    age_values,
    ages_in_common,
    check_ages,
    check_errors,
    fractions_of,
    read_only,
    with_mask,
)

__all__ = ["AgeCalibrator"]

METHODS = ("cobs", "errors-in-variables")


@dataclass(frozen=True, eq=False, repr=False)
class AgeCalibrator:
    """Brings the ages of one survey onto the scale of another; immutable.

    Made by `from_ages` or `from_catalogs` from stars that both have observed. The difference, age
    minus reference age, is described by quantile curves and subtracted (Wang et al. 2025, Section
    2.2 and Figure 2). Beyond the `support` it keeps its value at the end.

    Notes
    -----
    With ``method="cobs"`` the difference is that of the paper: the median of age minus reference
    age, as a constrained B-spline (`~rcasym.splines.QuantileSpline`). Where both ages have
    errors, this median is not zero even if neither survey is biased: among the stars that one
    survey gives 12 Gyr, many are younger ones with a large error. `null_test` shows how large this
    regression dilution is; ``method="errors-in-variables"`` takes both errors into account.

    Examples
    --------
    >>> from rcasym import AgeCalibrator
    >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
    >>> print(cal.difference(9).round(3), cal.calibrate([6, 9]).round(3))
    3.0 Gyr [4. 6.] Gyr
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

    def __reduce__(self):
        # A view that cannot be written to cannot be pickled either.
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return partial(AgeCalibrator, **given | {"counts": dict(self.counts)}), ()

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
            The age that the difference is a function of: the star's own (default), the only one
            known outside the stars in common, or one for which `calibrate` inverts the relation.
        method : {"cobs", "errors-in-variables"}, optional
            The paper's median curve (default), or the bias by maximum likelihood, which takes the
            errors of both ages into account (`~rcasym.ages.errors_in_variables.AgeBias`; stars above ``max_age`` in
            either survey are left out and counted).
        age_error, reference_age_error : `~astropy.units.Quantity` or array_like, optional
            Times, or fractions of the age as pure numbers; one for all stars or one a star, NaN
            where not known. Needed for ``"errors-in-variables"`` and `null_test`, which take them
            as fractions of the observed age: errors quoted as times that belong to the true age
            mislead, by 0.7 Gyr at 10 Gyr for 17 and 24 %.
        max_age : `~astropy.units.Quantity` ['time'] or None, optional
            Where both samples were cut, for ``"errors-in-variables"`` and `null_test`; by default
            the paper's 14 Gyr. None for no cut.
        n_knots, criterion, constraints : optional
            Of the curves; see `~rcasym.splines.QuantileSpline.fit`.
        n_bootstrap : int, optional
            Resamples of the stars, each with its own knots, for the uncertainty of ``"cobs"`` (the
            other method has that of the likelihood); by default 50. 0 or 1 leaves it out.
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
        calibrator = cls(**fit_curves(pairs, settings, quantiles, degree, n_bootstrap,
                                      check_rng(rng)))
        warn_of_order(calibrator.grid.value, calibrator.difference_values, axis)
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

        Examples
        --------
        >>> from rcasym import AgeCalibrator, make_mock_catalog
        >>> cat = make_mock_catalog(20_000)
        >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
        >>> cal = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)
        >>> print(cal.n_stars, cal.counts["n_in_common"])
        584 584
        """
        ages, errors, counts = ages_in_common(catalog, reference, max_separation)
        calibrator = cls.from_ages(*ages, **(errors | kwargs))
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
        """The largest distance of polynomial and curve, `~astropy.units.Quantity` [Gyr]."""
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

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        >>> print(cal.difference([6, 9, 20]).round(2))  # the last is beyond the support
        [2.   3.   3.99] Gyr
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
        """Uncertainty of the difference, by resampling the stars in common or of the likelihood.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            As in `difference`.

        Returns
        -------
        `~astropy.units.Quantity`
            [Gyr], the standard deviation; NaN with ``method="cobs"`` and ``n_bootstrap`` below 2.

        Examples
        --------
        >>> import numpy as np
        >>> from rcasym import AgeCalibrator
        >>> age, off = np.linspace(1, 12, 100), np.random.default_rng(1).normal(0, 0.3, 100)
        >>> cal = AgeCalibrator.from_ages(age, np.abs(0.8 * age + off), n_bootstrap=10)
        >>> print(f"{cal.difference(9):.1f} ± {cal.difference_error(9):.1f}")
        1.8 Gyr ± 0.1 Gyr
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

        Examples
        --------
        >>> from rcasym import AgeCalibrator
        >>> cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], degree=1, n_bootstrap=0)
        >>> print(cal.polynomial([6, 9]).round(2), cal.polynomial_deviation.round(2))
        [2. 3.] Gyr 0.0 Gyr
        """
        values, mask = age_values(age)
        return with_mask(self.polynomial_series(np.clip(values, *self.support_values)), mask)

    def calibrate(self, age):
        """Bring ages onto the scale of the reference: age minus `difference`, never below 0.

        Parameters
        ----------
        age : `~astropy.units.Quantity` ['time'] or array_like
            The stars' own ages. Where the difference is a function of another age, that is found
            by inverting the relation.

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
        return on_axis(age, self.settings.axis, self.grid.value, self.difference_values)

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
            The curves without a bias, the measured one, and how often chance goes as far.

        Raises
        ------
        RcasymError
            If the errors of one survey are not known.

        Examples
        --------
        Without a bias, stars that look old in one survey look younger in the other, as simulated:

        >>> import numpy as np
        >>> from rcasym import AgeCalibrator
        >>> rng = np.random.default_rng(1)
        >>> ages = rng.uniform(2, 9, 100) * (1 + 0.15 * rng.standard_normal((2, 100)))
        >>> cal = AgeCalibrator.from_ages(*ages, age_error=0.15, reference_age_error=0.15,
        ...                               constraints="increasing", n_bootstrap=0)
        >>> null = cal.null_test(n=5, rng=1)
        >>> print(cal.difference(12).round(1), null.median[-1].round(1))
        2.3 Gyr 1.8 Gyr
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
        curves = unbiased_curves(pairs, self.settings, self.grid.value, n, check_rng(rng))
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
        """Write the calibrator to an ECSV file: the pairs of ages, and the curves as its ``meta``.

        Parameters
        ----------
        path : path-like
            The file; it appears whole or not at all.
        overwrite : bool, optional
            Whether to replace an existing file; by default False.

        Examples
        --------
        >>> import tempfile
        >>> from rcasym import AgeCalibrator
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cal = AgeCalibrator.from_ages([3, 6, 9, 12], [2, 4, 6, 8], n_bootstrap=0)
        ...     cal.write(f"{folder}/ages.ecsv")
        ...     print(AgeCalibrator.read(f"{folder}/ages.ecsv").n_stars)
        4
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
        settings, pairs, curves, series, error, counts = read_calibrator(path)
        settings = CurveSettings(**settings)
        bias = None if settings.method == "cobs" else settings.bias(pairs)
        return cls(pairs, settings, curves, bias, series, tuple(series.domain.tolist()), error,
                   counts)
