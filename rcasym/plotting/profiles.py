# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures 4 and 6: North against South, and systematics."""

import matplotlib.pyplot as plt
import numpy as np

from ..exceptions import RcasymError
from ..utils.axes import AXIS_LABELS
from ..utils.validation import check_choice
from . import layout

# Okabe & Ito's colours that are dark enough for lines, and brown; markers differ, too, for grey.
SLICE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9",
                "#661100")
KIND_COLORS = (*SLICE_COLORS, "#F0E442")
SLICE_MARKERS = "osD^vP*X"
ASYMMETRY_LABELS = {"modulus": "A = (N $-$ S) / |N + S|", "equation1": "A = (N $-$ S) / (N + S)",
                    "linear": "A of 10$^{[M/H]}$"}
PROFILE_LABELS = {"difference": "North $-$ South [dex]",
                  "offset_difference": "offset North $-$ South [dex]",
                  "matched_difference": "North $-$ South at the same R [dex]"}
SHIFT_LABEL = "shift [errors]"


def _slice_label(row, names):
    """Return the range of azimuth and age of a row in words."""
    words = []
    for name in names:
        low, high = (f"{row[f'{name}_{end}'].value + 0.0:g}".replace("-", "\N{MINUS SIGN}")
                     for end in ("min", "max"))
        words.append(f"{AXIS_LABELS[name]} {low} to {high}" + ("°" if name == "phi" else " Gyr"))
    return ", ".join(words)


def _slices(table):
    """Return the label and the rows of each slice, and the label of what all share."""
    if len(table) == 0:
        raise RcasymError("the table must have one or more rows to be drawn; it has none")
    names = [name for name in ("phi", "age") if f"{name}_min" in table.colnames]
    varying = [name for name in names if len(set(table[f"{name}_min"].value.tolist())) > 1]
    if not varying:
        return {_slice_label(table[0], names) or "all stars": np.full(len(table), True)}, ""
    common = _slice_label(table[0], [name for name in names if name not in varying])
    labels = np.array([_slice_label(row, varying) for row in table])
    return {label: labels == label for label in dict.fromkeys(labels.tolist())}, common


def plot_profile(profile, quantity, signals, rule, *, axes=None, **kwargs):
    """Draw the medians, then the slices for which ``rule`` holds, then the others."""
    check_choice("quantity", quantity, ("asymmetry", *PROFILE_LABELS))
    slices, common = _slices(profile)
    new_figure = axes is None
    if new_figure:
        width = layout.figure_width()
        mosaic, height = (([[0, 1, 2]], 0.28 * width + 9) if width > layout.WIDE
                          else ([[0, 0], [1, 2]], 0.7 * width + 16))
        axes = layout.new_axes(mosaic, height, title=common)
    left, *others = axes = layout.check_axes(axes, 3, "the medians and the slices with and "
                                                      "without a signal")
    label = (PROFILE_LABELS.get(quantity)
             or ASYMMETRY_LABELS.get(profile.meta.get("definition"), "A"))
    statistic = profile.meta.get("statistic", "median")
    points, ends = [], []
    for k, (name, rows) in enumerate(slices.items()):
        color = (SLICE_COLORS[k] if len(slices) <= len(SLICE_COLORS)
                 else plt.get_cmap(layout.SEQUENTIAL)(k / len(slices)))
        style = {"color": color, "marker": SLICE_MARKERS[k % len(SLICE_MARKERS)], "markersize": 3,
                 "linewidth": 0.8, "capsize": 1.5, "elinewidth": 0.8, "label": name} | kwargs
        part = profile[rows]
        low, high = part["abs_Z_min"].value, part["abs_Z_max"].value
        # Side by side within the bin, so that no error bar hides another.
        Z = 0.5 * (low + high) + (high - low) * 0.5 * ((k + 0.5) / len(slices) - 0.5)
        both = [np.append(part[f"south{end}"].value[::-1], part[f"north{end}"].value)
                for end in ("", "_low", "_high")]
        _error_bars(left, np.append(-Z[::-1], Z), *both, style)
        values = [np.ma.filled(getattr(part[f"{quantity}{end}"], "value", part[f"{quantity}{end}"]),
                               np.nan) for end in ("", "_low", "_high")]
        _error_bars(others[0] if signals[rows][0] else others[1], Z, *values, style)
        points.append(values[0])
        ends += [values[1], values[2]]
    top = profile["abs_Z_max"].value.max()
    left.axvline(0, color="0.3", linewidth=0.6)
    left.set(xlabel=f"{AXIS_LABELS['Z']} [kpc]", ylabel=f"{statistic} [M/H] [dex]",
             xlim=(-top, top), title="South and North of the mid-plane")
    points, ends = (np.abs(np.concatenate(values)) for values in (points, ends))
    # All points are in the panel, and all but the widest few error bars.
    limit = 1.1 * max(np.max(points[np.isfinite(points)], initial=0),
                      np.quantile(np.append(ends[np.isfinite(ends)], 0), 0.97)) or 1
    for ax, title in zip(others, (rule, rule.translate(str.maketrans("<>", "≥≤"))), strict=True):
        ax.axhline(0, color="0.3", linewidth=0.8)
        ax.set(xlabel=f"{AXIS_LABELS['abs_Z']} [kpc]", ylabel=label, xlim=(0, top), title=title,
               ylim=(-limit, limit))
        if not ax.containers:
            ax.annotate("none", (0.5, 0.6), xycoords="axes fraction", ha="center", color="0.4")
    if new_figure:
        others[1].set_ylabel("")
        others[1].tick_params(labelleft=False)
    for ax in axes[:1] if new_figure else axes:
        layout.add_legend(ax, new_figure)
    return axes


