# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Panels, colours and limits that all figures share."""

import matplotlib.pyplot as plt
import numpy as np

from ..exceptions import RcasymError
from ..files import whole_file

__all__ = ["new_axes", "panel_axes", "bar_axes", "given_axes", "shown_range", "save_figure",
           "DIVERGING", "SEQUENTIAL"]

# Zero is yellow: a voxel without a difference is not taken for an empty one, which is white.
DIVERGING = "RdYlBu_r"
SEQUENTIAL = "viridis"
FIGURE_SUFFIXES = (".png", ".pdf")


def new_axes(n_rows, n_columns, panel, **kwargs):
    _, axes = plt.subplots(n_rows, n_columns, squeeze=False, layout="constrained",
                           figsize=(panel[0] * n_columns, panel[1] * n_rows), **kwargs)
    return axes


def panel_axes(n_rows, n_columns, panel, title):
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


def bar_axes(panels):
    """Axes for a colour bar at the right of the panels."""
    figure = panels[0].figure
    boxes = [ax.get_position() for ax in panels]
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    width, _ = figure.get_size_inches()
    return figure.add_axes([max(box.x1 for box in boxes) + 0.12 / width, bottom, 0.13 / width,
                            top - bottom])


def given_axes(axes, n_panels, what):
    axes = np.array(axes, dtype=object).ravel()
    if len(axes) != n_panels:
        raise RcasymError(f"axes must hold {n_panels} Axes for {what}; got {len(axes)}")
    return axes


def shown_range(values):
    """Limits that hold all but one in a thousand values at either end, with a margin."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


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
