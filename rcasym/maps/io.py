# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps in files: FITS and HDF5 with the same names.

``edges_<axis>`` and the parameters of the frame say what the arrays mean; ``count``, ``mean`` and
so on are for other programs; ``count`` and ``values`` are what a map is built from again, or
``voxels``, where the values of the stars are not kept.
"""

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable

from ..catalog.frames import FRAME_UNITS, frame_from_parameters, frame_parameters
from ..exceptions import CatalogError
from ..utils.files import truncation_raises, whole_file
from ..utils.validation import check_choice
from ..voxels import VoxelMoments, VoxelState
from .binning import DiskBinning

__all__ = ["write_map", "read_map", "ARRAYS"]

ARRAYS = ("count", "mean", "median", "std", "mean_error", "radial_mean", "offset", "difference")
# What is kept of a voxel where the values of its stars are not.
VOXELS = ("total", "squares")
SUFFIXES = {".fits": "fits", ".fit": "fits", ".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5"}
# The numbers beside the arrays; eight letters, as FITS has them.
NUMBERS = {"MINCOUNT": "least number of stars of a filled voxel",
           "NOUTSIDE": "stars outside the grid", "NMASKED": "stars without a needed value"}


def _format(path, format):
    if format is None:
        suffix = Path(path).suffix.lower()
        format = SUFFIXES.get(suffix, suffix or str(path))
    return check_choice("format (or the ending of the file)", format, ("fits", "hdf5"))


def write_map(amap, path, *, format=None, overwrite=False):
    """Write a map; see `rcasym.AsymmetryMap.write`."""
    writer = {"fits": _write_fits, "hdf5": _write_hdf5}[_format(path, format)]
    numbers = dict(zip(NUMBERS, (amap.binning.min_count, amap.n_outside, amap.n_masked),
                       strict=True))
    with whole_file(path, overwrite=overwrite) as part:
        writer(amap, numbers, part)


def read_map(path, *, format=None):
    """The binning, state and frame in a file; see `rcasym.AsymmetryMap.read`."""
    reader = {"fits": _read_fits, "hdf5": _read_hdf5}[_format(path, format)]
    try:
        with truncation_raises():
            numbers, edges, parameters, counts, stars = reader(path)
        binning = DiskBinning(**{"phi": None, **edges}, min_count=numbers["MINCOUNT"])
        n_values = counts.sum() if isinstance(stars, dict) else len(stars)
        if counts.shape != binning.shape or counts.sum() != n_values:
            raise ValueError(f"{counts.sum()} stars in voxels of shape {counts.shape} do not go "
                             f"with {n_values} values and edges of shape {binning.shape}")
        outside = numbers["NOUTSIDE"], numbers["NMASKED"]
        counts = counts.astype(np.int64).ravel()
        if isinstance(stars, dict):
            stars = {name: np.asarray(stars[name], float) for name in VOXELS}
            state = VoxelMoments(counts, stars["total"], stars["squares"], *outside)
        else:
            state = VoxelState(counts, stars.astype(float), *outside)
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except (OSError, ValueError, TypeError, KeyError, UserWarning) as error:
        raise CatalogError(f"cannot read a map from {path}: {str(error)[:300]}") from error
    return binning, state, frame_from_parameters(parameters)


def _list_arrays(amap):
    """Return the names of the arrays of a map, which has no medians with ``medians=False``."""
    return [name for name in ARRAYS if hasattr(amap, name)]


def _write_fits(amap, numbers, path):
    primary = fits.PrimaryHDU()
    primary.header["ORIGIN"] = "rcasym"
    primary.header["CONTENT"] = ("AsymmetryMap", "[M/H] in voxels of the Galactic disk")
    for name, value in numbers.items():
        primary.header[name] = (value, NUMBERS[name])
    hdus = [primary]
    for name in _list_arrays(amap):
        values = getattr(amap, name)
        image = fits.ImageHDU(np.asarray(values), name=name)
        if name != "count":
            image.header["BUNIT"] = "dex"
        image.header["AXES"] = (", ".join(axis.name for axis in amap.binning.axes),
                                "numpy order, the last varies fastest")
        hdus.append(image)
    for axis in amap.binning.axes:
        hdus.append(fits.BinTableHDU(QTable({"edge": axis.edges}), name=f"edges_{axis.name}"))
    parameters = frame_parameters(amap.frame)
    hdus.append(fits.BinTableHDU(QTable({
        "parameter": list(parameters), "value": list(parameters.values()),
        "unit": [str(FRAME_UNITS[name]) for name in parameters]}), name="frame"))
    if isinstance(amap.state, VoxelMoments):
        columns = [fits.Column(name, "D", array=getattr(amap.state, name)) for name in VOXELS]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="voxels"))
    else:
        column = fits.Column("m_h", "D", array=amap.state.values)
        hdus.append(fits.BinTableHDU.from_columns([column], name="values"))
    fits.HDUList(hdus).writeto(path, checksum=True)


def _read_fits(path):
    with fits.open(path, memmap=False) as hdus:
        header = hdus[0].header
        numbers = {name: header[name] for name in NUMBERS}
        edges = {}
        for hdu in hdus:
            if hdu.name.startswith("EDGES_"):
                name = next(n for n in ("phi", "age", "R", "Z") if hdu.name == f"EDGES_{n.upper()}")
                table = QTable.read(hdu)
                edges[name] = u.Quantity(table["edge"].value.astype(float), table["edge"].unit)
        frame = hdus["FRAME"].data
        parameters = dict(zip(frame["parameter"], frame["value"], strict=True))
        stars = ({name: hdus["VOXELS"].data[name] for name in VOXELS} if "VOXELS" in hdus
                 else np.array(hdus["VALUES"].data["m_h"]))
        return numbers, edges, parameters, np.array(hdus["COUNT"].data), stars


def _write_hdf5(amap, numbers, path):
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs.update({"CONTENT": "AsymmetryMap", **numbers})
        for name in _list_arrays(amap):
            data = file.create_dataset(name, data=np.asarray(getattr(amap, name)))
            if name != "count":
                data.attrs["unit"] = "dex"
        for axis in amap.binning.axes:
            edges = file.create_dataset(f"edges_{axis.name}", data=axis.edges.value)
            edges.attrs["unit"] = str(axis.edges.unit)
        if isinstance(amap.state, VoxelMoments):
            for name in VOXELS:
                file.create_dataset(f"voxels/{name}", data=getattr(amap.state, name))
        else:
            file.create_dataset("values", data=amap.state.values).attrs["unit"] = "dex"
        frame = file.create_group("frame")
        frame.attrs.update(frame_parameters(amap.frame))


def _read_hdf5(path):
    import h5py

    with h5py.File(path) as file:
        numbers = {name: int(file.attrs[name]) for name in NUMBERS}
        edges = {name: file[f"edges_{name}"][:] * u.Unit(file[f"edges_{name}"].attrs["unit"])
                 for name in ("phi", "age", "R", "Z") if f"edges_{name}" in file}
        stars = ({name: file[f"voxels/{name}"][:] for name in VOXELS} if "voxels" in file
                 else file["values"][:])
        return numbers, edges, dict(file["frame"].attrs), file["count"][:], stars
