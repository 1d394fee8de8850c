"""
A hundred million stars
=======================

Maps are made in batches, from many files or from slices of a file. This example shows how, and the
effects that matter at such numbers.
"""

# %%
# Batches
# -------
# ``from_batches`` takes any iterable of catalogues. Here each batch is a mock sample. Files are
# passed by their paths, ``from_batches(paths, columns={...}, workers=2)``, and read in pieces. The
# map keeps 8 bytes per star, or none with ``medians=False`` (:doc:`/guide/large`).

import matplotlib.pyplot as plt
import numpy as np

from rcasym import AsymmetryMap, make_mock_catalog


def batches():
    for seed in range(8):
        yield make_mock_catalog(30_000, rng=seed).select()


amap = AsymmetryMap.from_batches(batches())
print(amap)

# %%
# The map does not depend on the batches or their order. Medians are exact, and all numbers are
# bit-identical. Maps of parts add up, such as those made on several machines.

parts = [AsymmetryMap.from_catalog(batch) for batch in batches()]
again = parts[7] + parts[6] + parts[5] + parts[4] + parts[3] + parts[2] + parts[1] + parts[0]
print(all(np.array_equal(getattr(again, name), getattr(amap, name), equal_nan=True)
          for name in ("count", "mean", "median", "std", "offset")))

# %%
# Standard error against number of stars
# --------------------------------------
# The standard error of the difference at azimuths from 0 to 5 deg, with all heights together, as
# parts are added, and its extrapolation.

total, numbers, errors = None, [], []
for part in parts:
    total = part if total is None else total + part
    row = total.profile().slices()[3]
    numbers.append(total.n_stars)
    errors.append(row["matched_difference_error"].value)

figure, ax = plt.subplots(figsize=(5, 3.6), layout="constrained")
ax.loglog(numbers, errors, "o", color="#0072B2", label="mock sample")
n = np.array([1e4, 1e8])
ax.loglog(n, errors[-1] * np.sqrt(numbers[-1] / n), "--", color="#0072B2",
          label=r"proportional to $1/\sqrt{n}$")
ax.axhline(5e-4, color="#D55E00", label="gradient inside voxels of 0.6 by 0.3 kpc")
ax.axvline(146_062, color="0.6", linestyle=":", label="the paper's sample")
ax.set(xlabel="number of stars", ylabel="standard error of North $-$ South [dex]")
legend = ax.legend(fontsize=8)

# %%
# Interpretation
# --------------
# With a hundred million stars the standard error would be 0.0001 dex. This is smaller than the
# effect of gradients inside a voxel where North and South are observed at different radii. The
# orange line is that effect for the difference of the whole mock sample (:doc:`/validation`). Use
# narrower bins then, first in R.
#
# Limitations
# -----------
# The figure contains no systematics. Zero points of surveys, distances and the height of the Sun do
# not improve with the number of stars, and dominate at 1e8 stars:
# :ref:`sphx_glr_generated_gallery_plot_claim.py`. ``from_batches`` does not remove duplicates.
