# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Two surveys on one age scale, and whether the difference is real."""

import pickle
import re
import warnings
from copy import deepcopy

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table, join
from astropy.utils.masked import Masked
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AgeCalibrator, RedClumpCatalog, make_mock_catalog
from rcasym.ages.pairs import AgePairs
from rcasym.exceptions import CatalogError, RcasymWarning
from rcasym.splines import QuantileSpline
from tests.conftest import catalog_at

GRID = [2, 4, 6, 8, 10, 12] * u.Gyr
ERRORS = {"age_error": 0.17, "reference_age_error": 0.24}


def common_ages(n, seed, bias=lambda true: 0 * true):
    """Ages of the same stars in two surveys with independent errors of 17 and 24 %."""
    rng = np.random.default_rng(seed)
    true = rng.gamma(3, 1.6, 2 * n)
    true = true[(true > 0.3) & (true < 13.5)][:n]
    age = np.abs((true + bias(true)) * (1 + 0.17 * rng.standard_normal(n)))
    return age * u.Gyr, np.abs(true * (1 + 0.24 * rng.standard_normal(n))) * u.Gyr


@pytest.fixture(scope="module")
def clean():
    """A difference with hardly any scatter, which every axis must recover."""
    rng = np.random.default_rng(3)
    reference = rng.uniform(0.5, 13, 3000)
    age = reference + 0.02 * reference**2 + rng.normal(0, 0.02, 3000)
    return age * u.Gyr, reference * u.Gyr


@pytest.fixture(scope="module")
def cal():
    return AgeCalibrator.from_ages(*common_ages(1500, 1), n_bootstrap=8, **ERRORS)


