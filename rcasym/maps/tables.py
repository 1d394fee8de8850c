# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Tables of bins: their edges, the digits that they show, and the largest offsets."""

import numpy as np
from astropy.table import QTable

__all__ = ["bin_edges", "list_largest_offsets", "set_formats", "slice_edges"]


def slice_edges(binning, n_rows=1):
    """Return the edges of azimuth and age of each slice, ``n_rows`` times each."""
    shape = binning.shape[:-2]
    where = np.indices(shape).reshape(len(shape), binning.n_slices)
    return {f"{axis.name}_{end}": np.repeat(axis.edges[bins + k], n_rows)
            for axis, bins in zip(binning.axes[:-2], where, strict=True)
            for k, end in enumerate(("min", "max"))}


def bin_edges(binning):
    """Return the edges of each bin of azimuth, age and abs(Z), the last varying fastest."""
    edges = slice_edges(binning, len(binning.abs_Z))
    for k, end in enumerate(("min", "max")):
        heights = binning.abs_Z.edges[k:][:len(binning.abs_Z)]
        edges[f"abs_Z_{end}"] = np.tile(heights, binning.n_slices)
    return edges


def set_formats(table):
    """Set the digits that a table shows; all digits are kept."""
    for name, column in table.columns.items():
        if name.endswith(("_min", "_max")):
            column.info.format = "g"
        elif column.dtype.kind == "f":
            column.info.format = ".2g" if name.startswith("p_value") else ".3f"
    return table


def list_largest_offsets(amap, n, min_count):
    """Return the voxels with the largest offsets; see `rcasym.AsymmetryMap.largest_offsets`."""
    size = np.where(amap.count >= min_count, np.abs(amap.offset.value), np.nan).ravel()
    order = np.argsort(-size, kind="stable")
    order = order[np.isfinite(size[order])][:n]
    where = np.unravel_index(order, amap.binning.shape)
    table = QTable()
    for axis, bin_ in zip(amap.binning.axes, where, strict=True):
        table[f"{axis.name}_min"] = axis.edges[bin_]
        table[f"{axis.name}_max"] = axis.edges[bin_ + 1]
    for name in ("count", "offset", "mean_error"):
        table[name] = getattr(amap, name)[where]
    return set_formats(table)
