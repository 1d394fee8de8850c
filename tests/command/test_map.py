# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym map``."""

import signal
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from rcasym import AsymmetryMap, AsymmetryProfile, DiskBinning, make_mock_catalog, plotting
from rcasym.command.main import main
from rcasym.maps import batches

# Kills itself without warning after some batches of a thousand stars.
KILLED = """
import os, signal, sys
from rcasym.maps import batches
from rcasym.maps import checkpoint
from rcasym.command.main import main
checkpoint.EVERY = checkpoint.COST = 0
batches.BATCH, done, work = 1000, [], batches.arrays_of
def arrays_of(*args):
    done.append(1)
    if len(done) > {stop}:
        os.kill(os.getpid(), signal.SIGKILL)
    return work(*args)
batches.arrays_of = arrays_of
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def stars():
    return make_mock_catalog(9000)


@pytest.fixture
def files(stars, tmp_path):
    stars[:4000].write(tmp_path / "a.fits")
    stars[4000:].write(tmp_path / "b.parquet")
    return [str(tmp_path / name) for name in ("a.fits", "b.parquet")]


@pytest.fixture
def no_drawing(monkeypatch):
    monkeypatch.setattr(plotting, "save_figure", lambda *args, **kwargs: None)


def run(*args):
    return main(["map", *map(str, args), "--quiet", "--permutations", "9"])


def test_what_it_writes(files, stars, tmp_path, capsys):
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
    assert run(*files, "--by-age", "--workers", 2, "--memory", "2MB", "--output",
               tmp_path / "c") == 0
    ours = AsymmetryMap.read(tmp_path / "c" / "map.fits")
    assert_array_equal(ours.count, AsymmetryMap.from_catalog(stars, DiskBinning.by_age()).count)
    assert run(*files, "--column", "m_h=alpha_m", "--output", tmp_path / "d") == 0
    values = AsymmetryMap.read(tmp_path / "d" / "map.fits").state.values
    assert set(values) <= set(stars["alpha_m"].value + 0.0)


def test_memory(no_drawing, files, tmp_path, capsys):
    assert run(*files * 12, "--memory", "1.6 MB", "--output", tmp_path / "out") == 0
    text = capsys.readouterr().out
    assert "the profile is one of means" in text
    assert "p_value" not in text
    ours = AsymmetryMap.read(tmp_path / "out" / "map.fits")
    assert_array_equal(ours.median, AsymmetryMap.from_batches(files * 12).median)


@pytest.mark.parametrize(("args", "words"), [
    (["--memory", "1 kB"], "bytes or more for these stars and this binning; got 1,000"),
    (["--memory", "lots"], "memory_limit must be an amount"),
    (["--workers", "0"], "workers must be a whole number of 1 or more"),
    (["--column", "FEH"], "--column must be NAME=COLUMN"),
    (["--column", "m_h=FEH"], "must have a column 'FEH'"),
    (["--seed", "-1"], "must be 0 or more"),
])
def test_errors(no_drawing, files, tmp_path, capsys, args, words):
    assert run(*files, "--output", tmp_path / "out", *args) == 1
    assert words in capsys.readouterr().err


def test_missing_file(tmp_path, capsys):
    assert run("absent.fits", "--output", tmp_path / "out") == 1
    assert "there is no file absent.fits" in capsys.readouterr().err


def test_results_are_not_replaced_unasked(no_drawing, files, tmp_path, capsys):
    assert run(*files, "--output", tmp_path / "out") == 0
    assert run(*files, "--output", tmp_path / "out") == 1
    assert "--overwrite replaces them" in capsys.readouterr().err
    assert run(*files, "--output", tmp_path / "out", "--overwrite") == 0


@pytest.mark.parametrize("stage", ["test", "plot"])
def test_resumed_after_the_stars(no_drawing, files, tmp_path, capsys, monkeypatch, stage):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    assert run(*files, "--output", tmp_path / "undisturbed") == 0
    with monkeypatch.context() as patch:
        patch.setattr(AsymmetryMap, stage, interrupted)
        assert run(*files, "--output", tmp_path / "out") == 130
    assert "interrupted; --resume goes on from there" in capsys.readouterr().err
    assert run(files[0], "--output", tmp_path / "out", "--resume") == 1
    assert "--resume must be of the same files" in capsys.readouterr().err
    with monkeypatch.context() as patch:
        # No star is read again.
        patch.setattr(batches, "arrays_of", None)
        assert run(*files, "--output", tmp_path / "out", "--resume") == 0
    names = [{path.name for path in (tmp_path / folder).iterdir()}
             for folder in ("out", "undisturbed")]
    assert names[0] == names[1]
    assert "unfinished.json" not in names[0]
    texts = [(tmp_path / folder / "summary.txt").read_text() for folder in ("out", "undisturbed")]
    assert texts[0] == texts[1]


def test_what_failed_at_once_can_be_tried_again(no_drawing, files, tmp_path):
    assert run(*files, "--column", "m_h=zz", "--output", tmp_path / "out") == 1
    assert run(*files, "--output", tmp_path / "out") == 0


@pytest.mark.parametrize("memory", [
    pytest.param((), marks=pytest.mark.slow, id="all values"),
    pytest.param(("--memory", "1.6 MB"), id="bounded")])
def test_killed_and_resumed(no_drawing, files, tmp_path, capsys, monkeypatch, memory):
    monkeypatch.setattr(batches, "BATCH", 1000)
    files = files * 12
    assert run(*files, *memory, "--output", tmp_path / "undisturbed") == 0
    interrupted = [*files, *memory, "--output", str(tmp_path / "out")]
    for stop in (40, 60):
        code = KILLED.format(stop=stop)
        done = subprocess.run([sys.executable, "-c", code, "map", *interrupted, "--resume"],
                              capture_output=True)
        assert done.returncode == -signal.SIGKILL
    assert run(*interrupted) == 1
    assert "--resume goes on from it" in capsys.readouterr().err
    assert run(*interrupted, "--resume") == 0
    ours, theirs = (AsymmetryMap.read(tmp_path / name / "map.fits")
                    for name in ("out", "undisturbed"))
    for name in ("count", "mean", "median", "std"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    assert not (tmp_path / "out" / "checkpoint.npz").exists()
    assert np.array_equal(ours.state.total, theirs.state.total)
