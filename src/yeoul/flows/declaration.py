"""Which declaration a kept state was made by: the windows of another one cannot be told from its own."""

from __future__ import annotations

import json
from typing import Any

from yeoul.errors import StateError
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
    before = json.loads(known) if known else now
    changed = [f"{name} from `{before[name]}` to `{now[name]}`" for name in now if now[name] != before.get(name)]
    if changed:
        message = (
            f"stream `{spec.name}` was changed ({'; '.join(changed)}) and the state in `{state.folder}` holds "
            "windows of the old declaration; with that one back `yeoul export` writes them; for the new one give the "
            "stream a new name, or move the folder away and run again: the logs that still exist are then read from "
            "the beginning"
        )
        raise StateError(message)


def keep_declaration(state: State, spec: StreamSpec) -> None:
    """Note the declaration in a state that has none yet, and refuse one of another.

    Raises:
        StateError: what was changed.
    """
    check_declaration(state, spec)
    if not state.meta(f"stream:{spec.name}"):
        with state.transaction():
            state.set_meta(f"stream:{spec.name}", json.dumps(_declared(spec)))


def _declared(spec: StreamSpec) -> dict[str, Any]:
    # a field that is only looked at or filtered by may change, as after a mend: no window holds it
    used = {*spec.keys, *(each.field for each in spec.aggregates)}
    return {
        "keys": list(spec.keys),
        "window": [spec.size_us, spec.slide_us],
        "aggregates": [[each.name, each.function, each.field] for each in spec.aggregates],
        "fields": {each.name: each.type for each in spec.schema.fields if each.name in used},
    }
