# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues as VOTables, which have no place for positions in a frame.

Positions are written as ra, dec and distance, the frame as parameters of the table.
"""

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse, tree
from astropy.table import Column, MaskedColumn, Table

from .frames import FRAME_UNITS, frame_from_parameters, frame_parameters

__all__ = ["to_votable", "from_votable"]


def to_votable(catalog):
    """The catalogue as an `~astropy.io.votable.tree.VOTableFile`."""
    table = Table()
    for name in catalog.colnames:
        values = catalog[name]
        if name == "galcen":
            continue
        if name == "coord":
            table["ra"], table["dec"] = values.ra.to(u.deg), values.dec.to(u.deg)
            table["distance"] = values.distance.to(u.kpc)
        elif isinstance(values, SkyCoord):
            table[f"{name}_ra"], table[f"{name}_dec"] = values.icrs.ra, values.icrs.dec
        else:
            bare = getattr(values, "unmasked", values)
            mask = getattr(values, "mask", None)
            kind = Column if mask is None else MaskedColumn
            masked = {} if mask is None else {"mask": np.asarray(mask)}
            unit = getattr(values, "unit", None)
            # The VOUnit standard has no dex.
            in_dex = {"description": "in dex"} if unit == u.dex else {"unit": unit}
            table[name] = kind(np.asarray(getattr(bare, "value", bare)), **in_dex, **masked)
    document = tree.VOTableFile.from_table(table)
    first = document.get_first_table()
    for name, value in frame_parameters(catalog.frame).items():
        first.params.append(tree.Param(document, name=name, value=value, datatype="double",
                                       unit=FRAME_UNITS[name].to_string("vounit"), arraysize=None))
    return document


def from_votable(path, **kwargs):
    """The first table of a VOTable and the Galactocentric frame in its parameters, or None."""
    first = parse(path, **kwargs).get_first_table()
    table = first.to_table(use_names_over_ids=True)
    stored = {param.name: param.value for param in first.params}
    if not FRAME_UNITS.keys() <= stored.keys():
        return table, None
    return table, frame_from_parameters(stored)
