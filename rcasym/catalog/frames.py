# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The Galactocentric frame of the maps, and cylindrical coordinates in it."""

from functools import cache

import numpy as np
from astropy import units as u
from astropy.coordinates import (
    ICRS,
    CartesianDifferential,
    CartesianRepresentation,
    Galactocentric,
)

from ..exceptions import CatalogError, RcasymError
from ..utils.parallel import in_threads, shares

__all__ = ["galactocentric_frame", "paper_frame", "cylindrical", "cylindrical_values",
           "sky_to_cartesian", "sky_to_cylindrical", "affine", "apply_affine", "check_frame",
           "frame_parameters", "frame_from_parameters", "FRAME_UNITS"]

# Stars per chunk, so that temporaries stay in the cache.
CHUNK = 8192
# Fewer stars are not worth a thread.
MIN_PER_THREAD = 65_536

# The parameters of a Galactocentric frame in files, and their units.
FRAME_UNITS = {"galcen_ra": u.deg, "galcen_dec": u.deg, "galcen_distance": u.kpc, "z_sun": u.pc,
               "roll": u.deg, "v_x": u.km / u.s, "v_y": u.km / u.s, "v_z": u.km / u.s}


@u.quantity_input(R0=u.kpc, Z0=u.kpc)
def galactocentric_frame(R0=8.34 * u.kpc, Z0=25 * u.pc):
    """Return a Galactocentric frame with every parameter set.

    None is left to astropy, whose defaults change between versions.

    Parameters
    ----------
    R0 : `~astropy.units.Quantity` ['length'], optional
        Distance of the Sun from the axis of the Galaxy, in the plane; by default 8.34 kpc
        (Reid et al. 2014, ApJ 783, 130), as in Wang et al. (2025), Section 2.
    Z0 : `~astropy.units.Quantity` ['length'], optional
        Height of the Sun above the mid-plane; by default 25 pc.

    Returns
    -------
    `~astropy.coordinates.Galactocentric`
        Its ``galcen_distance`` is the distance in space, ``hypot(R0, Z0)``. The direction of the
        centre is from Reid & Brunthaler (2004), the Sun's velocity from Drimmel & Poggio (2018);
        the maps do not use velocities.

    Examples
    --------
    >>> from rcasym.catalog import galactocentric_frame
    >>> frame = galactocentric_frame()
    >>> print(f"{frame.galcen_distance:.6f} {frame.z_sun}")
    8.340037 kpc 25.0 pc
    """
    return Galactocentric(
        galcen_coord=ICRS(ra=266.4051 * u.deg, dec=-28.936175 * u.deg),
        galcen_distance=np.hypot(R0, Z0).to(u.kpc),
        galcen_v_sun=CartesianDifferential([12.9, 245.6, 7.78] * u.km / u.s),
        z_sun=Z0.to(u.pc),
        roll=0 * u.deg,
    )


@cache
def paper_frame():
    """Return the frame of Wang et al. (2025): R0 = 8.34 kpc, Z0 = 25 pc.

    Returns
    -------
    `~astropy.coordinates.Galactocentric`
        The default of `galactocentric_frame`, the same object in each call.

    Examples
    --------
    >>> from rcasym import make_mock_catalog
    >>> from rcasym.catalog import paper_frame
    >>> paper_frame().z_sun, make_mock_catalog(10).frame.is_equivalent_frame(paper_frame())
    (<Quantity 25. pc>, True)
    """
    return galactocentric_frame()


def cylindrical(coord):
    """Return R [kpc], phi [deg] and Z [kpc] of Galactocentric positions, NaN where unknown.

    phi is in (-180, 180], 0 toward the anticentre and growing with Galactic rotation. Masked
    positions give NaN, never a masked value.
    """
    R, phi, Z = cylindrical_values(*(_unmasked(getattr(coord, axis)).to_value(u.kpc)
                                     for axis in "xyz"))
    # Z is a view of coord and must be copied.
    return R << u.kpc, phi << u.deg, Z * u.kpc


def cylindrical_values(x, y, z):
    """Return R [kpc], phi [deg] and Z [kpc] for plain Galactocentric x, y, z [kpc]."""
    return (*_apply_in_chunks(_polar, 2, x, y), z)


def sky_to_cartesian(ra, dec, distance, frame):
    """Return Galactocentric positions [kpc], shape (3, n), for ICRS [deg] and distances [kpc].

    The transformation is a rotation and a shift, far faster than astropy's general one.
    """
    return _apply_in_chunks(_make_cartesian(frame), 3, ra, dec, distance)


