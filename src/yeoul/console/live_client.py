"""The console's ear at the engine: its newest message, whether it lives, and requests to it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from yeoul.clock import Clock, SystemClock
from yeoul.errors import BusyError, InputError
from yeoul.flows.views import EngineSeen, Live, parse_live

__all__ = ["LiveClient"]

_SOCKET = "live.sock"
_LINE_LIMIT_BYTES = 16 << 20
_PATH_LIMIT_BYTES = 100
"""A socket's address may hold 107 bytes; a deeper folder is reached by way of an open handle of it."""
_RETRY_S = (0.1, 0.2, 0.5, 1.0)
_SILENT_US = 5_000_000


class LiveClient:
    """Stays connected to the engine of a state folder, whether it runs yet or not.

    Args:
        folder: holds the engine's socket.
        changed: called after each message, and when the engine comes or goes.
        clock: the wall clock.
    """

    def __init__(self, folder: Path, changed: Callable[[], None], clock: Clock | None = None) -> None:
        self._folder = folder
        self._changed = changed
        self._clock = clock or SystemClock()
        self._live: Live | None = None
        self._heard_us = 0
        self._stopped_us: int | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @property
    def seen(self) -> EngineSeen:
        """What is known of the engine now."""
        if self._live is None:
            return EngineSeen("stopped", self._stopped_us)
        if self._clock.monotonic_us() - self._heard_us > _SILENT_US:
            return EngineSeen("silent", self._live.at_us, self._live)
        return EngineSeen("running", self._live.started_us, self._live)

    async def run(self) -> None:
        """Listen until cancelled."""
        tries = 0
        while True:
            try:
                with _short(self._folder / _SOCKET) as address:
                    reader, self._writer = await asyncio.open_unix_connection(address, limit=_LINE_LIMIT_BYTES)
            except (OSError, ValueError):
                await asyncio.sleep(_RETRY_S[min(tries, len(_RETRY_S) - 1)])
                tries += 1
                continue
            tries = 0
            try:
                await self._listen(reader)
            finally:
                self._lose()

    async def request(self, op: str, args: dict[str, Any], timeout_s: float = 30.0) -> dict[str, Any] | None:
        """Ask the engine for something; None when it has not answered in time (it may do it still).

        Raises:
            BusyError: no engine runs.
        """
        if self._writer is None:
            message = "the engine does not run, so nothing can be asked of it; start it with `yeoul run`"
            raise BusyError(message)
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(msgspec.json.encode({"id": number, "op": op, "args": args}) + b"\n")
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            return None
        except ConnectionError:
            message = "the engine stopped before it answered"
            raise BusyError(message) from None
        finally:
            self._waiting.pop(number, None)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await reader.readline()
            except (OSError, ValueError):
                return
            if not line.endswith(b"\n"):
                return
            self._take(line)

    def _take(self, line: bytes) -> None:
        if line.startswith((b'{"id"', b'{"ok"')):
            self._answer(line)
            return
        with contextlib.suppress(InputError):
            self._live = parse_live(line)
            self._heard_us = self._clock.monotonic_us()
            self._changed()

    def _answer(self, line: bytes) -> None:
        with contextlib.suppress(msgspec.MsgspecError, TypeError):
            answer = msgspec.json.decode(line)
            waiting = self._waiting.get(answer.get("id"))
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

    def _lose(self) -> None:
        """The connection is gone: who waits for an answer is told, pages are too."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())
        if self._live is not None:
            self._live = None
            self._stopped_us = self._clock.now_us()
            self._changed()


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """The address of a socket, short enough for the system."""
    if len(os.fsencode(path)) <= _PATH_LIMIT_BYTES:
        yield str(path)
        return
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{path.name}"
    finally:
        os.close(handle)
