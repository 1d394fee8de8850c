# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 1: where the stars are."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..catalog.columns import floats, survey_names
from ..utils.axes import AXIS_LABELS
from ..utils.validation import check_columns
from .layout import (
    BESIDE,
    COLUMN_WIDTHS,
    SEQUENTIAL,
    given_axes,
    margins,
    own_figure,
    panel_bar,
    shown_range,
)

__all__ = ["plot_catalog"]

# Told apart in grey.
LINES = ("-", "--", ":", "-.")
STAR_LABELS = {"age": "age [Gyr]", "m_h": "[M/H] [dex]"}


@own_figure
def plot_catalog(catalog, *, axes=None, width=None, **kwargs):
    """Figure 1; see `rcasym.RedClumpCatalog.plot`."""
    check_columns(catalog.colnames, ["galcen", "m_h"], "the catalogue")
    names = survey_names(catalog)
    # In the order in which the catalogue has them.
    surveys = list(dict.fromkeys(names.tolist())) or [""]
    quantities = [name for name in ("age", "m_h")
                  if name in catalog.colnames and np.isfinite(floats(catalog, name)).any()]
    n = len(surveys)
    own = axes is None
    if own:
        width = width or COLUMN_WIDTHS["double"]
        axes = _new_panels(n, len(quantities), width)
    axes = given_axes(axes, 2 * n + len(quantities),
                       f"{n} surveys and {len(quantities)} histograms")

    R, phi, Z = (values.value for values in catalog.cylindrical)
    for row, (name, y, unit) in enumerate((("Z", Z, "kpc"), ("phi", phi, "deg"))):
        known = np.isfinite(R) & np.isfinite(y)
        extent = (*shown_range(R[known]), *shown_range(y[known]))
        panels = axes[row * n:(row + 1) * n]
        drawn = []
        for ax, survey in zip(panels, surveys, strict=True):
            here = known & (names == survey)
            drawn.append(ax.hexbin(R[here], y[here], **{
                "gridsize": 60, "mincnt": 1, "extent": extent, "cmap": SEQUENTIAL,
                "rasterized": True} | kwargs))
            ax.set(xlabel=f"{AXIS_LABELS['R']} [kpc]", ylabel=f"{AXIS_LABELS[name]} [{unit}]",
                   xlim=extent[:2], ylim=extent[2:],
                   title=f"{survey}\n{np.sum(here):,} stars".strip())
        if "norm" not in kwargs and "C" not in kwargs:
            most = max(np.max(np.asarray(mesh.get_array()), initial=1) for mesh in drawn)
            for mesh in drawn:
                mesh.set_norm(LogNorm(1, max(most, 2)))
        if own:
            panel_bar(drawn[-1], panels, "stars in a hexagon")
        else:
            panels[-1].figure.colorbar(drawn[-1], ax=list(panels), label="stars in a hexagon")
        for ax in panels[1:] if own else []:
            # The first panel of the row has the same axis.
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
    for ax, name in zip(axes[2 * n:], quantities, strict=True):
        values = floats(catalog, name)
        bins = np.linspace(*shown_range(values[np.isfinite(values)]), 50)
        for survey, line in zip(surveys, cycle(LINES)):
            here = np.isfinite(values) & (names == survey)
            if here.any():
                ax.hist(values[here], bins, histtype="step", linestyle=line, label=survey or None)
        ax.set(xlabel=STAR_LABELS[name], ylabel="stars", xlim=bins[[0, -1]])
        if any(surveys) and ax is axes[2 * n]:
            ax.legend(frameon=False)
            if own and width <= BESIDE:
                # The legend is as wide as the panel.
                ax.set_ylim(top=1.5 * ax.get_ylim()[1])
    return axes


def _new_panels(n_surveys, n_histograms, width):
    """Axes of a new figure: two rows with a panel for each survey, and a row of histograms."""
    up, below = max(0.22 * width, 1.1), max(0.22 * width, 1.2)
    size = width, 2 * up + below + 2.1
    figure = plt.figure(figsize=size)
    rows = figure.add_gridspec(2, n_surveys, **margins(
        size, (2, n_surveys), right=0.85, bottom=below + 0.9, top=0.45, row_gap=0.75))
    axes = [figure.add_subplot(rows[row, i]) for row in (0, 1) for i in range(n_surveys)]
    row = figure.add_gridspec(1, max(n_histograms, 1), **margins(
        size, (1, max(n_histograms, 1)), top=size[1] - below - 0.4, gap=0.65))
    return axes + [figure.add_subplot(row[i]) for i in range(n_histograms)]
