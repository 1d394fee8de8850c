# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Widths, panels, colours and limits that all figures share."""

from functools import wraps
from numbers import Real
from textwrap import wrap

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from ..exceptions import RcasymError
from ..utils.files import whole_file

__all__ = ["BESIDE", "COLUMN_WIDTHS", "DIVERGING", "SEQUENTIAL", "own_figure", "new_axes",
           "panel_axes", "panel_bar", "panel_title", "panel_legend", "legend_shape", "margins",
           "given_axes", "shown_range", "save_figure"]

# Inches; \columnwidth and \textwidth of the two columns of AASTeX 6.31.
COLUMN_WIDTHS = {"single": 3.35, "double": 7.1}
# Panels of wider figures are beside each other, of others one above the other [inches].
BESIDE = 5
# For figures that are printed in their own size; AAS asks for 6 points or more.
STYLE = {"font.size": 8, "axes.titlesize": 7.5, "axes.labelsize": 8, "xtick.labelsize": 7,
         "ytick.labelsize": 7, "legend.fontsize": 7, "figure.titlesize": 8,
         "axes.linewidth": 0.6, "hatch.linewidth": 0.4}
# The lightness grows throughout, so that the sign can be read in grey and by colour-blind readers
# (a linear diverging map, Kovesi 2015, arXiv:1509.03700). Zero is grey: it is not taken for empty,
# which is white.
DIVERGING = LinearSegmentedColormap.from_list("blue-grey-yellow", [
    "#03318d", "#3849a9", "#6666a8", "#898989", "#baa558", "#e0c244", "#ffe172"])
SEQUENTIAL = "viridis"
FIGURE_SUFFIXES = (".png", ".pdf")


def own_figure(plot):
    """Let ``plot`` draw a new figure in the style of a journal, and given axes as they are."""
    @wraps(plot)
    def styled(*args, width=None, **kwargs):
        if kwargs.get("axes", kwargs.get("ax")) is not None:
            if width is not None:
                raise RcasymError(f"width must be left out where axes are given; got {width!r}")
            return plot(*args, **kwargs)
        with plt.rc_context(STYLE):
            drawn = plot(*args, width=_inches(width), **kwargs)
            for ax in np.ravel(drawn)[0].figure.axes:
                # Ticks that are only made when the figure is drawn have the user's style otherwise.
                ax.tick_params(which="both", labelsize=STYLE["xtick.labelsize"])
        return drawn
    return styled


def _inches(width):
    """The width of a figure in inches, None for that which suits it."""
    if width is None:
        return None
    if isinstance(width, str) and width in COLUMN_WIDTHS:
        return COLUMN_WIDTHS[width]
    inch = u.imperial.inch
    if isinstance(width, u.Quantity) and width.isscalar and width.unit.is_equivalent(inch):
        width = width.to_value(inch)
    if not (isinstance(width, Real) and not isinstance(width, bool) and 1 <= width <= 100):
        raise RcasymError(f"width must be {' or '.join(map(repr, COLUMN_WIDTHS))}, a length, or "
                          f"inches between 1 and 100; got {width!r}")
    return float(width)


def new_axes(n_rows, n_columns, width, height):
    """Axes of a new figure that is ``width`` inches wide, each row ``height`` inches high."""
    return plt.subplots(n_rows, n_columns, squeeze=False, layout="constrained",
                        figsize=(width, n_rows * height))[1]


def margins(size, shape, *, left=0.58, right=0.15, bottom=0.4, top=0.3, gap=0.07, row_gap=0.42):
    """Where a grid of panels is in a figure, as matplotlib has it; all lengths in inches.

    Fixed margins: a layout that measures every label takes longer than the drawing.
    """
    (width, height), (n_rows, n_columns) = size, shape
    across = (width - left - right - (n_columns - 1) * gap) / n_columns
    up = (height - bottom - top - (n_rows - 1) * row_gap) / n_rows
    return {"left": left / width, "right": 1 - right / width, "bottom": bottom / height,
            "top": 1 - top / height, "wspace": gap / across, "hspace": row_gap / up}


