# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Propagation of the errors of distances, ages and metallicities to a profile."""

import numpy as np
from astropy import units as u

from ..catalog.columns import floats
from ..exceptions import CatalogError, CatalogWarning
from ..utils.arrays import plain_floats
from ..utils.progress import progress as show_progress
from ..utils.validation import check_rng, check_whole, warn
from ..voxels import VoxelState
from ..voxels.index import flat_index
from .asymmetry_map import AsymmetryMap
from .binning import check_binning
from .hemispheres import number_sides, warn_about_stars_astride
from .profile import ESTIMATES, ProfileRequest, compute_profile
from .stars import StarArrays
from .tables import set_formats

__all__ = ["propagate"]


@u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
def propagate(catalog, binning=None, n=100, rng=None, *, R_min=11 * u.kpc, R_max=None,
              statistic="median", definition="modulus", progress=True):
    """Propagate the errors of distances, ages and metallicities to a profile.

    In each of ``n`` draws, all stars get a distance, an age and an [M/H] drawn about the measured
    values with their errors, and the profile is computed again.

    Parameters
    ----------
    catalog : RedClumpCatalog
        With ``distance_error``, ``m_h_error`` and, for a binning with an age axis, ``age_error``.
        Values without an error stay as they are, with a warning.
    binning : DiskBinning, optional
        By default ``DiskBinning()``.
    n : int, optional
        Number of draws; by default 100.
    rng : int or `~numpy.random.Generator`, optional
        Seed, or the generator to draw from.
    R_min, R_max : `~astropy.units.Quantity` ['length'] or None, optional
        As in `AsymmetryMap.profile <rcasym.AsymmetryMap.profile>`; by default 11 kpc and the last
        edge.
    statistic : {"median", "mean"}, optional
        As there; by default the median.
    definition : {"modulus", "equation1", "linear"}, optional
        As there; by default ``"modulus"``.
    progress : bool, optional
        Whether to show a progress bar on a terminal; by default True.

    Returns
    -------
    AsymmetryProfile
        The profile of the stars as measured, with ``X_spread`` and ``X_shift`` for each estimate
        ``X``: the standard deviation of the draws, and their mean minus the measured value. Both
        are NaN where a draw has no estimate. ``migrated`` is the fraction of the stars of a bin
        that a draw moves to another bin, or out of the grid. ``meta["varied"]`` counts the stars
        with errors, by quantity, ``n_masked`` the incomplete ones, and ``n_outside`` those outside
        the grid.

    Raises
    ------
    CatalogError
        If the catalogue has no errors at all.

    Notes
    -----
    The measured values include their errors already; each draw adds errors a second time. To first
    order the measured profile is shifted from the true one by as much as the draws are from it, in
    the same direction (the first step of simulation-extrapolation, Cook & Stefanski 1994, JASA 89,
    1314). The spread comes from the added errors alone, and is a part of ``X_error``, not an
    addition to it. In bins with few stars the shift is mostly noise; a binning with one bin of Z on
    each side gives the shift of whole slices. Negative distances and ages are mirrored at zero.

    Examples
    --------
    >>> from rcasym import make_mock_catalog, propagate
    >>> profile = propagate(make_mock_catalog(20_000), n=10, rng=1)
    >>> profile["difference", "difference_error", "difference_spread", "difference_shift",
    ...         "migrated"][21:24].pprint()
    difference difference_error difference_spread difference_shift migrated
       dex           dex               dex              dex
    ---------- ---------------- ----------------- ---------------- --------
         0.093            0.015             0.015            0.009    0.146
         0.069            0.022             0.012           -0.023    0.155
         0.096            0.027             0.017           -0.042    0.187
    """
    binning = check_binning(binning)
    request = ProfileRequest.check(binning, R_min, R_max, statistic, definition)
    check_whole("n", n, least=1)
    rng = check_rng(rng)
    stars = StarArrays.with_positions(catalog, binning)
    known = np.isfinite(stars.m_h) & np.all(np.isfinite(stars.coordinates(binning)), axis=0)
    stars = stars[known]
    errors = {name: _errors(catalog, f"{name}_error", known)
              for name in ("distance", "m_h", "age") if name != "age" or stars.age is not None}
    varied = {name: int(np.count_nonzero(values)) for name, values in errors.items()}
    absent = [name for name in errors if f"{name}_error" not in catalog.colnames]
    if len(absent) == len(errors):
        raise CatalogError("the catalogue must have errors to propagate; it has none of "
                           f"{', '.join(f'{name}_error' for name in errors)}")
    for name, values in errors.items():
        if not values.all():
            warn(f"{name}_error: {np.sum(values == 0):,} of {len(values):,} stars have no error or "
                 f"one of 0, and keep their {name}", CatalogWarning)

    row_of_voxel = np.append(number_sides(binning, request.R_bins).ravel(), -1)
    size = len(stars.m_h)
    distance = np.sqrt(np.einsum("ij,ij->j", stars.xyz, stars.xyz))
    direction = stars.xyz / np.where(distance > 0, distance, 1)

    def make_profile(drawn):
        """Return the row of each star, the profile and the state."""
        index = flat_index(drawn.coordinates(binning), [axis.edges.value for axis in binning.axes])
        state = VoxelState.from_stars(index, drawn.m_h, binning.size)
        radial_mean = AsymmetryMap(binning, state, stars.frame).radial_mean
        return row_of_voxel[index], compute_profile(binning, state, radial_mean, request), state

    home, measured, state = make_profile(stars)
    warn_about_stars_astride(binning, state)
    draws = {name: [] for name in ESTIMATES}
    stayed = np.zeros(2 * len(measured))
    for _ in show_progress(range(n), "drawing distances, ages and metallicities", show=progress):
        drawn = {name: errors[name] * rng.standard_normal(size) for name in errors}
        row, profile, _ = make_profile(stars.moved(
            stars.xyz + (np.abs(distance + drawn["distance"]) - distance) * direction,
            m_h=stars.m_h + drawn["m_h"],
            age=None if stars.age is None else np.abs(stars.age + drawn["age"])))
        same = home[(row == home) & (home >= 0)]
        stayed += np.bincount(same, minlength=len(stayed))
        for name, values in draws.items():
            values.append(plain_floats(profile[name]))

    n_stars = np.array([measured["n_north"], measured["n_south"]]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured["migrated"] = 1 - stayed.reshape(2, -1).sum(axis=0) / (n * n_stars)
    for name, values in draws.items():
        values = np.array(values)
        unit = getattr(measured[name], "unit", None) or 1
        value = plain_floats(measured[name])
        spread = values.std(axis=0, ddof=1) if n > 1 else np.full(len(value), np.nan)
        spread[np.isnan(value)] = np.nan
        measured[f"{name}_spread"] = spread * unit
        measured[f"{name}_shift"] = (values.mean(axis=0) - value) * unit
    measured.meta |= {"n_draws": n, "varied": varied, "n_masked": int(np.sum(~known)),
                      "n_outside": state.n_outside}
    return set_formats(measured)


def _errors(catalog, name, known):
    """Return the errors of the stars that are known, 0 where there is none."""
    if name not in catalog.colnames:
        return np.zeros(np.count_nonzero(known))
    return np.nan_to_num(floats(catalog, name)[known], nan=0.0)
