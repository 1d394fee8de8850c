# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 2: the ages of two surveys, and quantile curves."""

import numpy as np
from matplotlib.colors import LogNorm

from . import layout

AGE_LABELS = {"age": "age [Gyr]", "reference": "reference age [Gyr]",
              "mean": "mean of both ages [Gyr]"}
DIFFERENCE_LABEL = "age $-$ reference age [Gyr]"


def plot_spline(spline, *, ax=None, **kwargs):
    ax = layout.new_axes([[0]])[0] if ax is None else ax
    x = np.union1d(np.linspace(*spline.knots[[0, -1]], 501), spline.knots)
    ax.plot(x, spline(x), **{"label": f"{100 * spline.tau:g} % quantile"} | kwargs)
    ax.set(xlabel=ax.get_xlabel() or "x", ylabel=ax.get_ylabel() or "y")
    return ax


def plot_calibrator(calibrator, *, axes=None, null=None, **kwargs):
    new_figure = axes is None
    if new_figure:
        width = layout.figure_width()
        # The second panel is square, as both of its axes are ages.
        axes = (layout.new_axes([[0, 1]], 0.33 * width + 8, width_ratios=[1.8, 1])
                if width > layout.WIDE else
                layout.new_axes([[0], [1]], 0.95 * width + 14, height_ratios=[0.45, 0.5]))
    left, right = axes = layout.check_axes(axes, 2, "the difference and the calibrated ages")
    pairs, grid = calibrator.pairs, calibrator.grid
    style = {"gridsize": 60, "mincnt": 1, "cmap": "Greys", "rasterized": True} | kwargs
    if "norm" not in style and "bins" not in style:
        # Below 1, so that a single star is grey and not white.
        style["norm"] = LogNorm(vmin=0.3)

    x = pairs.on(calibrator.settings.axis)
    low, high = np.quantile(pairs.difference, [0.005, 0.995])
    extent = (*layout.find_limits(x), low - 0.5, high + 0.5)
    left.hexbin(x, pairs.difference, extent=extent, **style)
    title = f"{len(pairs):,} stars in common"
    if null is not None:
        plot_null(null, ax=left)
        title += f"; null test p = {null.p_value:.2g}"
    outer = [curve for curve in calibrator.curves if curve.tau != 0.5]
    percent = " and ".join(f"{100 * curve.tau:g}" for curve in outer)
    for k, curve in enumerate(outer):
        left.plot(grid, curve(grid.value), "--", color="tab:blue",
                  label=None if k else f"{percent} %")
    median = next(curve for curve in calibrator.curves if curve.tau == 0.5)
    # Wide, since the polynomial often lies on the curve that it approximates.
    left.plot(grid, median(grid.value), color="tab:blue", linewidth=1 if calibrator.bias else 3,
              label="50 %")
    if calibrator.bias:
        left.plot(grid, calibrator.difference(grid), color="tab:green", linewidth=3,
                  label="bias (errors in both ages)")
    left.plot(grid, calibrator.polynomial(grid), "--", color="tab:red",
              label=f"polynomial of degree {calibrator.polynomial_series.degree()}")
    left.axhline(0, color="0.3", linewidth=0.6)
    left.set(xlabel=AGE_LABELS[calibrator.settings.axis], ylabel=DIFFERENCE_LABEL, title=title,
             xlim=extent[:2], ylim=extent[2:])
    layout.add_legend(left, new_figure)

    calibrated = calibrator.calibrate(pairs.age).value
    top = max(layout.find_limits(values)[1] for values in (calibrated, pairs.reference_age))
    right.hexbin(pairs.reference_age, calibrated, extent=(0, top, 0, top), **style)
    right.plot([0, top], [0, top], color="tab:red", linewidth=1, label="one to one")
    right.set(xlabel="reference age [Gyr]", ylabel="calibrated age [Gyr]", xlim=(0, top),
              ylim=(0, top), aspect="equal", title="after calibration")
    right.locator_params(nbins=8, integer=True)
    right.legend(loc="upper left")
    return axes


def plot_null(null, *, ax=None, **kwargs):
    new_figure = ax is None
    if new_figure:
        ax, = layout.new_axes([[0]])
        ax.plot(null.age, null.measured, color="tab:blue", label="measured")
        ax.axhline(0, color="0.3", linewidth=0.6)
        ax.set(xlabel=AGE_LABELS["age"], ylabel=DIFFERENCE_LABEL,
               title=f"null test p = {null.p_value:.2g}")
    low, high = null.envelope()
    style = {"color": "tab:orange", "alpha": 0.5, "linewidth": 0,
             "label": "95 % of null samples"} | kwargs
    ax.fill_between(null.age.value, low.value, high.value, **style)
    ax.plot(null.age, null.median, color="tab:orange", linewidth=1)
    if new_figure:
        layout.add_legend(ax)
    return ax
