"""What every request passes before anything else: host, origin, size, session, token; and headers on every answer."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yeoul.console.problems import problem
from yeoul.console.sessions import Session, Sessions

__all__ = ["Guard", "client_of", "cookie_name", "same_origin"]

_BODY_LIMIT_BYTES = 64 << 10
_BODY_WITHIN_S = 10.0
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"/api/session", "/api/login", "/health", "/metrics"})
"""Open to those who are not signed in; the last two answer for themselves."""
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """An ASGI middleware.

    Args:
        app: what it guards.
        sessions: who is signed in.
        hosts: names, beside loopback ones, by which the console may be called.
        addresses: whether it may also be called by any IP address (it listens to the network).
    """

    def __init__(self, app: ASGIApp, sessions: Sessions, hosts: Iterable[str], *, addresses: bool) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = {"localhost", *(host.lower().rstrip(".") for host in hosts)}
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope.setdefault("state", {})["session"] = self._sessions.find(_cookie(scope, headers))
        if scope["type"] == "websocket":
            # what is refused before the handshake is answered with 403
            if self._known_host(headers) and same_origin(headers):
                await self._app(scope, receive, send)
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    answer.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    answer.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope, headers)
        body = None
        if refusal is None and scope["method"] not in _READS:
            body = await _read_body(headers, receive)
            if isinstance(body, int):
                refusal = _bad_body(body)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        elif isinstance(body, bytes):
            await self._app(scope, _replay(body, receive), send_guarded)
        else:
            await self._app(scope, receive, send_guarded)

    def _refusal(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        path, session = scope["path"], scope["state"]["session"]
        if not self._known_host(headers):
            message = (
                f"got the host `{headers.get('host', '')[:100]}`, which this console does not answer to; "
                "legal: the address it listens at"
            )
            return problem(421, "wrong_host", message)
        needed = self._sessions.needs_password and path.startswith("/api/") and path not in _OPEN
        if needed and session is None:
            return problem(401, "signed_out", "sign in first: POST /api/login")
        if scope["method"] in _READS:
            return None
        if not same_origin(headers) or headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
            return problem(403, "wrong_origin", "a write must come from the console's own pages")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return problem(415, "not_json", "a write must have the content type `application/json`")
        if path == "/api/login":
            return None
        if not isinstance(session, Session) or not session.signs(headers.get("x-csrf-token", "")):
            return problem(403, "csrf", "a write needs the session's token: GET /api/session, then send X-CSRF-Token")
        return None

    def _known_host(self, headers: Headers) -> bool:
        name = _host_name(headers.get("host", ""))
        if name in self._hosts:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._addresses or address.is_loopback


def client_of(scope: Scope) -> str:
    """The address a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else "local"


def cookie_name(scope: Scope) -> str:
    """The session's cookie; consoles at other ports of the same machine have others, as cookies know no ports."""
    server = scope.get("server")
    return f"yeoul_session_{server[1] if server else 0}"


def same_origin(headers: Headers) -> bool:
    """Whether a request comes from our own pages, or from no page at all."""
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return bool(host := urlsplit(origin).netloc.lower()) and host == headers.get("host", "").lower()
    except ValueError:
        return False


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _cookie(scope: Scope, headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie_name(scope))
    except CookieError:
        return None
    return found.value if found is not None else None


async def _read_body(headers: Headers, receive: Receive) -> bytes | int | None:
    """The whole body; or the status that refuses it; None when the client has gone."""
    try:
        if int(headers.get("content-length", "0")) > _BODY_LIMIT_BYTES:
            return 413
    except ValueError:
        return 400
    parts = bytearray()
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                parts += message.get("body", b"")
                if len(parts) > _BODY_LIMIT_BYTES:
                    return 413
                if not message.get("more_body", False):
                    return bytes(parts)
    except TimeoutError:
        return 408


def _bad_body(status: int) -> ASGIApp:
    said = {
        400: "the content length is no number",
        408: f"the body did not come within {_BODY_WITHIN_S:.0f} s",
        413: f"the body is larger than {_BODY_LIMIT_BYTES} bytes",
    }
    return problem(status, {400: "invalid", 408: "too_slow", 413: "too_large"}[status], said[status])


def _replay(body: bytes, receive: Receive) -> Receive:
    """A body that was read already, given again."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed
