# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How far a profile moves: with the errors of the stars, and with what was assumed of them."""

from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS, Galactocentric
from astropy.table import QTable

from ..catalog.columns import floats, survey_names
from ..catalog.core import RedClumpCatalog
from ..catalog.frames import affine, apply_affine, cylindrical_values
from ..exceptions import BinningError, CatalogError, CatalogWarning, RcasymError
from ..statistics.estimates import ROUNDING
from ..utils.progress import progress as show_progress
from ..utils.validation import check_columns, check_rng, check_whole, to_unit, warn
from ..voxels.state import VoxelState, flat_index
from .asymmetry_map import AsymmetryMap
from .binning import DiskBinning
from .profile import (
    ESTIMATES,
    check_profile,
    profile_of,
    show,
    sides_of,
    warn_of_stars_astride,
)

__all__ = ["propagate", "systematics", "Systematics"]

# What a referee might have taken instead: kpc from the centre, and pc above the mid-plane.
OTHER_R0 = (8.0, 8.178, 8.5)
OTHER_Z0 = (0, 10, 20.8, 30)
DISTANCE_SCALES = (0.95, 1.05)
# The kinds of variation in which not the same stars take part.
OTHER_STARS = ("survey", "R_min")


@dataclass(frozen=True, eq=False)
class _Stars:
    """The stars of a catalogue as plain floats; NaN where something is not known."""

    xyz: np.ndarray  # heliocentric ICRS [kpc], shape (3, n)
    m_h: np.ndarray
    age: np.ndarray | None
    survey: np.ndarray
    frame: Galactocentric

    @classmethod
    def of(cls, catalog, binning):
        if not isinstance(catalog, RedClumpCatalog):
            raise CatalogError("catalog must be a RedClumpCatalog; got "
                               f"{type(catalog).__name__}. RedClumpCatalog.from_table makes one")
        has_age = "age" in [axis.name for axis in binning.axes]
        check_columns(catalog.colnames, ["coord", "galcen", "m_h"] + ["age"] * has_age,
                      "the catalogue")
        position = catalog["coord"].icrs.cartesian.xyz
        xyz = np.array(getattr(position, "unmasked", position).to_value(u.kpc))
        # A masked position is unknown, whatever stands below the mask.
        xyz[:, ~np.isfinite(catalog.Z.value)] = np.nan
        return cls(xyz, floats(catalog, "m_h"), floats(catalog, "age") if has_age else None,
                   survey_names(catalog), catalog.frame)

    def __getitem__(self, rows):
        return replace(self, xyz=self.xyz[:, rows], m_h=self.m_h[rows], survey=self.survey[rows],
                       age=None if self.age is None else self.age[rows])

    def coordinates(self, binning):
        """The stars' values along each axis of the binning."""
        xyz = apply_affine(affine(ICRS(), self.frame), self.xyz)
        values = dict(zip(("R", "phi", "Z"), cylindrical_values(*xyz), strict=True))
        values["age"] = self.age
        return [values[axis.name] for axis in binning.axes]

    def seen_from(self, R0, Z0):
        """The same stars with the Sun at another place in the Galaxy."""
        return replace(self, frame=self.frame.replicate_without_data(
            galcen_distance=np.hypot(R0, Z0).to(u.kpc), z_sun=Z0.to(u.pc)))

    def map(self, binning):
        return AsymmetryMap(binning, binning.state(self.coordinates(binning), self.m_h), self.frame)


