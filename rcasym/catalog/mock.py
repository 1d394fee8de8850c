# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A simulated sample with a known asymmetry, for tests and examples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS, CartesianRepresentation, Galactic, SkyCoord
from astropy.table import QTable
from scipy.special import expit

from ..exceptions import RcasymError
from ..utils.validation import check_rng, check_whole
from .core import RedClumpCatalog
from .frames import affine, apply_affine, check_frame

__all__ = ["make_mock_catalog"]

# Numbers of stars in Wang et al. (2025), Section 2.
N_LAMOST, N_APOGEE = 110_550, 35_512
# Fraction of the APOGEE rows that are also stars of LAMOST: about 4,300 in the default sample.
COMMON = 0.12

R_LIMITS = 7, 14  # kpc
MAX_PHI = 60  # deg; farther in azimuth neither survey reaches
MAX_AGE = 14  # Gyr
SCALE_LENGTH = 3.5  # kpc
R_SUN = 8.34  # kpc, where the gradients below are anchored
ASTROMETRY = np.deg2rad(0.05 / 3600)
FAILED = 0.02  # fraction of the stars with three times the usual error of an abundance

# Largest number of trial stars that are drawn together, which limits the memory.
BLOCK = 2**16
# Smallest fraction of trial stars that a survey must observe: below it, drawing would not end.
MIN_OBSERVED = 1e-4


@dataclass(frozen=True)
class _Survey:
    """A survey; ``chance(l, b, dec, d)`` is the probability that it observes a star there."""

    name: str
    chance: Callable
    age_error: float
    snr: float


def _lamost(l, b, dec, d):  # noqa: E741
    """Return the chance in LAMOST: mostly toward the anticentre, and less deep in the plane."""
    sky = (dec > -10) * expit((65 - dec) / 5) * (0.15 + 0.85 * np.exp(-0.5 * ((l - 180) / 35)**2))
    reach = 4.6 - 2 * np.exp(-np.abs(b) / 4)
    return sky * expit((reach - d) / 0.5) * -np.expm1(-(d / 0.8)**2)


def _apogee(l, b, dec, d):  # noqa: E741
    """Return the chance in APOGEE: deep, separate fields at low latitude in both hemispheres."""
    # A rotated grid, so that fields align neither with the plane nor with the Sun's direction.
    along, across = l + 0.37 * b, b - 0.37 * l
    field = np.hypot((along + 2) % 4 - 2, (across + 2) % 4 - 2) < 1.5
    return field * (np.abs(b) < 25) * np.exp(-np.abs(b) / 14) * expit((5.2 - d) / 0.5)


LAMOST = _Survey("LAMOST", _lamost, age_error=0.24, snr=65)
APOGEE = _Survey("APOGEE", _apogee, age_error=0.17, snr=150)


