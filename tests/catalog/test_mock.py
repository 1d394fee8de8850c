# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The mock sample: counts, gradients, errors and the asymmetry that is put in."""

import numpy as np
import pytest
from astropy import units as u
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import QualityCuts
from rcasym.catalog import RedClumpCatalog
from rcasym.catalog.frames import cylindrical, galactocentric_frame, paper_frame
from rcasym.catalog.mock import make_mock_catalog
from rcasym.exceptions import RcasymError

N = 20_000
TRUTH = {"true_distance": u.kpc, "true_R": u.kpc, "true_phi": u.deg, "true_Z": u.kpc,
         "true_age": u.Gyr, "true_m_h": u.dex}
MEASURED = ["distance_error", "m_h", "m_h_error", "alpha_m", "alpha_m_error", "age", "age_error",
            "snr"]


@pytest.fixture(scope="module")
def sample():
    return make_mock_catalog()


def of_survey(cat, name):
    return cat[np.asarray(cat["survey"]) == name]


def true_window(cat, R=(11, 15), phi=(-5, 15)):
    R_true, phi_true = cat["true_R"].value, cat["true_phi"].value
    return (R_true >= R[0]) & (R_true <= R[1]) & (phi_true >= phi[0]) & (phi_true <= phi[1])


def assert_same_bits(one, other):
    assert one.colnames == other.colnames
    for name in one.colnames:
        if name in ("coord", "galcen"):
            assert_array_equal(one[name].cartesian.xyz.value, other[name].cartesian.xyz.value)
        else:
            assert_array_equal(np.asarray(one[name]), np.asarray(other[name]), err_msg=name)


def inject(**kwargs):
    """A sample, and its true [M/H] minus that of the same stars without an asymmetry."""
    cat, calm = (make_mock_catalog(N, **how) for how in (kwargs, {"amplitude": 0 * u.dex}))
    assert_array_equal(cat["true_Z"], calm["true_Z"])
    return cat, (cat["true_m_h"] - calm["true_m_h"]).to_value(u.dex)


def difference_by_height(cat, part, name="m_h", heights=(0, 0.3, 0.6, 0.9), width=0.3):
    """North minus South, by height since the surveys see other heights North and South."""
    Z, m_h = cat["true_Z"].value, cat[name].value
    levels = [part & (np.abs(Z) >= low) & (np.abs(Z) < low + width) for low in heights]
    return np.mean([m_h[here & (Z > 0)].mean() - m_h[here & (Z < 0)].mean() for here in levels])


# What is in the sample.

def test_is_a_complete_catalogue(sample):
    assert isinstance(sample, RedClumpCatalog)
    for name in MEASURED:
        values = sample[name]
        assert not hasattr(values, "mask")
        assert np.all(np.isfinite(values.value)), name
    for name, unit in TRUTH.items():
        assert sample[name].unit == unit
        assert np.all(np.isfinite(sample[name].value)), name
    assert sample["star_id"].dtype.kind == "i"
    assert set(sample.validate()["missing"]) == {0}


@pytest.mark.parametrize(("n", "n_lamost"), [(1, 1), (2, 2), (3, 2), (10, 8), (1000, 757),
                                             (np.int64(2000), 1514), (None, 110_550)])
def test_number_of_rows(sample, n, n_lamost):
    cat = sample if n is None else make_mock_catalog(n)
    assert len(cat) == (n or 146_062)
    assert set(cat["survey"][:n_lamost]) == {"LAMOST"}
    assert set(cat["survey"][n_lamost:]) <= {"APOGEE"}
    assert len(of_survey(cat, "LAMOST")) == n_lamost
    assert len(set(cat["source_id"])) == len(cat)


def test_ranges_of_the_truth(sample):
    R, age = sample["true_R"].value, sample["true_age"].value
    assert 7 <= R.min() < 7.01
    assert 13.9 < R.max() <= 14
    assert 0 <= age.min() < 0.1
    assert 13.9 < age.max() <= 14
    assert 2000 > np.sum(np.abs(sample["true_Z"].value) > 2.1) > 500
    assert np.mean(np.abs(sample["true_Z"].value) < 2) > 0.97
    assert 4 < np.percentile(sample["true_distance"].value, 90) < 6


