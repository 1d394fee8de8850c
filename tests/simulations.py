# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Simulations with a known truth, for ``docs/validation.rst``.

The tests run them with few samples, or with ``--slow`` at full size.
``python -m tests.simulations`` runs them at full size and writes the figures and tables of that
page; ``python -m tests.simulations coverage null`` writes only these two parts.
"""

import sys
from pathlib import Path

import numpy as np
from astropy import log
from astropy import units as u
from astropy.table import QTable
from matplotlib import pyplot as plt
from scipy import stats

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog
from rcasym.catalog import paper_frame
from rcasym.maps.profile import DIFFERENCES
from rcasym.splines import QuantileSpline
from rcasym.voxels import VoxelState

FOLDER = Path(__file__).parents[1] / "docs" / "validation"
LEVELS = (0.683, 0.954)
SCATTERS = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "t4": lambda rng, shape: rng.standard_t(4, shape),
    # Skewed, with a median of zero.
    "gamma": lambda rng, shape: rng.gamma(3, 1, shape) - stats.gamma(3).median(),
}


def make_map(columns, m_h, **edges):
    """Return the map of stars given as plain floats; each azimuth bin is one mock."""
    binning = DiskBinning(**edges, min_count=1)
    state = VoxelState.from_columns(columns, [axis.edges.value for axis in binning.axes], m_h)
    return AsymmetryMap(binning, state, paper_frame())


def make_azimuths(n_mocks):
    """Return edges of azimuth with one bin per mock."""
    return np.linspace(-170, 170, n_mocks + 1)


def get_coverage(table, name, truth):
    """Return the fraction of rows whose interval includes the truth."""
    low, high = (np.asarray(getattr(table[f"{name}_{end}"], "value", table[f"{name}_{end}"]))
                 for end in ("low", "high"))
    return float(np.mean((low <= truth) & (truth <= high)))


def simulate_coverage(n_stars, scatter="normal", n_mocks=2000, seed=0, statistic="median"):
    """Return the fraction of mocks whose interval includes the truth, for ``n_stars`` per side.

    The keys of the dictionary are the estimate and the nominal level.
    """
    rng = np.random.default_rng(seed)
    edges = make_azimuths(n_mocks)
    phi = np.repeat(0.5 * (edges[1:] + edges[:-1]), 2 * n_stars)
    Z = np.tile(np.repeat([0.5, -0.5], n_stars), n_mocks)
    north, south = -0.2, -0.28
    m_h = np.where(Z > 0, north, south) + 0.2 * SCATTERS[scatter](rng, len(Z))
    amap = make_map([phi, np.full(len(Z), 10.5), Z], m_h, phi=edges * u.deg,
                  R=[10, 11] * u.kpc, Z=[-1, 0, 1] * u.kpc)
    linear = np.tanh(0.5 * np.log(10) * (north - south))
    truth = {"north": north, "difference": north - south, "offset_difference": north - south,
             "linear": linear, "modulus": (north - south) / abs(north + south)}
    covered = {}
    for level in LEVELS:
        for definition in ("linear", "modulus"):
            profile = amap.profile(10 * u.kpc, statistic=statistic, definition=definition,
                                   confidence=level)
            good = ~profile["asymmetry"].mask
            covered[definition, level] = get_coverage(profile[good], "asymmetry", truth[definition])
        for name in ("north", "difference", "offset_difference"):
            covered[name, level] = get_coverage(profile, name, truth[name])
    return covered


def simulate_matched_coverage(n_north, n_south, n_radii, scatters=(0.2, 0.2), n_mocks=2000, seed=0):
    """Return the coverage of ``matched_difference`` by nominal level.

    The sides differ in number and scatter; the stars are at random in R bins with a gradient.
    """
    rng = np.random.default_rng(seed)
    edges = make_azimuths(n_mocks)
    counts = np.array([n_north, n_south])
    phi = np.repeat(0.5 * (edges[1:] + edges[:-1]), counts.sum())
    side = np.tile(np.repeat([0, 1], counts), n_mocks)
    R = 10.5 + rng.integers(n_radii, size=len(phi))
    m_h = (-0.1 * R + np.where(side == 0, 0.08, 0)
           + np.array(scatters)[side] * rng.standard_normal(len(phi)))
    amap = make_map([phi, R, np.where(side == 0, 0.5, -0.5)], m_h, phi=edges * u.deg,
                  R=np.arange(10, 11 + n_radii) * u.kpc, Z=[-1, 0, 1] * u.kpc)
    covered = {}
    for level in LEVELS:
        profile = amap.profile(10 * u.kpc, confidence=level)
        known = np.isfinite(profile["matched_difference_error"])
        covered[level] = get_coverage(profile[known], "matched_difference", 0.08)
    return covered


def simulate_unequal_radii(n_mocks=2000, n_stars=200, seed=0, flare=0.0):
    """Simulate a symmetric disk with a steep gradient, in which the North is seen farther in.

    With a ``flare``, the gradient is less steep, but [M/H] also falls with abs(Z), and the scale
    height grows by this fraction per kpc of R. Returns the differences of all mocks in units of
    their errors, and the coverage of their intervals; the true difference is zero.
    """
    rng = np.random.default_rng(seed)
    edges = make_azimuths(n_mocks)
    phi = np.repeat(0.5 * (edges[1:] + edges[:-1]), 2 * n_stars)
    Z = np.tile(np.repeat([0.5, -0.5], n_stars), n_mocks)
    R = 11 + 3 * np.where(Z > 0, rng.beta(2, 3, len(Z)), rng.beta(3, 2, len(Z)))
    m_h = (-0.03 if flare else -0.1) * (R - 8) + 0.15 * rng.standard_normal(len(Z))
    if flare:
        Z = np.sign(Z) * np.minimum(
            0.3 * np.exp(flare * (R - 11)) * rng.exponential(size=len(Z)), 3)
        m_h -= 0.3 * np.abs(Z)
    amap = make_map([phi, R, Z], m_h, phi=edges * u.deg, R=np.linspace(11, 14, 6) * u.kpc,
                  Z=(0.4 * np.arange(-3, 4) if flare else np.array([-1, 0, 1])) * u.kpc)
    z, covered = {}, {}
    for level in LEVELS:
        profile = amap.profile(11 * u.kpc, confidence=level)
        profile = profile[(profile["n_north"] >= 5) & (profile["n_south"] >= 5)]
        for name in DIFFERENCES:
            covered[name, level] = get_coverage(profile, name, 0)
            z[name] = (profile[name] / profile[f"{name}_error"]).value
    return z, covered


def make_catalog(n_stars, seed, amplitude, **kwargs):
    """Return a mock catalogue of both surveys without duplicates."""
    cat = make_mock_catalog(n_stars, rng=seed, amplitude=amplitude, **kwargs)
    surveys = [cat[cat["survey"] == name] for name in ("LAMOST", "APOGEE")]
    return RedClumpCatalog.concatenate(surveys)


def simulate_null(n_mocks=1000, n_stars=20_000, n=999, seed=0):
    """Simulate symmetric mocks, with the surveys' footprints and gradients inside bins.

    Returns the p-values of the mean, of the squares and of single slices, and the mean difference
    of each mock in units of its error.
    """
    p_values = {"mean": [], "squares": [], "slices": []}
    z = []
    for k in range(n_mocks):
        amap = AsymmetryMap.from_catalog(make_catalog(n_stars, seed + k, 0 * u.dex))
        test = amap.test(n=n, rng=k)
        p_values["mean"].append(test.p_value)
        p_values["squares"].append(test.p_value_squares)
        p_values["slices"] += test.slices["p_value"].tolist()
        z.append((test.difference / test.difference_error).value)
    return {name: np.array(values) for name, values in p_values.items()}, np.array(z)


def check_uniformity(p_values):
    """Return the p-value of a Kolmogorov-Smirnov test, and the fraction at 0.05 or below."""
    return stats.kstest(p_values, "uniform").pvalue, np.mean(p_values <= 0.05)


def simulate_power(n_mocks=20, n_stars=146_062, n=999, seed=0):
    """Simulate the default asymmetry, 0.08 dex at azimuths from -5 to 15 deg.

    Returns the corrected p-values of the slices, the recovered minus the injected amplitude in
    units of its error, and the recovered amplitude. Some stars of a bin are old or come from
    outside the region of the asymmetry, so the injected amplitude is estimated from the difference
    between their true [M/H] with and without an asymmetry.
    """
    corrected, deviation, recovered = [], [], []
    for k in range(n_mocks):
        cat = make_catalog(n_stars, seed + k, 0.08 * u.dex)
        symmetric = make_catalog(n_stars, seed + k, 0 * u.dex)
        test = AsymmetryMap.from_catalog(cat).test(n=n, rng=k)
        injected = cat.copy(copy_data=False)
        injected["m_h"] = cat["true_m_h"] - symmetric["true_m_h"]
        truth = AsymmetryMap.from_catalog(injected).test(n=1).slices["difference"]
        slices = test.slices
        corrected.append(slices["p_value_corrected"].tolist())
        deviation.append(((slices["difference"] - truth) / slices["difference_error"]).value)
        recovered.append(slices["difference"].value)
    return np.array(corrected), np.array(deviation), np.array(recovered)


def write_definitions(folder):
    """Draw A against the metallicity of both sides, with the scatter due to errors of 0.02 dex."""
    middle = np.linspace(-0.4, 0.25, 400)
    rng = np.random.default_rng(0)
    n, s = middle + np.array([[0.04], [-0.04]])[:, np.newaxis] + rng.normal(0, 0.02, (2, 4000, 1))
    _, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
    definitions = (("modulus", (n - s) / np.abs(n + s), "#0072B2"),
                   ("equation1", (n - s) / (n + s), "#D55E00"),
                   ("linear", np.tanh(0.5 * np.log(10) * (n - s)), "#009E73"))
    exact = {"modulus": 0.08 / np.abs(2 * middle), "equation1": 0.08 / (2 * middle),
             "linear": np.full(len(middle), np.tanh(0.5 * np.log(10) * 0.08))}
    for name, A, color in definitions:
        low, high = np.quantile(A, [0.16, 0.84], axis=0)
        # No line across the pole.
        line = np.where((name == "linear") | (np.abs(middle) > 0.01), exact[name], np.nan)
        ax.plot(middle, line, color=color, label=name)
        ax.fill_between(middle, low, high, color=color, alpha=0.25, linewidth=0)
    ax.axvline(0, color="0.3", linewidth=0.6, linestyle=":")
    ax.axhline(0, color="0.3", linewidth=0.6)
    ax.set(xlabel="mean of N and S [dex]", ylabel="A", ylim=(-2, 2), xlim=middle[[0, -1]],
           title="North always more metal rich by 0.08 dex")
    ax.legend(loc="lower right")
    ax.figure.savefig(folder / "definitions.png", dpi=150)


def write_coverage(folder):
    """Draw the coverage of intervals against the number of stars, and tabulate it."""
    sizes = (3, 5, 8, 12, 20, 35, 60, 120, 250)
    _, axes = plt.subplots(1, 3, figsize=(7.1, 2.8), sharey=True, layout="constrained")
    labels = {"north": "median", "difference": "North − South", "linear": "A of 10$^{[M/H]}$",
              "modulus": "A, modulus", "offset_difference": "offset difference"}
    names = {"normal": "normal", "t4": "Student's t (4 dof)", "gamma": "skewed (gamma)"}
    rows = []
    for ax, scatter in zip(axes, SCATTERS, strict=True):
        covered = [simulate_coverage(size, scatter, seed=size) for size in sizes]
        for name, color, marker in (("north", "#0072B2", "o"), ("difference", "#D55E00", "s"),
                                    ("modulus", "#009E73", "^")):
            for level in LEVELS:
                ax.plot(sizes, [part[name, level] for part in covered], marker=marker, color=color,
                        markersize=4, label=labels[name] if level == LEVELS[0] else None)
        for level in LEVELS:
            ax.axhspan(level - 0.025, level + 0.025, color="0.9")
            ax.axhline(level, color="0.3", linewidth=0.8)
        ax.set(xscale="log", xlabel="stars per side", title=names[scatter], ylim=(0.55, 1))
        for size, part in zip(sizes, covered, strict=True):
            if size in (5, 20, 60):
                rows.append([scatter, size, *(f"{part[name, level]:.3f}" for level in LEVELS
                                              for name in ("north", "difference", "linear"))])
    write_table(folder / "matched.csv", [
        [*numbers, n_radii, *scatters, *(f"{part:.3f}" for part in simulate_matched_coverage(
            *numbers, n_radii, scatters, seed=sum(numbers)).values())]
        for numbers in ((5, 5), (5, 200), (20, 200), (60, 60)) for n_radii in (1, 7)
        for scatters in ((0.2, 0.2), (0.4, 0.1))],
        ["stars North", "stars South", "R bins", "scatter North", "scatter South",
         *(f"covered, {100 * level:g} %" for level in LEVELS)])
    axes[0].set_ylabel("fraction of 2,000 mocks")
    axes[0].legend(fontsize="small", loc="center right")
    axes[0].figure.savefig(folder / "coverage.png", dpi=150)
    write_table(folder / "coverage.csv", rows, [
        "scatter", "stars", *(f"{name} {100 * level:g} %" for level in LEVELS
                              for name in ("median", "difference", "linear A"))])


def write_radii(folder):
    """Draw and tabulate the false signals of sides that are seen at different R."""
    _, axes = plt.subplots(1, 2, figsize=(7.1, 3), sharex=True, layout="constrained")
    bins = np.linspace(-8, 8, 65)
    middle = 0.5 * (bins[1:] + bins[:-1])
    rows = []
    for ax, disk, how in zip(axes, ("radial gradient", "flare and vertical gradient"),
                             ({}, {"flare": 0.4, "n_stars": 2000, "n_mocks": 700}), strict=True):
        z, covered = simulate_unequal_radii(**how)
        for name, color in zip(DIFFERENCES, ("#D55E00", "#0072B2", "#009E73"), strict=True):
            ax.hist(z[name], bins, histtype="step", color=color, label=name)
            rows.append([disk, name, f"{z[name].mean():+.2f}", f"{z[name].std():.2f}",
                         *(f"{covered[name, level]:.3f}" for level in LEVELS)])
        ax.plot(middle, len(z["difference"]) * np.diff(bins) * stats.norm.pdf(middle), color="0.4",
                linewidth=1, label="without a false signal")
        ax.set(xlabel="North − South [errors]", title=disk)
    axes[0].set_ylabel("bins")
    axes[0].figure.legend(*axes[0].get_legend_handles_labels(), fontsize="small", ncols=4,
                          loc="outside lower center")
    axes[0].figure.savefig(folder / "radii.png", dpi=150)
    write_table(folder / "radii.csv", rows, [
        "symmetric disk", "estimate", "mean [errors]", "standard deviation [errors]",
        *(f"covered, {100 * level:g} %" for level in LEVELS)])


def write_null(folder):
    """Draw and tabulate the p-values of symmetric mocks."""
    _, axes = plt.subplots(2, 3, figsize=(7.1, 4.2), layout="constrained")
    rows = []
    for row, (n_stars, n_mocks) in zip(axes, ((20_000, 1000), (146_062, 200)), strict=True):
        p_values_by_name, z = simulate_null(n_mocks, n_stars)
        for ax, (name, p_values) in zip(row, p_values_by_name.items(), strict=True):
            ks, low = check_uniformity(p_values)
            ax.hist(p_values, np.linspace(0, 1, 21), color="#56B4E9")
            ax.axhline(len(p_values) / 20, color="0.3", linewidth=0.8)
            ax.set(xlabel="p-value", title=f"{name}: KS p = {ks:.2f}", xlim=(0, 1))
            rows.append([f"{n_stars:,}", name, len(p_values), f"{ks:.3f}", f"{100 * low:.1f} %",
                         f"{z.mean():+.2f} ± {1 / np.sqrt(len(z)):.2f}" if name == "mean" else ""])
        row[0].set_ylabel(f"mocks of {n_stars:,} stars")
    axes[0, 0].figure.savefig(folder / "null.png", dpi=150)
    write_table(folder / "null.csv", rows, ["stars", "p-value", "number", "KS p",
                                            "at 0.05 or below", "mean difference [errors]"])


def write_power(folder):
    """Tabulate the recovery of the default asymmetry."""
    corrected, deviation, recovered = simulate_power()
    edges = DiskBinning()["phi"].edges.value
    rows = [[f"{edges[k]:g} to {edges[k + 1]:g}", f"{recovered[:, k].mean():+.4f}",
             f"{recovered[:, k].std(ddof=1):.4f}", f"{np.mean(corrected[:, k] < 0.01):.0%}",
             f"{np.mean(np.abs(deviation[:, k]) < 2):.0%}", f"{deviation[:, k].mean():+.2f}"]
            for k in range(len(edges) - 1)]
    write_table(folder / "power.csv", rows, [
        "phi [deg]", "mean [dex]", "scatter [dex]", "found (corrected p < 0.01)",
        "within 2 errors of the injected", "mean deviation [errors]"])


def compare_with_cobs(tags):
    """Compare fits with those of the R package cobs, with its knots and smoothing and with our own.

    Yields for each data set the number of fits, the largest relative difference of the objective,
    the largest difference of fitted values where the optimum is unique, and the number of fits
    with the same knots.
    """
    from tests.splines.cobs import ORACLE, arguments, read_points, read_records

    for path in sorted(ORACLE.glob("*.csv")):
        x, y = read_points(path.stem)
        objectives, values, chosen = [], [], []
        for record in read_records(path.stem):
            if record["tag"] not in tags:
                continue
            kwargs = arguments(record)
            curve = QuantileSpline.fit(x, y, **kwargs | {
                "knots": record["knots"], "smoothing": record["lam"]})
            objectives.append(abs(curve.objective / record["objective"] - 1))
            if record["lp_unique_certified"]:
                values.append(np.max(np.abs(curve(record["grid"]) - record["fitted"])))
            if "knots" not in record["args"]:
                own = QuantileSpline.fit(x, y, **kwargs)
                chosen.append(len(own.knots) == len(record["knots"]) and np.allclose(
                    own.knots, record["knots"], rtol=0, atol=1e-12))
        yield (path.stem, len(objectives), max(objectives), max(values),
               f"{sum(chosen)} of {len(chosen)}")


def compare_with_scipy(n_stars):
    """Yield the largest difference from `scipy.stats.binned_statistic_dd` per statistic."""
    cat = make_mock_catalog(n_stars)
    binning = DiskBinning()
    amap = AsymmetryMap.from_catalog(cat, binning)
    sample = np.array([cat.phi.value, cat.R.value, cat.Z.value]).T
    for name, ours in (("count", amap.state.counts), ("mean", amap.state.mean),
                       ("median", amap.state.median)):
        theirs = stats.binned_statistic_dd(
            sample, cat["m_h"].value, name, bins=[axis.edges.value for axis in binning.axes])
        yield name, np.nanmax(np.abs(ours - theirs.statistic.ravel()))


def write_agreement(folder):
    """Tabulate the agreement with cobs and scipy."""
    tags = ("reg_AIC", "reg_SIC", "fixed6", "fixed12", "fixed6_incr", "smooth_lam1", "smooth_SIC")
    rows = [[name, n, f"{objective:.1e}", f"{value:.1e}", choices]
            for name, n, objective, value, choices in compare_with_cobs(tags)]
    if rows:
        write_table(folder / "cobs.csv", rows, [
            "data set", "fits", "largest difference of the objective, relative",
            "largest difference of fitted values [Gyr]", "same knots chosen"])
    else:
        print("the reference fits of cobs are missing; cobs.csv is unchanged", file=sys.stderr)
    rows = [[f"{n:,}", name, f"{difference:.1e}"]
            for n in (10_000, 146_062) for name, difference in compare_with_scipy(n)]
    write_table(folder / "scipy.csv", rows, ["stars", "statistic", "largest difference"])


def write_table(path, rows, names):
    QTable(rows=rows, names=names).write(path, format="ascii.csv", overwrite=True)


PARTS = {"definitions": write_definitions, "coverage": write_coverage, "radii": write_radii,
         "null": write_null, "power": write_power, "agreement": write_agreement}


def main(names):
    unknown = set(names) - set(PARTS)
    if unknown:
        sys.exit(f"parts must be among {', '.join(PARTS)}; got {', '.join(sorted(unknown))}")
    FOLDER.mkdir(exist_ok=True)
    log.setLevel("WARNING")
    for name in names or PARTS:
        print(name, PARTS[name](FOLDER) or "", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
