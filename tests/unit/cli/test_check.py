"""`yeoul check`, and what `replay` and `run` refuse: what is there is said as it is, before anything starts."""

from __future__ import annotations

import contextlib
import json
import lzma
import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.demo import write_sample
from yeoul.errors import MissingExtraError, SourceError
from yeoul.testing.workspaces import demo_workspace

runner = CliRunner()
KAFKA = {'kind = "files", path = "logs/*.ndjson"': 'kind = "kafka", bootstrap = "127.0.0.1:1", topic = "plays"'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sample(tmp_path / "logs/a.ndjson", 200, span_s=20)
    (tmp_path / "titles.csv").write_text("base_mck,title\n")
    (tmp_path / "customers.csv").write_text("cpk,name\n")
    return demo_workspace(tmp_path)


def run(*words: str | Path) -> str:
    return runner.invoke(app, [str(word) for word in words], catch_exceptions=False).output


@contextlib.contextmanager
def unreadable(file: Path) -> Iterator[None]:
    """Somebody without rights looks at a file that only its owner may read."""
    for place in takewhile(lambda place: place != Path(tempfile.gettempdir()), file.parents):
        place.chmod(0o755)
    file.chmod(0)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_all_is_well_is_said_only_where_it_is(folder: Path):
    output = run("check", folder)
    assert "1 file now" in output
    assert "budget 1 false alarm a day" in output
    assert "begins with the oldest row that is there" in output
    assert "all is well" in output


def test_a_file_that_may_not_be_read_is_noted(folder: Path):
    with unreadable(folder / "logs/a.ndjson"):
        output = run("check", folder)
    assert "`logs/a.ndjson` cannot be read (Permission denied)" in output
    assert "all is well" not in output
    assert "nothing matches" not in output


def test_replay_refuses_to_leave_out_what_it_may_not_read(folder: Path, tmp_path: Path):
    with unreadable(folder / "logs/a.ndjson"), pytest.raises(SourceError, match="chmod"):
        run("replay", folder, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_replay_says_what_to_do_about_a_file_that_is_compressed_in_another_way(folder: Path, tmp_path: Path):
    (folder / "logs/a.ndjson.1.xz").write_bytes(lzma.compress(b"older"))
    with pytest.raises(SourceError, match=r"compressed as xz, which cannot be read\); unpack it"):
        run("replay", folder, "--out", tmp_path / "out")


def test_replay_of_nothing_says_that_nothing_matches(folder: Path, tmp_path: Path):
    (folder / "logs/a.ndjson").unlink()
    assert "`logs/*.ndjson` matches no file" in run("replay", folder, "--out", tmp_path / "out")


@pytest.mark.slow  # a broker is given five seconds
def test_a_topic_whose_broker_is_away_is_explained_and_noted(tmp_path: Path):
    output = run("check", demo_workspace(tmp_path, changes=KAFKA))
    assert "reads the topic plays at 127.0.0.1:1 as json" in output
    assert "no Kafka broker answers at `127.0.0.1:1`" in output
    assert "all is well" not in output


@pytest.mark.slow
def test_replay_refuses_a_topic_whose_broker_is_away(tmp_path: Path):
    with pytest.raises(SourceError, match="no Kafka broker answers"):
        run("replay", demo_workspace(tmp_path, changes=KAFKA), "--out", tmp_path / "out")


def test_a_topic_without_the_client_library_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith(("yeoul.ingest.kafka", "yeoul.kafka_client"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'yeoul\[kafka\]'"):
        run("replay", demo_workspace(tmp_path, changes=KAFKA), "--out", tmp_path / "out")


def test_mistakes_are_told_to_machines_too(tmp_path: Path):
    result = runner.invoke(app, ["check", "--json", str(demo_workspace(tmp_path, changes={"top ": "tpo "}))])
    assert result.exit_code == 2
    answer = json.loads(result.stdout)
    assert answer["ok"] is False
    assert "did you mean `top`?" in answer["mistakes"][0]
