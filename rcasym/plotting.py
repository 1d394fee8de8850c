# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The figures; the only module that imports matplotlib."""

from copy import copy

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, Normalize

from .axes import AXIS_LABELS
from .columns import floats, survey_names
from .exceptions import RcasymError
from .files import whole_file
from .validation import check_choice, check_columns

__all__ = ["plot_catalog", "plot_binning", "plot_map", "plot_profile", "plot_systematics",
           "plot_calibrator", "plot_null", "plot_spline", "save_figure"]

# Zero is yellow: a voxel without a difference is not taken for an empty one, which is white.
DIVERGING = "RdYlBu_r"
SEQUENTIAL = "viridis"

MAP_LABELS = {
    "offset": "[M/H] $-$ radial mean [dex]",
    "difference": "offset North $-$ South [dex]",
    "mean": "mean [M/H] [dex]",
    "radial_mean": "radial mean of [M/H] [dex]",
    "median": "median [M/H] [dex]",
    "std": "standard deviation of [M/H] [dex]",
    "mean_error": "error of the mean [M/H] [dex]",
    "count": "stars in a voxel",
}
SIGNED = ("offset", "difference")
# Drawn with one colour scale where they stand together.
SAME_SCALE = ("mean", "radial_mean", "median")

FIGURE_SUFFIXES = (".png", ".pdf")

STAR_LABELS = {"age": "age [Gyr]", "m_h": "[M/H] [dex]"}

# Okabe & Ito's colours that are dark enough for lines; the markers tell them apart in grey.
SLICE_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9",
                "0.5")
SLICE_MARKERS = "osD^vP*X"
ASYMMETRY_LABELS = {"modulus": "A = (N $-$ S) / |N + S|", "equation1": "A = (N $-$ S) / (N + S)",
                    "linear": "A of 10$^{[M/H]}$"}
PROFILE_LABELS = {"difference": "North $-$ South [dex]",
                  "offset_difference": "offset North $-$ South [dex]"}
# What counts as a signal in a slice: its corrected p-value, or without a test this many errors.
SIGNAL_P, SIGNAL_ERRORS = 0.05, 3


def _new_axes(n_rows, n_columns, panel, **kwargs):
    _, axes = plt.subplots(n_rows, n_columns, squeeze=False, layout="constrained",
                           figsize=(panel[0] * n_columns, panel[1] * n_rows), **kwargs)
    return axes


def _panel_axes(n_rows, n_columns, panel, title):
    """Panels with common axes, and one slim axes a row (or for all rows) for colour bars.

    The margins, in inches, are fixed: a layout that measures every label takes far longer.
    """
    left, right, bottom, gap, row_gap = 0.65, 1.05, 0.55, 0.12, 0.5
    top = 0.75 if title else 0.5
    width = left + n_columns * panel[0] + (n_columns - 1) * gap + right
    height = bottom + n_rows * panel[1] + (n_rows - 1) * row_gap + top
    figure, axes = plt.subplots(
        n_rows, n_columns, squeeze=False, sharex=True, sharey="row", figsize=(width, height),
        gridspec_kw={"left": left / width, "right": 1 - right / width, "bottom": bottom / height,
                     "top": 1 - top / height, "wspace": gap / panel[0],
                     "hspace": row_gap / panel[1]})
    figure.suptitle(title)
    return axes


def _bar_axes(panels):
    """Axes for a colour bar at the right of the panels."""
    figure = panels[0].figure
    boxes = [ax.get_position() for ax in panels]
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    width, _ = figure.get_size_inches()
    return figure.add_axes([max(box.x1 for box in boxes) + 0.12 / width, bottom, 0.13 / width,
                            top - bottom])


def _given_axes(axes, n_panels, what):
    axes = np.array(axes, dtype=object).ravel()
    if len(axes) != n_panels:
        raise RcasymError(f"axes must hold {n_panels} Axes for {what}; got {len(axes)}")
    return axes