def _error_bars(ax, x, values, low, high, style):
    """Draw values with intervals; one without is a point, and lines break where there is none."""
    bars = [np.nan_to_num(values - low), np.nan_to_num(high - values)]
    if np.isfinite(values).any():
        ax.errorbar(x, values, np.maximum(bars, 0), **style)


def plot_systematics(table, *, axes=None, **kwargs):
    # The reference of the comparison has no bar.
    table = table[table["kind"] != "as given"]
    slices, common = _slices(table)
    new_figure = axes is None
    if new_figure:
        n_bars = max(np.sum(rows) for rows in slices.values())
        mosaic = layout.arrange_panels(len(slices), 6)
        axes = layout.new_axes(mosaic, len(mosaic) * (1.35 * n_bars + 3) + 3, title=common,
                               sharex=True, sharey=True)
    axes = layout.check_axes(axes, len(slices), f"{len(slices)} slices")
    kinds = list(dict.fromkeys(table["kind"].tolist()))
    for ax, (name, rows) in zip(axes, slices.items(), strict=True):
        part = table[rows]
        colors = [KIND_COLORS[kinds.index(kind) % len(KIND_COLORS)] for kind in part["kind"]]
        shift = np.asarray(part["shift_in_errors"])
        ax.axvspan(-1, 1, color="0.9")
        # The line is the shift that a change in the number of stars may cause by chance.
        ax.barh(np.arange(len(part)), shift, **{
            "color": colors, "xerr": np.nan_to_num(part["shift_error_in_errors"]),
            "error_kw": {"elinewidth": 1, "ecolor": "0.4"}} | kwargs)
        for k in np.flatnonzero(~np.isfinite(shift)):
            ax.annotate("unknown", (0, k), ha="center", va="center", fontsize="small")
        ax.axvline(0, color="0.3", linewidth=0.6)
        # One label in a new figure: its panels may be narrower than that.
        ax.set(xlabel="" if new_figure else SHIFT_LABEL, yticks=np.arange(len(part)))
        ax.set_title(name, fontsize="small")
        ax.set_yticklabels(part["variation"], fontsize="small")
        # From the top down, as in the table.
        ax.set_ylim(len(part) - 0.4, -0.6)
    limit = 1.1 * max(max(map(abs, ax.get_xlim())) for ax in axes)
    for ax in axes:
        ax.set_xlim(-limit, limit)
    if new_figure:
        layout.label_outer(axes)
        axes[0].figure.supxlabel(SHIFT_LABEL)
    return axes
