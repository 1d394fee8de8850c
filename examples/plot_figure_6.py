"""
Figure 6: North against South at six ages
=========================================

Medians of the stars beyond 11 kpc against Z, and the asymmetry, by age.
"""

# %%
# The asymmetry of this mock sample is 0.08 dex up to 8 Gyr, and falls to 0.032 dex at 10 Gyr and
# above.

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
test = amap.test(n=999, rng=1)
axes = amap.profile().plot("difference", test=test)

# %%
# All heights of each age together, with the p-values:

test.slices["age_min", "age_max", "difference", "difference_error", "p_value_corrected"].pprint()

# %%
# What to look at
# ---------------
# The errors grow with age, as the stars become fewer and their scatter larger. The difference of
# the oldest bin is smaller than that of the young ones, but by less than two of its errors: a
# sample of this size barely shows a contrast as large as the one that was put in.
#
# What it does not show
# ---------------------
# How much smaller the asymmetry of old stars is. Errors of the ages bring younger stars into the
# oldest bins, which makes the contrast smaller than it was put in:
# :ref:`sphx_glr_generated_gallery_plot_age_errors.py`.
