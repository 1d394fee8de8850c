# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Systematics: how far the asymmetry moves when something else is assumed."""

from dataclasses import replace

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ..exceptions import RcasymError
from ..statistics.estimates import ROUNDING_ERROR
from ..utils.progress import progress as show_progress
from ..utils.validation import to_unit
from .asymmetry_map import AsymmetryMap
from .binning import DiskBinning, check_binning
from .hemispheres import find_R_bins, warn_about_stars_astride
from .profile import ProfileRequest, compute_profile
from .stars import StarArrays
from .tables import set_formats

__all__ = ["systematics", "Systematics"]

# Plausible alternatives: kpc from the centre, and pc above the mid-plane.
OTHER_R0 = (8.0, 8.178, 8.5)
OTHER_Z0 = (0, 10, 20.8, 30)
DISTANCE_SCALES = (0.95, 1.05)
# The kinds of variation in which other stars take part.
OTHER_STARS = ("survey", "R_min")


class Systematics(QTable):
    """Shifts of the result under each variation, one row per slice and variation.

    Made by `~rcasym.systematics`. The first rows, of kind ``"as given"``, are the reference.

    Columns are ``kind`` and ``variation``; the edges of azimuth and age; ``n_north`` and
    ``n_south``; ``offset_difference`` over all heights and its error [dex]; ``shift``, its
    difference from the reference [dex]; ``shift_in_errors``, the same divided by the error of the
    reference; and ``shift_error_in_errors``, the expected chance shift where other stars take part
    (one survey alone, another ``R_min``): the square root of the difference of both squared errors,
    in the same unit. It is NaN for the other variations.

    Examples
    --------
    The variation with the largest shift in the slice from 0 to 5 deg:

    >>> import numpy as np
    >>> from rcasym import make_mock_catalog, systematics
    >>> table = systematics(make_mock_catalog(5000))
    >>> slice_ = table[table["phi_min"].value == 0]
    >>> print(slice_["variation"][np.abs(slice_["shift"]).argmax()])
    APOGEE alone
    """

    def plot(self, *, axes=None, **kwargs):
        """Draw a bar for each variation, one panel per slice.

        Parameters
        ----------
        axes : array of `~matplotlib.axes.Axes`, optional
            One per slice; by default those of a new figure.
        **kwargs
            Passed to `~matplotlib.axes.Axes.barh`.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            One per slice.

        Examples
        --------
        >>> from astropy import units as u
        >>> from rcasym import DiskBinning, make_mock_catalog, systematics
        >>> table = systematics(make_mock_catalog(5000), DiskBinning(phi=[-5, 15] * u.deg))
        >>> axes = table.plot()
        """
        from ..plotting.profiles import plot_systematics

        return plot_systematics(self, axes=axes, **kwargs)


@u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
def systematics(catalog, binning=None, *, R_min=11 * u.kpc, R_max=None, zero_point=0.03 * u.dex,
                progress=True):
    """Repeat the comparison of North with South under other assumptions.

    Parameters
    ----------
    catalog : RedClumpCatalog
        The stars of all surveys together.
    binning : DiskBinning, optional
        By default ``DiskBinning()``.
    R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
        As in `AsymmetryMap.profile <rcasym.AsymmetryMap.profile>`; by default 11 kpc and the last
        edge.
    zero_point : `~astropy.units.Quantity` ['dex'], optional
        Shift of the [M/H] of each survey, up and down; by default 0.03 dex.
        `~rcasym.catalog.ZeroPoint` measures it with the stars in common.
    progress : bool, optional
        Whether to show a progress bar on a terminal; by default True.

    Returns
    -------
    Systematics
        For each slice of azimuth and age the ``offset_difference`` over all heights, with R0 of
        8.0, 8.178 (GRAVITY Collaboration 2019, A&A 625, L10) and 8.5 kpc; Z0 of 0, 10, 20.8
        (Bennett & Bovy 2019, MNRAS 482, 1417) and 30 pc; distances scaled by 0.95 and 1.05; each
        survey's zero point; each survey alone; the radial mean of voxels instead of stars; means
        instead of medians; ``R_min`` one bin farther in or out; and edges of R and Z shifted by
        half a bin, for the same stars.

    Raises
    ------
    RcasymError
        If ``zero_point`` is not a finite [M/H].

    Examples
    --------
    >>> from rcasym import make_mock_catalog, systematics
    >>> table = systematics(make_mock_catalog(20_000))
    >>> slice_ = table[table["phi_min"].value == 0]
    >>> slice_["variation", "offset_difference", "shift_in_errors"][:6].pprint()
      variation    offset_difference shift_in_errors
                          dex
    -------------- ----------------- ---------------
          as given             0.088           0.000
        R0 = 8 kpc             0.099           0.932
    R0 = 8.178 kpc             0.095           0.651
      R0 = 8.5 kpc             0.078          -0.811
         Z0 = 0 pc             0.077          -0.895
        Z0 = 10 pc             0.083          -0.386
    >>> axes = table.plot()
    """
    binning = check_binning(binning)
    request = ProfileRequest.check(binning, R_min, R_max)
    shift = to_unit("zero_point", zero_point, u.dex)
    if not (shift.ndim == 0 and np.isfinite(shift)):
        raise RcasymError(f"zero_point must be one finite value in dex; got {zero_point}")
    stars = StarArrays.with_positions(catalog, binning)
    variations = list(_list_variations(stars, binning, request, float(shift)))
    rows = []
    for kind, variation, stars, grid, request, per_voxel in show_progress(
            variations, "varying the assumptions", show=progress):
        amap = AsymmetryMap(grid, stars.bin(grid), stars.frame)
        if not rows:
            warn_about_stars_astride(grid, amap.state)
        radial_mean = amap.radial_mean
        if per_voxel:
            n_filled = np.maximum(np.isfinite(amap.mean.value).sum(axis=-1), 1)
            radial_mean = np.nansum(amap.mean.value, axis=-1) / n_filled * u.dex
        profile = compute_profile(grid, amap.state, radial_mean, request)
        rows.append((kind, variation, profile.slices()))

    given = rows[0][2]
    kept = [name for name in given.colnames if name.startswith(("phi_", "age_", "n_", "offset_"))]
    tables = []
    for kind, variation, slices in rows:
        table = QTable({"kind": [kind] * len(slices), "variation": [variation] * len(slices)})
        for name in kept:
            table[name] = slices[name]
        table["shift"] = slices["offset_difference"] - given["offset_difference"]
        with np.errstate(divide="ignore", invalid="ignore"):
            error, shift = given["offset_difference_error"].value, table["shift"].value
            # Identical stars differ by rounding, which is not a shift.
            error = np.where(error < ROUNDING_ERROR, np.nan, error)
            table["shift_in_errors"] = np.where(np.abs(shift) < ROUNDING_ERROR, 0.0, shift / error)
            chance = np.abs((table["offset_difference_error"].value / error)**2 - 1)
            # For the same stars the expected chance shift is unknown.
            table["shift_error_in_errors"] = (np.sqrt(chance) if kind in OTHER_STARS
                                              else np.full(len(table), np.nan))
        tables.append(table)
    return set_formats(Systematics({name: np.concatenate([table[name] for table in tables])
                                    for name in tables[0].colnames}))


