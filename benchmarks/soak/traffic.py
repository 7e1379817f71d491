"""Lines of a large service, as fast as a disk takes them: one template with time, customer, title and hits put in.

Every line has the same 783 bytes, as the simulated service's have on average; which customers and titles are in it is
drawn with a few that are often there and a long tail. `Traffic` also counts what it wrote, for who wants to compare.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

__all__ = ["LINE_BYTES", "Traffic"]

LINE_BYTES = 783
_DAY_US = 86_400_000_000
_SEOUL_US = 9 * 3_600_000_000
_TIME, _CUSTOMER, _TITLE, _HIT, _ID = b"T" * 23, b"C" * 8, b"M" * 7, b"7", b"E" * 16
_DIGITS = np.array([list(f"{number:04d}".encode()) for number in range(10_000)], dtype=np.uint8)


@dataclass
class Traffic:
    """Draws rows and writes them as lines.

    Args:
        customers: at most 10,000,000.
        titles: at most 1,000,000.
        seed: of the random numbers.
        disorder_us: rows are up to so much older than their place says.
        counted: whether to keep the count of every window, customer and title.
        window_us: width of those windows.
    """

    customers: int = 200_000
    titles: int = 20_000
    seed: int = 1
    disorder_us: int = 2_000_000
    counted: bool = False
    window_us: int = 10_000_000
    rows: int = 0
    hits: int = 0
    windows: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """Rows by (start of the window, customer, title)."""

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._template = _template()
        text = self._template.tobytes()
        self._at = {each: text.index(each) for each in (_TIME, _CUSTOMER, _TITLE, _HIT, _ID)}
        self._at[_HIT] = text.index(b'"hit": 7') + 7
        self._template = _with_marks(self._template, self._at[_TIME])

    def lines(self, first_us: int, last_us: int, rows: int) -> bytes:
        """So many rows, evenly from `first_us` to `last_us` (UTC), less the disorder."""
        at_us = np.linspace(first_us, last_us, rows, endpoint=False).astype(np.int64)
        if self.disorder_us:
            at_us -= self._random.integers(0, self.disorder_us, rows)
        # milliseconds are what a line can say
        at_us -= at_us % 1000
        customer = (self.customers * self._random.random(rows) ** 3).astype(np.int64)
        title = (self.titles * self._random.random(rows) ** 3).astype(np.int64)
        hit = self._random.integers(1, 10, rows)
        block = np.repeat(self._template[None, :], rows, axis=0)
        self._put_times(block, at_us)
        self._put(block, _CUSTOMER, 1, customer, 7)
        self._put(block, _TITLE, 1, title, 6)
        block[:, self._at[_HIT]] = ord("0") + hit
        self._put(block, _ID, 0, np.arange(self.rows, self.rows + rows), 16)
        self.rows += rows
        self.hits += int(hit.sum())
        if self.counted:
            start = at_us // self.window_us * self.window_us
            self.windows.update(zip(start.tolist(), customer.tolist(), title.tolist(), strict=True))
        return block.tobytes()

    def _put(self, block: np.ndarray, what: bytes, skip: int, number: np.ndarray, digits: int) -> None:
        """Write numbers with so many digits, four at a time from the right."""
        end = self._at[what] + skip + digits
        while digits > 0:
            take = min(4, digits)
            block[:, end - take : end] = _DIGITS[number % 10_000][:, 4 - take :]
            number, end, digits = number // 10_000, end - take, digits - take

    def _put_times(self, block: np.ndarray, at_us: np.ndarray) -> None:
        """`2026-03-02 20:00:32.246`, as clocks in Seoul show it."""
        local_us = at_us + _SEOUL_US
        begin = self._at[_TIME]
        days, inside_us = np.divmod(local_us, _DAY_US)
        for day in np.unique(days):
            date = datetime.fromtimestamp(int(day) * 86_400, UTC).strftime("%Y-%m-%d ").encode()
            block[days == day, begin : begin + 11] = np.frombuffer(date, dtype=np.uint8)
        inside_ms = inside_us // 1000
        for at, number, width in (
            (11, inside_ms // 3_600_000, 2),
            (14, inside_ms // 60_000 % 60, 2),
            (17, inside_ms // 1000 % 60, 2),
            (20, inside_ms % 1000, 3),
        ):
            block[:, begin + at : begin + at + width] = _DIGITS[number][:, 4 - width :]


def _template() -> np.ndarray:
    members = {
        "cpk": _CUSTOMER.decode(),
        "pfkey": "PF07919",
        "origin": "pus1",
        "base_mck": _TITLE.decode(),
        "year": 2025,
        "genre": "anime",
        "runtime": 3960,
        "hit": 7,
        "eid": _ID.decode(),
        "sid": "88e30aa016047b1b",
        "evt": "heartbeat",
        "pos": 4284,
        "bitrate": 6000,
        "device": "mobile",
        "os": "ios 18.1",
        "player": "avplayer",
        "lang": "ko",
        "net": "wifi",
        "ua": "",
    }
    source = {
        "logdate": "2026-03-02 20:00:32.246",
        "host": "vod-log-02",
        "@version": "1",
        "@fields": {"level": "INFO", "params": members},
    }
    line = {"_index": "player-2026.03.02", "_type": "log", "_source": source}
    text = json.dumps(line).replace(source["logdate"], _TIME.decode())
    members["ua"] = "u" * (LINE_BYTES - 1 - len(text))
    text = json.dumps(line).replace(source["logdate"], _TIME.decode()) + "\n"
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def _with_marks(template: np.ndarray, begin: int) -> np.ndarray:
    """What stands between the digits of a time."""
    for at, mark in ((13, b":"), (16, b":"), (19, b".")):
        template[begin + at] = ord(mark)
    return template
