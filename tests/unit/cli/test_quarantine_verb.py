"""`yeoul quarantine`: what is named and is not there is told, and nothing is made by looking."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.errors import InputError, StateError
from yeoul.flows.run import run_engine
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import demo_workspace

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose engine has run."""
    folder = demo_workspace(tmp_path)
    (folder / "logs/a.ndjson").write_text("no row\n")
    stop = threading.Event()
    threading.Timer(1.5, stop.set).start()
    run_engine(load_workspace(folder).plan(), stop)
    return folder


def quarantine(*words: str | Path) -> str:
    return runner.invoke(app, ["quarantine", *map(str, words)], catch_exceptions=False).output


def test_it_lists_what_was_set_aside(folder: Path):
    output = quarantine("list", folder)
    assert "hits: 1 line, 6 B" in output
    assert "logs/a.ndjson:0" in output
    assert "no row" in quarantine("show", folder, "1")


def test_a_stream_a_kind_and_a_number_that_are_none_are_told(folder: Path):
    with pytest.raises(InputError, match="got --kind `invalidd`; legal: `invalid`, `future`; did you mean `invalid`"):
        quarantine("list", folder, "--kind", "invalidd")
    with pytest.raises(InputError, match="got --stream `hitz`; legal: `hits`; did you mean `hits`"):
        quarantine("list", folder, "--stream", "hitz")
    with pytest.raises(InputError, match="`77`, which is not there"):
        quarantine("redrive", folder, "77")
    assert quarantine("redrive", folder, "1").startswith("tried 1: 0 counted, 1 still no row")


def test_before_the_first_run_there_is_nothing_to_redrive_and_nothing_is_made(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    with pytest.raises(StateError, match="`yeoul run` makes it"):
        quarantine("redrive", folder)
    assert not (folder / ".yeoul").exists()
