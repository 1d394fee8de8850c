"""
Is the age trend real?
======================

The older a star is in APOGEE, the more its age exceeds that of LAMOST. Errors of the ages make such
a trend by themselves; a null test tells whether there is more.
"""

# %%
# Two samples
# -----------
# In the first, the ages of APOGEE are too large: by 1.5 Gyr from 10 Gyr on, and in proportion to
# the age below. The second has the same stars, and no bias. Errors of the ages are about 17 %
# (APOGEE) and 24 % (LAMOST) in both.

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u

from rcasym import AgeCalibrator, make_mock_catalog

samples = {
    "a bias of 1.5 Gyr": make_mock_catalog(100_000, age_bias=1.5 * u.Gyr),
    "no bias": make_mock_catalog(100_000),
}

# %%
# The trend and the test
# ----------------------
# ``null_test`` keeps the errors of both surveys and the distribution of ages, and draws pairs of
# ages without a bias. A curve is fitted to each of these samples, as to the real one. The band
# holds 95 % of them.

figure, panels = plt.subplots(1, 2, figsize=(7.1, 3.2), sharey=True, layout="constrained")
for ax, (name, sample) in zip(panels, samples.items(), strict=True):
    stars = sample.select()
    calibrator = AgeCalibrator.from_catalogs(
        stars[stars["survey"] == "APOGEE"], stars[stars["survey"] == "LAMOST"], n_bootstrap=0
    )
    null = calibrator.null_test(n=20, rng=1)
    null.plot(ax=ax, label="95 % without a bias")
    ax.plot(null.age, null.measured, color="tab:blue", linewidth=2, label="measured")
    true = np.linspace(0.3, 11, 100)
    bias = 0.15 * np.minimum(true, 10) if name != "no bias" else 0 * true
    ax.plot(true + bias, bias, "--", color="0.2", label="put in")
    ax.axhline(0, color="0.3", linewidth=0.6)
    ax.set(xlabel="age in APOGEE [Gyr]", title=f"{name}: p = {null.p_value:.2g}")
    print(null)
panels[0].set_ylabel("age in APOGEE $-$ age in LAMOST [Gyr]")
legend = panels[0].legend(loc="upper left")

# %%
# What to look at
# ---------------
# At the right there is no bias, and yet the two ages differ by about 1 Gyr at 10 Gyr. This is
# regression dilution: among the stars that APOGEE calls old there are more whose age came out too
# old than too young, since there are more young stars than old ones. The measured curve lies in the
# band, and the p-value is large. At the left it leaves the band; with
# 20 samples, p cannot be below 0.048.
#
# What it does not show
# ---------------------
# That there is no bias, where the p-value is large: it may be smaller than the band is wide. And
# the test is as good as the errors of the ages: if the true ones are larger than those in the
# table, the band is too low. With errors that the two surveys share, it is too high.
