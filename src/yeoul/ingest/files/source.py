"""The source itself: looks at the folder, keeps the lineages, hands out blocks, says what happened."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from yeoul.clock import Clock, SystemClock
from yeoul.errors import InputError
from yeoul.ingest.contract import LineBlock, Notice
from yeoul.ingest.files.content import Content
from yeoul.ingest.files.folder import Entry, Folder, Stat, in_rotation_order
from yeoul.ingest.files.generation import ChangedError, Generation, digest, mark_of
from yeoul.ingest.files.handles import Handles, is_recent
from yeoul.ingest.files.lineage import Lineage
from yeoul.ingest.files.matching import Matching
from yeoul.ingest.files.names import RotatedName
from yeoul.ingest.files.reports import Reports

__all__ = ["FileSource"]

_LINGER_US = 60_000_000
"""How long a deleted file is kept open after its last byte."""
_ATTEMPTS = 6
"""Listings in one poll: a rename during a listing hides a file or shows it twice."""
_FOREIGN = RotatedName("", "other", (0, 0), sure=True)


class FileSource:
    r"""Tails the files of a glob, with every kind of rotation, and goes on exactly where a position says.

    Args:
        pattern: glob relative to `folder` (or absolute); rotated siblings of matching names belong too.
        folder: the workspace; names of splits are relative to it.
        resume: positions by split name. None: a fresh start; then `start` decides. Anything else, also `{}`: a restart.
        start: `earliest`, or `latest`: what exists at the first poll of a fresh start is not read.
        keep_header: give each block the first line of its generation, without its end.
        max_line_bytes: a longer line comes out as its first `max_line_bytes` bytes without an end, and a notice
            `oversize`; its rest is skipped.
        max_open_files: handles kept; beyond it a file that is deleted while unread is lost (and reported).
        clock: for how long a deleted file is kept open.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "app.log").write_text("one\ntwo\nthr")
        >>> source = FileSource("*.log", folder)
        >>> source.poll()
        >>> split, = source.splits()
        >>> split.read(1 << 20).data
        b'one\ntwo\n'
        >>> position = split.position()
        >>> _ = (folder / "app.log").rename(folder / "app.log.1")
        >>> source.close()
        >>> later = FileSource("*.log", folder, resume={split.name: position})
        >>> later.poll()
        >>> later.splits()[0].read(1 << 20, final=True).data
        b'thr'
        >>> later.close()
    """

    def __init__(
        self,
        pattern: str,
        folder: str | Path,
        *,
        resume: Mapping[str, dict[str, Any]] | None = None,
        start: Literal["earliest", "latest"] = "earliest",
        keep_header: bool = False,
        max_line_bytes: int = 16 << 20,
        max_open_files: int = 200,
        clock: Clock | None = None,
    ) -> None:
        if start not in {"earliest", "latest"}:
            message = f"got start `{start}`; legal: earliest, latest"
            raise InputError(message)
        self._folder = Folder(pattern, Path(folder))
        self._clock = clock or SystemClock()
        self._reports = Reports(self._folder.display)
        self._handles = Handles(max_open_files, self._reports.unreadable, self._reports.readable)
        self._keep_header = keep_header
        self._max_line_bytes = max_line_bytes
        self._skip_existing = start == "latest" and resume is None
        self._first_poll = True
        self._entries: dict[str, Entry] = {}
        self._copies: dict[str, tuple[Stat, Generation]] = {}
        self._forgotten: list[str] = []
        self._look_again = True
        self._lineages: dict[str, Lineage] = {}
        for name, position in (resume or {}).items():
            self._lineage(self._folder.absolute(name)).restore(position)

    def check(self) -> None:
        """Raise SourceError when the folder of the pattern is missing; a glob that matches nothing is fine."""
        self._folder.check()

    def poll(self) -> None:
        """See what appeared, grew, rotated, vanished.

        Complexity: one `stat` a file; files whose stat changed are recognised again by two short reads.
        """
        for _ in range(_ATTEMPTS):
            entries = self._folder.scan(self._lineages, self._reports.unreadable)
            if entries == self._entries and not self._look_again:
                break
            self._look_again = True
            with contextlib.suppress(ChangedError):  # renamed while it was looked at
                if not self._place(entries):
                    break
        self._tidy()

    def splits(self) -> Sequence[Lineage]:
        """The lineages that have something of their own (a mere copy of another file has not), by name."""
        return sorted(self._lineages.values(), key=lambda lineage: lineage.name)

    def notices(self) -> list[Notice]:
        """What happened since the last call."""
        return self._reports.take()

    def checkpointed(self) -> None:
        """Nobody else is told how far it is."""

    def forgotten(self) -> list[str]:
        """Splits dropped since the last call: gone and fully read; their stored positions may be deleted."""
        names, self._forgotten = self._forgotten, []
        return names

    def close(self) -> None:
        """Let go of all handles; may be called twice."""
        self._handles.close()

    # what is where

    def _generations(self) -> list[Generation]:
        return [generation for lineage in self._lineages.values() for generation in lineage.generations]

    def _lineage(self, path: str) -> Lineage:
        if path not in self._lineages:
            self._lineages[path] = Lineage(path, self._folder, self._take)
        return self._lineages[path]

    def _place(self, entries: dict[str, Entry]) -> bool:
        """Match files and generations; True when one was not found for the first time.

        Raises:
            ChangedError: the listing is stale; nothing was taken as new or as missing.
        """
        matching = Matching(entries, self._generations(), self._copies, self._handles, self._reports)
        matching.place_known()
        if matching.free() or matching.missing():
            again = self._folder.scan(self._lineages, self._reports.unreadable)
            if _names(again) != _names(entries):
                raise ChangedError
        matching.place_missing()
        self._look_again = False
        self._examine_free(matching, entries)
        for entry in entries.values():
            if not entry.stat.size:
                self._lineage(entry.lineage)
        self._first_poll = False
        self._entries = entries
        self._handles.forget({path for path in entries if path not in matching.claimed})
        self._reports.forget(entries)
        missing = [g for g in self._generations() if g.placed is None and g.content is None]
        for generation in missing:
            generation.missing_polls += 1
        self._look_again |= matching.racy or bool(missing)
        for lineage in self._lineages.values():
            self._put_in_order(lineage)
        return any(g.missing_polls == 1 for g in missing)

    def _examine_free(self, matching: Matching, entries: dict[str, Entry]) -> None:
        alive = {id(generation) for generation in self._generations()}
        self._copies = {
            path: (stat, generation)
            for path, (stat, generation) in self._copies.items()
            if path in entries
            and path not in matching.claimed
            and entries[path].stat == stat
            and id(generation) in alive
        }
        older = set(entries) if self._skip_existing and self._first_poll else self._older_read(matching, entries)
        marks = {mark for lineage in self._lineages.values() for mark in lineage.marks}
        all_seen = True
        for entry in matching.free():
            if entry.path in self._copies:
                continue
            looks = matching.look(entry)
            if looks is None or not looks.head:
                self._look_again, all_seen = True, False
                continue
            original = matching.original(entry, looks)
            if original is not None:
                self._copies[entry.path] = (entry.stat, original)
                original.know_copy(looks.head, looks.size)
                only_header = self._keep_header and looks.start + looks.head.find(b"\n") == looks.size - 1
                if not only_header:
                    self._reports.copy(entry.path, original.path)
            elif looks.broken and self._may_be_unfinished(entry, matching):
                self._look_again = True
            else:
                read_before = mark_of(digest(looks.head), looks.size) in marks
                self._begin(entry, matching, skip=read_before or entry.path in older)
        if all_seen:  # what was not met is gone, what was met is known by itself now
            for lineage in self._lineages.values():
                lineage.marks = []

    def _begin(self, entry: Entry, matching: Matching, *, skip: bool) -> None:
        """A content that was never seen."""
        looks = matching.look(entry)
        content = self._handles.open_entry(entry)
        if looks is None or content is None:
            self._look_again = True
            return
        generation = Generation(entry.lineage, first=looks.head, size=looks.size, raw=looks.raw)
        self._handles.give(generation, content)
        matching.claim(generation, entry)
        if skip:
            # with `start = "latest"` a live file may be in the middle of a line; what was read before was read whole
            generation.skip_to_end(content, looks.raw, whole=not self._skip_existing or entry.rotated is not None)
        lineage = self._lineage(entry.lineage)
        if lineage.generations and not self._first_poll:
            self._reports.say("rotated", entry.path, "a new generation begins")
        lineage.generations.append(generation)
        matching.add(generation)

    def _older_read(self, matching: Matching, entries: dict[str, Entry]) -> set[str]:
        """Files older than all that a position remembers, when it says that there were more."""
        older: set[str] = set()
        for lineage in self._lineages.values():
            if not (self._first_poll and lineage.older_read):
                continue
            siblings = in_rotation_order([e for e in entries.values() if e.lineage == lineage.path])
            holds = [matching.claimed.get(entry.path) for entry in siblings]
            oldest = next((i for i, each in enumerate(holds) if each and each.remembered), 0)
            older |= {entry.path for entry in siblings[:oldest]}
        return older

    @staticmethod
    def _may_be_unfinished(entry: Entry, matching: Matching) -> bool:
        """A compressor writes beside the plain file and deletes that at the end."""
        return is_recent(entry.stat) and entry.path.rpartition(".")[0] in matching.claimed

    def _put_in_order(self, lineage: Lineage) -> None:
        placed = {g.path: g for g in lineage.generations if g.placed}
        files = []
        for path in placed:
            entry = self._entries[path]
            foreign = entry.lineage != lineage.path
            files.append(replace(entry, rotated=_FOREIGN) if foreign else entry)
        ordered = [placed[entry.path] for entry in in_rotation_order(files)]
        before: Generation | None = None
        for generation in lineage.generations:
            if not generation.placed:  # what is nowhere keeps its place
                ordered.insert(ordered.index(before) + 1 if before else 0, generation)
            before = generation
        lineage.generations = ordered

    def _tidy(self) -> None:
        """Close what is read, drop what is gone."""
        now_us = self._clock.monotonic_us()
        used = {entry.lineage for entry in self._entries.values() if entry.path not in self._copies}
        for path, lineage in list(self._lineages.items()):
            for generation in list(lineage.generations):
                self._let_go(lineage, generation, now_us)
            lineage.waiting = any(g.placed is None and g.content is None for g in lineage.generations)
            if not lineage.generations and path not in used:
                del self._lineages[path]
                self._forgotten.append(lineage.name)

    def _let_go(self, lineage: Lineage, generation: Generation, now_us: int) -> None:
        if generation.placed is not None:
            if generation.drained and generation.exhausted and generation is not lineage.generations[-1]:
                self._handles.release(generation)
            return
        if generation.content is None:
            if generation.missing_polls > 2:
                self._reports.lost(generation)
                lineage.generations.remove(generation)
            return
        size = generation.content.size()
        if size != generation.size or not generation.quiet_since_us:
            generation.size, generation.quiet_since_us = size, now_us
        generation.closing = now_us - generation.quiet_since_us >= _LINGER_US
        if size < generation.offset or (generation.closing and generation.drained):
            self._handles.release(generation)
            self._look_again = True

    # reading

    def _take(self, generation: Generation, limit_bytes: int, final: bool, superseded: bool) -> LineBlock | None:
        """The next block of one generation; None when it has none now."""
        generation.unreadable = True
        try:
            content = self._handles.attach(generation)
            if content is None:
                generation.unreadable = generation.placed is not None
                return None
            settled = (superseded and not generation.in_live_file) or generation.closing
            if content.compressed:
                settled = generation.placed is None or not is_recent(generation.placed)
            taken = generation.read(limit_bytes, last=final or settled, max_line_bytes=self._max_line_bytes)
        except ChangedError:
            self._distrust(generation)
            return None
        generation.unreadable = False
        source = self._folder.display(generation.path)
        if generation.ended and content.broken:
            detail = f"{content.broken}: read up to uncompressed byte {generation.offset}"
            self._reports.once("unreadable", generation.path, detail)
        if taken is None:
            return None
        offset, data = taken
        if generation.skipping:
            detail = f"the line at byte {offset} is longer than {self._max_line_bytes} bytes; its rest is skipped"
            self._reports.say("oversize", generation.path, detail)
        header = self._header(generation, content, offset, data) if self._keep_header else None
        return LineBlock(source, offset, data, header)

    def _distrust(self, generation: Generation) -> None:
        self._look_again = True
        generation.distrust()
        if generation.placed is None:
            self._handles.release(generation)

    def _header(self, generation: Generation, content: Content, offset: int, data: bytes) -> bytes:
        if generation.header is None:
            first = data if offset == generation.start else generation.first
            if b"\n" not in first:
                first = content.read_at(generation.start, self._max_line_bytes)
            generation.header = first.partition(b"\n")[0].removesuffix(b"\r")
        return generation.header


def _names(entries: dict[str, Entry]) -> dict[str, tuple[int, int]]:
    return {path: (entry.stat.device, entry.stat.inode) for path, entry in entries.items()}
