# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap
from rcasym.voxels import VoxelState
from rcasym.voxels.bounded import FirstPass, SecondPass, VoxelMoments, VoxelSummary
from tests.voxels.test_state import EDGES, sample


def first_pass(columns, values):
    return FirstPass.from_state(VoxelState.from_columns(columns, EDGES, values))


def in_two_passes(columns, values, edges, n_batches=1):
    """The summary of stars that come in batches."""
    rows = np.array_split(np.arange(len(values)), n_batches)
    batches = [([x[row] for x in columns], values[row]) for row in rows]
    first = [FirstPass.from_state(VoxelState.from_columns(part, edges, m_h))
             for part, m_h in batches]
    first = sum(first[1:], first[0])
    return SecondPass.merge(SecondPass.from_columns(first, part, edges, m_h)
                            for part, m_h in batches).summary()


def assert_same(summary, state):
    assert_array_equal(summary.counts, state.counts)
    assert_array_equal(summary.median, state.median)
    assert_allclose(summary.mean, state.mean, rtol=0, atol=1e-12)
    assert_allclose(summary.std, state.std, rtol=0, atol=1e-12)
    assert (summary.n_stars, summary.n_outside, summary.n_masked) == (
        state.n_stars, state.n_outside, state.n_masked)


@pytest.mark.parametrize("n_batches", [1, 3, 40])
@pytest.mark.parametrize("n", [0, 1, 2, 1001, 300_000])
def test_same_as_with_all_values(n, n_batches):
    columns, values = sample(n, n)
    values[::97] = np.nan
    columns[0][::89] = np.inf
    assert_same(in_two_passes(columns, values, EDGES, n_batches),
                VoxelState.from_columns(columns, EDGES, values))


@given(st.lists(st.floats(-10, 10) | st.sampled_from([-3.0, 1.5, -2.98, 0.0, -0.0, 0.02]),
                max_size=40), st.integers(1, 5))
def test_any_values(values, n_batches):
    values = np.array(values, float)
    R = np.where(np.arange(len(values)) % 3 > 0, 8.5, 9.5)
    edges = [np.array([8.0, 9.0, 10.0, 11.0])]
    assert_same(in_two_passes([R], values, edges, n_batches),
                VoxelState.from_columns([R], edges, values))


def test_middle_values_far_apart():
    R, values = np.full(6, 8.5), np.array([-9.0, -2.5, -2.5, 1.2, 1.2, 9.0])
    assert in_two_passes([R], values, [np.array([8.0, 9.0])]).median == -0.65


def test_first_passes_add_up():
    columns, values = sample(5000, 1)
    one, two, whole = (first_pass([x[part] for x in columns], values[part])
                       for part in (slice(2500), slice(2500, None), slice(None)))
    assert_array_equal((one + two).steps, whole.steps)
    assert_allclose((one + two).moments.mean, whole.moments.mean, rtol=0, atol=1e-12)
    assert whole.steps.sum() == whole.moments.n_stars


def test_other_stars_in_the_second_pass():
    columns, values = sample(1000, 2)
    first = first_pass(columns, values)
    with pytest.raises(ValueError, match="batches must be the same in the second pass"):
        SecondPass.from_columns(first, [x[1:] for x in columns], EDGES, values[1:]).summary()


def test_memory_is_bounded():
    columns, values = sample(400_000, 3)
    first = first_pass(columns, values)
    kept = SecondPass.from_columns(first, columns, EDGES, values)
    assert len(kept.values) == first.kept.sum() < 0.1 * len(values)
    assert first.nbytes == first.steps.nbytes + 16 * len(kept.values)


def test_pooled_moments():
    columns, values = sample(20_000, 4)
    state = VoxelState.from_columns(columns, EDGES, values)
    moments = VoxelMoments.from_columns(columns, EDGES, values)
    rng = np.random.default_rng(0)
    groups, shift = rng.integers(-1, 50, len(state.counts)), rng.normal(size=len(state.counts))
    for less in (None, shift):
        ours, exact = moments.pooled(groups, 50, less), state.pooled(groups, 50, less)
        assert_array_equal(ours.counts, exact.counts)
        assert_allclose(ours.mean, exact.mean, rtol=0, atol=1e-12)
        assert_allclose(ours.std, exact.std, rtol=0, atol=1e-12)
        assert ours.n_outside == exact.n_outside


class TestMap:
    @pytest.fixture
    def maps(self, mock):
        """The map of all values, and one that kept none."""
        full = AsymmetryMap.from_catalog(mock)
        binning, values = full.binning, mock["m_h"].value
        edges = [axis.edges.value for axis in binning.axes]
        summary = in_two_passes(binning.coordinates(mock), values, edges, 3)
        return full, AsymmetryMap(binning, summary, full.frame)

    def test_arrays(self, maps):
        full, bounded = maps
        assert isinstance(bounded.state, VoxelSummary)
        assert_array_equal(bounded.median, full.median)
        for name in ("mean", "std", "mean_error", "radial_mean", "offset", "difference"):
            assert_allclose(getattr(bounded, name).value, getattr(full, name).value, rtol=0,
                            atol=1e-12)
        assert repr(bounded) == repr(full)
        assert len(bounded.plot()) == 6

    def test_profile_of_means(self, maps):
        full, bounded = (amap.profile(statistic="mean") for amap in maps)
        for name in full.colnames:
            if full[name].dtype.kind == "f":
                assert_allclose(np.ma.filled(bounded[name], np.nan),
                                np.ma.filled(full[name], np.nan), rtol=1e-9, atol=1e-11)

    def test_what_needs_the_values(self, maps):
        full, bounded = maps
        for call in (bounded.profile, lambda: bounded.test(n=9), lambda: bounded.bootstrap(n=9),
                     lambda: bounded + bounded, lambda: bounded + full, lambda: full + bounded):
            with pytest.raises(ValueError, match="values of the stars are not kept"):
                call()
