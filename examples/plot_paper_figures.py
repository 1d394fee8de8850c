"""
Figures of the paper, from stars to maps
========================================

The whole way of Wang et al. (2025) on the mock sample: cut the stars, find those that two surveys
have in common, map [M/H], compare North with South, and draw Figures 1 and 3 to 8.
"""

# %%
# The stars
# ---------
# The mock sample has as many rows as the sample of the paper. Its positions, ages and
# metallicities are made up, and an asymmetry of 0.08 dex is put in beyond R = 11 kpc, at azimuths
# from -5 to 15 deg. With real stars, `RedClumpCatalog.read <rcasym.RedClumpCatalog.read>` takes
# the place of `~rcasym.make_mock_catalog`.

from rcasym import (
    AsymmetryMap,
    DiskBinning,
    QualityCuts,
    RedClumpCatalog,
    make_mock_catalog,
)

mock = make_mock_catalog()
print(QualityCuts().cut_flow(mock))

# %%
# The surveys go into `~rcasym.RedClumpCatalog.concatenate` in the order of preference: of a star
# that both observed, the row of LAMOST is kept.

selected = mock.select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)

# %%
# Figure 1: where the stars are, and their ages and metallicities.

axes = stars.plot()

# %%
# Maps at six azimuths
# --------------------
# A map knows how many of its stars are inside the grid, and what became of the others.

amap = AsymmetryMap.from_catalog(stars)
print(amap)

# %%
# Figure 3: the offset of each voxel from the radial mean. Everywhere [M/H] falls with the distance
# from the mid-plane. The asymmetry is what differs between the two halves of a panel: in the panels
# from -5 to 15 deg, beyond 11 kpc. ``vmax`` narrows the colour scale to show it.

axes = amap.plot(vmax=0.2)

# %%
# Figure 4: medians of all stars beyond 11 kpc against Z, and the asymmetry of North and South at
# the azimuths where a permutation test finds one, and at the others.

axes = amap.profile().plot(test=amap.test(n=999, rng=1))

# %%
# Figure 7: the mean of each voxel above, the radial mean below.

axes = amap.plot(["mean", "radial_mean"])

# %%
# What differs between North and South is drawn by itself with ``"difference"``: the vertical
# gradient, which both have, drops out. Voxels that are less than two errors from zero are hatched.

axes = amap.plot("difference", hatch_below=2)

# %%
# Maps at six ages
# ----------------
# Figure 5: the offset, at azimuths from -5 to 15 deg. In the mock sample the stars above 8 Gyr have
# a smaller asymmetry.

by_age = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = by_age.plot(vmax=0.2)

# %%
# Figure 6: North against South at six ages.

axes = by_age.profile().plot(test=by_age.test(n=999, rng=1))

# %%
# Figure 8: mean and radial mean.

axes = by_age.plot(["mean", "radial_mean"])
