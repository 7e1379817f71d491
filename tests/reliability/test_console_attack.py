"""The console of a real `yeoul run` under attack: nothing fails, nothing leaks, the engine does not feel it."""

from __future__ import annotations

import json
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from yeoul.testing.consoles import ConsoleProcess, close_delays, hear, open_files, rss_bytes
from yeoul.testing.processes import counts, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

S = 1_000_000
CROWD = Path(__file__).with_name("crowd.py")
RANKING = '[rank.hot]\nstream = "hits"\nby = ["title"]\nwithin = ["customer"]\nvalue = "plays"\n'
SECRET = "a-secret-of-the-workspace-file"
PASSWORD = "open sesame"
KEEPS_TO_THE_DOCUMENT = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
MB = 1 << 20


@dataclass
class Attacked:
    """A running `yeoul run` with data, and what an attacker has of it."""

    run: ConsoleProcess
    address: str
    first_us: int

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def console(self) -> int:
        return self.run.pid_of("console")

    def raw(self, data: bytes, within_s: float = 10.0) -> bytes:
        """What is answered to these bytes until the other side ends, or has answered once."""
        with self.connection(within_s) as connection:
            try:
                connection.sendall(data)
                answer = b""
                while part := connection.recv(65536):
                    answer += part
            except (TimeoutError, ConnectionError):
                pass
        self.nothing_leaks(answer)
        return answer

    def connection(self, within_s: float = 10.0, window_bytes: int | None = None) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(within_s)
        if window_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window_bytes)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def nothing_leaks(self, answer: bytes) -> None:
        """No server error, and nothing of how or where it runs."""
        assert not re.match(rb"HTTP/1.1 5\d\d", answer), answer[:1000]
        for told in (b"Traceback", b'File "', b"site-packages", b"root:", b"SQLite format", SECRET.encode()):
            assert told not in answer, answer[:1000]
        assert str(self.run.folder).encode() not in answer

    def get(self, path: bytes, **headers: str) -> bytes:
        lines = {"Host": f"127.0.0.1:{self.port}", "Connection": "close"} | headers
        head = b"".join(f"{name}: {value}\r\n".encode() for name, value in lines.items())
        return self.raw(b"GET " + path + b" HTTP/1.1\r\n" + head + b"\r\n")

    def settled(self, files: int, bytes_: int) -> Callable[[], bool]:
        """Whether its console holds no more descriptors and memory than that."""
        return lambda: open_files(self.console) <= files and rss_bytes(self.console) <= bytes_


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    yield from _start(tmp_path_factory.mktemp("open"), {})


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """The same with a password."""
    yield from _start(tmp_path_factory.mktemp("closed"), {"YEOUL_PASSWORD": PASSWORD})


def _start(folder: Path, environment: dict[str, str]) -> Iterator[Attacked]:
    quick = {"window": '"1s"', "delay": '"1s"', "idle_timeout": '"600s"'}
    plain_workspace(folder, stream=quick, extra=f"{RANKING}# {SECRET}\n")
    first_us = time.time_ns() // 1000 // S * S - 7200 * S
    with (folder / "logs/a.ndjson").open("wb") as log:
        for number in range(2000):
            log.write(plain_line(first_us + number * S // 10, f"c{number % 3}", f"m{number % 7}"))
        log.write(b"this is no row\n")
    run = ConsoleProcess(folder, environment=environment)
    try:
        address = run.address
        next(told for told in hear(folder) if told["streams"]["hits"]["ledger"]["read"] == 2001)
        yield Attacked(run, address, first_us)
        assert run.running
        # neither an engine nor a console was started anew, and no error went to the log
        assert "ended unexpectedly" not in run.said
        assert "Traceback" not in run.said, run.said[-3000:]
    finally:
        run.kill()


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "2130706433"])
def test_a_name_that_leads_here_by_rebinding_gets_nothing(attacked: Attacked, host: str) -> None:
    for path in (b"/api/now", b"/api/session", b"/metrics", b"/", b"/api/openapi.json"):
        assert _status(attacked.get(path, Host=host)) == 421
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}, {"Origin": f"http://{host}"}):
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        assert _status(attacked.get(b"/api/live", **upgrade, **key, **headers)) == 403