@u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
def propagate(catalog, binning=None, n=100, rng=None, *, R_min=11 * u.kpc, R_max=None,
              statistic="median", definition="modulus", progress=True):
    """What the errors of distances, ages and metallicities do to a profile.

    Each of ``n`` times all stars are given a distance, an age and an [M/H] drawn about the measured
    ones with their errors, and map and profile are made anew.

    Parameters
    ----------
    catalog : RedClumpCatalog
        With ``distance_error``, ``m_h_error`` and, where the binning has an age axis,
        ``age_error``. What has no error at all stays as it is, with a warning; so do single stars
        without an error.
    binning : DiskBinning, optional
        By default ``DiskBinning()``.
    n : int, optional
        Times to draw; by default 100.
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
        That of the stars as measured, with a ``X_spread`` and a ``X_shift`` for each estimate
        ``X``: the standard deviation of the draws, and their mean less the measured one. Both are
        NaN where a draw has no estimate. ``migrated`` is the part of the stars of a bin that a draw
        puts into another one, or out of the grid. ``meta["varied"]`` counts the stars that were
        given errors, by quantity, ``n_masked`` those of which something is not known, and
        ``n_outside`` those outside the grid.

    Raises
    ------
    CatalogError
        If the catalogue has no errors at all.

    Notes
    -----
    The measured values have one helping of errors already; each draw adds a second. The shift is
    thus what errors of this size do to a profile, once more: to first order the measured profile
    has been shifted by as much, in the same direction, from the true one (this is the first step of
    simulation-extrapolation, Cook & Stefanski 1994, JASA 89, 1314). The spread is that of the
    second helping alone, and is a part of ``X_error`` rather than an addition to it. In bins of few
    stars the shift is mostly chance; a binning with one bin of Z on each side shows that of whole
    slices. Distances and ages that come out negative are mirrored at zero.

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
    binning = _grid(binning)
    R_bins = check_profile(binning, R_min, R_max, statistic, definition)
    check_whole("n", n, least=1)
    rng = check_rng(rng)
    stars = _Stars.of(catalog, binning)
    coordinates = stars.coordinates(binning)
    known = np.isfinite(stars.m_h) & np.all(np.isfinite(coordinates), axis=0)
    stars = stars[known]
    errors = {name: _errors(catalog, f"{name}_error", known)
              for name in ("distance", "m_h", "age") if name != "age" or stars.age is not None}
    varied = {name: int(np.count_nonzero(values)) for name, values in errors.items()}
    absent = [name for name in errors if f"{name}_error" not in catalog.colnames]
    if len(absent) == len(errors):
        raise CatalogError("the catalogue must have the errors that are to be propagated; it has "
                           f"none of {', '.join(f'{name}_error' for name in errors)}")
    for name, values in errors.items():
        if not values.all():
            warn(f"{name}_error: {np.sum(values == 0):,} of {len(values):,} stars have no error or "
                 f"one of 0, and keep their {name}", CatalogWarning)

    row_of_voxel = np.append(sides_of(binning, R_bins).ravel(), -1)
    size = len(stars.m_h)
    distance = np.sqrt(np.einsum("ij,ij->j", stars.xyz, stars.xyz))
    direction = stars.xyz / np.where(distance > 0, distance, 1)
    edges = [axis.edges.value for axis in binning.axes]

    def state_of(drawn):
        index = flat_index(drawn.coordinates(binning), edges)
        return index, VoxelState.from_stars(index, drawn.m_h, binning.size)

    def profile(index, state):
        radial_mean = AsymmetryMap(binning, state, stars.frame).radial_mean
        return row_of_voxel[index], profile_of(binning, state, radial_mean, R_min, R_max, statistic,
                                               definition, 0.683)

    index, state = state_of(stars)
    warn_of_stars_astride(binning, state)
    home, measured = profile(index, state)
    draws = {name: [] for name in ESTIMATES}
    stayed = np.zeros(2 * len(measured))
    for _ in show_progress(range(n), "drawing distances, ages and metallicities", show=progress):
        drawn = {name: errors[name] * rng.standard_normal(size) for name in errors}
        moved = replace(
            stars, m_h=stars.m_h + drawn["m_h"],
            xyz=stars.xyz + (np.abs(distance + drawn["distance"]) - distance) * direction,
            age=None if stars.age is None else np.abs(stars.age + drawn["age"]))
        row, found = profile(*state_of(moved))
        same = home[(row == home) & (home >= 0)]
        stayed += np.bincount(same, minlength=len(stayed))
        for name, values in draws.items():
            values.append(np.ma.filled(getattr(found[name], "value", found[name]), np.nan))

    n_stars = np.array([measured["n_north"], measured["n_south"]]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        measured["migrated"] = 1 - stayed.reshape(2, -1).sum(axis=0) / (n * n_stars)
    for name, values in draws.items():
        values = np.array(values)
        unit = getattr(measured[name], "unit", None) or 1
        value = np.ma.filled(getattr(measured[name], "value", measured[name]), np.nan)
        spread = values.std(axis=0, ddof=1) if n > 1 else np.full(len(value), np.nan)
        spread[np.isnan(value)] = np.nan
        measured[f"{name}_spread"] = spread * unit
        measured[f"{name}_shift"] = (values.mean(axis=0) - value) * unit
    measured.meta |= {"n_draws": n, "varied": varied, "n_masked": int(np.sum(~known)),
                      "n_outside": state.n_outside}
    return show(measured)


def _errors(catalog, name, known):
    """The errors of the stars that are known, 0 where there is none."""
    if name not in catalog.colnames:
        return np.zeros(np.count_nonzero(known))
    return np.nan_to_num(floats(catalog, name)[known], nan=0.0)


class Systematics(QTable):
    """How far each assumption moves the result: a table, one slice under one variation a row.

    Made by `~rcasym.systematics`. The first rows, of kind ``"as given"``, are those that the others
    are compared with.

    Columns are ``kind`` and ``variation``; the edges of azimuth and age; ``n_north`` and
    ``n_south``; ``offset_difference`` and its error, over all heights [dex]; ``shift``, its
    difference from the result as given [dex]; ``shift_in_errors``, the same divided by the error of
    the result as given; and ``shift_error_in_errors``, what the shift may be by chance where more
    or fewer stars take part (one survey alone, another ``R_min``): the square root of the
    difference of both squared errors, in the same unit. It is NaN for the other variations.

    Examples
    --------
    The variation that moves the slice from 0 to 5 deg most:

    >>> import numpy as np
    >>> from rcasym import make_mock_catalog, systematics
    >>> table = systematics(make_mock_catalog(5000))
    >>> slice_ = table[table["phi_min"].value == 0]
    >>> print(slice_["variation"][np.abs(slice_["shift"]).argmax()])
    APOGEE alone
    """

    def plot(self, *, axes=None, width=None, **kwargs):
        """Draw a bar for each variation, one panel a slice.

        Parameters
        ----------
        axes : array of `~matplotlib.axes.Axes`, optional
            One a slice; by default those of a new figure.
        width : {"single", "double"}, float or `~astropy.units.Quantity`, optional
            Width of a new figure: that of a column or of both columns of AASTeX, or inches or a
            length; by default ``"double"``, and ``"single"`` for one slice.
        **kwargs
            Passed to `~matplotlib.axes.Axes.barh`.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            One a slice.

        Examples
        --------
        >>> from astropy import units as u
        >>> from rcasym import DiskBinning, make_mock_catalog, systematics
        >>> table = systematics(make_mock_catalog(5000), DiskBinning(phi=[-5, 15] * u.deg))
        >>> axes = table.plot()
        """
        from ..plotting import plot_systematics

        return plot_systematics(self, axes=axes, width=width, **kwargs)


@u.quantity_input(R_min=[u.kpc, None], R_max=[u.kpc, None])
def systematics(catalog, binning=None, *, R_min=11 * u.kpc, R_max=None, zero_point=0.03 * u.dex,
                progress=True):
    """How far the asymmetry moves when something else is assumed.

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
        By how much the [M/H] of each survey is raised and lowered; by default 0.03 dex.
        `~rcasym.catalog.zero_point.ZeroPoint` measures it with the stars in common.
    progress : bool, optional
        Whether to show a progress bar on a terminal; by default True.

    Returns
    -------
    Systematics
        For each slice of azimuth and age the ``offset_difference`` over all heights, with R0 of
        8.0, 8.178 (GRAVITY Collaboration 2019, A&A 625, L10) and 8.5 kpc; Z0 of 0, 10, 20.8
        (Bennett & Bovy 2019, MNRAS 482, 1417) and 30 pc; distances scaled by 0.95 and 1.05; each
        survey's zero point; each survey alone; the radial mean of voxels in place of stars; means
        in place of medians; ``R_min`` one bin farther in or out; and edges of R and Z in the middle
        of the bins, for the same stars.

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
    binning = _grid(binning)
    R_bins = check_profile(binning, R_min, R_max)
    shift = to_unit("zero_point", zero_point, u.dex)
    if not (shift.ndim == 0 and np.isfinite(shift)):
        raise RcasymError(f"zero_point must be one finite value in dex; got {zero_point}")
    variations = list(_variations(_Stars.of(catalog, binning), binning, R_bins, float(shift)))
    edges = binning["R"].edges
    rows = []
    for kind, variation, stars, grid, how in show_progress(
            variations, "varying what is assumed", show=progress):
        amap = stars.map(grid)
        if not rows:
            warn_of_stars_astride(grid, amap.state)
        radial_mean = amap.radial_mean
        if how.pop("per_voxel", False):
            n_filled = np.maximum(np.isfinite(amap.mean.value).sum(axis=-1), 1)
            radial_mean = np.nansum(amap.mean.value, axis=-1) / n_filled * u.dex
        profile = profile_of(grid, amap.state, radial_mean, **{
            "R_min": edges[R_bins.start], "R_max": edges[R_bins.stop], "statistic": "median",
            "definition": "modulus", "confidence": 0.683} | how)
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
            # Stars that are all alike differ by rounding, which is no shift.
            error = np.where(error < ROUNDING, np.nan, error)
            table["shift_in_errors"] = np.where(np.abs(shift) < ROUNDING, 0.0, shift / error)
            chance = np.abs((table["offset_difference_error"].value / error)**2 - 1)
            # The same stars move together: by how much they may by chance is not known.
            table["shift_error_in_errors"] = (np.sqrt(chance) if kind in OTHER_STARS
                                              else np.full(len(table), np.nan))
        tables.append(table)
    return show(Systematics({name: np.concatenate([table[name] for table in tables])
                             for name in tables[0].colnames}))


