# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Catalogues as VOTables, which have no place for positions in a frame.

Positions are written as ra, dec and distance, the frame as parameters of the table.
"""

import json

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io.votable import parse, tree
from astropy.table import Column, MaskedColumn, Table

from .frames import FRAME_UNITS, frame_from_parameters, frame_parameters

__all__ = ["to_votable", "from_votable"]

# The parameter that holds, as JSON, what a VOTable has no place for.
EXTRA = "rcasym"


def to_votable(catalog):
    """The catalogue as an `~astropy.io.votable.tree.VOTableFile`."""
    table, extra = Table(), {"positions": [], "meta": dict(catalog.meta)}
    for name in catalog.colnames:
        values = catalog[name]
        if name == "galcen":
            continue
        if isinstance(values, SkyCoord):
            prefix = "" if name == "coord" else f"{name}_"
            position = values.icrs
            table[f"{prefix}ra"], table[f"{prefix}dec"] = position.ra, position.dec
            if position.distance.unit != u.dimensionless_unscaled:
                table[f"{prefix}distance"] = position.distance.to(u.kpc)
            if prefix:
                extra["positions"].append(name)
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
    params = document.get_first_table().params
    for name, value in frame_parameters(catalog.frame).items():
        params.append(tree.Param(document, name=name, value=value, datatype="double",
                                 unit=FRAME_UNITS[name].to_string("vounit"), arraysize=None))
    params.append(tree.Param(document, name=EXTRA, datatype="char", arraysize="*",
                             value=json.dumps(extra, default=str)))
    return document


def from_votable(path, **kwargs):
    """The first table of a VOTable and the Galactocentric frame in its parameters, or None."""
    first = parse(path, **kwargs).get_first_table()
    table = first.to_table(use_names_over_ids=True)
    stored = {param.name: param.value for param in first.params}
    if not {EXTRA, *FRAME_UNITS} <= stored.keys():
        return table, None
    extra = json.loads(stored[EXTRA])
    table.meta = extra["meta"]
    for name in extra["positions"]:
        parts = [part for part in ("ra", "dec", "distance") if f"{name}_{part}" in table.colnames]
        table[name] = SkyCoord(*(table[f"{name}_{part}"].quantity for part in parts), frame="icrs")
        table.remove_columns([f"{name}_{part}" for part in parts])
    return table, frame_from_parameters(stored)