def test_two_hosts_or_none_are_no_way_in(attacked: Attacked) -> None:
    for head in (
        b"",
        b"Host: 127.0.0.1\r\nHost: evil.example\r\n",
        b"Host: evil.example\r\nHost: 127.0.0.1\r\n",
        b"Host: \r\n",
    ):
        assert _status(attacked.raw(b"GET /api/now HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")) in {400, 421}
    assert _status(attacked.raw(b"GET /api/now HTTP/1.0\r\n\r\n")) in {400, 421}
    assert _status(attacked.raw(b"GET http://127.0.0.1/api/now HTTP/1.1\r\nHost: evil.example\r\n\r\n", 1)) in {
        400,
        421,
    }


def test_a_forged_write_changes_nothing(attacked: Attacked) -> None:
    with httpx.Client(base_url=attacked.address) as page, httpx.Client(base_url=attacked.address) as other:
        own = {"X-CSRF-Token": page.get("/api/session").json()["csrf"]}
        others = {"X-CSRF-Token": other.get("/api/session").json()["csrf"]}
        before = page.get("/api/audit").json()
        for headers in (
            {},
            others,
            {"X-CSRF-Token": ""},
            {**own, "Origin": "http://evil.example"},
            {**own, "Origin": "null"},
            {**own, "Origin": f"http://localhost:{attacked.port + 1}"},
            {**own, "Sec-Fetch-Site": "cross-site"},
            {**own, "Sec-Fetch-Site": "same-site"},
            {**own, "Host": "evil.example", "Origin": "http://evil.example"},
        ):
            for path in ("/api/quarantine/redrive", "/api/logout"):
                answer = page.post(path, json={"stream": "hits"}, headers=headers)
                assert answer.status_code in {403, 421}
                attacked.nothing_leaks(answer.content)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = page.post(
                "/api/quarantine/redrive", content='{"stream":"hits"}', headers={**own, "Content-Type": kind}
            )
            assert answer.status_code == 415
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"):
            assert page.request(method, "/api/quarantine/redrive", json={}, headers=own).status_code in {403, 405, 415}
        # whoever changes by reading: nothing does
        assert page.get("/api/quarantine/redrive").status_code in {404, 405}
        assert page.get("/api/audit").json() == before
        assert page.post("/api/quarantine/redrive", json={"stream": "hits"}, headers=own).json()["done"]


UPS = (b"..", b"%2e%2e", b"%252e%252e", b"..%00", b".%2e", b"%c0%ae%c0%ae", b"%uff0e%uff0e", b"....", b"..;")
SEPARATORS = (b"/", b"%2f", b"%252f", b"\\", b"%5c", b"//", b"/./")
TARGETS = (b"etc/passwd", b"proc/self/environ", b"yeoul.toml", b".yeoul/state.db", b".yeoul/people.db", b"app.py")


def test_no_path_leads_out_of_the_pages(attacked: Attacked) -> None:
    paths = [
        b"/" + root + (up + by) * 7 + to
        for up in UPS
        for by in SEPARATORS
        for root in (b"", b"assets/")
        for to in TARGETS
    ]
    paths += [b"/" + (up + by) + to for up in UPS for by in SEPARATORS for to in TARGETS]
    paths += [b"/%00", b"/assets/%00.js", b"/" + b"a/" * 5000, b"/" + b"%61" * 5000, b"/%ff%fe", b"/~", b"//etc/passwd"]
    paths += [
        b"///etc/passwd",
        b"/file:///etc/passwd",
        b"/assets/" + b"x" * 300,
        b"/" + str(attacked.run.folder).encode(),
    ]
    page = attacked.get(b"/").partition(b"\r\n\r\n")[2]
    host = f"Host: 127.0.0.1:{attacked.port}\r\n".encode()
    for begin in range(0, len(paths), 50):
        # over one connection, one after the other
        asked = b"".join(b"GET " + path + b" HTTP/1.1\r\n" + host + b"\r\n" for path in paths[begin : begin + 50])
        attacked.raw(asked + b"GET /health HTTP/1.1\r\nConnection: close\r\n" + host + b"\r\n")
    for path in random.Random(1).sample(paths, 60):
        answer = attacked.get(path)
        assert _status(answer) in {200, 400, 404}
        if _status(answer) == 200:
            # an address of the page itself: the one index page
            assert answer.partition(b"\r\n\r\n")[2] == page