def test_old_stars_and_the_outer_disk_are_thicker(sample):
    apogee = of_survey(sample, "APOGEE")
    height, age, R = (np.abs(apogee["true_Z"].value), apogee["true_age"].value,
                      apogee["true_R"].value)
    assert np.median(height[age > 8]) > 1.5 * np.median(height[age < 3])
    # More than the 1.3 times that the fields, which widen with distance, would make of it alone.
    outer, local = (R > 12) & (R < 13), (R > 8.5) & (R < 9.5)
    assert np.median(height[outer & (age < 4)]) > 1.5 * np.median(height[local & (age < 4)])


@pytest.mark.parametrize("frame", [paper_frame(), galactocentric_frame(8 * u.kpc, 20 * u.pc)])
def test_truth_is_a_position_in_the_frame(frame):
    cat = make_mock_catalog(2000, frame=frame)
    assert cat.frame.is_equivalent_frame(frame)
    coord = cat["coord"]
    moved = type(coord)(coord.ra, coord.dec, cat["true_distance"]).transform_to(frame)
    R, phi, Z = cylindrical(moved)
    # The astrometric jitter of 0.05 arcsec is about 1e-6 kpc, or 1e-5 deg of azimuth.
    assert_allclose(R.value, cat["true_R"].value, atol=1e-5)
    assert_allclose(phi.value, cat["true_phi"].value, atol=1e-4)
    assert_allclose(Z.value, cat["true_Z"].value, atol=1e-5)


def test_footprints(sample):
    lamost, apogee = (of_survey(sample, name)["coord"] for name in ("LAMOST", "APOGEE"))
    assert -10.0001 < lamost.dec.min().deg < -9.9
    assert np.mean(np.abs(lamost.galactic.l.deg - 180) < 45) > 0.6
    dec, b = apogee.dec.deg, apogee.galactic.b.deg
    assert np.abs(b).max() < 25.001
    assert min(np.mean(dec < -10), np.mean(dec > 0), np.mean(b > 0), np.mean(b < 0)) > 0.2


def test_every_bin_beyond_11_kpc_has_stars_north_and_south(sample):
    outer = sample[sample.R.value > 11]
    phi, age, Z = outer.phi.value, outer["age"].value, outer.Z.value
    north, south = (Z > 0) & (Z < 2.1), (Z < 0) & (Z > -2.1)
    anticentre = (phi > -5) & (phi < 15)
    for half in (north, south):
        assert np.histogram(phi[half], [-35, -15, -5, 0, 5, 15, 35])[0].min() > 300
        assert np.histogram(age[half & anticentre], [0, 2, 4, 6, 8, 10, 14])[0].min() > 300


def test_quality_cuts_have_work_to_do(sample):
    flow = QualityCuts().cut_flow(sample)
    removed = dict(zip(flow["cut"], flow["removed"], strict=True))
    for cut in ("age", "m_h_error", "alpha_m_error", "snr"):
        assert 0 < removed[cut] < 0.05 * len(sample), cut
    assert flow["left"][-1] > 0.9 * len(sample)


# The same bits.

def test_seeds():
    rng = np.random.default_rng(5)
    first, again, *others = (make_mock_catalog(3000, rng=seed) for seed in (5, rng, rng, 6))
    assert_same_bits(again, first)
    for other in others:
        for name in (*MEASURED, *TRUTH):
            assert not np.any(first[name] == other[name]), name


# The asymmetry.

@pytest.mark.parametrize("amplitude", [0, 0 * u.dex])
def test_without_amplitude_the_truth_is_symmetric(amplitude):
    cat = make_mock_catalog(60_000, amplitude=amplitude)
    R, Z, age = (cat[name].value for name in ("true_R", "true_Z", "true_age"))
    m_h = cat["true_m_h"].value
    # What is left once R, age and abs(Z) are fitted knows nothing of the sign of Z.
    x = [np.ones_like(R), R, age, age * R, age**2, age**2 * R, np.abs(Z), np.abs(Z) * R, Z**2]
    rest = m_h - np.transpose(x) @ np.linalg.lstsq(np.transpose(x), m_h, rcond=None)[0]
    for part in (true_window(cat), R < 11, R > 11):
        north, south = rest[part & (Z > 0)], rest[part & (Z < 0)]
        error = np.sqrt(north.var() / len(north) + south.var() / len(south))
        assert error < 0.005
        assert abs(north.mean() - south.mean()) < 4 * error