class TestDifference:
    def test_is_the_quantile_spline(self, cal):
        age, reference = cal.pairs.age, cal.pairs.reference_age
        spline = QuantileSpline.fit(age, age - reference)
        inside = np.linspace(*cal.support_values, 50)
        assert_allclose(cal.difference(inside * u.Gyr).value, spline(inside), atol=1e-6)

    @pytest.mark.parametrize("axis", ["age", "reference", "mean"])
    def test_every_axis_gives_the_same_map(self, clean, axis):
        cal = AgeCalibrator.from_ages(*clean, axis=axis, n_bootstrap=0)
        ages = np.linspace(1, 14, 20)
        true = (np.sqrt(1 + 0.08 * ages) - 1) / 0.04
        assert_allclose(cal.calibrate(ages * u.Gyr).value, true, atol=0.03)
        if axis == "age":
            difference = cal.difference(ages * u.Gyr).value
            assert_allclose(cal.calibrate(ages * u.Gyr).value, ages - difference)
        where = {"age": ages, "reference": true, "mean": 0.5 * (ages + true)}[axis]
        assert_allclose(cal.difference(where * u.Gyr).value, ages - true, atol=0.03)
        # The difference is held beyond the support.
        far = cal.calibrate([20, 21] * u.Gyr)
        assert_allclose(np.diff(far.value), 1)
        assert_allclose((20 * u.Gyr - far[0]).value, cal.difference_values[-1], atol=1e-9)

    def test_polynomial_and_order_of_curves(self, cal):
        low, middle, high = (cal.difference(cal.grid, tau) for tau in (0.1, 0.5, 0.9))
        assert np.all(low <= middle)
        assert np.all(middle <= high)
        with pytest.raises(ValueError, match="quantile must be one of 0.1, 0.5, 0.9; got 0.3"):
            cal.difference(5 * u.Gyr, 0.3)
        inside = np.linspace(*cal.support_values, 777) * u.Gyr
        deviation = np.abs(cal.polynomial(inside) - cal.difference(inside)).max()
        assert deviation <= cal.polynomial_deviation + 1e-6 * u.Gyr
        assert cal.polynomial_series.degree() == 5
        assert_allclose(cal.polynomial_series.domain, cal.support_values)

    def test_held_beyond_the_support(self, cal):
        low, high = cal.support
        assert_allclose(cal.difference([0 * u.Gyr, low]).value, cal.difference(low).value)
        assert_allclose(cal.difference([high, 20 * u.Gyr]).value, cal.difference(high).value)
        assert_allclose(cal.polynomial(30 * u.Gyr).value, cal.polynomial(high).value)
        assert_allclose(cal.support.value, np.quantile(cal.pairs.age, [0.005, 0.995]))

    def test_units_masks_and_nan(self, cal):
        assert_allclose(cal.calibrate(5000 * u.Myr).value, cal.calibrate(5 * u.Gyr).value)
        assert_allclose(cal.calibrate(5).value, cal.calibrate(5 * u.Gyr).value)
        masked = cal.calibrate(Masked([5, 6] * u.Gyr, mask=[True, False]))
        assert_array_equal(masked.mask, [True, False])
        assert np.isnan(cal.calibrate(np.nan * u.Gyr))
        with pytest.raises(CatalogError, match="age must have a unit that converts to Gyr; got kp"):
            cal.calibrate(5 * u.kpc)

    @pytest.mark.parametrize(("axis", "slope", "warned"), [
        ("age", 1.5, True), ("age", -1.5, False), ("age", 0.7, False),
        ("reference", -1.5, True), ("reference", 1.5, False), ("reference", -0.7, False),
        ("mean", 1.5, False), ("mean", -1.5, False), ("mean", 2.5, True), ("mean", -2.5, True)])
    def test_order_of_ages(self, axis, slope, warned):
        x = np.random.default_rng(1).uniform(1, 10, 2000)
        difference = slope * np.maximum(x - 6, 0)
        part = {"age": 0, "mean": 0.5, "reference": 1}[axis]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", RcasymWarning)
            AgeCalibrator.from_ages(x + part * difference, x + (part - 1) * difference, axis=axis,
                                    n_bootstrap=0)
        assert len(caught) == warned
        for warning in caught:
            assert re.search(r"order of ages between [56]\.\d+ and 9\.\d+ ", str(warning.message))
            assert warning.filename == __file__

    def test_resampling(self, cal):
        order = np.random.default_rng(0).permutation(1500)
        age, reference = (ages[order] for ages in common_ages(1500, 1))
        shuffled = AgeCalibrator.from_ages(age, reference, n_bootstrap=0)
        assert_array_equal(shuffled.difference_values, cal.difference_values)
        assert np.all(np.isnan(shuffled.error_values))
        again = AgeCalibrator.from_ages(*common_ages(1500, 1), n_bootstrap=8, **ERRORS)
        other = AgeCalibrator.from_ages(*common_ages(1500, 1), n_bootstrap=8, rng=5, **ERRORS)
        assert_array_equal(again.error_values, cal.error_values)
        assert not np.array_equal(other.error_values, cal.error_values)
        assert np.all(cal.error_values > 0)

    def test_weights(self):
        rng = np.random.default_rng(1)
        reference = np.tile(rng.uniform(1, 10, 300), 2)
        age = reference + np.repeat([1.0, -1.0], 300)
        cal = AgeCalibrator.from_ages(age, reference, weights=np.repeat([5.0, 1.0], 300),
                                      axis="reference", n_bootstrap=0)
        assert_allclose(cal.difference(5 * u.Gyr).value, 1, atol=1e-6)

    def test_immutable_and_repr(self, cal):
        with pytest.raises(AttributeError):
            cal.bias = None
        with pytest.raises(TypeError, match="does not support item assignment"):
            cal.counts["n_pairs"] = 5
        for values in (cal.polynomial_series.coef, cal.difference_values, cal.error_values,
                       cal.pairs[:5].age):
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 1
        with pytest.raises(ValueError, match="read-only"):
            cal.pairs.age[0] = 1
        assert "1,500 stars, method 'cobs' on axis 'age'" in repr(cal)

    def test_arrays_of_the_user_stay_writable(self):
        age, reference_age = (ages.value for ages in common_ages(100, 1))
        given = {"weights": np.ones(100), "age_error": np.full(100, 0.2)}
        cal = AgeCalibrator.from_ages(age, reference_age, n_bootstrap=0, **given)
        first = cal.pairs.age[0]
        pairs = AgePairs(age, reference_age, **given)
        for values in (age, reference_age, *given.values()):
            values[0] = 9
        assert cal.pairs.age[0] == pairs.age[0] == first


