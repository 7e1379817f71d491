"""The engine's message as its readers take it: typed, and forgiving about members that are missing."""

from __future__ import annotations

from typing import Any

import msgspec

from yeoul.errors import InputError

__all__ = ["Live", "LivePartial", "LivePlace", "LiveSplit", "LiveStream", "parse_live"]


class LiveHealth(msgspec.Struct, frozen=True):
    """How the engine feels."""

    status: str = "green"
    causes: list[dict[str, Any]] = []


class LiveSplit(msgspec.Struct, frozen=True):
    """One split as it is being read."""

    name: str
    status: str
    front_us: int | None = None
    watermark_us: int | None = None
    backlog_bytes: int | None = None
    backlog_messages: int | None = None
    source: str = ""
    offset: int | None = None
    lag_s: float | None = None
    ledger: dict[str, int] = {}


class LivePartial(msgspec.Struct, frozen=True):
    """The window that fills now."""

    start_us: int
    rows: int = 0


class LiveStream(msgspec.Struct, frozen=True):
    """One stream as it runs."""

    rate_eps: float | None = None
    bytes_per_s: float | None = None
    watermark_us: int | None = None
    newest_us: int | None = None
    lag_s: float | None = None
    backlog_bytes: int | None = None
    backlog_messages: int | None = None
    open_windows: int | None = None
    keys: int | None = None
    log_seq: int | None = None
    splits: list[LiveSplit] = []
    ledger: dict[str, int] = {}
    partial: LivePartial | None = None


class LivePlace(msgspec.Struct, frozen=True):
    """One place of a ranking over all."""

    place: int
    key: dict[str, Any]
    score: float = 0.0
    count: float = 0.0
    trend: float = 0.0
    movement: str = "same"


class LiveCheckpoint(msgspec.Struct, frozen=True):
    """The engine's last commit; without `seq` there was none yet."""

    seq: int | None = None
    at_us: int = 0
    duration_ms: float = 0.0
    state_bytes: int = 0


class Live(msgspec.Struct, frozen=True):
    """A message of the engine."""

    at_us: int
    pid: int
    started_us: int
    health: LiveHealth = LiveHealth()
    checkpoint: LiveCheckpoint = LiveCheckpoint()
    streams: dict[str, LiveStream] = {}
    ranks: dict[str, list[LivePlace]] = {}
    watches: dict[str, dict[str, Any]] = {}
    """What the alarm policy of each detect block did lately."""

    @property
    def log_seq(self) -> int:
        """Newest entry of the results log at the last commit."""
        return self.checkpoint.seq or 0


_decode = msgspec.json.Decoder(Live).decode


def parse_live(line: bytes) -> Live:
    """The message on a line.

    Raises:
        InputError: it is none.

    >>> parse_live(b'{"at_us": 5, "pid": 1, "started_us": 2, "streams": {"hits": {"keys": 10}}}').streams["hits"].keys
    10
    """
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"got `{line[:80].decode(errors='replace')}`, which is no message of an engine ({error})"
        raise InputError(message) from None
