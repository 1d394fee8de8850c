# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures 3, 5, 7 and 8: panels in the R-Z plane."""

from copy import copy
from numbers import Real
from textwrap import wrap

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, Normalize

from ..exceptions import RcasymError
from ..utils.axes import AXIS_LABELS
from ..utils.validation import check_choice
from . import layout

MAP_LABELS = {
    "offset": "[M/H] \N{MINUS SIGN} radial mean [dex]",
    "difference": "offset North \N{MINUS SIGN} South [dex]",
    "mean": "mean [M/H] [dex]",
    "radial_mean": "radial mean [M/H] [dex]",
    "median": "median [M/H] [dex]",
    "std": "standard deviation of [M/H] [dex]",
    "mean_error": "error of the mean [M/H] [dex]",
    "count": "stars per voxel",
}
SIGNED = ("offset", "difference")
# These share one colour scale in a figure.
SAME_SCALE = ("mean", "radial_mean", "median")


def plot_binning(binning, *, ax=None, **kwargs):
    ax = layout.new_axes([[0]])[0] if ax is None else ax
    R, Z = binning["R"], binning["Z"]
    cells = np.full((len(Z), len(R)), np.nan)
    style = {"edgecolors": "0.4", "linewidth": 0.3} | kwargs
    ax.pcolormesh(R.edges.value, Z.edges.value, cells, **style)
    ax.axhline(0, color="k", linewidth=0.8)
    others = "; ".join(f"{len(axis)} bins of {AXIS_LABELS[axis.name]}" if len(axis) > 1
                       else axis.interval(0) for axis in binning.axes[:-2])
    ax.set(xlabel=R.label, ylabel=Z.label, title=others, xlim=R.edges.value[[0, -1]],
           ylim=Z.edges.value[[0, -1]])
    return ax


def plot_map(amap, quantity="offset", *, hatch_below=None, axes=None, colorbar=True, **kwargs):
    several = not isinstance(quantity, str)
    quantities = [check_choice("quantity", name, tuple(MAP_LABELS))
                  for name in (quantity if several else [quantity])]
    _check_quantities(amap, quantity, quantities, hatch_below)
    slices = list(np.ndindex(amap.binning.shape[:-2]))
    new_figure = axes is None
    if new_figure:
        axes, n_columns, bar_height = _make_panels(amap, quantities, len(slices))
    axes = layout.check_axes(axes, len(quantities) * len(slices),
                             f"{len(quantities)} quantities in {len(slices)} slices")
    rows = axes.reshape(len(quantities), len(slices))

    for name, panels in zip(quantities, rows, strict=True):
        style = _make_style(amap, name, quantities, kwargs)
        for ax, where in zip(panels, slices, strict=True):
            mesh = _draw_panel(ax, amap, name, where, style)
            if hatch_below and name in SIGNED:
                _hatch(ax, amap, name, where, hatch_below)
        if colorbar:
            bar = {"label": MAP_LABELS[name], "extend": _find_extend(amap, name, mesh)}
            if new_figure:
                # A letter is about half as wide as it is high.
                bar |= {"label": "\n".join(wrap(MAP_LABELS[name], int(2 * bar_height))),
                        "aspect": bar_height}
            layout.add_colorbar(mesh, panels, **bar)
    if new_figure:
        layout.label_outer(axes)
        # Where each quantity has one row, the panels of a column are of the same stars.
        for ax in rows[1:].flat if n_columns == len(slices) else []:
            ax.set_title("")
    return rows if several else axes


def _check_quantities(amap, quantity, quantities, hatch_below):
    if not quantities:
        raise RcasymError("quantity must name one or more arrays of the map; got none")
    if hatch_below is not None:
        if not set(quantities) & set(SIGNED):
            raise RcasymError("hatch_below must come with the quantity "
                              f"{' or '.join(map(repr, SIGNED))}; got {quantity!r}")
        if not (isinstance(hatch_below, Real) and hatch_below > 0):
            raise RcasymError(f"hatch_below must be a number of errors above 0; got {hatch_below}")
    if "difference" in quantities and len(amap.binning.abs_Z) == 0:
        raise RcasymError("quantity 'difference' must have bins of Z on both sides of the "
                          f"mid-plane; got {len(amap.binning['Z'])}")


