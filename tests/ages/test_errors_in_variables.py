# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The errors-in-variables estimate of an age bias, on mocks of which the truth is known."""

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import expit
from scipy.stats import ks_2samp

from rcasym.ages import AgeBias, likelihood
from rcasym.ages.likelihood import AgeLikelihood, AgeScale
from rcasym.ages.pairs import AgePairs
from rcasym.ages.true_ages import TrueAges

ORDERS = [(0.24, 0.17), (0.17, 0.24)]  # errors of the reference and of the catalogue
AGES = np.array([2, 3, 4, 6, 8, 10, 12])
# All but the first rise to 1.5 Gyr at 10 Gyr.
BIASES = {
    "none": lambda t: 0 * t,
    "linear": lambda t: 0.15 * t,
    "quadratic": lambda t: 0.015 * t**2,
    "sigmoid": lambda t: 1.5 * expit((t - 8) / 0.7) / expit(2 / 0.7),
}


def true_ages(n, rng):
    ages = rng.gamma(3, 1.6, 2 * n)
    return ages[(ages > 0.3) & (ages < 13.5)][:n]


def make_pairs(n, seed, errors=ORDERS[0], bias=BIASES["none"], max_age=14, true=true_ages):
    """Catalogue and reference ages of ``n`` stars, both up to ``max_age``."""
    rng = np.random.default_rng(seed)
    t = true(2 * n, rng)
    reference = t * (1 + errors[0] * rng.standard_normal(len(t)))
    age = (t + bias(t)) * (1 + errors[1] * rng.standard_normal(len(t)))
    seen = (np.minimum(age, reference) >= 0) & (np.maximum(age, reference) <= max_age)
    return age[seen][:n], reference[seen][:n]


def fit_bias(pairs, errors=ORDERS[0], **kwargs):
    return AgeBias.fit(*pairs, age_error=errors[1], reference_age_error=errors[0], **kwargs)


def fit_ages(pairs, errors=ORDERS[0], **kwargs):
    return TrueAges.fit(*pairs, age_error=errors[1], reference_age_error=errors[0], **kwargs)


def true_difference(bias, age=AGES):
    t = np.linspace(0, 30, 30_001)
    return age - np.interp(age, t + bias(t), t)


def trend(age, reference, at=AGES):
    """The method that is fooled: the median difference of the stars around each age."""
    return np.array([np.median((age - reference)[np.abs(age - x) < 0.5]) for x in at])


@pytest.fixture(scope="module")
def biased():
    return fit_bias(make_pairs(5000, 1, bias=BIASES["linear"]))


@given(st.lists(st.floats(-1.5, 1.5), min_size=2, max_size=12), st.floats(1, 20))
def test_scale_is_increasing_and_inverted_exactly(log_slopes, oldest):
    scale = AgeScale(np.linspace(0, oldest, len(log_slopes)), np.array(log_slopes))
    t = np.linspace(0, 1.5 * oldest, 200)
    assert scale(0.0) == pytest.approx(0, abs=1e-12)
    assert np.all(np.diff(scale(t)) > 0)
    np.testing.assert_allclose(scale.inverse(scale(t)), t, rtol=1e-9, atol=1e-9)
    middle = (t[1:] + t[:-1]) / 2
    inside = np.searchsorted(scale.knots, t[1:]) == np.searchsorted(scale.knots, t[:-1])
    np.testing.assert_allclose((np.diff(scale(t)) / np.diff(t))[inside],
                               scale.slope(middle)[inside], rtol=1e-6)


@pytest.mark.parametrize("max_age", [14, 9, None])
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize("n_knots", [0, 6])
def test_scores_are_the_derivatives_of_the_likelihood(max_age, each, n_knots):
    rng = np.random.default_rng(0)
    age, reference = make_pairs(200, 1)
    error = rng.uniform(0.1, 0.3, 200) if each else 0.17
    model = AgeLikelihood(AgePairs.from_ages(age, reference, None, error, 0.24), max_age, n_knots)
    parameters = model.start()
    parameters += 0.2 * rng.standard_normal(len(parameters))
    steps = 1e-5 * np.eye(len(parameters))
    numerical = np.array([model.evaluate(parameters + step)[0]
                          - model.evaluate(parameters - step)[0] for step in steps]).T / 2e-5
    np.testing.assert_allclose(model.evaluate(parameters)[1], numerical, atol=1e-7)


