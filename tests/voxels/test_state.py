# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Voxel states and moments, compared with scipy and numpy."""

import copy
import pickle
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binned_statistic_dd

from rcasym.exceptions import BinningError, ValuesNotKeptError
from rcasym.utils import parallel
from rcasym.voxels import VoxelMoments, VoxelState
from rcasym.voxels.index import flat_index

EDGES = [np.array([-35.0, -15, -5, 0, 5, 15, 35]), np.round(6.2 + 0.6 * np.arange(16), 10),
         0.3 * np.arange(-7, 8)]
STATISTICS = ("counts", "total", "mean", "std", "median", "values")


def sample(n, seed, edges=EDGES):
    """Return positions, many of them exactly on an edge, and values."""
    rng = np.random.default_rng(seed)
    columns = []
    for axis in edges:
        width = axis[-1] - axis[0]
        values = rng.uniform(axis[0] - 0.1 * width, axis[-1] + 0.1 * width, n)
        on_edge = rng.random(n) < 0.3
        values[on_edge] = rng.choice(axis, on_edge.sum())
        columns.append(values)
    return columns, rng.normal(-0.3, 0.2, n)


def assert_same_state(a, b):
    for name in STATISTICS:
        one, other = getattr(a, name), getattr(b, name)
        assert_array_equal(one, other)
        assert_array_equal(np.signbit(one), np.signbit(other))
    assert (a.n_outside, a.n_masked, a.n_stars) == (b.n_outside, b.n_masked, b.n_stars)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 50, 30_000])
def test_agrees_with_scipy(n, seed):
    columns, values = sample(n, seed)
    # scipy includes values that are beyond the last edge by a rounding error.
    near = np.any([np.abs(x - e[-1]) < 1e-6 for x, e in zip(columns, EDGES, strict=True)], axis=0)
    exact = np.all([(x <= e[-1]) for x, e in zip(columns, EDGES, strict=True)], axis=0)
    keep = ~near | exact
    columns, values = [x[keep] for x in columns], values[keep]
    shape = tuple(len(axis) - 1 for axis in EDGES)
    state = VoxelState.from_stars(flat_index(columns, EDGES), values, np.prod(shape))
    n = np.where(state.counts > 1, state.counts, np.nan)
    for name, ours in (("count", state.counts), ("mean", state.mean), ("median", state.median),
                       ("std", state.std * np.sqrt(1 - 1 / n))):
        expected = binned_statistic_dd(np.array(columns).T, values, name, bins=EDGES).statistic
        if name == "std":
            expected[state.counts.reshape(shape) < 2] = np.nan
        assert_allclose(ours.reshape(shape), expected, rtol=0, atol=1e-12)


def test_bins_are_half_open_except_the_last():
    edges = [np.array([0.0, 1, 2])]
    x = np.array([0.0, np.nextafter(1, 0), 1, 2, np.nextafter(2, 3), -1e-300, np.nan, np.inf])
    assert_array_equal(flat_index([x], edges), [0, 0, 1, 1, -1, -1, -1, -1])


@pytest.mark.parametrize("edges", [[0, 0.1, 0.3, 2, 3.7, 60, 100.1], 0.3 * np.arange(-7, 8)])
@pytest.mark.parametrize("dtype", ["f2", "f4", ">f4", ">f8", "i1", "i4", "u8", "longdouble"])
def test_any_type_of_column_is_binned_as_float64(dtype, edges):
    edges = np.array(edges)
    x = np.concatenate([np.random.default_rng(11).uniform(0, 5, 500), *[edges[edges >= 0]] * 3])
    x = x.astype(dtype)
    if x.dtype.kind == "f":
        x = np.concatenate([np.nextafter(x, x.dtype.type(end)) for end in (-9, 0, 9)])
    expected = flat_index([x.astype(float)], [edges])
    assert_array_equal(flat_index([x], [edges]), expected)
    # Neither columns nor edges need be contiguous.
    assert_array_equal(flat_index([np.repeat(x, 2)[::2]], [np.repeat(edges, 2)[::2]]), expected)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", ">i4", "i8", "u8"])
def test_index_of_any_integer_type(dtype):
    index, values = np.array([3, 0, 3, 1]), np.array([0.4, 0.1, 0.3, 0.2], "f4")
    state = VoxelState.from_stars(index.astype(dtype), values, 4)
    assert_array_equal(state.counts, [1, 1, 0, 2])
    assert_array_equal(state.values, np.sort(values).astype(float))


def test_more_than_65536_voxels():
    rng = np.random.default_rng(12)
    edges = [np.linspace(0, 1, 301), np.linspace(0, 1, 401)]
    x, y = rng.random((2, 20_000))
    i, j = (np.searchsorted(e, v, side="right") - 1 for e, v in zip(edges, (x, y), strict=True))
    assert_array_equal(flat_index([x, y], edges), 400 * i + j)
    state = VoxelState.from_columns([x, y], edges, x)
    assert_array_equal(state.counts, np.bincount(400 * i + j, minlength=120_000))


