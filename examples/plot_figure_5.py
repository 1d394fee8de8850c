"""
Figure 5: the asymmetry at six ages
===================================

The [M/H] offset from the radial mean by age, at azimuths from -5 to 15 deg.
"""

# %%
# ``DiskBinning.by_age()`` has the ages and azimuths of the paper. You can use any other edges.

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = amap.plot(vmax=0.2)

# %%
# Interpretation
# --------------
# Each panel has the radial mean of its own ages subtracted, which removes the decrease of [M/H]
# with age. The panels differ in the vertical gradient and the asymmetry. The number of stars in the
# title falls by a factor of six from 3 to 12 Gyr.
#
# Limitations
# -----------
# The figure does not show whether the asymmetry of old stars is smaller or only less certain. See
# Figure 6 and :ref:`sphx_glr_generated_gallery_plot_age_errors.py`.