def _variations(stars, binning, R_bins, zero_point):
    """Kind and name of each variation, and the stars, the grid and the profile that it takes."""
    Z0 = stars.frame.z_sun
    R0 = np.sqrt(stars.frame.galcen_distance**2 - Z0**2)
    yield "as given", "as given", stars, binning, {}
    for kpc in OTHER_R0:
        yield "R0", f"R0 = {kpc:g} kpc", stars.seen_from(kpc * u.kpc, Z0), binning, {}
    for pc in OTHER_Z0:
        yield "Z0", f"Z0 = {pc:g} pc", stars.seen_from(R0, pc * u.pc), binning, {}
    for scale in DISTANCE_SCALES:
        yield ("distances", f"distances × {scale:g}", replace(stars, xyz=scale * stars.xyz),
               binning, {})
    surveys = list(dict.fromkeys(stars.survey.tolist()))
    if len(surveys) > 1:
        for name in surveys:
            here = stars.survey == name
            label = name or "no survey"
            for shift in (zero_point, -zero_point):
                yield ("zero points", f"{label} {shift:+g} dex".replace("-", "\N{MINUS SIGN}"),
                       replace(stars, m_h=stars.m_h + shift * here), binning, {})
        for name in surveys:
            yield "survey", f"{name or 'no survey'} alone", stars[stars.survey == name], binning, {}
    yield "radial mean", "radial mean of voxels", stars, binning, {"per_voxel": True}
    yield "statistic", "means", stars, binning, {"statistic": "mean"}
    R, Z = binning["R"].edges, binning.abs_Z
    for start in (R_bins.start - 1, R_bins.start + 1):
        if 0 <= start < R_bins.stop:
            yield "R_min", f"R_min = {R[start].value:g} kpc", stars, binning, {"R_min": R[start]}
    # Edges in the middle of the bins, but for those between which stars are taken.
    fixed = R[[0, R_bins.start, R_bins.stop, -1]]
    R = np.unique(np.append(binning["R"].centers, fixed))
    Z = np.unique(np.append(Z.centers, Z.edges[[0, -1]]))
    for name, edges in (("R", R), ("Z", np.unique(np.append(-Z, Z)))):
        axes = {axis.name: axis.edges for axis in binning.axes} | {name: edges}
        grid = DiskBinning(**{"phi": None, **axes}, min_count=binning.min_count)
        yield "bins", f"{name} bins shifted by half", stars, grid, {}


def _grid(binning):
    if not isinstance(binning, DiskBinning | None):
        raise BinningError(f"binning must be a DiskBinning; got {type(binning).__name__}")
    return DiskBinning() if binning is None else binning