def make_mock_catalog(n=N_LAMOST + N_APOGEE, *, rng=0, amplitude=0.08 * u.dex,
                      R_range=(11, 15) * u.kpc, phi_range=(-5, 15) * u.deg, age_dependence=None,
                      age_bias=0 * u.Gyr, midplane=None, frame=None):
    """Simulate a sample of two surveys with a known North-South asymmetry.

    Parameters
    ----------
    n : int, optional
        Number of rows; by default 146,062 as in Wang et al. (2025): 110,550 of LAMOST, then
        35,512 of APOGEE. Any other ``n`` is divided in the same proportion.
    rng : int or `~numpy.random.Generator`, optional
        Seed, or the generator to draw from; by default 0. The same seed gives identical values.
        Neither the asymmetry nor the bias changes which stars are drawn.
    amplitude : `~astropy.units.Quantity` ['dex'], optional
        True [M/H] of the North minus that of the South at the same height, inside ``R_range`` and
        ``phi_range``: half of it is added to stars with Z > 0, half subtracted from those with
        Z < 0. By default 0.08 dex. With 0 the true [M/H] is symmetric about the mid-plane.
    R_range : `~astropy.units.Quantity` ['length'], optional
        Radii of the asymmetry, both ends included; by default 11 to 15 kpc.
    phi_range : `~astropy.units.Quantity` ['angle'], optional
        Azimuths of the asymmetry within -180 and 180 deg, both ends included; by default -5 to
        15 deg.
    age_dependence : callable, optional
        Function of the true age, a `~astropy.units.Quantity` [Gyr], that gives the factor of the
        amplitude. By default 1 up to 8 Gyr, falling to 0.4 at 10 Gyr and above.
    age_bias : `~astropy.units.Quantity` ['time'] or callable, optional
        Bias of the ages of APOGEE, positive where they are too large. A Quantity is the bias at
        10 Gyr and above, and falls linearly to 0 at age 0; a callable gives the bias for the true
        age. By default 0 Gyr.
    midplane : callable, optional
        Function of R and phi, Quantities in kpc and deg, that gives the true height of the
        mid-plane. Stars are distributed about it and [M/H] falls with the height above it, so that
        a warped disk has an asymmetry about Z = 0 even with ``amplitude=0``. By default a flat
        plane at Z = 0.
    frame : `~astropy.coordinates.Galactocentric`, optional
        The frame of R, phi and Z; by default the paper's, `~rcasym.catalog.paper_frame`.

    Returns
    -------
    RedClumpCatalog
        All columns of a catalogue, as observed, and the true values: ``true_distance``,
        ``true_R``, ``true_Z`` [kpc], ``true_phi`` [deg], ``true_age`` [Gyr], ``true_m_h`` [dex] and
        ``star_id``, which two rows share if both surveys observed the star.

    Raises
    ------
    RcasymError
        If an argument is of the wrong type, has no unit or the wrong one, or is not finite; if
        ``midplane`` or ``frame`` leave no stars for a survey to observe.

    Notes
    -----
    LAMOST observes declinations above -10 deg, mostly toward the anticentre, and is less deep in
    the plane; APOGEE observes both hemispheres, in fields at abs(b) < 25 deg. 12 % of the APOGEE
    rows are also stars of LAMOST. R is 7 to 14 kpc, age 0 to 14 Gyr; the disk is exponential in R
    and in height, thicker for old stars and outward (low-alpha populations flare: [4]_).

    [M/H] is 0.1 dex at age 0, at the Sun's radius in the mid-plane, and lower by 0.02 dex per Gyr.
    The radial gradient is from [1]_: -0.058 dex/kpc for young stars, -0.066 at 1 to 4 Gyr, -0.03
    at 6 to 10 Gyr, interpolated between 0.5, 2.5 and 8 Gyr and constant beyond. The vertical
    gradient at the Sun is from [2]_, -0.243 dex/kpc; it flattens outward, as [3]_ found, here with
    a scale of 6 kpc. The scatter grows from 0.08 dex at age 0 to 0.22 dex at 14 Gyr. The numbers
    without a source, and the footprints, are chosen to look realistic.

    Distances have errors of 5 to 10 %, ages of about 24 % (LAMOST) and 17 % (APOGEE), [M/H] of 0.05
    to 0.1 dex, [alpha/M] of 0.03 to 0.06 dex. So that `~rcasym.QualityCuts` removes some stars, 2 %
    have three times these abundance errors, and some LAMOST spectra an SNR below 30.

    References
    ----------
    .. [1] Anders et al. 2017, A&A 600, A70
    .. [2] Schlesinger et al. 2014, ApJ 791, 112
    .. [3] Hayden et al. 2014, AJ 147, 116
    .. [4] Bovy et al. 2016, ApJ 823, 30

    Examples
    --------
    >>> from astropy import units as u
    >>> from rcasym import make_mock_catalog
    >>> cat = make_mock_catalog(1000, rng=42)
    >>> int((cat["survey"] == "LAMOST").sum())
    757
    >>> calm = make_mock_catalog(1000, rng=42, amplitude=0 * u.dex)
    >>> injected = cat["true_m_h"] - calm["true_m_h"]
    >>> print(injected.max(), injected[cat["true_R"] < 11 * u.kpc].max())
    0.04 dex 0.0 dex

    A warp toward the North, and APOGEE ages that are too large by up to 1 Gyr:

    >>> warped = make_mock_catalog(1000, amplitude=0 * u.dex, age_bias=1 * u.Gyr,
    ...                            midplane=lambda R, phi: 0.1 * (R - 8 * u.kpc))
    """
    check_whole("n", n, 1)
    rng = check_rng(rng)
    amplitude = _values("amplitude", amplitude, u.dex, ())
    R_range = _range("R_range", R_range, u.kpc)
    phi_range = _range("phi_range", phi_range, u.deg, limit=180)
    for name, function in (("age_dependence", age_dependence), ("midplane", midplane)):
        if function is not None and not callable(function):
            raise RcasymError(f"{name} must be a callable or None; got {function!r}")
    if not callable(age_bias):
        age_bias = _make_linear_bias(_values("age_bias", age_bias, u.Gyr, ()))
    frame = check_frame(frame)

    n_lamost = round(int(n) * N_LAMOST / (N_LAMOST + N_APOGEE))
    n_apogee = int(n) - n_lamost
    stars = _observed_stars(LAMOST, n_lamost, midplane, frame, rng)
    # The stars that APOGEE observes too: the k smallest of exponential times divided by the chances
    # are k draws without replacement, weighted by the chances.
    chance = APOGEE.chance(*_sky(stars["xyz"]))
    seen = np.flatnonzero(chance)
    times = rng.exponential(size=len(seen)) / chance[seen]
    common = seen[np.argsort(times)[:round(COMMON * n_apogee)]]
    n_new = n_apogee - len(common)
    more = _observed_stars(APOGEE, n_new, midplane, frame, rng)
    stars = {name: np.concatenate([stars[name], more[name]], axis=-1) for name in stars}
    stars |= _chemistry(stars, rng)

    window = ((R_range[0] <= stars["R"]) & (stars["R"] <= R_range[1])
              & (phi_range[0] <= stars["phi"]) & (stars["phi"] <= phi_range[1]))
    factor = _call("age_dependence", age_dependence or _decline_with_age, u.dimensionless_unscaled,
                   stars["age"] * u.Gyr)
    stars["m_h"] += 0.5 * amplitude * factor * window * np.sign(stars["Z"])
    biased_age = np.maximum(
        stars["age"] + _call("age_bias", age_bias, u.Gyr, stars["age"] * u.Gyr), 0)

    apogee = rng.permutation(np.concatenate([common, n_lamost + np.arange(n_new)]))
    rows = np.concatenate([np.arange(n_lamost), apogee])
    is_apogee = np.arange(n) >= n_lamost
    age = np.where(is_apogee, biased_age[rows], stars["age"][rows])
    stars = {name: values[..., rows] for name, values in stars.items()}
    table = _observe(stars, age, is_apogee, rng)
    truth = {
        "true_distance": _norm(stars["xyz"]) * u.kpc,
        "true_R": stars["R"] * u.kpc,
        "true_phi": stars["phi"] * u.deg,
        "true_Z": stars["Z"] * u.kpc,
        "true_age": stars["age"] * u.Gyr,
        "true_m_h": stars["m_h"] * u.dex,
        "star_id": rows,
    }
    return RedClumpCatalog.from_table(QTable(table | truth), frame=frame, keep=list(truth))


