"""
A hundred million stars
=======================

A map takes its stars a batch at a time: from many files, or a file in slices. This is how it is
done, and what changes when there are that many stars.
"""

# %%
# A batch at a time
# -----------------
# ``from_batches`` takes anything that yields catalogues. Here each batch is a mock sample of its
# own. Files go in as they are, ``from_batches(paths, columns={...}, workers=2)``; they are read a
# slice at a time. Only 8 bytes a star are kept, and less with a ``memory_limit``
# (:doc:`/guide/large`).

import matplotlib.pyplot as plt
import numpy as np

from rcasym import AsymmetryMap, make_mock_catalog


def batches():
    for seed in range(8):
        yield make_mock_catalog(30_000, rng=seed).select()


amap = AsymmetryMap.from_batches(batches())
print(amap)

# %%
# The map does not depend on how the stars were divided, or in which order they came: every median
# is exact, and all numbers are the same to the last bit. Maps of parts add up, for example those
# that many machines made.

parts = [AsymmetryMap.from_catalog(batch) for batch in batches()]
again = parts[7] + parts[6] + parts[5] + parts[4] + parts[3] + parts[2] + parts[1] + parts[0]
print(all(np.array_equal(getattr(again, name), getattr(amap, name), equal_nan=True)
          for name in ("count", "mean", "median", "std", "offset")))

# %%
# What more stars are good for
# ----------------------------
# The error of the difference at azimuths from 0 to 5 deg, all heights together, as parts are added,
# and where it goes from there.

grown, numbers, errors = None, [], []
for part in parts:
    grown = part if grown is None else grown + part
    row = grown.profile().slices()[3]
    numbers.append(grown.n_stars)
    errors.append(row["matched_difference_error"].value)

figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
ax.loglog(numbers, errors, "o", color="#0072B2", label="mock sample")
n = np.array([1e4, 1e8])
ax.loglog(n, errors[-1] * np.sqrt(numbers[-1] / n), "--", color="#0072B2",
          label="one over the root of the number")
ax.axhline(5e-4, color="#D55E00", label="gradient inside voxels of 0.6 by 0.3 kpc")
ax.axvline(146_062, color="0.6", linestyle=":", label="the paper's sample")
ax.set(xlabel="stars in the map", ylabel="error of North $-$ South [dex]")
legend = ax.legend(fontsize=8)

# %%
# What to look at
# ---------------
# At a hundred million stars the error would be 0.0001 dex, less than what gradients inside a voxel
# do where North and South are seen at different radii; the orange line is what they make of the
# difference of the whole mock sample (:doc:`/validation`). Take narrower bins then: of R first.
#
# What it does not show
# ---------------------
# Zero points of surveys, distances and the height of the Sun, which do not shrink with the number
# of stars. What remains at 1e8 stars is systematic:
# :ref:`sphx_glr_generated_gallery_plot_claim.py`. And stars that are there twice: ``from_batches``
# does not look for them.
