"""The quarantine: lines that are no rows, kept with their reason until somebody mends the cause and redrives them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from yeoul.errors import InputError
from yeoul.events import Reject

__all__ = ["Kept", "Quarantine", "Tally", "plain_reason"]

_CAP_BYTES = 64 << 20
_RAW_BYTES = 1 << 20
_ROW_BYTES = 256
"""What an item is taken to weigh beside its line: reason, source, numbers."""
_BYTES_KEY = "quarantine.bytes"
_DROPPED_KEY = "quarantine.dropped."
_COLUMNS = "id, stream, split, source, position, kind, reason, raw, size, at_us, header"
_KEPT_BYTES = "length(raw) + coalesce(length(header), 0)"
_GOT = re.compile(r"(?<=got )(the text )?`[^`]*`|(?<=byte )`?\w+`?|^the line has `\d+`")


@dataclass(frozen=True, slots=True)
class Kept:
    """One item of the quarantine."""

    id: int
    stream: str
    split: str
    source: str
    position: int
    """Byte offset of the line in `source` (uncompressed), or message offset."""
    kind: str
    """`invalid` or `future`."""
    reason: str
    raw: bytes
    """The line without its end, declared fields masked, cut at 1 MiB."""
    size_bytes: int
    """Bytes of the line before it was cut."""
    at_us: int
    """Wall time when it was set aside, UTC microseconds."""
    header: bytes | None = None
    """The first line of its file, where the line cannot be read without it."""

    @property
    def redrivable(self) -> bool:
        """Whether the line is whole, so that it can be decoded again."""
        return self.size_bytes == len(self.raw)


@dataclass(frozen=True, slots=True)
class Tally:
    """Items, and the bytes of their lines."""

    rows: int = 0
    bytes: int = 0


class Quarantine:
    """The items of all streams, in the state file. What writes does so inside the caller's transaction.

    When the lines (with their headers, and 256 bytes an item) outgrow `cap_bytes`, the oldest go, and how many went
    stays known.

    >>> from yeoul.store import scratch_state
    >>> import tempfile, pathlib
    >>> state = scratch_state(pathlib.Path(tempfile.mkdtemp()))
    >>> kept = Quarantine(state.db)
    >>> with state.transaction():
    ...     kept.add("hits", "a.log", [Reject("a.log", 0, "the line is not JSON", b"oops")], at_us=1)
    >>> [item.raw for item in kept.find(stream="hits")]
    [b'oops']
    >>> state.close()
    """

    def __init__(self, db: sqlite3.Connection, cap_bytes: int = _CAP_BYTES) -> None:
        self._db = db
        self._cap = cap_bytes

    def add(self, stream: str, split: str, rejects: Sequence[Reject], at_us: int) -> None:
        """Set rejects aside. Cheapest with many at a time."""
        if not rejects:
            return
        rows = [
            (
                stream,
                split,
                one.source,
                one.position,
                one.kind,
                one.reason,
                one.raw[:_RAW_BYTES],
                len(one.raw),
                at_us,
                one.header,
            )
            for one in rejects
        ]
        self._db.executemany(
            "INSERT INTO quarantine (stream, split, source, position, kind, reason, raw, size, at_us, header) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        weight = self._weight() + sum(len(row[6]) + len(row[9] or b"") + _ROW_BYTES for row in rows)
        self._note(_BYTES_KEY, weight)
        if weight > self._cap:
            self._drop_oldest(weight)

    def find(
        self,
        stream: str | None = None,
        kind: str | None = None,
        reason: str | None = None,
        limit: int = 50,
    ) -> list[Kept]:
        """Newest first; `reason` is a part of the reason's text, in any case of letters."""
        wanted = [("stream = ?", stream), ("kind = ?", kind), ("instr(lower(reason), lower(?)) > 0", reason)]
        given = [(sql, value) for sql, value in wanted if value is not None]
        where = " AND ".join(sql for sql, _ in given) or "1"
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE {where} ORDER BY id DESC LIMIT ?",
            (*(value for _, value in given), limit),
        )
        return [Kept(*row) for row in found]

    def show(self, number: int) -> Kept:
        """One item.

        Raises:
            InputError: there is none of this number.
        """
        row = self._db.execute(f"SELECT {_COLUMNS} FROM quarantine WHERE id = ?", (number,)).fetchone()
        if row is None:
            message = (
                f"got the quarantine item `{number}`, which is not there; `yeoul quarantine list` shows those that are"
            )
            raise InputError(message)
        return Kept(*row)

    def tally(self, stream: str) -> Tally:
        """What is kept of a stream."""
        return Tally(
            *self._db.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM quarantine WHERE stream = ?", (stream,)
            ).fetchone()
        )

    def dropped(self, stream: str) -> Tally:
        """What of a stream had to go because of the cap, since the state was made."""
        noted = self._noted(_DROPPED_KEY + stream)
        return Tally(*json.loads(noted)) if noted else Tally()

    def reasons(self, stream: str) -> dict[str, int]:
        """Items by plain reason, most frequent first."""
        counts: dict[str, int] = {}
        found = self._db.execute("SELECT reason, count(*) FROM quarantine WHERE stream = ? GROUP BY reason", (stream,))
        for reason, count in found:
            plain = plain_reason(reason)
            counts[plain] = counts.get(plain, 0) + count
        return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))

    def take(self, stream: str, ids: Iterable[int] | None = None) -> list[Kept]:
        """The whole lines that can be driven again, in the order in which they came; all of the stream without `ids`.

        They stay until `remove` is called with their numbers, in the transaction that books what they became.
        """
        wanted = None if ids is None else set(ids)
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM quarantine WHERE stream = ? AND size = length(raw) ORDER BY id",
            (stream,),
        )
        return [Kept(*row) for row in found if wanted is None or row[0] in wanted]

    def remove(self, ids: Iterable[int]) -> None:
        """Forget items; numbers that are not there are passed over."""
        gone = 0
        for number in ids:
            row = self._db.execute(f"DELETE FROM quarantine WHERE id = ? RETURNING {_KEPT_BYTES}", (number,)).fetchone()
            gone += row[0] + _ROW_BYTES if row else 0
        self._note(_BYTES_KEY, max(self._weight() - gone, 0))

    def _drop_oldest(self, weight: int) -> None:
        last = 0
        gone: dict[str, Tally] = {}
        # a little more than needed, so that a flood does not come here with every line
        enough = self._cap - self._cap // 16
        for number, stream, kept, size in self._db.execute(
            f"SELECT id, stream, {_KEPT_BYTES}, size FROM quarantine ORDER BY id"
        ):
            if weight <= enough:
                break
            last = number
            weight -= kept + _ROW_BYTES
            before = gone.get(stream, Tally())
            gone[stream] = Tally(before.rows + 1, before.bytes + size)
        self._db.execute("DELETE FROM quarantine WHERE id <= ?", (last,))
        self._note(_BYTES_KEY, weight)
        for stream, more in gone.items():
            before = self.dropped(stream)
            self._note(_DROPPED_KEY + stream, json.dumps([before.rows + more.rows, before.bytes + more.bytes]))

    def _weight(self) -> int:
        return int(self._noted(_BYTES_KEY) or 0)

    def _noted(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _note(self, key: str, value: object) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, str(value)))


def plain_reason(reason: str) -> str:
    """A reason without what was got: reasons that differ only in that are one.

    >>> plain_reason("`hit`: got the text `x1`; legal: an integer")
    '`hit`: got …; legal: an integer'
    """
    return _GOT.sub("…", reason)
