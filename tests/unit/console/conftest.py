"""A console on a free port over a real state file, and an engine that says what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from yeoul.console import ConsoleConfig, serve
from yeoul.flows.live_socket import LiveSocket
from yeoul.store import State, open_state

S = 1_000_000
T0 = 1_772_449_800 * S


@dataclass
class FakeEngine:
    """Serves the engine's socket from a thread; `say` changes what it says from now on."""

    folder: Path
    asked: list[dict[str, Any]] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {"ok": True, "counted": 3}

    def __post_init__(self) -> None:
        self.message: dict[str, Any] = {"at_us": T0, "pid": 7, "started_us": T0, "streams": {}, "ranks": {}}
        self._said = threading.Event()
        self._end = threading.Event()
        self._socket = LiveSocket(self.folder)
        self._said.set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, **members: Any) -> None:
        self.message = {**self.message, **members}
        self._said.set()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(10)

    def _serve(self) -> None:
        told_s = 0.0
        while not self._end.is_set():
            # as the real one: at once when there is news, and four times a second
            if self._said.is_set() or time.monotonic() - told_s > 0.25:
                self._said.clear()
                told_s = time.monotonic()
                self._socket.publish(self.message)
            self._socket.wait(0.005, self._handle)
        self._socket.close()

    def _handle(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        return self.answer(asked)


@dataclass
class Console:
    """A running console."""

    address: str
    http: httpx.Client

    def sign(self) -> dict[str, str]:
        """The header that a write needs."""
        return {"X-CSRF-Token": self.http.get("/api/session").json()["csrf"]}

    def live(self, **headers: str) -> contextlib.AbstractContextManager[ClientConnection]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        more = {**({"Cookie": cookie} if cookie else {}), **headers}
        origin = more.pop("Origin", self.address)
        url = f"{self.address.replace('http', 'ws')}/api/live"
        return connect(url, origin=origin, additional_headers=more, compression=None, max_queue=2)  # type: ignore[arg-type]


class Page:
    """What a page holds: the data of its topics, kept up to date as the contract says."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.data: dict[str, Any] = {}
        self.seq: dict[str, int] = {}
        self.kinds: list[str] = []

    def subscribe(self, *topics: str) -> None:
        self.socket.send(json.dumps({"subscribe": topics}))

    def take(self, timeout: float = 10) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout))
        self.kinds.append(message["kind"])
        topic = message["topic"]
        if message["kind"] == "snapshot":
            self.data[topic] = message["data"]
        elif message["kind"] == "delta":
            assert message["base"] == self.seq[topic], "a delta to a version that the page does not hold"
            self.data[topic] = merge(self.data[topic], message["data"])
        self.seq[topic] = message["seq"]
        return message

    def until(self, holds: Callable[[dict[str, Any]], bool], most: int = 200) -> None:
        """Take messages until this holds of the data."""
        for _ in range(most):
            if self.data and holds(self.data):
                return
            self.take()
        pytest.fail(f"never held; the page has {str(self.data)[:500]}")


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2, as it is written there."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ws" / ".yeoul"


@pytest.fixture
def state(folder: Path) -> Iterator[State]:
    state = open_state(folder)
    with state.transaction() as db:
        db.execute("INSERT INTO stream VALUES ('hits', '{}')")
        db.execute("INSERT INTO ledger VALUES ('hits', 'logs/a.log', 10, 7, 1, 0, 1, 1, 0, 7000)")
        db.execute("INSERT INTO split VALUES ('hits', 'logs/a.log', '{}', '{}', NULL)")
        row = ("hot", "{}", 0, 1, '{"base_mck":"M1"}', 3.0, 5.0, 0.5, "new")
        db.execute("INSERT INTO ranking VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        db.execute("INSERT INTO ranking VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row[0], '{"cpk":"C1"}', *row[2:]))
    yield state
    state.close()


@pytest.fixture
def engine(state: State) -> Iterator[FakeEngine]:
    engine = FakeEngine(state.folder)
    yield engine
    engine.stop()


@pytest.fixture
def add_incident(state: State) -> Callable[..., None]:
    def add(id_: str, score: float = 0.8) -> None:
        keys, parts = '[{"cpk":"C1"}]', "[]"
        row = (id_, "customers", keys, '["seasonal"]', T0, T0, None, score, 0.9, "up", 90.0, 10.0, parts, 1, "[]")
        with state.transaction() as db:
            db.execute(f"INSERT OR REPLACE INTO incident VALUES ({', '.join('?' * len(row))})", row)

    return add


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., Console]]:
    """Starts consoles with these settings; all end with the test."""
    running: list[tuple[threading.Event, threading.Thread, httpx.Client]] = []

    def start_one(**members: Any) -> Console:
        ready: list[str] = []
        up, stop = threading.Event(), threading.Event()

        def tell(address: str) -> None:
            ready.append(address)
            up.set()

        config = ConsoleConfig(folder, **{"static": folder.parent / "static", **members})
        thread = threading.Thread(target=serve, args=(config,), kwargs={"port": 0, "ready": tell, "stop": stop})
        thread.start()
        assert up.wait(20)
        http = httpx.Client(base_url=ready[0], timeout=20)
        running.append((stop, thread, http))
        return Console(ready[0], http)

    yield start_one
    for stop, thread, http in running:
        http.close()
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def console(start: Callable[..., Console]) -> Console:
    return start()


@pytest.fixture
def open_page() -> Iterator[Callable[..., Page]]:
    """Opens the live feed of a console on some topics."""
    with contextlib.ExitStack() as stack:

        def open_one(console: Console, *topics: str, **headers: str) -> Page:
            page = Page(stack.enter_context(console.live(**headers)))
            page.subscribe(*topics)
            return page

        yield open_one