@pytest.mark.parametrize("max_age", [8, None])
def test_likelihood_integrates_to_one_over_the_pairs_that_can_be_seen(max_age):
    side = np.linspace(0, 8 if max_age else 30, 301)
    age, reference = (axis.ravel() for axis in np.meshgrid(side, side))
    model = AgeLikelihood(AgePairs.from_ages(age, reference, None, 0.17, 0.24), max_age, 6)
    centres = np.linspace(*np.log(model.grid[[0, -1]]), len(model.start()) - 6)
    parameters = np.append(-0.5 * ((centres - np.log(5)) / 0.3)**2, [0.1, 0.2, 0, -0.1, 0.1, 0])
    likelihood = np.exp(model.evaluate(parameters)[0]).reshape(301, 301)
    assert trapezoid(trapezoid(likelihood, side), side) == pytest.approx(1, abs=3e-3)


@pytest.mark.parametrize("errors", ORDERS)
@pytest.mark.parametrize("bias", BIASES.values(), ids=BIASES)
def test_bias_is_found_where_the_median_is_fooled(errors, bias):
    pairs = [make_pairs(5000, seed, errors, bias) for seed in range(4)]
    fits = [fit_bias(pair, errors) for pair in pairs]
    truth = true_difference(bias)
    error = np.mean([fit.difference(AGES) for fit in fits], axis=0) - truth
    fooled = np.mean([trend(*pair) for pair in pairs], axis=0) - truth
    # Four mocks scatter by half of 0.2 Gyr at 10 Gyr, 0.4 at 12.
    assert np.all(np.abs(error) < [0.05, 0.05, 0.08, 0.12, 0.2, 0.35, 0.8])
    assert fooled[-1] > 0.6
    assert abs(error[-1]) < fooled[-1]
    assert all(fit.converged for fit in fits)


def test_same_bits_again_and_in_any_order():
    age, reference = make_pairs(1000, 3)
    error = np.random.default_rng(0).uniform(0.1, 0.3, 1000)
    first, again, turned = (fit_bias((age[order], reference[order]), (0.24, error[order]))
                            for order in (slice(None), slice(None), slice(None, None, -1)))
    assert np.array_equal(first.log_slopes, again.log_slopes)
    assert first.log_likelihood == again.log_likelihood
    np.testing.assert_allclose(first.difference(AGES), turned.difference(AGES), atol=1e-8)


def test_one_error_for_all_is_the_same_as_equal_errors_of_each():
    pairs = make_pairs(500, 4)
    error = np.full(500, 0.17)
    error[::2] += 1e-12  # so that they are not found to be one kind of star
    common, each = fit_bias(pairs), fit_bias(pairs, (0.24, error))
    np.testing.assert_allclose(each.difference(AGES), common.difference(AGES), atol=1e-6)


def test_errors_that_differ_from_star_to_star_are_used():
    age, reference = make_pairs(4000, 5, true=lambda n, rng: rng.uniform(0.3, 9, n))
    bad = np.arange(4000) % 2 == 0
    age[bad] *= 1 + 0.5 * np.random.default_rng(0).standard_normal(np.sum(bad))
    use = (age >= 0) & (age <= 14)
    error = np.where(bad, np.hypot(0.5, 0.17), 0.17)[use]
    pairs = age[use], reference[use]
    at = np.array([2, 5, 8])
    fit, blind = fit_bias(pairs, (0.24, error)), fit_bias(pairs, (0.24, error.mean()))
    assert np.all(np.abs(fit.difference(at)) < 0.35)
    assert fit.difference_error(5) < 0.7 * fit_bias((age[bad & (age >= 0) & (age <= 14)],
                                                     reference[bad & (age >= 0) & (age <= 14)]),
                                                    (0.24, 0.53)).difference_error(5)
    assert fit.log_likelihood > blind.log_likelihood + 50


def test_weight_two_counts_as_two_stars():
    age, reference = make_pairs(1000, 6)
    doubled = fit_bias((np.tile(age, 2), np.tile(reference, 2)))
    weighted = fit_bias((age, reference), weights=np.full(1000, 2))
    assert weighted.log_likelihood == pytest.approx(doubled.log_likelihood, abs=0.5)
    np.testing.assert_allclose(weighted.difference(AGES), doubled.difference(AGES), atol=0.02)
    np.testing.assert_allclose(weighted.difference_error(AGES), doubled.difference_error(AGES),
                               rtol=0.03)
    assert weighted.difference_error(3) < 0.8 * fit_bias((age, reference)).difference_error(3)


def test_pairs_beyond_the_largest_age_are_left_out():
    age, reference = make_pairs(3000, 7)
    inside = (age <= 9) & (reference <= 9)
    cut = fit_bias((age[inside], reference[inside]), max_age=9)
    whole = fit_bias((age, reference), max_age=9)
    assert np.array_equal(whole.log_slopes, cut.log_slopes)
    assert whole.n_stars == np.sum(inside) < 3000


