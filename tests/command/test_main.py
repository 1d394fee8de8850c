# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The command ``rcasym`` and its subcommand ``run``."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table, vstack
from numpy.testing import assert_array_equal

from rcasym import (
    AgeCalibrator,
    AsymmetryMap,
    AsymmetryProfile,
    RedClumpCatalog,
    make_mock_catalog,
)
from rcasym.command import main
from rcasym.command.run import FILES
from rcasym.exceptions import CatalogWarning

NO_AGES = {name for name in FILES
           if not name.startswith(("figure2", "figure5", "figure6", "figure8", "map_by_age.fits",
                                   "profile_by_age.ecsv", "ages."))}


def check_accounting(folder):
    """Check that all rows read are accounted for, and return the summary."""
    summary = QTable.read(folder / "summary.ecsv")
    for row in summary:
        assert row["read"] == sum(row[name] for name in ("cut", "repeat", "masked", "outside",
                                                         "binned"))
        amap = AsymmetryMap.read(folder / f"{row['map']}.fits")
        assert (amap.n_stars, amap.n_outside, amap.n_masked) == (
            row["binned"], row["outside"], row["masked"])
    return summary


@pytest.fixture
def small_mock(monkeypatch):
    monkeypatch.setattr("rcasym.command.run.make_mock_catalog",
                        lambda **kwargs: make_mock_catalog(9000, **kwargs))


@pytest.fixture
def star_files(tmp_path):
    mock = make_mock_catalog(4000, rng=2)
    paths = []
    for name in ("LAMOST", "APOGEE"):
        paths.append(tmp_path / f"{name}.fits")
        mock[mock["survey"] == name].write(paths[-1])
    return paths


def get_error(arguments, capsys):
    """Return the error message of a run, which must be one line."""
    assert main([str(argument) for argument in arguments]) == 1
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.startswith("rcasym: error: ")]
    assert len(lines) == 1
    assert "Traceback" not in captured.err
    return lines[0]


