# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The style, colours, panels and legends that all figures share."""

from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from ..exceptions import RcasymError
from ..utils.files import whole_file
from ..utils.validation import check_choice

# Inches; \columnwidth and \textwidth of the two columns of AASTeX 6.31.
WIDTHS = {"single": 3.35, "double": 7.1}
TYPE_42 = {"pdf.fonttype": 42, "ps.fonttype": 42}
NO_LAYOUT = {"figure.autolayout": False, "figure.constrained_layout.use": False}
# For figures that are printed at their own size; the AAS asks for 6 points or more. There are no
# font families, since matplotlib looks these up again when a figure is saved.
STYLES = {"aastex": {
    "font.size": 8, "axes.titlesize": 7.5, "axes.labelsize": 8, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "legend.fontsize": 7, "figure.titlesize": 8, "figure.labelsize": 8,
    "axes.linewidth": 0.6, "hatch.linewidth": 0.4, **TYPE_42}}
# Figures that are wider, in units of the font size, have room for panels beside each other.
WIDE = 55
# The lightness increases throughout, so that the sign can be read in grey and by colour-blind
# readers (a linear diverging map, Kovesi 2015, arXiv:1509.03700). Zero is grey, so that it differs
# from empty voxels, which are white.
DIVERGING = LinearSegmentedColormap.from_list("blue-grey-yellow", [
    "#03318d", "#3849a9", "#6666a8", "#898989", "#baa558", "#e0c244", "#ffe172"])
SEQUENTIAL = "viridis"


@contextmanager
def style(name, width="double"):
    """Context manager in which figures have the style of a journal.

    It sets matplotlib's rcParams, and restores them on exit. Figures that a ``plot`` method
    made keep their size and their font sizes when they are saved later. The type of the fonts in
    a PDF is chosen when it is saved: save within the context, or with `save_figure`.

    Parameters
    ----------
    name : {"aastex"}
        The journals of the AAS: text in 6.7 to 8 pt, and Type 42 fonts in PDF and PostScript files.
    width : {"double", "single"}, optional
        Width of new figures: both columns of AASTeX 6.31, 7.1 inches (default), or one column,
        3.35 inches. Panels are arranged to fit.

    Yields
    ------
    None
        Nothing; figures made within the context have the style.

    Raises
    ------
    RcasymError
        If there is no such style or width.

    Examples
    --------
    >>> from rcasym import DiskBinning
    >>> from rcasym.plotting import style
    >>> with style("aastex", width="single"):
    ...     ax = DiskBinning().plot()
    >>> print(ax.figure.get_figwidth(), ax.xaxis.label.get_fontsize())
    3.35 8.0
    """
    settings = STYLES[check_choice("name", name, tuple(STYLES))]
    inches = WIDTHS[check_choice("width", width, tuple(WIDTHS))]
    with plt.rc_context(settings | {"figure.figsize": (inches, 0.7 * inches)}):
        yield


def figure_width():
    """Return the width of a new figure in units of the font size."""
    return plt.rcParams["figure.figsize"][0] * 72 / plt.rcParams["font.size"]


def arrange_panels(n_panels, panel_width, most=np.inf, n_blocks=1):
    """Return the numbers of panels in rows of similar length that fit, -1 where there is none."""
    # The labels at the left and a colour bar at the right take about 12.
    fitting = np.clip((figure_width() - 12) // panel_width, 2, most)
    n_rows = int(np.ceil(n_panels / fitting))
    n_columns = -(-n_panels // n_rows)
    numbers = np.full((n_blocks, n_rows * n_columns), -1)
    numbers[:, :n_panels] = np.arange(n_blocks * n_panels).reshape(n_blocks, n_panels)
    return numbers.reshape(-1, n_columns).tolist()


def new_axes(mosaic, height=None, title="", **kwargs):
    """Return the axes of a new figure, ``height`` font sizes high, as numbered in ``mosaic``."""
    size = list(plt.rcParams["figure.figsize"])
    if height is not None:
        size[1] = height * plt.rcParams["font.size"] / 72
    figure, axes = plt.subplot_mosaic(mosaic, empty_sentinel=-1, layout="constrained",
                                      figsize=size, **kwargs)
    if title:
        figure.suptitle(title)
    for ax in axes.values():
        keep_tick_size(ax)
    return np.array([axes[number] for number in sorted(axes)], dtype=object)


def keep_tick_size(ax):
    """Fix the size of the tick labels, on which their number depends whenever they are drawn."""
    for axis in "xy":
        ax.tick_params(axis, which="both", labelsize=plt.rcParams[f"{axis}tick.labelsize"])


def check_axes(axes, n_panels, what):
    """Return the axes as an array of one dimension."""
    axes = np.array(axes, dtype=object).ravel()
    if len(axes) != n_panels:
        raise RcasymError(f"axes must hold {n_panels} Axes for {what}; got {len(axes)}")
    return axes


def label_outer(axes):
    """Keep the labels of the first column and of the lowest panel of each column."""
    lowest = {ax.get_subplotspec().colspan.start: ax for ax in axes}.values()
    for ax in axes:
        left, low = ax.get_subplotspec().is_first_col(), ax in lowest
        ax.tick_params(labelleft=left, labelbottom=low)
        ax.set(xlabel=ax.get_xlabel() if low else "", ylabel=ax.get_ylabel() if left else "")


def add_colorbar(mesh, axes, label, **kwargs):
    """Draw a colour bar beside all ``axes``."""
    figure = axes[0].figure
    if figure.get_layout_engine():
        kwargs = {"pad": 0.01} | kwargs
    keep_tick_size(figure.colorbar(mesh, ax=list(axes), label=label, **kwargs).ax)


def add_legend(ax, below=True):
    """Draw a legend within ``ax``, or below all panels in as few rows as fit."""
    handles, labels = ax.get_legend_handles_labels()
    if not below and labels:
        ax.legend()
    for n_rows in range(1, len(labels) + 1) if below else ():
        ax.figure.legends.clear()
        legend = ax.figure.legend(handles, labels, loc="outside lower center",
                                  ncols=-(-len(labels) // n_rows))
        # Text is a few percent wider at some resolutions.
        if legend.get_window_extent().width < 0.93 * ax.figure.bbox.width:
            break


def find_limits(values):
    """Return limits that hold all but one in a thousand values at either end, with a margin."""
    if len(values) == 0:
        return 0.0, 1.0
    low, high = np.quantile(values, [0.001, 0.999])
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def save_figure(axes, stem, *, overwrite=False):
    """Save the figure of ``axes`` as ``stem.png`` and ``stem.pdf``, and close it.

    The PNG has 200 dots per inch, the PDF Type 42 fonts.

    Parameters
    ----------
    axes : `~matplotlib.axes.Axes` or array of these
        Axes of the figure, as a ``plot`` method returns them.
    stem : path-like
        The paths of the files without their endings.
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
    # The canvas has the whole figure, also for axes of a subfigure.
    figure = np.ravel(axes)[0].figure.canvas.figure
    engine = figure.get_layout_engine()
    with plt.rc_context(TYPE_42 | NO_LAYOUT):
        if engine:
            # The layout takes as long as the drawing: it is computed once for both files.
            engine.execute(figure)
            # Not "none", with which savefig draws each figure twice.
            figure.set_layout_engine(None)
        for suffix in ("png", "pdf"):
            with whole_file(f"{stem}.{suffix}", overwrite=overwrite) as part:
                figure.savefig(part, format=suffix, dpi=200)
    plt.close(figure)
