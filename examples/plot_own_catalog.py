"""
Your own catalogue
==================

Map any astropy table with positions and metallicities, whatever its column names and units.
"""

# %%
# Table
# -----
# The table has Galactic coordinates, distances in parsec, ages in Myr, and -9999 for missing
# metallicities. It is made from a mock sample; read your own with `Table.read
# <astropy.table.Table.read>`.

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
    "TAU": mock["age"].to_value(u.Myr),
})
for name in ("GLON", "GLAT", "DIST_PC", "FEH", "TAU"):
    table[name].info.format = ".2f"
print(table[:3])

# %%
# Catalogue
# ---------
# ``columns`` maps the catalogue's names to those of the table. Units are converted; ``FEH`` has no
# unit and is taken to be in dex. ``TAU`` has none either, so that ``units`` must give it. Sentinels
# are masked, and ``validate`` counts missing values.

stars = RedClumpCatalog.from_table(table, columns={
    "source_id": "star", "l": "GLON", "b": "GLAT", "distance": "DIST_PC",
    "m_h": "FEH", "age": "TAU",
}, units={"age": "Myr"})
print(stars.validate())

# %%
# Map with custom bins
# --------------------
# Edges are quantities. The edges of Z must mirror about 0, so that North and South can be compared.
# With ``phi=None`` all azimuths would share one map.

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
# The voxels with the largest offsets, among those with at least 100 stars:

largest = amap.largest_offsets(3, min_count=100)
for name in ("offset", "mean_error"):
    largest[name].info.format = ".3f"
print(*largest.pformat(max_width=-1), sep="\n")

# %%
# The number of stars in each voxel, on a logarithmic colour scale. Further arguments are passed to
# `~matplotlib.axes.Axes.pcolormesh`.

axes = amap.plot("count", norm=LogNorm(1, 2000))

# %%
# Interpretation
# --------------
# First check how many stars have all the values that a map needs. Then look at the number of stars
# per voxel: below about ten, the scatter of a voxel is as large as the asymmetry.
#
# Limitations
# -----------
# The map does not tell whether North and South differ significantly. The next step is
# :ref:`sphx_glr_generated_gallery_plot_claim.py`.
