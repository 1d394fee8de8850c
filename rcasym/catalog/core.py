# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The catalogue of stars that every map and calibration starts from."""

import numpy as np
from astropy import log
from astropy import units as u
from astropy.coordinates import (
    ICRS,
    CartesianRepresentation,
    Galactic,
    Galactocentric,
    SkyCoord,
)
from astropy.io.registry import UnifiedReadWriteMethod
from astropy.table import QTable, Table, vstack

from ..exceptions import CatalogError, CatalogWarning
from ..utils.arrays import plain_text
from ..utils.validation import (
    check_choice,
    check_columns,
    check_same_frame,
    check_separation,
    check_tables,
    warn,
)
from .columns import (
    COLUMNS,
    POSITION_COLUMNS,
    TEXT_COLUMNS,
    find_columns,
    find_units,
    floats,
)
from .crossmatch import find_mutual_nearest, find_repeats
from .cuts import QualityCuts
from .frames import check_frame, cylindrical, sky_to_cartesian
from .io import CatalogRead, CatalogWrite, register

__all__ = ["RedClumpCatalog", "read_positions"]


class RedClumpCatalog(QTable):
    """Table of stars with positions, metallicities and, where known, ages: one star per row.

    A `~astropy.table.QTable` with these columns. A map needs ``coord`` and ``m_h``; the others may
    be absent. A star without a value is masked in that column; without a position, its ``coord``
    and ``galcen`` are NaN.

    ========================================  =======  ==========================================
    column                                    unit     meaning
    ========================================  =======  ==========================================
    ``source_id``, ``survey``                 text     name of the star; ``"LAMOST"``, ``"APOGEE"``
    ``coord``                                          position, ICRS with distance
    ``galcen``                                kpc      position, Galactocentric
    ``distance_error``                        kpc      uncertainty of the distance
    ``m_h``, ``m_h_error``                    dex      [M/H] and its uncertainty
    ``alpha_m``, ``alpha_m_error``            dex      [alpha/M] and its uncertainty
    ``age``, ``age_error``                    Gyr      age and its uncertainty
    ``snr``                                            signal-to-noise ratio of the spectrum
    ========================================  =======  ==========================================

    Made by `from_table`, ``read``, `concatenate` or `~rcasym.make_mock_catalog`.
    Slices, masks, column subsets, groups and joins work as on any astropy table.

    Examples
    --------
    >>> from astropy.table import QTable
    >>> from astropy import units as u
    >>> from rcasym import RedClumpCatalog
    >>> stars = QTable({"RA": [90, 100] * u.deg, "DEC": [20, 30] * u.deg, "d": [2000, 3000] * u.pc,
    ...                 "FEH": [-0.2, -9999.0]})
    >>> cat = RedClumpCatalog.from_table(
    ...     stars, columns={"ra": "RA", "dec": "DEC", "distance": "d", "m_h": "FEH"})
    >>> cat["m_h"]
    <MaskedQuantity [-0.2,  ———] dex>
    >>> print(cat.R.round(2))
    [10.32 11.28] kpc
    """

    read = UnifiedReadWriteMethod(CatalogRead)
    write = UnifiedReadWriteMethod(CatalogWrite)

    @classmethod
    def from_table(cls, table, *, columns=None, units=None, survey=None, frame=None, keep=()):
        """Create a catalogue from any astropy table.

        Parameters
        ----------
        table : `~astropy.table.Table`
            One star per row. Columns with a unit are converted; those without are taken to be in
            the catalogue's unit (kpc, Gyr, dex, degrees).
        columns : dict, optional
            The names of the table's columns, where they differ from the catalogue's:
            ``{"m_h": "FEH", "age": "AGE_GYR"}``. Positions are ``ra``, ``dec``, ``distance`` (ICRS)
            or ``l``, ``b``, ``distance`` (Galactic), or a SkyCoord column ``coord``. A value of
            None leaves a column out.
        units : dict, optional
            The units of columns, by the catalogue's name or the table's: ``{"distance": "pc"}``.
            They take precedence over the units in the table.
        survey : str, optional
            The name of the survey; `QualityCuts` knows ``"LAMOST"`` and ``"APOGEE"``. By default
            the table's column ``survey``, if there is one.
        frame : `~astropy.coordinates.Galactocentric`, optional
            The frame of ``galcen``; by default that of the table's column ``galcen``, if there is
            one, or else the paper's, `~rcasym.catalog.paper_frame`.
        keep : sequence of str, optional
            Further columns of the table to copy unchanged.

        Returns
        -------
        RedClumpCatalog
            With as many rows as the table. Masked values, NaN, infinities and sentinels such as
            -9999 are masked; so are unphysical values (a negative distance or age). A warning
            counts these, and the stars without a value that every map needs.

        Raises
        ------
        CatalogError
            If a needed column is missing, holds text, or its unit does not convert; if the table
            is empty; if an argument names a column that is not read.

        Examples
        --------
        A table with its own column names, Galactic positions and distances in pc:

        >>> from astropy import units as u
        >>> from astropy.table import QTable
        >>> from rcasym import RedClumpCatalog
        >>> stars = QTable({"l": [180, 175] * u.deg, "b": [10, -10] * u.deg,
        ...                 "d": [3000, 3000] * u.pc, "FEH": [-0.2, -0.3], "flag": [0, 1]})
        >>> cat = RedClumpCatalog.from_table(stars, columns={"distance": "d", "m_h": "FEH"},
        ...                                  survey="LAMOST", keep=["flag"])
        >>> cat.colnames
        ['survey', 'coord', 'galcen', 'm_h', 'flag']
        >>> print(cat.Z.round(2))
        [ 0.55 -0.49] kpc
        """
        if not isinstance(table, Table):
            raise CatalogError("table must be an astropy Table; got "
                               f"{type(table).__name__}. Table.from_pandas converts a DataFrame")
        sources, position = find_columns(table.colnames, columns)
        if len(table) == 0:
            raise CatalogError("table must have one or more rows; got 0")
        keep = (keep,) if isinstance(keep, str) else keep
        check_columns(table.colnames, keep, "the table")
        columns = columns or {}
        replaced = [name for name in keep if columns.get(name, name) != name]
        if replaced:
            raise CatalogError("keep must not name a column that columns= replaces or leaves out; "
                               f"got {replaced[0]!r}. Rename it in the table")
        if not isinstance(survey, str | None):
            raise CatalogError(f"survey must be one name; got {type(survey).__name__}. Names that "
                               "differ from star to star belong in a column 'survey' of the table")
        if survey is not None and columns.get("survey") is not None:
            raise CatalogError(f"survey must not be given beside columns['survey']; got {survey!r}")

        units = find_units(units, sources)
        sky = read_positions(table, sources, position, units=units)
        coord = SkyCoord(sky[0] * u.deg, sky[1] * u.deg, sky[2] * u.kpc, frame=ICRS(), copy=False)
        if frame is None and "galcen" in table.colnames and isinstance(table["galcen"], SkyCoord):
            frame = table["galcen"].frame.replicate_without_data()
        frame = check_frame(frame)

        stars = {}
        if "source_id" in sources:
            stars["source_id"] = plain_text(table[sources["source_id"]])
        if survey is not None:
            stars["survey"] = np.full(len(table), survey)
        elif "survey" in sources:
            stars["survey"] = plain_text(table[sources["survey"]])
        stars["coord"] = coord
        xyz = sky_to_cartesian(coord.ra.value, coord.dec.value, coord.distance.value, frame)
        galcen = CartesianRepresentation(xyz, unit=u.kpc, copy=False)
        stars["galcen"] = SkyCoord(frame.realize_frame(galcen), copy=False)
        for name, column in COLUMNS.items():
            if name in sources:
                stars[name] = column.wrap(column.clean(table[sources[name]], sources[name],
                                                       unit=units.get(name)))
        for name in keep:
            if name not in stars:
                stars[name] = table[name].copy()
        catalog = cls(stars, copy=False)
        catalog._warn_of_repeated_ids()
        return catalog

    @property
    def R(self):
        """Galactocentric radius in the plane, `~astropy.units.Quantity` [kpc]."""
        return self.cylindrical[0]

    @property
    def phi(self):
        """Galactocentric azimuth, `~astropy.units.Quantity` [deg].

        In (-180, 180] deg: 0 toward the anticentre, growing with Galactic rotation.
        """
        return self.cylindrical[1]

    @property
    def Z(self):
        """Height above the mid-plane, North positive, `~astropy.units.Quantity` [kpc]."""
        return self.cylindrical[2]

    @property
    def cylindrical(self):
        """R, phi and Z together, a tuple of `~astropy.units.Quantity`."""
        check_columns(self.colnames, ["galcen"], "the catalogue")
        R, phi, Z = cylindrical(self["galcen"])
        masked = getattr(self["coord"], "mask", False) if "coord" in self.colnames else False
        if np.any(masked):
            R, phi, Z = (np.where(masked, np.nan, values) for values in (R, phi, Z))
        return R, phi, Z

    @property
    def frame(self):
        """The Galactocentric frame of ``galcen``, without data."""
        check_columns(self.colnames, ["galcen"], "the catalogue")
        return self["galcen"].frame.replicate_without_data()

    def validate(self):
        """Check that the catalogue can be mapped, and count missing values.

        Returns
        -------
        `~astropy.table.QTable`
            One row per column: ``column``, ``unit``, and the numbers of stars with a value
            (``known``) and without (``missing``).

        Raises
        ------
        CatalogError
            If ``coord``, ``galcen`` or ``m_h`` is missing or of the wrong kind.

        Warns
        -----
        CatalogWarning
            If a ``source_id`` occurs more than once.

        Examples
        --------
        >>> from rcasym import make_mock_catalog
        >>> report = make_mock_catalog(1000).validate()
        >>> print(report["column", "known", "missing"][report["column"] == "m_h"])
        column known missing
        ------ ----- -------
           m_h  1000       0
        """
        check_columns(self.colnames, ["coord", "galcen", "m_h"], "the catalogue")
        for name in ("coord", "galcen"):
            if not isinstance(self[name], SkyCoord):
                raise CatalogError(f"column {name!r} must hold SkyCoord positions; got "
                                   f"{type(self[name]).__name__}. from_table builds them")
        if not isinstance(self["galcen"].frame, Galactocentric):
            raise CatalogError("column 'galcen' must be in a Galactocentric frame; got "
                               f"{self['galcen'].frame.name}")
        self._warn_of_repeated_ids()
        rows = [("position", "kpc", int(np.isfinite(self.Z).sum()))]
        rows += [(name, str(column.unit), int(np.isfinite(floats(self, name)).sum()))
                 for name, column in COLUMNS.items() if name in self.colnames]
        names, units, known = map(list, zip(*rows, strict=True))
        return QTable({"column": names, "unit": units, "known": known,
                       "missing": len(self) - np.array(known)})

    def _warn_of_repeated_ids(self):
        if "source_id" not in self.colnames:
            return
        ids = [name for name in np.asarray(self["source_id"]).tolist() if name]
        repeated = len(ids) - len(set(ids))
        if repeated:
            warn(f"column 'source_id': {repeated:,} of {len(self):,} rows repeat the id of an "
                 "earlier row; concatenate finds duplicates by position", CatalogWarning)

    def select(self, cuts=None):
        """Return the stars that pass the quality cuts.

        Parameters
        ----------
        cuts : QualityCuts, optional
            By default ``QualityCuts()``, the cuts of Wang et al. (2025), Section 2.1. Their
            ``cut_flow`` counts how many stars each cut removes.

        Returns
        -------
        RedClumpCatalog
            The stars that pass, in the same order.

        Examples
        --------
        >>> from astropy import units as u
        >>> from rcasym import QualityCuts, make_mock_catalog
        >>> cat = make_mock_catalog(2000)
        >>> print(len(cat.select()), len(cat.select(QualityCuts(max_abs_Z=0.5 * u.kpc))))
        1871 1282
        """
        cuts = QualityCuts() if cuts is None else cuts
        return self[cuts.mask(self)]

    @u.quantity_input(max_separation=u.deg)
    def match(self, other, max_separation=1 * u.arcsec):
        """Find the stars in common with another catalogue, by position on the sky.

        Two entries are the same star if each is the other's nearest neighbour and they are no more
        than ``max_separation`` apart.

        Parameters
        ----------
        other : RedClumpCatalog
            The other catalogue.
        max_separation : `~astropy.units.Quantity` ['angle'], optional
            The largest separation of a pair; by default 1 arcsec.

        Returns
        -------
        `~astropy.table.QTable`
            One row per pair: ``index``, the row in this catalogue, ``other_index``, the row in the
            other, and ``separation`` [arcsec].

        Raises
        ------
        CatalogError
            If ``max_separation`` is not one positive angle, or ``other`` has no positions.

        Examples
        --------
        >>> from rcasym import make_mock_catalog
        >>> cat = make_mock_catalog(2000)
        >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
        >>> pairs = apogee.match(lamost)
        >>> ages = apogee["age"][pairs["index"]], lamost["age"][pairs["other_index"]]
        """
        check_separation(max_separation)
        check_columns(getattr(other, "colnames", ()), ["coord"], "the other catalogue")
        i, j, separation = find_mutual_nearest(self["coord"], other["coord"], max_separation)
        return QTable({"index": i, "other_index": j, "separation": separation})

    @classmethod
    @u.quantity_input(max_separation=u.deg)
    def concatenate(cls, catalogs, duplicates="first", max_separation=1 * u.arcsec):
        """Combine catalogues, one per survey, and remove duplicates.

        Repeat observations within one catalogue are rows within ``max_separation`` of an earlier
        row; stars in common between catalogues are mutual nearest neighbours within it.

        Parameters
        ----------
        catalogs : sequence of RedClumpCatalog
            One per survey, in the order of preference. A column that one of them lacks is masked
            for its stars.
        duplicates : {"first", "all", "error"}, optional
            Keep the first row of each star (default), keep all rows, or raise if there are
            duplicates.
        max_separation : `~astropy.units.Quantity` ['angle'], optional
            By default 1 arcsec.

        Returns
        -------
        RedClumpCatalog
            Its ``meta`` counts the duplicates: ``n_common`` rows of later catalogues are stars of
            earlier ones, ``n_repeat`` rows repeat an observation within their own catalogue.

        Raises
        ------
        CatalogError
            If the frames differ, or with ``duplicates="error"`` if there are duplicates.

        Examples
        --------
        LAMOST before APOGEE, so that LAMOST's rows of the stars in common are kept:

        >>> from rcasym import RedClumpCatalog, make_mock_catalog
        >>> cat = make_mock_catalog(2000)
        >>> lamost, apogee = cat[cat["survey"] == "LAMOST"], cat[cat["survey"] == "APOGEE"]
        >>> both = RedClumpCatalog.concatenate([lamost, apogee])
        INFO: 58 stars in common between 2 catalogues, 0 repeat observations within one; ...
        >>> len(both), both.meta
        (1942, {'n_common': 58, 'n_repeat': 0})
        """
        check_choice("duplicates", duplicates, ("first", "all", "error"))
        check_separation(max_separation)
        catalogs = list(check_tables("catalogs", catalogs))
        if not catalogs:
            raise CatalogError("catalogs must hold one or more catalogues; got none")
        check_same_frame([catalog.frame for catalog in catalogs], "catalogues to concatenate")
        first, n_repeat = [], 0
        for catalog in catalogs:
            own = find_repeats(catalog["coord"], max_separation)
            n_repeat += int(np.sum(own != np.arange(len(own))))
            first.append(own)
        in_common = [np.zeros(len(catalog), bool) for catalog in catalogs]
        for later in range(1, len(catalogs)):
            for earlier in range(later):
                _, j, _ = find_mutual_nearest(catalogs[earlier]["coord"],
                                              catalogs[later]["coord"], max_separation)
                # The match may be with any of the star's repeat observations.
                in_common[later][first[later][j]] = True
        keep = np.concatenate([(own == np.arange(len(own))) & ~common
                               for own, common in zip(first, in_common, strict=True)])
        n_common = int(sum(common.sum() for common in in_common))
        counts = (f"{n_common:,} stars in common between {len(catalogs)} catalogues, "
                  f"{n_repeat:,} repeat observations within one")
        if duplicates == "error" and not keep.all():
            raise CatalogError(f"catalogs must hold each star once with duplicates='error'; got "
                               f"{counts} (max_separation = {max_separation})")
        stacked = vstack(catalogs, join_type="outer", metadata_conflicts="silent")
        for name in TEXT_COLUMNS:
            if name in stacked.colnames:
                stacked[name] = plain_text(stacked[name])
        result = stacked if duplicates == "all" or keep.all() else stacked[keep]
        log.info(f"{counts}; " + ("all kept" if duplicates == "all" else
                                 f"the first row of each kept: {len(result):,} stars"))
        result.meta |= {"n_common": n_common, "n_repeat": n_repeat}
        return result

    def plot(self, *, axes=None, **kwargs):
        """Draw where the stars are, and their ages and metallicities (Figure 1 of the paper).

        Parameters
        ----------
        axes : sequence of `~matplotlib.axes.Axes`, optional
            Axes to draw on: for each survey one of R-Z, then for each one of R-phi, then one for
            ages (if there are any) and one for [M/H]. By default a new figure.
        **kwargs
            Passed to `~matplotlib.axes.Axes.hexbin`.

        Returns
        -------
        ndarray of `~matplotlib.axes.Axes`
            In the order above.

        Examples
        --------
        >>> from rcasym import make_mock_catalog
        >>> axes = make_mock_catalog(2000).plot()
        >>> len(axes)
        6
        """
        from ..plotting.catalog import plot_catalog

        return plot_catalog(self, axes=axes, **kwargs)


def read_positions(table, sources, names, lost=None, units=None):
    """Return right ascension and declination [deg] and distance [kpc], NaN where unknown."""
    if names == ("coord",):
        coord = table[sources["coord"]]
        if not isinstance(coord, SkyCoord) or coord.distance.unit == u.dimensionless_unscaled:
            raise CatalogError(f"column {sources['coord']!r} must hold SkyCoord positions with "
                               "a distance; give ra, dec and distance columns otherwise")
        coord = coord.transform_to(ICRS())
        values = {"ra": coord.ra, "dec": coord.dec, "distance": coord.distance}
        names = tuple(values)
    else:
        values = {name: table[sources[name]] for name in names}
    units = units or {}
    sky = [POSITION_COLUMNS[name].clean(column, sources.get(name, name), lost, units.get(name))
           for name, column in values.items()]
    if names[0] == "l":
        # Without distances, so that a star without one keeps its direction.
        icrs = SkyCoord(*sky[:2], unit=u.deg, frame=Galactic()).icrs
        sky[:2] = icrs.ra.deg, icrs.dec.deg
    return sky


register(RedClumpCatalog)
