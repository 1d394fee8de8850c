"""
Figure 7: mean metallicities at six azimuths
============================================

The mean [M/H] of each voxel and the radial mean, by azimuth. Their difference is Figure 3.
"""

# %%
# A list of quantities gets one block of panels per quantity. Both share one colour scale.

from rcasym import AsymmetryMap, RedClumpCatalog, make_mock_catalog
from rcasym.plotting import style

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars)
axes = amap.plot(["mean", "radial_mean"])

# %%
# `~rcasym.plotting.style` sets the width and the font sizes of a journal, here for one column of
# AASTeX. The panels are arranged to fit:

with style("aastex", width="single"):
    axes = amap.plot(["mean", "radial_mean"])

# %%
# Interpretation
# --------------
# In the upper panels, [M/H] falls outward and with distance from the mid-plane. In the lower
# panels, each R bin has one colour: the mean of all its stars, whatever their height. It is
# dominated by the numerous stars near the mid-plane.
#
# Limitations
# -----------
# The radial mean is not free of selection effects. Where few stars near the plane are observed, it
# is lower, because stars higher up are more metal poor. North and South of an R bin share it, so it
# cancels in their difference.
