# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Age calibrators in ECSV files: the pairs of ages as rows, the curves as metadata."""

from pathlib import Path

from astropy import units as u
from astropy.table import Table

from ..exceptions import CatalogError
from ..splines.quantile_spline import QuantileSpline
from ..utils.files import reading, write_ecsv
from ..utils.validation import check_choice
from .curve import CurveSettings
from .pairs import AgePairs

__all__ = ["read_calibrator", "write_calibrator"]

CONTENT = "AgeCalibrator"


def write_calibrator(calibrator, path, *, overwrite=False):
    """Write a calibrator to a file."""
    check_choice("the ending of the file", Path(path).suffix.lower(), (".ecsv",))
    table = Table({name: values for name, values in vars(calibrator.pairs).items()
                   if values is not None})
    for name in ("age", "reference_age"):
        table[name].unit = u.Gyr
    table.meta = {
        "content": CONTENT,
        "settings": _plain(vars(calibrator.settings)),
        "curves": [_plain(vars(curve)) for curve in calibrator.curves],
        "polynomial": calibrator.polynomial_series.coef.tolist(),
        "support": list(calibrator.support_values),
        "error": calibrator.error_values.tolist(),
        "counts": dict(calibrator.counts),
    }
    write_ecsv(table, path, overwrite=overwrite)


def read_calibrator(path):
    """Return the fields of the calibrator in a file."""
    with reading(path, "an age calibrator"):
        table = Table.read(path, format="ascii.ecsv")
        meta = table.meta
        if meta.get("content") != CONTENT:
            raise CatalogError("the file must hold an age calibrator; got a table with columns "
                               f"{', '.join(table.colnames)}")
        pairs = AgePairs(**{name: table[name] for name in table.colnames})
        settings = CurveSettings(**meta["settings"])
        curves = tuple(QuantileSpline(**curve) for curve in meta["curves"])
        return (pairs, settings, curves, settings.fit_bias(pairs), meta["error"],
                tuple(meta["counts"].items()))


def _plain(value):
    """Return dicts, lists and numbers, as YAML needs them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