def test_mock_run(small_mock, tmp_path, capsys):
    assert main(["--output", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)
    summary = check_accounting(tmp_path / "out")
    assert list(summary["map"]) == ["map", "map_by_age"]
    assert summary["read"][0] == 9000
    assert summary["matched"][0] > 0
    out, err = capsys.readouterr()
    assert out.startswith("rcasym 0")
    assert "[1/9] making the mock sample" in err
    assert "Largest offsets" in out
    assert (tmp_path / "out" / "summary.txt").read_text(encoding="utf-8") in out
    check_comparison(tmp_path / "out")
    (zero,) = summary.meta["zero_points"]
    assert (zero["survey"], zero["reference"]) == ("APOGEE", "LAMOST")
    assert zero["stars"] == summary["matched"][0]
    assert abs(zero["difference_dex"]) < 4 * zero["difference_error_dex"]
    assert abs(zero["trend"]) < 4 * zero["trend_error"]
    assert f"[M/H] of APOGEE - LAMOST, {zero['stars']:,} stars in common: median" in out


def check_comparison(folder):
    """Check that the profiles and the test are those of the maps in the files."""
    slices = QTable.read(folder / "asymmetry.ecsv")
    text = (folder / "summary.txt").read_text(encoding="utf-8")
    for name in dict.fromkeys(slices["map"].tolist()):
        amap = AsymmetryMap.read(folder / f"{name}.fits")
        written = AsymmetryProfile.read(folder / f"{name.replace('map', 'profile')}.ecsv")
        for column in ("n_north", "south", "difference_low", "matched_difference"):
            assert_array_equal(np.asarray(written[column]), np.asarray(amap.profile()[column]))
        test = amap.test(n=999, rng=0)
        here = slices[slices["map"] == name]
        for column in ("difference", "difference_error", "p_value", "p_value_corrected"):
            assert_array_equal(np.asarray(here[column]), np.asarray(test.slices[column]))
        assert f"all: {test.difference.value:+.3f} ± {test.difference_error.value:.3f} dex" in text


def run_stars(stars, tmp_path):
    """Run a table of stars; return its summary, and as text."""
    out = tmp_path / "out"
    stars.write(tmp_path / "stars.fits", overwrite=True)
    assert main([str(tmp_path / "stars.fits"), "--output", str(out), "--overwrite"]) == 0
    return check_accounting(out), (out / "summary.txt").read_text(encoding="utf-8")


def test_stars_in_one_hemisphere(no_drawing, tmp_path):
    mock = make_mock_catalog(3000, rng=2)
    with pytest.warns(CatalogWarning, match="North and South cannot be compared"):
        _, text = run_stars(mock[mock.Z > 0], tmp_path)
    assert "all: no stars to compare" in text
    assert np.isnan(QTable.read(tmp_path / "out" / "asymmetry.ecsv")["p_value"]).all()


def test_ages_and_errors_of_zero(no_drawing, tmp_path):
    mock = make_mock_catalog(12_000, rng=2)
    mock["age"][::50] = 0 * u.Gyr
    mock["age_error"][::7] = 0 * u.Gyr
    summary, _ = run_stars(mock, tmp_path)
    assert summary.meta["ages"]["null_p_value"] > 0.05


def test_surveys_without_stars_in_common(no_drawing, tmp_path):
    mock = make_mock_catalog(2000, rng=2)
    north = mock["coord"].dec > 20 * u.deg
    summary, text = run_stars(mock[north == (mock["survey"] == "LAMOST")], tmp_path)
    assert summary["matched"][0] == 0
    assert summary.meta["zero_points"] == []
    assert "0 stars in common" in summary.meta["left_out"][0]
    assert "[M/H] of" not in text


def test_reasons_for_no_age_calibration(no_drawing, tmp_path):
    mock = make_mock_catalog(5000, rng=2)
    lamost, apogee = (mock[mock["survey"] == name] for name in ("LAMOST", "APOGEE"))
    without = mock.copy()
    without.remove_column("age_error")
    for stars, reason in ((vstack([lamost, apogee[:300]]), "stars in common, and 100 are needed"),
                          (lamost, "ages of two surveys can be compared; got 1"),
                          (without, "must be known for the null test")):
        summary, _ = run_stars(stars, tmp_path)
        assert reason in summary.meta["left_out"][0]


def test_age_calibration(no_drawing, tmp_path, capsys):
    mock = make_mock_catalog(12_000, rng=2, age_bias=3 * u.Gyr)
    # LAMOST is the reference in any order.
    mock[np.argsort(mock["survey"])].write(tmp_path / "both.fits")
    out = tmp_path / "out"
    how = [str(tmp_path / "both.fits"), "--output", str(out), "--overwrite"]
    assert main([*how, "--age-method", "errors-in-variables", "--null-tests", "3"]) == 0
    ages = check_accounting(out).meta["ages"]
    assert (ages["reference"], ages["calibrated"]) == ("LAMOST", "APOGEE")
    assert ages["method"] == "errors-in-variables"
    assert ages["null_tests"] == 3
    assert ages["largest_correction_Gyr"] > 1
    assert len(ages["polynomial_legendre"]) == 6
    assert AgeCalibrator.read(out / "ages.ecsv").n_stars == ages["n_pairs"]
    assert "Ages: APOGEE onto the scale of LAMOST" in capsys.readouterr().out
    assert main([*how, "--age-method", "none"]) == 0
    summary = check_accounting(out)
    assert "ages" not in summary.meta
    assert summary.meta["left_out"] == ["figure2, ages.ecsv: --age-method is none"]
    assert not (out / "ages.ecsv").exists()
    assert "--null-tests must be 1 or more" in get_error([*how, "--null-tests", "0"], capsys)


def test_joins_ages_by_apogee_id(no_drawing, tmp_path):
    sky = make_mock_catalog(300, rng=2)["coord"]
    ids = np.array([f"2M{k:08d}" for k in range(300)])
    Table({"APOGEE_ID": ids, "RA": sky.ra.deg, "DEC": sky.dec.deg, "RC_DIST": sky.distance.kpc,
           "M_H": np.full(300, -0.1), "M_H_ERR": np.full(300, 0.02),
           "ALPHA_M": np.full(300, 0.05), "ALPHA_M_ERR": np.full(300, 0.01),
           "SNR": np.full(300, 200.0), "STARFLAG": np.zeros(300, int)}).write(tmp_path / "rc.fits")
    Table({"APOGEE_ID": ids[:200], "spec_age_xgb": np.full(200, 3.0),
           "spec_age_xgb_uncert": np.full(200, 0.3), "spec_age_xgb_flag": [""] * 200}).write(
        tmp_path / "ages.fits")
    out = tmp_path / "out"
    assert main([str(tmp_path / "rc.fits"), "--format", "apogee-rc", "--ages",
                 str(tmp_path / "ages.fits"), "--output", str(out)]) == 0
    summary = check_accounting(out)
    assert list(summary["map"]) == ["map", "map_by_age"]
    # The cuts remove stars without an age.
    assert list(summary["cut"]) == [100, 100]
    assert (summary["binned"] > 100).all()


def test_files_and_formats(no_drawing, star_files, tmp_path):
    out = tmp_path / "out"
    assert main([*map(str, star_files), "--output", str(out), "--quiet"]) == 0
    both = check_accounting(out)
    assert both["read"][0] == 4000
    assert both["matched"][0] > 0
    # The surveys in one file are separated.
    stars = vstack([RedClumpCatalog.read(path) for path in star_files])
    stars.write(tmp_path / "both.fits")
    assert main([str(tmp_path / "both.fits"), "--output", str(out), "--overwrite"]) == 0
    assert check_accounting(out)["matched"][0] == both["matched"][0]


def test_column_names(no_drawing, tmp_path):
    mock = make_mock_catalog(1000)
    Table({"R.A.": mock["coord"].ra.deg, "dec": mock["coord"].dec.deg,
           "distance": mock["coord"].distance.kpc, "FEH": mock["m_h"].value}).write(
        tmp_path / "stars.csv")
    out = tmp_path / "out"
    assert main([str(tmp_path / "stars.csv"), "--column", "m_h=FEH", "--column", "ra=R.A.",
                 "--output", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == NO_AGES
    summary = check_accounting(out)
    assert "the stars have no ages" in summary.meta["left_out"][1]
    assert "left out: figure5" in (out / "summary.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--permutations", "0"], "--permutations must be 1 or more; got 0"),
    (["--seed", "-1"], "--seed must be 0 or more; got -1"),
    (["STARS", "--format", "fits", "--format", "fits"], "once for each of the 1 files; got 2"),
    (["--format", "fits"], "--format must be given"),
    (["STARS", "--column", "m_h"], "NAME=COLUMN; got 'm_h'"),
    (["STARS", "--ages", "STARS"], "--ages must come with"),
    (["none.fits"], "none.fits must be a file")])
