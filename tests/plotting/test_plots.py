# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What every ``plot`` method promises, and what the figures show."""

from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from astropy import units as u
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AgeCalibrator, AsymmetryMap, DiskBinning, make_mock_catalog, systematics
from rcasym.ages import AgeNullTest
from rcasym.maps import Systematics
from rcasym.plotting import save_figure, style
from tests.conftest import catalog_at, random_stars

STARS = random_stars(4000, 3)
MAP = AsymmetryMap.from_catalog(STARS)
BY_AGE = AsymmetryMap.from_catalog(make_mock_catalog(3000), DiskBinning.by_age())
RNG = np.random.default_rng(0)
AGES = RNG.uniform(1, 12, 300), RNG.uniform(0.9, 1.1, 300)
CALIBRATOR = AgeCalibrator.from_ages(AGES[0] * AGES[1], AGES[0], n_bootstrap=0, age_error=0.1,
                                     reference_age_error=0.1)
R, Z, ABS_Z = "$R$ [kpc]", "$Z$ [kpc]", "|$Z$| [kpc]"
MEDIAN, AGE_DIFFERENCE = "median [M/H] [dex]", "age $-$ reference age [Gyr]"
# For each: the object, the arguments of plot, the number of panels, a keyword of the artist, and
# the labels of the axes.
CONTRACT = {
    "catalog": (make_mock_catalog(3000), (), 6, {"alpha": 0.123},
                {R, Z, r"$\phi$ [deg]", "age [Gyr]", "[M/H] [dex]", "stars"}),
    "binning": (DiskBinning.by_age(), (), 1, {"linewidth": 2.5}, {R, Z}),
    "map": (MAP, (), 6, {"cmap": "bwr"}, {R, Z}),
    "map of two quantities": (MAP, (["mean", "radial_mean"],), 12, {"rasterized": True}, {R, Z}),
    "map by age": (BY_AGE, (), 6, {"alpha": 0.123}, {R, Z}),
    "map of the difference": (MAP, ("difference",), 6, {"zorder": 0.5}, {R, ABS_Z}),
    "profile": (MAP.profile(), (), 3, {"linewidth": 2.5},
                {Z, ABS_Z, MEDIAN, "A = (N $-$ S) / |N + S|"}),
    "profile by age": (BY_AGE.profile(), (), 3, {"linestyle": ":"},
                       {Z, ABS_Z, MEDIAN, "A = (N $-$ S) / |N + S|"}),
    "profile of differences": (MAP.profile(), ("difference",), 3, {"markersize": 7.5},
                               {Z, ABS_Z, MEDIAN, "North $-$ South [dex]"}),
    "systematics": (systematics(STARS), (), 6, {"height": 0.5}, {"shift [errors]"}),
    "calibrator": (CALIBRATOR, (), 2, {"alpha": 0.123},
                   {"age [Gyr]", AGE_DIFFERENCE, "reference age [Gyr]", "calibrated age [Gyr]"}),
    "null test": (CALIBRATOR.null_test(n=3, rng=1), (), 1, {"alpha": 0.123},
                  {"age [Gyr]", AGE_DIFFERENCE}),
    "spline": (CALIBRATOR.curves[0], (), 1, {"linewidth": 2.5}, {"x", "y"}),
}
LOOKS = {"default": nullcontext, "double": partial(style, "aastex"),
         "single": partial(style, "aastex", width="single"),
         "large text": partial(plt.rc_context, {"font.size": 14})}


@pytest.fixture(params=CONTRACT, ids=str)
def contract(request):
    return CONTRACT[request.param]


def meshes(ax):
    return [artist for artist in ax.collections if isinstance(artist, QuadMesh)]


def new_figure(thing, args, **kwargs):
    return np.ravel(thing.plot(*args, **kwargs))[0].figure


