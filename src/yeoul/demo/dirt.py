"""What goes wrong between an event and its line: repeats, clocks in the future, lines that are no rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.config import ServiceConfig
from yeoul.demo.hashing import mixed, share_of
from yeoul.demo.traffic import CELL_US, Plays

__all__ = ["repeat_some", "set_clocks", "spoil"]

_DAY_US = 86_400_000_000
_AHEAD_US = np.array([240_000_000, _DAY_US, 365 * _DAY_US], dtype=np.int64)
_REPEAT_US = 5_000_000
_GARBAGE = (
    b"\xff\xfe\x00\x80 broken \xf0\x28\x8c\x28\n",
    b"null\n",
    b"[]\n",
    b"{}\n",
    b"Traceback (most recent call last):\n",
    b"-- log rotated --\n",
    b'{"_index": "player", "_type": "log", "_source": "restarting"}\n',
)
_BAD_HITS = (b'"many"', b"[1]", b"{}", b'"1.5x"')
_BAD_DATES = (b"yesterday", b"2026-13-45", b"02/03/26", b"", b"-")


def repeat_some(plays: Plays, share: float) -> Plays:
    """Add a second copy of a share of the plays, written up to 5 s later (within the same cell)."""
    if not share:
        return plays
    again = plays[share_of(plays["eid"], 10) < share]
    room_us = np.minimum(CELL_US - 1 - again["written_us"] % CELL_US, _REPEAT_US)
    again["written_us"] += (share_of(again["eid"], 11) * room_us).astype(np.int64)
    return np.concatenate([plays, again])


def set_clocks(plays: Plays, share: float) -> None:
    """Write what each device's clock says: the time of the event, or for a share of them well ahead of it."""
    plays["logged_us"] = plays["at_us"]
    if share:
        ahead = np.flatnonzero(share_of(plays["eid"], 12) < share)
        plays["logged_us"][ahead] += _AHEAD_US[mixed(plays["eid"][ahead], 13) % np.uint64(3)]


def spoil(records: NDArray[np.void], ids: NDArray[np.uint64], config: ServiceConfig) -> None:
    """Damage a share of rendered lines in place; records are NUL-padded, and NULs do not reach the file."""
    if not config.malformed:
        return
    whole = records.view(np.uint8).reshape(len(records), -1)
    for row in np.flatnonzero(share_of(ids, 14) < config.malformed).tolist():
        bits = int(mixed(ids[row : row + 1], 15)[0])
        _WAYS[bits % len(_WAYS)](records[row : row + 1], whole[row], bits >> 8)


def _truncate(_record: Any, line: NDArray[np.uint8], bits: int) -> None:
    written = np.flatnonzero(line)
    # a strict beginning of a JSON object is never JSON
    line[written[1 + bits % (len(written) - 2) :]] = 0
    line[-1] = ord("\n")


def _garble(_record: Any, line: NDArray[np.uint8], bits: int) -> None:
    text = np.frombuffer(_GARBAGE[bits % len(_GARBAGE)], np.uint8)
    line[:] = 0
    line[: len(text)] = text


def _mistype_hit(record: Any, _line: NDArray[np.uint8], bits: int) -> None:
    record["hit"] = _BAD_HITS[bits % len(_BAD_HITS)]


def _misdate(record: Any, _line: NDArray[np.uint8], bits: int) -> None:
    for part in ("gap", "time", "dot", "ms"):
        record[part] = b""
    record["day"] = _BAD_DATES[bits % len(_BAD_DATES)]


def _lose_customer(record: Any, _line: NDArray[np.uint8], _bits: int) -> None:
    record["customer"] = b'"pfkey": null, '


_WAYS = (_truncate, _garble, _mistype_hit, _misdate, _lose_customer)
