# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are written completely or not at all, and errors that name the file."""

import os
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path

from astropy.io.registry import IORegistryError

from ..exceptions import CatalogError, RcasymError

__all__ = ["naming", "reading", "truncation_raises", "whole_file", "write_ecsv", "write_text"]

# Warning filters are shared by all threads.
_filters = threading.RLock()


@contextmanager
def whole_file(path, *, overwrite=False):
    """Context manager that gives a path to write to, and renames it to ``path`` on success."""
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"file {path} exists; overwrite=True replaces it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"file {path} must be in an existing folder; there is no "
                                f"{path.parent}")
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_ecsv(table, path, *, overwrite=False):
    """Write a table to an ECSV file."""
    with whole_file(path, overwrite=overwrite) as part:
        table.write(part, format="ascii.ecsv")


def write_text(text, path, *, overwrite=False):
    """Write text to a file."""
    with whole_file(path, overwrite=overwrite) as part:
        part.write_text(text, encoding="utf-8")


@contextmanager
def truncation_raises():
    """Context manager that turns astropy's warning about a truncated FITS file into an error."""
    with _filters, warnings.catch_warnings():
        warnings.filterwarnings("error", ".*truncated.*", UserWarning)
        yield


@contextmanager
def naming(label):
    """Context manager that adds the name of a file or a batch to errors."""
    try:
        yield
    except RcasymError as error:
        if str(label) in str(error):
            raise
        raise type(error)(f"{label}: {error}") from error


@contextmanager
def reading(path, what="stars"):
    """Context manager that turns whatever a reader raises into an error that names the file."""
    try:
        with naming(path):
            yield
    except (RcasymError, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:
        # Readers raise many exception types on corrupt files.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        if isinstance(error, IORegistryError):
            reason = "it is not a table that astropy recognises"
        raise CatalogError(f"cannot read {what} from {path}: {reason}") from error
