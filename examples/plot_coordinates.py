"""
Coordinates
===========

R and phi in the disk seen from the North, its rotation, and the azimuths of other packages.
"""

# %%
# Three stars
# -----------
# They are in the plane, 3 kpc from the Sun. phi is 0 for the Sun and grows with Galactic rotation.

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u
from astropy.table import QTable

from rcasym import DiskBinning, RedClumpCatalog

longitudes = np.array([90, 180, 270])
cat = RedClumpCatalog.from_table(QTable({
    "l": longitudes * u.deg, "b": np.zeros(3) * u.deg, "distance": np.full(3, 3) * u.kpc,
    "m_h": np.zeros(3) * u.dex,
}))
print(cat.R.round(2), cat.phi.round(1), sep="\n")

# %%
# astropy, and gala with it, define azimuth differently: the x axis points from the Sun to the
# centre, so that the Sun is at 180 deg, and angles grow *against* the rotation.

print(cat["galcen"].represent_as("cylindrical").phi.wrap_at(360 * u.deg).deg.round(1))

# %%
# Map of the disk
# ---------------
# x and y are those of astropy's Galactocentric frame. There the Sun moves toward positive y: the
# disk turns clockwise.

frame = cat.frame
R0 = np.sqrt(frame.galcen_distance**2 - frame.z_sun**2).to_value(u.kpc)
velocity = frame.galcen_v_sun.to_cartesian().xyz
print(f"R0 = {R0:.2f} kpc; velocity of the Sun in x, y and z: {velocity}")


def at(R, phi):
    """Return x and y of R and phi."""
    return -R * np.cos(np.radians(phi)), R * np.sin(np.radians(phi))


def arrow(ax, R, phi, label, where, color, **kwargs):
    """Draw an arc of a circle with an arrow at its end."""
    ax.plot(*at(R, np.linspace(*phi, 100)), color=color, **kwargs)
    ax.annotate("", at(R, phi[1]), at(R, phi[1] - 0.02 * (phi[1] - phi[0])),
                arrowprops={"arrowstyle": "-|>", "color": color, "shrinkA": 0, "shrinkB": 0})
    ax.annotate(label, where, color=color, ha="center", va="center")


figure, ax = plt.subplots(figsize=(6.2, 5.8), layout="constrained")
binning = DiskBinning()
inner, outer = binning["R"].edges.value[[0, -1]]
edges = binning["phi"].edges.value
for k, (low, high) in enumerate(pairwise(edges)):
    arc = np.linspace(low, high, 40)
    corners = np.concatenate([np.array(at(inner, arc)), np.array(at(outer, arc[::-1]))], axis=1)
    ax.fill(*corners, facecolor=("#D6E6F2", "#FBE8C8")[k % 2], edgecolor="0.5", linewidth=0.5)
for phi in edges:
    ax.annotate(f"{phi:g}\N{DEGREE SIGN}".replace("-", "\N{MINUS SIGN}"), at(outer + 0.7, phi),
                ha="center", va="center", fontsize=8)

ax.plot(*at(R0, np.linspace(-180, 180, 200)), color="0.6", linewidth=0.8, linestyle=":")
arrow(ax, 3.2, (-60, 60), "rotation", (0.5, 2.2), "0.2", linewidth=2)
arrow(ax, 17.3, (0, 45), r"$\phi$ of rcasym and galpy" + "\nfrom the Sun, with the rotation",
      (-13, 14.5), "#0072B2", linewidth=1.5)
arrow(ax, 5.2, (180, 0), "azimuth of astropy and gala\nfrom the far side, against the rotation",
      (2, 9.6), "#D55E00", linewidth=1.5)

ax.plot(0, 0, "k+", markersize=9)
ax.annotate("centre", (0.3, -0.9))
ax.plot(-R0, 0, "o", color="#E69F00", markeredgecolor="k", markersize=9)
ax.annotate("Sun", (-R0 - 0.2, -1.1), ha="center")
x, y = cat["galcen"].x.value, cat["galcen"].y.value
for longitude, X, Y in zip(longitudes, x, y, strict=True):
    ax.plot([-R0, X], [0, Y], color="0.3", linewidth=0.8, linestyle="--")
    ax.plot(X, Y, "k*", markersize=7)
    ax.annotate(f"$l = {longitude}\\degree$", (X, Y), textcoords="offset points",
                xytext=(0, -12 if longitude == 270 else 7), ha="center", fontsize=8)
ax.annotate("anticentre", (-17.3, -1), ha="center", color="0.3", fontsize=8)
ax.set(xlabel="$x$ [kpc]", ylabel="$y$ [kpc]", aspect="equal", xlim=(-20, 10), ylim=(-10.5, 16))
title = ax.set_title("The disk from the North, with the azimuths of Figures 3 and 4", fontsize=10)

# %%
# Interpretation
# --------------
# The Sun has phi = 0. A star toward Galactic longitude 90 deg, the direction of rotation, has a
# positive phi; one toward 270 deg has a negative one. Galactic longitude is measured at the Sun,
# phi at the centre. galpy has the same azimuth, in radians; the azimuth of astropy and gala is
# 180 deg minus phi. Z points toward the reader: the North is above the page.
