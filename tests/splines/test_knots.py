# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest

from rcasym.splines.knots import initial_mesh, select_knots, select_smoothing


def test_initial_mesh():
    # Ranks j (M - 1) / (m - 1), truncated.
    x = np.repeat(np.arange(12.0), 2)
    assert initial_mesh(x, 6, 1).tolist() == [0, 2, 4, 6, 8, 11]
    assert initial_mesh(x, 20, 1).tolist() == list(range(12))
    assert initial_mesh(x, 20, 2).size == 11


def test_select_knots():
    mesh, x = np.array([0.0, 1.0, 2.0, 4.0]), np.linspace(0.0, 4.0, 50)

    def prefer(target):
        return lambda knots, near: (
            2.0 * len(set(target) - set(knots)) + len(set(knots) - set(target)), None)

    assert select_knots(prefer([0.0, 2.0, 4.0]), mesh, x).tolist() == [0, 2, 4]
    assert select_knots(lambda knots, near: (0.0, None), mesh, x).tolist() == [0, 4]
    target = [0.0, 2.0, 3.0, 4.0]
    assert select_knots(prefer(target), mesh, x).tolist() == [0, 2, 4]
    assert select_knots(prefer(target), mesh, x, add=True).tolist() == target
    sparse = x[(x < 2.0) | (x > 3.9)]
    assert select_knots(prefer(target), mesh, sparse, add=True).tolist() == [0, 2, 4]


def test_select_knots_starts_each_fit_from_the_last_one():
    calls = []

    def criterion(knots, near):
        calls.append((tuple(knots), near))
        return float(len(calls)), len(calls)

    select_knots(criterion, np.arange(5.0), np.linspace(0.0, 4.0, 50))
    assert [near for _, near in calls] == [None, *range(1, len(calls))]
    assert len({knots for knots, _ in calls}) == len(calls)


@pytest.mark.parametrize(
    ("criterion", "numbers", "index"),
    [
        ([3, 1, 2, 3], [4, 4, 3, 3], 1),
        ([3, 1, 1, 1, 2], [4] * 5, 2),
        ([3, 2, 1, 1, 1], [4] * 5, 4),
        ([1, 1, 1, 2, 3], [4] * 5, 0),
        ([1, 1, 1, 1, 1], [4] * 5, 2),
        ([0, 1, 2, 1.5, 3], [40, 20, 9, 5, 3], 3),
        ([0, 1, 2, 1.5, 3], [40, 20, 19, 18, 3], 0),
        ([np.inf, 2, 1, 1 + 1e-8, 3], [4] * 5, 3),
    ],
)
def test_select_smoothing(criterion, numbers, index):
    assert select_smoothing(criterion, numbers, 100, 3) == index
