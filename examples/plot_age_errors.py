"""
Age errors and the contrast of young and old stars
==================================================

Age errors hide a contrast between young and old stars, but do not cause one. Wang et al. (2025)
find the asymmetry less pronounced above 8 Gyr than below 6 Gyr, with age errors as one of three
possible reasons.
"""

# %%
# Two disks, three kinds of ages
# ------------------------------
# An asymmetry is added to a mock sample without one, beyond 11 kpc and from -5 to 15 deg. In one
# disk it is the same at all ages. In the other it is smaller in old stars, by 60 % from 10 Gyr on.
# Duplicates are removed.

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
# The stars are binned by their true ages, by those of the surveys (with errors of 24 % in LAMOST
# and 17 % in APOGEE), and by ages with errors of 40 %.

scatter = np.random.default_rng(1).standard_normal(len(mock))
ages = {
    "true ages": mock["true_age"],
    "17 and 24 %": mock["age"],
    "40 %": np.abs(true_age * (1 + 0.4 * scatter)) * u.Gyr,
}
binning = DiskBinning.by_age()


def profile(age, m_h):
    """Return the difference between North and South by age, beyond 11 kpc."""
    stars = mock["coord", "galcen", "m_h", "age"]
    stars["age"], stars["m_h"] = age, m_h
    return AsymmetryMap.from_catalog(stars, binning).profile()


profiles = {(disk, kind): profile(age, mock["m_h"] + asymmetry)
            for disk, asymmetry in disks.items() for kind, age in ages.items()}

# %%
# Difference in dex
# -----------------
# Lines are the asymmetry added to the stars of each bin, points are the measured one.

styles = {"true ages": ("#0072B2", "o"), "17 and 24 %": ("#D55E00", "s"), "40 %": ("#009E73", "D")}
edges = binning["age"].edges.value
centers = binning["age"].centers.value

figure, panels = plt.subplots(1, 2, figsize=(7.1, 3.2), sharey=True, layout="constrained")
for ax, (disk, asymmetry) in zip(panels, disks.items(), strict=True):
    for shift, (kind, (color, marker)) in zip((-0.25, 0, 0.25), styles.items(), strict=True):
        rows = profiles[disk, kind].slices()
        true = profile(ages[kind], asymmetry).slices()
        ax.stairs(true["matched_difference"].value, edges, baseline=None, color=color)
        ax.errorbar(centers + shift, rows["matched_difference"].value,
                    rows["matched_difference_error"].value, fmt=marker, markersize=4, capsize=2,
                    color=color, label=kind)
    ax.axhline(0, color="0.3", linewidth=0.6)
    ax.set(xlabel="age [Gyr]", title=disk)
panels[0].set_ylabel("North $-$ South of [M/H] [dex]")
legend = panels[0].legend(loc="lower left", title="age errors")

# %%
# The contrast is the mean of the bins above 8 Gyr minus that below 6 Gyr, weighted by the inverse
# variance.


def weighted_mean(rows):
    weights = rows["matched_difference_error"].value ** -2
    return np.average(rows["matched_difference"].value, weights=weights), weights.sum() ** -0.5


for (disk, kind), table in profiles.items():
    rows = table.slices()
    old, young = weighted_mean(rows[edges[:-1] >= 8]), weighted_mean(rows[edges[1:] <= 6])
    print(f"{disk}, {kind:11}: {old[0] - young[0]:+.3f} ± {np.hypot(old[1], young[1]):.3f} dex")

# %%
# Apparent contrasts
# ------------------
# Three quantities depend on age even where the asymmetry does not, here for the first disk and the
# ages of the surveys: the uncertainty of the difference, the difference divided by its uncertainty,
# and A of Equation 1 at a height of 0.3 to 0.6 kpc.

table = profiles["the same at all ages", "17 and 24 %"]
rows, low = table.slices(), table[table["abs_Z_min"] == 0.3 * u.kpc]
error = rows["matched_difference_error"].value
quantities = {
    "error [dex]": error,
    "difference / error": rows["matched_difference"].value / error,
    "A = (N $-$ S) / |N + S|": np.asarray(low["asymmetry"]),
}
figure, panels = plt.subplots(1, 3, figsize=(7.1, 2.4), layout="constrained")
for ax, (label, values) in zip(panels, quantities.items(), strict=True):
    ax.stairs(values, edges, fill=True, color="#56B4E9")
    ax.set(xlabel="age [Gyr]", ylabel=label)

# %%
# Interpretation
# --------------
# Age errors alone do *not* cause a contrast. An asymmetry that is the same at all ages stays the
# same even with errors of 40 %. Age errors hide a contrast, because younger stars scatter into the
# oldest bins: the larger the errors, the less is left of the decrease by 60 %. A contrast of
# several times its uncertainty is therefore not due to age errors, and the true one is larger.
#
# The apparent contrasts have other causes. There are fewer old stars, and their [M/H] scatters
# more, so that the same asymmetry is less significant. A is largest for the youngest stars because
# old stars are more metal poor and abs(N + S) is larger.
#
# Limitations
# -----------
# The mock sample does not have ages and [M/H] from the same spectrum. If stars with too high a
# metallicity also get too low an age, an age bin is a selection by [M/H], which could cause a
# contrast. Nor does it include the third reason of the paper, that old stars move faster and
# respond less.

# sphinx_gallery_thumbnail_number = 1
