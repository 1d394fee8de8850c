# Licensed under a 3-clause BSD style license - see LICENSE.rst
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import (
    FK4,
    ICRS,
    CartesianRepresentation,
    Galactic,
    SkyCoord,
)
from numpy.testing import assert_allclose, assert_array_equal

from rcasym.catalog import frames
from rcasym.catalog.frames import (
    affine,
    cylindrical,
    frame_from_parameters,
    frame_parameters,
    galactocentric_frame,
    paper_frame,
    sky_to_cartesian,
    sky_to_cylindrical,
)


def test_sun_and_centre():
    sun = SkyCoord(0 * u.deg, 0 * u.deg, 0 * u.kpc, frame="icrs").transform_to(paper_frame())
    assert_allclose(sun.cartesian.xyz.to_value(u.kpc), [-8.34, 0, 0.025], atol=1e-12)
    frame = paper_frame()
    assert frame.galcen_distance.to_value(u.kpc) == np.hypot(8.34, 0.025)
    assert not any(frame.is_frame_attr_default(name) for name in frame.frame_attributes)


def test_phi_is_zero_at_the_anticentre_and_grows_with_rotation():
    stars = SkyCoord(l=[90, 270, 180] * u.deg, b=0 * u.deg, distance=[1, 1, 2] * u.kpc,
                     frame=Galactic)
    R, phi, _ = cylindrical(stars.transform_to(paper_frame()))
    expected = np.degrees(np.arctan(1 / 8.34)) * np.array([1, -1, 0])
    assert_allclose(phi.value, expected, rtol=2e-3, atol=0.02)
    assert_allclose(R.value[2], 10.34, atol=1e-3)


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


def test_sky_to_cartesian_agrees_with_astropy():
    rng = np.random.default_rng(2)
    n = 40_000
    ra, dec = rng.uniform(0, 360, n), rng.uniform(-90, 90, n)
    ra[:4], dec[:6] = [0, 90, 180, 360], [-90, 90, 0, -90, 90, 0]
    distance = rng.gamma(2, 2, n)
    frame = galactocentric_frame(R0=8.1 * u.kpc, Z0=10 * u.pc)
    galcen = ICRS(ra * u.deg, dec * u.deg, distance * u.kpc).transform_to(frame)
    xyz = sky_to_cartesian(ra, dec, distance, frame)
    assert_allclose(xyz, galcen.cartesian.xyz.to_value(u.kpc), rtol=0, atol=1e-12)
    R, phi, Z = sky_to_cylindrical(ra, dec, distance, frame)
    for found, expected in zip((R, phi, Z), cylindrical(galcen), strict=True):
        assert_allclose(found, expected.value, rtol=0, atol=1e-11)


def test_positions_do_not_depend_on_what_stands_beside_them(monkeypatch):
    rng = np.random.default_rng(3)
    sky = rng.uniform(0, 360, 500), rng.uniform(-90, 90, 500), rng.gamma(2, 2, 500)
    whole = sky_to_cylindrical(*sky, paper_frame())
    gaps = sky_to_cylindrical(*(np.repeat(x, 3)[::3] for x in sky), paper_frame())
    assert_array_equal(gaps, whole)
    monkeypatch.setattr(frames, "CHUNK", 7)
    monkeypatch.setattr(frames, "MIN_PER_THREAD", 50)
    assert_array_equal(sky_to_cylindrical(*sky, paper_frame()), whole)


def test_an_unknown_position_stays_unknown():
    sky = np.where(np.eye(3), np.nan, 1.0)
    assert np.isnan(sky_to_cartesian(*sky, paper_frame())).all()
    assert np.isnan(sky_to_cylindrical(*sky, paper_frame())).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_only_a_rotation_and_a_shift():
    with pytest.raises(ValueError, match="frames must differ by a rotation and a shift"):
        affine(ICRS(), FK4())


class BentFrame:
    """Stands for a frame that differs from another by a rotation, a shift and some curvature."""

    def __init__(self, curvature):
        self.curvature = curvature

    def realize_frame(self, positions):
        self.xyz = positions.xyz.to_value(u.kpc)
        return self

    def transform_to(self, to):
        turned = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]]) @ self.xyz
        turned[1] += self.curvature * self.xyz[0] * self.xyz[2]
        self.cartesian = CartesianRepresentation((turned + [[-8], [0], [0.025]]) * u.kpc)
        return self


def test_curvature_is_refused():
    matrix, offset = affine(BentFrame(0), "another")
    assert_allclose(matrix, [[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]], atol=1e-14)
    assert_allclose(offset, [[-8], [0], [0.025]])
    for curvature in (2e-12, -2e-12, 1e-6, 1):
        with pytest.raises(ValueError, match="must differ by a rotation and a shift; got .*Bent"):
            affine(BentFrame(curvature), "another")


def test_rounding_is_not_curvature():
    for frame in (paper_frame(), galactocentric_frame(R0=1000 * u.Mpc),
                  galactocentric_frame(R0=1 * u.pc, Z0=0 * u.pc)):
        for pair in ((ICRS(), frame), (frame, ICRS()), (Galactic(), frame)):
            matrix, _ = affine(*pair)
            assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-5)
