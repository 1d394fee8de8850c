"""
The whole paper in one script
=============================

From the stars to Figures 1 to 8 of Wang et al. (2025), and the numbers behind them: cut the stars,
bring the ages onto one scale, find the stars in common, map [M/H], compare North with South.
"""

# %%
# The stars
# ---------
# The mock sample has as many rows as the sample of the paper. Its positions, ages and
# metallicities are made up, and an asymmetry of 0.08 dex is put in beyond R = 11 kpc, at azimuths
# from -5 to 15 deg. With real stars, `RedClumpCatalog.read <rcasym.RedClumpCatalog.read>` takes
# the place of `~rcasym.make_mock_catalog`.

from rcasym import (
    AgeCalibrator,
    AsymmetryMap,
    DiskBinning,
    QualityCuts,
    RedClumpCatalog,
    make_mock_catalog,
)

mock = make_mock_catalog()
print(QualityCuts().cut_flow(mock))

# %%
# Figure 1: where the stars are, and their ages and metallicities.

selected = mock.select()
axes = selected.plot()

# %%
# One age scale
# -------------
# Figure 2: the ages of APOGEE are brought onto the scale of LAMOST.

lamost, apogee = (selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE"))
calibrator = AgeCalibrator.from_catalogs(apogee, lamost, n_bootstrap=5)
axes = calibrator.plot()
apogee = calibrator.apply(apogee)

# %%
# The surveys go into `~rcasym.RedClumpCatalog.concatenate` in the order of preference: of a star
# that both observed, the row of LAMOST is kept.

stars = RedClumpCatalog.concatenate([lamost, apogee])

# %%
# Six azimuths
# ------------
# A map knows how many of its stars are inside the grid, and what became of the others. Figure 3 is
# the offset of each voxel from the radial mean; ``vmax`` narrows the colour scale.

amap = AsymmetryMap.from_catalog(stars)
print(amap)
axes = amap.plot(vmax=0.2)

# %%
# Figure 4: medians of all stars beyond 11 kpc against Z, and the asymmetry of North and South at
# the azimuths where a permutation test finds one, and at the others.

test = amap.test(n=999, rng=1)
axes = amap.profile().plot(test=test)

# %%
# The numbers of the figure, all heights together:

test.slices["phi_min", "phi_max", "difference", "difference_error", "p_value_corrected"].pprint()

# %%
# Six ages
# --------
# Figure 5: the offset at azimuths from -5 to 15 deg.

by_age = AsymmetryMap.from_catalog(stars, DiskBinning.by_age())
axes = by_age.plot(vmax=0.2)

# %%
# Figure 6: North against South at six ages.

axes = by_age.profile().plot(test=by_age.test(n=999, rng=1))

# %%
# The means behind the offsets
# ----------------------------
# Figure 7 by azimuth, Figure 8 by age: the mean of each voxel above, the radial mean below.

axes = amap.plot(["mean", "radial_mean"])

# %%

axes = by_age.plot(["mean", "radial_mean"])

# %%
# What to look at
# ---------------
# Figures 3 and 4 show what was put in at azimuths from -5 to 15 deg, and nothing elsewhere. Each
# figure has an example of its own that says what it shows. The command ``rcasym`` does all of this,
# too, and writes the figures and tables to a folder.
#
# What it does not show
# ---------------------
# Anything about the Galaxy. Where the text of the paper leaves a choice, the page
# :doc:`/paper` says what was chosen.

# sphinx_gallery_thumbnail_number = 3
