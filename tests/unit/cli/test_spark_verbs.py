"""`yeoul compile` prints what Spark would run; `yeoul submit` refuses what cannot run before anything starts."""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from yeoul.cli import submit
from yeoul.cli.app import app
from yeoul.errors import (
    ConfigError,
    InputError,
    MissingExtraError,
    MissingProgramError,
    SourceError,
    StateError,
    UnreachableError,
    YeoulError,
)
from yeoul.flows.spark import running
from yeoul.flows.spark.jobs import spark_plan
from yeoul.settings import load_workspace
from yeoul.streams.spark import JobOptions
from yeoul.streams.spark.checkpoint import check_checkpoint, note_declaration
from yeoul.testing.workspaces import plain_line, plain_workspace

KAFKA = {"source": '{ kind = "kafka", bootstrap = "127.0.0.1:1", topic = "hits" }'}
RANK = '[rank.hot]\nstream = "hits"\nby = ["title"]\nvalue = "plays"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    plain_workspace(tmp_path, stream=KAFKA | {"event_id": '"id"'}, extra=RANK)
    return tmp_path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    plain_workspace(tmp_path)
    (tmp_path / "logs/a.ndjson").write_bytes(plain_line(0))
    return tmp_path


def run(*words: str | Path) -> str:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False).output


def refused(kind: type[YeoulError], *words: str | Path) -> str:
    with pytest.raises(kind) as error:
        run(*words)
    return str(error.value)


def test_the_plan_says_what_is_read_computed_and_written(folder: Path):
    said = run("compile", folder)
    assert "stream `hits` on Spark\n  reads the topic hits at 127.0.0.1:1 from its earliest row" in said
    assert "  member   `#1` = `#json`.`customer`\n" in said
    assert "  watermark 3 seconds behind the newest row\n" in said
    assert "  repeats  of `id` are dropped" in said
    assert "  window   4 seconds for each customer and title\n" in said
    assert "  value    plays = count(1)\n" in said
    assert "note: [rank.hot] has no counterpart on this engine\n" in said


def test_the_plan_for_machines_has_the_same_expressions(folder: Path):
    plan = json.loads(run("compile", folder, "--json"))
    (stream,) = plan["streams"].values()
    assert plan["left_out"] == ["[rank.hot]"]
    assert stream["window"] == {"size": "4 seconds", "slide": "4 seconds"}
    for expression in (stream["json"], *stream["columns"].values(), stream["class"]):
        assert expression in run("compile", folder)


def test_files_are_said_to_be_read_once(files: Path):
    assert "reads logs/*.ndjson once, to the end" in run("compile", files)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--engine", "flink"), "got --engine flink; legal: `spark`"),
        (("--mode", "complete"), "got --mode complete; legal: `append`, `update`"),
        (("--mode", "update", "--out", "some/folder"), "got --mode update and the folder some/folder"),
        (("--conf", "memory=1g"), "got --conf memory=1g; legal: `spark.NAME=VALUE`"),
        (("--conf", "spark.sql.session.timeZone=Asia/Seoul"), "which results depend on"),
        (("--master", "host:7077"), "got --master host:7077; legal: `local[*]`"),
    ],
)
def test_words_that_cannot_be_meant_are_refused(words: tuple[str, ...], told: str, folder: Path):
    assert told in refused(InputError, "submit", folder, "--out", "windows", *words)


def test_a_stream_that_is_not_there_is_named_with_those_that_are(folder: Path):
    told = refused(ConfigError, "submit", folder, "--out", "windows", "--stream", "hit")
    assert told == "got --stream hit; legal: `hits`; did you mean `hits`?"


def test_totals_so_far_are_not_for_files(files: Path):
    assert "got --mode update for files" in refused(InputError, "submit", files, "--out", "x", "--mode", "update")


def test_a_glob_without_files_is_told_before_spark_starts(tmp_path: Path):
    plain_workspace(tmp_path)
    assert "matches no file" in refused(SourceError, "submit", tmp_path, "--out", "x")