def test_ranges_of_a_file_are_no_lever(attacked: Attacked) -> None:
    asset = re.search(rb'(?:src|href)="(/[^"]+)"', attacked.get(b"/"))
    path = asset.group(1) if asset else b"/"
    begun = time.monotonic()
    many = ",".join(f"{number}-{number}" for number in range(0, 6000, 2))
    for ranges in ("0-", "-1", "5-1", "a-b", "", "0-0,0-0,0-0", many, "0-99999999999999999999", "-0"):
        assert _status(attacked.get(path, Range=f"bytes={ranges}")) in {200, 206, 400, 416}
    assert time.monotonic() - begun < 10


def test_what_is_too_large_is_refused_and_not_kept(attacked: Attacked) -> None:
    with httpx.Client(base_url=attacked.address) as page:
        own = {"X-CSRF-Token": page.get("/api/session").json()["csrf"], "Content-Type": "application/json"}
        before = rss_bytes(attacked.console)
        assert page.post("/api/quarantine/redrive", content=b"x" * MB, headers=own).status_code == 413
        parts = (b"x" * 65536 for _ in range(160))
        # it may be ended while it is being sent
        with suppress(httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError):
            assert page.post("/api/quarantine/redrive", content=parts, headers=own).status_code == 413
        for nested in (b"[" * 60_000, b'{"stream":' * 6000, b'{"stream":"hits","ids":[' + b"1," * 20_000 + b"1]}"):
            assert page.post("/api/quarantine/redrive", content=nested, headers=own).status_code == 400
        huge = b'{"stream":"hits","ids":[' + b"9" * 4000 + b",-1]}"
        assert page.post("/api/quarantine/redrive", content=huge, headers=own).status_code in {200, 400}
    for head in (b"X: " + b"x" * MB, b"X: y\r\n" * 100_000, b"Cookie: " + b"a=b;" * 200_000):
        answer = attacked.raw(b"GET /api/now HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n\r\n")
        assert _status(answer) in {0, 400, 431}
    for sent, codes in (
        ("x" * 200_000, {1009}),
        (iter(["x" * 10_000] * 20), {1009}),
        (iter([b"\xff"] * 2000), {1008}),
    ):
        with connect(f"ws{attacked.address[4:]}/api/live", origin=attacked.address) as page_:  # type: ignore[arg-type]
            with pytest.raises(ConnectionClosed) as ended:
                _send_and_hear(page_, sent)
            assert ended.value.rcvd is None or ended.value.rcvd.code in codes
    assert rss_bytes(attacked.console) < before + 64 * MB


def _send_and_hear(page: Any, sent: Any) -> None:
    page.send(sent)
    while True:
        page.recv(10)


def test_bytes_that_are_no_requests_harm_nothing(attacked: Attacked) -> None:
    upgrade = b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
    login = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    chosen = random.Random(2)
    for data in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\r\n" * 1000,
        b"GET /\x00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1e9\r\n\r\n",
        login + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        login + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/live HTTP/1.1\r\n" + upgrade + key + b"\r\n",
        b"GET /api/live HTTP/1.0\r\n" + upgrade + key + b"\r\n",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + b"\r\n",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key.replace(b"13", b"99") + b"\r\n",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key + b"Content-Length: 5\r\n\r\nabcde",
        b"GET /nothing HTTP/1.1\r\n" + upgrade + key + b"\r\n",
        b"GET /api/now HTTP/1.1\r\n" + upgrade + key + b"\r\n",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key + b"\r\n\xff\xff\xff\xff",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key + b"\r\n\x81\x82\0\0\0\0\xff\xfe",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key + b"\r\n\x88\x81\0\0\0\0a",
        b"GET /api/live HTTP/1.1\r\n" + upgrade + key + b"\r\n\x80\x80\0\0\0\0",
        *(chosen.randbytes(chosen.randrange(1, 3000)) + b"\r\n\r\n" for _ in range(40)),
    ):
        attacked.raw(data, within_s=0.3)
    for text in (
        "",
        "[]",
        "null",
        "{",
        '{"subscribe":["now"]' * 100,
        '{"subscribe":["' + "x" * 9000 + '"]}',
        "[" * 9000,
    ):
        with connect(f"ws{attacked.address[4:]}/api/live", origin=attacked.address) as page:  # type: ignore[arg-type]
            page.send(text)
            answer = str(page.recv(10))
            assert json.loads(answer)["kind"] == "error"
            attacked.nothing_leaks(answer.encode())
    assert _status(attacked.get(b"/health")) == 200


