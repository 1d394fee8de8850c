"""
Is the age trend real?
======================

The older a star is in APOGEE, the more its age exceeds that of LAMOST. Age errors alone cause such
a trend. A null test tells whether there is more.
"""

# %%
# Two samples
# -----------
# In the first sample the APOGEE ages are too high, by 0.15 Gyr per Gyr of age up to 10 Gyr and by
# 1.5 Gyr above. The second has the same stars and no bias. The age errors are about 17 % (APOGEE)
# and 24 % (LAMOST) in both.

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u

from rcasym import AgeCalibrator, make_mock_catalog

samples = {
    "a bias of 1.5 Gyr": make_mock_catalog(100_000, age_bias=1.5 * u.Gyr),
    "no bias": make_mock_catalog(100_000),
}

# %%
# Null test
# ---------
# ``null_test`` simulates pairs of ages with the same errors and the same distribution of ages, but
# without a bias, and fits a curve to each of these samples. The band contains 95 % of the curves.

figure, panels = plt.subplots(1, 2, figsize=(7.1, 3.2), sharey=True, layout="constrained")
for ax, (name, sample) in zip(panels, samples.items(), strict=True):
    stars = sample.select()
    calibrator = AgeCalibrator.from_catalogs(
        stars[stars["survey"] == "APOGEE"], stars[stars["survey"] == "LAMOST"], n_bootstrap=0
    )
    null = calibrator.null_test(n=20, rng=1)
    null.plot(ax=ax, label="95 % of null samples")
    ax.plot(null.age, null.measured, color="tab:blue", linewidth=2, label="measured")
    true = np.linspace(0.3, 11, 100)
    bias = 0.15 * np.minimum(true, 10) if name != "no bias" else 0 * true
    ax.plot(true + bias, bias, "--", color="0.2", label="true bias")
    ax.axhline(0, color="0.3", linewidth=0.6)
    ax.set(xlabel="age in APOGEE [Gyr]", title=f"{name}: p = {null.p_value:.2g}")
    print(null)
panels[0].set_ylabel("age in APOGEE $-$ age in LAMOST [Gyr]")
legend = panels[0].legend(loc="upper left")

# %%
# Interpretation
# --------------
# On the right there is no bias, but the two ages differ by about 1 Gyr at 10 Gyr. This is
# regression dilution: of the stars that look old in APOGEE, more have an age that is too high than
# one that is too low, because there are more young stars than old ones. The measured curve lies in
# the band, and the p-value is large. On the left it leaves the band, and p is 0.048, the smallest
# value possible with 20 samples.
#
# Limitations
# -----------
# A large p-value does not exclude a bias that is smaller than the width of the band. The test also
# depends on the age errors: if the true errors are larger than those in the table, the band is too
# low. If the two surveys share errors, it is too high.
