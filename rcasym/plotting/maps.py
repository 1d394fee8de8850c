# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures 3, 5, 7 and 8: panels in the R-Z plane."""

from copy import copy
from numbers import Real

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, Normalize

from ..exceptions import RcasymError
from ..utils.axes import AXIS_LABELS
from ..utils.validation import check_choice
from .layout import (
    COLUMN_WIDTHS,
    DIVERGING,
    SEQUENTIAL,
    given_axes,
    new_axes,
    own_figure,
    panel_axes,
    panel_bar,
)

__all__ = ["plot_binning", "plot_map"]

MAP_LABELS = {
    "offset": "[M/H] $-$ radial mean [dex]",
    "difference": "offset North $-$ South [dex]",
    "mean": "mean [M/H] [dex]",
    "radial_mean": "radial mean [M/H] [dex]",
    "median": "median [M/H] [dex]",
    "std": "standard deviation of [M/H] [dex]",
    "mean_error": "error of the mean [M/H] [dex]",
    "count": "stars in a voxel",
}
SIGNED = ("offset", "difference")
# Drawn with one colour scale where they stand together.
SAME_SCALE = ("mean", "radial_mean", "median")


@own_figure
def plot_binning(binning, *, ax=None, width=None, **kwargs):
    """The grid in the R-Z plane; see `rcasym.DiskBinning.plot`."""
    if ax is None:
        width = width or COLUMN_WIDTHS["single"]
        ax = new_axes(1, 1, width, 0.8 * width)[0, 0]
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


@own_figure
def plot_map(amap, quantity="offset", *, hatch_below=None, axes=None, width=None, colorbar=True,
             **kwargs):
    """Panels in the R-Z plane; see `rcasym.AsymmetryMap.plot`."""
    several = not isinstance(quantity, str)
    quantities = [check_choice("quantity", name, tuple(MAP_LABELS))
                  for name in (quantity if several else [quantity])]
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
    slices = list(np.ndindex(amap.binning.shape[:-2]))
    n_panels = len(quantities) * len(slices)
    new_figure, bars = axes is None, "right"
    if new_figure:
        axes, bars = _new_panels(amap, quantities, len(slices), width)
        # Rows come in order: what remains is the last of each column.
        lowest = {ax.get_subplotspec().colspan.start: ax for ax in axes.flat}.values()
    axes = given_axes(axes, n_panels, f"{len(quantities)} quantities in {len(slices)} slices")
    rows = axes.reshape(len(quantities), len(slices))

    scales = _scales(amap, quantities, kwargs)
    for name, panels, scale in zip(quantities, rows, scales, strict=True):
        for ax, where in zip(panels, slices, strict=True):
            mesh = _panel(ax, amap, name, where, kwargs | scale)
            if hatch_below and name in SIGNED:
                _hatch(ax, amap, name, where, hatch_below)
            if not new_figure or ax in lowest:
                ax.set_xlabel(amap.binning["R"].label)
                ax.xaxis.set_tick_params(labelbottom=True)
            if not new_figure or ax.get_subplotspec().is_first_col():
                ax.set_ylabel(_heights(amap, name).label)
        if colorbar:
            extend = _extend(amap, name, mesh)
            if new_figure:
                panel_bar(mesh, panels, MAP_LABELS[name], bars=bars, extend=extend)
            else:
                panels[0].figure.colorbar(mesh, ax=list(panels), label=MAP_LABELS[name],
                                          extend=extend)
    if new_figure and bars == "right":
        # The panels of one column are of the same stars.
        for ax in rows[1:].flat:
            ax.set_title("")
    return rows if several else axes


