"""Which split is waited for, on a clock that the test moves: silence, stalled readers, clocks that lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from yeoul.clock import ManualClock
from yeoul.flows.engine import Engine
from yeoul.flows.live_message import LiveMessage
from yeoul.ingest.contract import LineBlock
from yeoul.ingest.files.lineage import Lineage
from yeoul.settings import load_workspace
from yeoul.store import open_state
from yeoul.testing.workspaces import plain_line, plain_workspace

S = 1_000_000
BASE = 1_700_000_000 * S


class Live:
    """An engine on files, its cycle made by hand."""

    def __init__(self, folder: Path, wall_us: int = BASE) -> None:
        plain_workspace(folder)
        self.folder = folder
        self.clock = ManualClock(wall_us)
        self.engine = Engine(load_workspace(folder).plan(), open_state(folder / ".yeoul"), self.clock, live=True)

    def write(self, name: str, *at_s: float, customer: str = "") -> None:
        with (self.folder / f"logs/{name}.ndjson").open("ab") as file:
            file.writelines(
                plain_line(BASE + round(at * S), customer or f"{name}{index % 4}") for index, at in enumerate(at_s)
            )

    def look(self) -> None:
        self.engine.poll()
        while self.engine.step():
            pass

    def cycle(self, seconds: float = 0) -> None:
        self.clock.sleep(seconds)
        self.look()
        self.engine.advance()

    @property
    def clocks(self):
        return self.engine.feeds["hits"].stream.clocks

    @property
    def ledger(self):
        return self.engine.feeds["hits"].ledger()


@pytest.fixture
def live(tmp_path: Path):
    made = Live(tmp_path)
    for name in ("a", "b"):
        made.write(name, *range(20))
    made.engine.load()
    made.cycle()
    made.cycle()
    yield made
    made.engine.close()


def test_a_split_that_was_silent_at_every_look_leaves(live: Live):
    live.write("b", 20, 21)
    live.cycle(0.9)
    assert [name for name, clock in live.clocks.splits.items() if clock.joined] == ["logs/a.ndjson", "logs/b.ndjson"]
    live.cycle(0.2)
    assert [name for name, clock in live.clocks.splits.items() if clock.joined] == ["logs/b.ndjson"]


def test_an_engine_that_stood_still_after_its_last_look_takes_nobody_for_silent(live: Live):
    live.look()
    live.clock.sleep(3600)
    live.write("a", 20)
    live.engine.advance()
    assert all(clock.joined for clock in live.clocks.splits.values())
    live.cycle()
    assert live.ledger.late == 0


def test_the_watermark_does_not_follow_a_silence_that_nobody_looked_into(live: Live):
    live.cycle(1.1)
    before = live.clocks.combined_us
    live.clock.sleep(3600)
    live.write("a", 20, 21)
    live.engine.advance()
    assert live.clocks.combined_us == before
    live.cycle()
    assert live.ledger.late == 0


def test_silent_splits_that_come_back_together_are_all_looked_into_before_the_watermark_moves(live: Live):
    live.cycle(1.1)
    live.clock.sleep(30)
    live.write("a", *range(20, 50))
    live.write("b", *range(20, 50))
    live.engine.poll()
    live.engine.step()  # one block of one split: the turn of the cycle is over
    live.engine.advance()
    live.cycle()
    assert (live.ledger.late, live.ledger.counted) == (0, 100)


def test_a_split_whose_file_cannot_be_opened_is_waited_for(live: Live, monkeypatch: pytest.MonkeyPatch):
    inner = Lineage.read

    def read(self: Lineage, limit_bytes: int, *, final: bool = False) -> LineBlock | None:
        self.stalled = self.name == "logs/b.ndjson"
        return None if self.stalled else inner(self, limit_bytes, final=final)

    with monkeypatch.context() as patched:
        patched.setattr(Lineage, "read", read)
        live.write("a", *range(20, 60))
        live.write("b", *range(20, 60))
        live.cycle(5)
        live.cycle(5)
        assert live.clocks.splits["logs/b.ndjson"].joined
        health = LiveMessage(live.engine).make([])["health"]
        params = {"stream": "hits", "source": "logs/b.ndjson", "sources": 1}
        assert health == {"status": "red", "causes": [{"code": "source_unreadable", "params": params}]}
    live.cycle()
    assert LiveMessage(live.engine).make([])["health"]["status"] == "green"
    assert (live.ledger.late, live.ledger.counted) == (0, 120)


def none_can_be_read(self: Lineage, *_: object, **__: object) -> None:
    self.stalled = True


def test_silence_begins_anew_when_a_split_can_be_looked_at_again(live: Live, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(Lineage, "read", none_can_be_read)
        live.cycle(5)
    live.cycle(0.9)
    assert all(clock.joined for clock in live.clocks.splits.values())
    live.cycle(0.2)
    assert not any(clock.joined for clock in live.clocks.splits.values())


def test_the_watermark_of_silent_splits_stands_while_they_cannot_be_looked_at(
    live: Live, monkeypatch: pytest.MonkeyPatch
):
    live.cycle(1.1)
    before = live.clocks.combined_us
    with monkeypatch.context() as patched:
        patched.setattr(Lineage, "read", none_can_be_read)
        live.cycle(60)
        assert live.clocks.combined_us == before
    live.cycle(0.9)
    assert live.clocks.combined_us == before
    live.cycle(0.2)
    assert live.clocks.combined_us > before


@pytest.mark.parametrize("wall_s", [0, 3600, 86_400 * 365], ids=["right", "an hour ahead", "the log is a year old"])
def test_a_customer_four_minutes_ahead_makes_nobody_late_whatever_the_wall_clock_says(live: Live, wall_s: int):
    live.clock.step(wall_s * S)
    for at in range(20, 80):
        live.write("a", at + 240, customer="odd")
        live.write("a", at, at + 0.5)
        live.cycle(1)
    assert live.ledger.late == 0
    assert live.ledger.counted == live.ledger.read == 40 + 180


def test_the_wall_clock_is_asked_once_rows_come_rarely(live: Live):
    live.clock.step(25 * S)
    live.write("a", 25)
    live.cycle()
    assert live.clocks.splits["logs/a.ndjson"].front.at_us == BASE + 19 * S
    for at in (50, 7200):
        live.clock.sleep(BASE / S + at - live.clock.now_us() / S)
        live.write("a", at)
        live.cycle()
        assert live.clocks.splits["logs/a.ndjson"].front.at_us == BASE + at * S
    assert live.ledger.future == live.ledger.late == 0
