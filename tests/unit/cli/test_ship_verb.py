"""`yeoul ship` at the command line: what it refuses, before anything is sent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.errors import ConfigError, InputError, MissingExtraError
from yeoul.testing.workspaces import plain_workspace

SINK = (
    '[sink.out]\nkind = "kafka"\nsend = "lines"\nbootstrap = "b:9092"\ntopic = "t"\nstream = "hits"\nkey = "customer"\n'
)
runner = CliRunner()


def run(*words: str | Path) -> str:
    return runner.invoke(app, [str(word) for word in words], catch_exceptions=False, standalone_mode=False).output


def test_without_a_workspace_it_needs_files_brokers_and_a_topic(tmp_path: Path):
    with pytest.raises(InputError, match="`--topic` is missing"):
        run("ship", "--path", "*.log", "--bootstrap", "b:9092")
    with pytest.raises(InputError, match="has no sink for lines"):
        run("ship", plain_workspace(tmp_path))
    with pytest.raises(InputError, match="got a workspace and `--topic`"):
        run("ship", tmp_path, "--topic", "t")


def test_a_wrong_option_is_told_by_its_name():
    with pytest.raises(ConfigError, match=r"`--bootstrap`: got `b`; legal: `host:port`"):
        run("ship", "--path", "*.log", "--bootstrap", "b", "--topic", "t")


def test_without_the_client_library_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith(("yeoul.deliver.kafka", "yeoul.kafka_client"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'yeoul\[kafka\]'"):
        run("ship", plain_workspace(tmp_path, extra=SINK))


def test_check_explains_what_would_be_sent(tmp_path: Path):
    said = run("check", plain_workspace(tmp_path, extra=SINK))
    assert "`yeoul ship` sends each line of logs/*.ndjson to the topic t at b:9092" in said
    assert "keyed by customer, at least once, zstd" in said