def test_rejects_bad_arguments(arguments, message, star_files, tmp_path, capsys):
    arguments = [star_files[0] if text == "STARS" else text for text in arguments]
    assert message in get_error([*arguments, "--output", tmp_path / "out"], capsys)
    assert not (tmp_path / "out").exists()


def test_output_folders(no_drawing, star_files, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for folder, message in ((tmp_path / "file", "must be a folder"),
                            (tmp_path / "file" / "deeper", "cannot be written"),
                            (Path("/proc/rcasym"), "cannot be written")):
        assert message in get_error(["--output", folder], capsys)
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    (out / "map.fits").write_text("old")
    assert "got 1 files, such as map.fits. --overwrite" in get_error(["--output", out], capsys)
    assert (out / "map.fits").read_text() == "old"
    assert main([*map(str, star_files), "--output", str(out), "--overwrite"]) == 0
    assert (out / "notes.txt").read_text() == "mine"
    check_accounting(out)
    # What the earlier run made and this one does not make is removed.
    stars = RedClumpCatalog.read(star_files[0])
    stars.remove_columns(["age", "age_error"])
    run_stars(stars, tmp_path)
    assert {path.name for path in out.iterdir()} == NO_AGES | {"notes.txt"}


@pytest.mark.parametrize(("content", "format"), [
    (b"", "apogee-rc"), (b"\x00\xff garbage", "lamost-rc"), (b"a b\n1 2\n", "lamost-dr3-rgb"),
    (b"SIMPLE  =                    T", "apogee-rc"), (b"ra,dec\n1,2\n", None),
    (b"ra,dec\n1,2\n", "fits"), (b"a,b\n1,2\n", "no-such-format"), (None, "fits")])
def test_rejects_bad_files(content, format, star_files, tmp_path, capsys):
    path = tmp_path / "stars.csv"
    path.write_bytes(star_files[0].read_bytes()[:100_000] if content is None else content)
    how = [] if format is None else ["--format", format]
    line = get_error([path, *how, "--output", tmp_path / "out"], capsys)
    assert "stars.csv" in line or "--format must be one of 'apogee-rc'" in line
    assert not any((tmp_path / "out").glob("*"))


def test_cuts_that_leave_no_stars(tmp_path, capsys):
    mock = make_mock_catalog(200)
    mock["m_h_error"] = np.full(200, 0.5) * mock["m_h_error"].unit
    mock.write(tmp_path / "bad.fits")
    assert "the first that leaves none is 'm_h_error'" in get_error(
        [tmp_path / "bad.fits", "--output", tmp_path / "out"], capsys)


def test_python_m(tmp_path):
    run = subprocess.run([sys.executable, "-m", "rcasym", "--version"], capture_output=True,
                         text=True, check=True)
    assert run.stdout.startswith("rcasym ")
    run = subprocess.run([sys.executable, "-m", "rcasym", "none.fits"], capture_output=True,
                         text=True, check=False, cwd=tmp_path)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1


def test_real_stars(data_file, tmp_path):
    path = data_file("LMDR3_diskRGB2.dat")
    assert main([str(path), "--format", "lamost-dr3-rgb", "--output", str(tmp_path)]) == 0
    summary = check_accounting(tmp_path)
    assert list(summary["read"]) == [21_954]
    check_comparison(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == NO_AGES


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
@pytest.mark.parametrize(("subcommand", "stage"), [
    ("run", "making the mock sample"), ("run", "comparing the surveys"), ("map", " stars in ")])
def test_ctrl_c(subcommand, stage, star_files, tmp_path):
    files = star_files if subcommand == "map" else []
    # So many permutations take much longer than this test.
    with subprocess.Popen([sys.executable, "-m", "rcasym", subcommand, *files, "--permutations",
                           "1000000", "--output", tmp_path / "out"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        for line in process.stderr:
            if stage in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "rcasym: interrupted"
    assert "Traceback" not in err


def test_same_arguments_give_equal_files(no_drawing, tmp_path):
    stars = tmp_path / "stars.fits"
    make_mock_catalog(9000).write(stars)
    arguments = [str(stars), "--permutations", "19", "--null-tests", "2", "--quiet"]
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        assert main([*arguments, "--output", str(folder)]) == 0
    for path in folders[0].iterdir():
        if path.suffix != ".fits":  # FITS files hold the time of writing
            assert path.read_bytes() == (folders[1] / path.name).read_bytes(), path.name


def test_subcommands(no_drawing, star_files, tmp_path, capsys):
    for argv in (["--help"], ["run", "--help"], ["map", "--help"]):
        with pytest.raises(SystemExit) as stopped:
            main(argv)
        assert stopped.value.code == 0
        assert "usage: rcasym" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["map", "--age-method", "none"])
    assert "unrecognized arguments: --age-method" in capsys.readouterr().err
    # A file may have the name of a subcommand.
    (tmp_path / "map").write_bytes(star_files[0].read_bytes())
    assert main(["run", str(tmp_path / "map"), "--format", "fits", "--quiet",
                 "--output", str(tmp_path / "out")]) == 0
    assert check_accounting(tmp_path / "out")["read"][0] > 0


@pytest.mark.parametrize("swallowed", [True, False])
def test_interrupt_in_a_destructor(monkeypatch, capsys, swallowed):
    """Python ignores exceptions in destructors, and others may follow a Ctrl-C in a clean-up."""
    class Interrupted:
        def __del__(self):
            raise KeyboardInterrupt

    def work(arguments):
        if swallowed:
            Interrupted()
            for _ in range(200):
                time.sleep(0.05)
        try:
            raise KeyboardInterrupt
        finally:
            raise AttributeError("the file is closed")

    monkeypatch.setattr("rcasym.command.run._run", work)
    begun = time.perf_counter()
    assert main([]) == 130
    assert time.perf_counter() - begun < 5
    assert capsys.readouterr().err.split() == ["rcasym:", "interrupted"]
