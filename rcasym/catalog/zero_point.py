# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The difference of [M/H] between two surveys, from the stars in common."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u

from ..exceptions import CatalogError
from ..statistics.estimates import estimate
from ..utils.validation import check_columns
from ..voxels.state import VoxelState
from .columns import floats

__all__ = ["ZeroPoint"]


@dataclass(frozen=True, eq=False, repr=False)
class ZeroPoint:
    """Difference of [M/H] between a catalogue and a reference, from the stars in common.

    Wang et al. (2025, Section 2) find none between LAMOST and APOGEE.

    Parameters
    ----------
    n_stars : int
        Stars in common with both values.
    difference, difference_error : `~astropy.units.Quantity`
        Median of [M/H] minus that of the reference, and its bootstrap standard error [dex].
    scatter : `~astropy.units.Quantity`
        Standard deviation of a normal distribution with the same median absolute deviation [dex].
    trend, trend_error : float
        Slope of the difference against the mean of both [M/H] (dex per dex), by least squares, and
        its standard error from the residuals. The errors of a star enter both axes, which produces
        a slope if those of one survey are larger. If both catalogues have ``m_h_error``, this is
        corrected: with mean squared errors a and b of the two, (a - b) / 2 is subtracted from the
        covariance and (a + b) / 4 from the variance of the mean.

    Examples
    --------
    >>> from rcasym import make_mock_catalog
    >>> from rcasym.catalog import ZeroPoint
    >>> cat = make_mock_catalog(20_000)
    >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
    >>> ZeroPoint.from_catalogs(apogee, lamost).n_stars
    584
    """

    n_stars: int
    difference: u.Quantity
    difference_error: u.Quantity
    scatter: u.Quantity
    trend: float
    trend_error: float

    @classmethod
    def from_catalogs(cls, catalog, reference, max_separation=1 * u.arcsec):
        """Compare the stars that two catalogues have in common.

        Parameters
        ----------
        catalog, reference : RedClumpCatalog
            The stars of two surveys, with ``m_h``.
        max_separation : `~astropy.units.Quantity` ['angle'], optional
            As in `RedClumpCatalog.match <rcasym.RedClumpCatalog.match>`; by default 1 arcsec.

        Returns
        -------
        ZeroPoint
            Positive if the catalogue's [M/H] are higher.

        Raises
        ------
        CatalogError
            If fewer than three stars in common have both values.

        Examples
        --------
        An offset of 0.05 dex, recovered within its uncertainty:

        >>> from astropy import units as u
        >>> from rcasym import make_mock_catalog
        >>> from rcasym.catalog import ZeroPoint
        >>> cat = make_mock_catalog(20_000)
        >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
        >>> apogee["m_h"] += 0.05 * u.dex
        >>> zero = ZeroPoint.from_catalogs(apogee, lamost)
        >>> print(f"{zero.difference:.2f} ± {zero.difference_error:.2f}")
        0.04 dex ± 0.01 dex
        """
        for stars in (catalog, reference):
            check_columns(stars.colnames, ["coord", "m_h"], "the catalogue")
        pairs = catalog.match(reference, max_separation)
        first = floats(catalog, "m_h")[pairs["index"]]
        second = floats(reference, "m_h")[pairs["other_index"]]
        known = np.isfinite(first) & np.isfinite(second)
        first, second = first[known], second[known]
        squares = [_mean_square_error(stars, pairs[index][known]) for stars, index in
                   ((catalog, "index"), (reference, "other_index"))]
        n = len(first)
        if n < 3:
            raise CatalogError("the catalogues must have three or more stars in common with [M/H] "
                               f"in both; got {n} of {len(pairs)} pairs")
        difference, mean = first - second, 0.5 * (first + second)
        median = estimate(VoxelState.from_stars(np.zeros(n, np.int32), difference, 1))
        scatter = 1.4826 * np.median(np.abs(difference - median.value[0]))
        x = mean - mean.mean()
        a, b = squares if None not in squares else (0, 0)
        spread = np.sum(x**2) - n * (a + b) / 4
        if spread <= 0:
            # The errors alone explain the scatter, so that no trend can be measured.
            spread = np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            trend = (np.sum(x * difference) - n * (a - b) / 2) / spread
            residual = difference - difference.mean() - trend * x
            trend_error = np.sqrt(np.sum((x * residual)**2) * n / (n - 2)) / spread
        return cls(n, median.value[0] * u.dex, median.error[0] * u.dex, scatter * u.dex,
                   float(trend), float(trend_error))

    def __repr__(self):
        return (f"<ZeroPoint: {self.difference.value:+.4f} ± {self.difference_error.value:.4f} dex "
                f"of {self.n_stars:,} stars in common, scatter {self.scatter.value:.3f} dex; trend "
                f"{self.trend:+.3f} ± {self.trend_error:.3f} dex/dex>")


def _mean_square_error(catalog, rows):
    """Return the mean squared error of [M/H] in some rows, None if it is known for none."""
    if "m_h_error" not in catalog.colnames:
        return None
    squares = floats(catalog, "m_h_error")[rows]**2
    known = np.isfinite(squares)
    return squares[known].mean() if known.any() else None