class TestBadInput:
    @pytest.mark.parametrize(("change", "message"), [
        ({"age": [1, np.nan, 3] * u.Gyr}, "age must be finite and not negative; got nan"),
        ({"age": [1, -2, 3] * u.Gyr}, "age must be finite and not negative; got -2 Gyr at index 1"),
        ({"reference_age": [1, np.inf, 3] * u.Gyr}, "reference_age must be finite"),
        ({"age": [1, 2] * u.Gyr}, "same length; got 2 and 3"),
        ({"age": [1, 2, 3] * u.kpc}, "age must have a unit that converts to Gyr; got kpc"),
        ({"age": Masked([1, 2, 3] * u.Gyr, mask=[1, 0, 0])}, "age must not be masked; got 1"),
        ({"age": np.ones((3, 1))}, "age must hold one age per star"),
        ({"weights": [1, 0, 1]}, "weights must be positive"),
        ({"weights": [1, -1, 1]}, "weights must be positive"),
        ({"weights": [1, 1]}, "weights must hold one value per star"),
        ({"age_error": [0.1, 0.0, 0.1]}, "age_error must be positive and finite; got 0 of the age"),
        ({"reference_age_error": -0.2}, "reference_age_error must be positive"),
        ({"age_error": [0.1, 0.1] * u.Gyr}, "age_error"),
        ({"axis": "true"}, "axis must be one of 'age', 'reference', 'mean'; got 'true'"),
        ({"method": "magic"}, "method must be one of 'cobs', 'errors-in-variables'"),
        ({"quantiles": (0.1, 0.9)}, "quantiles must be .* and include 0.5"),
        ({"degree": -1}, "degree must be a whole number"),
        ({"method": "errors-in-variables"}, "age_error must be known for method="),
        ({"method": "errors-in-variables", "axis": "mean"}, "axis must be 'age' with method="),
        ({"age": [2, 2, 2] * u.Gyr}, "age and reference_age must each have three .*; got 1 and 3"),
        ({"quantiles": (0.0, 0.5)}, "quantiles must be larger than 0 and smaller than 1"),
        ({"weights": Masked([1.0, 1, 1], mask=[1, 0, 0])}, "weights must not be masked"),
        ({"weights": "x"}, "weights must be a number or a Quantity"),
        ({"age_error": "x"}, "age_error must be a number or a Quantity"),
        ({"age_error": [3.0, 4, 5]}, "age_error must be a fraction of the age, or a time with"),
        ({"age_error": [np.nan] * 3}, "age_error must be known for some stars"),
        ({"n_bootstrap": -1}, "n_bootstrap must be a whole number of 0 or more; got -1"),
        ({"n_bootstrap": 2.5}, "n_bootstrap must be a whole number"),
        ({"degree": True}, "degree must be a whole number"),
        ({"max_age": -1 * u.Gyr}, "max_age must be above 0"),
        ({"constraints": ("rising",)}, "constraints")])
    def test_named(self, change, message):
        given = {"age": [1, 2, 3] * u.Gyr, "reference_age": [1, 2, 4] * u.Gyr,
                 "n_bootstrap": 0} | change
        with pytest.raises(ValueError, match=message):
            AgeCalibrator.from_ages(given.pop("age"), given.pop("reference_age"), **given)


@pytest.fixture(scope="module")
def surveys():
    mock = make_mock_catalog(8000, rng=4, age_bias=1.5 * u.Gyr)
    return tuple(mock[mock["survey"] == name] for name in ("APOGEE", "LAMOST"))


@pytest.fixture(scope="module")
def survey_cal(surveys):
    return AgeCalibrator.from_catalogs(*surveys, n_bootstrap=5)


