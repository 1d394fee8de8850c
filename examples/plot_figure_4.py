"""
Figure 4: North against South at six azimuths
=============================================

Medians of the stars beyond 11 kpc against Z, and the asymmetry of North and South with error bars.
"""

# %%
# All R bins from 11 kpc outward are combined. The test permutes the labels North and South among
# the stars of each voxel. Its p-values, corrected for the six azimuths, show which of them have a
# significant asymmetry. Use 9,999 permutations for a paper.

from rcasym import AsymmetryMap, RedClumpCatalog, make_mock_catalog

selected = make_mock_catalog().select()
stars = RedClumpCatalog.concatenate(
    [selected[selected["survey"] == name] for name in ("LAMOST", "APOGEE")]
)
amap = AsymmetryMap.from_catalog(stars)
test = amap.test(n=999, rng=1)
axes = amap.profile().plot(test=test)

# %%
# The same in dex. A is divided by abs(N + S), the sum of two metallicities, so it depends on the
# zero point of [M/H]. The difference does not.

axes = amap.profile().plot("difference", test=test)

# %%
# Interpretation
# --------------
# The azimuths from -5 to 15 deg are in the middle panel. The other three are at the right, around
# zero. In dex the difference is the same at all heights, 0.07 dex. A falls with height, because
# stars far from the mid-plane are more metal poor, and abs(N + S) is larger.
#
# Limitations
# -----------
# The figure does not show whether the two sides were observed at the same radii.
# ``"matched_difference"``, which the test uses, takes this into account.
