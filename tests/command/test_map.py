# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The subcommand ``rcasym map``."""

import re

import pytest
from numpy.testing import assert_allclose, assert_array_equal

from rcasym import AsymmetryMap, AsymmetryProfile, DiskBinning, make_mock_catalog
from rcasym.command import main


@pytest.fixture(scope="module")
def stars():
    return make_mock_catalog(9000)


@pytest.fixture
def files(stars, tmp_path):
    stars[:4000].write(tmp_path / "a.fits")
    stars[4000:].write(tmp_path / "b.parquet")
    return [str(tmp_path / name) for name in ("a.fits", "b.parquet")]


def run(*args):
    return main(["map", "--quiet", "--permutations", "9", *map(str, args)])


def test_files_and_summary(files, stars, tmp_path, capsys):
    output = tmp_path / "out"
    assert run(*files, "--output", output) == 0
    assert {path.name for path in output.iterdir()} == {
        "map.fits", "profile.ecsv", "figure.png", "figure.pdf", "summary.txt"}
    theirs = AsymmetryMap.from_catalog(stars)
    ours = AsymmetryMap.read(output / "map.fits")
    assert_array_equal(ours.count, theirs.count)
    profile = AsymmetryProfile.read(output / "profile.ecsv")
    assert_array_equal(profile["n_north"], theirs.profile()["n_north"])
    text = capsys.readouterr().out
    assert text.strip() == (output / "summary.txt").read_text().strip()
    assert f"9,000 stars read: 0 without a position, [M/H] or age, {theirs.n_outside}" in text
    assert "p_value_corrected" in text


def test_options(no_drawing, files, stars, tmp_path, capsys):
    assert run(*files, "--by-age", "--workers", 2, "--output", tmp_path / "c") == 0
    ours = AsymmetryMap.read(tmp_path / "c" / "map.fits")
    assert_array_equal(ours.count, AsymmetryMap.from_catalog(stars, DiskBinning.by_age()).count)
    capsys.readouterr()
    assert run(*files, "--permutations", "0", "--column", "m_h=alpha_m",
               "--output", tmp_path / "d") == 0
    text = capsys.readouterr().out
    assert "matched_difference" in text
    assert "p_value" not in text
    values = AsymmetryMap.read(tmp_path / "d" / "map.fits").state.values
    assert set(values) <= set(stars["alpha_m"].value + 0.0)


def test_no_medians(no_drawing, files, stars, tmp_path, capsys):
    assert run(*files, "--no-medians", "--output", tmp_path / "out") == 0
    text = capsys.readouterr().out
    assert "the profile is one of means" in text
    assert "p_value" not in text
    ours = AsymmetryMap.read(tmp_path / "out" / "map.fits")
    assert not hasattr(ours, "median")
    assert_allclose(ours.mean, AsymmetryMap.from_catalog(stars).mean, rtol=0, atol=1e-12)


def test_shows_progress(no_drawing, files, tmp_path, capsys):
    assert main(["map", *files, "--permutations", "9", "--output", str(tmp_path / "out")]) == 0
    assert re.fullmatch(r"9,000 stars in .* s, .* per second\n", capsys.readouterr().err)


@pytest.mark.parametrize(("args", "message"), [
    (["--workers", "0"], "--workers must be 1 or more; got 0"),
    (["--permutations", "-1"], "--permutations must be 0 or more; got -1"),
    (["--column", "FEH"], "--column must be NAME=COLUMN"),
    (["--column", "m_h=FEH"], "must have a column 'FEH'"),
    (["--seed", "-1"], "must be 0 or more"), (["absent.fits"], "there is no file absent.fits")])
def test_rejects_bad_options(no_drawing, files, tmp_path, capsys, args, message):
    assert run(*files, *args, "--output", tmp_path / "out") == 1
    assert message in capsys.readouterr().err


def test_failed_run_can_be_repeated_and_others_need_overwrite(no_drawing, files, tmp_path, capsys):
    assert run(*files, "--column", "m_h=zz", "--output", tmp_path / "out") == 1
    assert run(*files, "--output", tmp_path / "out") == 0
    assert run(*files, "--output", tmp_path / "out") == 1
    assert "--overwrite replaces them" in capsys.readouterr().err
    assert run(*files, "--output", tmp_path / "out", "--overwrite") == 0
