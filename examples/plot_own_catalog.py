"""
Your own catalogue
==================

Any astropy table will do, whatever it calls its columns and whatever their units are. Positions
and metallicities are needed, all else may be absent.
"""

# %%
# A table
# -------
# Here is a table with Galactic coordinates, distances in parsec, ages in Myr, and -9999 where there
# is no metallicity. Its values are those of a mock sample; with your own stars it comes from
# `Table.read <astropy.table.Table.read>`.

import numpy as np
from astropy import units as u
from astropy.table import QTable
from matplotlib.colors import LogNorm

from rcasym import AsymmetryMap, DiskBinning, RedClumpCatalog, make_mock_catalog

mock = make_mock_catalog(40_000, rng=1)
sky = mock["coord"].galactic
table = QTable({
    "star": mock["source_id"],
    "GLON": sky.l,
    "GLAT": sky.b,
    "DIST_PC": sky.distance.to(u.pc),
    "FEH": np.where(np.arange(len(mock)) % 50 == 0, -9999, mock["m_h"].value),
    "TAU": mock["age"].to(u.Myr),
})
for name in ("GLON", "GLAT", "DIST_PC", "FEH", "TAU"):
    table[name].info.format = ".2f"
print(table[:3])

# %%
# Reading it
# ----------
# ``columns`` says what the table calls its columns. Units are converted; ``FEH`` has none and is
# taken to be in dex. The sentinels are masked.

stars = RedClumpCatalog.from_table(table, columns={
    "source_id": "star", "l": "GLON", "b": "GLAT", "distance": "DIST_PC",
    "m_h": "FEH", "age": "TAU",
})
print(stars.validate())

# %%
# A map with bins of your own
# ---------------------------
# Edges are quantities. The edges of Z must mirror about 0, so that North and South compare. Without
# ``phi`` all azimuths would go together.

binning = DiskBinning(
    phi=[-20, 0, 20] * u.deg,
    R=np.arange(7, 14) * u.kpc,
    Z=0.25 * np.arange(-6, 7) * u.kpc,
    min_count=10,
)
amap = AsymmetryMap.from_catalog(stars, binning)
print(amap)
axes = amap.plot()

# %%
# The numbers of the map are arrays. Here are the voxels of 100 stars or more with the largest
# offsets.

largest = amap.largest_offsets(3, min_count=100)
for name in ("offset", "mean_error"):
    largest[name].info.format = ".3f"
print(*largest.pformat(max_width=-1), sep="\n")

# %%
# The stars in each voxel, on a logarithmic colour scale. Arguments go on to
# `~matplotlib.axes.Axes.pcolormesh`.

axes = amap.plot("count", norm=LogNorm(1, 2000))

# %%
# What to look at
# ---------------
# The report first: how many stars have all that a map needs. Then the numbers of stars: with fewer
# than some ten, a voxel scatters by as much as the asymmetry that is looked for.
#
# What it does not show
# ---------------------
# Whether North and South differ: :ref:`sphx_glr_generated_gallery_plot_claim.py` goes on from here.
