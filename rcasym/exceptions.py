# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The errors and warnings of rcasym."""

from astropy.utils.exceptions import AstropyUserWarning

__all__ = ["RcasymError", "CatalogError", "BinningError", "RcasymWarning", "CatalogWarning"]


class RcasymError(ValueError):
    """Base of every error that rcasym raises itself."""


class CatalogError(RcasymError):
    """The stars, or the file that should hold them, cannot be used as they are."""


class BinningError(RcasymError):
    """The edges of a binning, or two binnings together, cannot be used as they are."""


class RcasymWarning(AstropyUserWarning):
    """Base of every warning that rcasym issues itself."""


class CatalogWarning(RcasymWarning):
    """Some stars cannot be used as they are; the message counts them."""
