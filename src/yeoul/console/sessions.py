"""Who may do what: sessions in a cookie, a token against forged writes, a password that cannot be guessed fast."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from yeoul.clock import Clock
from yeoul.console.people import People

__all__ = ["Session", "Sessions", "Throttle"]

_LASTS_US = 30 * 86_400_000_000
_MOST_SESSIONS = 10_000
_FREE_TRIES = 5
_LONGEST_WAIT_S = 300
_MOST_CLIENTS = 10_000


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    token: str
    """The secret in its cookie."""

    @property
    def digest(self) -> bytes:
        """What is kept of the token."""
        return hashlib.sha256(self.token.encode()).digest()

    @property
    def csrf(self) -> str:
        """What its own pages know and other sites' pages cannot."""
        return hmac.new(self.token.encode(), b"csrf", "sha256").hexdigest()

    def signs(self, csrf: str) -> bool:
        """Whether a write that carries this token comes from our pages."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode())


class Sessions:
    """All sessions of one console.

    Args:
        people: where they are kept, when there is a password.
        password: None: on loopback everybody gets a session.
        clock: the wall clock.
    """

    def __init__(self, people: People, password: str | None, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self.needs_password = password is not None
        self._until_us: OrderedDict[bytes, int] = OrderedDict()
        self.throttle = Throttle(clock)
        self._hashing = asyncio.Semaphore(1)
        if password is not None:
            people.set_password(password)
            self._until_us.update(people.sessions(clock.now_us()))

    def find(self, token: str | None) -> Session | None:
        """The session of a cookie."""
        if not token or not token.isascii() or len(token) > 100:
            return None
        session = Session(token)
        until_us = self._until_us.get(session.digest)
        return session if until_us is not None and until_us > self._clock.now_us() else None

    def start(self) -> Session:
        """A new session."""
        session = Session(secrets.token_urlsafe(32))
        now_us = self._clock.now_us()
        self._until_us[session.digest] = now_us + _LASTS_US
        while len(self._until_us) > _MOST_SESSIONS:
            self._until_us.popitem(last=False)
        if self.needs_password:
            self._store(lambda: self._people.keep_session(session.digest, now_us + _LASTS_US, now_us))
        return session

    def end(self, session: Session) -> None:
        """Sign out."""
        self._until_us.pop(session.digest, None)
        self._store(lambda: self._people.drop_session(session.digest))

    async def check(self, password: str) -> bool:
        """Whether this is the password; one at a time, beside the event loop."""
        async with self._hashing:
            return await asyncio.to_thread(self._people.check, password)

    @staticmethod
    def _store(write: Callable[[], None]) -> None:
        # a full disk costs the session its life over restarts, not the person the page
        with contextlib.suppress(sqlite3.Error):
            write()


class Throttle:
    """Makes who guesses wait: five tries are free, then each wrong one doubles the pause, up to five minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def wait_s(self, client: str) -> int:
        """Whole seconds before this client may try again; 0: now."""
        _, until_us = self._failed.get(client, (0, 0))
        return max(0, -(-(until_us - self._clock.monotonic_us()) // 1_000_000))

    def failed(self, client: str) -> None:
        """A wrong password."""
        tries = self._failed.pop(client, (0, 0))[0] + 1
        wait_s = 0 if tries < _FREE_TRIES else min(_LONGEST_WAIT_S, 2 ** min(tries - _FREE_TRIES, 20))
        self._failed[client] = (tries, self._clock.monotonic_us() + wait_s * 1_000_000)
        while len(self._failed) > _MOST_CLIENTS:
            self._failed.popitem(last=False)

    def passed(self, client: str) -> None:
        """The right password."""
        self._failed.pop(client, None)
