"""
From a map to a claim
=====================

A map shows an asymmetry. A permutation test tells at which azimuths it is significant, and a table
of systematics tells how much of it depends on the assumptions.
"""

# %%
# The stars
# ---------
# The mock sample has an asymmetry of 0.08 dex beyond R = 11 kpc, at azimuths from -5 to 15 deg.
# Each star is used once: duplicates are not independent, and make p-values too small.

from astropy import units as u

from rcasym import AsymmetryMap, RedClumpCatalog, make_mock_catalog, systematics
from rcasym.catalog import ZeroPoint

mock = make_mock_catalog(60_000).select()
lamost, apogee = (mock[mock["survey"] == name] for name in ("LAMOST", "APOGEE"))
stars = RedClumpCatalog.concatenate([lamost, apogee])
amap = AsymmetryMap.from_catalog(stars)

# %%
# Significance
# ------------
# The test permutes the labels North and South among the stars of each voxel. The p-values of the
# six azimuths are corrected for their number. Use 9,999 permutations for a paper.

test = amap.test(n=999, rng=1)
print(test)
test.slices["phi_min", "phi_max", "difference", "difference_error", "p_value_corrected"].pprint()

# %%
# Drawn with the test, the profile has the azimuths with p < 0.05 (corrected) in the middle and the
# others at the right. In dex, the difference does not depend on the zero point of [M/H].

axes = amap.profile().plot("difference", test=test)

# %%
# Systematics
# -----------
# The difference of the medians of offsets, ``offset_difference``, with another position of the Sun,
# other distances and zero points, one survey alone, another statistic and other bins. Each shift is
# in units of the standard error of the difference. Grey is one standard error. The lines are the
# shifts expected by chance from adding or removing stars.

table = systematics(stars)
axes = table.plot()

# %%
# The zero point between the surveys was varied by 0.03 dex. The stars in common give the measured
# value:

print(ZeroPoint.from_catalogs(apogee, lamost))

# %%
# The largest shift at each azimuth of the asymmetry, except for single surveys:

for phi in (-5, 0, 5):
    rows = table[(table["phi_min"] == phi * u.deg) & (table["kind"] != "survey")]
    worst = max(rows, key=lambda row: abs(row["shift_in_errors"]))
    print(f"{phi:>3} deg: {worst['variation']}, {worst['shift']:+.3f}")

# %%
# Interpretation
# --------------
# ``R_min`` has the largest effect: from 10.4 kpc, stars come in from where there is no asymmetry,
# and the difference falls by 0.02 to 0.03 dex. The height of the Sun is next: lowering it by 25 pc
# changes the difference by 0.005 to 0.016 dex. No variation removes the asymmetry. When you claim
# one, give the corrected p-value, the difference in dex with its uncertainty, and the largest of
# these shifts.
#
# Limitations
# -----------
# The test does not tell why North and South differ. A bent mid-plane has the same effect on a map:
# :ref:`sphx_glr_generated_gallery_plot_known_truth.py`.

# sphinx_gallery_thumbnail_number = 2
