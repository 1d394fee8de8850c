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

# Stars taken at a time, so that temporaries stay in the cache; and for which a thread pays.
CHUNK, LEAST = 8192, 65_536

FRAME_UNITS = {"galcen_ra": u.deg, "galcen_dec": u.deg, "galcen_distance": u.kpc, "z_sun": u.pc,
               "roll": u.deg, "v_x": u.km / u.s, "v_y": u.km / u.s, "v_z": u.km / u.s}
"""The parameters of a Galactocentric frame as files hold them, and their units."""


@u.quantity_input(R0=u.kpc, Z0=u.kpc)
def galactocentric_frame(R0=8.34 * u.kpc, Z0=25 * u.pc):
    """A Galactocentric frame with every parameter set.

    astropy's own defaults change between its versions, so none of them is left to it.

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
        centre is that of Reid & Brunthaler (2004), the Sun's velocity that of Drimmel & Poggio
        (2018); velocities play no part in the maps.

    Examples
    --------
    >>> from rcasym.catalog.frames import galactocentric_frame
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
    """The frame of Wang et al. (2025): R0 = 8.34 kpc, Z0 = 25 pc.

    Returns
    -------
    `~astropy.coordinates.Galactocentric`
        As `galactocentric_frame` gives it by default; the same object every time.

    Examples
    --------
    >>> from rcasym import make_mock_catalog
    >>> from rcasym.catalog.frames import paper_frame
    >>> paper_frame().z_sun, make_mock_catalog(10).frame.is_equivalent_frame(paper_frame())
    (<Quantity 25. pc>, True)
    """
    return galactocentric_frame()


def cylindrical(coord):
    """Galactocentric cylindrical coordinates.

    Parameters
    ----------
    coord : `~astropy.coordinates.SkyCoord` or `~astropy.coordinates.Galactocentric`
        Positions in a Galactocentric frame.

    Returns
    -------
    R : `~astropy.units.Quantity`
        Distance from the axis [kpc].
    phi : `~astropy.units.Quantity`
        Azimuth [deg] in (-180, 180], 0 toward the anticentre as seen from the Sun and growing with
        Galactic rotation.
    Z : `~astropy.units.Quantity`
        Height [kpc], positive toward the North. An unknown or masked position gives NaN in all
        three, never a masked value.

    Examples
    --------
    The Sun itself:

    >>> from astropy import units as u
    >>> from astropy.coordinates import ICRS
    >>> from rcasym.catalog.frames import cylindrical, paper_frame
    >>> sun = ICRS(0 * u.deg, 0 * u.deg, 0 * u.kpc).transform_to(paper_frame())
    >>> R, phi, Z = cylindrical(sun)
    >>> print(f"{R:.3f}, {phi:.3f}, {Z:.3f}")
    8.340 kpc, 0.000 deg, 0.025 kpc
    """
    R, phi, Z = cylindrical_values(*(_unmasked(getattr(coord, axis)).to_value(u.kpc)
                                     for axis in "xyz"))
    # z is the memory of coord, and not to be given away.
    return R << u.kpc, phi << u.deg, Z * u.kpc


def cylindrical_values(x, y, z):
    """R [kpc], phi [deg] and Z [kpc] of Galactocentric x, y, z [kpc]; see `cylindrical`.

    Parameters
    ----------
    x, y, z : float or ndarray
        Plain numbers, as in astropy's Galactocentric frame: the Sun is at negative x.

    Returns
    -------
    tuple of float or of ndarray
        R, phi and Z, NaN where unknown.

    Examples
    --------
    A star beside the Sun, 1 kpc toward Galactic rotation:

    >>> from rcasym.catalog.frames import cylindrical_values
    >>> print("{:.3f} {:.3f} {:.3f}".format(*cylindrical_values(-8.34, 1.0, 0.025)))
    8.400 6.837 0.025
    """
    return (*_in_chunks(_polar, 2, x, y), z)


def sky_to_cartesian(ra, dec, distance, frame):
    """Galactocentric positions of stars on the sky.

    The way from ICRS to a Galactocentric frame is a rotation and a shift, which is much less work
    than the general transformation.

    Parameters
    ----------
    ra, dec : ndarray of float
        ICRS [deg].
    distance : ndarray of float
        From the Sun's system [kpc].
    frame : `~astropy.coordinates.Galactocentric`
        The frame to bring them to.

    Returns
    -------
    ndarray, shape (3, n)
        Their x, y, z [kpc], NaN where a coordinate is.

    Examples
    --------
    The direction of the Galactic centre:

    >>> import numpy as np
    >>> from rcasym.catalog.frames import paper_frame, sky_to_cartesian
    >>> x, y, z = sky_to_cartesian(*np.array([[266.4051], [-28.936175], [8.0]]), paper_frame())
    >>> print(f"{x[0]:.3f}, {y[0]:.3f}, {z[0]:.3f}")
    -0.340, 0.000, 0.001
    """
    return _in_chunks(_cartesian(frame), 3, ra, dec, distance)


def sky_to_cylindrical(ra, dec, distance, frame):
    """R [kpc], phi [deg] and Z [kpc] of stars on the sky, with no memory but for these.

    Parameters
    ----------
    ra, dec : ndarray of float
        ICRS [deg].
    distance : ndarray of float
        From the Sun's system [kpc].
    frame : `~astropy.coordinates.Galactocentric`
        The frame to bring them to.

    Returns
    -------
    ndarray, shape (3, n)
        The coordinates of `cylindrical`, NaN where one of the sky is.

    Examples
    --------
    >>> import numpy as np
    >>> from rcasym.catalog.frames import paper_frame, sky_to_cylindrical
    >>> R, phi, Z = sky_to_cylindrical(*np.array([[266.4051], [-28.936175], [2.0]]), paper_frame())
    >>> print(f"{R[0]:.3f}, {phi[0]:.3f}, {Z[0]:.3f}")
    6.340, 0.000, 0.019
    """
    cartesian = _cartesian(frame)

    def convert(*sky):
        x, y, z = cartesian(*sky)
        return (*_polar(x, y), z)

    return _in_chunks(convert, 3, ra, dec, distance)


def _polar(x, y):
    phi = np.arctan2(y, -x)
    phi *= 180 / np.pi
    # arctan2 gives -180 for y = -0.0: the same half-plane as +180.
    phi[phi == -180] = 180
    return np.sqrt(x * x + y * y), phi


def _cos_sin(degrees):
    # By the tangent of half the angle: in double precision numpy has a fast tangent, but no fast
    # sine and cosine. Both are exact to 3e-16.
    t = np.tan(degrees * (np.pi / 360))
    square = t * t
    scale = 1 / (1 + square)
    return (1 - square) * scale, 2 * t * scale


def _cartesian(frame):
    matrix, offset = affine(ICRS(), frame)

    def convert(ra, dec, distance):
        # In place: what is not allocated is neither time nor memory.
        (x, y), (in_plane, z) = _cos_sin(ra), _cos_sin(dec)
        in_plane *= distance
        x *= in_plane
        y *= in_plane
        z *= distance
        del in_plane
        return [a * x + b * y + c * z + shift
                for (a, b, c), (shift,) in zip(matrix, offset, strict=True)]

    return convert


def _in_chunks(function, n_results, *columns):
    """Results of a function of columns, star by star, a row each."""
    shape = np.shape(columns[0])
    columns = [np.ravel(column) for column in columns]
    n = len(columns[0])
    results = np.empty((n_results, n))

    def fill(share):
        for start in range(share.start, share.stop, CHUNK):
            part = slice(start, min(start + CHUNK, share.stop))
            # numpy has other loops, with other last bits, for columns with gaps in memory.
            found = function(*(np.ascontiguousarray(x[part], float) for x in columns))
            for row, values in zip(results, found, strict=True):
                row[part] = values

    list(in_threads(fill, shares(n, LEAST)))
    return results.reshape(n_results, *shape)


def check_frame(frame):
    """The frame, which must be Galactocentric; None stands for the paper's.

    Parameters
    ----------
    frame : `~astropy.coordinates.Galactocentric` or None
        What was given.

    Returns
    -------
    `~astropy.coordinates.Galactocentric`
        The same, or the paper's.

    Raises
    ------
    CatalogError
        If it is something else.

    Examples
    --------
    >>> from rcasym.catalog.frames import check_frame
    >>> print(check_frame(None).galcen_distance.round(3))
    8.34 kpc
    """
    if frame is None:
        return paper_frame()
    if not isinstance(frame, Galactocentric):
        raise CatalogError(f"frame must be a Galactocentric frame; got {frame!r}. "
                           "rcasym.catalog.frames.galactocentric_frame makes one")
    return frame


def affine(frame, to):
    """Matrix and offset [kpc] that bring positions from ``frame`` to another.

    Parameters
    ----------
    frame, to : `~astropy.coordinates.BaseCoordinateFrame`
        The frame that positions are in, and that to bring them to: ICRS or Galactocentric.

    Returns
    -------
    tuple of ndarray
        The matrix, shape (3, 3), and the offset, shape (3, 1), as `apply_affine` takes them.

    Examples
    --------
    The offset is where the Sun is:

    >>> from astropy.coordinates import ICRS
    >>> from rcasym.catalog.frames import affine, paper_frame
    >>> matrix, offset = affine(ICRS(), paper_frame())
    >>> print((offset.ravel() + 0.0).round(3))
    [-8.34   0.     0.025]
    """
    corners = np.concatenate([np.eye(3, 4, k=1), [[3.0], [-5], [7]]], axis=1)
    found = frame.realize_frame(CartesianRepresentation(corners * u.kpc)).transform_to(to)
    xyz = found.cartesian.xyz.to_value(u.kpc)
    matrix, offset = xyz[:, 1:4] - xyz[:, :1], xyz[:, :1]
    if not np.allclose(matrix @ corners + offset, xyz, rtol=0, atol=1e-12 * np.abs(xyz).max()):
        raise RcasymError(f"frames must differ by a rotation and a shift; got {frame} and {to}")
    return matrix, offset


def apply_affine(transform, xyz):
    """Bring positions [kpc] to another frame, with what `affine` gives.

    Parameters
    ----------
    transform : tuple of ndarray
        Matrix and offset.
    xyz : ndarray of shape (3, n)
        Cartesian positions [kpc].

    Returns
    -------
    ndarray of shape (3, n)
        The positions in the other frame [kpc].

    Examples
    --------
    What an error of 10 % in the distance of a star does to its R [kpc]:

    >>> from astropy import units as u
    >>> from astropy.coordinates import ICRS
    >>> from rcasym.catalog.frames import affine, apply_affine, cylindrical_values, paper_frame
    >>> star = ICRS(90 * u.deg, 20 * u.deg, 1 * u.kpc)
    >>> xyz = star.cartesian.xyz.value[:, None] * [1.8, 2.0, 2.2]
    >>> R, phi, Z = cylindrical_values(*apply_affine(affine(ICRS(), paper_frame()), xyz))
    >>> print(R.round(2))
    [10.12 10.32 10.52]
    """
    # Not a matrix product: its last bits may depend on the number of threads.
    return np.einsum("ij,jk->ik", transform[0], xyz) + transform[1]


def _unmasked(values):
    mask = getattr(values, "mask", None)
    return values if mask is None else np.where(mask, np.nan, values.unmasked)


def frame_parameters(frame):
    """The parameters of a Galactocentric frame as plain floats in the units of `FRAME_UNITS`.

    Parameters
    ----------
    frame : `~astropy.coordinates.Galactocentric`
        The frame.

    Returns
    -------
    dict
        One float for each key of `FRAME_UNITS`.

    Examples
    --------
    >>> from rcasym.catalog.frames import frame_parameters, paper_frame
    >>> print({name: round(value, 4) for name, value in frame_parameters(paper_frame()).items()})
    {'galcen_ra': 266.4051, 'galcen_dec': -28.9362, 'galcen_distance': 8.34, 'z_sun': 25.0,
     'roll': 0.0, 'v_x': 12.9, 'v_y': 245.6, 'v_z': 7.78}
    """
    centre, velocity = frame.galcen_coord, frame.galcen_v_sun.to_cartesian()
    values = (centre.ra, centre.dec, frame.galcen_distance, frame.z_sun, frame.roll,
              velocity.x, velocity.y, velocity.z)
    return {name: float(value.to_value(unit))
            for (name, unit), value in zip(FRAME_UNITS.items(), values, strict=True)}


def frame_from_parameters(parameters):
    """The Galactocentric frame that `frame_parameters` describes.

    Parameters
    ----------
    parameters : dict
        A number for each key of `FRAME_UNITS`, in its unit.

    Returns
    -------
    `~astropy.coordinates.Galactocentric`
        The frame.

    Examples
    --------
    >>> from rcasym.catalog.frames import frame_from_parameters, frame_parameters, paper_frame
    >>> frame = frame_from_parameters(frame_parameters(paper_frame()))
    >>> frame.is_equivalent_frame(paper_frame())
    True
    """
    value = {name: float(parameters[name]) * unit for name, unit in FRAME_UNITS.items()}
    return Galactocentric(
        galcen_coord=ICRS(value["galcen_ra"], value["galcen_dec"]),
        galcen_distance=value["galcen_distance"], z_sun=value["z_sun"], roll=value["roll"],
        galcen_v_sun=CartesianDifferential(value["v_x"], value["v_y"], value["v_z"]))