def test_injected_amplitude_is_exact():
    cat, change = inject()
    age, inside = cat["true_age"].value, true_window(cat)
    young, old, between = inside & (age < 8), inside & (age >= 10), inside & (age > 8.2) & (
        age < 9.8)
    north = cat["true_Z"].value > 0
    assert min(np.sum(young & north), np.sum(young & ~north)) > 500
    assert_allclose(change[young & north], 0.04, atol=1e-14)
    assert_allclose(change[young & ~north], -0.04, atol=1e-14)
    assert_array_equal(change[~inside], 0)
    # Old stars have less of it.
    size = np.abs(change)
    assert min(old.sum(), between.sum()) > 50
    assert_allclose(size[old], 0.4 * 0.04, atol=1e-14)
    assert np.all((size[between] > 0.016) & (size[between] < 0.04))


def test_amplitude_is_seen_in_what_is_observed(sample):
    R, young = sample["true_R"].value, sample["true_age"] < 8 * u.Gyr
    window = true_window(sample) & young & (R < 14)
    assert_allclose(difference_by_height(sample, window), 0.08, atol=0.012)
    assert_allclose(difference_by_height(sample, true_window(sample, R=(9, 11))), 0, atol=0.012)


def test_ranges_sign_and_age_dependence_are_arguments():
    cat, change = inject(amplitude=-0.2 * u.dex, R_range=[8000, 9000] * u.pc,
                         phi_range=(-30 * u.deg, 0 * u.deg),
                         age_dependence=lambda age: age > 2 * u.Gyr)
    inside = true_window(cat, (8, 9), (-30, 0)) & (cat["true_age"] > 2 * u.Gyr)
    assert 300 < inside.sum() < true_window(cat, (8, 9), (-30, 0)).sum()
    assert_allclose(change[inside], -0.1 * np.sign(cat["true_Z"].value[inside]), atol=1e-14)
    assert_array_equal(change[~inside], 0)


# A bent disk.

def test_stars_lie_about_the_midplane():
    cat = make_mock_catalog(N, midplane=lambda R, phi: 0.4 * u.kpc + 0 * R + 0 * phi.value * u.pc)
    flat = make_mock_catalog(N)
    apogee, flat = of_survey(cat, "APOGEE"), of_survey(flat, "APOGEE")
    assert_allclose(np.median(flat["true_Z"].value), 0, atol=0.03)
    assert np.median(apogee["true_Z"].value) > 0.2


def test_a_bent_disk_shows_an_asymmetry_without_amplitude():
    def midplane(R, phi):
        assert R.unit == u.kpc
        assert phi.unit == u.deg
        return np.where(R.value > 11, 250, 0) * u.pc

    cat = make_mock_catalog(60_000, amplitude=0 * u.dex, midplane=midplane)
    R = cat["true_R"].value
    bent, flat = (difference_by_height(cat, (R > low) & (R < low + 2), "true_m_h", [0.3], 0.6)
                  for low in (11, 9))
    # At height |Z| the North is 0.5 kpc nearer to the mid-plane than the South.
    assert 0.03 < bent < 0.1
    assert abs(flat) < 0.015


# The two surveys.

def test_stars_in_common(sample):
    lamost, apogee = of_survey(sample, "LAMOST"), of_survey(sample, "APOGEE")
    assert len(np.unique(lamost["star_id"])) == len(lamost)
    assert len(np.unique(apogee["star_id"])) == len(apogee)
    shared = np.intersect1d(lamost["star_id"], apogee["star_id"])
    assert len(shared) == 4261

    pairs = lamost.match(apogee)
    one, other = lamost[pairs["index"]], apogee[pairs["other_index"]]
    true_pair = np.asarray(one["star_id"]) == np.asarray(other["star_id"])
    assert true_pair.sum() == len(shared)
    assert np.sum(~true_pair) <= 3
    assert pairs["separation"][true_pair].max() < 0.5 * u.arcsec

    one, other = one[true_pair], other[true_pair]
    for name in TRUTH:
        assert_array_equal(one[name], other[name], err_msg=name)
    for name in ("age", "m_h", "alpha_m"):
        assert np.all(one[name] != other[name])
    for name, truth in (("age", "true_age"), ("m_h", "true_m_h")):
        rest = [(cat[name] - cat[truth]) / cat[f"{name}_error"] for cat in (one, other)]
        assert abs(np.corrcoef(rest)[0, 1]) < 0.06


