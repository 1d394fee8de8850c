# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figure 1: where the stars are."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..axes import AXIS_LABELS
from ..columns import floats, survey_names
from ..validation import check_columns
from .panels import SEQUENTIAL, given_axes, shown_range

__all__ = ["plot_catalog"]

STAR_LABELS = {"age": "age [Gyr]", "m_h": "[M/H] [dex]"}


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
                   title=f"{survey}: {np.sum(here):,} stars".removeprefix(": "))
        if "norm" not in kwargs and "C" not in kwargs:
            most = max(np.max(np.asarray(mesh.get_array()), initial=1) for mesh in drawn)
            for mesh in drawn:
                mesh.set_norm(LogNorm(1, max(most, 2)))
        for ax, mesh in zip(panels, drawn, strict=True):
            ax.figure.colorbar(mesh, ax=ax, label="stars in a hexagon")
    for ax, name in zip(axes[2 * n:], quantities, strict=True):
        values = floats(catalog, name)
        bins = np.linspace(*shown_range(values[np.isfinite(values)]), 50)
        for survey in surveys:
            here = np.isfinite(values) & (names == survey)
            if here.any():
                ax.hist(values[here], bins, histtype="step", label=survey or None)
        ax.set(xlabel=STAR_LABELS[name], ylabel="stars", xlim=bins[[0, -1]])
        if any(surveys):
            ax.legend()
    return axes