class TestCatalogs:
    def test_uses_the_stars_in_common(self, surveys, survey_cal):
        pairs = surveys[0].match(surveys[1])
        assert survey_cal.n_stars == len(pairs) == survey_cal.counts["n_in_common"]
        assert_allclose(np.sort(survey_cal.pairs.age),
                        np.sort(surveys[0]["age"][pairs["index"]].to_value(u.Gyr)))
        assert abs(np.median(survey_cal.pairs.age_error) - 0.17) < 0.02
        assert abs(np.median(survey_cal.pairs.reference_age_error) - 0.24) < 0.02

    def test_apply(self, surveys, survey_cal, tmp_path):
        apogee = surveys[0]
        result = survey_cal.apply(apogee)
        assert isinstance(result, RedClumpCatalog)
        result.write(tmp_path / "stars.fits")
        again = RedClumpCatalog.read(tmp_path / "stars.fits")
        assert again["age_beyond_support"].dtype == bool
        assert_allclose(again["age_original"].value, apogee["age"].value)
        assert "age_original" not in apogee.colnames
        assert_array_equal(result["age_original"], apogee["age"])
        assert_array_equal(result["age"], survey_cal.calibrate(apogee["age"]))
        assert_allclose(result["age_error"].value, np.hypot(
            apogee["age_error"].value, np.interp(apogee["age"].value, survey_cal.grid.value,
                                                 survey_cal.error_values)))
        assert_array_equal(result["age_error_original"], apogee["age_error"])
        low, high = survey_cal.support
        assert_array_equal(result["age_beyond_support"],
                           (apogee["age"] < low) | (apogee["age"] > high))
        assert not result["age_floored"].any()
        with pytest.raises(CatalogError, match="calibrated already"):
            survey_cal.apply(result)

    def test_apply_to_unknown_ages_and_to_the_very_young(self):
        rng = np.random.default_rng(1)
        reference = rng.uniform(0.5, 10, 500)
        cal = AgeCalibrator.from_ages(reference + 0.4, reference, n_bootstrap=3)
        stars = catalog_at([8, 9, 10], [0, 0, 0], [0, 0, 0], [0, 0, 0],
                           age=[0.1, np.nan, 5] * u.Gyr)
        result = cal.apply(stars)
        assert_array_equal(result["age"].mask, [False, True, False])
        assert cal.calibrate(0.1 * u.Gyr) == 0
        assert_allclose(result["age"].unmasked.value[[0, 2]], [0, 4.6], atol=1e-6)
        assert_array_equal(result["age_floored"], [True, False, False])
        assert_array_equal(result["age_beyond_support"], [True, False, False])
        with pytest.raises(CatalogError, match="column 'age'"):
            cal.apply(stars["coord", "galcen", "m_h"])

    def test_stars_without_an_age_are_counted(self, surveys):
        apogee, lamost = surveys
        pairs = apogee.match(lamost)
        lamost = lamost.copy()
        lamost["age"] = Masked(lamost["age"], mask=np.zeros(len(lamost), bool))
        lamost["age"][pairs["other_index"][:7]] = np.ma.masked
        cal = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)
        assert cal.counts["n_without_age"] == 7
        assert cal.n_stars == len(pairs) - 7

    def test_no_stars_in_common(self, surveys):
        apogee, lamost = surveys
        far = lamost[lamost["coord"].dec > 85 * u.deg]
        with pytest.raises(CatalogError, match=r"stars in common; got none within 1\.0 arcsec"):
            AgeCalibrator.from_catalogs(apogee, far)
        with pytest.raises(CatalogError, match="reference must have a column 'age'"):
            AgeCalibrator.from_catalogs(apogee, lamost["coord", "galcen", "m_h"])

    def test_corrected_ages_follow_the_truth(self, surveys):
        apogee, lamost = surveys
        cal = AgeCalibrator.from_catalogs(apogee, lamost, method="errors-in-variables")
        true = apogee["true_age"]
        middle = (true > 5 * u.Gyr) & (true < 9 * u.Gyr)
        before = np.median((apogee["age"] - true)[middle])
        after = np.median((cal.apply(apogee)["age"] - true)[middle])
        assert before > 0.7 * u.Gyr
        assert abs(after) < 0.4 * u.Gyr


