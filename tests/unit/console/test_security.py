"""Who gets in and who does not: hosts, origins, tokens, sizes, passwords."""

from __future__ import annotations

import socket
import stat
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from yeoul.clock import ManualClock
from yeoul.console import ConsoleConfig, serve
from yeoul.console.sessions import Throttle
from yeoul.errors import BusyError, ConfigError, InputError

WRITE = "/api/quarantine/redrive"
BODY = {"stream": "hits"}


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[", "10.1.2.3", "0"]
)
def test_a_name_that_is_not_the_console_s_own_is_refused(console: Any, host: str) -> None:
    answer = console.http.get("/api/now", headers={"Host": host})
    assert answer.status_code in {400, 421}
    assert "health" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:99", "[::1]:8750", "localhost."])
def test_loopback_has_many_names(console: Any, host: str) -> None:
    assert console.http.get("/api/now", headers={"Host": host}).status_code == 200


class TestWrites:
    def test_without_a_session_nothing_is_changed(self, console: Any, engine: Any) -> None:
        assert refused(console.http.post(WRITE, json=BODY), 403, "csrf")
        assert engine.asked == []

    @pytest.mark.parametrize("token", ["", "x", "é", "0" * 64])
    def test_without_its_token_nothing_is_changed(self, console: Any, state: Any, token: str) -> None:
        console.sign()
        answer = console.http.post(WRITE, json=BODY, headers={"X-CSRF-Token": token.encode("latin-1")})  # type: ignore[dict-item]
        assert refused(answer, 403, "csrf")

    def test_one_session_s_token_is_not_another_s(self, console: Any, state: Any) -> None:
        other = httpx.get(f"{console.address}/api/session").json()["csrf"]
        console.sign()
        assert refused(console.http.post(WRITE, json=BODY, headers={"X-CSRF-Token": other}), 403, "csrf")

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:1"},
            {"Origin": "http://["},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ],
        ids=str,
    )
    def test_another_site_s_page_changes_nothing(self, console: Any, state: Any, headers: dict[str, str]) -> None:
        answer = console.http.post(WRITE, json=BODY, headers={**console.sign(), **headers})
        assert refused(answer, 403, "wrong_origin")

    def test_the_console_s_own_pages_may_write(self, console: Any, engine: Any) -> None:
        own = {"Origin": console.address, "Sec-Fetch-Site": "same-origin"}
        assert console.http.post(WRITE, json=BODY, headers={**console.sign(), **own}).status_code in {200, 409}

    def test_a_form_is_no_write(self, console: Any, state: Any) -> None:
        answer = console.http.post(WRITE, data=BODY, headers=console.sign())
        assert refused(answer, 415, "not_json")

    def test_a_large_body_is_refused_said_or_not(self, console: Any, state: Any) -> None:
        headers = {**console.sign(), "Content-Type": "application/json"}
        assert refused(console.http.post(WRITE, content=b"x" * 70_000, headers=headers), 413, "too_large")
        parts = (b"x" * 1000 for _ in range(70))
        assert refused(console.http.post(WRITE, content=parts, headers=headers), 413, "too_large")


def test_every_answer_carries_the_headers_that_pages_need(console: Any) -> None:
    for path in ("/", "/api/now", "/api/nothing", "/health"):
        headers = console.http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    assert console.http.get("/api/now").headers["cache-control"] == "no-store"


def test_the_session_s_cookie_is_kept_from_scripts_and_other_sites(console: Any) -> None:
    cookie = console.http.get("/api/session").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    port = console.address.rpartition(":")[2]
    assert cookie.startswith(f"yeoul_session_{port}=")


@pytest.mark.parametrize("cookie", ["yeoul=x", "=;;=", "a" * 5000, 'yeoul_session_1="\\', "\x7f"])
def test_an_odd_cookie_is_no_session(console: Any, cookie: str) -> None:
    assert console.http.get("/api/session", headers={"Cookie": cookie}).status_code == 200


