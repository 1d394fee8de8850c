# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of dask DataFrames and HATS catalogues: one state per partition, summed by a tree."""

from pathlib import Path

import numpy as np
from astropy.table import Column, Table

from ..catalog.columns import LostValues
from ..catalog.frames import check_frame
from ..exceptions import CatalogError, RcasymError
from ..utils.files import reading
from ..utils.parallel import one_thread
from .batches import bin_batch, merge_states
from .stars import StarArrays, find_needed_columns

__all__ = ["bin_partitions"]

# States that are added up at a time. The tree has a fixed shape, so that sums are reproducible.
FAN_IN = 8


def bin_partitions(catalog, binning, *, columns=None, units=None, frame=None, medians=True):
    """Return the state of the stars of all partitions, and their frame.

    See `rcasym.AsymmetryMap.from_dask`.
    """
    try:
        import dask
    except ImportError:
        raise RcasymError("from_dask needs dask, which the extra 'dask' brings: "
                          "pip install 'rcasym[dask]'") from None
    frame = check_frame(frame)
    catalog = _open_catalog(catalog)
    names, _ = find_needed_columns(list(catalog.columns), binning, columns, units)
    needed = list(dict.fromkeys(names.values()))
    parts = catalog[needed].to_delayed()
    labels = [f"partition {k} of {len(parts)}" for k in range(len(parts))]

    def bin_partition(label, stars):
        # dask keeps the cores busy with other partitions.
        with one_thread(), reading(label):
            table = Table({name: _to_column(stars[name]) for name in needed}, copy=False)
            state, _, lost = bin_batch(label, table, binning, columns=names, units=units,
                                       frame=frame, medians=medians)
            return state, lost

    nodes = [dask.delayed(bin_partition, pure=False)(label, part)
             for label, part in zip(labels, parts, strict=True)]
    while len(nodes) > 1:
        nodes = [dask.delayed(_merge, pure=False)(nodes[k:k + FAN_IN])
                 for k in range(0, len(nodes), FAN_IN)]
    if not nodes:
        return StarArrays.empty(binning).bin(binning, medians), frame
    try:
        ((state, lost),) = dask.compute(*nodes)
    except RcasymError:
        raise
    except Exception as error:
        raise _name_partition(labels, parts, error) from error
    lost.warn()
    return state, frame


def _open_catalog(catalog):
    if isinstance(catalog, str | Path):
        try:
            import lsdb
        except ImportError:
            raise RcasymError("HATS catalogues need lsdb, which the extra 'lsdb' brings: "
                              "pip install 'rcasym[lsdb]'") from None
        with reading(catalog, "a HATS catalogue"):
            return lsdb.open_catalog(catalog, columns="all")
    if hasattr(catalog, "columns") and hasattr(catalog, "to_delayed"):
        return catalog
    raise CatalogError("catalog must be an lsdb Catalog, the path of a HATS catalogue or a dask "
                       f"DataFrame; got {type(catalog).__name__}")


def _to_column(series):
    """Return a pandas column for astropy, missing numbers as NaN."""
    if getattr(series.dtype, "kind", "O") in "iuf":
        return Column(series.to_numpy(dtype=float, na_value=np.nan))
    return Column(np.asarray(series))


def _merge(parts):
    states, losses = map(list, zip(*parts, strict=True))
    lost = LostValues()
    for own in losses:
        lost.merge(own)
    with one_thread():
        return merge_states(states), lost


def _name_partition(labels, parts, error):
    """Return an error that names the partition that cannot be loaded, if there is one."""
    import dask

    where = "the partitions"
    if type(error).__name__ not in ("KilledWorker", "CancelledError"):
        for label, part in zip(labels, parts, strict=True):
            try:
                dask.delayed(len)(part).compute()
            except Exception as own:
                where, error = label, own
                break
    reason = " ".join(str(error).split())[:300]
    return CatalogError(f"cannot read stars from {where}: {type(error).__name__}: {reason}")