def plot_catalog(catalog, *, axes=None, **kwargs):
    """Figure 1; see `rcasym.RedClumpCatalog.plot`."""
    check_columns(catalog.colnames, ["galcen", "m_h"], "the catalogue")
    names = survey_names(catalog)
    # In the order in which the catalogue has them.
    surveys = list(dict.fromkeys(names.tolist())) or [""]
    quantities = [name for name in ("age", "m_h")
                  if name in catalog.colnames and np.isfinite(floats(catalog, name)).any()]
    n = len(surveys)
    if axes is None:
        figure = plt.figure(figsize=(4.2 * max(n, 2), 9.6), layout="constrained")
        rows = figure.add_gridspec(3, 1)
        hexbins = [rows[row].subgridspec(1, n) for row in (0, 1)]
        histograms = rows[2].subgridspec(1, max(len(quantities), 1))
        axes = [figure.add_subplot(row[i]) for row in hexbins for i in range(n)]
        axes += [figure.add_subplot(histograms[i]) for i in range(len(quantities))]
    axes = _given_axes(axes, 2 * n + len(quantities),
                       f"{n} surveys and {len(quantities)} histograms")

    R, phi, Z = (values.value for values in catalog.cylindrical)
    for row, (name, y, unit) in enumerate((("Z", Z, "kpc"), ("phi", phi, "deg"))):
        known = np.isfinite(R) & np.isfinite(y)
        extent = (*_range(R[known]), *_range(y[known]))
        panels = axes[row * n:(row + 1) * n]
        drawn = []
        for ax, survey in zip(panels, surveys, strict=True):
            here = known & (names == survey)
            drawn.append(ax.hexbin(R[here], y[here], **{
                "gridsize": 60, "mincnt": 1, "extent": extent, "cmap": SEQUENTIAL,
                "rasterized": True} | kwargs))
            ax.set(xlabel=f"{AXIS_LABELS['R']} [kpc]", ylabel=f"{AXIS_LABELS[name]} [{unit}]",
                   xlim=extent[:2], ylim=extent[2:],
                   title=f"{survey}: {np.sum(here):,} stars".removeprefix(": "))
        if "norm" not in kwargs and "C" not in kwargs:
            most = max(np.max(np.asarray(mesh.get_array()), initial=1) for mesh in drawn)
            for mesh in drawn:
                mesh.set_norm(LogNorm(1, max(most, 2)))
        for ax, mesh in zip(panels, drawn, strict=True):
            ax.figure.colorbar(mesh, ax=ax, label="stars in a hexagon")
    for ax, name in zip(axes[2 * n:], quantities, strict=True):
        values = floats(catalog, name)
        bins = np.linspace(*_range(values[np.isfinite(values)]), 50)
        for survey in surveys:
            here = np.isfinite(values) & (names == survey)
            if here.any():
                ax.hist(values[here], bins, histtype="step", label=survey or None)
        ax.set(xlabel=STAR_LABELS[name], ylabel="stars", xlim=bins[[0, -1]])
        if any(surveys):
            ax.legend()
    return axes