def test_stars_in_common_are_like_those_of_apogee_and_mixed_with_them(sample):
    apogee = of_survey(sample, "APOGEE")
    common = np.asarray(apogee["star_id"]) < 110_550
    assert_allclose(np.mean(np.flatnonzero(common)) / len(apogee), 0.5, atol=0.03)
    lamost = np.abs(of_survey(sample, "LAMOST")["coord"].galactic.b.deg)
    # LAMOST's own stars lie farther from the plane.
    assert np.mean(np.abs(apogee["coord"].galactic.b.deg[common]) > 15) < 0.1
    assert np.mean(lamost[lamost < 25] > 15) > 0.14


def test_few_stars_coincide_by_chance(sample):
    for name in ("LAMOST", "APOGEE"):
        cat = of_survey(sample, name)["coord"]
        _, separation, _ = cat.match_to_catalog_sky(cat, nthneighbor=2)
        assert np.sum(separation < 1 * u.arcsec) < 10


@pytest.mark.parametrize(("survey", "quoted"), [("LAMOST", 0.24), ("APOGEE", 0.17)])
def test_errors_are_those_quoted(sample, survey, quoted):
    cat = of_survey(sample, survey)
    relative = (cat["age"] / cat["true_age"]).value - 1
    assert_allclose(relative.mean(), 0, atol=0.005)
    assert_allclose(relative.std(), quoted, rtol=0.03)
    assert_allclose(np.median(cat["age_error"] / cat["age"]), quoted, rtol=0.01)
    assert cat["age"].min() >= 0
    distance = cat["coord"].distance
    quoted = (cat["distance_error"] / distance).value
    assert 0.05 <= quoted.min() < quoted.max() <= 0.1001
    scaled = ((distance / cat["true_distance"]).value - 1) / quoted
    assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=0.02)
    quoted = cat["m_h_error"].value
    usual = (quoted >= 0.05) & (quoted <= 0.1)
    assert_allclose(usual.mean(), 0.98, atol=0.005)
    scaled = (cat["m_h"] - cat["true_m_h"]).value / quoted
    for part in (usual, ~usual):
        assert_allclose(scaled[part].std(), 1, atol=0.06)
    assert_allclose(scaled.mean(), 0, atol=0.02)


def test_metallicity_follows_the_published_trends(sample):
    R, Z, age, m_h = (sample[name].value for name in ("true_R", "true_Z", "true_age", "true_m_h"))
    plane = (np.abs(Z) < 0.2) & ~true_window(sample)
    for low, high, gradient in ((2, 3, -0.066), (8, 10, -0.03)):
        part = plane & (age > low) & (age < high)
        assert_allclose(np.polyfit(R[part], m_h[part], 1)[0], gradient, atol=0.008)
    local = (np.abs(R - 8.34) < 0.4) & (age > 2) & (age < 4)
    assert_allclose(np.polyfit(np.abs(Z[local]), m_h[local], 1)[0], -0.243, atol=0.03)
    # The scatter grows with age, and alpha has two sequences.
    there = (np.abs(R - 9.5) < 0.3) & (np.abs(Z) < 0.3)
    young, old = m_h[there & (age < 1)].std(), m_h[there & (age > 9)].std()
    assert_allclose([young, old], [0.085, 0.18], atol=0.02)
    alpha = sample["alpha_m"].value
    assert np.median(alpha[age > 11]) - np.median(alpha[age < 5]) > 0.15


# The bias of APOGEE's ages.

