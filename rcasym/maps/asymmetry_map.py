# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of metallicity in voxels."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.coordinates import Galactocentric

from ..exceptions import BinningError, CatalogWarning, ValuesNotKeptError
from ..utils.arrays import ReadOnlyArrays, frozen
from ..utils.validation import check_same_frame, check_whole, warn
from ..voxels import VoxelMoments, VoxelState
from .batches import bin_batches
from .binning import DiskBinning, check_binning
from .hemispheres import find_R_bins, split_hemispheres, sum_over_Z, warn_about_stars_astride
from .io import read_map, write_map
from .partitions import bin_partitions
from .permutation_test import permutation_test
from .profile import ProfileRequest, bootstrap_profile, compute_profile
from .stars import StarArrays
from .tables import list_largest_offsets

__all__ = ["AsymmetryMap"]

__doctest_requires__ = {"AsymmetryMap.from_dask": ["dask.dataframe"]}


@dataclass(frozen=True, eq=False, repr=False)
class AsymmetryMap(ReadOnlyArrays):
    """Metallicity in voxels of the Galactic disk; immutable.

    Made by `from_catalog`, `from_batches` or `from_dask`. Arrays have the shape of the binning:
    azimuth (if any), age (if any), R and Z. Voxels with fewer than ``binning.min_count`` stars are
    NaN in all arrays except ``count``. Maps of the same binning add up: ``a + b``.

    Parameters
    ----------
    binning : DiskBinning
        The grid.
    state : `~rcasym.voxels.VoxelState` or `~rcasym.voxels.VoxelMoments`
        The [M/H] of the stars in each voxel, or its moments with ``medians=False``.
    frame : `~astropy.coordinates.Galactocentric`
        The frame of R, phi and Z.

    Notes
    -----
    The offset of a voxel is its mean [M/H] minus the mean of all stars of its azimuth, age and R
    bin at any height: the radial gradient and its change with azimuth and age drop out (Wang et al.
    2025, Section 3).

    Examples
    --------
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(20_000))
    >>> amap.offset.shape, amap.offset.unit
    ((6, 15, 14), Unit("dex"))
    >>> axes = amap.plot()
    """

    binning: DiskBinning
    state: VoxelState | VoxelMoments
    frame: Galactocentric

    @classmethod
    def from_catalog(cls, catalog, binning=None):
        """Make the map of a catalogue.

        Parameters
        ----------
        catalog : RedClumpCatalog
            Stars with ``galcen``, ``m_h`` and, for a binning with an age axis, ``age``.
        binning : DiskBinning, optional
            By default ``DiskBinning()``, the grid of the paper.

        Returns
        -------
        AsymmetryMap
            Stars without a value that the map needs are counted in ``n_masked``, stars outside the
            grid in ``n_outside``.

        Raises
        ------
        CatalogError
            If a needed column is missing.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> AsymmetryMap.from_catalog(make_mock_catalog(2000))
        <AsymmetryMap: 1,928 stars in phi 6 x R 15 x Z 14 voxels, 214 of 1,260 filled; ...>
        """
        binning = check_binning(binning)
        stars = StarArrays.from_catalog(catalog, binning)
        return cls._from_state(binning, stars.bin(binning), stars.frame)

    @classmethod
    def from_batches(cls, batches, binning=None, *, columns=None, units=None, frame=None,
                     medians=True, workers=1, progress=True):
        """Make the map of stars that come in batches, from files or tables.

        Parameters
        ----------
        batches : path-like or iterable
            A path, or paths, catalogues and other tables of stars. FITS and Parquet files are read
            half a million stars at a time, only the columns that are needed; a folder stands for
            the FITS and Parquet files in it.
        binning : DiskBinning, optional
            By default ``DiskBinning()``.
        columns, units : dict, optional
            Names and units of the columns of tables and files, as in
            `~rcasym.RedClumpCatalog.from_table`.
        frame : `~astropy.coordinates.Galactocentric`, optional
            The frame of R, phi and Z. By default that of the catalogues, in memory or as they were
            written to files; for other tables the paper's.
        medians : bool, optional
            Whether to keep the values of all stars, 8 bytes per star; by default True. With False,
            memory does not grow with the number of stars: the map has counts, means, standard
            deviations and the profile of means, and whatever needs the values raises a
            `~rcasym.exceptions.ValuesNotKeptError`.
        workers : int, optional
            Batches processed at the same time; by default 1. The result does not depend on it.
        progress : bool, optional
            Whether to show progress on a terminal; by default True.

        Returns
        -------
        AsymmetryMap
            Bit-identical to `from_catalog` of all stars together, in any order; with
            ``medians=False``, equal to rounding.

        Raises
        ------
        CatalogError
            If there is no batch, a file cannot be read or lacks a column, or frames differ; the
            message names the batch.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> amap = AsymmetryMap.from_batches(make_mock_catalog(1000, rng=k) for k in range(3))
        >>> print(amap.n_stars + amap.n_outside + amap.n_masked)
        3000
        """
        binning = check_binning(binning)
        check_whole("workers", workers, 1)
        return cls._from_state(binning, *bin_batches(
            batches, binning, columns=columns, units=units, frame=frame, medians=medians,
            workers=workers, show_progress=progress))

    @classmethod
    def from_dask(cls, catalog, binning=None, *, columns=None, units=None, frame=None,
                  medians=True):
        """Make the map of a dask DataFrame or a HATS catalogue, one state per partition.

        The work is done by the dask scheduler that is active: a ``distributed.Client``, or by
        default the threads of this process.

        Parameters
        ----------
        catalog : ``lsdb.Catalog``, path-like or ``dask.dataframe.DataFrame``
            Stars, or the path of a HATS catalogue. Without ``units`` their values are in degrees,
            kpc, dex and Gyr.
        binning, columns, units, frame, medians : optional
            As in `from_batches`.

        Returns
        -------
        AsymmetryMap
            Bit-identical to `from_batches` of the same stars.

        Raises
        ------
        CatalogError
            If a partition cannot be read; the message names it.
        RcasymError
            If dask, or for a path lsdb, is not installed.

        Examples
        --------
        >>> import dask.dataframe
        >>> from rcasym import AsymmetryMap
        >>> stars = {"ra": [90.0, 91.0], "dec": [20.0] * 2, "d": [2.0] * 2, "m_h": [-0.1] * 2}
        >>> stars = dask.dataframe.from_dict(stars, npartitions=2)
        >>> AsymmetryMap.from_dask(stars, columns={"distance": "d"}).n_stars
        2
        """
        binning = check_binning(binning)
        return cls._from_state(binning, *bin_partitions(
            catalog, binning, columns=columns, units=units, frame=frame, medians=medians))

    @classmethod
    def _from_state(cls, binning, state, frame):
        if state.n_stars == 0:
            warn("the map is empty: no star is inside the grid "
                 f"({state.n_outside:,} outside, {state.n_masked:,} masked)", CatalogWarning)
        return cls(binning, state, frame)

    def __add__(self, other):
        if not isinstance(other, AsymmetryMap):
            return NotImplemented
        if self.binning != other.binning:
            raise BinningError("maps that are added must have the same binning, edges and "
                               f"min_count; got {self.binning!r} and {other.binning!r}")
        check_same_frame([self.frame, other.frame], "maps that are added")
        if type(self.state) is not type(other.state):
            raise ValuesNotKeptError("maps that are added must both keep the values of their stars "
                                     "or both not; got one made with medians=False")
        return AsymmetryMap(self.binning, self.state + other.state, self.frame)

    def __repr__(self):
        sizes = " x ".join(f"{axis.name} {len(axis)}" for axis in self.binning.axes)
        filled = int(np.sum(self.count >= self.binning.min_count))
        return (f"<AsymmetryMap: {self.n_stars:,} stars in {sizes} voxels, {filled:,} of "
                f"{self.binning.size:,} filled; {self.n_outside:,} stars outside, "
                f"{self.n_masked:,} masked>")

    @property
    def n_stars(self):
        """Stars inside the grid, including those in voxels below ``min_count``."""
        return self.state.n_stars

    @property
    def n_outside(self):
        """Stars outside the grid."""
        return self.state.n_outside

    @property
    def n_masked(self):
        """Stars without a position, a metallicity or an age that the map needs."""
        return self.state.n_masked

    @cached_property
    def count(self):
        """Number of stars in each voxel, array of int."""
        return self.state.counts.reshape(self.binning.shape)

    @cached_property
    def mean(self):
        """Mean [M/H] in each voxel, `~astropy.units.Quantity` [dex]."""
        return self._filled(self.state.mean)

    @cached_property
    def median(self):
        """Median [M/H] in each voxel, `~astropy.units.Quantity` [dex]."""
        return self._filled(self.state.median)

    @cached_property
    def std(self):
        """Standard deviation of [M/H] in each voxel (n - 1), `~astropy.units.Quantity` [dex].

        It includes the measurement errors of the stars.
        """
        return self._filled(self.state.std)

    @cached_property
    def mean_error(self):
        """Standard error of the mean, ``std / sqrt(count)``, `~astropy.units.Quantity` [dex]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return _in_dex(self.std.value / np.sqrt(self.count))

    @cached_property
    def radial_mean(self):
        """Mean [M/H] of all stars of each azimuth, age and R bin, at any height.

        `~astropy.units.Quantity` [dex], of the shape of the binning without Z. Stars in voxels
        below ``min_count`` are included; NaN where there are no stars.
        """
        total = sum_over_Z(self.state.total.reshape(self.binning.shape))
        with np.errstate(invalid="ignore"):
            return _in_dex(total / self.count.sum(axis=-1))

    @cached_property
    def offset(self):
        """Mean [M/H] of each voxel minus the radial mean, `~astropy.units.Quantity` [dex].

        The quantity of Figures 3 and 5 of Wang et al. (2025).
        """
        return _in_dex((self.mean - self.radial_mean[..., np.newaxis]).value)

    @cached_property
    def difference(self):
        """Offset in the North minus that in the South, `~astropy.units.Quantity` [dex].

        The last axis is abs(Z), from the mid-plane outward, without a bin astride the mid-plane.
        Positive where the North is more metal rich; NaN where either side is empty.
        """
        north, south = split_hemispheres(self.offset.value)
        return _in_dex(north - south)

    @cached_property
    def difference_error(self):
        """Standard error of ``difference``, `~astropy.units.Quantity` [dex].

        That of the two means: the radial mean is common to both sides and cancels.
        """
        return _in_dex(np.hypot(*split_hemispheres(self.mean_error.value)))

    def _filled(self, values):
        values = values.reshape(self.binning.shape)
        return _in_dex(np.where(self.count >= self.binning.min_count, values, np.nan))

    def largest_offsets(self, n=5, *, min_count=20):
        """List the voxels whose mean differs most from the radial mean.

        Parameters
        ----------
        n : int, optional
            Number of voxels; by default 5.
        min_count : int, optional
            Voxels with fewer stars are skipped, since few stars scatter most; by default 20.

        Returns
        -------
        `~astropy.table.QTable`
            Edges, ``count``, ``offset`` [dex] and ``mean_error`` [dex], the largest first.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> table = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).largest_offsets(3)
        >>> table.colnames[:4], len(table)
        (['phi_min', 'phi_max', 'R_min', 'R_max'], 3)
        """
        check_whole("n", n)
        return list_largest_offsets(self, n, min_count)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def profile(self, R_min=11 * u.kpc, R_max=None, statistic="median", definition="modulus",
                confidence=0.683):
        """Compare North with South as a function of abs(Z), for each azimuth and age.

        Parameters
        ----------
        R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
            Edges of R of the binning, between which stars are used; by default 11 kpc, where the
            asymmetry of Wang et al. (2025) begins, and the last edge.
        statistic : {"median", "mean"}, optional
            Statistic of the stars of all R bins together; by default the median.
        definition : {"modulus", "equation1", "linear"}, optional
            Definition of ``asymmetry``, from the medians N and S: ``"modulus"`` (default) is
            (N - S) / abs(N + S), positive where the North is more metal rich; ``"equation1"`` is
            Eq. 1 of Wang et al. (2025) as printed, (N - S) / (N + S), which has the opposite sign
            where both are below solar; ``"linear"`` is Eq. 1 on 10^[M/H]. The first two diverge
            where N + S passes through zero: they are masked where it is within two errors of zero
            (or within the quantile of ``confidence``, if that is more).
        confidence : float, optional
            Confidence of the intervals; by default 0.683.

        Returns
        -------
        AsymmetryProfile
            One row per bin of azimuth, age and abs(Z). Estimates from fewer than
            ``binning.min_count`` stars on a side are NaN, except ``matched_difference``, which uses
            all voxels that have both sides. ``meta["n_left_out"]`` counts the stars of the map at
            other R, or in a bin astride the mid-plane.

        Raises
        ------
        BinningError
            If ``R_min`` or ``R_max`` is not an edge, or Z has no bins on both sides.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(20_000), DiskBinning.by_age())
        >>> profile = amap.profile(definition="linear")
        >>> len(profile), profile.colnames[:4]
        (42, ['phi_min', 'phi_max', 'age_min', 'age_max'])
        """
        request = ProfileRequest.check(self.binning, R_min, R_max, statistic, definition,
                                       confidence)
        warn_about_stars_astride(self.binning, self.state)
        return compute_profile(self.binning, self.state, self.radial_mean, request)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def test(self, R_min=11 * u.kpc, n=9999, rng=None, *, R_max=None, progress=True):
        """Test with permutations whether North and South differ by more than chance.

        The labels North and South are permuted among the stars of each voxel of azimuth, age, R and
        abs(Z), which keeps the footprint of the surveys. Differences between voxels, such as the
        radial gradient, do not matter.

        Parameters
        ----------
        R_min : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        n : int, optional
            Number of permutations; by default 9,999. The smallest p-value is 1 / (n + 1).
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.
        R_max : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        progress : bool, optional
            Whether to show a progress bar on a terminal; by default True.

        Returns
        -------
        `~rcasym.maps.AsymmetryTest`
            ``p_value``, ``p_value_squares`` and ``table``, by bin and by slice.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> test = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).test(n=999, rng=1)
        >>> test.p_value
        0.001
        >>> test.slices["phi_min", "difference", "p_value_corrected"][1:4].pprint()
        phi_min difference p_value_corrected
          deg      dex
        ------- ---------- -----------------
            -15     -0.004              0.64
             -5      0.072             0.002
              0      0.081             0.002
        """
        R_bins = find_R_bins(self.binning, R_min, R_max)
        warn_about_stars_astride(self.binning, self.state)
        return permutation_test(self.binning, self.state, R_bins, n, rng, progress)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def bootstrap(self, R_min=11 * u.kpc, R_max=None, *, statistic="median", n=1000, rng=None):
        """Draw medians or means of bootstrap samples, for errors that `profile` does not give.

        Parameters
        ----------
        R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        statistic : {"median", "mean"}, optional
            By default the median.
        n : int, optional
            Number of samples; by default 1,000.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        north : `~astropy.units.Quantity`
            [M/H] [dex], shape (n, rows): one column per row of the profile.
        south : `~astropy.units.Quantity`
            The same for the other side.

        Examples
        --------
        The error of the mean difference over the first three bins of the fourth azimuth:

        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> north, south = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).bootstrap(rng=1)
        >>> print((north - south)[:, 21:24].mean(axis=1).std().round(2))
        0.01 dex
        """
        request = ProfileRequest.check(self.binning, R_min, R_max, statistic)
        return bootstrap_profile(self.binning, self.state, request, n, rng)

    def plot(self, quantity="offset", *, hatch_below=None, axes=None, colorbar=True, **kwargs):
        """Draw the map in the R-Z plane, one panel per azimuth and age bin.

        ``plot()`` draws Figure 3 of Wang et al. (2025), for a map `DiskBinning.by_age` Figure 5;
        ``plot(["mean", "radial_mean"])`` draws Figures 7 and 8.

        Parameters
        ----------
        quantity : str or sequence of str, optional
            ``"offset"`` (default), ``"mean"``, ``"radial_mean"``, ``"median"``, ``"std"``,
            ``"mean_error"``, ``"count"`` or ``"difference"``; each of several has its own panels.
        hatch_below : float, optional
            Hatch the voxels of ``"offset"`` and ``"difference"`` that are fewer errors than this
            from zero, or have no error: 2, for example. The error is ``mean_error``, and
            ``difference_error``.
        axes : array of `~matplotlib.axes.Axes`, optional
            Axes to draw on, one per panel; by default those of a new figure.
        colorbar : bool, optional
            Whether to draw the colour bar of each quantity beside its panels; by default True.
        **kwargs
            Passed to `~matplotlib.axes.Axes.pcolormesh`.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            One per panel; for several quantities an array with one row per quantity.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(5000), DiskBinning(phi=None))
        >>> axes = amap.plot("difference", hatch_below=2)
        """
        from ..plotting.maps import plot_map

        return plot_map(self, quantity, hatch_below=hatch_below, axes=axes, colorbar=colorbar,
                        **kwargs)

    write = write_map
    read = classmethod(read_map)


def _in_dex(values):
    return frozen(values * u.dex)