class TestFiles:
    @pytest.mark.parametrize("method", ["cobs", "errors-in-variables"])
    def test_round_trip(self, method, tmp_path):
        constraints = (c for c in ["increasing", ("=", np.float64(1), np.float64(0))])
        cal = AgeCalibrator.from_ages(*common_ages(400, 6), method=method, n_bootstrap=3, **ERRORS,
                                      constraints=constraints)
        assert cal.settings.constraints == ("increasing", ("=", 1.0, 0.0))
        cal.write(tmp_path / "cal.ecsv")
        ages = np.linspace(0, 15, 50) * u.Gyr
        for again in (AgeCalibrator.read(tmp_path / "cal.ecsv"), pickle.loads(pickle.dumps(cal)),
                      deepcopy(cal)):
            for name in ("difference", "difference_error", "polynomial", "calibrate"):
                assert_array_equal(getattr(again, name)(ages), getattr(cal, name)(ages))
            assert again.counts == cal.counts
            with pytest.raises(TypeError, match="does not support item assignment"):
                again.counts["n_pairs"] = 5
            assert again.settings == cal.settings
            assert again.null_test(n=2, rng=1).p_value == cal.null_test(n=2, rng=1).p_value
        with pytest.raises(FileExistsError, match="overwrite"):
            cal.write(tmp_path / "cal.ecsv")
        with pytest.raises(ValueError, match="ending of the file must be one of '.ecsv'; got '.f"):
            cal.write(tmp_path / "cal.fits")

    def test_files_that_cannot_be_read(self, cal, tmp_path):
        with pytest.raises(FileNotFoundError):
            AgeCalibrator.read(tmp_path / "none.ecsv")
        Table({"age": [1.0]}).write(tmp_path / "a.ecsv")
        with pytest.raises(CatalogError, match=r"a\.ecsv: the file must hold an age calibrator; "
                           "got a table with columns age"):
            AgeCalibrator.read(tmp_path / "a.ecsv")
        cal.write(tmp_path / "cal.ecsv")
        text = (tmp_path / "cal.ecsv").read_text()
        for old, new in (("curves:", "kurves:"), ("0.5", "x.5"), ("- {name: age,", "- {nam: age,")):
            (tmp_path / "bad.ecsv").write_text(text.replace(old, new))
            with pytest.raises(CatalogError, match=r"cannot read an age calibrator from .*bad\.e"):
                AgeCalibrator.read(tmp_path / "bad.ecsv")
        (tmp_path / "bad.ecsv").write_text(text.replace("axis: age", "axis: true"))
        with pytest.raises(ValueError, match=r"bad\.ecsv: axis must be one of"):
            AgeCalibrator.read(tmp_path / "bad.ecsv")


class TestNull:
    def test_regression_dilution_alone(self, cal):
        null = cal.null_test(n=30, rng=2)
        at = np.searchsorted(cal.grid.value, 10)
        # Without any bias, stars that look 10 Gyr old are younger.
        assert 0.4 < null.median[at].value < 1.5
        assert null.p_value > 1 / 31
        low, high = null.envelope()
        assert np.all(low <= null.median)
        assert np.all(null.median <= high)
        assert f"p_value = {null.p_value:.3g}" in repr(null)

    def test_a_large_bias_is_seen(self):
        age, reference = common_ages(1500, 8, bias=lambda true: 0.3 * true)
        cal = AgeCalibrator.from_ages(age, reference, n_bootstrap=0, **ERRORS)
        assert cal.null_test(n=30, rng=1).p_value == 1 / 31

    def test_errors_that_differ_and_weights(self):
        # Mean of nine p-values: 0.53 +- 0.1 if all is well.
        rng = np.random.default_rng(5)
        p = []
        for seed in range(9):
            errors = rng.choice([0.08, 0.35], 400), rng.choice([0.08, 0.3], 400)
            true = rng.gamma(3, 1.6, 400)
            ages = [np.abs(true * (1 + error * rng.standard_normal(400))) for error in errors]
            cal = AgeCalibrator.from_ages(
                *ages, age_error=errors[0], reference_age_error=errors[1], n_bootstrap=0,
                weights=rng.uniform(0.02, 1, 400)**3 if seed % 2 else None,
                method="cobs" if seed % 3 else "errors-in-variables")
            p.append(cal.null_test(n=9, rng=seed).p_value)
        assert 0.25 < np.mean(p) < 0.8

    def test_seeds_and_errors(self, cal):
        a, b, c = (cal.null_test(n=3, rng=seed).curves for seed in (1, 1, 2))
        assert_array_equal(a, b)
        assert not np.array_equal(a, c)
        with pytest.raises(ValueError, match="n must be a whole number of 1 or more; got 0"):
            cal.null_test(n=0)
        without = AgeCalibrator.from_ages(*common_ages(500, 1), n_bootstrap=0, age_error=0.2)
        with pytest.raises(ValueError, match="reference_age_error must be known for the null test"):
            without.null_test(n=2)
        small, large = (without.null_test(error, error, n=3, rng=1).curves for error in (0.02, 0.3))
        assert np.abs(small[:, 300]).mean() < np.abs(large[:, 300]).mean()

    @pytest.mark.slow
    def test_p_values_are_uniform_without_a_bias(self):
        p = [AgeCalibrator.from_ages(*common_ages(600, 100 + seed), n_bootstrap=0, **ERRORS)
             .null_test(n=19, rng=seed).p_value for seed in range(60)]
        # 60 values of 1/20 .. 1: at most 0.21 from uniform in 99 % of such samples.
        p = np.sort(p)
        assert np.max(np.abs(p - np.arange(1, 61) / 60)) < 0.21

    @pytest.mark.slow
    def test_error_of_the_curve_covers_the_scatter(self):
        at = 6 * u.Gyr
        fits = [AgeCalibrator.from_ages(*common_ages(800, 500 + seed), n_bootstrap=25)
                for seed in range(40)]
        scatter = np.std([fit.difference(at).value for fit in fits], ddof=1)
        quoted = np.median([fit.difference_error(at).value for fit in fits])
        assert 0.6 < quoted / scatter < 1.6


