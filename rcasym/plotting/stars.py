# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 1: where the stars are."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..axes import AXIS_LABELS
from ..columns import floats, survey_names
from ..validation import check_columns
from .panels import COLUMN_WIDTHS, SEQUENTIAL, given_axes, own_figure, shown_range

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
        figure = plt.figure(figsize=(width, 0.6 * width + 2.6), layout="constrained")
        rows = figure.add_gridspec(3, 1)
        hexbins = [rows[row].subgridspec(1, n) for row in (0, 1)]
        histograms = rows[2].subgridspec(1, max(len(quantities), 1))
        axes = [figure.add_subplot(row[i]) for row in hexbins for i in range(n)]
        axes += [figure.add_subplot(histograms[i]) for i in range(len(quantities))]
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
    return axes
