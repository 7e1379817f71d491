"""From a line in a log to the page: the real engine, the real console, one socket between them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from yeoul.console import ConsoleConfig, serve
from yeoul.events import iso
from yeoul.flows.run import run_engine
from yeoul.settings import load_workspace

S = 1_000_000

WORKSPACE = """
[stream.hits]
source = { kind = "files", path = "logs/*.ndjson" }
event_time = "at"
fields = { cpk = "cpk", title = "title" }
keys = ["cpk", "title"]
window = "1s"
delay = "1s"
aggregates = { plays = "count()" }

[rank.hot]
stream = "hits"
by = ["title"]
within = ["cpk"]
value = "plays"

[lookup.titles]
path = "titles.csv"
key = "title"
name = "name"
"""


def line(at_us: int, cpk: str = "C1", title: str = "M1") -> str:
    return json.dumps({"at": iso(at_us), "cpk": cpk, "title": title}) + "\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "yeoul.toml").write_text(WORKSPACE)
    (tmp_path / "titles.csv").write_text("title,name\nM1,여울\n", encoding="utf-8")
    now_us = time.time_ns() // 1000
    rows = [line(now_us - back * S // 10, f"C{back % 3}", f"M{back % 2 + 1}") for back in range(600, 0, -1)]
    (tmp_path / "logs" / "a.ndjson").write_text("".join(rows) + "this is no row\n")
    return tmp_path


@pytest.fixture
def address(workspace: Path) -> Iterator[str]:
    """The address of a console beside a running engine."""
    stop, ready = threading.Event(), threading.Event()
    said: list[str] = []
    plan = load_workspace(workspace).plan()

    def tell(address: str) -> None:
        said.append(address)
        ready.set()

    config = ConsoleConfig(workspace / ".yeoul", tuple(plan.lookups))
    threads = [
        threading.Thread(target=run_engine, args=(plan, stop)),
        threading.Thread(target=serve, args=(config,), kwargs={"port": 0, "ready": tell, "stop": stop}),
    ]
    for thread in threads:
        thread.start()
    assert ready.wait(20)
    yield said[0]
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        result[name] = _merge(result.get(name), value)
        if value is None:
            del result[name]
    return result


def _follow(socket: ClientConnection, topic: str) -> Iterator[dict[str, Any]]:
    """What a page holds of a topic, after each message."""
    socket.send(json.dumps({"subscribe": [topic]}))
    data: dict[str, Any] = {}
    for _ in range(500):
        message = json.loads(socket.recv(20))
        data = message["data"] if message["kind"] == "snapshot" else _merge(data, message["data"])
        yield data
    pytest.fail(f"it never came; the page holds {str(data)[:500]}")


def test_a_line_that_is_written_is_on_the_page_moments_later(address: str, workspace: Path) -> None:
    with connect(f"ws{address[4:]}/api/live", origin=address) as socket:  # type: ignore[arg-type]
        states = _follow(socket, "now")
        next(state for state in states if state["streams"].get("hits", {}).get("ledger", {}).get("counted") == 600)
        began = time.monotonic()
        with (workspace / "logs" / "a.ndjson").open("a") as file:
            file.write(line(time.time_ns() // 1000, title="M9"))
        state = next(state for state in states if state["streams"]["hits"]["ledger"]["counted"] == 601)
        assert time.monotonic() - began < 3
        hits = state["streams"]["hits"]
        ledger = hits["ledger"]
        assert ledger["read"] == 602
        assert ledger["invalid"] == 1
        state = next(state for state in states if len(state["rankings"].get("hot", ())) >= 2)
        assert state["rankings"]["hot"][0]["key"][0]["field"] == "title"
        assert "여울" in {place["key"][0].get("name") for place in state["rankings"]["hot"]}
        assert state["health"]["status"] == "green"
        assert hits["pulse"]["width_us"] == S


def test_rest_shows_splits_quarantine_and_scopes(address: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        hits = httpx.get(f"{address}/api/pipeline").json()["streams"].get("hits")
        there = hits and hits["quarantine"]["rows"] and {each["status"] for each in hits["splits"].values()}
        # the state is on disk before the console has heard the engine for the first time
        ready = there and there <= {"reading", "caught_up"}
        if ready and httpx.get(f"{address}/api/rankings/hot/scopes").status_code == 200:
            break
        time.sleep(0.1)
    (split,) = hits["splits"].values()
    assert split["status"] in {"reading", "caught_up"}
    assert split["ledger"]["read"] == 601
    assert hits["quarantine"]["samples"][0]["preview"] == "this is no row"
    scopes = httpx.get(f"{address}/api/rankings/hot/scopes").json()["scopes"]
    assert [scope[0]["value"] for scope in scopes] == ["C0", "C1", "C2"]
    ranking = httpx.get(f"{address}/api/rankings/hot", params={"scope": '{"cpk":"C1"}'}).json()
    assert ranking["places"]
    assert 'yeoul_rows_total{class="counted"' in httpx.get(f"{address}/metrics").text


def test_a_console_process_ends_cleanly_while_pages_are_open(workspace: Path) -> None:
    command = [sys.executable, "-m", "yeoul.cli", "console", str(workspace), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["url"]
        with connect(f"ws{address[4:]}/api/live", origin=address) as socket:
            state = next(_follow(socket, "now"))
            assert state["health"]["causes"][0]["code"] == "engine_stopped"
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    finally:
        process.kill()
        _, errors = process.communicate()
    assert "Traceback" not in errors
