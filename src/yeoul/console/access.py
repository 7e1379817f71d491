"""Signing in and out, and what was changed by whom."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

import yeoul
from yeoul.clock import Clock
from yeoul.console import contract
from yeoul.console.guard import client_of, cookie_name
from yeoul.console.json_answer import JsonAnswer
from yeoul.console.people import People
from yeoul.console.problems import RefusedError
from yeoul.console.requests import Login, Logout
from yeoul.console.sessions import Session, Sessions

__all__ = ["Access"]

_LASTS_S = 30 * 86_400


class Access:
    """Who may do what, for routes.

    Args:
        sessions: who is signed in.
        people: where writes are noted.
        clock: the wall clock.
        demo: whether there is a simulated service.
        language: of the pages; `auto` follows the browser.
    """

    def __init__(self, sessions: Sessions, people: People, clock: Clock, *, demo: bool, language: str) -> None:
        self._sessions = sessions
        self._people = people
        self._clock = clock
        self._demo = demo
        self._language = language

    def note(self, request: Request, action: str, detail: dict[str, Any]) -> None:
        """Write down a change, before it is made."""
        self._people.note(self._clock.now_us(), action, client_of(request.scope), detail)

    async def may_watch(self, request: Request) -> bool:
        """Whether monitoring may see details: signed in, or with the password as HTTP Basic."""
        if not self._sessions.needs_password or request.state.session is not None:
            return True
        password = _basic(request.headers.get("authorization", ""))
        return password is not None and await self._right(request, password)

    def routes(self) -> APIRouter:
        """`/api/session`, `/api/login`, `/api/logout`, `/api/audit`."""
        router = APIRouter(prefix="/api", tags=["access"])

        @router.get("/session", response_model=contract.Session)
        async def session(request: Request) -> Response:
            """Who is asking, and what there is."""
            known: Session | None = request.state.session
            fresh = self._sessions.start() if known is None and not self._sessions.needs_password else None
            return self._answer(request, known or fresh, fresh)

        @router.post("/login", response_model=contract.Session)
        async def login(request: Request, given: Login) -> Response:
            """Sign in."""
            if not self._sessions.needs_password:
                fresh = self._sessions.start()
                return self._answer(request, fresh, fresh)
            if not await self._right(request, given.password):
                self.note(request, "login_failed", {})
                raise RefusedError(401, "wrong_password", "this is not the password")
            self.note(request, "login", {})
            fresh = self._sessions.start()
            return self._answer(request, fresh, fresh)

        @router.post("/logout", response_model=contract.Session)
        async def logout(request: Request, _: Logout) -> Response:
            """Sign out; open pages of this session close."""
            self.note(request, "logout", {})
            self._sessions.end(request.state.session)
            answer = self._answer(request, None, None)
            answer.delete_cookie(cookie_name(request.scope), path="/", httponly=True, samesite="strict")
            return answer

        @router.get("/audit")
        async def audit() -> contract.Audit:
            """What was changed, newest first."""
            return contract.Audit.model_validate({"entries": self._people.audit()})

        return router

    async def _right(self, request: Request, password: str) -> bool:
        """Whether this is the password.

        Raises:
            RefusedError: too many wrong ones.
        """
        client, throttle = client_of(request.scope), self._sessions.throttle
        wait_s = throttle.wait_s(client)
        if wait_s:
            message = f"too many wrong passwords; try again in {wait_s} s"
            raise RefusedError(429, "too_many_tries", message, wait_s=wait_s)
        # counted before it is checked, so that many at once do not all pass as the first
        throttle.failed(client)
        right = await self._sessions.check(password)
        if right:
            throttle.passed(client)
        return right

    def _answer(self, request: Request, session: Session | None, fresh: Session | None) -> Response:
        body = {
            "signed_in": session is not None,
            "password": self._sessions.needs_password,
            "csrf": session.csrf if session else None,
            "version": yeoul.__version__,
            "demo": self._demo,
            "language": self._language,
        }
        answer = JsonAnswer({name: value for name, value in body.items() if value is not None})
        if fresh is not None:
            answer.set_cookie(
                cookie_name(request.scope),
                fresh.token,
                max_age=_LASTS_S,
                path="/",
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="strict",
            )
        return answer


def _basic(header: str) -> str | None:
    """The password of an `Authorization: Basic` header, whatever its user."""
    kind, _, coded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return None
