"""
Figure 8: mean metallicities at six ages
========================================

The mean [M/H] of each voxel and the radial mean, by age. Their difference is Figure 5.
"""

# %%
# A list of quantities gets one block of panels per quantity. Both share one colour scale.

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = amap.plot(["mean", "radial_mean"])

# %%
# Interpretation
# --------------
# The young disk has the steepest radial gradient and the thinnest layer of metal-rich stars. For
# old stars the gradient is a third as steep.
#
# Limitations
# -----------
# These are not the true gradients by age, because age errors mix the bins. Half of the stars in the
# oldest bin are younger.
