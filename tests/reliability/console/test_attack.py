"""The console under attack by what is sent to it: nothing is told, nothing fails, nothing is kept."""

from __future__ import annotations

import json
import random
import re
import time
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from yeoul.testing.consoles import rss_bytes

pytestmark = pytest.mark.slow
MB = 1 << 20


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "2130706433"])
def test_a_name_that_leads_here_by_rebinding_gets_nothing(attacked: Any, host: str) -> None:
    for path in (b"/api/now", b"/api/session", b"/metrics", b"/", b"/api/openapi.json"):
        assert attacked.status(attacked.get(path, Host=host)) == 421
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}, {"Origin": f"http://{host}"}):
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        assert attacked.status(attacked.get(b"/api/live", **upgrade, **key, **headers)) == 403


def test_two_hosts_or_none_are_no_way_in(attacked: Any) -> None:
    for head in (
        b"",
        b"Host: 127.0.0.1\r\nHost: evil.example\r\n",
        b"Host: evil.example\r\nHost: 127.0.0.1\r\n",
        b"Host: \r\n",
    ):
        assert attacked.status(attacked.raw(b"GET /api/now HTTP/1.1\r\n" + head + b"Connection: close\r\n\r\n")) in {
            400,
            421,
        }
    assert attacked.status(attacked.raw(b"GET /api/now HTTP/1.0\r\n\r\n")) in {400, 421}
    assert attacked.status(attacked.raw(b"GET http://127.0.0.1/api/now HTTP/1.1\r\nHost: evil.example\r\n\r\n", 1)) in {
        400,
        421,
    }


def test_a_forged_write_changes_nothing(attacked: Any) -> None:
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


def test_no_path_leads_out_of_the_pages(attacked: Any) -> None:
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
        assert attacked.status(answer) in {200, 400, 404}
        if attacked.status(answer) == 200:
            # an address of the page itself: the one index page
            assert answer.partition(b"\r\n\r\n")[2] == page


def test_ranges_of_a_file_are_no_lever(attacked: Any) -> None:
    asset = re.search(rb'(?:src|href)="(/[^"]+)"', attacked.get(b"/"))
    path = asset.group(1) if asset else b"/"
    begun = time.monotonic()
    many = ",".join(f"{number}-{number}" for number in range(0, 6000, 2))
    for ranges in ("0-", "-1", "5-1", "a-b", "", "0-0,0-0,0-0", many, "0-99999999999999999999", "-0"):
        assert attacked.status(attacked.get(path, Range=f"bytes={ranges}")) in {200, 206, 400, 416}
    assert time.monotonic() - begun < 10


def test_what_is_too_large_is_refused_and_not_kept(attacked: Any) -> None:
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
        assert attacked.status(answer) in {0, 400, 431}
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


def test_bytes_that_are_no_requests_harm_nothing(attacked: Any) -> None:
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
    assert attacked.status(attacked.get(b"/health")) == 200


def test_without_the_password_nothing_is_told(closed: Any) -> None:
    for path in (
        b"/api/now",
        b"/api/pipeline",
        b"/api/audit",
        b"/api/openapi.json",
        b"/api//now",
        b"/api/%6eow",
        b"/metrics",
    ):
        assert closed.status(closed.get(path)) == 401, path
    for path in (b"//api/now", b"/./api/now", b"/x/../api/now", b"/API/now", b"/api%2fnow", b"/health", b"/api;/now"):
        told = closed.get(path)
        assert b"watermark" not in told
        assert b"hits" not in told
    with pytest.raises(InvalidStatus), connect(f"ws{closed.address[4:]}/api/live", origin=closed.address):  # type: ignore[arg-type]
        pass
