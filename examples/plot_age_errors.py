"""
What age errors do to the contrast of young and old
===================================================

Wang et al. (2025) find the asymmetry less pronounced above 8 Gyr than below 6 Gyr, and name errors
of the ages as one of three reasons. How much of that do these errors make by themselves?
"""

# %%
# Two disks, three kinds of ages
# ------------------------------
# Into a mock sample without an asymmetry, one is put by hand, beyond 11 kpc and from -5 to 15 deg:
# in one disk it is the same at all ages, in the other it is smaller in old stars, by 60 % from 10
# Gyr on. Each star goes in once.

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u

from rcasym import AsymmetryMap, DiskBinning, make_mock_catalog

mock = make_mock_catalog(500_000, amplitude=0 * u.dex, rng=2)
mock = mock[np.unique(mock["star_id"], return_index=True)[1]]
inside = (mock["true_R"] >= 11 * u.kpc) & (np.abs(mock["true_phi"] - 5 * u.deg) <= 10 * u.deg)
half = 0.04 * u.dex * inside * np.sign(mock["true_Z"].value)
true_age = mock["true_age"].value

disks = {
    "the same at all ages": half,
    "smaller in old stars": half * np.interp(true_age, [8, 10], [1, 0.4]),
}

# %%
# The stars are binned with their true ages, with those of the surveys (errors of 24 % in LAMOST, 17
# % in APOGEE), and with errors of 40 %.

scatter = np.random.default_rng(1).standard_normal(len(mock))
ages = {
    "true ages": mock["true_age"],
    "17 and 24 %": mock["age"],
    "40 %": np.abs(true_age * (1 + 0.4 * scatter)) * u.Gyr,
}
binning = DiskBinning.by_age()


def profile(age, m_h):
    """North against South by age, beyond 11 kpc."""
    stars = mock["coord", "galcen", "m_h", "age"]
    stars["age"], stars["m_h"] = age, m_h
    return AsymmetryMap.from_catalog(stars, binning).profile()


found = {(disk, kind): profile(age, mock["m_h"] + put_in)
         for disk, put_in in disks.items() for kind, age in ages.items()}

# %%
# The difference in dex
# ---------------------
# Lines are what was put into the stars of each bin, points what is measured.

styles = {"true ages": ("#0072B2", "o"), "17 and 24 %": ("#D55E00", "s"), "40 %": ("#009E73", "D")}
edges = binning["age"].edges.value
centers = binning["age"].centers.value

figure, panels = plt.subplots(1, 2, figsize=(7.1, 3.2), sharey=True, layout="constrained")
for ax, (disk, put_in) in zip(panels, disks.items(), strict=True):
    for shift, (kind, (color, marker)) in zip((-0.25, 0, 0.25), styles.items(), strict=True):
        rows = found[disk, kind].slices()
        true = profile(ages[kind], put_in).slices()
        ax.stairs(true["matched_difference"].value, edges, baseline=None, color=color)
        ax.errorbar(centers + shift, rows["matched_difference"].value,
                    rows["matched_difference_error"].value, fmt=marker, markersize=4, capsize=2,
                    color=color, label=kind)
    ax.axhline(0, color="0.3", linewidth=0.6)
    ax.set(xlabel="age [Gyr]", title=disk)
panels[0].set_ylabel("North $-$ South of [M/H] [dex]")
legend = panels[0].legend(loc="lower left", title="errors of the ages")

# %%
# The contrast: the bins above 8 Gyr less those below 6 Gyr, with weights of one over the variance.


def mean(rows):
    weights = rows["matched_difference_error"].value ** -2
    return np.average(rows["matched_difference"].value, weights=weights), weights.sum() ** -0.5


for (disk, kind), table in found.items():
    rows = table.slices()
    old, young = mean(rows[edges[:-1] >= 8]), mean(rows[edges[1:] <= 6])
    print(f"{disk}, {kind:11}: {old[0] - young[0]:+.3f} ± {np.hypot(old[1], young[1]):.3f} dex")

# %%
# What looks like a contrast
# --------------------------
# The disk whose asymmetry is the same at all ages, with the ages of the surveys: the error of the
# difference, how many errors it is from zero, and A as Equation 1 has it, here at a height of 0.3
# to 0.6 kpc.

table = found["the same at all ages", "17 and 24 %"]
rows, low = table.slices(), table[table["abs_Z_min"] == 0.3 * u.kpc]
error = rows["matched_difference_error"].value
shown = {
    "error [dex]": error,
    "difference / error": rows["matched_difference"].value / error,
    "A = (N $-$ S) / |N + S|": np.asarray(low["asymmetry"]),
}
figure, panels = plt.subplots(1, 3, figsize=(7.1, 2.4), layout="constrained")
for ax, (label, values) in zip(panels, shown.items(), strict=True):
    ax.stairs(values, edges, fill=True, color="#56B4E9")
    ax.set(xlabel="age [Gyr]", ylabel=label)

# %%
# What to look at
# ---------------
# Errors of the ages make *no* contrast by themselves. Where the asymmetry is the same at all ages,
# mixing the ages leaves it the same, even with errors of 40 %. What they do is hide a contrast:
# younger stars come into the oldest bins, and the larger the errors, the less is left of the fall
# by 60 %. A contrast of several times its error is real, as far as errors of the ages go, and
# larger than it looks.
#
# What looks like a contrast is something else. There are fewer old stars, and their [M/H] scatters
# more: the same asymmetry is fewer errors from zero, "less pronounced". And A is
# largest for the youngest stars, though the difference is not: old stars are more metal poor, and
# abs(N + S) is larger.
#
# What it does not show
# ---------------------
# Ages and [M/H] from one spectrum. If a star that comes out too metal rich also comes out too
# young, a bin of age is a selection by [M/H], and that could make a contrast. Nor does the mock
# sample know the third reason of the paper, that old stars move faster and respond less.

# sphinx_gallery_thumbnail_number = 1
