# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The permutation test of North against South."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ..exceptions import CatalogWarning
from ..statistics.estimates import ROUNDING_ERROR, combine
from ..utils.arrays import ReadOnlyArrays, lock
from ..utils.parallel import generators, in_threads
from ..utils.progress import progress
from ..utils.validation import check_rng, check_whole, warn
from .hemispheres import pair_voxels
from .tables import bin_edges, set_formats, slice_edges

__all__ = ["AsymmetryTest", "permutation_test"]

# Permutations drawn at a time.
BATCH = 500


@dataclass(frozen=True, eq=False, repr=False)
class AsymmetryTest(ReadOnlyArrays):
    """The result of `AsymmetryMap.test <rcasym.AsymmetryMap.test>`; immutable.

    Parameters
    ----------
    p_value : float
        Of the signed mean of the differences over all bins, two-sided.
    p_value_squares : float
        Of the sum of the squares of the differences in units of their errors, over all bins.
    difference, difference_error : `~astropy.units.Quantity`
        The signed mean and its standard error [dex].
    n : int
        Number of permutations.
    R_min, R_max : `~astropy.units.Quantity`
        The range of R of the stars in the test.
    table : `~astropy.table.QTable`
        One row per bin (``level`` is ``"bin"``), one per slice of azimuth and age (``"slice"``),
        and one for all (``"all"``): edges; ``n_north`` and ``n_south``, stars in voxels that have
        both sides, and ``n_unpaired``, stars in voxels with one side only; ``difference`` and
        ``difference_error`` [dex], the ``matched_difference`` of a profile; ``p_value`` and
        ``p_value_squares``, and both with ``_corrected`` for the number of bins or slices
        (Benjamini & Hochberg 1995). NaN where nothing can be compared.

    Notes
    -----
    The difference of a bin is the mean over its voxels of North minus South, weighted with
    n_N n_S / (n_N + n_S). The signed statistic is the mean of these over the bins with the same
    weights; the other is the sum of their squares in units of their errors over all permutations.
    p = (k + 1) / (n + 1), where k permutations are at least as far from zero (Phipson & Smyth 2010,
    Stat. Appl. Genet. Mol. Biol. 9, 39). Voxels below ``min_count`` are included. Remove duplicates
    first, with `RedClumpCatalog.concatenate <rcasym.RedClumpCatalog.concatenate>`. Gradients inside
    a voxel are not removed.

    Examples
    --------
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> test = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).test(n=99, rng=1)
    >>> print(test.p_value, f"{test.difference:.3f} ± {test.difference_error:.3f}")
    0.01 0.050 dex ± 0.004 dex
    >>> print(len(test.bins), len(test.slices), len(test.table))
    42 6 49
    """

    p_value: float
    p_value_squares: float
    difference: u.Quantity
    difference_error: u.Quantity
    n: int
    R_min: u.Quantity
    R_max: u.Quantity
    table: QTable

    def __post_init__(self):
        object.__setattr__(self, "table", self.table.copy())
        for column in self.table.columns.values():
            lock(column)

    def __repr__(self):
        return (f"<AsymmetryTest: North - South = {self.difference.value:+.4f} ± "
                f"{self.difference_error.value:.4f} dex, p_value = {self.p_value:.2g}, "
                f"p_value_squares = {self.p_value_squares:.2g}; {self.n:,} permutations>")

    @property
    def bins(self):
        """The rows of ``table`` for bins, `~astropy.table.QTable`."""
        return self.table[self.table["level"] == "bin"]

    @property
    def slices(self):
        """The rows of ``table`` for slices of azimuth and age, `~astropy.table.QTable`."""
        return self.table[self.table["level"] == "slice"]


