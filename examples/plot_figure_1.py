"""
Figure 1: the stars
===================

The positions of the stars in two surveys, and their ages and metallicities.
"""

# %%
# The mock sample has as many rows as the sample of Wang et al. (2025), with footprints like those
# of LAMOST and APOGEE. ``select`` applies the quality cuts of their Section 2.1.

from rcasym import make_mock_catalog
from rcasym.plotting import style

stars = make_mock_catalog().select()
axes = stars.plot()

# %%
# The same for one column of a journal:

with style("aastex", width="single"):
    axes = stars.plot()

# %%
# Interpretation
# --------------
# LAMOST looks toward the anticentre, so that most of its stars are beyond the Sun, with azimuths
# near zero. APOGEE observes stars in the mid-plane at larger distances, on both sides in azimuth.
# In voxels with stars of only one survey, an offset in [M/H] between the surveys would look like
# structure.
#
# Limitations
# -----------
# These are numbers of observed stars, not the density of the disk.