def test_without_the_password_nothing_is_told(closed: Attacked) -> None:
    for path in (
        b"/api/now",
        b"/api/pipeline",
        b"/api/audit",
        b"/api/openapi.json",
        b"/api//now",
        b"/api/%6eow",
        b"/metrics",
    ):
        assert _status(closed.get(path)) == 401, path
    for path in (b"//api/now", b"/./api/now", b"/x/../api/now", b"/API/now", b"/api%2fnow", b"/health", b"/api;/now"):
        told = closed.get(path)
        assert b"watermark" not in told
        assert b"hits" not in told
    with pytest.raises(InvalidStatus), connect(f"ws{closed.address[4:]}/api/live", origin=closed.address):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize(
    "examples",
    [
        pytest.param(6, id="short"),
        pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(1800)], id="500 examples of each"),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "stranger"])
def test_every_operation_keeps_to_the_document(
    attacked: Attacked, closed: Attacked, examples: int, signed_in: bool
) -> None:
    console = attacked if signed_in else closed
    schema = schemathesis.openapi.from_dict(httpx.get(f"{attacked.address}/api/openapi.json").json())
    statuses: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            for fixed in _known_parameters(operation.path):
                statuses |= _fuzz(console, operation, mode, fixed, examples)
    if signed_in:
        assert {200, 400, 404} <= statuses
    else:
        # of 200 are the session, the state of health and the door itself
        assert 401 in statuses


def _known_parameters(path: str) -> list[dict[str, Any] | None]:
    """What is generated alone seldom names a thing that is there."""
    return [None, {"name": "hot"}] if "{name}" in path else [None]


def _fuzz(console: Attacked, operation: Any, mode: Any, fixed: dict[str, Any] | None, examples: int) -> set[int]:
    statuses: set[int] = set()
    with requests.Session() as page:
        session = page.get(f"{console.address}/api/session", timeout=10).json()
        headers = {"X-CSRF-Token": session.get("csrf", "x")}

        @seed(1)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(case=operation.as_strategy(generation_mode=mode, path_parameters=fixed))
        def attack(case: Any) -> None:
            answer = case.call(base_url=console.address, session=page, headers=headers, timeout=40)
            statuses.add(answer.status_code)
            console.nothing_leaks(b"HTTP/1.1 %d\r\n" % answer.status_code + answer.content)
            # it does not know that what is too large is refused too
            rejecting = [] if answer.status_code == 413 else [checks.negative_data_rejection]
            case.validate_response(answer, checks=[*KEEPS_TO_THE_DOCUMENT, *rejecting])
            if "csrf" not in session and case.path not in {"/api/session", "/api/login", "/health"}:
                assert answer.status_code in {401, 403, 404, 405, 415}

        try:
            attack()
        except Unsatisfiable:
            # nothing can be wrong about a request without parameters
            assert mode is schemathesis.GenerationMode.NEGATIVE
    return statuses


