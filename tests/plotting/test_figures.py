# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Figures 1 to 8 of the paper: what is drawn, and, with ``--mpl``, how it looks.

Pictures differ between versions of matplotlib; they are compared where these are pinned:
``tox -e figures``, and ``tox -e figures -- --mpl-generate-path=tests/baseline`` makes new ones.
"""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import LogNorm, to_rgb
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AgeCalibrator, AsymmetryMap, DiskBinning, RedClumpCatalog
from rcasym.plotting import style
from rcasym.plotting.layout import DIVERGING, SEQUENTIAL
from rcasym.plotting.profiles import SLICE_COLORS

picture = pytest.mark.mpl_image_compare(style="default", tolerance=2, savefig_kwargs={"dpi": 80},
                                        baseline_dir="../baseline")


@pytest.fixture(scope="module")
def surveys(mock):
    selected = mock.select()
    return [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]


@pytest.fixture(scope="module")
def stars(surveys):
    return RedClumpCatalog.concatenate(surveys)


@pytest.fixture(scope="module")
def calibrator(surveys):
    lamost, apogee = surveys
    return AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)


@pytest.fixture(scope="module")
def maps(stars):
    return {"phi": AsymmetryMap.from_catalog(stars),
            "age": AsymmetryMap.from_catalog(stars, DiskBinning.by_age())}


@pytest.fixture(scope="module")
def figures(stars, calibrator, maps):
    """A function for each figure in the style of a journal."""
    null = calibrator.null_test(n=5, rng=1)
    tests = {name: amap.test(n=99, rng=1) for name, amap in maps.items()}
    both = ["mean", "radial_mean"]
    plots = {
        1: stars.plot,
        2: lambda: calibrator.plot(null=null),
        3: lambda: maps["phi"].plot(vmax=0.2),
        4: lambda: maps["phi"].profile().plot(test=tests["phi"]),
        5: lambda: maps["age"].plot(vmax=0.2),
        6: lambda: maps["age"].profile().plot(test=tests["age"]),
        7: lambda: maps["phi"].plot(both),
        8: lambda: maps["age"].plot(both),
    }
    return {number: style("aastex")(plot) for number, plot in plots.items()}


def mesh_of(ax):
    mesh, = (artist for artist in ax.collections if isinstance(artist, QuadMesh))
    return mesh


def bars_beside(axes):
    return [ax for ax in np.ravel(axes)[0].figure.axes if ax not in np.ravel(axes)]


@picture
def test_figure_1(figures, stars):
    axes = figures[1]()
    for k, name in enumerate(("Z", "phi")):
        pair = axes[2 * k:2 * k + 2]
        for ax, survey in zip(pair, ("LAMOST", "APOGEE"), strict=True):
            here = stars["survey"] == survey
            hexagons, = (a for a in ax.collections if isinstance(a, PolyCollection))
            drawn = hexagons.get_array()
            # One star in a thousand may be beyond either limit of each axis.
            assert 0.995 * here.sum() <= drawn.sum() <= here.sum()
            assert drawn.min() == 1
            assert isinstance(hexagons.norm, LogNorm)
            assert ax.get_title() == ("" if k else f"{survey}\n{here.sum():,} stars")
            assert ax.get_xlabel() == ("$R$ [kpc]" if k else "")
        assert pair[0].get_ylabel() == {"Z": "$Z$ [kpc]", "phi": r"$\phi$ [deg]"}[name]
        assert pair[0].get_xlim() == pair[1].get_xlim()
        assert pair[0].get_ylim() == pair[1].get_ylim()
        assert pair[0].collections[0].get_clim() == pair[1].collections[0].get_clim()
    for ax, label in zip(axes[4:], ("age [Gyr]", "[M/H] [dex]"), strict=True):
        assert (ax.get_xlabel(), ax.get_ylabel()) == (label, "stars")
        # The surveys can be told apart without colours.
        assert len({patch.get_linestyle() for patch in ax.patches}) == 2
    return axes[0].figure


@picture
def test_figure_2(figures, calibrator):
    left, right = figures[2]()
    assert left.get_xlabel() == right.get_xlabel().removeprefix("reference ") == "age [Gyr]"
    assert left.get_ylabel() == "age $-$ reference age [Gyr]"
    curve, = (line for line in left.lines if line.get_label() == "50 %")
    ages = np.asarray(curve.get_xdata(), dtype=float)
    assert_allclose(curve.get_ydata(), calibrator.difference(ages).value, atol=1e-12)
    assert left.get_title().startswith(f"{len(calibrator.pairs):,} stars in common; null test p = ")
    assert left.collections[0].get_array().sum() <= len(calibrator.pairs)
    line, = right.lines
    assert_array_equal(line.get_xdata(), line.get_ydata())
    assert right.get_aspect() == 1
    assert right.get_xlim() == right.get_ylim()
    return left.figure


@pytest.mark.parametrize(("number", "by"), [
    pytest.param(3, "phi", marks=picture, id="3"), pytest.param(5, "age", marks=picture, id="5")])
def test_offsets(figures, maps, number, by):
    amap = maps[by]
    axes = figures[number]()
    assert len(axes) == 6
    for ax, values, n in zip(axes, amap.offset.value.reshape(6, 15, 14),
                             amap.count.reshape(6, -1).sum(axis=1), strict=True):
        mesh = mesh_of(ax)
        drawn = np.ma.masked_invalid(values).T
        assert_array_equal(np.ma.getmaskarray(mesh.get_array()), drawn.mask)
        assert_array_equal(mesh.get_array().compressed(), drawn.compressed())
        assert mesh.get_clim() == (-0.2, 0.2)
        assert mesh.get_cmap() is DIVERGING
        # North is up: row 0 of the mesh is the southernmost.
        assert mesh.get_coordinates()[0, 0, 1] == pytest.approx(-2.1)
        # Empty bins are white: nothing is drawn over the ground.
        assert mesh.get_cmap().get_bad()[3] == 0
        assert to_rgb(ax.get_facecolor()) == (1, 1, 1)
        assert (*ax.get_xlim(), *ax.get_ylim()) == pytest.approx((6.2, 15.2, -2.1, 2.1))
        assert ax.get_title().splitlines()[-1] == f"{n:,} stars"
    ranges = [ax.get_title().splitlines()[0] for ax in axes]
    assert ranges == [amap.binning[by].interval(k) for k in range(6)]
    assert axes[0].figure.get_suptitle() == ("" if by == "phi" else "−5 ≤ $\\phi$ ≤ 15°")
    bar, = bars_beside(axes)
    assert bar.get_ylabel() == "[M/H] \N{MINUS SIGN} radial mean [dex]"
    assert [bool(ax.get_xlabel()) for ax in axes] == [False] * 3 + [True] * 3
    assert [bool(ax.get_ylabel()) for ax in axes] == [True, False, False] * 2
    return axes[0].figure


@pytest.mark.parametrize(("number", "by"), [
    pytest.param(4, "phi", marks=picture, id="4"), pytest.param(6, "age", marks=picture, id="6")])
def test_profiles(figures, maps, number, by):
    profile = maps[by].profile()
    left, signal, rest = figures[number]()
    assert (left.get_xlabel(), left.get_ylabel()) == ("$Z$ [kpc]", "median [M/H] [dex]")
    assert len(left.containers) == 6
    drawn = np.concatenate([bars[0].get_ydata() for bars in left.containers])
    medians = np.append(profile["north"].value, profile["south"].value)
    assert_allclose(np.sort(drawn), np.sort(medians))
    # Each slice is in one of the two panels.
    labels = [[bars.get_label() for bars in ax.containers] for ax in (signal, rest)]
    assert sorted(labels[0] + labels[1]) == sorted(bars.get_label() for bars in left.containers)
    points = np.concatenate([bars[0].get_ydata() for ax in (signal, rest)
                             for bars in ax.containers])
    assert_allclose(np.sort(points), np.sort(np.ma.filled(profile["asymmetry"], np.nan)))
    assert signal.get_ylim() == rest.get_ylim() == (-rest.get_ylim()[1], rest.get_ylim()[1])
    assert (signal.get_ylabel(), rest.get_ylabel()) == ("A = (N $-$ S) / |N + S|", "")
    assert (signal.get_title(), rest.get_title()) == (
        "p < 0.05 (corrected)", "p ≥ 0.05 (corrected)")
    assert signal.get_xlabel() == rest.get_xlabel() == "|$Z$| [kpc]"
    styles = {(bars[0].get_color(), bars[0].get_marker()) for bars in left.containers}
    assert len({color for color, _ in styles}) == len({marker for _, marker in styles}) == 6
    legend, = left.figure.legends
    assert len(legend.get_texts()) == 6
    return left.figure


@pytest.mark.parametrize(("number", "by"), [
    pytest.param(7, "phi", marks=picture, id="7"), pytest.param(8, "age", marks=picture, id="8")])
def test_means(figures, maps, number, by):
    amap = maps[by]
    axes = figures[number]()
    assert axes.shape == (2, 6)
    assert len({(mesh_of(ax).get_clim(), ax.get_xlim(), ax.get_ylim()) for ax in axes.flat}) == 1
    assert {mesh_of(ax).get_cmap().name for ax in axes.flat} == {SEQUENTIAL}
    for ax, values in zip(axes[0], amap.mean.value.reshape(6, 15, 14), strict=True):
        assert_array_equal(mesh_of(ax).get_array().compressed(),
                           np.ma.masked_invalid(values).T.compressed())
    for ax, values in zip(axes[1], amap.radial_mean.value.reshape(6, 15), strict=True):
        drawn = np.ma.filled(mesh_of(ax).get_array(), np.nan)
        assert_array_equal(drawn, np.broadcast_to(drawn[0], drawn.shape))
        shown = np.isfinite(drawn[0])
        assert shown.sum() > 10
        assert_array_equal(drawn[0, shown], values[shown])
    assert [" ".join(bar.get_ylabel().split()) for bar in bars_beside(axes)] == [
        "mean [M/H] [dex]", "radial mean [M/H] [dex]"]
    return axes[0, 0].figure


def luminance(rgb):
    """Relative luminance of sRGB colours (IEC 61966-2-1)."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