def _values(name, given, unit, shape):
    """Return finite floats in ``unit``, broadcast to ``shape``. Only 0 needs no unit."""
    try:
        values = u.Quantity(given, dtype=float)
        bare = values.unit == u.dimensionless_unscaled != unit
        values = values.value if bare and not np.any(values.value) else values.to_value(unit)
    except (TypeError, ValueError) as error:
        raise RcasymError(f"{name} must have values with a unit that converts to "
                          f"{str(unit) or 'a pure number'}; got {given!r}") from error
    try:
        values = np.broadcast_to(values, shape)
    except ValueError:
        raise RcasymError(f"{name} must have shape {shape}; got {values.shape}") from None
    if not np.all(np.isfinite(values)):
        raise RcasymError(f"{name} must be finite; got {values[~np.isfinite(values)][0]}")
    return values


def _range(name, given, unit, limit=np.inf):
    low, high = _values(name, given, unit, (2,))
    if not -limit <= low < high <= limit:
        raise RcasymError(f"{name} must increase" + (
            f" within -{limit} and {limit} {unit}" if np.isfinite(limit) else ""
        ) + f"; got {low:g} to {high:g} {unit}")
    return low, high


def _call(name, function, unit, *args):
    return _values(f"{name}(...)", function(*args), unit, args[0].shape)


def _decline_with_age(age):
    return np.interp(age.to_value(u.Gyr), [8, 10], [1, 0.4])


def _make_linear_bias(bias):
    return lambda age: bias * np.clip(age / (10 * u.Gyr), 0, 1) * u.Gyr


def _norm(xyz):
    return np.sqrt(np.einsum("ij,ij->j", xyz, xyz))


def _sky(xyz):
    """Return l, b and declination [deg] and distance [kpc] of heliocentric ICRS positions."""
    d = _norm(xyz)
    x, y, z = apply_affine(TO_GALACTIC, xyz)
    return (np.rad2deg(np.arctan2(y, x)) % 360, np.rad2deg(np.arcsin(z / d)),
            np.rad2deg(np.arcsin(xyz[2] / d)), d)


TO_GALACTIC = affine(ICRS(), Galactic())


