"""
From a map to a claim
=====================

A map shows an asymmetry. Whether it is more than chance, at which azimuths, and how much of it
hangs on what was assumed, takes a test and a table of systematics.
"""

# %%
# The stars
# ---------
# The mock sample has an asymmetry of 0.08 dex beyond R = 11 kpc, at azimuths from -5 to 15 deg.
# Each star goes in once: a star that both surveys observed would count twice, with the same error
# both times.

from astropy import units as u

from rcasym import AsymmetryMap, RedClumpCatalog, make_mock_catalog, systematics
from rcasym.catalog.zero_point import ZeroPoint

mock = make_mock_catalog(60_000).select()
lamost, apogee = (mock[mock["survey"] == name] for name in ("LAMOST", "APOGEE"))
stars = RedClumpCatalog.concatenate([lamost, apogee])
amap = AsymmetryMap.from_catalog(stars)

# %%
# More than chance?
# -----------------
# The labels North and South are permuted among the stars of each voxel. The p-values of the six
# azimuths are corrected for their number; use 9,999 permutations for a paper.

test = amap.test(n=999, rng=1)
print(test)
test.slices["phi_min", "phi_max", "difference", "difference_error", "p_value_corrected"].pprint()

# %%
# The profile, drawn with the test, has the azimuths with a signal in the middle and the others at
# the right. In dex, the difference does not depend on a zero point of [M/H].

axes = amap.profile().plot("difference", test=test)

# %%
# What if?
# --------
# The difference of the medians of offsets, ``offset_difference``, with the Sun elsewhere, other
# distances, other zero points, one survey alone, another statistic and other bins, each in units of
# its error. Grey is one error; the lines are
# what a sample of more or fewer stars may move by chance.

table = systematics(stars)
axes = table.plot()

# %%
# The zero point between the surveys was varied by 0.03 dex. The stars that both observed say how
# far off it is:

print(ZeroPoint.from_catalogs(apogee, lamost))

# %%
# The largest shift at each azimuth of the asymmetry, surveys alone left out:

for phi in (-5, 0, 5):
    rows = table[(table["phi_min"] == phi * u.deg) & (table["kind"] != "survey")]
    worst = max(rows, key=lambda row: abs(row["shift_in_errors"]))
    print(f"{phi:>3} deg: {worst['variation']}, {worst['shift']:+.3f}")

# %%
# What to look at
# ---------------
# ``R_min`` first: from 10.4 kpc on, stars come in from where there is no asymmetry, and the
# difference falls by 0.02 to 0.03 dex. Then the height of the Sun: 25 pc less make 0.005 to 0.016
# dex. No variation takes the result away. A claim names the corrected p-value, the difference in
# dex with its error, and the largest of these shifts.
#
# What it does not show
# ---------------------
# Why North and South differ. A bent mid-plane does the same to a map:
# :ref:`sphx_glr_generated_gallery_plot_known_truth.py`.

# sphinx_gallery_thumbnail_number = 2