def _range(values):
    """Limits that hold all but one in a thousand values at either end, with a margin."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def plot_binning(binning, *, ax=None, **kwargs):
    """The grid in the R-Z plane; see `rcasym.DiskBinning.plot`."""
    if ax is None:
        ax = _new_axes(1, 1, (5, 4))[0, 0]
    R, Z = binning["R"], binning["Z"]
    cells = np.full((len(Z), len(R)), np.nan)
    style = {"edgecolors": "0.4", "linewidth": 0.6} | kwargs
    ax.pcolormesh(R.edges.value, Z.edges.value, cells, **style)
    ax.axhline(0, color="k", linewidth=0.8)
    others = "; ".join(f"{len(axis)} bins of {AXIS_LABELS[axis.name]}" if len(axis) > 1
                       else axis.interval(0) for axis in binning.axes[:-2])
    ax.set(xlabel=R.label, ylabel=Z.label, title=others, xlim=R.edges.value[[0, -1]],
           ylim=Z.edges.value[[0, -1]])
    return ax


def plot_spline(spline, *, ax=None, **kwargs):
    """A quantile curve; see `rcasym.splines.QuantileSpline.plot`."""
    if ax is None:
        ax = _new_axes(1, 1, (5, 4))[0, 0]
    x = np.union1d(np.linspace(*spline.knots[[0, -1]], 501), spline.knots)
    ax.plot(x, spline(x), **{"label": f"{100 * spline.tau:g} % quantile"} | kwargs)
    ax.set(xlabel=ax.get_xlabel() or "x", ylabel=ax.get_ylabel() or "y")
    return ax


def plot_map(amap, quantity="offset", *, hatch_below=None, axes=None, colorbar=True, **kwargs):
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
        if not (np.isscalar(hatch_below) and hatch_below > 0):
            raise RcasymError(f"hatch_below must be a number of errors above 0; got {hatch_below}")
    slices = list(np.ndindex(amap.binning.shape[:-2]))
    n_panels = len(quantities) * len(slices)
    new_figure = axes is None
    if new_figure:
        n_columns = (len(slices) if len(quantities) > 1
                     else min(3 if len(slices) < 10 else 6, len(slices)))
        n_rows = -(-n_panels // n_columns)
        common = [axis.interval(0) for axis in amap.binning.axes[:-2] if len(axis) == 1]
        axes = _panel_axes(n_rows, n_columns, (3.1, 2.2) if n_columns < 4 else (2.4, 2.2),
                           "; ".join(common))
        for unused in axes.ravel()[n_panels:]:
            unused.remove()
        # The lowest panel of each column carries the labels of R.
        for ax in axes.ravel()[max(n_panels - n_columns, 0):n_panels]:
            ax.xaxis.set_tick_params(labelbottom=True)
        axes = axes.ravel()[:n_panels]
    axes = _given_axes(axes, n_panels, f"{len(quantities)} quantities in {len(slices)} slices")
    rows = axes.reshape(len(quantities), len(slices))

    scales = _scales(amap, quantities, kwargs)
    for name, panels, scale in zip(quantities, rows, scales, strict=True):
        for k, (ax, where) in enumerate(zip(panels, slices, strict=True)):
            mesh = _panel(ax, amap, name, where, kwargs | scale)
            if hatch_below and name in SIGNED:
                _hatch(ax, amap, name, where, hatch_below)
            if not new_figure or len(quantities) > 1 or k >= len(slices) - n_columns:
                ax.set_xlabel(amap.binning["R"].label)
            if not new_figure or k % n_columns == 0:
                ax.set_ylabel(_heights(amap, name).label)
        if colorbar:
            where = {"cax": _bar_axes(panels)} if new_figure else {"ax": list(panels)}
            panels[0].figure.colorbar(mesh, label=MAP_LABELS[name],
                                      extend=_extend(amap, name, mesh), **where)
    if new_figure:
        for ax in axes[:len(axes) - n_columns] if len(quantities) > 1 else []:
            ax.set_xlabel("")
    return rows if several else axes


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


def _slice_label(row, names):
    """The range of azimuth and age of a row, in words."""
    words = []
    for name in names:
        low, high = (f"{row[f'{name}_{end}'].value + 0.0:g}".replace("-", "\N{MINUS SIGN}")
                     for end in ("min", "max"))
        words.append(f"{AXIS_LABELS[name]} {low} to {high}" + ("°" if name == "phi" else " Gyr"))
    return ", ".join(words)


def _slices(table):
    """The slices of azimuth and age of a table: label and rows of each, and what all share."""
    names = [name for name in ("phi", "age") if f"{name}_min" in table.colnames]
    varying = [name for name in names if len(set(table[f"{name}_min"].value.tolist())) > 1]
    common = _slice_label(table[0], [name for name in names if name not in varying])
    labels = np.array([_slice_label(row, varying) or "all stars" for row in table])
    return {label: labels == label for label in dict.fromkeys(labels.tolist())}, common


def plot_profile(profile, quantity="asymmetry", *, test=None, axes=None, **kwargs):
    """Figures 4 and 6; see `rcasym.AsymmetryProfile.plot`."""
    check_choice("quantity", quantity, ("asymmetry", *PROFILE_LABELS))
    if len(profile) == 0:
        raise RcasymError("the profile must have one or more rows to be drawn; it has none")
    slices, common = _slices(profile)
    if test is None:
        table = profile.slices()
        signal = (np.abs(table["offset_difference"])
                  > SIGNAL_ERRORS * table["offset_difference_error"])
        rule = f"{SIGNAL_ERRORS} errors"
    else:
        table = test.slices
        signal = table["p_value_corrected"] < SIGNAL_P
        rule = f"corrected p < {SIGNAL_P:g}"
    found = dict(zip(_slices(table)[0], signal.tolist(), strict=True))
    if axes is None:
        axes = _new_axes(1, 3, (4.2, 3.8))
        axes[0, 0].figure.suptitle(common)
    left, *others = axes = _given_axes(axes, 3, "the medians, and the slices with and without "
                                                "a signal")
    label = (PROFILE_LABELS.get(quantity)
             or ASYMMETRY_LABELS.get(profile.meta.get("definition"), "A"))
    statistic = profile.meta.get("statistic", "median")
    ends = []
    for k, (name, rows) in enumerate(slices.items()):
        color = (SLICE_COLORS[k] if len(slices) <= len(SLICE_COLORS)
                 else plt.get_cmap(SEQUENTIAL)(k / len(slices)))
        style = {"color": color, "marker": SLICE_MARKERS[k % len(SLICE_MARKERS)], "markersize": 4.5,
                 "linewidth": 1, "capsize": 2, "elinewidth": 1, "label": name} | kwargs
        part = profile[rows]
        low, high = part["abs_Z_min"].value, part["abs_Z_max"].value
        # Side by side within the bin, so that no error bar hides another.
        Z = 0.5 * (low + high) + (high - low) * 0.5 * ((k + 0.5) / len(slices) - 0.5)
        both = [np.append(part[f"south{end}"].value[::-1], part[f"north{end}"].value)
                for end in ("", "_low", "_high")]
        _error_bars(left, np.append(-Z[::-1], Z), *both, style)
        values = [np.ma.filled(getattr(part[f"{quantity}{end}"], "value", part[f"{quantity}{end}"]),
                               np.nan) for end in ("", "_low", "_high")]
        _error_bars(others[0] if found.get(name) else others[1], Z, *values, style)
        ends += [values[1], values[2]]
    top = profile["abs_Z_max"].value.max()
    left.axvline(0, color="0.3", linewidth=0.6)
    left.set(xlabel=f"{AXIS_LABELS['Z']} [kpc]", ylabel=f"{statistic} [M/H] [dex]",
             xlim=(-top, top), title="South and North of the mid-plane")
    if left.containers:
        left.legend(fontsize="x-small")
    ends = np.concatenate(ends)
    ends = np.abs(ends[np.isfinite(ends)])
    # The widest few error bars may run out of the panel.
    limit = 1.15 * np.quantile(ends, 0.97) if len(ends) else 1.0
    for ax, title in zip(others, (f"with a signal ({rule})", "without"), strict=True):
        ax.axhline(0, color="0.3", linewidth=0.8)
        ax.set(xlabel=f"{AXIS_LABELS['abs_Z']} [kpc]", ylabel=label, xlim=(0, top), title=title,
               ylim=(-limit or -1, limit or 1))
        if ax.containers:
            ax.legend(fontsize="x-small")
        else:
            ax.annotate("none", (0.5, 0.6), xycoords="axes fraction", ha="center", color="0.4")
    return axes


def _error_bars(ax, x, values, low, high, style):
    known = np.isfinite(values)
    # A value without an interval is drawn as a point.
    bars = [np.nan_to_num(values - low)[known], np.nan_to_num(high - values)[known]]
    if known.any():
        ax.errorbar(x[known], values[known], np.maximum(bars, 0), **style)


def plot_systematics(table, *, axes=None, **kwargs):
    """A bar for each variation; see `rcasym.robustness.Systematics.plot`."""
    slices, common = _slices(table)
    if axes is None:
        n_bars = max(np.sum(rows) for rows in slices.values())
        width = 2.0 + 1.7 * len(slices)
        axes = plt.subplots(1, len(slices), sharex=True, sharey=True, squeeze=False,
                            layout="constrained", figsize=(width, 1.4 + 0.2 * n_bars))[1]
        axes[0, 0].figure.suptitle(common)
    axes = _given_axes(axes, len(slices), f"{len(slices)} slices")
    kinds = list(dict.fromkeys(table["kind"].tolist()))
    for ax, (name, rows) in zip(axes, slices.items(), strict=True):
        part = table[rows & (table["kind"] != "as given")]
        colors = [SLICE_COLORS[kinds.index(kind) % len(SLICE_COLORS)] for kind in part["kind"]]
        shift = np.nan_to_num(part["shift_in_errors"])
        ax.axvspan(-1, 1, color="0.9")
        # The line is what fewer stars may move by chance.
        ax.barh(np.arange(len(part)), shift, **{
            "color": colors, "xerr": np.nan_to_num(part["shift_error_in_errors"]),
            "error_kw": {"elinewidth": 1, "ecolor": "0.4"}} | kwargs)
        ax.axvline(0, color="0.3", linewidth=0.6)
        ax.set(xlabel="shift [errors]", yticks=np.arange(len(part)), title=name)
        ax.set_yticklabels(part["variation"], fontsize="small")
        ax.title.set_fontsize("small")
        # From the top down, as in the table.
        ax.set_ylim(len(part) - 0.4, -0.6)
    limit = 1.1 * max(max(map(abs, ax.get_xlim())) for ax in axes)
    for ax in axes:
        ax.set_xlim(-limit, limit)
    return axes


def save_figure(axes, stem, *, overwrite=False):
    """Save the figure of ``axes`` as ``stem.png`` and ``stem.pdf``, and close it."""
    figure = np.ravel(axes)[0].figure
    if figure.get_layout_engine():
        # Laid out once, not again for each file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    for suffix in FIGURE_SUFFIXES:
        with whole_file(f"{stem}{suffix}", overwrite=overwrite) as part:
            figure.savefig(part, format=suffix[1:], dpi=120)
    plt.close(figure)


def plot_calibrator(calibrator, *, axes=None, null=None, **kwargs):
    """Figure 2; see `rcasym.AgeCalibrator.plot`."""
    if axes is None:
        axes = _new_axes(1, 2, (5, 4.2))
    left, right = axes = _given_axes(axes, 2, "the difference and the calibrated ages")
    pairs, grid = calibrator.pairs, calibrator.grid
    style = {"gridsize": 60, "mincnt": 1, "cmap": "Greys", "rasterized": True} | kwargs
    if "norm" not in style and "bins" not in style:
        # Below 1, so that a single star is grey and not white.
        style["norm"] = LogNorm(vmin=0.3)

    x = pairs.on(calibrator.settings.axis)
    low, high = np.quantile(pairs.difference, [0.005, 0.995])
    shown = (*_range(x), low - 0.5, high + 0.5)
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
             + (f", p = {null.p_value:.2g} without a bias" if null is not None else ""))
    left.legend(fontsize="small", loc="lower left")

    calibrated = calibrator.calibrate(pairs.age).value
    top = max(_range(calibrated)[1], _range(pairs.reference_age)[1])
    if isinstance(style.get("norm"), LogNorm):
        style["norm"] = copy(style["norm"])
    right.hexbin(pairs.reference_age, calibrated, extent=(0, top, 0, top), **style)
    right.plot([0, top], [0, top], color="tab:red", linewidth=1, label="one to one")
    right.set(xlabel="reference age [Gyr]", ylabel="calibrated age [Gyr]", xlim=(0, top),
              ylim=(0, top), aspect="equal", title="after the calibration")
    right.legend(fontsize="small", loc="upper left")
    return axes


def plot_null(null, *, ax=None, **kwargs):
    """Curves without a bias; see `rcasym.age_null.AgeNullTest.plot`."""
    if ax is None:
        ax = _new_axes(1, 1, (5, 4))[0, 0]
        ax.plot(null.age, null.measured, color="tab:blue", label="measured")
        ax.axhline(0, color="0.3", linewidth=0.6)
        ax.set(xlabel="age [Gyr]", ylabel="age $-$ reference age [Gyr]",
               title=f"p = {null.p_value:.2g} without a bias")
    low, high = null.envelope()
    style = {"color": "tab:orange", "alpha": 0.5, "linewidth": 0} | kwargs
    ax.fill_between(null.age.value, low.value, high.value, **style)
    ax.plot(null.age, null.median, color="tab:orange", linewidth=1)
    return ax
