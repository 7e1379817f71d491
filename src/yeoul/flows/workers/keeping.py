"""What a shard has learnt as messages of a compacted topic, and the newest whole one among those that are there."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yeoul.deliver.kafka import Outbound, ResultsWriter  # its client library is an extra
    from yeoul.ingest.kafka import Read

__all__ = ["keep_whole", "newest_kept", "to_keep"]

_HEADER = "kept"


def to_keep(
    block: bytes, topic: str, partition: int, *, declared: str, taken: int, slot: int, most_bytes: int
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
        most_bytes: of a message's value.
    """
    from yeoul.deliver.kafka import Outbound  # noqa: PLC0415  (its client library is an extra)

    chunks = [block[at : at + most_bytes] for at in range(0, len(block), most_bytes)]
    # the topic keeps chunks by their places: those of a longer block before are told apart
    told = {"declared": declared, "taken": taken, "slot": slot, "chunks": len(chunks), "crc": zlib.crc32(block)}
    facts = json.dumps(told).encode()
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


def newest_kept(messages: Sequence[Read], declared: str) -> tuple[bytes, int] | None:
    """The newest whole block of this declaration, and its slot.

    >>> newest_kept([], "") is None
    True
    """
    found: dict[bytes, dict[int, bytes]] = {}
    for each in messages:
        facts = each.headers.get(_HEADER)
        if facts is not None and each.value is not None:
            # one that was begun again has the same facts
            found.setdefault(facts, {})[int(each.key.partition(b"/")[2])] = each.value
    whole = []
    for facts, chunks in found.items():
        told = json.loads(facts)
        if told["declared"] == declared and len(chunks) == told["chunks"]:
            whole.append((told["taken"], told["slot"], b"".join(chunks[number] for number in sorted(chunks))))
    if not whole:
        return None
    _, slot, block = max(whole)
    return block, slot