def test_no_stars():
    for kind in (VoxelState, VoxelMoments):
        empty = kind.from_columns([np.array([])], [np.array([0.0, 1, 2])], np.array([]))
        assert_array_equal(empty.counts, [0, 0])
        assert_array_equal(empty.total, [0, 0])
        assert np.isnan([empty.mean, empty.std]).all()
        assert (empty.n_stars, empty.n_outside, empty.n_masked) == (0, 0, 0)
    state = VoxelState.merge([VoxelState.from_stars(np.array([], int), np.array([]), 2)] * 2)
    assert np.isnan(state.median).all()


def test_unknown_values_are_masked_not_outside():
    nan, inf = np.nan, np.inf
    columns = [np.array([0.5, nan, 0.5, inf, 9, nan]), np.array([0.5, 0.5, 0.5, 0.5, 0.5, 9])]
    values = np.array([1, 1, nan, 1, 1, 1.0])
    for kind in (VoxelState, VoxelMoments):
        state = kind.from_columns(columns, [np.array([0.0, 1])] * 2, values)
        assert (state.n_stars, state.n_outside, state.n_masked) == (1, 1, 4)
        assert_array_equal(state.mean, [1])


@pytest.fixture(params=[1, 2, 3])
def threads(request, monkeypatch):
    """Split the work into many small pieces, on up to three threads."""
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: request.param)
    set_chunk(monkeypatch, 1000)
    for module in ("index", "moments"):
        monkeypatch.setattr(f"rcasym.voxels.{module}.MIN_PER_THREAD", 4000)


def set_chunk(patch, size):
    for module in ("index", "state"):
        patch.setattr(f"rcasym.voxels.{module}.CHUNK", size)


def test_result_does_not_depend_on_threads_and_chunks(threads):
    columns, values = sample(30_000, 8)
    values[::100] = np.nan
    state = VoxelState.from_columns(columns, EDGES, values)
    with pytest.MonkeyPatch.context() as patch:
        set_chunk(patch, 100_000)
        whole = VoxelState.from_columns(columns, EDGES, values)
    assert_same_state(state, whole)
    known = np.isfinite(values)
    index = flat_index([x[known] for x in columns], EDGES)
    assert_same_state(state, replace(VoxelState.from_stars(index, values[known], 6 * 15 * 14),
                                     n_masked=300))
    moments = VoxelMoments.from_columns(columns, EDGES, values)
    for name in ("counts", "n_stars", "n_outside", "n_masked"):
        assert_array_equal(getattr(moments, name), getattr(state, name))
    assert_allclose(moments.mean, state.mean, rtol=1e-12, atol=1e-15)
    assert_allclose(moments.std, state.std, rtol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parallel.os, "cpu_count", lambda: 1)
        again = VoxelMoments.from_columns(columns, EDGES, values)
    for name in ("total", "squares"):
        assert_array_equal(getattr(again, name), getattr(moments, name))


@pytest.mark.parametrize("edges", [
    [0, 1], [0, 1, 1.001, 1.002, 1e4], [-1e300, 0, 1e300], [1, np.nextafter(1, 2), 5],
    [0.1, 0.1 + 1e-9, 0.1 + 2e-9, 3, 1e6], [0, 5e-324, 1]])
def test_edges_far_apart_and_close_together(edges):
    edges = np.array(edges, float)
    x = np.concatenate([np.nextafter(edges, -np.inf), edges, np.nextafter(edges, np.inf),
                        [np.nan, np.inf, -np.inf], np.linspace(edges[0], edges[-1], 101)])
    expected = np.searchsorted(edges, x, side="right") - 1
    expected[x == edges[-1]] = len(edges) - 2
    expected[~((x >= edges[0]) & (x <= edges[-1]))] = -1
    assert_array_equal(flat_index([x], [edges]), expected)


def test_moments_are_accurate_far_from_zero():
    rng = np.random.default_rng(13)
    values = 1e3 + rng.normal(size=20_000)
    x = rng.random(20_000)
    parts = [VoxelMoments.from_columns([x[k::7]], [np.array([0.0, 0.4, 1])], values[k::7])
             for k in range(7)]
    moments = sum(parts[1:], parts[0])
    for voxel, inside in enumerate((x < 0.4, x >= 0.4)):
        exact = np.std(values[inside].astype(np.longdouble), ddof=1)
        assert abs(moments.std[voxel] / exact - 1) < 1e-12


def test_rejects_inconsistent_arrays():
    one, two = np.array([0.0, 1]), np.array([0.0, 1, 2])
    with pytest.raises(BinningError, match=r"got 2 for 2 axes, of lengths \[2, 3\]"):
        flat_index([one, two], [one, one])
    with pytest.raises(BinningError, match="got 1 for 2 axes"):
        flat_index([one], [one, one])
    with pytest.raises(BinningError, match="of lengths"):
        VoxelState.from_columns([one], [one], two)
    with pytest.raises(BinningError, match="index must be below n_voxels = 2; got 2"):
        VoxelState.from_stars(np.array([0, 2]), one, 2)


finite = st.floats(-2, 1, allow_nan=False, width=64)


