# Licensed under a 3-clause BSD style license - see LICENSE.rst
import io
from types import SimpleNamespace

import pytest

from rcasym.utils.progress import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def replace_stderr(monkeypatch, stream):
    # pytest replaces sys.stderr itself.
    monkeypatch.setattr("rcasym.utils.progress.sys", SimpleNamespace(stderr=stream))
    return stream


@pytest.fixture
def terminal(monkeypatch):
    return replace_stderr(monkeypatch, Terminal())


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_shows_nothing_without_a_terminal(monkeypatch, stream):
    replace_stderr(monkeypatch, stream)
    assert list(progress(range(3), "working")) == [0, 1, 2]
    assert not stream or stream.getvalue() == ""


def test_show_argument(terminal):
    assert list(progress(range(3), "working", show=False)) == [0, 1, 2]
    assert terminal.getvalue() == ""


def test_bar(terminal):
    for items, total in ([5, 6, 7], None), (iter([5, 6, 7]), 3):
        assert list(progress(items, "working", total=total)) == [5, 6, 7]
        shown = terminal.getvalue()
        assert shown.startswith("working\n")
        assert "100.00%" in shown
        terminal.truncate(0)
        terminal.seek(0)


def test_counter_without_a_total(terminal):
    assert list(progress(iter("abc"), "reading")) == ["a", "b", "c"]
    assert terminal.getvalue() == "\rreading: 1\rreading: 2\rreading: 3\n"