class TestPassword:
    @pytest.fixture
    def closed(self, start: Any, state: Any) -> Any:
        return start(password="open sesame")

    @pytest.mark.parametrize("path", ["/api/now", "/api/incidents/i1", "/api/audit", "/api/openapi.json", "/api/x"])
    def test_nothing_is_told_before_signing_in(self, closed: Any, path: str) -> None:
        assert refused(closed.http.get(path), 401, "signed_out")

    def test_the_session_says_that_a_password_is_needed(self, closed: Any) -> None:
        said = closed.http.get("/api/session").json()
        assert (said["signed_in"], said["password"], "csrf" in said) == (False, True, False)

    def test_the_password_opens_and_signing_out_closes(self, closed: Any) -> None:
        said = closed.http.post("/api/login", json={"password": "open sesame"}).json()
        assert closed.http.get("/api/now").status_code == 200
        closed.http.post("/api/logout", json={}, headers={"X-CSRF-Token": said["csrf"]})
        assert closed.http.get("/api/now").status_code == 401

    def test_a_wrong_password_opens_nothing_and_is_written_down(self, closed: Any) -> None:
        assert refused(closed.http.post("/api/login", json={"password": "sesame"}), 401, "wrong_password")
        assert closed.http.get("/api/now").status_code == 401
        closed.http.post("/api/login", json={"password": "open sesame"})
        actions = [entry["action"] for entry in closed.http.get("/api/audit").json()["entries"]]
        assert actions == ["login", "login_failed"]

    def test_guessing_has_to_wait(self, closed: Any) -> None:
        answers = [closed.http.post("/api/login", json={"password": "x"}) for _ in range(7)]
        assert refused(answers[-1], 429, "too_many_tries")
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert closed.http.post("/api/login", json={"password": "open sesame"}).status_code == 429

    def test_the_live_feed_is_closed_and_ends_when_signed_out(self, closed: Any, engine: Any, open_page: Any) -> None:
        with pytest.raises(Exception, match=r"403|4401"), closed.live() as socket_:
            socket_.recv(5)
        csrf = closed.http.post("/api/login", json={"password": "open sesame"}).json()["csrf"]
        page = open_page(closed, "now")
        page.take()
        closed.http.post("/api/logout", json={}, headers={"X-CSRF-Token": csrf})
        with pytest.raises(ConnectionClosed) as ended:
            page.until(lambda _: False)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 4401

    def test_a_restart_keeps_sessions_and_a_new_password_ends_them(self, start: Any, closed: Any) -> None:
        closed.http.post("/api/login", json={"password": "open sesame"})
        (token,) = closed.http.cookies.values()

        def status(console: Any) -> int:
            cookie = f"yeoul_session_{console.address.rpartition(':')[2]}={token}"
            return int(httpx.get(f"{console.address}/api/now", headers={"Cookie": cookie}).status_code)

        assert status(start(password="open sesame")) == 200
        assert status(start(password="another")) == 401

    def test_health_tells_strangers_no_more_than_whether(self, closed: Any) -> None:
        answer = closed.http.get("/health")
        assert (answer.status_code, answer.json()) == (503, {"status": "red", "causes": []})

    def test_metrics_are_for_those_with_the_password(self, closed: Any) -> None:
        answer = closed.http.get("/metrics")
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="yeoul"')
        assert closed.http.get("/metrics", auth=("any", "open sesame")).status_code == 200
        assert closed.http.get("/metrics", auth=("any", "wrong")).status_code == 401
        assert closed.http.get("/metrics", headers={"Authorization": "Basic %%%"}).status_code == 401

    @pytest.mark.parametrize("body", [{}, {"password": 1}, {"password": "x" * 2000}, {"password": "x", "more": 1}, []])
    def test_a_bad_login_is_refused(self, closed: Any, body: Any) -> None:
        assert refused(closed.http.post("/api/login", json=body), 400, "invalid")

    def test_what_is_kept_on_disk_is_not_the_password_and_not_for_others(self, closed: Any, folder: Path) -> None:
        closed.http.post("/api/login", json={"password": "open sesame"})
        (token,) = closed.http.cookies.values()
        kept = b"".join(path.read_bytes() for path in folder.glob("people.db*"))
        assert b"open sesame" not in kept
        assert token.encode() not in kept
        assert stat.S_IMODE((folder / "people.db").stat().st_mode) == 0o600


def test_the_pause_doubles_with_each_wrong_password_and_has_an_end() -> None:
    clock = ManualClock()
    throttle = Throttle(clock)
    waits = []
    for _ in range(20):
        throttle.failed("a")
        waits.append(throttle.wait_s("a"))
        clock.advance(waits[-1] * 1_000_000)
    assert waits[:10] == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32]
    assert waits[-1] == 300
    assert throttle.wait_s("b") == 0
    throttle.passed("a")
    throttle.failed("a")
    assert throttle.wait_s("a") == 0


class TestPort:
    def test_beyond_loopback_a_password_is_needed(self, folder: Path) -> None:
        with pytest.raises(ConfigError, match="YEOUL_PASSWORD"):
            serve(ConsoleConfig(folder), host="0.0.0.0", port=0)

    def test_a_port_in_use_is_said(self, folder: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(BusyError, match=f"port `{port}` of `127.0.0.1` is in use"):
                serve(ConsoleConfig(folder), port=port)

    @pytest.mark.parametrize(
        ("host", "port"),
        [("no.such.host.invalid", 0), ("", 99_999), ("192.0.2.1", 0), ("127.0.0.1", -1), ("\udcff", 0)],
    )
    def test_an_address_that_is_not_ours_is_said(self, folder: Path, host: str, port: int) -> None:
        with pytest.raises((InputError, ConfigError), match="got the address"):
            serve(ConsoleConfig(folder, password="x"), host=host, port=port)

    def test_the_password_of_the_environment_opens_the_network(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("YEOUL_PASSWORD", "x")
        stop, seen = threading.Event(), []

        def ready(address: str) -> None:
            seen.append(address)
            stop.set()

        serve(ConsoleConfig(folder), host="0.0.0.0", port=0, ready=ready, stop=stop)
        assert seen[0].startswith("http://0.0.0.0:")