def test_age_bias_of_apogee():
    plain, biased = make_mock_catalog(N), make_mock_catalog(N, age_bias=1.5 * u.Gyr)
    for name in set(plain.colnames) - {"age", "age_error", "coord", "galcen"}:
        assert_array_equal(plain[name], biased[name], err_msg=name)
    assert_array_equal(of_survey(plain, "LAMOST")["age"], of_survey(biased, "LAMOST")["age"])
    one, other = of_survey(plain, "APOGEE"), of_survey(biased, "APOGEE")
    true = one["true_age"].value
    expected = 1 + 1.5 * np.minimum(true / 10, 1) / true
    assert_allclose((other["age"] / one["age"]).value, expected, rtol=1e-10)


def test_age_bias_is_never_an_age_below_zero():
    cat = make_mock_catalog(N, age_bias=lambda age: 0.5 * age - 2 * u.Gyr)
    apogee = of_survey(cat, "APOGEE")
    age, true = apogee["age"].value, apogee["true_age"].value
    assert age.min() == 0
    assert_array_equal(age[true < 4 / 3], 0)
    old = true > 6
    assert_allclose(np.mean(age[old] / (1.5 * true[old] - 2)), 1, atol=0.02)


# What is refused.

@pytest.mark.parametrize(("arguments", "message"), [
    ({"n": 0}, "n must be a whole number of 1 or more; got 0"),
    ({"n": -3}, "n must be a whole number of 1 or more; got -3"),
    ({"n": 10.0}, "n must be a whole number of 1 or more; got 10.0"),
    ({"n": True}, "n must be a whole number of 1 or more; got True"),
    ({"rng": "seed"}, "rng must be a seed or a numpy Generator; got 'seed'"),
    ({"rng": -1}, "rng must be a seed or a numpy Generator; got -1"),
    ({"amplitude": 0.08}, "amplitude must have values with a unit that converts to dex; got 0.08"),
    ({"amplitude": 1 * u.kpc}, "amplitude must have .* converts to dex; got <Quantity 1. kpc>"),
    ({"amplitude": np.nan * u.dex}, "amplitude must be finite; got nan"),
    ({"amplitude": [0.1, 0.2] * u.dex}, r"amplitude must have shape \(\); got \(2,\)"),
    ({"amplitude": None}, "amplitude must have values with a unit .* got None"),
    ({"R_range": (11, 15)}, r"R_range must have .* converts to kpc; got \(11, 15\)"),
    ({"R_range": (15, 11) * u.kpc}, "R_range must increase; got 15 to 11 kpc"),
    ({"R_range": (9, 11, 15) * u.kpc}, r"R_range must have shape \(2,\); got \(3,\)"),
    ({"phi_range": (-5, 15) * u.kpc}, "phi_range must have .* converts to deg"),
    ({"phi_range": (355, 375) * u.deg},
     "phi_range must increase within -180 and 180 deg; got 355 to 375 deg"),
    ({"age_dependence": 0.4}, "age_dependence must be a callable or None; got 0.4"),
    ({"age_dependence": lambda age: age}, r"age_dependence\(...\) must have .* a pure number"),
    ({"age_bias": 1 * u.kpc}, "age_bias must have .* converts to Gyr"),
    ({"age_bias": lambda age: 1.0}, r"age_bias\(...\) must have .* converts to Gyr; got 1.0"),
    ({"age_bias": lambda age: age[:3]}, r"age_bias\(...\) must have shape \(.*\); got \(3,\)"),
    ({"midplane": 0.1 * u.kpc}, "midplane must be a callable or None"),
    ({"midplane": lambda R, phi: 0.1 * R.value}, r"midplane\(...\) must have .* converts to kpc"),
    ({"midplane": lambda R, phi: np.nan * R}, r"midplane\(...\) must be finite; got nan"),
    ({"midplane": lambda R, phi: 99 * u.kpc},
     "must leave the disk in sight; got 0 of 8,192 stars in LAMOST"),
    ({"frame": "icrs"}, "frame must be a Galactocentric frame; got 'icrs'"),
])
def test_bad_arguments(arguments, message):
    with pytest.raises(RcasymError, match=message):
        make_mock_catalog(**{"n": 20} | arguments)


def test_all_but_n_by_keyword():
    with pytest.raises(TypeError, match="positional"):
        make_mock_catalog(10, 0)
