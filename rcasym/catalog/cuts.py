# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Quality cuts, and the numbers of stars that they remove."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ..utils.validation import to_unit
from .columns import floats, survey_names

__all__ = ["QualityCuts"]


@dataclass(frozen=True)
class QualityCuts:
    """Quality cuts on stars, by default those of Wang et al. (2025), Section 2.1.

    A cut applies to the surveys in which at least one star of the catalogue has a value. A star
    without a value fails a cut that applies to it. Cut a survey as a whole, since a part of it may
    have no values in a column that the others have.

    Parameters
    ----------
    max_age : `~astropy.units.Quantity` ['time'] or None, optional
        The largest age; by default 14 Gyr. None turns this or any other cut off.
    max_abs_Z : `~astropy.units.Quantity` ['length'] or None, optional
        The largest distance from the mid-plane; by default 5 kpc.
    max_m_h_error, max_alpha_m_error : `~astropy.units.Quantity` or None, optional
        The largest uncertainties of [M/H] and [alpha/M]; by default 0.15 dex.
    min_snr : float or None, optional
        The smallest signal-to-noise ratio in the surveys ``snr_surveys``; by default 30.
    snr_surveys : tuple of str, optional
        The surveys that are cut on SNR; by default only LAMOST, as in the paper.
    keep_missing : bool, optional
        Whether a star without a value passes the cut; by default False.

    Examples
    --------
    >>> from rcasym import QualityCuts, make_mock_catalog
    >>> from astropy import units as u
    >>> cat = make_mock_catalog(1000)
    >>> len(cat.select(QualityCuts(max_age=8 * u.Gyr))) < len(cat.select()) <= len(cat)
    True
    """

    max_age: u.Quantity | None = 14 * u.Gyr
    max_abs_Z: u.Quantity | None = 5 * u.kpc
    max_m_h_error: u.Quantity | None = 0.15 * u.dex
    max_alpha_m_error: u.Quantity | None = 0.15 * u.dex
    min_snr: float | None = 30
    snr_surveys: tuple = ("LAMOST",)
    keep_missing: bool = False

    def __post_init__(self):
        for name, unit in (("max_age", u.Gyr), ("max_abs_Z", u.kpc), ("max_m_h_error", u.dex),
                           ("max_alpha_m_error", u.dex), ("min_snr", u.dimensionless_unscaled)):
            limit = getattr(self, name)
            if limit is not None:
                value = float(to_unit(name, limit, unit))
                object.__setattr__(self, name, value if name == "min_snr" else value * unit)
        surveys = self.snr_surveys
        object.__setattr__(self, "snr_surveys",
                           (surveys,) if isinstance(surveys, str) else tuple(surveys))

    def _cuts(self, catalog):
        """Yield for each cut its name, its limit, the stars it applies to and those that pass."""
        survey = np.char.upper(survey_names(catalog))
        for name, values, limit, sign in (
            ("age", _floats_or_nan(catalog, "age"), self.max_age, "<="),
            ("abs_Z", np.abs(catalog.Z.to_value(u.kpc)), self.max_abs_Z, "<="),
            ("m_h_error", _floats_or_nan(catalog, "m_h_error"), self.max_m_h_error, "<="),
            ("alpha_m_error", _floats_or_nan(catalog, "alpha_m_error"), self.max_alpha_m_error,
             "<="),
            ("snr", _floats_or_nan(catalog, "snr"), self.min_snr, ">="),
        ):
            if limit is None:
                continue
            known = np.isfinite(values)
            applies = np.isin(survey, survey[known])
            words = f"{sign} {limit:g}"
            if name == "snr":
                applies &= np.isin(survey, np.char.upper(self.snr_surveys))
                words += f" ({', '.join(self.snr_surveys)})"
            bound = getattr(limit, "value", limit)
            with np.errstate(invalid="ignore"):
                good = values <= bound if sign == "<=" else values >= bound
            yield name, words, applies, np.where(known, good, self.keep_missing)

    def mask(self, catalog):
        """Return True for each star that passes every cut that applies to it.

        Parameters
        ----------
        catalog : RedClumpCatalog
            The stars.

        Returns
        -------
        ndarray of bool
            One value per star.

        Examples
        --------
        The stars that the cuts remove:

        >>> from rcasym import QualityCuts, make_mock_catalog
        >>> cat = make_mock_catalog(1000)
        >>> removed = cat[~QualityCuts().mask(cat)]
        >>> print(len(removed), len(cat.select()), removed["snr"].min() < 30)
        72 928 True
        """
        good = np.ones(len(catalog), bool)
        for _, _, applies, passes in self._cuts(catalog):
            good &= passes | ~applies
        return good

    def cut_flow(self, catalog):
        """Count the stars that each cut removes, one cut after the other.

        Parameters
        ----------
        catalog : RedClumpCatalog
            The stars.

        Returns
        -------
        `~astropy.table.QTable`
            One row per cut: ``cut``, ``limit``, and the numbers of stars ``before``, ``removed``,
            ``left`` and ``not_applicable``, to which the cut does not apply.

        Examples
        --------
        >>> from rcasym import QualityCuts, make_mock_catalog
        >>> flow = QualityCuts().cut_flow(make_mock_catalog(1000))
        >>> print(", ".join(flow["cut"]))
        age, abs_Z, m_h_error, alpha_m_error, snr
        """
        good = np.ones(len(catalog), bool)
        rows = []
        for name, words, applies, passes in self._cuts(catalog):
            before = int(good.sum())
            not_applicable = int((good & ~applies).sum())
            good &= passes | ~applies
            left = int(good.sum())
            rows.append((name, words, before, before - left, left, not_applicable))
        return QTable(rows=rows or None,
                      names=("cut", "limit", "before", "removed", "left", "not_applicable"),
                      dtype=(str, str, int, int, int, int))


def _floats_or_nan(catalog, name):
    return (floats(catalog, name) if name in catalog.colnames
            else np.full(len(catalog), np.nan))
