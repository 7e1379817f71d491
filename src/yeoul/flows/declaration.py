"""Which declaration a kept state was made by: the windows of another one cannot be told from its own."""

from __future__ import annotations

import json
from typing import Any

from yeoul.errors import StateError
from yeoul.events import format_duration
from yeoul.store import State
from yeoul.streams import StreamSpec

__all__ = ["check_declaration", "keep_declaration"]


def check_declaration(state: State, spec: StreamSpec) -> None:
    """Refuse a state that another declaration of the stream made.

    Raises:
        StateError: what was changed.
    """
    known = state.meta(f"stream:{spec.name}")
    now = _declared(spec)
    before = now | (json.loads(known) if known else {})  # an older release kept less
    changed = [f"{name} from `{before[name]}` to `{now[name]}`" for name in now if _breaks(name, before, now)]
    if changed:
        message = (
            f"stream `{spec.name}` was changed ({'; '.join(changed)}) and the state in `{state.folder}` holds "
            "windows of the old declaration; with that one back `yeoul export` writes them; for the new one give the "
            "stream a new name, or move the folder away and run again: the logs that still exist are then read from "
            "the beginning"
        )
        raise StateError(message)


def keep_declaration(state: State, spec: StreamSpec, now_us: int) -> None:
    """Note the declaration in a state, and refuse one of another; what may change is told in a notice.

    Raises:
        StateError: what was changed.
    """
    check_declaration(state, spec)
    name = spec.name
    kept = {f"stream:{name}": json.dumps(_declared(spec)), f"lesser:{name}": json.dumps(_lesser(spec))}
    known = {key: state.meta(key) for key in kept}
    if kept == known:
        return
    now = _lesser(spec)
    before = json.loads(known[f"lesser:{name}"] or "{}")
    told = [f"{what} from {before[what]} to {now.get(what)}" for what in before if before[what] != now.get(what)]
    told += [f"{what} is new: {now[what]}" for what in now.keys() - before.keys() if before]
    with state.transaction() as db:
        for key, value in kept.items():
            state.set_meta(key, value)
        rows = [(now_us, name, "changed", f"stream {name}", f"{each}; it counts from here on") for each in sorted(told)]
        db.executemany("INSERT INTO notice (at_us, stream, kind, source, detail) VALUES (?, ?, ?, ?, ?)", rows)


def _declared(spec: StreamSpec) -> dict[str, Any]:
    # a field that is only looked at or filtered by may change, as after a mend: no window holds it
    used = {*spec.keys, *(each.field for each in spec.aggregates)}
    ids = [[each.name, each.type] for each in spec.schema.fields if each.name == spec.schema.event_id]
    return {
        "keys": list(spec.keys),
        "window": [spec.size_us, spec.slide_us],
        "aggregates": [[each.name, each.function, each.field] for each in spec.aggregates],
        "fields": {each.name: each.type for each in spec.schema.fields if each.name in used},
        "event_id": ids[0] if ids else None,
        "allowed_lateness": spec.allowed_lateness_us,
    }


def _breaks(name: str, before: dict[str, Any], now: dict[str, Any]) -> bool:
    if before["event_id"] is None and name in {"event_id", "allowed_lateness"}:
        return False  # no ids are kept: from here on they are, or nobody asks for them
    if name == "allowed_lateness":
        # ids are kept as long as their window can change: for longer, those that are forgotten would be missing
        return bool(now[name] > before[name])
    return bool(now[name] != before[name])


def _lesser(spec: StreamSpec) -> dict[str, str]:
    """What may change: windows closed before stand as they are."""
    schema = spec.schema
    paths = {f"path of field `{each.name}`": f"`{'.'.join(each.path)}`" for each in schema.fields}
    lengths = {
        "delay": spec.delay_us,
        "idle_timeout": spec.idle_timeout_us,
        "allowed_lateness": spec.allowed_lateness_us,
        "retention": spec.retention_us,
    }
    return {
        **paths,
        "path of the time": f"`{'.'.join(schema.event_time.path)}`",
        "event_id": f"`{schema.event_id}`" if schema.event_id else "none",
        "where": f"`{schema.where}`" if schema.where else "none",
        **{what: format_duration(length) for what, length in lengths.items()},
    }
