# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Files that are written whole or not at all, and read whole or not at all."""

import os
import threading
import warnings
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file", "truncation_raises"]

# What is done with warnings is one for all threads.
_filters = threading.RLock()


@contextmanager
def whole_file(path, *, overwrite=False):
    """A path to write to; what was written there becomes ``path`` at the end, if nothing failed.

    Raises
    ------
    FileExistsError
        If ``path`` exists and ``overwrite`` is False.
    """
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


@contextmanager
def truncation_raises():
    """Within it a truncated FITS file raises a UserWarning, of which astropy just warns."""
    with _filters, warnings.catch_warnings():
        warnings.filterwarnings("error", ".*truncated.*", UserWarning)
        yield
