"""What abnormal keys have in common: only what most of them lost or gained beyond their own expectation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from yeoul.flows.causes import Abnormal, Cause, Causes, shared_causes
from yeoul.incidents import Contributor, Incidents, IncidentsConfig, Sighting
from yeoul.store.pack import pack, unpack

S = 1_000_000
WIDTH_US = 10 * S


def part(title: str, observed: float, expected: float, share: float) -> Contributor:
    return Contributor(f'{{"title":"{title}"}}', observed, expected, share)


def lost(customer: int, *parts: Contributor, since_s: int = 0, observed: float = 60.0) -> Abnormal:
    return Abnormal(f'{{"cpk":"C{customer}"}}', since_s * S, observed, 100.0, parts)


X, Y = part("X", 0.0, 40.0, 1.0), part("Y", 0.0, 40.0, 1.0)


def shortly(causes: list[Cause]) -> list[tuple[str, str, int, int]]:
    return [(json.loads(cause.part)["title"], cause.direction, cause.keys, cause.of) for cause in causes]


def test_eighty_four_of_ninety_one_customers_lost_one_title():
    keys = [lost(i, X, since_s=10 + i % 3) for i in range(84)] + [lost(100 + i, Y) for i in range(7)]
    (cause,) = shared_causes(keys)
    assert shortly([cause]) == [("X", "lost", 84, 91)]
    assert cause.since_us == 10 * S
    assert cause.share == pytest.approx(84 / 91)


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ([lost(i, X) for i in range(2)], []),
        ([lost(i, X) for i in range(3)], [("X", "lost", 3, 3)]),
        ([lost(i, X if i < 4 else Y) for i in range(10)], [("Y", "lost", 6, 10)]),
        ([lost(i, X if i % 2 else Y) for i in range(10)], [("X", "lost", 5, 10), ("Y", "lost", 5, 10)]),
        # who loses everything in its usual proportions did not lose one title
        ([lost(i, part("X", 0, 40, 0.4), part("Y", 0, 35, 0.35), observed=0.0) for i in range(9)], []),
        ([lost(i, part("X", 90, 10, 0.9), observed=180.0) for i in range(9)], [("X", "gained", 9, 9)]),
        # small beside what else is lost
        ([lost(i, part("X", 0, 4, 0.31), observed=50.0) for i in range(9)], []),
    ],
)
def test_a_cause_holds_for_most_and_explains_much(keys: list[Abnormal], found: list[Any]):
    assert shortly(shared_causes(keys)) == found


class TestOverTime:
    def play(self, causes: Causes, ticks: range, keys: int = 5) -> dict[str, list[Cause]]:
        for i in ticks:
            seen = [
                Sighting(f'{{"cpk":"C{k}"}}', "b", ("s",), "down", 1e-9, 1.0, 1.0, 60.0, 100.0, (X,))
                for k in range(keys)
            ]
            self.machine.tick(i * WIDTH_US, seen, scope=200)
            causes.see(i * WIDTH_US, seen, self.machine.open, 3)
        return causes.of(self.machine.open)

    def setup_method(self) -> None:
        self.machine = Incidents(IncidentsConfig())

    def test_incidents_that_are_told_apart_share_a_cause(self):
        causes = Causes(WIDTH_US)
        found = self.play(causes, range(4))
        assert len(self.machine.open) >= 1
        assert {shortly(each)[0] for each in found.values()} == {("X", "lost", 5, 5)}
        assert {each[0].since_us for each in found.values()} == {0}

    def test_what_is_over_is_forgotten(self):
        causes = Causes(WIDTH_US)
        self.play(causes, range(4))
        for i in range(4, 30):
            self.machine.tick(i * WIDTH_US, [])
        causes.see(30 * WIDTH_US, [], self.machine.open, 3)
        assert causes.snapshot() == []

    def test_a_restart_changes_nothing(self):
        one, other = Causes(WIDTH_US), Causes(WIDTH_US)
        self.play(one, range(3))
        other.restore(unpack(pack({"it": one.snapshot()}))["it"])
        assert one.of(self.machine.open) == other.of(self.machine.open)
        assert one.snapshot() == other.snapshot()

    def test_keys_far_apart_in_time_have_nothing_to_do_with_each_other(self):
        causes = Causes(WIDTH_US)
        for i, key in ((0, 0), (1, 0), (20, 1), (21, 1), (40, 2), (41, 2)):
            seen = [Sighting(f'{{"cpk":"C{key}"}}', "b", ("s",), "down", 1e-9, 1.0, 1.0, 60.0, 100.0, (X,))]
            self.machine.tick(i * WIDTH_US, seen)
            causes.see(i * WIDTH_US, seen, self.machine.open, 100)
        assert causes.of(self.machine.open) == {}