def sky_to_cylindrical(ra, dec, distance, frame):
    """Return R [kpc], phi [deg] and Z [kpc], shape (3, n), for ICRS [deg] and distances [kpc]."""
    to_cartesian = _make_cartesian(frame)

    def convert(*sky):
        x, y, z = to_cartesian(*sky)
        return (*_polar(x, y), z)

    return _apply_in_chunks(convert, 3, ra, dec, distance)


def _polar(x, y):
    phi = np.arctan2(y, -x)
    phi *= 180 / np.pi
    # arctan2 gives -180 for y = -0.0: the same half-plane as +180.
    phi[phi == -180] = 180
    return np.sqrt(x * x + y * y), phi


def _cos_sin(degrees):
    # By the tangent of half the angle, exact to 3e-16: in double precision numpy's tangent is much
    # faster than its sine and cosine.
    t = np.tan(degrees * (np.pi / 360))
    square = t * t
    scale = 1 / (1 + square)
    return (1 - square) * scale, 2 * t * scale


def _make_cartesian(frame):
    matrix, offset = affine(ICRS(), frame)

    def convert(ra, dec, distance):
        # In place, to save time and memory.
        (x, y), (in_plane, z) = _cos_sin(ra), _cos_sin(dec)
        in_plane *= distance
        x *= in_plane
        y *= in_plane
        z *= distance
        del in_plane
        return [a * x + b * y + c * z + shift
                for (a, b, c), (shift,) in zip(matrix, offset, strict=True)]

    return convert


def _apply_in_chunks(function, n_results, *columns):
    """Return the results of a function of columns, one row per result."""
    shape = np.shape(columns[0])
    columns = [np.ravel(column) for column in columns]
    n = len(columns[0])
    results = np.empty((n_results, n))

    def fill(share):
        for start in range(share.start, share.stop, CHUNK):
            part = slice(start, min(start + CHUNK, share.stop))
            # numpy's loops for columns with gaps in memory round differently.
            converted = function(*(np.ascontiguousarray(x[part], float) for x in columns))
            for row, values in zip(results, converted, strict=True):
                row[part] = values

    list(in_threads(fill, shares(n, MIN_PER_THREAD)))
    return results.reshape(n_results, *shape)


def check_frame(frame):
    """Return the frame, which must be Galactocentric, or the paper's for None."""
    if frame is None:
        return paper_frame()
    if not isinstance(frame, Galactocentric):
        raise CatalogError(f"frame must be a Galactocentric frame; got {frame!r}. "
                           "rcasym.catalog.galactocentric_frame makes one")
    return frame


def affine(frame, to):
    """Return the matrix, shape (3, 3), and offset, shape (3, 1) [kpc], from one frame to another.

    The frames must differ by a rotation and a shift, as ICRS and Galactocentric ones do.
    """
    corners = np.concatenate([np.eye(3, 4, k=1), [[3.0], [-5], [7]]], axis=1)
    positions = frame.realize_frame(CartesianRepresentation(corners * u.kpc)).transform_to(to)
    xyz = positions.cartesian.xyz.to_value(u.kpc)
    matrix, offset = xyz[:, 1:4] - xyz[:, :1], xyz[:, :1]
    if not np.allclose(matrix @ corners + offset, xyz, rtol=0, atol=1e-12 * np.abs(xyz).max()):
        raise RcasymError(f"frames must differ by a rotation and a shift; got {frame} and {to}")
    return matrix, offset


def apply_affine(transform, xyz):
    """Return positions, shape (3, n) [kpc], in another frame, by the result of `affine`."""
    # Not a matrix product: its rounding may depend on the number of threads.
    return np.einsum("ij,jk->ik", transform[0], xyz) + transform[1]


def _unmasked(values):
    mask = getattr(values, "mask", None)
    return values if mask is None else np.where(mask, np.nan, values.unmasked)


def frame_parameters(frame):
    """Return the parameters of a Galactocentric frame as floats in the units of `FRAME_UNITS`."""
    centre, velocity = frame.galcen_coord, frame.galcen_v_sun.to_cartesian()
    values = (centre.ra, centre.dec, frame.galcen_distance, frame.z_sun, frame.roll,
              velocity.x, velocity.y, velocity.z)
    return {name: float(value.to_value(unit))
            for (name, unit), value in zip(FRAME_UNITS.items(), values, strict=True)}


def frame_from_parameters(parameters):
    """Return the Galactocentric frame with the result of `frame_parameters`."""
    value = {name: float(parameters[name]) * unit for name, unit in FRAME_UNITS.items()}
    return Galactocentric(
        galcen_coord=ICRS(value["galcen_ra"], value["galcen_dec"]),
        galcen_distance=value["galcen_distance"], z_sun=value["z_sun"], roll=value["roll"],
        galcen_v_sun=CartesianDifferential(value["v_x"], value["v_y"], value["v_z"]))
