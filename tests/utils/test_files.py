# Licensed under a 3-clause BSD style license - see LICENSE.rst
import warnings

import pytest
from astropy.io.registry import IORegistryError

from rcasym.exceptions import BinningError, CatalogError, RcasymError
from rcasym.utils.files import naming, reading, truncation_raises, whole_file


def test_whole_file_is_renamed_when_complete(tmp_path):
    path = tmp_path / "out.txt"
    with whole_file(path) as part:
        part.write_text("new")
        assert not path.exists()
        assert part.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path, overwrite=True) as part:
        part.write_text("half") / 0
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_rejects_existing_files_and_missing_folders(tmp_path):
    (tmp_path / "out.txt").write_text("old")
    with pytest.raises(FileExistsError, match="overwrite=True"), whole_file(tmp_path / "out.txt"):
        pass
    nowhere = tmp_path / "none" / "out.txt"
    with pytest.raises(FileNotFoundError, match="there is no .*none"), whole_file(nowhere):
        pass


@pytest.mark.parametrize(("error", "message"), [
    (OSError("bad\n   header"), "cannot read a map from a.fits: bad header"),
    (IndexError(), "cannot read a map from a.fits: IndexError"),
    (IORegistryError("x" * 500), "cannot read a map from a.fits: it is not a table that astropy "
                                 "recognises"),
    (KeyError("k" * 500), f"cannot read a map from a.fits: '{'k' * 299}")])
def test_reading_names_file_and_reason(error, message):
    with pytest.raises(CatalogError) as caught, reading("a.fits", "a map"):
        raise error
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [
    FileNotFoundError(2, "no such thing"), IsADirectoryError(2, "no"), PermissionError(2, "no")])
def test_reading_keeps_system_errors(error):
    with pytest.raises(type(error)) as caught, reading("a.fits"):
        raise error
    assert caught.value is error


@pytest.mark.parametrize("context", [naming, reading])
def test_own_errors_keep_their_type_and_name_the_file_once(context):
    with pytest.raises(BinningError, match=r"^a\.fits: no edges$"), context("a.fits"):
        raise BinningError("no edges")
    with pytest.raises(RcasymError, match=r"^bad a\.fits$"), context("a.fits"):
        raise RcasymError("bad a.fits")


def test_naming_leaves_other_errors():
    with pytest.raises(KeyError), naming("a.fits"):
        raise KeyError("k")


def test_truncation_raises_and_restores_filters():
    before = list(warnings.filters)
    with pytest.raises(UserWarning, match="may be truncated"), truncation_raises():
        warnings.warn("File may be truncated: actual file length", UserWarning)
    assert list(warnings.filters) == before
