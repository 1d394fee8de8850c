"""
Figure 2: the ages of two surveys
=================================

The difference of the ages of the stars that both surveys observed, the curve that describes it, and
the ages after this curve is subtracted.
"""

# %%
# The ages of APOGEE are brought onto the scale of LAMOST. In this mock sample they are too large by
# 0.15 Gyr per Gyr of age up to 10 Gyr, and by 1.5 Gyr above.

from astropy import units as u

from rcasym import AgeCalibrator, make_mock_catalog

stars = make_mock_catalog(age_bias=1.5 * u.Gyr).select()
lamost, apogee = (stars[stars["survey"] == name] for name in ("LAMOST", "APOGEE"))
calibrator = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)

# %%
# ``null`` adds the curves of samples without a bias, which differ by the errors of the ages alone.

axes = calibrator.plot(null=calibrator.null_test(n=10, rng=1))

# %%
# What to look at
# ---------------
# The blue curve rises, but so does the orange band, where there is no bias at all: a star whose age
# comes out too old in APOGEE stands at the right, and its difference is positive. Only a curve that
# leaves the band shows a bias. The example :ref:`sphx_glr_generated_gallery_plot_age_trend.py` has
# more of this.
#
# What it does not show
# ---------------------
# Which survey is right. The ages of LAMOST are the scale by choice.