def _observed_stars(survey, n, midplane, frame, rng):
    """Return the first ``n`` stars of the disk that ``survey`` observes, by rejection."""
    to_icrs = affine(frame, ICRS())
    blocks, observed, tried = [], 0, 0
    size = min(max(16 * n, 2**13), BLOCK)
    while observed < n or not blocks:
        trial = _disk(size, midplane, to_icrs, rng)
        keep = rng.random(size) < survey.chance(*_sky(trial["xyz"])) * (trial["age"] <= MAX_AGE)
        blocks.append({key: values[..., keep] for key, values in trial.items()})
        observed += np.count_nonzero(keep)
        tried += size
        if observed < MIN_OBSERVED * tried:
            raise RcasymError("midplane and frame must leave the disk in sight; got "
                              f"{observed} of {tried:,} stars in {survey.name}")
    return {key: np.concatenate([block[key] for block in blocks], axis=-1)[..., :n]
            for key in blocks[0]}


def _disk(n, midplane, to_icrs, rng):
    """Return stars of the disk.

    R, Z, height above the mid-plane and heliocentric ICRS xyz are in kpc, phi in deg, age in Gyr.
    """
    radii = np.linspace(*R_LIMITS, 201)
    inside = np.cumsum(radii * np.exp(-radii / SCALE_LENGTH))
    R = np.interp(rng.random(n), (inside - inside[0]) / (inside[-1] - inside[0]), radii)
    phi = rng.uniform(-MAX_PHI, MAX_PHI, n)
    age = rng.gamma(2, 2.3, n)
    height = rng.laplace(size=n) * (0.15 + 0.05 * age) * np.exp((R - R_SUN) / 10)
    Z = height if midplane is None else height + _call(
        "midplane", midplane, u.kpc, R * u.kpc, phi * u.deg)
    angle = np.deg2rad(phi)
    xyz = apply_affine(to_icrs, np.stack([-R * np.cos(angle), R * np.sin(angle), Z]))
    return {"R": R, "phi": phi, "Z": Z, "height": height, "age": age, "xyz": xyz}


def _chemistry(stars, rng):
    """Return the true [M/H], symmetric about the mid-plane, and [alpha/M] with two sequences."""
    R, age = stars["R"], stars["age"]
    radial = np.interp(age, [0.5, 2.5, 8], [-0.058, -0.066, -0.03])
    vertical = -0.243 * np.exp((R_SUN - R) / 6)
    m_h = 0.1 - 0.02 * age + radial * (R - R_SUN) + vertical * np.abs(stars["height"])
    m_h += (0.08 + 0.01 * age) * rng.standard_normal(len(R))
    thick = rng.random(len(R)) < expit((age - 9) / 0.7)
    alpha_m = np.where(thick, 0.2, 0.03) - 0.1 * m_h + 0.02 * rng.standard_normal(len(R))
    return {"m_h": m_h, "alpha_m": alpha_m}


def _observe(stars, age, is_apogee, rng):
    """Return the observed columns; ``age`` is the true one with its bias."""
    n = len(age)
    names, age_error, snr = (
        np.where(is_apogee, getattr(APOGEE, key), getattr(LAMOST, key))
        for key in ("name", "age_error", "snr"))
    distance = _norm(stars["xyz"])
    direction = stars["xyz"] / distance + ASTROMETRY * rng.standard_normal((3, n))
    relative = rng.uniform(0.05, 0.1, n)
    distance *= 1 + relative * rng.standard_normal(n)
    position = CartesianRepresentation(direction * distance * u.kpc)
    # The uncertainties in a survey scatter about its typical one.
    age_error = age_error * rng.uniform(0.8, 1.2, n)
    # A normal error of 24 % makes one age in 65,000 negative, which is reflected at 0.
    age = np.abs(age * (1 + age_error * rng.standard_normal(n)))
    table = {
        "source_id": [f"{name}-{i:07d}" for i, name in enumerate(names.tolist())],
        "survey": names,
        "coord": SkyCoord(ICRS(position)),
        "distance_error": relative * distance * u.kpc,
        "age": age * u.Gyr,
        "age_error": age_error * age * u.Gyr,
        "snr": snr * rng.lognormal(0, 0.45, n),
    }
    for name, low, high in (("m_h", 0.05, 0.1), ("alpha_m", 0.03, 0.06)):
        error = rng.uniform(low, high, n) * np.where(rng.random(n) < FAILED, 3, 1)
        table[name] = (stars[name] + error * rng.standard_normal(n)) * u.dex
        table[f"{name}_error"] = error * u.dex
    return table