# Machado, Oliveira & Fernandes (2009), IEEE TVCG 15, 1291: what those see who lack one kind of
# cones; for linear RGB.
BLINDNESS = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                   [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                     [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                   [0.004733, 0.691367, 0.303900]],
}


class TestColours:
    def test_sign_can_be_read_in_grey(self):
        grey = luminance(DIVERGING(np.linspace(0, 1, 101))[:, :3])
        assert np.all(np.diff(grey) > 0)
        assert grey[-1] - grey[50] > 0.3
        assert grey[50] - grey[0] > 0.1
        # Nothing is as light as an empty bin.
        assert grey[-1] < 0.85

    def test_zero_is_grey(self):
        assert np.ptp(DIVERGING(0.5)[:3]) < 0.02

    @pytest.mark.parametrize("kind", BLINDNESS)
    def test_sign_can_be_seen_by_colour_blind_readers(self, kind):
        rgb = DIVERGING(np.linspace(0, 1, 101))[:, :3]
        seen = np.clip(rgb ** 2.2 @ np.transpose(BLINDNESS[kind]), 0, 1) ** (1 / 2.2)
        assert np.all(np.diff(luminance(seen)) > 0)

    @pytest.mark.parametrize("kind", BLINDNESS)
    def test_lines_differ(self, kind):
        rgb = np.array([to_rgb(color) for color in SLICE_COLORS])
        seen = np.clip(rgb ** 2.2 @ np.transpose(BLINDNESS[kind]), 0, 1) ** (1 / 2.2)
        apart = np.linalg.norm(seen[:, np.newaxis] - seen, axis=-1)
        assert np.min(apart[np.triu_indices(len(seen), 1)]) > 0.1
