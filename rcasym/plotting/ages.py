# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 2: the ages of two surveys, and quantile curves."""

from copy import copy

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from .layout import (
    BESIDE,
    COLUMN_WIDTHS,
    given_axes,
    legend_shape,
    margins,
    new_axes,
    own_figure,
    panel_legend,
    shown_range,
)

__all__ = ["plot_spline", "plot_calibrator", "plot_null"]


@own_figure
def plot_spline(spline, *, ax=None, width=None, **kwargs):
    """A quantile curve; see `rcasym.splines.QuantileSpline.plot`."""
    if ax is None:
        width = width or COLUMN_WIDTHS["single"]
        ax = new_axes(1, 1, width, 0.8 * width)[0, 0]
    x = np.union1d(np.linspace(*spline.knots[[0, -1]], 501), spline.knots)
    ax.plot(x, spline(x), **{"label": f"{100 * spline.tau:g} % quantile"} | kwargs)
    ax.set(xlabel=ax.get_xlabel() or "x", ylabel=ax.get_ylabel() or "y")
    return ax


@own_figure
def plot_calibrator(calibrator, *, axes=None, width=None, null=None, **kwargs):
    """Figure 2; see `rcasym.AgeCalibrator.plot`."""
    if axes is None:
        width = width or COLUMN_WIDTHS["double"]
        n_labels = 3 + (null is not None) + bool(calibrator.bias)
        n_columns, below = legend_shape(n_labels, 4 if width > BESIDE else 2)
        axes = _two_panels(width, below)
    left, right = axes = given_axes(axes, 2, "the difference and the calibrated ages")
    pairs, grid = calibrator.pairs, calibrator.grid
    style = {"gridsize": 60, "mincnt": 1, "cmap": "Greys", "rasterized": True} | kwargs
    if "norm" not in style and "bins" not in style:
        # Below 1, so that a single star is grey and not white.
        style["norm"] = LogNorm(vmin=0.3)

    x = pairs.on(calibrator.settings.axis)
    low, high = np.quantile(pairs.difference, [0.005, 0.995])
    shown = (*shown_range(x), low - 0.5, high + 0.5)
    left.hexbin(x, pairs.difference, extent=shown, **style)
    if null is not None:
        plot_null(null, ax=left, label="95 % without a bias")
    outer = [curve for curve in calibrator.curves if curve.tau != 0.5]
    percent = " and ".join(f"{100 * curve.tau:g}" for curve in outer)
    for k, curve in enumerate(outer):
        left.plot(grid, curve(grid.value), "--", color="tab:blue",
                  label=None if k else f"{percent} %")
    median = next(curve for curve in calibrator.curves if curve.tau == 0.5)
    # Wide, since the polynomial often lies on what is subtracted.
    left.plot(grid, median(grid.value), color="tab:blue", linewidth=1 if calibrator.bias else 3,
              label="50 %")
    if calibrator.bias:
        left.plot(grid, calibrator.difference(grid), color="tab:green", linewidth=3,
                  label="bias, errors in both ages")
    left.plot(grid, calibrator.polynomial(grid), "--", color="tab:red",
              label=f"polynomial of degree {calibrator.polynomial_series.degree()}")
    left.axhline(0, color="0.3", linewidth=0.6)
    on = {"age": "age", "reference": "reference age", "mean": "mean of both ages"}
    left.set(xlabel=f"{on[calibrator.settings.axis]} [Gyr]", xlim=shown[:2], ylim=shown[2:],
             ylabel="age $-$ reference age [Gyr]", title=f"{len(pairs):,} stars in common"
             + (f"; null test p = {null.p_value:.2g}" if null is not None else ""))
    if width:
        panel_legend(left, n_columns)
    else:
        left.legend(loc="lower left")

    calibrated = calibrator.calibrate(pairs.age).value
    top = max(shown_range(calibrated)[1], shown_range(pairs.reference_age)[1])
    if isinstance(style.get("norm"), LogNorm):
        style["norm"] = copy(style["norm"])
    right.hexbin(pairs.reference_age, calibrated, extent=(0, top, 0, top), **style)
    right.plot([0, top], [0, top], color="tab:red", linewidth=1, label="one to one")
    right.set(xlabel="reference age [Gyr]", ylabel="calibrated age [Gyr]", xlim=(0, top),
              ylim=(0, top), aspect="equal", title="after the calibration")
    right.legend(loc="upper left")
    return axes


def _two_panels(width, below):
    """Axes of a new figure, with ``below`` inches for a legend; the second is square, as both of
    its axes are ages."""
    lengths = {"bottom": 0.42 + below, "gap": 0.62, "row_gap": 0.72}
    up = 0.33 * width if width > BESIDE else 0.66 * width
    shape = (1, 2) if width > BESIDE else (2, 1)
    height = lengths["bottom"] + shape[0] * (up + lengths["row_gap"]) - lengths["row_gap"] + 0.3
    across = width - 0.58 - 0.15 - lengths["gap"] - up
    figure = plt.figure(figsize=(width, height))
    grid = figure.add_gridspec(*shape, width_ratios=[across, up] if width > BESIDE else None,
                               **margins((width, height), shape, **lengths))
    return [figure.add_subplot(panel) for panel in grid]


@own_figure
def plot_null(null, *, ax=None, width=None, **kwargs):
    """Curves without a bias; see `rcasym.ages.null_test.AgeNullTest.plot`."""
    if ax is None:
        width = width or COLUMN_WIDTHS["single"]
        ax = new_axes(1, 1, width, 0.8 * width)[0, 0]
        ax.plot(null.age, null.measured, color="tab:blue", label="measured")
        ax.axhline(0, color="0.3", linewidth=0.6)
        ax.set(xlabel="age [Gyr]", ylabel="age $-$ reference age [Gyr]",
               title=f"null test p = {null.p_value:.2g}")
    low, high = null.envelope()
    style = {"color": "tab:orange", "alpha": 0.5, "linewidth": 0} | kwargs
    ax.fill_between(null.age.value, low.value, high.value, **style)
    ax.plot(null.age, null.median, color="tab:orange", linewidth=1)
    return ax
