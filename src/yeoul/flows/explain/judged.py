"""What the alarm policy made of a row's key in the newest window: alarmed, or held back by which rule."""

from __future__ import annotations

from functools import partial
from math import isnan

from yeoul.clock import SystemClock
from yeoul.detect.watch import Told
from yeoul.errors import YeoulError
from yeoul.events import iso
from yeoul.flows.archived import archived
from yeoul.flows.plan import DetectBlock, Plan
from yeoul.flows.watching import DetectFlow
from yeoul.store import State, unpack
from yeoul.streams import Checkpoint, LocalStream
from yeoul.streams.log import read

__all__ = ["judged"]

_SAID = {
    "usual": "nothing odd",
    "volume": "odd, held back by min_volume",
    "history": "odd, held back by min_confidence: its history is short",
    "effect": "odd, held back by min_effect: close to what is expected",
    "chance": "odd, held back because it may be chance among so many keys",
    "muted": "odd, muted by the calendar",
    "single": "alarmed in this window, not yet in enough of them for an incident",
    "sustained": "alarmed, in as many windows as an incident needs",
}


def judged(state: State, plan: Plan, stream: str, key: dict[str, str]) -> list[str]:
    """A sentence for each detect block of the stream that knows the key."""
    found = []
    for block in plan.detects:
        if block.stream == stream and all(name in key for name in block.by):
            told = _told(state, plan, block, tuple(key[name] for name in block.by))
            if told is not None:
                seen = "nothing is known" if isnan(told.observed) else f"{told.observed:.4g} seen"
                found.append(
                    f"detect.{block.name} of {' / '.join(key[name] for name in block.by)} at {iso(told.at_us)}: "
                    f"{_SAID[told.rule]} ({seen}, {told.expected:.4g} expected, p {told.p:.1g})"
                )
    return found


def _told(state: State, plan: Plan, block: DetectBlock, texts: tuple[str, ...]) -> Told | None:
    kept = state.db.execute("SELECT seq, block FROM consumer WHERE name = ?", (f"detect.{block.name}",)).fetchone()
    stream = LocalStream(next(each.spec for each in plan.streams if each.spec.name == block.stream), lambda *_: [])
    try:
        Checkpoint(stream).load(state.db)
        flow = DetectFlow(block, stream, (), SystemClock())
        if kept is not None:
            flow.restore(unpack(kept[1]))
        # what was judged since its state was kept is judged again here, and thrown away
        for entry in read(state.db, partial(archived, state), after=kept[0] if kept else 0, stream=block.stream):
            flow.take(entry)
    except (YeoulError, KeyError, IndexError):
        return None  # of another declaration: it says nothing of what is judged now
    return flow.told(texts)