@pytest.mark.parametrize("out", ["file:///tmp/results", "s3a://bucket/results"])
def test_an_address_is_no_folder_for_files_that_are_read_once(out: str, files: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(files)
    told = refused(InputError, "submit", files, "--out", out)
    assert told.startswith(f"got --out {out}, an address; legal for files that are read once: a folder of this machine")
    assert sorted(each.name for each in files.iterdir()) == ["logs", "yeoul.toml"]


@pytest.mark.parametrize(
    ("name", "data"), [("_a.log", b"{}\n"), ("a.log.gz", b"{}\n"), ("b.log", gzip.compress(b"{}\n", mtime=0))]
)
def test_a_file_that_spark_would_pass_over_or_misread_is_refused(name: str, data: bytes, tmp_path: Path):
    plain_workspace(tmp_path, stream={"source": '{ kind = "files", path = "logs/*.log*" }'})
    (tmp_path / "logs" / name).write_bytes(data)
    assert f"got `logs/{name}`" in refused(SourceError, "submit", tmp_path, "--out", "x")


def test_without_pyspark_the_line_that_installs_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec

    def find(name: str, *rest: Any) -> Any:
        return None if name == "pyspark" else real(name, *rest)

    monkeypatch.setattr(importlib.util, "find_spec", find)
    assert "pip install 'yeoul[spark]'" in refused(MissingExtraError, "submit", folder, "--out", "windows")


def test_without_java_its_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    told = refused(MissingProgramError, "submit", folder, "--out", "windows")
    assert "apt-get install default-jre-headless" in told


def test_a_broker_that_does_not_answer_is_told_before_spark_starts(folder: Path):
    told = refused(UnreachableError, "submit", folder, "--out", "windows")
    assert told == "no broker answers at 127.0.0.1:1; start it, or mend `source.bootstrap`"


def test_local_times_that_occur_twice_are_told_of_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    time = '{ path = "at", format = "%Y-%m-%d %H:%M:%S", timezone = "America/New_York" }'
    plain_workspace(tmp_path, stream={"event_time": time})
    (tmp_path / "logs/a.ndjson").write_bytes(b"{}\n")
    monkeypatch.setattr(submit, "require_spark", lambda: None)
    monkeypatch.setattr(submit, "read_files", lambda *_: {})
    for words in (("compile", tmp_path), ("submit", tmp_path, "--out", tmp_path / "out")):
        assert "local times that occur twice in America/New_York (the hour after summer time ends)" in run(*words)


def test_a_checkpoint_of_another_declaration_is_told_before_spark_starts(folder: Path):
    offsets = folder / ".yeoul/spark/hits/offsets"
    offsets.mkdir(parents=True)
    # nothing was begun: whatever was noted does not matter
    (offsets.parent / "yeoul.json").write_text('{"size": "8 seconds"}')
    refused(UnreachableError, "submit", folder, "--out", "windows")
    (offsets / "0").write_text("v1")
    told = refused(StateError, "submit", folder, "--out", "windows")
    assert told.startswith("stream `hits` was changed (`--mode`, `aggregates`,")
    assert "`window`), but the open windows in the checkpoint" in told
    (offsets.parent / "yeoul.json").unlink()
    assert "is of another job; take another --checkpoint" in refused(StateError, "submit", folder, "--out", "windows")


def test_a_checkpoint_goes_with_the_declaration_however_its_expressions_are_worded(folder: Path):
    (plan,) = [spark_plan(each) for each in load_workspace(folder).plan().streams]
    checkpoint = folder / ".yeoul/spark/hits"
    options = JobOptions(str(checkpoint), "windows", None, "yeoul.windows/1")
    note_declaration(plan, options)
    (checkpoint / "offsets").mkdir(parents=True)
    (checkpoint / "offsets/0").write_text("v1")
    other = tuple(replace(one, value=f"({one.value})") for one in plan.columns)
    check_checkpoint(replace(plan, columns=other, json="another", kept="another"), options)
    with pytest.raises(StateError, match=r"was changed \(`delay`\)"):
        check_checkpoint(replace(plan, declaration=dict(plan.declaration) | {"delay": 1}), options)


def test_a_connector_that_cannot_be_fetched_says_so(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/mvn").write_text("#!/bin/sh\necho no such host\nexit 1\n")
    (tmp_path / "bin/mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin:/usr/bin")
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setattr(running, "require_answer", lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told = refused(SourceError, "submit", folder, "--out", "windows")
    assert told.startswith("Maven could not fetch the Java libraries")
    assert f"or copy `{tmp_path}/cache/yeoul/jars/connector-" in told
    assert told.endswith("It said: no such host")
