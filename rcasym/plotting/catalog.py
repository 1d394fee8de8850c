# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 1: where the stars are, and their ages and metallicities."""

from itertools import cycle

import numpy as np
from astropy import units as u
from matplotlib.colors import LogNorm

from ..utils.arrays import plain_floats, plain_text
from ..utils.axes import AXIS_LABELS
from ..utils.validation import check_columns
from . import layout

# They can be told apart in grey.
LINES = ("-", "--", ":", "-.")
UNITS = {"age": u.Gyr, "m_h": u.dex}
STAR_LABELS = {"age": "age [Gyr]", "m_h": "[M/H] [dex]"}


def plot_catalog(catalog, *, axes=None, **kwargs):
    check_columns(catalog.colnames, ["galcen", "m_h"], "the catalogue")
    names = (plain_text(catalog["survey"]) if "survey" in catalog.colnames
             else np.full(len(catalog), ""))
    # In the order in which the catalogue has them.
    surveys = list(dict.fromkeys(names.tolist())) or [""]
    columns = {name: plain_floats(catalog[name], unit) for name, unit in UNITS.items()
               if name in catalog.colnames}
    columns = {name: values for name, values in columns.items() if np.isfinite(values).any()}
    n = len(surveys)
    new_figure = axes is None
    # In units of the font size, as everywhere here.
    row_height = max(0.2 * layout.figure_width(), 9)
    if new_figure:
        mosaic = [[np.arange(2 * n).reshape(2, n).tolist()]]
        if columns:
            mosaic += [[[list(range(2 * n, 2 * n + len(columns)))]]]
        axes = layout.new_axes(mosaic, (1 + len(mosaic)) * row_height + 14,
                               height_ratios=[2, 1][:len(mosaic)])
    axes = layout.check_axes(axes, 2 * n + len(columns),
                             f"{n} surveys and {len(columns)} histograms")

    R, phi, Z = (values.value for values in catalog.cylindrical)
    R_limits = layout.find_limits(R[np.isfinite(R)])
    for row, (name, y, unit) in enumerate((("Z", Z, "kpc"), ("phi", phi, "deg"))):
        known = np.isfinite(R) & np.isfinite(y)
        extent = (*R_limits, *layout.find_limits(y[known]))
        panels = axes[row * n:(row + 1) * n]
        meshes = []
        for ax, survey in zip(panels, surveys, strict=True):
            chosen = known & (names == survey)
            meshes.append(ax.hexbin(R[chosen], y[chosen], **{
                "gridsize": 60, "mincnt": 1, "extent": extent, "cmap": layout.SEQUENTIAL,
                "rasterized": True} | kwargs))
            ax.set(xlabel=f"{AXIS_LABELS['R']} [kpc]", ylabel=f"{AXIS_LABELS[name]} [{unit}]",
                   xlim=extent[:2], ylim=extent[2:])
            if row == 0 or not new_figure:
                ax.set_title(f"{survey}\n{np.sum(chosen):,} stars".strip())
        if "norm" not in kwargs and "C" not in kwargs:
            most = max(np.max(np.asarray(mesh.get_array()), initial=1) for mesh in meshes)
            for mesh in meshes:
                mesh.set_norm(LogNorm(1, max(most, 2)))
        layout.add_colorbar(meshes[-1], panels, "stars per hexagon", aspect=row_height)
    for ax, (name, values) in zip(axes[2 * n:], columns.items(), strict=True):
        bins = np.linspace(*layout.find_limits(values[np.isfinite(values)]), 50)
        for survey, line in zip(surveys, cycle(LINES)):
            chosen = np.isfinite(values) & (names == survey)
            if chosen.any():
                ax.hist(values[chosen], bins, histtype="step", linestyle=line, label=survey or None)
        ax.set(xlabel=STAR_LABELS[name], ylabel="stars", xlim=bins[[0, -1]])
        ax.locator_params(axis="x", nbins=4)
    if new_figure:
        layout.label_outer(axes[:2 * n])
    if any(surveys) and columns:
        # All surveys have metallicities; some have no ages.
        layout.add_legend(axes[-1], new_figure)
    return axes