def permutation_test(binning, state, R_bins, n, rng, show_progress):
    """Return the test of a map; see `rcasym.AsymmetryMap.test`."""
    check_whole("n", n, least=1)
    rng = check_rng(rng)
    n_heights = len(binning.abs_Z)
    n_slices = binning.n_slices
    n_bins = n_slices * n_heights
    # A map without the stars' values cannot be permuted: fail early.
    state.values  # noqa: B018
    sums = pair_voxels(binning, state, R_bins)
    if not sums.weight.any():
        warn("North and South cannot be compared: no voxel between R_min and R_max has stars on "
             f"both sides ({sums.n_unpaired.sum():,} stars)", CatalogWarning)
    usable = sums.null_std > ROUNDING_ERROR
    scale = np.where(usable, sums.null_std, 1)

    def statistics(totals):
        """Return the signed sums, and those of the squares, of bins, slices and all."""
        squares = (totals / scale)**2
        levels = []
        for values in (totals, squares):
            slices = values.reshape(*values.shape[:-1], n_slices, n_heights).sum(axis=-1)
            levels += [values, slices, slices.sum(axis=-1, keepdims=True)]
        return np.abs(np.concatenate(levels, axis=-1))

    measured = statistics(sums.sum)
    as_extreme = np.zeros(len(measured), int)
    sizes = [min(BATCH, n - start) for start in range(0, n, BATCH)]

    def count(size, own_rng):
        return (statistics(sums.permuted(size, own_rng)) >= measured - ROUNDING_ERROR).sum(axis=0)

    counts = in_threads(count, sizes, generators(rng, len(sizes)))
    for _, counted in zip(progress(sizes, "permuting North and South", show=show_progress), counts,
                          strict=True):
        as_extreme += counted
    p_values = ((as_extreme + 1) / (n + 1)).reshape(2, -1)

    def levels(values):
        slices = values.reshape(n_slices, n_heights)
        return np.concatenate([values, slices.sum(axis=-1), values.sum(keepdims=True)])

    estimates = [(sums.difference, sums.error)]
    for group in (np.repeat(np.arange(n_slices), n_heights), np.zeros(n_bins, int)):
        estimates.append(combine(sums.difference, sums.error, sums.weight, group, group[-1] + 1))
    difference, error = np.concatenate(estimates, axis=1)
    p_values[:, np.isnan(difference)] = np.nan

    table = QTable({"level": ["bin"] * n_bins + ["slice"] * n_slices + ["all"]})
    Z = binning.abs_Z.edges
    ends = {"abs_Z_min": Z[0], "abs_Z_max": Z[-1]} | {
        f"{axis.name}_{end}": axis.edges[k] for axis in binning.axes[:-2]
        for k, end in ((0, "min"), (-1, "max"))}
    of_slices = slice_edges(binning)
    for name, edges in bin_edges(binning).items():
        middle = of_slices.get(name, np.repeat(ends[name], n_slices))
        table[name] = np.concatenate([edges, middle, ends[name][np.newaxis]])
    for name in ("n_north", "n_south", "n_unpaired"):
        table[name] = levels(getattr(sums, name))
    table["difference"], table["difference_error"] = difference * u.dex, error * u.dex
    for name, values in zip(("p_value", "p_value_squares"), p_values, strict=True):
        table[name] = values
        table[f"{name}_corrected"] = np.concatenate([
            _correct(values[:n_bins]), _correct(values[n_bins:-1]), values[-1:]])
    edges = binning["R"].edges
    return AsymmetryTest(float(p_values[0, -1]), float(p_values[1, -1]), difference[-1] * u.dex,
                         error[-1] * u.dex, int(n), edges[R_bins.start], edges[R_bins.stop],
                         set_formats(table))


def _correct(p_values):
    """Return false discovery rates (Benjamini & Hochberg 1995, JRSS B 57, 289, Equation 1)."""
    corrected = np.full(p_values.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    falling = known[np.argsort(-p_values[known], kind="stable")]
    ranks = np.arange(len(known), 0, -1)
    corrected[falling] = np.minimum.accumulate(
        np.minimum(p_values[falling] * len(known) / ranks, 1))
    return corrected
