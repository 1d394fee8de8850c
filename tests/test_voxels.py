# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The voxel state against scipy, and what must hold for any stars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binned_statistic_dd

from rcasym.voxels import VoxelState, flat_index

EDGES = [np.array([-35.0, -15, -5, 0, 5, 15, 35]), np.round(6.2 + 0.6 * np.arange(16), 10),
         0.3 * np.arange(-7, 8)]
STATISTICS = ("counts", "total", "mean", "std", "median", "values")


def sample(n, seed, edges=EDGES):
    """Positions of which many lie exactly on an edge, and values."""
    rng = np.random.default_rng(seed)
    columns = []
    for axis in edges:
        width = axis[-1] - axis[0]
        values = rng.uniform(axis[0] - 0.1 * width, axis[-1] + 0.1 * width, n)
        on_edge = rng.random(n) < 0.3
        values[on_edge] = rng.choice(axis, on_edge.sum())
        columns.append(values)
    return columns, rng.normal(-0.3, 0.2, n)


def assert_same_bits(a, b):
    for name in STATISTICS:
        assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.n_outside, a.n_masked, a.n_stars) == (b.n_outside, b.n_masked, b.n_stars)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 50, 30_000])
def test_agrees_with_scipy(n, seed):
    columns, values = sample(n, seed)
    # scipy takes values within rounding beyond the last edge as inside.
    near = np.any([np.abs(x - e[-1]) < 1e-6 for x, e in zip(columns, EDGES, strict=True)], axis=0)
    exact = np.all([(x <= e[-1]) for x, e in zip(columns, EDGES, strict=True)], axis=0)
    keep = ~near | exact
    columns, values = [x[keep] for x in columns], values[keep]
    shape = tuple(len(axis) - 1 for axis in EDGES)
    state = VoxelState.from_stars(flat_index(columns, EDGES), values, np.prod(shape))
    for name, ours in (("count", state.counts), ("mean", state.mean), ("median", state.median)):
        expected = binned_statistic_dd(np.array(columns).T, values, name, bins=EDGES).statistic
        assert_allclose(ours.reshape(shape), expected, rtol=0, atol=1e-12)


def test_std_agrees_with_numpy():
    columns, values = sample(5000, 4)
    index = flat_index(columns, EDGES)
    state = VoxelState.from_stars(index, values, 6 * 15 * 14)
    for voxel in range(0, 6 * 15 * 14, 7):
        members = values[index == voxel]
        if len(members) > 1:
            assert_allclose(state.std[voxel], np.std(members, ddof=1), rtol=1e-12, atol=1e-15)
        else:
            assert np.isnan(state.std[voxel])


def test_edges():
    edges = [np.array([0.0, 1, 2])]
    x = np.array([0.0, np.nextafter(1, 0), 1, 2, np.nextafter(2, 3), -1e-300, np.nan, np.inf])
    assert_array_equal(flat_index([x], edges), [0, 0, 1, 1, -1, -1, -1, -1])


def test_float32_bins_as_its_float64_values():
    rng = np.random.default_rng(6)
    edges = [0.3 * np.arange(-7, 8)]
    near = np.repeat(edges[0], 5).astype(np.float32)
    near = np.nextafter(near, np.tile([-9, -9, 0, 9, 9], 15).astype(np.float32))
    x = np.concatenate([near, rng.uniform(-3, 3, 1000).astype(np.float32),
                        edges[0].astype(np.float32)])
    assert_array_equal(flat_index([x], edges), flat_index([x.astype(float)], edges))


def test_many_bins_and_chunks():
    rng = np.random.default_rng(7)
    edges = [np.linspace(0, 1, 1001)]
    x = rng.random(200_000)
    assert_array_equal(flat_index([x], edges), np.searchsorted(edges[0], x, side="right") - 1)


finite = st.floats(-2, 1, allow_nan=False, width=64)


@given(values=hnp.arrays(float, st.integers(0, 60), elements=finite), data=st.data())
def test_any_split_gives_the_same_bits(values, data):
    n = len(values)
    index = data.draw(hnp.arrays(np.int32, n, elements=st.integers(-1, 5)))
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    order = np.random.default_rng(n).permutation(n)
    whole = VoxelState.from_stars(index, values, 6)
    parts = [VoxelState.from_stars(index[order[a:b]], values[order[a:b]], 6)
             for a, b in zip([0, *cuts], [*cuts, n], strict=True)]
    assert_same_bits(VoxelState.merge(parts), whole)
    summed = parts[0]
    for part in parts[1:]:
        summed = part + summed
    assert_same_bits(summed, whole)


def test_counts_of_those_left_out_add_up():
    a = VoxelState.from_stars(np.array([0, -1]), np.array([1.0, 2]), 2, n_masked=3)
    b = VoxelState.from_stars(np.array([-1, -1]), np.array([1.0, 2]), 2, n_masked=4)
    both = a + b
    assert (both.n_stars, both.n_outside, both.n_masked) == (1, 3, 7)


def test_state_is_immutable():
    state = VoxelState.from_stars(np.array([0, 1]), np.array([1.0, 2]), 2)
    with pytest.raises(ValueError, match="read-only"):
        state.values[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        state.counts[0] = 5
    with pytest.raises(AttributeError):
        state.n_masked = 1
    with pytest.raises(TypeError):
        state + 1
