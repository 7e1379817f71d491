"""The webhook against a real server on loopback that answers, refuses, fails, dawdles, goes away and comes back."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from yeoul.deliver import NOTIFIERS, Outbox, Webhook
from yeoul.errors import InputError, TransientError
from yeoul.plugins import load
from yeoul.store import scratch_state

BODY = {"id": "i1", "change": "opened", "block": "customers", "keys": [{"cpk": "C7"}], "observed": 9.0, "expected": 3.0}


class _Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.pause_s = 0.0
        super().__init__(("127.0.0.1", port), _Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path: str = "/alarm") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.pause_s)
        self.server.heard.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.status in {301, 302, 307}:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[_Receiver]:
    server = _Receiver()
    yield server
    server.stop()


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_an_answer_of_success_means_heard(receiver: _Receiver, status: int):
    receiver.status = status
    hook = Webhook(receiver.url("/a?b=c"), 2, (("Authorization", "Bearer t"),))
    hook.send(BODY, idempotency_key="k1")
    hook.close()
    ((path, headers, body),) = receiver.heard
    assert path == "/a?b=c"
    assert (headers["Content-Type"], headers["Idempotency-Key"]) == ("application/json", "k1")
    assert headers["Authorization"] == "Bearer t"
    assert {name: body[name] for name in BODY} == BODY
    assert body["text"] == "Abnormal: cpk C7 (customers), observed 9 where 3 is normal (3.0 times)"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, TransientError) for status in (500, 502, 503, 408, 429)),
        *((status, InputError) for status in (400, 401, 404, 410, 302)),
    ],
)
def test_the_kind_of_error_says_whether_to_try_again(receiver: _Receiver, status: int, error: type[Exception]):
    receiver.status = status
    hook = Webhook(receiver.url(), 2)
    with pytest.raises(error, match=str(status)):
        hook.send(BODY, idempotency_key="k1")
    hook.close()
    assert len(receiver.heard) == 1  # and no redirect was followed


def test_a_receiver_that_dawdles_is_left_after_the_timeout(receiver: _Receiver):
    receiver.pause_s = 3.0
    hook = Webhook(receiver.url(), 0.2)
    started = time.monotonic()
    with pytest.raises(TransientError, match="did not answer"):
        hook.send(BODY, idempotency_key="k1")
    assert time.monotonic() - started < 2
    hook.close()


def test_a_receiver_that_is_not_there_is_transient_and_the_message_hides_the_path():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    hook = Webhook(f"http://user:pw@127.0.0.1:{port}/secret?token=s3cret", 1)
    with pytest.raises(TransientError) as caught:
        hook.send(BODY, idempotency_key="k1")
    hook.close()
    assert "secret" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "pw" not in str(caught.value)
    assert str(port) in str(caught.value)


def test_an_address_that_cannot_be_used_is_refused():
    hook = Webhook("http://[::1", 1)
    with pytest.raises(InputError, match="http"):
        hook.send(BODY, idempotency_key="k1")
    hook.close()


def test_it_may_be_closed_twice_and_used_again(receiver: _Receiver):
    hook = Webhook(receiver.url(), 2)
    for key in ("k1", "k2"):
        hook.send(BODY, idempotency_key=key)
        hook.close()
        hook.close()
    assert len(receiver.heard) == 2


def test_with_the_outbox_nothing_is_lost_while_the_receiver_is_away_and_order_holds(tmp_path: Path):
    state = scratch_state(tmp_path)
    outbox = Outbox(state.db)
    receiver = _Receiver()
    port = receiver.port
    hook = Webhook(receiver.url(), 1)
    now = 0

    def round_() -> None:
        for message in outbox.due(now):
            try:
                hook.send(message.body, idempotency_key=str(message.id))
                outbox.sent(message.id)
            except TransientError:
                outbox.failed(message.id, now)

    for at_us, change in enumerate(["opened", "grown", "closed"]):
        outbox.add("ops", "i1", change, at_us, {**BODY, "change": change})
    receiver.status = 503
    round_()
    receiver.stop()
    now += 1_000_000
    round_()
    assert outbox.waiting() == 3
    heard = receiver.heard
    receiver = _Receiver(port)
    receiver.status = 200
    for _ in range(6):
        now += 2_000_000
        round_()
    receiver.stop()
    hook.close()
    assert outbox.waiting() == 0
    assert [body["change"] for _, _, body in receiver.heard] == ["opened", "grown", "closed"]
    assert heard[0][1]["Idempotency-Key"] == receiver.heard[0][1]["Idempotency-Key"]


def test_built_in_kinds_can_be_loaded():
    assert [load(reference) for reference in NOTIFIERS.values()] == [Webhook]


def test_the_http_library_is_not_loaded_before_somebody_is_told():
    code = "import sys, yeoul.deliver; yeoul.deliver.Webhook('http://x'); assert 'httpx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
