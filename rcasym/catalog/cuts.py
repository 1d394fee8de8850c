# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The quality cuts on a catalogue, and the count of what each takes."""

from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.table import QTable

from ..utils.validation import to_unit
from .columns import floats, survey_names

__all__ = ["QualityCuts"]


@dataclass(frozen=True)
class QualityCuts:
    """Which stars are good enough: by default Section 2.1 of Wang et al. (2025).

    A cut applies to the stars of a survey that has the column: what a survey does not have, or has
    for none of its stars, is not cut on. A star without a value fails a cut that applies to it.
    What a survey has is judged by the catalogue at hand: cut a survey as a whole, or give the parts
    of it the same columns.

    Parameters
    ----------
    max_age : `~astropy.units.Quantity` ['time'] or None, optional
        The largest age; by default 14 Gyr. None turns a cut off, here and below.
    max_abs_Z : `~astropy.units.Quantity` ['length'] or None, optional
        The largest distance from the mid-plane; by default 5 kpc.
    max_m_h_error, max_alpha_m_error : `~astropy.units.Quantity` or None, optional
        The largest errors of [M/H] and [alpha/M]; by default 0.15 dex.
    min_snr : float or None, optional
        The smallest signal-to-noise ratio of the stars of the surveys named in ``snr_surveys``;
        by default 30.
    snr_surveys : tuple of str, optional
        By default ``("LAMOST",)``: the paper cuts LAMOST alone on SNR.
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
        """For each cut: its name, its limit in words, the stars it applies to, those that pass."""
        survey = np.char.upper(survey_names(catalog))
        for name, values, limit, sign in (
            ("age", _known(catalog, "age"), self.max_age, "<="),
            ("abs_Z", np.abs(catalog.Z.to_value(u.kpc)), self.max_abs_Z, "<="),
            ("m_h_error", _known(catalog, "m_h_error"), self.max_m_h_error, "<="),
            ("alpha_m_error", _known(catalog, "alpha_m_error"), self.max_alpha_m_error, "<="),
            ("snr", _known(catalog, "snr"), self.min_snr, ">="),
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
        """True for each star that passes every cut that applies to it.

        Parameters
        ----------
        catalog : RedClumpCatalog
            The stars.

        Returns
        -------
        ndarray of bool
            One value a star.

        Examples
        --------
        The stars that the cuts take, rather than those that they leave:

        >>> from rcasym import QualityCuts, make_mock_catalog
        >>> cat = make_mock_catalog(1000)
        >>> taken = cat[~QualityCuts().mask(cat)]
        >>> print(len(taken), len(cat.select()), taken["snr"].min() < 30)
        72 928 True
        """
        good = np.ones(len(catalog), bool)
        for _, _, applies, passes in self._cuts(catalog):
            good &= passes | ~applies
        return good

    def cut_flow(self, catalog):
        """How many stars each cut takes, one after the other.

        Parameters
        ----------
        catalog : RedClumpCatalog
            The stars.

        Returns
        -------
        `~astropy.table.QTable`
            One row a cut: ``cut``, ``limit``, ``before``, ``removed``, ``left`` and
            ``not_applicable``, the stars of ``before`` that the cut does not apply to.

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


def _known(catalog, name):
    return (floats(catalog, name) if name in catalog.colnames
            else np.full(len(catalog), np.nan))
