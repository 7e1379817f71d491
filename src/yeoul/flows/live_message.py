"""What a running engine tells its listeners: rates, times, splits, ledgers, health, what is hot."""

from __future__ import annotations

import json
import os
from collections import deque
from typing import Any

from yeoul.flows.engine import Engine
from yeoul.flows.feed import Feed
from yeoul.flows.ranking import RankFlow
from yeoul.flows.watching import DetectFlow
from yeoul.streams.front import NEVER

__all__ = ["LiveMessage"]

_RATE_OVER_US = 5_000_000
_BEHIND_BYTES = 64 << 20


class LiveMessage:
    """Builds the messages of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._started_us = engine.clock.now_us()
        self._past: dict[str, deque[tuple[int, int, int]]] = {}
        self._ranks: dict[str, tuple[int, list[dict[str, Any]]]] = {}

    def make(self, causes: list[dict[str, Any]]) -> dict[str, Any]:
        """A message; `causes` say what is wrong with the engine itself."""
        engine = self._engine
        streams = {name: self._stream(name, feed) for name, feed in engine.feeds.items()}
        causes = causes + [cause for name, feed in engine.feeds.items() for cause in _causes(name, feed, streams[name])]
        worst = "red" if any(each["level"] == "red" for each in causes) else "yellow" if causes else "green"
        return {
            "at_us": engine.clock.now_us(),
            "pid": os.getpid(),
            "started_us": self._started_us,
            "health": {
                "status": worst,
                "causes": [{"code": each["code"], "params": each["params"]} for each in causes],
            },
            "checkpoint": {**engine.checkpoint, "state_bytes": _size(engine)},
            "streams": streams,
            "ranks": {each.block.name: self._places(each) for each in engine.consumers if isinstance(each, RankFlow)},
            "watches": {each.block.name: each.status() for each in engine.consumers if isinstance(each, DetectFlow)},
        }

    def _places(self, flow: RankFlow) -> list[dict[str, Any]]:
        seen = self._ranks.get(flow.name)
        if seen is None or seen[0] != flow.newest_us:
            rows = [{**row, "key": json.loads(row["key"])} for row in flow.rows(flow.places())]
            seen = self._ranks[flow.name] = (flow.newest_us, rows)
        return seen[1]

    def _stream(self, name: str, feed: Feed) -> dict[str, Any]:
        now = self._engine.clock.now_us()
        clocks = feed.stream.clocks
        book = feed.ledger()
        past = self._past.setdefault(name, deque())
        past.append((self._engine.clock.monotonic_us(), book.read, book.bytes))
        while len(past) > 2 and past[-1][0] - past[1][0] >= _RATE_OVER_US:
            past.popleft()
        seconds = max((past[-1][0] - past[0][0]) / 1e6, 1e-6)
        fronts = [clock.front.at_us for clock in clocks.splits.values() if clock.front.started]
        newest = max(fronts, default=None)
        panes = feed.stream.windows.panes
        oldest = min((pane for pane, _ in panes), default=None)
        return {
            "rate_eps": round((past[-1][1] - past[0][1]) / seconds, 1),
            "bytes_per_s": round((past[-1][2] - past[0][2]) / seconds, 1),
            "watermark_us": None if clocks.combined_us == NEVER else clocks.combined_us,
            "newest_us": newest,
            "lag_s": None if newest is None else round((now - newest) / 1e6, 3),
            "backlog_bytes": feed.backlog_bytes(),
            "backlog_messages": feed.backlog_messages(),
            "open_windows": len({pane for pane, _ in panes}),
            "keys": sum(len(table) for table in feed.stream.keys.values()),
            "log_seq": self._engine.seq - 1,
            "splits": [self._split(feed, split, now) for split in sorted(clocks.splits)],
            "ledger": book.as_dict(),
            "partial": None
            if oldest is None
            else {
                "start_us": oldest * feed.spec.slide_us,
                "rows": sum(part.rows for (pane, _), parts in panes.items() if pane == oldest for part in parts),
            },
        }

    def _split(self, feed: Feed, name: str, now_us: int) -> dict[str, Any]:
        clock = feed.stream.clocks.splits[name]
        reading = feed.reading(name)
        return {
            "name": name,
            "status": reading.status,
            "front_us": clock.front.at_us if clock.front.started else None,
            "watermark_us": None if clock.watermark_us == NEVER else clock.watermark_us,
            "backlog_bytes": reading.backlog_bytes,
            "backlog_messages": reading.backlog_messages,
            "source": reading.source,
            "offset": reading.offset,
            "lag_s": round((now_us - clock.front.at_us) / 1e6, 3) if clock.front.started else None,
            "ledger": feed.stream.ledger[name].as_dict(),
        }


def _size(engine: Engine) -> int:
    folder = engine.state.folder
    paths = (folder / "state.db", folder / "state.db-wal")
    return sum(path.stat().st_size for path in paths if path.exists())


def _causes(name: str, feed: Feed, shown: dict[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with a stream, worst first."""
    found = []
    if not feed.stream.clocks.splits:
        found.append({"level": "yellow", "code": "no_input", "params": {"stream": name}})
    elif shown["backlog_bytes"] > _BEHIND_BYTES:
        params = {"stream": name, "backlog_bytes": shown["backlog_bytes"], "lag_s": shown["lag_s"]}
        found.append({"level": "yellow", "code": "catching_up", "params": params})
    elif feed.all_idle:
        found.append(
            {"level": "yellow", "code": "all_silent", "params": {"stream": name, "since_us": shown["newest_us"]}}
        )
    if stalled := feed.stalled():
        params = {"stream": name, "source": stalled[0], "sources": len(stalled)}
        found.append({"level": "red", "code": "source_unreadable", "params": params})
    book = shown["ledger"]
    if book["read"] >= 1000 and book["invalid"] > 0.05 * book["read"]:
        share = round(book["invalid"] / book["read"], 4)
        found.append({"level": "yellow", "code": "many_invalid", "params": {"stream": name, "share": share}})
    return found