class TestErrorsInVariables:
    def test_only_the_ratios_of_weights_count(self):
        age, reference = common_ages(500, 5)
        weights = np.random.default_rng(1).uniform(0.2, 1, 500)
        a, b = (AgeCalibrator.from_ages(age, reference, weights=scale * weights, **ERRORS,
                                        method="errors-in-variables") for scale in (1, 1000))
        assert_allclose(a.difference_values, b.difference_values, atol=1e-9)
        assert_allclose(a.error_values, b.error_values, rtol=1e-6)

    def test_stars_that_are_left_out_are_counted(self):
        age, reference = common_ages(800, 1)
        errors = {"age_error": np.where(np.arange(800) < 100, np.nan, 0.17),
                  "reference_age_error": 0.24}
        cobs, cal = (AgeCalibrator.from_ages(age, reference, method=method, n_bootstrap=0, **errors)
                     for method in ("cobs", "errors-in-variables"))
        assert cobs.n_stars == 800
        assert 1 / 10 < cobs.null_test(n=9, rng=1).p_value <= 1
        beyond = int(np.sum(((age > 14 * u.Gyr) | (reference > 14 * u.Gyr))[100:]))
        assert cal.counts == {"n_pairs": 800, "n_without_error": 100, "n_beyond_max_age": beyond}
        assert cal.n_stars == 700 - beyond
        with pytest.raises(ValueError, match="a bias and no quantile; got 0.1"):
            cal.difference(5 * u.Gyr, 0.1)


def test_real_ages(data_file):
    other = Table.read(data_file("APOKASC705_AGE_short.fits"), hdu=1)
    miglio = Table.read(data_file("kepler_apogee_miglio2021.fit"), hdu=1)
    for table, name in ((other, "APOGEE_ID"), (miglio, "APOGEE")):
        table["id"] = np.char.strip(np.asarray(table[name]).astype(str))
    both = join(other["id", "AGE_JT"], miglio["id", "Age"], "id", metadata_conflicts="silent")
    ages = np.array(both["AGE_JT"], float), np.ma.filled(np.ma.asarray(both["Age"]), np.nan)
    known = np.all([np.isfinite(a) & (a > 0) for a in ages], axis=0)
    assert known.sum() == 3237
    cal = AgeCalibrator.from_ages(ages[0][known], ages[1][known], n_bootstrap=3, age_error=0.2,
                                  reference_age_error=0.2)
    assert_allclose(cal.difference(5 * u.Gyr).value, -0.57, atol=0.1)
    after = cal.calibrate(ages[0][known] * u.Gyr).value - ages[1][known]
    assert abs(np.median(after)) < 0.05
    assert np.all(np.diff(cal.calibrate(cal.grid)) > 0)
    assert cal.null_test(n=20, rng=1).p_value == 1 / 21