def _new_panels(amap, quantities, n_slices, width):
    """Axes of a new figure, by quantity and slice, and the side of its colour bars."""
    width = width or COLUMN_WIDTHS["double" if len(quantities) * n_slices > 1 else "single"]
    title = "; ".join(axis.interval(0) for axis in amap.binning.axes[:-2] if len(axis) == 1)
    same_Z = len({len(_heights(amap, name)) for name in quantities}) == 1
    if len(quantities) > 1:
        # A row for each quantity where that leaves an inch to a panel, otherwise a column.
        if width >= n_slices:
            return panel_axes(len(quantities), n_slices, width, title, share_Z=same_Z,
                              row_gap=0.12), "right"
        axes = panel_axes(n_slices, len(quantities), width, title, bars="bottom", share_Z=same_Z)
        return axes.T, "bottom"
    n_columns = min(n_slices, max(round(width / (2.2 if n_slices < 10 else 1.15)), 1))
    axes = panel_axes(-(-n_slices // n_columns), n_columns, width, title).ravel()
    for unused in axes[n_slices:]:
        unused.remove()
    return axes[:n_slices], "right"


def _values(amap, name):
    """The array of that name, one value a voxel, NaN where empty."""
    values = np.array(getattr(amap, name), dtype=float)
    if name == "count":
        values[values == 0] = np.nan
    if name == "radial_mean":
        # One or two stars make no radial mean that a voxel could have had subtracted.
        values[amap.count.sum(axis=-1) < amap.binning.min_count] = np.nan
        values = np.repeat(values[..., np.newaxis], amap.binning.shape[-1], axis=-1)
    return values


def _scales(amap, quantities, given):
    """A colour map and its limits for each quantity, common to all panels."""
    scales = []
    for name in quantities:
        together = [n for n in quantities if n == name or {n, name} <= set(SAME_SCALE)]
        values = np.concatenate([_values(amap, n).ravel() for n in together])
        values = values[np.isfinite(values)]
        scale = {"cmap": given.get("cmap", DIVERGING if name in SIGNED else SEQUENTIAL)}
        if isinstance(given.get("norm"), Normalize):
            # Limits that the user leaves open are common to all panels as well.
            scale["norm"] = copy(given["norm"])
            scale["norm"].autoscale_None(values[values > 0] if isinstance(scale["norm"], LogNorm)
                                         else values)
        elif "norm" not in given:
            # Signed quantities spread most where few stars are, at great heights.
            tail = 0.1 if name in SIGNED else 0.02
            low, high = np.quantile(values, [tail, 1 - tail]) if len(values) else (0.0, 1.0)
            if name in SIGNED:
                limit = max(abs(given.get("vmin") or 0), abs(given.get("vmax") or 0))
                # Rounded up to 0.05 dex, so that the colour bar has round ends.
                limit = limit or max(np.ceil(max(-low, high) / 0.05), 1) * 0.05
                low, high = -limit, limit
            elif name == "count":
                low, high = 1, max(high, 2)
            elif high == low:
                low, high = low - 0.05, high + 0.05
            scale |= {"vmin": low, "vmax": high}
            if name not in SIGNED:
                scale |= {end: given[end] for end in ("vmin", "vmax") if end in given}
        scales.append(scale)
    return scales


def _panel(ax, amap, name, where, style):
    R, Z = amap.binning["R"].edges.value, _heights(amap, name).edges.value
    values = np.ma.masked_invalid(_values(amap, name)[where])
    mesh = ax.pcolormesh(R, Z, values.T, **style)
    ax.set_facecolor("white")
    if name != "difference":
        ax.axhline(0, color="0.3", linewidth=0.6)
    ranges = [axis.interval(k) for axis, k in zip(amap.binning.axes, where, strict=False)
              if len(axis) > 1]
    stars = f"{amap.count[where].sum():,} stars"
    ax.set_title("\n".join([*ranges, stars]), fontsize="small")
    ax.set(xlim=R[[0, -1]], ylim=Z[[0, -1]])
    return mesh


def _hatch(ax, amap, name, where, limit):
    """Hatch the voxels whose value is less than ``limit`` errors from zero, or has no error."""
    values = getattr(amap, name).value[where]
    errors = (amap.difference_error if name == "difference" else amap.mean_error).value[where]
    R, Z = amap.binning["R"].edges.value, _heights(amap, name).edges.value
    with np.errstate(invalid="ignore"):
        weak = np.isfinite(values) & ~(np.abs(values) >= limit * errors)
    i, j = np.nonzero(weak)
    corners = [[(R[a], Z[b]), (R[a + 1], Z[b]), (R[a + 1], Z[b + 1]), (R[a], Z[b + 1])]
               for a, b in zip(i.tolist(), j.tolist(), strict=True)]
    ax.add_collection(PolyCollection(corners, facecolors="none", edgecolors="0.35", linewidths=0,
                                     hatch="/////"), autolim=False)


def _heights(amap, name):
    return amap.binning.abs_Z if name == "difference" else amap.binning["Z"]


def _extend(amap, name, mesh):
    """Which ends of the colour bar stand for values beyond it."""
    values, norm = _values(amap, name), mesh.norm
    if not isinstance(norm, Normalize) or not np.isfinite(values).any():
        return "neither"
    below, above = np.nanmin(values) < norm.vmin, np.nanmax(values) > norm.vmax
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
        (bool(below), bool(above)), "neither")
