"""Which file holds which generation now, decided by content; device, inode and name only say where to look first."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable

from yeoul.ingest.files.content import Content, Plain
from yeoul.ingest.files.folder import Entry, Stat
from yeoul.ingest.files.generation import HEAD_BYTES, Generation, digest
from yeoul.ingest.files.handles import Handles, Looks
from yeoul.ingest.files.reports import Reports

__all__ = ["Matching"]

_BUCKET_BYTES = 96
_RACY_NS = 50_000_000
"""A file changed this shortly before it was looked at may change again without a new mtime."""


class Matching:
    """One pass over the files that are there: places generations, finds copies, leaves the rest as new.

    Every method raises ChangedError when a name holds another file by now than was listed: the pass must be repeated.

    Order: what is where it was stays · what moved is found by inode · what is missing is found by content, the
    longest read first · of what is left, a file whose content is in a known one is a copy · the others are new.
    """

    def __init__(
        self,
        entries: dict[str, Entry],
        generations: list[Generation],
        copies: dict[str, tuple[Stat, Generation]],
        handles: Handles,
        reports: Reports,
    ) -> None:
        self._entries = entries
        self._copies = copies
        self._generations = generations
        self._handles = handles
        self._reports = reports
        self._by_inode = {(e.stat.device, e.stat.inode): e for e in entries.values()}
        self._by_lineage: dict[str, list[Entry]] = {}
        for entry in entries.values():
            self._by_lineage.setdefault(entry.lineage, []).append(entry)
        self._beginnings: dict[bytes, list[Generation]] = {}
        self.claimed: dict[str, Generation] = {}
        self.racy = False
        """Something must be looked at again though nothing may show it."""

    def place_known(self) -> None:
        """Find the file of each known generation; those not found end with `placed` None."""
        for generation in self._generations:
            if generation.placed is not None:
                self._keep_or_lift(generation)
        lifted = self._by_offset(g for g in self._generations if g.placed is None)
        for candidates in (self._same_inode, self._same_lineage, self._elsewhere):
            for generation in lifted:
                if generation.placed is None:
                    self._find(generation, candidates(generation))

    def missing(self) -> list[Generation]:
        """Known generations without a file, the longest read first."""
        return self._by_offset(g for g in self._generations if g.placed is None and g.content is None)

    def place_missing(self) -> None:
        """Find what is left of those that are missing: a file that cannot be read now, a copy that is shorter.

        Only in a listing that is sure to be whole: a file may be hidden while it is renamed, and its copy is not it.
        """
        for generation in self.missing():
            if not self._find_unreadable(generation):
                self._find_shorter(generation)
                own = self._entries.get(generation.path)
                generation.cut |= own is not None and own.stat[:2] == (generation.device, generation.inode)

    @staticmethod
    def _by_offset(generations: Iterable[Generation]) -> list[Generation]:
        return sorted(generations, key=lambda generation: -generation.offset)

    def look(self, entry: Entry) -> Looks | None:
        """What the file holds. A compressor may be at work on one that stands beside its plain file, or have died."""
        return self._handles.look(entry, doubtful=entry.path.rpartition(".")[0] in self._entries)

    def free(self) -> list[Entry]:
        """Files with bytes that hold no known generation: the longest first, then a live path, then a plain file."""
        entries = [e for e in self._entries.values() if e.path not in self.claimed and e.stat.size]

        def key(entry: Entry) -> tuple[int, bool, bool, str]:
            looks = self.look(entry)
            return -(looks.size if looks else 0), entry.rotated is not None, bool(looks and looks.raw), entry.path

        return sorted(entries, key=key)

    def original(self, entry: Entry, looks: Looks) -> Generation | None:
        """The generation whose content this file repeats, whole or its beginning."""
        for generation in self._alike(looks.head):
            if generation.placed and entry.stat[:2] == generation.placed[:2]:
                return generation  # the same file under another name
            size = min(len(generation.first), len(looks.head))
            if size and generation.first[:size] == looks.head[:size] and self._repeats(generation, entry, looks):
                return generation
        return None

    def add(self, generation: Generation) -> None:
        """A new generation may be what the next free file repeats."""
        self._generations.append(generation)
        self._beginnings.setdefault(_beginning(generation.first), []).append(generation)

    def _alike(self, head: bytes) -> list[Generation]:
        """Generations that may begin like `head`: all when it is short, otherwise its bucket and the short ones."""
        if not self._beginnings:
            for generation in self._generations:
                self._beginnings.setdefault(_beginning(generation.first), []).append(generation)
        key = _beginning(head)
        return self._beginnings.get(key, []) + self._beginnings.get(b"", []) if key else self._generations

    def claim(self, generation: Generation, entry: Entry) -> None:
        """Say that `entry` holds `generation`."""
        self.claimed[entry.path] = generation
        generation.path, generation.placed = entry.path, entry.stat
        generation.device, generation.inode = entry.stat.device, entry.stat.inode
        generation.missing_polls, generation.cut = 0, False
        generation.in_live_file = entry.lineage != generation.lineage and entry.rotated is None
        generation.verified_ns = time.time_ns()
        self.racy |= generation.verified_ns - entry.stat.mtime_ns < _RACY_NS

    def _keep_or_lift(self, generation: Generation) -> None:
        placed = generation.placed
        assert placed is not None
        entry = self._entries.get(generation.path)
        if entry and entry.stat == placed and generation.path not in self.claimed:
            racy = generation.verified_ns - placed.mtime_ns < _RACY_NS
            if not racy:
                self.claimed[entry.path] = generation
                return
        same_inode = entry is not None and entry.stat[:2] == placed[:2]
        if not same_inode:
            entry = self._by_inode.get((placed.device, placed.inode))
        if entry and entry.path not in self.claimed and self._still_holds(generation, entry):
            self.claim(generation, entry)
            return
        generation.placed = None
        if same_inode and generation.content is not None and generation.content.compressed:
            self._handles.release(generation)  # it grew or was rewritten: what is inflated so far says nothing of that
        if generation.content is None:
            generation.cut = same_inode
        elif not generation.raw and not generation.held_by(generation.content):
            generation.cut = True
            self._handles.release(generation)

    def _still_holds(self, generation: Generation, entry: Entry) -> bool:
        """The file has the generation's inode; whether it has its content too."""
        if generation.content is not None and not _reads(generation.content, entry.stat):
            return False  # a copy of a deleted file that is still open: any change makes it a file of its own
        if generation.raw:
            looks = self.look(entry)
            return bool(looks and looks.raw == generation.raw)
        content = generation.content or self._handles.open_entry(entry)
        if content is None:  # it may not be read now; nothing says that it changed
            return True
        if content.compressed or not generation.held_by(content):
            if content is not generation.content:
                content.close()
            return False
        generation.size = content.size()
        self._handles.give(generation, content)
        return True

    def _find(self, generation: Generation, candidates: list[Entry]) -> None:
        read, seen = generation.offset, generation.size
        for entry in candidates:
            if entry.path not in self.claimed and entry.stat.size and self._is_it(generation, entry):
                self._tell_truncated(generation, entry, read, seen)
                self.claim(generation, entry)
                return

    def _tell_truncated(self, generation: Generation, entry: Entry, read: int, seen: int) -> None:
        """What was read in one file is found in another while the first is still there: it was copied and truncated.

        After a stop a compressed file says nothing of that: until its plain one was deleted, and that inode given to
        the next, it may have been a file that was renamed.
        """
        own = self._entries.get(generation.path)
        if own is None or own.path == entry.path or own.stat.inode != generation.inode:
            return
        if own.stat[:2] != entry.stat[:2] and (generation.cut or not generation.raw):
            looks = self.look(entry)
            copied = looks.size if looks else read
            self._reports.truncated(own.path, entry.path, max(read, copied), seen)

    def _same_inode(self, generation: Generation) -> list[Entry]:
        entry = self._by_inode.get((generation.device, generation.inode))
        return [entry] if entry else []

    def _same_lineage(self, generation: Generation) -> list[Entry]:
        """Oldest first: where several begin alike, nothing is passed over."""
        entries = self._by_lineage.get(generation.lineage, [])
        return sorted(entries, key=lambda e: (e.path != generation.path, e.stat.mtime_ns, e.path))

    def _elsewhere(self, generation: Generation) -> list[Entry]:
        """Longest first: of several copies the one that has most of it stands for it."""
        entries = [e for e in self._entries.values() if e.lineage != generation.lineage]
        return [e for e in sorted(entries, key=lambda e: (-e.stat.size, e.path)) if not self._is_left_of_own(e)]

    def _is_left_of_own(self, entry: Entry) -> bool:
        """Whether a sibling is what a truncated generation of its own lineage left, not what begins alike."""
        lost = (g for g in self._generations if g.lineage == entry.lineage and g.placed is None and g.content is None)
        for generation in lost if entry.rotated and entry.path not in self.claimed and entry.stat.size else ():
            looks = self.look(entry)
            if looks is None or looks.broken or not 0 < looks.size < generation.offset:
                continue
            content = self._handles.open_entry(entry)
            if content is not None:
                with contextlib.closing(content):
                    if self._begins(generation, content, looks):
                        return True
        return False

    def _is_known_copy(self, generation: Generation, entry: Entry, looks: Looks) -> bool:
        stat, original = self._copies.get(entry.path, (None, None))
        known = original is generation and stat == entry.stat
        return known or (looks.size, digest(looks.head)) in generation.copies

    def _is_it(self, generation: Generation, entry: Entry) -> bool:
        looks = self.look(entry)
        if looks is None:
            return False
        if generation.raw and looks.raw == generation.raw:
            generation.first = looks.head
            return True
        if not generation.offset:  # nothing was read of it: its beginning is all there is to know it by
            seen = bool(generation.first) and looks.head.startswith(generation.first)
            if seen and generation.content is None:
                generation.raw, generation.size = looks.raw, looks.size
                return True
            return False
        if looks.start != generation.start or digest(looks.head[: generation.known_bytes]) != generation.head_hash:
            return False
        if generation.content is not None:  # a deleted file that is still open: only a whole copy stands for it
            whole = looks.size == generation.content.size() and self._repeats(generation, entry, looks)
            generation.raw = looks.raw if whole else generation.raw
            return whole
        if looks.raw and looks.size == generation.offset and not looks.broken:
            generation.raw, generation.ended, generation.first = looks.raw, True, looks.head
            return True
        content = self._handles.open_entry(entry)
        if content is None:
            return False
        if not generation.held_by(content):
            content.close()
            return False
        generation.raw, generation.ended = looks.raw, False
        generation.size = content.size()
        self._handles.give(generation, content)
        return True

    def _find_unreadable(self, generation: Generation) -> bool:
        """A file that may not be read now is taken for what was read there: it is looked at before the next read."""
        for entry in (*self._same_inode(generation), *self._same_lineage(generation)[:1]):
            known = entry.path == generation.path or entry.stat[:2] == (generation.device, generation.inode)
            if known and entry.path not in self.claimed and entry.stat.size and self.look(entry) is None:
                self.claim(generation, entry)
                if not generation.raw:
                    generation.size = max(generation.offset, entry.stat.size)
                return True
        return False

    def _find_shorter(self, generation: Generation) -> None:
        """A copy taken before the last bytes were read stands for a generation that is truncated now."""
        for entry in (*self._same_lineage(generation), *self._elsewhere(generation)):
            looks = self.look(entry) if entry.path not in self.claimed and entry.stat.size else None
            if looks is None or not self._may_be_beginning(generation, entry, looks):
                continue
            if not 0 < looks.size < generation.offset or looks.broken:
                continue
            content = self._handles.open_entry(entry)
            if content is None:
                continue
            if self._begins(generation, content, looks):
                self._tell_truncated(generation, entry, generation.offset, generation.size)
                generation.anchor(content, looks.size)
                generation.raw, generation.ended = looks.raw, bool(looks.raw)
                self._handles.give(generation, content)
                self.claim(generation, entry)
                return
            content.close()

    def _may_be_beginning(self, generation: Generation, entry: Entry, looks: Looks) -> bool:
        """A live file that begins alike is a new one; a sibling, a known copy and a file with a full head are not."""
        sibling = entry.lineage == generation.lineage and entry.rotated is not None
        full = entry.lineage != generation.lineage and len(looks.head) >= HEAD_BYTES
        return sibling or full or self._is_known_copy(generation, entry, looks)

    @staticmethod
    def _begins(generation: Generation, content: Content, looks: Looks) -> bool:
        """Whether `content` is a beginning of what was read: its head, and the last mark that it reaches."""
        if looks.start != generation.start:
            return False
        if len(looks.head) >= HEAD_BYTES:
            known = digest(looks.head) == generation.head_hash
        else:
            known = bool(generation.head) and generation.head.startswith(looks.head)
            known |= (looks.size, digest(looks.head)) in generation.copies
        reached = [mark for mark in generation.marks if mark[0] <= looks.size]
        if not known and (generation.head or not reached):
            return False
        if not reached:
            return True
        offset, mark = max(reached)
        count = min(HEAD_BYTES, offset - generation.start)
        return digest(content.read_at(offset - count, count)) == mark

    def _repeats(self, generation: Generation, entry: Entry, looks: Looks) -> bool:
        """Heads are equal; whether the file's last bytes are the generation's at the same place."""
        if generation.compressed and not isinstance(generation.content, Plain):
            same = looks.size == generation.size or (looks.raw != "" and looks.raw == generation.raw)
            return same or (looks.size < generation.size and self._repeats_compressed(generation, entry, looks))
        known = self._handles.attach(generation)
        if known is None or known.size() < looks.size:
            return False
        if looks.raw and looks.size == known.size():
            return True
        content = self._handles.open_entry(entry)
        if content is None:
            return False
        try:
            return _same_at_end(known, content, looks.size)
        finally:
            content.close()

    def _repeats_compressed(self, generation: Generation, entry: Entry, looks: Looks) -> bool:
        """As `_repeats` for a file that may be the beginning of a compressed one, which is inflated for this."""
        place = self._entries.get(generation.path)
        with contextlib.ExitStack() as opened:
            contents = [self._handles.open_entry(e) for e in (place, entry) if e is not None]
            for content in contents:
                opened.callback(content.close if content else int)
            known, copy = contents[0], contents[-1]
            return known is not None and copy is not None and _same_at_end(known, copy, looks.size)


def _beginning(head: bytes) -> bytes:
    """Bucket of a head; those too short for one share the empty bucket."""
    return head[:_BUCKET_BYTES] if len(head) >= _BUCKET_BYTES else b""


def _reads(content: Content, stat: Stat) -> bool:
    return content.stat()[:2] == stat[:2]


def _same_at_end(known: Content, content: Content, size: int) -> bool:
    places = [size // 2, size]
    for end in places:
        count = min(HEAD_BYTES, end)
        piece = content.read_at(end - count, count)
        if len(piece) < count or piece != known.read_at(end - count, count):
            return False
    return True