def test_truncation_is_in_the_likelihood():
    def error(max_age, seed):
        # Cut hard in the middle of the ages, one survey much more precise than the other.
        pairs = make_pairs(3000, seed, (0.3, 0.1), max_age=8,
                           true=lambda n, rng: rng.uniform(0.3, 13, n))
        return fit_bias(pairs, (0.3, 0.1), max_age=max_age).difference(7.5)

    aware = np.mean([error(8, seed) for seed in range(5)])
    unaware = np.mean([error(None, seed) for seed in range(5)])
    assert abs(aware) < 0.3
    assert abs(unaware) > abs(aware) + 0.3


def test_few_wrong_matches_do_not_pull(monkeypatch):
    age, reference = make_pairs(5000, 8)
    clean = fit_bias((age, reference)).difference(8)
    wrong = np.arange(0, 5000, 100)
    reference[wrong] = np.random.default_rng(0).uniform(0, 14, len(wrong))
    pull = abs(fit_bias((age, reference)).difference(8) - clean)
    monkeypatch.setattr(likelihood, "CONTAMINATION", 1e-12)
    assert pull < 0.1
    assert pull < 0.7 * abs(fit_bias((age, reference)).difference(8) - clean)


@pytest.mark.parametrize("n", [50, 100, 400])
def test_few_stars_give_a_fit_with_large_errors(n, biased, monkeypatch):
    fit = fit_bias(make_pairs(n, 9))
    assert fit.converged
    assert np.all(np.isfinite(fit.difference(AGES)))
    assert fit.difference_error(6) > 2 * biased.difference_error(6)
    monkeypatch.setattr(likelihood, "MAX_ITERATIONS", 2)
    fit = fit_bias(make_pairs(n, 9))
    assert (fit.converged, fit.n_iterations) == (False, 2)


def test_floored_ages_are_taken():
    age, reference = make_pairs(2000, 10)
    expected = fit_bias((age, reference)).difference(AGES)
    age[:3] = 0
    np.testing.assert_allclose(fit_bias((age, reference)).difference(AGES), expected, atol=0.1)


def test_more_knots_change_little():
    pairs = make_pairs(5000, 11, bias=BIASES["linear"])
    few, many = fit_bias(pairs, n_knots=8), fit_bias(pairs, n_knots=20)
    assert len(many.knots) == 20
    np.testing.assert_allclose(many.difference(AGES), few.difference(AGES), atol=0.15)


def test_calibrated_ages_keep_their_order_and_the_ends_their_correction(biased):
    low, high = biased.support
    ages = np.linspace(0, 20, 2001)
    assert np.all(np.diff(ages - biased.difference(ages)) > 0)
    assert np.all(biased.difference(ages[ages > high]) == biased.difference(high))
    assert np.all(biased.difference(ages[ages < low]) == biased.difference(low))
    assert biased.difference_error(20) == biased.difference_error(high)
    inside = ages[(ages > low) & (ages < high)]
    scale = AgeScale(biased.knots, biased.log_slopes)
    np.testing.assert_allclose(scale(inside - biased.difference(inside)), inside, atol=1e-9)
    # A missing age stays missing.
    assert np.isnan(biased.difference([np.nan, 5])).tolist() == [True, False]
    assert np.ndim(biased.difference(5)) == 0


def test_error_of_the_correction_is_that_of_the_parameters(biased):
    # Propagated with numerical derivatives of the correction.
    steps = 1e-5 * np.eye(len(biased.log_slopes))
    up, down = ([dataclasses.replace(biased, log_slopes=biased.log_slopes + sign * step)
                 .difference(9) for step in steps] for sign in (1, -1))
    gradient = (np.array(up) - np.array(down)) / 2e-5
    expected = np.sqrt(gradient @ biased.covariance @ gradient)
    assert biased.difference_error(9) == pytest.approx(expected, rel=1e-5)


def test_density_is_that_of_all_true_ages():
    # Of the oldest, many are lost beyond 14 Gyr.
    pairs = make_pairs(20_000, 13, true=lambda n, rng: rng.uniform(1, 13, n))
    fit = fit_ages(pairs)
    assert trapezoid(fit.density, fit.grid) == pytest.approx(1)
    inside = (fit.grid > 2) & (fit.grid < 12)
    np.testing.assert_allclose(fit.density[inside], 1 / 12, rtol=0.2)


