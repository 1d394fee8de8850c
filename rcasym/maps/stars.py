# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Stars as plain arrays: what a map needs of a catalogue or of any other table."""

from dataclasses import dataclass, replace

import numpy as np
from astropy import units as u
from astropy.coordinates import ICRS, Galactocentric

from ..catalog import RedClumpCatalog
from ..catalog.columns import COLUMNS, find_columns, find_units, floats, survey_names
from ..catalog.core import read_positions
from ..catalog.frames import (
    affine,
    apply_affine,
    check_frame,
    cylindrical_values,
    sky_to_cylindrical,
)
from ..exceptions import CatalogError
from ..utils.validation import check_columns, check_same_frame
from ..voxels import VoxelMoments, VoxelState

__all__ = ["StarArrays", "find_needed_columns", "is_catalog"]


@dataclass(frozen=True, eq=False)
class StarArrays:
    """Stars as plain floats, NaN where a value is unknown.

    R and Z are in kpc, ``phi`` in degrees, ``age`` in Gyr; ``xyz`` are heliocentric ICRS positions
    [kpc], which only errors and systematics need.
    """

    R: np.ndarray
    phi: np.ndarray
    Z: np.ndarray
    m_h: np.ndarray
    frame: Galactocentric
    age: np.ndarray | None = None
    survey: np.ndarray | None = None
    xyz: np.ndarray | None = None

    @classmethod
    def from_catalog(cls, catalog, binning):
        """Return the stars of a catalogue, in the frame of its positions."""
        if "galcen" not in getattr(catalog, "colnames", ()):
            raise CatalogError("the catalogue must have a column 'galcen'; "
                               "RedClumpCatalog.from_table(table, columns=...) makes a catalogue "
                               "from any table")
        check_columns(catalog.colnames, ["m_h", *_list_age_axes(binning)], "the catalogue")
        R, phi, Z = (values.value for values in catalog.cylindrical)
        return cls(R, phi, Z, floats(catalog, "m_h"), catalog.frame,
                   floats(catalog, "age") if _list_age_axes(binning) else None)

    @classmethod
    def from_table(cls, table, binning, *, columns=None, units=None, frame=None, lost=None):
        """Return the stars of any table, with the bits of `~rcasym.RedClumpCatalog.from_table`.

        ``lost`` counts the values that are masked.
        """
        if is_catalog(table):
            if not isinstance(table, RedClumpCatalog):
                table = RedClumpCatalog(table, copy=False)
            stars = cls.from_catalog(table, binning)
            if frame is not None:
                check_same_frame([frame, stars.frame], "catalogues of one map")
            return stars
        frame = check_frame(frame)
        sources, units = find_needed_columns(table.colnames, binning, columns, units)
        position = tuple(name for name in sources if name not in COLUMNS)
        sky = read_positions(table, sources, position, lost, units)
        values = {name: COLUMNS[name].clean(table[sources[name]], sources[name], lost,
                                            units.get(name))
                  for name in ("m_h", *_list_age_axes(binning))}
        return cls(*sky_to_cylindrical(*sky, frame), frame=frame, **values)

    @classmethod
    def empty(cls, binning):
        """Return no stars."""
        none = np.empty(0)
        return cls(none, none, none, none, None, none if _list_age_axes(binning) else None)

    @classmethod
    def with_positions(cls, catalog, binning):
        """Return the stars of a catalogue, with positions that can be varied."""
        if not isinstance(catalog, RedClumpCatalog):
            raise CatalogError("catalog must be a RedClumpCatalog; got "
                               f"{type(catalog).__name__}. RedClumpCatalog.from_table makes one")
        check_columns(catalog.colnames, ["coord", "galcen", "m_h", *_list_age_axes(binning)],
                      "the catalogue")
        position = catalog["coord"].icrs.cartesian.xyz
        xyz = np.array(getattr(position, "unmasked", position).to_value(u.kpc))
        # A masked position is unknown, whatever value is beneath the mask.
        xyz[:, ~np.isfinite(catalog.Z.value)] = np.nan
        stars = cls(None, None, None, floats(catalog, "m_h"), catalog.frame,
                    floats(catalog, "age") if _list_age_axes(binning) else None,
                    survey_names(catalog))
        return stars.moved(xyz)

    def moved(self, xyz, **changes):
        """Return the stars at other heliocentric positions, or in another ``frame``."""
        frame = changes.get("frame", self.frame)
        R, phi, Z = cylindrical_values(*apply_affine(affine(ICRS(), frame), xyz))
        return replace(self, R=R, phi=phi, Z=Z, xyz=xyz, **changes)

    def __getitem__(self, rows):
        return replace(self, **{name: values[..., rows] for name, values in vars(self).items()
                                if isinstance(values, np.ndarray)})

    def coordinates(self, binning):
        """Return the values along each axis of a binning."""
        return [getattr(self, axis.name) for axis in binning.axes]

    def bin(self, binning, medians=True):
        """Return the state of the stars in the voxels of a binning."""
        kind = VoxelState if medians else VoxelMoments
        edges = [axis.edges.value for axis in binning.axes]
        return kind.from_columns(self.coordinates(binning), edges, self.m_h)


def is_catalog(table):
    """Return True for a catalogue, whose columns need no names and units from the user."""
    return isinstance(table, RedClumpCatalog) or "galcen" in table.colnames


def _list_age_axes(binning):
    return [axis.name for axis in binning.axes if axis.name == "age"]


def find_needed_columns(colnames, binning, columns=None, units=None):
    """Return the table's name for each column that a map needs, and the units that are given."""
    sources, position = find_columns(colnames, columns)
    for name in _list_age_axes(binning):
        if name not in sources:
            check_columns(colnames, [name], "the table, or columns= by another name,")
    needed = (*position, "m_h", *_list_age_axes(binning))
    for name in needed:
        if name not in sources:
            raise CatalogError(f"columns[{name!r}] must be the name of a column, since a map needs "
                               "it; got None")
    units = find_units(units, sources)
    return ({name: sources[name] for name in needed},
            {name: unit for name, unit in units.items() if name in needed})
