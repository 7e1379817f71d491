"""The class of one row, found in the order in which the ledger decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from yeoul.errors import InputError, StateError
from yeoul.events import Rows, format_duration, iso
from yeoul.flows.explain.explained import Explained
from yeoul.flows.explain.judged import judged
from yeoul.flows.explain.kept import KeptStream
from yeoul.flows.explain.line import Line, Position, lines_with, parse_position, read_line
from yeoul.flows.explain.place import Place, Reading, find_place, reading_of
from yeoul.flows.plan import KafkaPlan, Plan
from yeoul.ingest.contract import Decoder, LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.store import State, read_state
from yeoul.streams import key_text

__all__ = ["explain"]

_SHOWN = 2000
_SEARCHED_BYTES = 256 << 20


def explain(plan: Plan, position: str, stream: str | None = None) -> Explained:
    """How the row at a position was classed, and why.

    Args:
        plan: What the workspace runs.
        position: `FILE:LINE` or `FILE@OFFSET`; the file as it is called now, below the workspace or below the current
            folder. `TOPIC/PARTITION@OFFSET` for a topic.
        stream: Needed when several streams read the file.

    Raises:
        InputError: no such position, or no stream reads that file.
        SourceError: the broker of the topic does not answer.
        StateError: the state cannot be used with this declaration.
    """
    asked = parse_position(position)
    place = find_place(plan, asked.file, stream)
    line = read_line(place.path, asked) if place.partition is None else _message(place, place.partition, asked)
    try:
        state: State | None = read_state(plan.folder / ".yeoul")
    except StateError:
        state = None
    if state is None:
        return _Case(place, line, None).told()
    try:
        state.db.execute("BEGIN")
        told = _Case(place, line, KeptStream(state, place.stream)).told()
        if told.kind == "counted":
            told.notes += judged(state, plan, told.stream, told.key)
        return told
    finally:
        state.close()


def _message(place: Place, partition: int, asked: Position) -> Line:
    source = place.stream.source
    assert isinstance(source, KafkaPlan)
    if asked.offset is None:
        message = f"got a line of `{asked.file}`; legal: the offset of a message, as in `{asked.file}@{asked.line}`"
        raise InputError(message)
    from yeoul.ingest.kafka.message import read_message  # noqa: PLC0415  (its client library is an extra)

    data = read_message(source.bootstrap, source.topic, partition, asked.offset, dict(source.client))
    return Line(None, asked.offset, data, ended=True, header=b"")


class _Case:
    def __init__(self, place: Place, line: Line, kept: KeptStream | None) -> None:
        self._place = place
        self._line = line
        self._kept = kept if kept is not None and kept.known else None
        self._spec = place.stream.spec
        self._decoder: Decoder = build_decoder(self._spec.schema)
        self._rows = self._decode(place.source, line.offset, line.data, line.header)
        self._told = Explained(
            self._spec.name, place.split, place.source, line.number, line.offset, len(line.data), self._raw()
        )

    def told(self) -> Explained:
        told, kept, rows = self._told, self._kept, self._rows
        if len(rows):
            self._show_row()
        if kept is None:
            self._say("not read", "nothing of this stream was read yet: there is no state; `yeoul run` makes it")
            self._foretell("`run` and `replay` would find")
            return told
        told.watermark_us = kept.watermark_us
        reading = reading_of(self._place, kept.positions)
        told.read_to = reading.read_to
        told.split = reading.split or told.split
        told.split_watermark_us = kept.split_watermark_us(told.split)
        if self._is_unread(reading):
            return told
        if self._spec.start == "latest":
            lines = "lines" if self._place.partition is None else "messages"
            told.notes.append(
                f'with `start = "latest"` {lines} that were there before the first start were passed over'
            )
        self._class(kept)
        return told

    def _decode(self, source: str, offset: int, data: bytes, header: bytes) -> Rows:
        return self._decoder.decode(LineBlock(source, offset, data + b"\n", header or None))

    def _raw(self) -> str:
        rows = self._rows
        raw = rows.raw(0) if len(rows) else rows.rejects[0].raw if rows.rejects else self._line.data
        text = raw.decode(errors="backslashreplace")
        return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"

    def _show_row(self) -> None:
        rows, told, spec = self._rows, self._told, self._spec
        told.event_us = int(rows.at_us[0])
        types = {each.name: each.type for each in spec.schema.fields}
        plain = {name: _plain(column[0]) for name, column in rows.columns.items()}
        for name, value in plain.items():
            shown = iso(value) if types[name] == "timestamp" else value
            told.row[name] = "***" if name in spec.schema.redact else shown
        told.key = {name: "***" if name in spec.schema.redact else key_text(plain[name]) for name in spec.keys}

    def _say(self, kind: str, why: str, *, sure: bool = True) -> None:
        self._told.kind, self._told.why, self._told.sure = kind, why, sure

    def _foretell(self, who: str) -> None:
        """What decoding alone says."""
        rows = self._rows
        if rows.rejects:
            self._told.notes.append(f"{who} it invalid: {rows.rejects[0].reason}")
        elif not len(rows):
            self._told.notes.append(f"{who} {self._nothing()}")
        elif (dropped := self._dropped()) is not None:
            self._told.notes.append(f"{who} it filtered: {dropped}")
        else:
            self._told.notes.append(f"{who} a row of {iso(int(rows.at_us[0]))}")

    def _nothing(self) -> str:
        if self._line.data.strip():
            return "no row: the line is the file's header"
        return f"no row: the {'line' if self._place.partition is None else 'message'} is blank"

    def _is_unread(self, reading: Reading) -> bool:
        told, line = self._told, self._line
        told.notes += reading.notes
        if reading.copy_of:
            self._say("copy", f"the file repeats `{reading.copy_of}`, whose bytes are read once; ask for the row there")
        elif reading.read_to is None:
            what = "file" if self._place.partition is None else "partition"
            self._say(
                "not read", f"the {what} is not known to the state: it is empty, unreadable, or nothing of it was read"
            )
            self._foretell("the next run will find")
        elif line.offset >= reading.read_to:
            read_to = reading.read_to
            beyond = f"byte {read_to}, up to where the file"
            if self._place.partition is not None:
                beyond = f"message {read_to - 1}, up to which the partition"
            self._say("not read", f"it lies beyond {beyond} was read at the last checkpoint")
            if not line.ended:
                told.notes.append(
                    "the line has no end yet: it becomes a row when that is written or the file is rotated"
                )
            self._foretell("when it is read, it will be found:")
        else:
            return False
        return True

    def _class(self, kept: KeptStream) -> None:
        told, rows, line = self._told, self._rows, self._line
        times = {int(us[0]) for us in (rows.at_us, rows.fold_us) if us is not None and len(us)}
        raw = rows.raw(0) if len(rows) else rows.rejects[0].raw if rows.rejects else b""
        aside = kept.set_aside(told.split, line.offset, raw) if raw else None
        told.quarantine = None if aside is None else aside.id
        late = kept.late_reason(told.split, line.offset, times) if times else None
        if not len(rows) and not rows.rejects:
            self._say("blank", f"{self._nothing()}; it is in no class of the ledger")
        elif rows.rejects:
            self._say("invalid", rows.rejects[0].reason)
            self._note_quarantine("it is no longer in the quarantine: dropped for its size cap, or taken out")
        elif aside is not None and aside.kind == "invalid":
            self._say("invalid", f"when it was read: {aside.reason}")
            told.notes.append(f"today's declaration reads it: `yeoul quarantine redrive … {aside.id}` counts it")
        elif (dropped := self._dropped()) is not None:
            self._say("filtered", dropped)
        elif kept.is_waiting(told.split, line.offset, times):
            self._say("undecided", "its time is ahead of its neighbours'; it waits until others confirm it or do not")
        elif aside is not None:
            self._say("future", aside.reason)
            self._note_quarantine("")
        elif late is not None:
            self._say("late", late)
        elif not self._is_duplicate(kept):
            self._counted(kept)

    def _note_quarantine(self, otherwise: str) -> None:
        number = self._told.quarantine
        self._told.notes.append(otherwise if number is None else f"it is number {number} in `yeoul quarantine`")

    def _dropped(self) -> str | None:
        """Why the declaration does not want the row."""
        rows, spec = self._rows, self._spec
        if rows.kept is not None and not rows.kept[0]:
            return f"`where = {spec.schema.where}` does not hold"
        if isinstance(spec.start, int) and int(rows.at_us[0]) < spec.start:
            return f"its time {iso(int(rows.at_us[0]))} is before `start`, {iso(spec.start)}"
        return None

    def _is_duplicate(self, kept: KeptStream) -> bool:
        name = self._spec.schema.event_id
        if name is None:
            return False
        if self._place.partition is not None:
            self._say("counted", f"unless its `{name}` came before: other messages are not searched for it", sure=False)
            self._fill_windows(kept)
            return True
        event_id = str(_plain(self._rows.columns[name][0]))
        until_us = self._until_us(int(self._rows.at_us[0]))
        masked = "***" if name in self._spec.schema.redact else event_id
        for source, number, at_us, before in self._same_id(event_id):
            where = f"`{name}` {masked} stands in `{source}` at byte {number} too, with the time {iso(at_us)}"
            if before and self._until_us(at_us) >= until_us:
                self._say("duplicate", f"{where}; that one came first")
            elif before and int(self._rows.at_us[0]) >= self._until_us(at_us) + 2 * self._spec.delay_us:
                # ids are forgotten with their window: such a repeat counts again
                self._told.notes.append(f"{where}, but its window could not change any more when this one came")
                continue
            elif before:
                self._say("duplicate", f"{where}; that one came first, if its window could still change", sure=False)
            else:
                self._say("counted", f"{where}; whichever was read first was counted", sure=False)
                self._fill_windows(kept)
            return True
        return False

    def _until_us(self, at_us: int) -> int:
        """Until when the windows of a row can change."""
        spec = self._spec
        return at_us // spec.slide_us * spec.slide_us + spec.size_us + spec.allowed_lateness_us

    def _same_id(self, event_id: str) -> list[tuple[str, int, int, bool]]:
        """Other rows of this id: file, offset, time, whether it was surely read before. Those of this split first."""
        place, line, found = self._place, self._line, []
        room = _SEARCHED_BYTES
        files = [(str(place.path), self._told.split, True), *((path, split, False) for path, split in place.others)]
        for path, split, own in files:
            room -= Path(path).stat().st_size if Path(path).exists() else 0
            if room < 0 and not own:
                self._told.notes.append("more files were not searched for its event id: they are large")
                break
            older = own or (split == self._told.split and _is_older(path, str(place.path)))
            for offset, data in self._lines(path, event_id.encode(), line.offset if own else None):
                at_us = self._counts(split, path, offset, data, event_id)
                if at_us is not None:
                    found.append((place.source if own else path, offset, at_us, older))
                    break
        return sorted(found, key=lambda one: not one[3])

    @staticmethod
    def _lines(path: str, text: bytes, before: int | None) -> list[tuple[int, bytes]]:
        try:
            return list(lines_with(Path(path), text, before))
        except OSError:
            return []

    def _counts(self, split: str, path: str, offset: int, data: bytes, event_id: str) -> int | None:
        """The time of another line, when it is a row of this id that was not set aside."""
        name = self._spec.schema.event_id or ""
        rows = self._decode(path, offset, data, self._line.header)
        if not len(rows) or (rows.kept is not None and not rows.kept[0]):
            return None
        at_us = int(rows.at_us[0])
        if str(_plain(rows.columns[name][0])) != event_id:
            return None
        assert self._kept is not None
        aside = self._kept.late_reason(split, offset, {at_us}) or self._kept.set_aside(split, offset, rows.raw(0))
        return None if aside else at_us

    def _counted(self, kept: KeptStream) -> None:
        told = self._told
        self._fill_windows(kept)
        missing = [window for window in told.windows if window.closed and window.values is None]
        lateness = self._spec.allowed_lateness_us
        if (
            missing
            and kept.watermark_us is not None
            and missing[0].end_us <= kept.watermark_us - self._spec.retention_us
        ):
            self._say("counted", "it is in no other class that is kept; its window is past retention", sure=False)
        elif missing:
            self._say("counted", "it is in no other class, but its closed window does not hold its key", sure=False)
        elif all(window.closed for window in told.windows):
            self._say("counted", "in a window that is closed")
        else:
            self._say("counted", "in a window that is still open")
        if lateness and any(window.revision for window in told.windows):
            told.notes.append(f"rows up to {format_duration(lateness)} late revise a closed window; this may be one")

    def _fill_windows(self, kept: KeptStream) -> None:
        key = {name: key_text(_plain(self._rows.columns[name][0])) for name in self._spec.keys}
        self._told.windows = kept.windows(int(self._rows.at_us[0]), key)


def _is_older(path: str, than: str) -> bool:
    """Whether a generation of the same split was written before another one."""
    return Path(path).stat().st_mtime_ns <= Path(than).stat().st_mtime_ns


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