def test_results_are_read_only_and_shown(biased):
    ages = fit_ages(make_pairs(500, 14))
    for result, name in [(biased, "log_slopes"), (biased, "density"), (ages, "shares")]:
        with pytest.raises(ValueError, match="read-only"):
            getattr(result, name)[0] = 1
    grid = np.array([4.9, 5.1])
    TrueAges(grid, [5.0, 5.0], [[0.1, 0.2]], [1.0], 14.0, 0.0, 1, True, 100)
    grid[0] = 4.8  # what a user gives stays writable
    with pytest.raises(dataclasses.FrozenInstanceError):
        biased.support = 0, 1
    at = np.quantile(biased.support, 0.5).round(1)
    assert f"{biased.difference(at):+.2f} ± {biased.difference_error(at):.2f}" in repr(biased)
    assert "5000 stars" in repr(biased)
    assert f"converged after {biased.n_iterations} iterations" in repr(biased)
    assert "NOT converged" in repr(dataclasses.replace(biased, converged=False))
    assert "median 4." in repr(ages)


def test_small_errors_are_resolved():
    errors = 0.03, 0.03
    fit = fit_bias(make_pairs(2000, 17, errors, BIASES["linear"]), errors)
    at = AGES[:-1]
    np.testing.assert_allclose(fit.difference(at), true_difference(BIASES["linear"], at),
                               atol=0.1)
    assert fit.difference_error(6) < 0.04


@pytest.mark.parametrize("seed", [1, 6])
def test_steps_to_and_fro_across_the_maximum_are_shortened(seed):
    # A cut at 14 Gyr that the fit is not told, and errors that are not the true ones.
    pairs = make_pairs(800, seed, bias=lambda t: 0.1 * t)
    error = np.random.default_rng(3).uniform(0.1, 0.3, 800)
    fit = fit_bias(pairs, (0.24, error), max_age=None)
    assert fit.converged
    assert fit.n_iterations < 25


def test_simulated_pairs_show_the_dilution_of_real_ones():
    age, reference = make_pairs(120_000, 15)
    simulated = fit_ages((age[:40_000], reference[:40_000])).sample_pairs(120_000, rng=1)[:2]
    at = AGES[:-1]
    np.testing.assert_allclose(trend(*simulated, at), trend(age, reference, at), atol=0.1)
    assert trend(*simulated, [10])[0] > 0.5
    assert ks_2samp(simulated[0], age).statistic < 0.01
    assert ks_2samp(simulated[1], reference).statistic < 0.01


def test_simulated_pairs_are_cut_and_reproducible():
    fit = fit_ages(make_pairs(2000, 16), max_age=9)
    pairs = fit.sample_pairs(5000, rng=3)[:2]
    assert [len(ages) for ages in pairs] == [5000, 5000]
    assert np.min(pairs) >= 0
    assert 8.8 < np.max(pairs) <= 9
    assert np.array_equal(pairs, fit.sample_pairs(5000, np.random.default_rng(3))[:2])
    assert not np.array_equal(pairs, fit.sample_pairs(5000, rng=4)[:2])
    assert len(fit.sample_pairs(0, rng=1)[0]) == 0
    uncut = fit_ages(make_pairs(2000, 16, max_age=np.inf), max_age=None)
    assert np.max(uncut.sample_pairs(5000, rng=3)[:2]) > 14


def test_errors_are_resampled_together_as_they_were_before_the_cut():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.3, 13.5, 12_000)
    good = np.arange(12_000) % 2 == 0
    errors = np.where(good, 0.05, 0.45), np.where(good, 0.04, 0.35)
    age, reference = true * (1 + np.array(errors) * rng.standard_normal((2, 12_000)))
    seen = (np.minimum(age, reference) >= 0) & (np.maximum(age, reference) <= 14)
    assert np.mean(good[seen]) > 0.54
    fit = TrueAges.fit(age[seen], reference[seen], age_error=errors[0][seen],
                       reference_age_error=errors[1][seen])
    assert fit.errors.tolist() == [[0.05, 0.04], [0.45, 0.35]]
    np.testing.assert_allclose(fit.shares, 0.5, atol=0.02)
    simulated = fit.sample_pairs(12_000, rng=1)[:2]
    spread = np.abs(np.log((simulated[0] + 0.1) / (simulated[1] + 0.1)))
    expected = np.abs(np.log((age[seen] + 0.1) / (reference[seen] + 0.1)))
    assert ks_2samp(spread, expected).statistic < 0.03


GOOD = {"age": np.linspace(1, 9, 80), "reference_age": np.linspace(1.2, 8, 80),
        "age_error": 0.2, "reference_age_error": 0.2}


def spoiled(name, value):
    return np.append(GOOD[name][1:], value)