def panel_axes(n_rows, n_columns, width, title, *, bars="right", share_Z=True, row_gap=0.42):
    """Panels with common axes, and room for colour bars at the ``bars`` side."""
    lengths = {"right": 0.85, "top": 0.58 if title else 0.4, "gap": 0.07, "row_gap": row_gap}
    if bars == "bottom":
        lengths |= {"right": 0.15, "bottom": 1.0}
    if not share_Z:
        lengths["gap"] = 0.3
    across = (width - 0.58 - lengths["right"] - (n_columns - 1) * lengths["gap"]) / n_columns
    height = (lengths.get("bottom", 0.4) + n_rows * max(0.72 * across, 0.9)
              + (n_rows - 1) * row_gap + lengths["top"])
    figure, axes = plt.subplots(
        n_rows, n_columns, squeeze=False, sharex=True,
        sharey=True if share_Z else "row" if bars == "right" else "col", figsize=(width, height),
        gridspec_kw=margins((width, height), (n_rows, n_columns), **lengths))
    panel_title(figure, title)
    # The last label of R would touch the first one of the next panel.
    axes[0, 0].xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], prune="upper"))
    return axes


def panel_title(figure, title):
    """What all panels have in common, at the top of a figure with fixed margins."""
    figure.suptitle(title, y=1 - 0.06 / figure.get_figheight(), va="top")


def legend_shape(n_labels, most):
    """Columns of a legend below the panels, ``most`` or fewer, and the inches that it takes."""
    n_rows = -(-n_labels // most)
    return -(-n_labels // n_rows), 0.17 + 0.146 * n_rows


def panel_legend(ax, n_columns):
    """A legend at the bottom of a new figure, where it hides no point."""
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="lower center", ncols=n_columns)


def panel_bar(mesh, panels, label, *, bars="right", **kwargs):
    """A colour bar at the right of the panels of a new figure, or at the bottom of the figure."""
    figure = panels[0].figure
    width, height = figure.get_size_inches()
    boxes = [ax.get_position() for ax in panels]
    x0, x1 = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    y0, y1 = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    if bars == "bottom":
        place, length = [x0, 0.53 / height, x1 - x0, 0.09 / height], (x1 - x0) * width
    else:
        place, length = [x1 + 0.07 / width, y0, 0.1 / width, y1 - y0], (y1 - y0) * height
    bar = figure.colorbar(mesh, cax=figure.add_axes(place),
                          orientation="horizontal" if bars == "bottom" else "vertical", **kwargs)
    # Some 15 letters an inch.
    label = label.replace("$-$", "\N{MINUS SIGN}")
    bar.set_label("\n".join(wrap(label, max(int(15 * length), 15))))


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
    """Save the figure of ``axes`` as ``stem.png`` and ``stem.pdf``, and close it.

    Parameters
    ----------
    axes : `~matplotlib.axes.Axes` or array of these
        What a ``plot`` method gives.
    stem : path-like
        The files without their endings.
    overwrite : bool, optional
        Whether to replace existing files; by default False.

    Raises
    ------
    OSError
        If a file exists, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from rcasym import DiskBinning
    >>> from rcasym.plotting import save_figure
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_figure(DiskBinning().plot(), f"{folder}/grid")
    ...     print(sorted(path.name for path in Path(folder).iterdir()))
    ['grid.pdf', 'grid.png']
    """
    figure = np.ravel(axes)[0].figure
    if figure.get_layout_engine():
        # Laid out once, not again for each file.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    for suffix in FIGURE_SUFFIXES:
        with whole_file(f"{stem}{suffix}", overwrite=overwrite) as part:
            figure.savefig(part, format=suffix[1:], dpi=200)
    plt.close(figure)