def _list_variations(stars, binning, request, zero_point):
    """Yield kind and name of each variation, its stars, grid and request, and whether the radial
    mean is that of voxels."""
    def vary(kind, name, stars=stars, binning=binning, request=request, per_voxel=False):
        return kind, name, stars, binning, request, per_voxel

    Z0 = stars.frame.z_sun
    R0 = np.sqrt(stars.frame.galcen_distance**2 - Z0**2)
    yield vary("as given", "as given")
    for kpc in OTHER_R0:
        yield vary("R0", f"R0 = {kpc:g} kpc", _move_sun(stars, kpc * u.kpc, Z0))
    for pc in OTHER_Z0:
        yield vary("Z0", f"Z0 = {pc:g} pc", _move_sun(stars, R0, pc * u.pc))
    for scale in DISTANCE_SCALES:
        yield vary("distances", f"distances × {scale:g}", stars.moved(scale * stars.xyz))
    surveys = list(dict.fromkeys(stars.survey.tolist()))
    if len(surveys) > 1:
        for name in surveys:
            here = stars.survey == name
            for shift in (zero_point, -zero_point):
                label = f"{name or 'no survey'} {shift:+g} dex".replace("-", "\N{MINUS SIGN}")
                yield vary("zero points", label, replace(stars, m_h=stars.m_h + shift * here))
        for name in surveys:
            yield vary("survey", f"{name or 'no survey'} alone", stars[stars.survey == name])
    yield vary("radial mean", "radial mean of voxels", per_voxel=True)
    yield vary("statistic", "means", request=replace(request, statistic="mean"))
    R, Z = binning["R"].edges, binning.abs_Z
    R_bins = request.R_bins
    for start in (R_bins.start - 1, R_bins.start + 1):
        if 0 <= start < R_bins.stop:
            yield vary("R_min", f"R_min = {R[start].value:g} kpc",
                       request=replace(request, R_bins=slice(start, R_bins.stop)))
    # Shift all edges by half a bin, except those between which stars are used.
    bounds = R[[R_bins.start, R_bins.stop]]
    fixed = R[[0, R_bins.start, R_bins.stop, -1]]
    R = np.unique(np.append(binning["R"].centers, fixed))
    Z = np.unique(np.append(Z.centers, Z.edges[[0, -1]]))
    for name, edges in (("R", R), ("Z", np.unique(np.append(-Z, Z)))):
        axes = {axis.name: axis.edges for axis in binning.axes} | {name: edges}
        grid = DiskBinning(**{"phi": None, **axes}, min_count=binning.min_count)
        yield vary("bins", f"{name} bins shifted by half", binning=grid,
                   request=replace(request, R_bins=find_R_bins(grid, *bounds)))


def _move_sun(stars, R0, Z0):
    """Return the stars with the Sun at another place in the Galaxy."""
    return stars.moved(stars.xyz, frame=stars.frame.replicate_without_data(
        galcen_distance=np.hypot(R0, Z0).to(u.kpc), z_sun=Z0.to(u.pc)))