@pytest.mark.parametrize(("change", "message"), [
    ({"age": spoiled("age", np.nan)}, "age must be finite and not negative; got nan Gyr at index"),
    ({"age": spoiled("age", np.inf)}, "age must be .*; got inf Gyr at index 79"),
    ({"reference_age": spoiled("reference_age", -1)}, r"reference_age must .*; got -1 .* \(1 in"),
    ({"reference_age": GOOD["age"][1:]}, "must have the same length; got 80 and 79"),
    ({"age": 3.0}, r"age must hold one age per star; got shape \(\)"),
    ({"age": ["old"] * 80}, "age must be .*'old'"),
    ({"age_error": None}, "age_error must be known for this fit; got none. Give age_error="),
    ({"age_error": 0}, "age_error must be positive and finite; got 0 of the age at index 0"),
    ({"age_error": -0.1}, "age_error must be .*; got -0.1 of the age"),
    ({"age_error": np.append(np.full(79, 0.2), np.nan)},
     "age_error must be known for every star; got NaN at index 79"),
    ({"age_error": np.full(79, 0.2)}, r"age_error must be one error, or one per star .*\(79,\)"),
    ({"reference_age_error": None}, "reference_age_error must be known for this fit; got none"),
    ({"reference_age_error": np.zeros(80)}, "reference_age_error must be positive .* index 0"),
    ({"weights": np.zeros(80)}, r"weights must be positive and finite; got 0 .* \(80 in total"),
    ({"weights": np.append(np.ones(79), np.inf)}, "weights must be .* finite; got inf at index 79"),
    ({"weights": np.ones(3)}, r"weights must hold one value per star \(80\); got shape \(3,\)"),
    ({"max_age": 0}, "max_age must be above 0, or None; got 0 Gyr"),
    ({"max_age": np.nan}, "max_age must be above 0, or None; got nan Gyr"),
    ({"max_age": 2}, "at least 50 pairs, both ages up to max_age; got 10 of 80"),
    ({"age": np.full(80, 3.0)}, "each have three or more distinct values; got 1 and 80"),
    ({"age": np.append(np.full(60, 3.0), np.linspace(20, 30, 20))}, "distinct values; got 1 and"),
])
@pytest.mark.parametrize("fit", [AgeBias.fit, TrueAges.fit])
def test_bad_input_is_named(fit, change, message):
    with pytest.raises(ValueError, match=message):
        fit(**{**GOOD, **change})


@pytest.mark.parametrize("n_knots", [1, 2.5, None])
def test_number_of_knots_is_checked(n_knots):
    with pytest.raises(ValueError, match="n_knots must be a whole number of 2 or more; got"):
        AgeBias.fit(**GOOD, n_knots=n_knots)


@pytest.mark.slow
@pytest.mark.parametrize("errors", ORDERS)
@pytest.mark.parametrize("name", BIASES)
def test_goals_over_fifty_mocks(errors, name):
    bias = BIASES[name]
    pairs = [make_pairs(5000, seed, errors, bias) for seed in range(50)]
    start = time.process_time()
    fits = [fit_bias(pair, errors) for pair in pairs]
    assert time.process_time() - start < 50
    assert all(fit.converged for fit in fits)

    truth = true_difference(bias)
    error = np.array([fit.difference(AGES) for fit in fits]) - truth
    at_10 = np.array([AgeScale(fit.knots, fit.log_slopes)(10) - 10 for fit in fits]) - bias(10)
    fooled = np.mean([trend(*pair) for pair in pairs], axis=0) - truth
    assert np.all(np.abs(error.mean(axis=0)) < (0.15 if name == "none" else 0.25))
    assert abs(at_10.mean()) < 0.2
    assert at_10.std() < 0.4
    assert error[:, -2].std() < 0.25
    assert error[:, -1].std() < 0.42
    assert fooled[-1] > 0.8

    covered = np.abs(error) < [fit.difference_error(AGES) for fit in fits]
    # 50 mocks count a part with an error of 0.07, which the limits leave room for.
    part = covered.mean(axis=0)[[2, 4, 5]]
    assert np.all((part > 0.5) & (part < 0.9))
    assert 0.55 < part.mean() < 0.82


@pytest.mark.slow
@pytest.mark.parametrize("each", [False, True])
def test_many_stars(each):
    n = 50_000
    pairs = make_pairs(n, 1, bias=BIASES["quadratic"])
    error = np.random.default_rng(0).uniform(0.1699, 0.1701, n) if each else 0.17
    start = time.process_time()
    fit = fit_bias(pairs, (0.24, error))
    assert time.process_time() - start < 15
    at = AGES[:-1]
    np.testing.assert_allclose(fit.difference(at), true_difference(BIASES["quadratic"], at),
                               atol=0.12)
