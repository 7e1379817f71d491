"""Redrive: lines from the quarantine are decoded again, after their cause was mended, and counted once."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from yeoul.clock import SystemClock
from yeoul.errors import InputError
from yeoul.flows.engine import Engine
from yeoul.flows.plan import Plan
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.decode import build_decoder
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import check_at_rest, open_state
from yeoul.streams import StreamSpec

__all__ = ["redrive", "redrive_stopped"]


def redrive(engine: Engine, args: dict[str, Any]) -> dict[str, Any]:
    """Try the quarantined lines `args["ids"]` again, or all invalid ones; what became of them, by count.

    `args["stream"]` limits it to one stream. What counts is published as a revision of its window, in one checkpoint.

    Raises:
        InputError: an unknown stream, or arguments that are none.
    """
    asked = _asked(args)
    stream, ids = asked.stream, asked.ids
    if stream is not None and stream not in engine.feeds:
        message = f"got the stream `{stream}`; legal: {', '.join(sorted(engine.feeds))}"
        raise InputError(message)
    engine.commit()
    kept = Quarantine(engine.state.db)
    streams = sorted(engine.feeds) if stream is None else [stream]
    # a row of an unconfirmed future is counted only when somebody names it: its time is most likely wrong
    found = [item for name in streams for item in kept.take(name, ids) if ids or item.kind == "invalid"]
    result = {"tried": len(found), "counted": 0, "refused": 0, "invalid": 0}
    done: list[int] = []
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for item in found:
        groups[item.stream, item.split].append(item)
    for (name, split), items in sorted(groups.items()):
        feed = engine.feeds[name]
        _check_masked(feed.spec)
        decoder = build_decoder(feed.spec.schema)
        for item in items:
            rows = decoder.decode(LineBlock(item.source, item.position, item.raw + b"\n", item.header))
            if len(rows) != 1:
                result["invalid"] += 1
                continue
            counted, refused = feed.stream.redrive(split, rows, was=item.kind)
            result["counted"] += counted
            result["refused"] += refused
            if not refused:
                done.append(item.id)
        feed.stream.publish_revisions()
    engine.commit(also=lambda: Quarantine(engine.state.db).remove(done))
    return result


def redrive_stopped(plan: Plan, args: dict[str, Any]) -> dict[str, Any]:
    """The same on a state that no engine holds.

    Raises:
        BusyError: an engine holds it after all.
        DamagedError: it is damaged: `yeoul run` goes back to its good copy and tells what it reads again.
    """
    check_at_rest(plan.folder / ".yeoul")
    engine = Engine(plan, open_state(plan.folder / ".yeoul"), SystemClock(), live=True)
    try:
        engine.load()
        return redrive(engine, args)
    finally:
        engine.close()


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    stream: str | None = None
    ids: list[int] | None = None


def _asked(args: Any) -> _Asked:
    # whoever may open the socket may write what he likes to it
    try:
        return msgspec.convert(args, _Asked)
    except msgspec.ValidationError as error:
        message = f"got the arguments `{str(args)[:100]}`; legal: `stream`, a text, and `ids`, whole numbers ({error})"
        raise InputError(message) from None


def _check_masked(spec: StreamSpec) -> None:
    """A masked value cannot be counted as what it was."""
    used = {*spec.keys, spec.schema.event_id, *(each.field for each in spec.aggregates)}
    masked = sorted(used & set(spec.schema.redact), key=str)
    if masked:
        message = (
            f"stream `{spec.name}` masks `{', '.join(map(str, masked))}`, which it groups or counts by, so what is in "
            "its quarantine cannot be counted again; mend the log and replay it"
        )
        raise InputError(message)
