"""
Figure 8: mean metallicities at six ages
========================================

What Figure 5 is the difference of: the mean [M/H] of each voxel, and the radial mean, by age.
"""

# %%
# A list of quantities makes a row of panels each. Both have one colour scale.

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = amap.plot(["mean", "radial_mean"])

# %%
# What to look at
# ---------------
# The young disk has the steepest radial gradient and the thinnest layer of metal-rich stars. Among
# the old stars the gradient is a third as steep.
#
# What it does not show
# ---------------------
# The true gradients by age: errors of the ages mix the bins. Half of the oldest bin are younger
# stars.