@given(values=hnp.arrays(float, st.integers(0, 60), elements=finite), data=st.data())
def test_any_split_gives_the_same_state(values, data):
    n = len(values)
    index = data.draw(hnp.arrays(np.int32, n, elements=st.integers(-1, 5)))
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    order = np.random.default_rng(n).permutation(n)
    parts = [replace(VoxelState.from_stars(index[order[a:b]], values[order[a:b]], 6), n_masked=a)
             for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
    whole = replace(VoxelState.from_stars(index, values, 6), n_masked=sum(cuts))
    assert (whole.n_stars, whole.n_outside) == (np.sum(index >= 0), np.sum(index < 0))
    assert_same_state(VoxelState.merge(parts), whole)
    summed = parts[0]
    for part in parts[1:]:
        summed = part + summed
    assert_same_state(summed, whole)


def test_states_are_immutable_and_copies_of_arrays():
    arrays = [np.array(values) for values in ([2, 0], [0.1, 0.2], [0.3, 0.0], [0.01, 0.0])]
    counts, values, total, squares = arrays
    state, moments = VoxelState(counts, values), VoxelMoments(counts, total, squares)
    # The arrays of the caller stay writeable.
    for array in arrays:
        array[0] = 7
    assert_array_equal(state.counts, [2, 0])
    assert_array_equal(state.values, [0.1, 0.2])
    assert_array_equal(moments.total, [0.3, 0])
    for array in (state.values, state.counts, moments.total):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    with pytest.raises(AttributeError):
        state.n_masked = 1
    for array in (state.mean, state.std, state.median, state.total, state.squares, state.offsets,
                  moments.mean, moments.std):
        assert not array.flags.writeable
    for one in (state, moments):
        with pytest.raises(TypeError):
            one + 1


def test_states_that_do_not_add_up():
    state, moments = VoxelState([1], [0.1]), VoxelMoments([1], [0.1], [0.0])
    for one, other in ((state, moments), (moments, state)):
        with pytest.raises(ValuesNotKeptError, match="must both keep the values"):
            one + other
    for one, other in ((state, VoxelState([1, 0], [0.1])),
                       (moments, VoxelMoments([1, 1], [0.1, 0.2], [0, 0]))):
        with pytest.raises(BinningError, match=r"of one grid; got \[1, 2\] voxels"):
            one + other
    with pytest.raises(BinningError, match="one or more of one grid; got none"):
        VoxelState.merge([])


def test_pickle_and_copy():
    state = VoxelState.from_stars(np.array([0, 1, -1]), np.array([1.0, 2, 3]), 2)
    for again in (pickle.loads(pickle.dumps(state)), copy.deepcopy(state)):
        assert_same_state(again, state)
        assert not again.values.flags.writeable
    moments = VoxelMoments(np.array([2]), np.array([0.3]), np.array([0.01]), 4, 5)
    for again in (pickle.loads(pickle.dumps(moments)), copy.deepcopy(moments)):
        for name in ("counts", "total", "squares", "mean", "std", "n_outside", "n_masked"):
            assert_array_equal(getattr(again, name), getattr(moments, name))


def test_moments_raise_where_values_are_needed():
    moments = VoxelMoments(np.array([2]), np.array([0.3]), np.array([0.01]))
    for name in ("values", "offsets", "median"):
        assert not hasattr(moments, name)
        with pytest.raises(ValuesNotKeptError, match="medians=False") as raised:
            getattr(moments, name)
        assert isinstance(raised.value, AttributeError)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        moments.nothing  # noqa: B018


def test_pooled_moments_agree_with_pooled_values():
    columns, values = sample(20_000, 4)
    state = VoxelState.from_columns(columns, EDGES, values)
    moments = VoxelMoments.from_columns(columns, EDGES, values)
    rng = np.random.default_rng(0)
    groups, shift = rng.integers(-1, 50, len(state.counts)), rng.normal(size=len(state.counts))
    for subtracted in (None, shift):
        ours, exact = moments.pooled(groups, 50, subtracted), state.pooled(groups, 50, subtracted)
        assert_array_equal(ours.counts, exact.counts)
        assert_allclose(ours.mean, exact.mean, rtol=0, atol=1e-12)
        assert_allclose(ours.std, exact.std, rtol=0, atol=1e-12)
        assert ours.n_outside == exact.n_outside


@given(st.lists(st.floats(-10, 10), max_size=40), st.integers(1, 5))
def test_moments_of_any_split_agree_with_the_values(values, n_parts):
    values = np.array(values, float)
    R, edges = np.where(np.arange(len(values)) % 3 > 0, 8.5, 9.5), [np.array([8.0, 9, 10, 11])]
    exact = VoxelState.from_columns([R], edges, values)
    moments = reduce(add, (VoxelMoments.from_columns([R[part]], edges, values[part])
                           for part in np.array_split(np.arange(len(values)), n_parts)))
    assert_array_equal(moments.counts, exact.counts)
    assert_allclose(moments.mean, exact.mean, rtol=0, atol=1e-12)
    assert_allclose(moments.std, exact.std, rtol=0, atol=1e-11)
