# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Work on other cores."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rcasym import parallel
from rcasym.exceptions import RcasymError
from rcasym.utils.parallel import SecondProcess
from rcasym.utils.validation import check_choice


@pytest.fixture(params=["second", "not wanted", "one core"])
def helper(request, monkeypatch):
    cores = 1 if request.param == "one core" else 2
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: cores)
    with SecondProcess(request.param != "not wanted") as second:
        yield request.param, second


def test_results_and_errors(helper):
    kind, second = helper
    process, number = second.start(os.getpid), second.start(pow, 3, 2, mod=5)
    wrong = second.start(check_choice, "axis", "x", ("R", "Z"))
    assert (process() != os.getpid()) == (kind == "second")
    assert number() == 4
    with pytest.raises(RcasymError, match="axis must be one of 'R', 'Z'; got 'x'"):
        wrong()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_ends_with_the_first(tmp_path):
    path = tmp_path / "pid"
    code = ("import os, pathlib, time\n"
            "from rcasym.utils.parallel import SecondProcess\n"
            "if __name__ == '__main__':\n"
            "    second = SecondProcess(True)\n"
            f"    pathlib.Path({str(path)!r}).write_text(str(second.start(os.getpid)()))\n"
            "    time.sleep(60)\n")
    script = tmp_path / "script.py"
    script.write_text(code)
    with subprocess.Popen([sys.executable, script]) as first:
        deadline = time.monotonic() + 60
        while not (path.exists() and path.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        first.kill()
    second = int(path.read_text())
    while time.monotonic() < deadline:
        try:
            os.kill(second, 0)
        except ProcessLookupError:
            return
        # A process without a parent to wait for it has ended all the same.
        status = Path(f"/proc/{second}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the second process goes on without the first")
