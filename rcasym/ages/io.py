# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Age calibrators in ECSV files: the pairs of ages as rows, the curves as metadata."""

from dataclasses import asdict
from pathlib import Path

from astropy import units as u
from astropy.table import Table
from numpy.polynomial import Legendre

from ..exceptions import CatalogError
from ..splines.quantile_spline import QuantileSpline
from ..utils.files import whole_file
from ..utils.validation import check_choice
from .pairs import CommonAges, read_only

__all__ = ["write_calibrator", "read_calibrator"]


def write_calibrator(calibrator, path, *, overwrite=False):
    """Write a calibrator; see `rcasym.AgeCalibrator.write`."""
    check_choice("the ending of the file", Path(path).suffix.lower(), (".ecsv",))
    table = Table({name: values for name, values in vars(calibrator.pairs).items()
                   if values is not None})
    for name in ("age", "reference_age"):
        table[name].unit = u.Gyr
    settings = asdict(calibrator.settings)
    settings["constraints"] = [c if isinstance(c, str) else list(c)
                               for c in settings["constraints"]]
    table.meta = {
        "content": "AgeCalibrator",
        "settings": settings,
        "curves": [{name: getattr(value, "tolist", lambda value=value: value)()
                    for name, value in vars(curve).items()} for curve in calibrator.curves],
        "polynomial": calibrator.polynomial_series.coef.tolist(),
        "support": list(calibrator.support_values),
        "error": calibrator.error_values.tolist(),
        "counts": dict(calibrator.counts),
    }
    with whole_file(path, overwrite=overwrite) as part:
        table.write(part, format="ascii.ecsv")


def read_calibrator(path):
    """Settings, pairs, curves, polynomial, errors and counts; see `rcasym.AgeCalibrator.read`."""
    try:
        table = Table.read(path, format="ascii.ecsv")
        meta = table.meta
        pairs = CommonAges(**{name: read_only(table[name]) for name in table.colnames})
        curves = tuple(QuantileSpline(**curve) for curve in meta["curves"])
        series = Legendre(meta["polynomial"], domain=meta["support"])
        settings = dict(meta["settings"])
        settings["constraints"] = tuple(c if isinstance(c, str) else tuple(c)
                                        for c in settings["constraints"])
        return settings, pairs, curves, series, read_only(meta["error"]), dict(meta["counts"])
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CatalogError(f"cannot read a calibrator from {path}: {str(error)[:300]}") from error
