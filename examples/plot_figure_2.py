"""
Figure 2: the ages of two surveys
=================================

The difference between the two ages of the stars in common, the curve that describes it, and the
ages after the curve is subtracted.
"""

# %%
# The APOGEE ages are brought onto the scale of LAMOST. In this mock sample they are too high, by
# 0.15 Gyr per Gyr of age up to 10 Gyr and by 1.5 Gyr above.

from astropy import units as u

from rcasym import AgeCalibrator, make_mock_catalog

stars = make_mock_catalog(age_bias=1.5 * u.Gyr).select()
lamost, apogee = (stars[stars["survey"] == name] for name in ("LAMOST", "APOGEE"))
calibrator = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=0)

# %%
# ``null`` adds the range of the curves of null samples, which come from age errors alone.

axes = calibrator.plot(null=calibrator.null_test(n=10, rng=1))

# %%
# Interpretation
# --------------
# The blue curve rises, but so does the orange band, which has no bias: a star whose APOGEE age is
# too high lies further right, and its difference is positive. Only a curve outside the band shows a
# bias. See :ref:`sphx_glr_generated_gallery_plot_age_trend.py`.
#
# Limitations
# -----------
# The figure does not tell which survey is right. LAMOST is the reference by choice.
