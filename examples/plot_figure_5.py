"""
Figure 5: the asymmetry at six ages
===================================

The offset of [M/H] from the radial mean by age, at azimuths from -5 to 15 deg.
"""

# %%
# ``DiskBinning.by_age()`` has the ages and the azimuths of the paper. Any other edges can be given.

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = amap.plot(vmax=0.2)

# %%
# What to look at
# ---------------
# The radial mean is that of the same ages, so that the fall of [M/H] with age is out, and what
# differs between panels is the vertical gradient and the asymmetry. The number of stars in the
# title falls by a factor of six from 3 to 12 Gyr.
#
# What it does not show
# ---------------------
# Whether the asymmetry of old stars is smaller, or only less certain. See Figure 6, and
# :ref:`sphx_glr_generated_gallery_plot_age_errors.py`.
