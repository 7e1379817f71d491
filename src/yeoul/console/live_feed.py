"""The one WebSocket of a page: it says which topics it wants, and is sent their newest versions as fast as it reads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

import msgspec
from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from yeoul.console.hub import Hub, Reader
from yeoul.console.requests import ClientMessage
from yeoul.console.sessions import Session, Sessions
from yeoul.console.topics import Topic, parse_topic
from yeoul.errors import InputError

__all__ = ["live_feed"]

_MOST_READERS = 2_000
_MESSAGES_PER_10_S = 100
_SIGNED_OUT = 4401


def live_feed(hub: Hub, sessions: Sessions) -> APIRouter:
    """The route `/api/live`."""
    router = APIRouter()
    open_sockets: set[WebSocket] = set()

    @router.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        session: Session | None = socket.scope["state"]["session"]
        if sessions.needs_password and session is None:
            await socket.close(_SIGNED_OUT)
            return
        await socket.accept()
        if len(open_sockets) >= _MOST_READERS:
            await socket.close(1013)
            return
        open_sockets.add(socket)
        reader = Reader()
        page = _Page(socket, hub, reader, lambda: not sessions.needs_password or _lasts(sessions, session))
        try:
            async with asyncio.TaskGroup() as tasks:
                sending = tasks.create_task(page.send())
                await page.listen()
                sending.cancel()
        except* (WebSocketDisconnect, RuntimeError, OSError):
            # the page has gone while something was sent to it
            pass
        finally:
            hub.leave(reader)
            open_sockets.discard(socket)

    return router


def _lasts(sessions: Sessions, session: Session | None) -> bool:
    return session is not None and sessions.find(session.token) is not None


class _Page:
    def __init__(self, socket: WebSocket, hub: Hub, reader: Reader, may_read: Callable[[], bool]) -> None:
        self._socket = socket
        self._hub = hub
        self._reader = reader
        self._may_read = may_read
        self._errors: list[str] = []
        self._heard_s: list[float] = []

    async def listen(self) -> None:
        """Take the page's wishes until it goes or misbehaves."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            now_s = time.monotonic()
            self._heard_s = [heard_s for heard_s in self._heard_s if now_s - heard_s < 10] + [now_s]
            if len(self._heard_s) > _MESSAGES_PER_10_S:
                await self._close(1008)
                return
            self._take(message.get("text") or "")

    async def send(self) -> None:
        """Give the page what is due, one message at a time: the next is chosen when the last one is on its way."""
        while True:
            await self._reader.wake.wait()
            self._reader.wake.clear()
            while True:
                text = self._errors.pop(0) if self._errors else self._hub.due(self._reader)
                if text is None:
                    break
                if not self._may_read():
                    await self._close(_SIGNED_OUT)
                    return
                await self._socket.send_text(text)

    def _take(self, text: str) -> None:
        try:
            wanted = ClientMessage.model_validate_json(text).subscribe
        except (ValidationError, UnicodeError) as error:
            self._say(None, "bad_message", f'legal: {{"subscribe": ["now", …]}} ({str(error).splitlines()[0]})')
            return
        topics: list[Topic] = []
        for name in wanted:
            try:
                topics.append(parse_topic(name))
            except InputError as error:
                self._say(name, "unknown_topic", str(error))
        for refused in self._hub.follow(self._reader, topics):
            self._say(refused.name, "too_many", "too many topics are being read; close some pages")

    def _say(self, topic: str | None, code: str, message: str) -> None:
        error = {"code": code, "params": {}, "message": message}
        said = {"topic": topic if topic is None else topic[:100], "kind": "error", "seq": 0, "error": error}
        self._errors = [*self._errors[-31:], msgspec.json.encode(said).decode()]
        self._reader.wake.set()

    async def _close(self, code: int) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._socket.close(code)
