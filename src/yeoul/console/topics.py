"""The topics of the live feed: how they are called, and their data, checked against the contract."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from yeoul.clock import Clock, SystemClock
from yeoul.console import contract
from yeoul.demo import KINDS
from yeoul.errors import InputError
from yeoul.flows.plan import Lookup
from yeoul.flows.views import EngineSeen, PlantedView, Views

__all__ = ["Answers", "Topic", "parse_scope", "parse_topic"]

_Answer = TypeVar("_Answer")
_PLAIN = ("now", "pipeline", "rankings", "demo")
_NAME = re.compile(r"[\w.\- ]{1,100}")
_MOST_TEXT = 500
_MOST_KNOWN = 1_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, taken apart."""

    name: str
    """As pages call it."""
    kind: str
    id: str = ""
    """Of an incident or ranking."""
    scope: dict[str, str] = field(default_factory=dict)
    """Of a ranking."""


def parse_scope(text: str) -> dict[str, str]:
    """The scope of a ranking, from the JSON of its key fields; empty text: over all.

    Raises:
        InputError: it is none.

    >>> parse_scope('{"cpk":"C1"}'), parse_scope("")
    ({'cpk': 'C1'}, {})
    """
    try:
        return msgspec.json.decode(text, type=dict[str, str]) if text else {}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        message = f"got the scope `{text[:100]}`; legal: a JSON object of key fields and texts, such as " + _EXAMPLE
        raise InputError(message) from None


_EXAMPLE = '`{"cpk":"C1"}`'


def parse_topic(text: str) -> Topic:
    """The topic of that name.

    Raises:
        InputError: there cannot be such a topic.

    >>> parse_topic('ranking:hot:{"cpk":"C1"}').scope
    {'cpk': 'C1'}
    """
    kind, _, rest = text.partition(":")
    if text in _PLAIN:
        return Topic(text, text)
    if len(text) <= _MOST_TEXT:
        if kind == "incident" and _NAME.fullmatch(rest):
            return Topic(text, kind, rest)
        name, _, scope = rest.partition(":")
        if kind == "ranking" and _NAME.fullmatch(name):
            return Topic(text, kind, name, parse_scope(scope))
    message = f"got the topic `{text[:100]}`; legal: {', '.join(_PLAIN)}, incident:ID, ranking:NAME[:SCOPE]"
    raise InputError(message)


class Answers:
    """Makes the data of topics and REST answers; all reading happens in one thread beside the event loop.

    Args:
        folder: the folder of the state file.
        lookups: where names of keys are.
        demo_folder: of a simulated service, if there is one.
        seen: what is known of the engine now.
        clock: the wall clock.
    """

    def __init__(
        self,
        folder: Path,
        lookups: Sequence[Lookup],
        demo_folder: Path | None,
        seen: Callable[[], EngineSeen],
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._views = Views(folder, lookups, self._clock)
        self._planted = None if demo_folder is None else PlantedView(demo_folder)
        self._seen = seen
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="views")
        self._known: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self.problems: list[dict[str, Any]] = []
        """Causes of yellow health that the console itself adds."""

    async def make(self, topics: Sequence[Topic]) -> list[dict[str, Any] | None]:
        """The data of each topic, as of one moment; None for what is not there."""
        seen = self._seen()
        return await self._in_thread(lambda: self._make(topics, seen))

    async def ask(self, what: Callable[[Views, EngineSeen], _Answer]) -> _Answer:
        """An answer that is no topic."""
        seen = self._seen()

        def answer() -> _Answer:
            self._views.refresh(seen)
            return what(self._views, seen)

        return await self._in_thread(answer)

    def close(self) -> None:
        """Let go of the state file."""
        self._thread.submit(self._views.close).result()
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[[], _Answer]) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _make(self, topics: Sequence[Topic], seen: EngineSeen) -> list[dict[str, Any] | None]:
        self._views.refresh(seen)
        return [self._one(topic, seen) for topic in topics]

    def _one(self, topic: Topic, seen: EngineSeen) -> dict[str, Any] | None:
        views = self._views
        shape: type[BaseModel]
        found: dict[str, Any] | None
        match topic.kind:
            case "now":
                shape, found = contract.Now, self._with_problems(views.now(seen))
            case "pipeline":
                shape, found = contract.Pipeline, self._with_problems(views.pipeline(seen))
            case "rankings":
                shape, found = contract.Rankings, views.rankings(seen)
            case "incident":
                shape, found = contract.IncidentDetail, views.incident(topic.id)
            case "ranking":
                shape, found = contract.Ranking, views.ranking(seen, topic.id, topic.scope)
            case _:
                shape, found = contract.Demo, self._demo()
        return None if found is None else self._checked(topic.name, shape, found)

    def _checked(self, name: str, shape: type[BaseModel], found: dict[str, Any]) -> dict[str, Any]:
        """What was found, as the contract says; what is the same object as last time is not checked again."""
        known = self._known.get(name)
        if known is None or known[0] is not found:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = (found, shape.model_validate(found).model_dump(exclude_none=True))
        return known[1]

    def _demo(self) -> dict[str, Any] | None:
        planted = self._planted
        if planted is None:
            return None
        members = ("target", "magnitude", "lowest", "highest", "duration_s")
        now_us = self._clock.now_us()
        names = self._views.names
        return {
            "kinds": {name: {each: getattr(kind, each) for each in members} for name, kind in KINDS.items()},
            "planted": self._views.read(lambda db: planted.rows(db, names, now_us), None)
            or planted.rows(None, names, now_us),
        }

    def _with_problems(self, found: dict[str, Any]) -> dict[str, Any]:
        if self.problems:
            health = found["health"]
            worst = "yellow" if health["status"] == "green" else health["status"]
            found["health"] = {"status": worst, "causes": health["causes"] + self.problems}
        return found