def _make_panels(amap, quantities, n_slices):
    """Return axes with a block of rows per quantity, the columns, and the height of a block."""
    most = n_slices if len(quantities) > 1 else max(3, np.ceil(n_slices ** 0.5))
    mosaic = layout.arrange_panels(n_slices, 8.6, most, len(quantities))
    n_columns = len(mosaic[0])
    row_height = 0.72 * (layout.figure_width() - 12) / n_columns + 3
    same_Z = len({len(_get_heights(amap, name)) for name in quantities}) == 1
    title = "; ".join(axis.interval(0) for axis in amap.binning.axes[:-2] if len(axis) == 1)
    axes = layout.new_axes(mosaic, len(mosaic) * row_height + 5, title, sharex=True, sharey=same_Z)
    axes[0].locator_params(axis="x", nbins=5, steps=[1, 2, 5, 10])
    return axes, n_columns, len(mosaic) // len(quantities) * row_height - 3


def _get_values(amap, name):
    """Return an array of the map as plain floats, NaN where empty."""
    values = np.array(getattr(amap, name), dtype=float)
    if name == "count":
        values[values == 0] = np.nan
    if name == "radial_mean":
        # Where there are fewer stars than in any voxel with a mean, no offset uses it.
        values[amap.count.sum(axis=-1) < amap.binning.min_count] = np.nan
        values = np.repeat(values[..., np.newaxis], amap.binning.shape[-1], axis=-1)
    return values


def _make_style(amap, name, quantities, given):
    """Return the colour map and the limits of all panels of a quantity, and what was given."""
    together = [n for n in quantities if n == name or {n, name} <= set(SAME_SCALE)]
    values = np.concatenate([_get_values(amap, n).ravel() for n in together])
    values = values[np.isfinite(values)]
    signed = name in SIGNED
    style = {"cmap": layout.DIVERGING if signed else layout.SEQUENTIAL} | given
    if isinstance(given.get("norm"), Normalize):
        # Limits that the user leaves open are common to all panels as well.
        norm = style["norm"] = copy(given["norm"])
        norm.autoscale_None(values[values > 0] if isinstance(norm, LogNorm) else values)
        return style
    if "norm" in given:
        return style
    # Signed quantities spread most where few stars are, at great heights.
    tail = 0.1 if signed else 0.02
    low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (0.0, 1.0)
    if signed:
        limit = max(abs(given.get("vmin") or 0), abs(given.get("vmax") or 0))
        # Rounded up to 0.05 dex, so that the colour bar has round ends.
        limit = limit or max(np.ceil(max(-low, high) / 0.05), 1) * 0.05
        return style | {"vmin": -limit, "vmax": limit}
    if name == "count":
        low, high = 1, max(high, 2)
    elif high == low:
        low, high = low - 0.05, high + 0.05
    return {"vmin": low, "vmax": high} | style


def _draw_panel(ax, amap, name, where, style):
    R, Z = amap.binning["R"], _get_heights(amap, name)
    values = np.ma.masked_invalid(_get_values(amap, name)[where])
    mesh = ax.pcolormesh(R.edges.value, Z.edges.value, values.T, **style)
    ax.set_facecolor("white")
    if name != "difference":
        ax.axhline(0, color="0.3", linewidth=0.6)
    ranges = [axis.interval(k) for axis, k in zip(amap.binning.axes, where, strict=False)
              if len(axis) > 1]
    stars = f"{amap.count[where].sum():,} stars"
    ax.set_title("\n".join([*ranges, stars]), fontsize="small")
    ax.set(xlabel=R.label, ylabel=Z.label, xlim=R.edges.value[[0, -1]],
           ylim=Z.edges.value[[0, -1]])
    return mesh


def _hatch(ax, amap, name, where, limit):
    """Hatch the voxels whose value is less than ``limit`` errors from zero, or has no error."""
    values = getattr(amap, name).value[where]
    errors = (amap.difference_error if name == "difference" else amap.mean_error).value[where]
    R, Z = amap.binning["R"].edges.value, _get_heights(amap, name).edges.value
    with np.errstate(invalid="ignore"):
        weak = np.isfinite(values) & ~(np.abs(values) >= limit * errors)
    corners = [[(R[i], Z[j]), (R[i + 1], Z[j]), (R[i + 1], Z[j + 1]), (R[i], Z[j + 1])]
               for i, j in np.argwhere(weak).tolist()]
    ax.add_collection(PolyCollection(corners, facecolors="none", edgecolors="0.35", linewidths=0,
                                     hatch="/////"), autolim=False)


def _get_heights(amap, name):
    return amap.binning.abs_Z if name == "difference" else amap.binning["Z"]


def _find_extend(amap, name, mesh):
    """Return which ends of the colour bar stand for values beyond it."""
    values = _get_values(amap, name)
    below, above = (values < mesh.norm.vmin).any(), (values > mesh.norm.vmax).any()
    return ("neither", "min", "max", "both")[below + 2 * above]