@pytest.mark.parametrize(
    "clients",
    [
        pytest.param(15, id="15 of each kind"),
        pytest.param(300, marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="300 of each kind"),
    ],
)
def test_those_who_stand_still_are_let_go_and_nobody_waits_for_them(attacked: Attacked, clients: int) -> None:
    host = f"Host: 127.0.0.1:{attacked.port}\r\n".encode()
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    shake = b"GET /api/live HTTP/1.1\r\n" + host + upgrade + b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    wish = b'{"subscribe":["now","pipeline","ranking:hot"]}'
    subscribed = shake + b"\x81" + bytes([0x80 | len(wish)]) + b"\0\0\0\0" + wish
    attacked.get(b"/api/now")
    files, memory = open_files(attacked.console), rss_bytes(attacked.console)
    most = memory
    with ExitStack() as held:
        kinds = [
            (b"", b""),
            (b"GET / HTTP/1.1\r\n" + host, b"X: y\r\n"),
            (
                b"POST /api/login HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n"
                + host
                + b"\r\n",
                b"x",
            ),
            (b"", (b"GET /api/openapi.json HTTP/1.1\r\n" + host + b"\r\n") * 50),
            (subscribed, (b"\x89\xfd\0\0\0\0" + b"x" * 125) * 2000),
        ]
        slow = [
            (held.enter_context(attacked.connection(window_bytes=4096)), begun, then)
            for begun, then in kinds
            for _ in range(clients)
        ]
        for connection, begun, _ in slow:
            connection.sendall(begun)
            connection.setblocking(False)
        until = time.monotonic() + 90
        waits: list[float] = []
        while slow and time.monotonic() < until:
            slow = [each for each in slow if _still_there(each[0], each[2])]
            most = max(most, rss_bytes(attacked.console))
            begun_s = time.monotonic()
            assert _status(attacked.get(b"/api/now")) == 200
            waits.append(time.monotonic() - begun_s)
            time.sleep(0.2)
        assert not slow, f"{len(slow)} of {len(kinds) * clients} are still served"
    print(
        f"{5 * clients} stood still: {len(waits)} others waited p50 {np.median(waits):.3f} s, most {max(waits):.3f} s"
    )
    print(f"console: {memory / MB:.0f} MB before, {most / MB:.0f} MB at most")
    assert np.median(waits) < 3
    # the rest of a body, a request's answer and a socket's buffers, for each of them
    assert most < memory + 50 * MB + 5 * clients * MB // 3
    wait_for(attacked.settled(files + 5, memory + 50 * MB), 40)


def _still_there(connection: socket.socket, data: bytes) -> bool:
    """Goes on as an attacker does; whether the other side still takes it."""
    try:
        if data:
            connection.sendall(data)
        else:
            return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("clients", "probes"),
    [
        pytest.param(60, 20, id="60 clients"),
        pytest.param(500, 300, marks=[pytest.mark.soak, pytest.mark.timeout(600)], id="500 clients"),
    ],
)
def test_the_engine_does_not_feel_a_crowd_at_the_console(attacked: Attacked, clients: int, probes: int) -> None:
    log = attacked.run.folder / "logs/a.ndjson"
    newest_us = [attacked.first_us + counts(attacked.run.folder).counted * S]

    def write(_: int) -> None:
        newest_us[0] += S
        with log.open("ab") as file:
            file.write(plain_line(newest_us[0]))

    # the front comes near in steps that are believed at once
    with log.open("ab") as file:
        file.writelines(plain_line(at) for at in range(attacked.first_us + 200 * S, newest_us[0], S // 2))
    console, engine = attacked.console, attacked.run.pid_of("engine")
    attacked.get(b"/api/now")
    before = open_files(console), rss_bytes(console), rss_bytes(engine)
    alone = close_delays(attacked.run.folder, write, probes)
    command = [sys.executable, str(CROWD), attacked.address, str(clients), str(4 + probes / 6)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as crowd:
        wait_for(lambda: open_files(console) > before[0] + clients * 9 // 10, 30)
        among = close_delays(attacked.run.folder, write, probes)
        most = rss_bytes(console)
        said, _ = crowd.communicate(timeout=120)
    became = json.loads(said)
    for what, delays in (("alone", alone), (f"with {clients} clients", among)):
        print(f"line to closed window, {what}: p50 {np.median(delays):.3f} s, p99 {np.percentile(delays, 99):.3f} s")
    print(f"console: {before[1] / MB:.0f} MB before, {most / MB:.0f} MB with all; {became}")
    assert not [kind for kind in became if kind.startswith(("failed", "answered 5"))], became
    assert became["messages"] > clients
    assert np.median(among) < np.median(alone) + 0.5
    wait_for(attacked.settled(before[0] + 8, before[1] + 60 * MB), 60)
    assert rss_bytes(engine) < before[2] + 20 * MB
