# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import CylindricalRepresentation, Galactic, Galactocentric, SkyCoord
from numpy.testing import assert_allclose

from rcasym.frames import (
    cylindrical,
    frame_from_parameters,
    frame_parameters,
    galactocentric_frame,
    paper_frame,
)


def test_sun_and_centre():
    sun = SkyCoord(0 * u.deg, 0 * u.deg, 0 * u.kpc, frame="icrs").transform_to(paper_frame())
    assert_allclose(sun.cartesian.xyz.to_value(u.kpc), [-8.34, 0, 0.025], atol=1e-12)
    assert paper_frame().galcen_distance.to_value(u.kpc) == np.hypot(8.34, 0.025)


def test_every_parameter_is_set():
    frame = paper_frame()
    assert not any(frame.is_frame_attr_default(name) for name in frame.frame_attributes)


@pytest.mark.parametrize(("longitude", "sign"), [(90, 1), (270, -1)])
def test_phi_grows_with_rotation(longitude, sign):
    star = SkyCoord(l=longitude * u.deg, b=0 * u.deg, distance=1 * u.kpc, frame=Galactic)
    _, phi, _ = cylindrical(star.transform_to(paper_frame()))
    assert np.sign(phi) == sign
    assert_allclose(np.abs(phi.deg if hasattr(phi, "deg") else phi.value),
                    np.degrees(np.arctan(1 / 8.34)), rtol=2e-3)


def test_anticentre_is_phi_zero_and_farther_out():
    star = SkyCoord(l=180 * u.deg, b=0 * u.deg, distance=2 * u.kpc, frame=Galactic)
    R, phi, _ = cylindrical(star.transform_to(paper_frame()))
    assert_allclose(R.value, 10.34, atol=1e-3)
    assert_allclose(phi.value, 0, atol=0.02)


def test_agrees_with_astropy_cylindrical():
    rng = np.random.default_rng(2)
    coord = SkyCoord(rng.uniform(0, 360, 500) * u.deg, rng.uniform(-90, 90, 500) * u.deg,
                     rng.uniform(0.1, 20, 500) * u.kpc).transform_to(
        Galactocentric(galcen_distance=np.hypot(8.34, 0.025) * u.kpc, z_sun=25 * u.pc,
                       galcen_coord=paper_frame().galcen_coord, roll=0 * u.deg,
                       galcen_v_sun=paper_frame().galcen_v_sun))
    R, phi, Z = cylindrical(coord)
    expected = coord.represent_as(CylindricalRepresentation)
    assert_allclose(R.value, expected.rho.to_value(u.kpc), atol=1e-10)
    assert_allclose(Z.value, expected.z.to_value(u.kpc), atol=1e-10)
    # astropy's azimuth starts at +x, away from the anticentre, and runs against rotation.
    turned = (180 * u.deg - expected.phi).wrap_at(180 * u.deg)
    assert_allclose(np.cos(phi.to_value(u.rad)), np.cos(turned.rad), atol=1e-12)
    assert_allclose(np.sin(phi.to_value(u.rad)), np.sin(turned.rad), atol=1e-12)


def test_range_of_phi_includes_180_not_minus_180():
    coord = SkyCoord([1, 1] * u.kpc, [0.0, -0.0] * u.kpc, [0, 0] * u.kpc, frame=paper_frame())
    assert_allclose(cylindrical(coord)[1].value, [180, 180])


def test_parameters_round_trip():
    frame = galactocentric_frame(R0=8.1 * u.kpc, Z0=20.8 * u.pc)
    again = frame_from_parameters(frame_parameters(frame))
    assert frame.is_equivalent_frame(again)
    assert not frame.is_equivalent_frame(paper_frame())


def test_units_are_asked_for():
    with pytest.raises(u.UnitsError, match="R0"):
        galactocentric_frame(R0=8 * u.s)
    with pytest.raises(TypeError, match="Z0"):
        galactocentric_frame(Z0=25)
