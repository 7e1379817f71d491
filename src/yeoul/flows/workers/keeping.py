"""What a shard has learnt as messages of a compacted topic, and the newest whole one among those that are there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from yeoul.deliver.kafka import Outbound, ResultsWriter  # its client library is an extra
    from yeoul.ingest.kafka import Read

__all__ = ["Kept", "keep_whole", "newest_kept", "to_keep"]

_HEADER = "kept"


class Kept(NamedTuple):
    """What is there of a shard."""

    block: bytes
    slot: int
    """0 or 1."""
    topic_id: str | None
    """Of the topic that was followed; None: not known."""


def to_keep(
    block: bytes,
    topic: str,
    partition: int,
    *,
    declared: str,
    taken: int,
    slot: int,
    topic_id: str | None,
    most_bytes: int,
) -> list[Outbound]:
    """The messages that keep a block.

    Two slots take turns: while one is written, the other one is whole, though the topic keeps only the last message of
    a key.

    Args:
        block: the bytes.
        topic: where to.
        partition: of it.
        declared: digest of what they depend on.
        taken: grows with each block.
        slot: 0 or 1.
        topic_id: of the topic that is followed; None: not known.
        most_bytes: of a message's value.
    """
    from yeoul.deliver.kafka import Outbound  # noqa: PLC0415  (its client library is an extra)

    chunks = [block[at : at + most_bytes] for at in range(0, len(block), most_bytes)]
    # the topic keeps chunks by their places: those of a longer block before are told apart
    told = {"declared": declared, "taken": taken, "slot": slot, "chunks": len(chunks), "crc": zlib.crc32(block)}
    facts = json.dumps({**told, "topic_id": topic_id}).encode()
    return [
        Outbound(topic, f"{slot}/{number}".encode(), chunk, [(_HEADER, facts)], partition)
        for number, chunk in enumerate(chunks)
    ]


def keep_whole(
    writer: ResultsWriter, chunked: Callable[..., list[Outbound]], write: Callable[[list[Outbound]], bool]
) -> bool:
    """Write a block; whether all of it is there.

    In smaller messages each time where it is not known how much the topic takes, which the writer learns by it.

    Args:
        writer: knows what the topic takes.
        chunked: `to_keep` but for `most_bytes`.
        write: writes messages with it; whether it could.
    """
    while True:
        most = writer.most_bytes
        if not write(chunked(most_bytes=most)):
            return False
        if not writer.left_out:
            return True
        if writer.most_bytes >= most:
            return False


def newest_kept(messages: Sequence[Read], declared: str) -> Kept | None:
    """The newest whole block of this declaration.

    >>> newest_kept([], "") is None
    True
    """
    found: dict[bytes, dict[int, bytes]] = {}
    for each in messages:
        facts = each.headers.get(_HEADER)
        if facts is not None and each.value is not None:
            # one that was begun again has the same facts
            found.setdefault(facts, {})[int(each.key.partition(b"/")[2])] = each.value
    whole: list[tuple[int, Kept]] = []
    for facts, chunks in found.items():
        told = json.loads(facts)
        if told["declared"] == declared and len(chunks) == told["chunks"]:
            block = b"".join(chunks[number] for number in sorted(chunks))
            whole.append((told["taken"], Kept(block, told["slot"], told.get("topic_id"))))
    return max(whole, key=lambda each: (each[0], each[1].slot))[1] if whole else None
