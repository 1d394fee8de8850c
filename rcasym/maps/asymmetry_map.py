# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps of metallicity in voxels, and how North differs from South."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.coordinates import Galactocentric
from astropy.table import QTable

from ..exceptions import BinningError, CatalogWarning, ValuesNotKeptError
from ..utils.arrays import frozen
from ..utils.validation import check_same_frame, check_whole, warn
from ..voxels import VoxelMoments, VoxelState
from .batches import bin_batches
from .binning import DiskBinning, check_binning
from .hemispheres import check_R_bins, set_formats, warn_about_stars_astride
from .io import read_map, write_map
from .partitions import bin_partitions
from .permutation_test import permutation_test
from .profile import ProfileRequest, bootstrap_profile, compute_profile
from .stars import StarArrays

__all__ = ["AsymmetryMap"]

__doctest_requires__ = {"AsymmetryMap.from_dask": ["dask.dataframe"]}


@dataclass(frozen=True, eq=False, repr=False)
class AsymmetryMap:
    """Metallicity in voxels of the Galactic disk; immutable.

    Made by `from_catalog` or `from_batches`. Arrays have the shape of the binning: azimuth (if
    any), age (if any), R and Z. Voxels with fewer than ``binning.min_count`` stars are NaN in all
    of them but ``count``.

    Parameters
    ----------
    binning : DiskBinning
        The grid.
    state : `~rcasym.voxels.VoxelState` or `~rcasym.voxels.VoxelMoments`
        The [M/H] of the stars in each voxel, or its moments with ``medians=False``.
    frame : `~astropy.coordinates.Galactocentric`
        The frame that R, phi and Z are measured in.

    Notes
    -----
    The offset of a voxel is its mean [M/H] less the mean of all stars of its azimuth, age and R
    bin, whatever their height: the radial gradient and its change with azimuth and age drop out
    (Wang et al. 2025, Section 3).

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
        """The map of a catalogue.

        Parameters
        ----------
        catalog : RedClumpCatalog
            Stars with ``galcen``, ``m_h`` and, where the binning has an age axis, ``age``.
        binning : DiskBinning, optional
            By default ``DiskBinning()``, the grid of the paper.

        Returns
        -------
        AsymmetryMap
            Stars without a position, [M/H] or age that it needs are counted in ``n_masked``, the
            others outside the grid in ``n_outside``.

        Raises
        ------
        CatalogError
            If a column that is needed is missing.

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
            Batches that are worked on at a time; by default 1. The result does not depend on it.
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
            warn("the map is empty: no star of the catalogue is inside the grid "
                 f"({state.n_outside:,} outside, {state.n_masked:,} masked)", CatalogWarning)
        return cls(binning, state, frame)

    def __add__(self, other):
        if not isinstance(other, AsymmetryMap):
            return NotImplemented
        if self.binning != other.binning:
            raise BinningError("maps that are added must have the same binning; got "
                               f"{self.binning!r} and {other.binning!r} with other edges or "
                               "min_count")
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
        """Stars inside the grid, those in voxels below ``min_count`` too."""
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
        """Standard deviation of [M/H] in each voxel, with n - 1, `~astropy.units.Quantity` [dex].

        It holds the scatter of the stars as well as their measurement errors.
        """
        return self._filled(self.state.std)

    @cached_property
    def mean_error(self):
        """Standard error of the mean, ``std / sqrt(count)``, `~astropy.units.Quantity` [dex]."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return _in_dex(self.std.value / np.sqrt(self.count))

    @cached_property
    def radial_mean(self):
        """Mean [M/H] of all stars of each azimuth, age and R bin, whatever their height.

        `~astropy.units.Quantity` [dex] of the shape of the binning without Z. Stars in voxels below
        ``min_count`` count too; NaN where there is no star at all.
        """
        total = _sum_over_Z(self.state.total.reshape(self.binning.shape))
        with np.errstate(invalid="ignore"):
            return _in_dex(total / self.count.sum(axis=-1))

    @cached_property
    def offset(self):
        """Mean [M/H] of each voxel less the radial mean, `~astropy.units.Quantity` [dex].

        The quantity mapped in Figures 3 and 5 of Wang et al. (2025).
        """
        return _in_dex((self.mean - self.radial_mean[..., np.newaxis]).value)

    @cached_property
    def difference(self):
        """North less South of the offset, `~astropy.units.Quantity` [dex].

        The last axis is abs(Z), from the mid-plane outward: half as many bins as Z has (a bin
        astride the mid-plane is neither North nor South). Positive where the North is more metal
        rich; NaN where either side is empty.
        """
        north, south = self.binning.hemispheres(self.offset.value)
        return _in_dex(north - south)

    @cached_property
    def difference_error(self):
        """Error of ``difference``, that of the two means, `~astropy.units.Quantity` [dex].

        The radial mean is common to both sides and adds nothing.
        """
        return _in_dex(np.hypot(*self.binning.hemispheres(self.mean_error.value)))

    def _filled(self, values):
        values = values.reshape(self.binning.shape)
        return _in_dex(np.where(self.count >= self.binning.min_count, values, np.nan))

    def largest_offsets(self, n=5, *, min_count=20):
        """The voxels whose mean differs most from the radial mean.

        Parameters
        ----------
        n : int, optional
            How many; by default 5.
        min_count : int, optional
            Voxels with fewer stars are passed over, since the largest offsets among them are those
            of the scatter of a few stars; by default 20.

        Returns
        -------
        `~astropy.table.QTable`
            The largest first: lower and upper edge of each axis, ``count``, ``offset`` [dex] and
            ``mean_error`` [dex].

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> table = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).largest_offsets(3)
        >>> table.colnames[:4], len(table)
        (['phi_min', 'phi_max', 'R_min', 'R_max'], 3)
        """
        size = np.where(self.count >= min_count, np.abs(self.offset.value), np.nan).ravel()
        order = np.argsort(-size, kind="stable")
        order = order[np.isfinite(size[order])][:n]
        where = np.unravel_index(order, self.binning.shape)
        table = QTable()
        for axis, bin_ in zip(self.binning.axes, where, strict=True):
            table[f"{axis.name}_min"] = axis.edges[bin_]
            table[f"{axis.name}_max"] = axis.edges[bin_ + 1]
        for name in ("count", "offset", "mean_error"):
            table[name] = getattr(self, name)[where]
        return set_formats(table)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def profile(self, R_min=11 * u.kpc, R_max=None, statistic="median", definition="modulus",
                confidence=0.683):
        """North against South as a function of abs(Z), for each azimuth and age.

        Parameters
        ----------
        R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
            Edges of R of the binning between which stars are taken; by default 11 kpc, where the
            asymmetry of Wang et al. (2025) begins, and the last edge.
        statistic : {"median", "mean"}, optional
            Of the stars of all R bins together; by default the median.
        definition : {"modulus", "equation1", "linear"}, optional
            Of ``asymmetry``, from north N and south S: ``"modulus"`` (default) is
            (N - S) / abs(N + S), positive where the North is more metal rich; ``"equation1"`` is
            Eq. 1 of Wang et al. (2025) to the letter, (N - S) / (N + S), which has the opposite
            sign where both are below solar; ``"linear"`` is Eq. 1 on 10^[M/H]. The first two
            diverge where N + S passes through zero: they are masked where it is within two of its
            errors of zero (or within the quantile of ``confidence``, if that is more).
        confidence : float, optional
            Of the intervals; by default 0.683.

        Returns
        -------
        AsymmetryProfile
            One row a bin of azimuth, age and abs(Z). Estimates of fewer than
            ``binning.min_count`` stars on a side are NaN, but for ``matched_difference``, which
            takes all voxels that have both sides. ``meta["n_left_out"]`` counts the stars of the
            map at other R, or in a bin of Z astride the mid-plane, neither North nor South.

        Raises
        ------
        BinningError
            If ``R_min`` or ``R_max`` is no edge, or Z has no bins on both sides.

        Notes
        -----
        Intervals hold for 5 stars and more; errors of offsets take the radial mean as known.

        ``difference`` compares all stars of a bin: where the surveys see North and South at
        different R, the radial gradient looks like an asymmetry. ``offset_difference`` compares
        what the stars have beyond the radial mean: no gradient of the radial mean fools it.
        ``matched_difference`` compares stars of the same R bin only, and their means: nothing that
        differs between R bins plays a part, such as a vertical gradient in a disk that flares. It
        is what `test` tests.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(20_000), DiskBinning.by_age())
        >>> profile = amap.profile(definition="linear")
        >>> len(profile), profile.colnames[:6]
        (42, ['phi_min', 'phi_max', 'age_min', 'age_max', 'abs_Z_min', 'abs_Z_max'])
        >>> axes = profile.plot()
        """
        request = ProfileRequest.check(self.binning, R_min, R_max, statistic, definition,
                                       confidence)
        warn_about_stars_astride(self.binning, self.state)
        return compute_profile(self.binning, self.state, self.radial_mean, request)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def test(self, R_min=11 * u.kpc, n=9999, rng=None, *, R_max=None, progress=True):
        """Whether North and South differ by more than chance.

        The labels North and South are permuted among the stars of each voxel of azimuth, age, R and
        abs(Z), so that where stars were observed and how many stays as it is. What differs between
        voxels of one side, such as the radial gradient, plays no part.

        Parameters
        ----------
        R_min : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        n : int, optional
            Permutations; by default 9,999. The smallest p-value is 1 / (n + 1).
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.
        R_max : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        progress : bool, optional
            Whether to show a progress bar on a terminal; by default True.

        Returns
        -------
        `~rcasym.maps.permutation_test.AsymmetryTest`
            ``p_value``, ``p_value_squares`` and ``table``, by bin and by slice.

        Notes
        -----
        With the stars of a voxel as one group, the difference of a bin is that of the means of
        North and South within voxels, each voxel weighted with n_N n_S / (n_N + n_S). The signed
        statistic is the mean of these over the bins with the same weights; the other is the sum of
        their squares in units of their errors over all permutations. p = (k + 1) / (n + 1), where k
        permutations are as far from zero (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9,
        39). Voxels below ``min_count`` take part. Each star must be there once:
        `RedClumpCatalog.concatenate <rcasym.RedClumpCatalog.concatenate>` sees to that. Gradients
        inside a voxel are not taken out.

        Examples
        --------
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> test = AsymmetryMap.from_catalog(make_mock_catalog(20_000)).test(n=999, rng=1)
        >>> test.p_value
        0.001
        >>> test.slices["phi_min", "phi_max", "difference", "p_value_corrected"].pprint()
        phi_min phi_max difference p_value_corrected
          deg     deg      dex
        ------- ------- ---------- -----------------
            -35     -15     -0.038              0.14
            -15      -5     -0.004              0.64
             -5       0      0.072             0.002
              0       5      0.081             0.002
              5      15      0.080             0.002
             15      35     -0.032              0.14
        """
        R_bins = check_R_bins(self.binning, R_min, R_max)
        warn_about_stars_astride(self.binning, self.state)
        return permutation_test(self.binning, self.state, R_bins, n, rng, progress)

    @u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
    def bootstrap(self, R_min=11 * u.kpc, R_max=None, *, statistic="median", n=1000, rng=None):
        """Draw medians or means of bootstrap samples, for what `profile` has no error of.

        Parameters
        ----------
        R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
            As in `profile`.
        statistic : {"median", "mean"}, optional
            By default the median.
        n : int, optional
            Samples; by default 1,000.
        rng : int or `~numpy.random.Generator`, optional
            Seed, or the generator to draw from.

        Returns
        -------
        north : `~astropy.units.Quantity`
            [M/H] [dex], shape (n, rows): a column for each row of the profile.
        south : `~astropy.units.Quantity`
            The same of the other side.

        Examples
        --------
        The error of a trend of the difference with abs(Z), at azimuths from 0 to 5 deg:

        >>> import numpy as np
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(20_000))
        >>> north, south = amap.bootstrap(rng=1)
        >>> steps = np.diff((north - south)[:, 21:24], axis=1)
        >>> steps.std(axis=0).shape
        (2,)
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

    def write(self, path, *, format=None, overwrite=False):
        """Write the map to a file, FITS or HDF5.

        The file holds every array for other programs to read, and the values of the stars in each
        voxel, so that a map that is read back can be added to another.

        Parameters
        ----------
        path : path-like
            The file; it appears whole or not at all.
        format : {"fits", "hdf5"}, optional
            By default from the ending of ``path``: ``.fits``, or ``.h5`` or ``.hdf5``.
        overwrite : bool, optional
            Whether to replace an existing file; by default False.

        Raises
        ------
        OSError
            If the file exists, or cannot be written.

        Examples
        --------
        >>> import tempfile
        >>> from astropy.io import fits
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     AsymmetryMap.from_catalog(make_mock_catalog(2000)).write(f"{folder}/map.fits")
        ...     fits.getdata(f"{folder}/map.fits", "OFFSET").shape
        (6, 15, 14)
        """
        write_map(self, path, format=format, overwrite=overwrite)

    @classmethod
    def read(cls, path, *, format=None):
        """Read a map that `write` wrote.

        Parameters
        ----------
        path : path-like
            The file.
        format : {"fits", "hdf5"}, optional
            By default from the ending of ``path``.

        Raises
        ------
        CatalogError
            If the file is damaged or holds no map.

        Examples
        --------
        >>> import tempfile
        >>> from rcasym import AsymmetryMap, make_mock_catalog
        >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(2000))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     amap.write(f"{folder}/map.fits")
        ...     again = AsymmetryMap.read(f"{folder}/map.fits")
        >>> print((again + amap).n_stars == 2 * amap.n_stars)
        True
        """
        return cls(*read_map(path, format=format))


def _sum_over_Z(values):
    """Sum over the last axis, North and South in pairs: the same bits when they are exchanged."""
    half = values.shape[-1] // 2
    total = (values[..., :half] + values[..., ::-1][..., :half]).sum(axis=-1)
    return total + values[..., half] if values.shape[-1] % 2 else total


def _in_dex(values):
    return frozen(values * u.dex)
