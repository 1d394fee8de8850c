"""
Figure 7: mean metallicities at six azimuths
============================================

What Figure 3 is the difference of: the mean [M/H] of each voxel, and the radial mean, by azimuth.
"""

# %%
# A list of quantities makes a row of panels each. Both have one colour scale.

from rcasym import AsymmetryMap, RedClumpCatalog, make_mock_catalog
from rcasym.plotting import style

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars)
axes = amap.plot(["mean", "radial_mean"])

# %%
# In one column of a journal:

with style("aastex", width="single"):
    axes = amap.plot(["mean", "radial_mean"])

# %%
# What to look at
# ---------------
# Above, [M/H] falls outward and with the distance from the mid-plane. Below, each column of
# voxels has one colour: the mean of all its stars, whatever their height. Stars near the mid-plane
# are the most numerous and weigh most.
#
# What it does not show
# ---------------------
# A radial gradient free of selection. Where few stars near the plane are observed, the radial mean
# is that of stars higher up, and more metal poor: it is lower for reasons of the survey alone.
# North and South of one voxel column share it, so that it drops out of their difference.
