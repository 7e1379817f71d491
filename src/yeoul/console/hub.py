"""The topics that are being read: each is made once a change, for all readers, and never queued for any."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from typing import Any

import msgspec

from yeoul.console.merge_patch import merge_patch
from yeoul.console.topics import Answers, Topic

__all__ = ["Hub", "Reader"]

_TICK_S = 1.0
_LEAST_PAUSE_S = 0.1
_PAUSE_OVER_WORK = 4
"""After a round of work so many times its duration is left for other things."""
_FETCHED_FRESH_S = 0.2
_MOST_TOPICS = 500
_log = logging.getLogger("yeoul.console")


class Reader:
    """One page: which version of each of its topics it holds."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        """Version by topic; 0 before the first."""
        self.wake = asyncio.Event()


class _Followed:
    """A topic with readers, its newest version and how it is told."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.readers: set[Reader] = set()
        self.version = 0
        self.base = 0
        self.data: dict[str, Any] | None = None
        self.made = False
        self._snapshot: str | None = None
        self._delta: str | None = None

    def take(self, data: dict[str, Any] | None, version: int) -> bool:
        """Take newly made data; whether it says something new."""
        patch: dict[str, Any] | None = None
        if self.made and data is self.data:
            return False
        if self.made and data is not None and self.data is not None:
            patch = merge_patch(self.data, data)
            if not patch:
                return False
        self.base = self.version if patch is not None else 0
        self.made, self.version, self.data = True, version, data
        self._snapshot = None
        self._delta = None if patch is None else self._message("delta", base=self.base, data=patch)
        return True

    def message(self, held: int) -> str:
        """What a reader that holds version `held` is to be sent."""
        if self._delta is not None and held == self.base:
            return self._delta
        if self._snapshot is None:
            if self.data is None:
                error = {"code": "not_found", "params": {}, "message": f"there is no `{self.topic.name}`"}
                self._snapshot = self._message("error", error=error)
            else:
                self._snapshot = self._message("snapshot", data=self.data)
        return self._snapshot

    def _message(self, kind: str, **members: Any) -> str:
        message = {"topic": self.topic.name, "kind": kind, "seq": self.version, **members}
        return msgspec.json.encode(message).decode()


class Hub:
    """Makes topics anew when the engine has said something, and wakes their readers.

    Args:
        answers: makes their data.
        changed: set when the engine has said something.
    """

    def __init__(self, answers: Answers, changed: asyncio.Event) -> None:
        self._answers = answers
        self._followed: dict[str, _Followed] = {}
        self._versions = itertools.count(1)
        self._changed = changed
        self._fetched: dict[str, tuple[float, asyncio.Task[dict[str, Any] | None]]] = {}
        self._firsts: set[asyncio.Task[None]] = set()
        self.sent = 0
        """Messages given to readers."""
        self.coalesced = 0
        """Snapshots given because a reader was too slow for deltas."""

    @property
    def readers(self) -> int:
        """How many pages read at least one topic."""
        return len({reader for each in self._followed.values() for reader in each.readers})

    async def run(self) -> None:
        """Work until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with asyncio.timeout(_TICK_S):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            started = loop.time()
            try:
                await self._round(list(self._followed.values()))
            except Exception:  # noqa: BLE001 - whatever it is, pages must not stand still: the next change is tried
                _log.exception("topics could not be made")
            await asyncio.sleep(max(_LEAST_PAUSE_S, _PAUSE_OVER_WORK * (loop.time() - started)))

    def follow(self, reader: Reader, topics: Iterable[Topic]) -> list[Topic]:
        """Let a reader have these topics and no others; returns those for which there is no room."""
        wanted = {topic.name: topic for topic in topics}
        for name in list(reader.held):
            if name not in wanted:
                self._leave(reader, name)
        refused = []
        for name, topic in wanted.items():
            if name in reader.held:
                continue
            if name not in self._followed:
                if len(self._followed) >= _MOST_TOPICS:
                    refused.append(topic)
                    continue
                self._first(topic)
            followed = self._followed[name]
            followed.readers.add(reader)
            reader.held[name] = 0
            if followed.made:
                reader.wake.set()
        return refused

    def leave(self, reader: Reader) -> None:
        """A reader is gone."""
        for name in list(reader.held):
            self._leave(reader, name)

    def due(self, reader: Reader) -> str | None:
        """The next message for a reader; None when it has everything."""
        for name, held in reader.held.items():
            followed = self._followed[name]
            if followed.version != held:
                message = followed.message(held)
                # to the end: with a slow reader no topic starves the others
                del reader.held[name]
                reader.held[name] = followed.version
                self.sent += 1
                if held and followed.base != held and followed.data is not None:
                    self.coalesced += 1
                return message
        return None

    async def fetch(self, topic: Topic) -> dict[str, Any] | None:
        """A topic's data for REST; askers at about the same time share one answer."""
        now = asyncio.get_running_loop().time()
        self._fetched = {
            name: held for name, held in self._fetched.items() if not held[1].done() or now - held[0] < _FETCHED_FRESH_S
        }
        if topic.name not in self._fetched:
            self._fetched[topic.name] = (now, asyncio.create_task(self._make_one(topic)))
        return await asyncio.shield(self._fetched[topic.name][1])

    async def _make_one(self, topic: Topic) -> dict[str, Any] | None:
        return (await self._answers.make([topic]))[0]

    def _leave(self, reader: Reader, name: str) -> None:
        reader.held.pop(name, None)
        followed = self._followed.get(name)
        if followed is not None:
            followed.readers.discard(reader)
            if not followed.readers:
                del self._followed[name]

    def _first(self, topic: Topic) -> None:
        """Make a topic that nobody had, without waiting for the next change."""
        followed = self._followed[topic.name] = _Followed(topic)
        task = asyncio.create_task(self._round([followed]))
        self._firsts.add(task)
        task.add_done_callback(self._firsts.discard)

    async def _round(self, followed: list[_Followed]) -> None:
        if not followed:
            return
        made = await self._answers.make([each.topic for each in followed])
        for each, data in zip(followed, made, strict=True):
            if each.take(data, next(self._versions)):
                for reader in each.readers:
                    reader.wake.set()
