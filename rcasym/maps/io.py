# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Maps in FITS and HDF5 files, with the same names in both.

``edges_<axis>`` and the parameters of the frame say what the arrays mean; ``count``, ``mean`` and
so on are for other programs. A map is read from ``count`` and ``values``, or from ``count`` and
``voxels`` if the values of the stars are not kept.
"""

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable

from ..catalog.frames import FRAME_UNITS, frame_from_parameters, frame_parameters
from ..utils.files import reading, truncation_raises, whole_file
from ..utils.validation import check_choice
from ..voxels import VoxelMoments, VoxelState
from .binning import DiskBinning

__all__ = ["read_map", "write_map"]

ARRAYS = ("count", "mean", "median", "std", "mean_error", "radial_mean", "offset", "difference")
# The arrays of VoxelMoments.
MOMENTS = ("total", "squares")
SUFFIXES = {".fits": "fits", ".fit": "fits", ".h5": "hdf5", ".hdf5": "hdf5", ".hdf": "hdf5"}
# FITS keywords have up to eight letters.
NUMBERS = {"MINCOUNT": "smallest number of stars in a filled voxel",
           "NOUTSIDE": "stars outside the grid", "NMASKED": "stars without a needed value"}


def write_map(self, path, *, format=None, overwrite=False):
    """Write the map to a FITS or HDF5 file.

    The file holds all arrays of the map for other programs, and the values of the stars in each
    voxel (with ``medians=False`` the moments), so that ``read`` gives back a complete map.

    Parameters
    ----------
    path : path-like
        The file, which is written completely or not at all.
    format : {"fits", "hdf5"}, optional
        By default from the suffix of ``path``: ``.fits``, or ``.h5`` or ``.hdf5``.
    overwrite : bool, optional
        Whether to replace an existing file; by default False.

    Examples
    --------
    >>> import tempfile
    >>> from astropy.io import fits
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     AsymmetryMap.from_catalog(make_mock_catalog(2000)).write(f"{folder}/map.fits")
    ...     fits.getdata(f"{folder}/map.fits", "OFFSET").shape
    (6, 15, 14)
    """
    writer = {"fits": _write_fits, "hdf5": _write_hdf5}[_find_format(path, format)]
    with whole_file(path, overwrite=overwrite) as part:
        writer(self, part)


def read_map(cls, path, *, format=None):
    """Read a map that ``write`` wrote.

    Parameters
    ----------
    path : path-like
        The file.
    format : {"fits", "hdf5"}, optional
        By default from the suffix of ``path``.

    Returns
    -------
    AsymmetryMap
        The map.

    Raises
    ------
    CatalogError
        If the file is damaged or is not a map.

    Examples
    --------
    >>> import tempfile
    >>> from rcasym import AsymmetryMap, make_mock_catalog
    >>> amap = AsymmetryMap.from_catalog(make_mock_catalog(2000))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     amap.write(f"{folder}/map.fits")
    ...     again = AsymmetryMap.read(f"{folder}/map.fits")
    >>> print((again + amap).n_stars == 2 * amap.n_stars)
    True
    """
    reader = {"fits": _read_fits, "hdf5": _read_hdf5}[_find_format(path, format)]
    with reading(path, "a map"):
        numbers, edges, parameters, counts, values = reader(path)
        binning = DiskBinning(**{"phi": None, **edges}, min_count=numbers["MINCOUNT"])
        n_values = counts.sum() if isinstance(values, dict) else len(values)
        if counts.shape != binning.shape or counts.sum() != n_values:
            raise ValueError(f"{counts.sum()} stars in voxels of shape {counts.shape} do not go "
                             f"with {n_values} values and edges of shape {binning.shape}")
        outside = numbers["NOUTSIDE"], numbers["NMASKED"]
        if isinstance(values, dict):
            state = VoxelMoments(counts.ravel(), values["total"], values["squares"], *outside)
        else:
            state = VoxelState(counts.ravel(), values, *outside)
        return cls(binning, state, frame_from_parameters(parameters))


def _find_format(path, format):
    if format is None:
        suffix = Path(path).suffix.lower()
        format = SUFFIXES.get(suffix, suffix or str(path))
    return check_choice("format (or the suffix of the file)", format, ("fits", "hdf5"))


def _list_arrays(amap):
    """Return the names of the arrays of a map, which has no medians with ``medians=False``."""
    return [name for name in ARRAYS if hasattr(amap, name)]


def _list_numbers(amap):
    return dict(zip(NUMBERS, (amap.binning.min_count, amap.n_outside, amap.n_masked), strict=True))


def _write_fits(amap, path):
    primary = fits.PrimaryHDU()
    primary.header["ORIGIN"] = "rcasym"
    primary.header["CONTENT"] = ("AsymmetryMap", "[M/H] in voxels of the Galactic disk")
    for name, value in _list_numbers(amap).items():
        primary.header[name] = (value, NUMBERS[name])
    hdus = [primary]
    for name in _list_arrays(amap):
        image = fits.ImageHDU(np.asarray(getattr(amap, name)), name=name)
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
        columns = [fits.Column(name, "D", array=getattr(amap.state, name)) for name in MOMENTS]
        hdus.append(fits.BinTableHDU.from_columns(columns, name="voxels"))
    else:
        column = fits.Column("m_h", "D", array=amap.state.values)
        hdus.append(fits.BinTableHDU.from_columns([column], name="values"))
    fits.HDUList(hdus).writeto(path, checksum=True)


def _read_fits(path):
    with truncation_raises(), fits.open(path, memmap=False) as hdus:
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
        values = ({name: hdus["VOXELS"].data[name] for name in MOMENTS} if "VOXELS" in hdus
                  else np.array(hdus["VALUES"].data["m_h"]))
        return numbers, edges, parameters, np.array(hdus["COUNT"].data), values


def _write_hdf5(amap, path):
    import h5py

    with h5py.File(path, "w") as file:
        file.attrs.update({"CONTENT": "AsymmetryMap", **_list_numbers(amap)})
        for name in _list_arrays(amap):
            data = file.create_dataset(name, data=np.asarray(getattr(amap, name)))
            if name != "count":
                data.attrs["unit"] = "dex"
        for axis in amap.binning.axes:
            edges = file.create_dataset(f"edges_{axis.name}", data=axis.edges.value)
            edges.attrs["unit"] = str(axis.edges.unit)
        if isinstance(amap.state, VoxelMoments):
            for name in MOMENTS:
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
        values = ({name: file[f"voxels/{name}"][:] for name in MOMENTS} if "voxels" in file
                  else file["values"][:])
        return numbers, edges, dict(file["frame"].attrs), file["count"][:], values
