"""`yeoul doctor`: each thing that can be wrong is told with what to do about it, and nothing is changed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.demo import write_sample
from yeoul.flows.doctor import machine_checks, spark_checks, workspace_checks
from yeoul.flows.live_socket import request
from yeoul.flows.run import run_engine
from yeoul.settings import load_workspace
from yeoul.store import open_state
from yeoul.store.schema import STEPS
from yeoul.testing.workspaces import demo_workspace

runner = CliRunner()
CONSOLE = "\n[console]\nport = {port}\n"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace in which all is well."""
    folder = demo_workspace(tmp_path, extra=CONSOLE.format(port=free_port()))
    write_sample(folder / "logs/a.ndjson", 300, span_s=60)
    (folder / "titles.csv").write_text("base_mck,title\nM1,One\n")
    (folder / "customers.csv").write_text("cpk,name\nC1,Kim\n")
    return folder


def checks(folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """Status, finding and advice by area."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    workspace = load_workspace(folder)
    for one in workspace_checks(workspace.plan(), workspace.console.host, workspace.console.port):
        found.setdefault(one.area, []).append((one.status, one.found, one.advice))
    return found


def worst(found: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    return max(found, key=lambda one: ("ok", "warn", "fail").index(one[0]))


def ask(*words: str | Path) -> tuple[int, Any]:
    result = runner.invoke(app, ["doctor", *map(str, words), "--json"], catch_exceptions=False)
    return result.exit_code, json.loads(result.output)


@contextlib.contextmanager
def as_somebody_without_rights() -> Iterator[None]:
    """Root may read everything; for a while be nobody."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_healthy_workspace_has_no_failure_and_is_not_changed(folder: Path):
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    code, answer = ask(folder)
    assert (code, answer["ok"]) == (0, True)
    assert not [check for check in answer["checks"] if check["status"] == "fail"]
    areas = {check["area"] for check in answer["checks"]}
    assert areas >= {"python", "sqlite", "libraries", "clock", "limits", "disk", "state", "stream hits", "console"}
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before


def test_each_line_for_people_begins_with_its_verdict(folder: Path):
    (folder / "titles.csv").unlink()
    result = runner.invoke(app, ["doctor", str(folder)], catch_exceptions=False)
    lines = result.output.splitlines()
    assert {line[:6] for line in lines[:-1]} <= {"ok    ", "warn  ", "fail  ", "      "}
    assert "warn  lookup titles: " in result.output
    assert "checks: 0 failed" in lines[-1]


def test_without_a_workspace_the_machine_alone_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    code, answer = ask()
    assert code == 0
    assert "stream hits" not in {check["area"] for check in answer["checks"]}


def test_the_current_folder_is_taken_when_it_is_a_workspace(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    assert "stream hits" in {check["area"] for check in ask()[1]["checks"]}


def test_all_mistakes_of_the_workspace_are_told(folder: Path):
    text = (folder / "yeoul.toml").read_text()
    (folder / "yeoul.toml").write_text(
        text.replace('window      = "10s"', 'window = "ten"').replace("top       = 10", "top = 0")
    )
    code, answer = ask(folder)
    failed = [check["found"] for check in answer["checks"] if check["status"] == "fail"]
    assert code == 1
    assert len(failed) == 2
    assert ask(folder / "nowhere")[0] == 1


def test_a_missing_extra_fails_only_where_it_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.metadata.requires", lambda _: ['no-such-client>=2; extra == "kafka"', "numpy>=999"])
    plain = {check.found: check for check in machine_checks() if check.area == "libraries"}
    needed = [check for check in machine_checks(frozenset({"kafka"})) if check.found.startswith("no-such-client")]
    assert [check.status for found, check in plain.items() if found.startswith("no-such-client")] == ["ok"]
    assert [check.status for found, check in plain.items() if found.startswith("numpy")] == ["fail"]
    assert [(check.status, check.advice) for check in needed] == [("fail", "pip install 'yeoul[kafka]'")]


def test_few_open_files_are_told_with_the_command_that_allows_more(monkeypatch: pytest.MonkeyPatch):
    for limit, status in ((100, "fail"), (512, "warn"), (4096, "ok")):
        monkeypatch.setattr("resource.getrlimit", lambda _, limit=limit: (limit, 4096))
        check = next(check for check in machine_checks() if check.area == "limits")
        assert check.status == status
        assert ("ulimit -n" in check.advice) == (status != "ok")


def test_a_clock_before_this_release_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000 * 86_400)
    check = next(check for check in machine_checks() if check.area == "clock")
    assert (check.status, check.found) == ("fail", "the clock says 1970-01-02T00:00:00Z")


def test_a_glob_that_matches_nothing_is_a_warning_and_a_missing_folder_a_failure(folder: Path):
    (folder / "logs/a.ndjson").unlink()
    assert worst(checks(folder)["stream hits"])[:2] == ("warn", "`logs/*.ndjson` matches no file")
    (folder / "logs").rmdir()
    status, found, _ = worst(checks(folder)["stream hits"])
    assert status == "fail"
    assert "the folder of `logs/*.ndjson` is not there" in found


def test_a_file_that_may_not_be_read_is_a_failure(folder: Path):
    for place in (folder, *list(folder.parents)[:3]):
        with contextlib.suppress(PermissionError):
            place.chmod(0o755)
    (folder / "logs/a.ndjson").chmod(0)
    with as_somebody_without_rights():
        status, found, advice = worst(checks(folder)["stream hits"])
    assert (status, found) == ("fail", "logs/a.ndjson: Permission denied")
    assert "chmod" in advice


def test_lines_that_are_no_rows_are_told_with_the_first_reason(folder: Path):
    (folder / "logs/a.ndjson").write_text("plain text\n" * 50)
    status, found, advice = worst(checks(folder)["stream hits"])
    assert status == "fail"
    assert "50 of the first 50 lines" in found
    assert "the line is not JSON" in found
    assert "yeoul init" in advice


def test_logs_that_fell_silent_are_a_warning(folder: Path):
    os.utime(folder / "logs/a.ndjson", (time.time() - 7200, time.time() - 7200))
    assert worst(checks(folder)["stream hits"])[:2] == ("warn", "nothing was written for 2h")


@pytest.mark.parametrize(
    ("text", "status", "says"),
    [
        (None, "warn", "is not there"),
        ("base_mck,name\nM1,One\n", "fail", "has no column `title`"),
        ("", "fail", "has no column `base_mck` and no `title`"),
        ("\ufeffbase_mck,title\nM1,One\nM2,Two\n", "ok", "2 names of base_mck"),
    ],
)
def test_a_lookup_is_there_with_its_columns(folder: Path, text: str | None, status: str, says: str):
    path = folder / "titles.csv"
    path.unlink()
    if text is not None:
        path.write_text(text, encoding="utf-8")
    found = worst(checks(folder)["lookup titles"])
    assert found[0] == status
    assert says in found[1]


def test_a_notifier_is_only_connected_to(folder: Path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with (folder / "yeoul.toml").open("a") as file:
            file.write(f'\n[notify.ops]\nkind = "webhook"\nurl = "http://127.0.0.1:{port}/secret"\n')
        assert checks(folder)["notify ops"] == [("ok", f"127.0.0.1:{port} answers (nothing was sent)", "")]
        connection, _ = server.accept()
        with connection:
            assert connection.recv(100) == b""
    status, found, _ = worst(checks(folder)["notify ops"])
    assert status == "warn"
    assert "cannot be reached" in found
    assert "secret" not in found


def test_a_taken_port_is_a_failure_unless_this_workspace_runs(folder: Path):
    port = load_workspace(folder).console.port
    with socket.create_server(("127.0.0.1", port)):
        status, _, advice = worst(checks(folder)["console"])
    assert status == "fail"
    assert "yeoul run --port 0" in advice
    assert checks(folder)["console"][0][0] == "ok"


def test_a_running_engine_is_recognised_and_its_state_looked_at(folder: Path):
    assert worst(checks(folder)["state"])[1] == "no engine is running"
    stop = threading.Event()
    thread = threading.Thread(target=run_engine, args=(load_workspace(folder).plan(), stop))
    thread.start()
    try:
        until = time.monotonic() + 30
        while request(folder / ".yeoul", "ping", {}) is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        found = checks(folder)["state"]
    finally:
        stop.set()
        thread.join()
    assert {status for status, _, _ in found} == {"ok"}
    assert found[0][1] == "an engine is running and answers"
    assert any(text.startswith(f"schema {len(STEPS)}, ") for _, text, _ in found)


def test_an_engine_that_holds_the_state_and_does_not_answer_is_a_failure(folder: Path):
    state = open_state(folder / ".yeoul")
    try:
        status, found, advice = worst(checks(folder)["state"])
    finally:
        state.close()
    assert (status, found) == ("fail", f"process {os.getpid()} holds the state and does not answer")
    assert f"kill {os.getpid()}" in advice


def test_a_state_of_a_newer_release_and_a_damaged_one_are_failures(folder: Path):
    state = open_state(folder / ".yeoul")
    state.db.execute("PRAGMA user_version = 99")
    state.close()
    path = folder / ".yeoul/state.db"
    assert worst(checks(folder)["state"])[1].startswith("the state is of schema 99")
    path.write_bytes(b"not a database at all" * 500)
    status, found, advice = worst(checks(folder)["state"])
    assert status == "fail"
    assert "damaged" in found
    assert "says which bytes of the logs" in advice


def test_a_full_disk_is_a_failure(folder: Path, monkeypatch: pytest.MonkeyPatch):
    real = os.statvfs(folder)
    for free, status in ((10_000_000, "fail"), (500_000_000, "warn"), (5_000_000_000, "ok")):
        facts = os.statvfs_result((1, 1, 10**10, free, free, *real[5:]))
        monkeypatch.setattr(os, "statvfs", lambda _, facts=facts: facts)
        assert worst(checks(folder)["disk"])[0] == status


def spark(topics: bool = False) -> list[tuple[str, str, str]]:
    return [(one.status, one.found, one.advice) for one in spark_checks(topics=topics)]


def java(folder: Path, version: str) -> None:
    """A program of that name that says this of itself, as no test machine has old ones."""
    program = folder / "java"
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2020-01-01' >&2\n")
    program.chmod(0o755)


def test_what_spark_needs_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    [(status, found, advice), (connector, jars, fetch)] = spark(topics=True)
    assert (status, found) == ("warn", "no `java` on the PATH")
    assert advice.startswith("only `yeoul submit` needs it: apt-get install default-jre-headless")
    assert connector == "warn"
    assert str(tmp_path / "cache") in jars
    assert "apt-get install maven" in fetch
    java(tmp_path, "11.0.2")
    assert spark() == [
        (
            "warn",
            f"`{tmp_path}/java` is Java 11",
            "only `yeoul submit` needs it: install Java 17 or newer, and set JAVA_HOME",
        )
    ]
    java(tmp_path, "1.8.0_392")
    assert spark()[0][1] == f"`{tmp_path}/java` is Java 8"
    java(tmp_path, "21.0.1")
    assert spark() == [("ok", f"`{tmp_path}/java` is Java 21", "")]
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    assert spark()[0][1] == f"no `java` in `JAVA_HOME` ({tmp_path}/none)"


def test_a_sink_whose_broker_is_away_fails(folder: Path):
    port = free_port()
    toml = folder / "yeoul.toml"
    sink = f'\n[sink.out]\nkind = "kafka"\nbootstrap = "127.0.0.1:{port}"\ntopics = {{ windows = "w" }}\n'
    toml.write_text(toml.read_text() + sink)
    found = f"127.0.0.1:{port} cannot be reached (Connection refused)"
    assert checks(folder)["sink out"] == [("fail", found, "start the broker or correct `bootstrap`")]
