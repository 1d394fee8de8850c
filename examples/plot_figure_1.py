"""
Figure 1: the stars
===================

Where the stars of the two surveys are, and how old and how metal rich they are.
"""

# %%
# The mock sample has as many rows as the sample of Wang et al. (2025), and the footprints of LAMOST
# and APOGEE. ``select`` makes the quality cuts of their Section 2.1.

from rcasym import make_mock_catalog
from rcasym.plotting import style

stars = make_mock_catalog().select()
axes = stars.plot()

# %%
# For one column of a journal:

with style("aastex", width="single"):
    axes = stars.plot()

# %%
# What to look at
# ---------------
# LAMOST looks toward the anticentre, so that most of its stars have azimuths near zero and are
# beyond the Sun. APOGEE reaches the mid-plane farther out, and both sides in azimuth. Where one
# survey alone sees a voxel, a zero point between the two would look like structure.
#
# What it does not show
# ---------------------
# How many stars there are in the Galaxy: these are numbers of observed stars.
