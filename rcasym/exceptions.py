# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The errors and warnings of rcasym."""

from astropy.utils.exceptions import AstropyUserWarning

__all__ = ["RcasymError", "CatalogError", "BinningError", "ValuesNotKeptError", "RcasymWarning",
           "CatalogWarning"]


class RcasymError(ValueError):
    """Base class of the errors that rcasym raises itself.

    Examples
    --------
    >>> from rcasym import DiskBinning
    >>> from rcasym.exceptions import RcasymError
    >>> try:
    ...     DiskBinning(min_count=0)
    ... except RcasymError as error:
    ...     print(error)
    min_count must be a whole number of 1 or more; got 0
    """


class CatalogError(RcasymError):
    """Invalid stars, or an invalid file.

    Examples
    --------
    >>> from astropy.table import Table
    >>> from rcasym import RedClumpCatalog
    >>> RedClumpCatalog.from_table(Table({"ra": [90.0], "dec": [20.0], "m_h": [0.1]}))
    Traceback (most recent call last):
        ...
    rcasym.exceptions.CatalogError: the table, ... must have a column 'distance'; it has 3 others...
    """


class BinningError(RcasymError):
    """Invalid edges of bins, or binnings that do not match.

    Examples
    --------
    >>> from astropy import units as u
    >>> from rcasym import DiskBinning
    >>> DiskBinning(Z=[-1, 0, 2] * u.kpc)
    Traceback (most recent call last):
        ...
    rcasym.exceptions.BinningError: Z edges must mirror about 0 to 1e-09; got -1 without 1
    """


class ValuesNotKeptError(RcasymError, AttributeError):
    """A map made with ``medians=False`` was asked for something that needs the stars' values.

    Examples
    --------
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> amap = AsymmetryMap.from_batches([make_mock_catalog(1000)], medians=False)
    >>> amap.median
    Traceback (most recent call last):
        ...
    rcasym.exceptions.ValuesNotKeptError: the values of the stars are not kept in a map made with...
    """


class RcasymWarning(AstropyUserWarning):
    """Base class of the warnings that rcasym issues itself.

    Examples
    --------
    Turn warnings into errors in a script:

    >>> import warnings
    >>> from rcasym.exceptions import RcasymWarning
    >>> warnings.simplefilter("error", RcasymWarning)  # doctest: +SKIP
    """


class CatalogWarning(RcasymWarning):
    """Some stars cannot be used; the message counts them.

    Examples
    --------
    >>> import warnings
    >>> from astropy.table import Table
    >>> from rcasym import RedClumpCatalog
    >>> stars = Table({"ra": [90.0], "dec": [20.0], "distance": [2.0], "m_h": [-9999.0]})
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     cat = RedClumpCatalog.from_table(stars)
    >>> print(caught[0].message)
    column 'm_h': 1 of 1 stars have no value (masked, NaN, infinite or a sentinel ...
    """