def visible_texts(figure):
    """The texts that a drawing of the figure shows, with their boxes in pixels."""
    drawn = []

    def draw(text, renderer):
        if text.get_visible() and text.get_text().strip():
            drawn.append((text, text.get_window_extent(renderer)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", draw)
        figure.draw_without_rendering()
    return drawn


class TestContract:
    def test_returns_axes_of_a_new_figure(self, contract, monkeypatch):
        thing, args, n_panels, _, expected = contract
        monkeypatch.setattr(plt, "show", lambda *a, **k: pytest.fail("plt.show was called"))
        before = set(plt.get_fignums())
        axes = np.ravel(thing.plot(*args))
        assert len(axes) == n_panels
        assert all(isinstance(ax, Axes) for ax in axes)
        assert len(set(plt.get_fignums()) - before) == 1
        labels = {text for ax in axes for text in (ax.get_xlabel(), ax.get_ylabel())}
        assert (labels | {axes[0].figure.get_supxlabel()}) - {""} == expected
        axes[0].figure.canvas.draw()

    def test_draws_on_given_axes(self, contract):
        thing, args, n_panels, _, labels = contract
        with plt.rc_context({"font.size": 20}):
            _, given = plt.subplots(1, n_panels, squeeze=False)
        before = plt.get_fignums()
        name = "ax" if n_panels == 1 else "axes"
        axes = thing.plot(*args, **{name: given[0, 0] if n_panels == 1 else given[0]})
        assert plt.get_fignums() == before
        assert_array_equal(np.ravel(axes), given[0])
        for ax in given[0]:
            assert ax.has_data()
            assert ax.xaxis.label.get_fontsize() == 20
            # The range of a null test is added to axes that have their labels already.
            assert ax.get_xlabel() in labels or isinstance(thing, AgeNullTest)

    def test_passes_keywords_to_the_artist(self, contract):
        thing, args, _, keywords, _ = contract
        (name, value), = keywords.items()
        for ax in np.ravel(thing.plot(*args, **keywords)):
            values = [getattr(artist, f"get_{name}")() for artist in ax.get_children()
                      if hasattr(artist, f"get_{name}")]
            # The histograms of a catalogue have other artists; a panel may have no slice.
            if ax.get_ylabel() != "stars" and not any(t.get_text() == "none" for t in ax.texts):
                assert value in [getattr(v, "name", v) for v in values]
        for unknown in ("no_such_property", "width"):
            if unknown != "width" or not isinstance(thing, Systematics):
                with pytest.raises((AttributeError, TypeError), match=unknown):
                    thing.plot(*args, **{unknown: 1})

    @pytest.mark.parametrize("look", LOOKS)
    def test_text_can_be_read(self, contract, look):
        thing, args, *_ = contract
        with LOOKS[look]():
            figure = new_figure(thing, args)
        texts = visible_texts(figure)
        assert min(text.get_fontsize() for text, _ in texts) >= 6
        for k, (text, box) in enumerate(texts):
            assert min(box.x0, box.y0) >= -1, text
            assert (box.x1 <= figure.bbox.x1 + 1) and (box.y1 <= figure.bbox.y1 + 1), text
            for other, other_box in texts[:k]:
                assert not box.padded(-1).overlaps(other_box.padded(-1)), (text, other)

    def test_user_style(self, contract):
        thing, args, *_ = contract
        with plt.rc_context({"font.size": 13, "axes.labelsize": "large", "xtick.labelsize": 11,
                             "ytick.labelsize": 11, "figure.figsize": (11, 6)}):
            figure = new_figure(thing, args)
        assert figure.get_figwidth() == 11
        labels = [ax.xaxis.label for ax in figure.axes if ax.get_xlabel()]
        assert {label.get_fontsize() for label in labels} <= {13 * 1.2}
        # Also of ticks that are only made when the figure is drawn, after the context.
        figure.draw_without_rendering()
        sizes = {label.get_fontsize() for ax in figure.axes
                 for label in (*ax.get_xticklabels(which="both"),
                               *ax.get_yticklabels(which="both"))}
        # The names of variations are small text.
        assert sizes - {13 * 0.833} == {11}

    @pytest.mark.parametrize(("name", "width"), [("single", 3.35), ("double", 7.1)])
    def test_journal_style(self, contract, name, width):
        thing, args, *_ = contract
        with style("aastex", width=name):
            figure = new_figure(thing, args)
            texts = visible_texts(new_figure(thing, args))
        assert figure.get_figwidth() == width
        # A page of AASTeX is 9.4 inches high.
        assert figure.get_figheight() < 9
        sizes = [text.get_fontsize() for text, _ in texts]
        assert 6 <= min(sizes) <= max(sizes) <= 8
        # A figure drawn after the context has the same text, ticks included.
        assert [(text.get_text(), text.get_fontsize()) for text, _ in visible_texts(figure)] == [
            (text.get_text(), text.get_fontsize()) for text, _ in texts]

    def test_panels_fill_the_figure(self, contract):
        thing, args, *_ = contract
        figure = new_figure(thing, args)
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        assert box.width * box.height > 0.9 * np.prod(figure.get_size_inches())


class TestStyle:
    def test_leaks_nothing(self):
        before = dict(plt.rcParams)
        with style("aastex"):
            assert plt.rcParams["font.size"] == 8
            assert plt.rcParams["figure.figsize"][0] == 7.1
            MAP.plot()
        assert dict(plt.rcParams) == before
        with pytest.raises(KeyError), style("aastex", "single"):
            raise KeyError
        assert dict(plt.rcParams) == before
        # Other settings stay.
        with plt.rc_context({"lines.linewidth": 5}), style("aastex"):
            ax = CALIBRATOR.curves[0].plot()
        assert ax.lines[0].get_linewidth() == 5

    @pytest.mark.parametrize(("how", "message"), [
        ({"name": "mnras"}, "name must be one of 'aastex'; got 'mnras'"),
        ({"name": "aastex", "width": 3}, "width must be one of 'single', 'double'; got 3")])
    def test_unknown(self, how, message):
        with pytest.raises(ValueError, match=message), style(**how):
            pass

    def test_fonts_of_files(self, tmp_path):
        with style("aastex"):
            figure = MAP.profile().plot()[0].figure
            figure.savefig(tmp_path / "within.pdf")
        save_figure(figure.axes, tmp_path / "saved")
        for name in ("within", "saved"):
            content = (tmp_path / f"{name}.pdf").read_bytes()
            assert b"CIDFontType2" in content
            assert b"/Type3" not in content


class TestSaveFigure:
    def test_files(self, tmp_path):
        ax = DiskBinning().plot()
        number = ax.figure.number
        save_figure(ax, tmp_path / "grid")
        assert not plt.fignum_exists(number)
        assert {path.name for path in tmp_path.iterdir()} == {"grid.png", "grid.pdf"}
        assert plt.imread(tmp_path / "grid.png").shape[:2] == (960, 1280)
        with pytest.raises(FileExistsError, match=r"grid\.png exists"):
            save_figure(DiskBinning().plot(), tmp_path / "grid")
        save_figure(DiskBinning().plot(), tmp_path / "grid", overwrite=True)

    def test_layout_is_that_on_screen(self, tmp_path):
        screen, saved = (MAP.plot()[0].figure for _ in range(2))
        screen.draw_without_rendering()
        save_figure(saved.axes, tmp_path / "map")
        for theirs, ours in zip(screen.axes, saved.axes, strict=True):
            assert_allclose(ours.get_position().bounds, theirs.get_position().bounds, atol=1e-3)

    def test_lays_out_and_draws_once_per_file(self, tmp_path, monkeypatch):
        calls = {"layout": 0, "draw": 0}

        def count(cls, method, name):
            original = getattr(cls, method)

            def counted(*args, **kwargs):
                calls[name] += 1
                return original(*args, **kwargs)

            monkeypatch.setattr(cls, method, counted)

        axes = MAP.plot()
        monkeypatch.setitem(plt.rcParams, "figure.constrained_layout.use", True)
        count(ConstrainedLayoutEngine, "execute", "layout")
        count(Figure, "draw", "draw")
        save_figure(axes, tmp_path / "map")
        assert calls == {"layout": 1, "draw": 2}


class TestMap:
    @pytest.mark.parametrize(("args", "how", "message"), [
        ((), {"axes": np.empty(2, object)}, "axes must hold 6 Axes for 1 quantities in 6 slices"),
        (("slope",), {}, "quantity must be one of 'offset'.*got 'slope'"),
        (([],), {}, "got none"),
        (("mean",), {"hatch_below": 2}, "quantity 'offset' or 'difference'; got 'mean'"),
        *(((), {"hatch_below": bad}, "hatch_below must be a number of errors above 0")
          for bad in (0, -1, [1, 2], "2"))])
    def test_rejects_bad_arguments(self, args, how, message):
        with pytest.raises(ValueError, match=message):
            MAP.plot(*args, **how)

    @pytest.mark.parametrize(("quantity", "how", "limits"), [
        ("offset", {"vmax": 0.3}, (-0.3, 0.3)), ("offset", {"vmin": -0.2}, (-0.2, 0.2)),
        ("difference", {}, None), ("count", {"norm": LogNorm()}, (1, MAP.count.max()))])
    def test_all_panels_share_a_scale_centred_on_zero(self, quantity, how, limits):
        (low, high), = {meshes(ax)[0].get_clim() for ax in MAP.plot(quantity, **how)}
        assert (low, high) == (limits or (-high, high))
        assert low < high

    def test_without_colour_bar(self):
        figure, axes = plt.subplots(1, 6)
        MAP.plot("difference", axes=axes, colorbar=False)
        assert len(figure.axes) == 6
        # The difference starts at the plane.
        assert_allclose(axes[0].get_ylim(), (0, 2.1), atol=1e-12)

    @pytest.mark.parametrize(("phi", "labelled"), [
        ([-35, -20, -5, 5, 20, 35] * u.deg, [False, False, True, True, True]), (None, [True])])
    def test_panels_with_none_below_them_have_labels(self, phi, labelled):
        axes = AsymmetryMap.from_catalog(STARS, DiskBinning(phi=phi)).plot()
        assert [bool(ax.get_xlabel()) for ax in axes] == labelled
        axes[0].figure.draw_without_rendering()
        assert [any(label.get_visible() for label in ax.get_xticklabels())
                for ax in axes] == labelled

    def test_title_of_a_single_panel(self):
        amap = AsymmetryMap.from_catalog(STARS, DiskBinning(phi=None))
        assert amap.plot()[0].get_title() == f"{amap.n_stars:,} stars"

    @pytest.mark.parametrize(("quantity", "label"), [
        ("median", "median [M/H] [dex]"), ("std", "standard deviation of [M/H] [dex]"),
        ("mean_error", "error of the mean [M/H] [dex]"), ("count", "stars per voxel")])
    def test_other_quantities(self, quantity, label):
        axes = MAP.plot(quantity)
        for ax, expected in zip(axes, np.array(getattr(MAP, quantity), dtype=float), strict=True):
            if quantity == "count":
                expected[expected == 0] = np.nan
            drawn = np.ma.filled(meshes(ax)[0].get_array(), np.nan)
            assert_array_equal(drawn, expected.T)
        bar, = set(axes[0].figure.axes) - set(axes)
        assert bar.get_ylabel() == label


    def test_hatching(self):
        axes = MAP.plot("difference", hatch_below=2)
        plain = MAP.plot("difference")
        difference, error = MAP.difference.value, MAP.difference_error.value
        with np.errstate(invalid="ignore"):
            weak = np.abs(difference) < 2 * error
        for k, (ax, bare) in enumerate(zip(axes, plain, strict=True)):
            (hatched,) = (artist for artist in ax.collections
                          if type(artist) is PolyCollection)
            assert hatched.get_hatch()
            assert len(hatched.get_paths()) == weak[k].sum()
            assert (ax.get_xlim(), ax.get_ylim()) == (bare.get_xlim(), bare.get_ylim())
            assert_array_equal(meshes(ax)[0].get_array(), meshes(bare)[0].get_array())
        assert not [artist for artist in plain[0].collections
                    if type(artist) is PolyCollection]
        # In a row of several, those that can are hatched.
        both = MAP.plot(["offset", "mean"], hatch_below=2)
        assert [len(ax.collections) for ax in both[:, 0]] == [2, 1]


@pytest.fixture(scope="module")
def amap():
    """A disk with an asymmetry at azimuths above 0 and none below."""
    cat = random_stars(20_000, 8)
    cat["m_h"] = cat["m_h"] + 0.05 * np.sign(cat.Z.value) * (cat.phi.value > 0) * u.dex
    return AsymmetryMap.from_catalog(cat)


class TestProfile:
    @pytest.mark.parametrize("tested", [True, False])
    def test_slices_with_and_without_a_signal(self, amap, tested):
        test = amap.test(n=99, rng=1) if tested else None
        left, signal, rest = amap.profile().plot(test=test)
        labels = [[bars.get_label() for bars in ax.containers] for ax in (signal, rest)]
        (legend,) = left.figure.legends
        assert len(legend.get_texts()) == 6
        assert labels == [["$\\phi$ 0 to 5°", "$\\phi$ 5 to 15°", "$\\phi$ 15 to 35°"],
                          ["$\\phi$ −35 to −15°", "$\\phi$ −15 to −5°", "$\\phi$ −5 to 0°"]]
        titles = (("p < 0.05 (corrected)", "p ≥ 0.05 (corrected)") if tested
                  else ("difference > 3 errors", "difference ≤ 3 errors"))
        assert (signal.get_title(), rest.get_title()) == titles
        assert signal.get_ylim() == rest.get_ylim()
        low, high = signal.get_ylim()
        assert low == -high
        for ax in (signal, rest):
            assert [0, 0] in [list(line.get_ydata()) for line in ax.lines]

    def test_points_and_intervals_are_the_table(self, amap):
        profile = amap.profile()
        left, signal, _ = profile.plot("difference")
        rows = profile[profile["phi_min"].value == 5]
        bars = {bars.get_label(): bars for bars in signal.containers}["$\\phi$ 5 to 15°"]
        assert_allclose(bars[0].get_ydata(), rows["difference"].value)
        (segments,) = bars[2]
        ends = np.array([path.vertices[:, 1] for path in segments.get_paths()])
        assert_allclose(ends, np.transpose([rows["difference_low"], rows["difference_high"]]))
        points = left.containers[4][0]
        assert_allclose(points.get_ydata(),
                        np.append(rows["south"].value[::-1], rows["north"].value))
        Z = points.get_xdata()
        assert_allclose(Z, -Z[::-1])
        assert np.all((Z[7:] > rows["abs_Z_min"].value) & (Z[7:] < rows["abs_Z_max"].value))

    @pytest.mark.parametrize(("definition", "label"), [
        ("equation1", "A = (N $-$ S) / (N + S)"), ("linear", "A of 10$^{[M/H]}$")])
    def test_labels_say_the_definition(self, amap, definition, label):
        axes = amap.profile(definition=definition, statistic="mean").plot()
        assert axes[1].get_ylabel() == label
        assert axes[0].get_ylabel() == "mean [M/H] [dex]"

    def test_own_axes_have_legends_of_their_own(self, amap):
        _, axes = plt.subplots(1, 3)
        amap.profile().plot(axes=axes)
        assert [len(ax.get_legend().get_texts()) for ax in axes] == [6, 3, 3]

    def test_all_points_are_in_the_panels(self):
        for seed in range(3):
            axes = AsymmetryMap.from_catalog(random_stars(3000, seed)).profile().plot()
            for ax in axes[1:]:
                low, high = ax.get_ylim()
                for bars in ax.containers:
                    y = bars[0].get_ydata()
                    assert np.all(np.isnan(y) | ((low < y) & (y < high)))

    def test_some_slices_of_a_profile_with_the_test_of_all(self, amap):
        test = amap.test(n=99, rng=1)
        profile = amap.profile()
        for phi, panel in ((5, 1), (-15, 2)):
            axes = profile[profile["phi_min"].value == phi].plot(test=test)
            assert [len(ax.containers) for ax in axes[1:]] == [panel == 1, panel == 2]
            label = {5: "$\\phi$ 5 to 15°", -15: "$\\phi$ −15 to −5°"}[phi]
            assert axes[0].containers[0].get_label() == label

    @pytest.mark.parametrize(("phi", "how", "message"), [
        ([-5, 15] * u.deg, {},
         "test must be of the azimuths and ages of the profile; it has none of -35, -15"),
        (DiskBinning()["phi"].edges, {"R_min": 9.8 * u.kpc},
         "R_min = 9.8 kpc, and 11 kpc for the profile")])
    def test_tests_that_do_not_go_with_the_profile(self, amap, phi, how, message):
        test = AsymmetryMap.from_catalog(STARS, DiskBinning(phi=phi)).test(n=9, **how)
        with pytest.raises(ValueError, match=message):
            amap.profile().plot(test=test)

    def test_rejects_bad_arguments(self, amap):
        profile = amap.profile()
        one = AsymmetryMap.from_catalog(STARS, DiskBinning(phi=None)).profile()
        for table, how, message in (
                (one, {"test": amap.test(n=9)}, "it has none of all together"),
                (profile, {"test": "significant"},
                 "test must be the result of AsymmetryMap.test; got"),
                (profile, {"quantity": "north"},
                 "quantity must be one of 'asymmetry', 'difference'"),
                (profile[:0], {}, "one or more rows")):
            with pytest.raises(ValueError, match=message):
                table.plot(**how)

    def test_more_slices_than_colours(self):
        binning = DiskBinning(phi=np.arange(-36, 37, 6) * u.deg, R=[6, 11, 16] * u.kpc)
        left = AsymmetryMap.from_catalog(STARS, binning).profile().plot()[0]
        assert len({container[0].get_color() for container in left.containers}) == 12


class TestCalibrator:
    def test_null_is_drawn_beside_the_curves(self):
        left, right = CALIBRATOR.plot(null=CALIBRATOR.null_test(n=3, rng=1))
        labels = [text.get_text() for text in left.figure.legends[0].get_texts()]
        assert labels == ["95 % of null samples", "10 and 90 %", "50 %", "polynomial of degree 5"]
        assert left.get_title().startswith("300 stars in common; null test p = ")
        assert right.get_xlim() == right.get_ylim()
        styles = {line.get_label(): (line.get_color(), line.get_linestyle())
                  for line in left.lines}
        assert styles["50 %"] == ("tab:blue", "-")
        assert styles["10 and 90 %"] == ("tab:blue", "--")
        assert styles["polynomial of degree 5"] == ("tab:red", "--")


class TestCatalog:

    def test_without_ages_and_survey(self):
        axes = STARS.plot()
        assert len(axes) == 3
        assert axes[2].get_xlabel() == "[M/H] [dex]"

    def test_few_and_unknown(self):
        cat = catalog_at([8.0, np.nan], [0, 0], [0.1, 0.1], [-0.1, np.nan],
                         age=[1, np.nan] * u.Gyr)
        assert len(cat.plot()) == 4
        assert len(cat[1:].plot()) == 2


def test_saves_the_figure_of_a_subfigure(tmp_path):
    ax = plt.figure().subfigures(1, 2)[0].subplots()
    save_figure(DiskBinning().plot(ax=ax), tmp_path / "grid")
    assert plt.imread(tmp_path / "grid.png").shape[1] == 200 * plt.rcParams["figure.figsize"][0]
