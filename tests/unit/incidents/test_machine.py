import pytest

from yeoul.errors import ConfigError
from yeoul.incidents import Contributor, Incidents, IncidentsConfig, Sighting
from yeoul.store.pack import pack, unpack

WIDTH_US = 10_000_000


def seen(key: str, direction: str = "up", score: float = 0.9, title: str = "", observed: float = 90.0) -> Sighting:
    parts = (Contributor(title, 80.0, 5.0, 0.9),) if title else ()
    return Sighting(key, "customers", ("seasonal",), direction, 1e-6, score, 0.8, observed, 30.0, parts)


def play(
    machine: Incidents, ticks: list[list[Sighting]], scope: int = 100, first: int = 0
) -> list[tuple[int, str, int]]:
    """(tick, kind, keys) of every change."""
    told = []
    for i, sightings in enumerate(ticks, start=first):
        told += [(i, c.kind, len(c.incident.keys)) for c in machine.tick(i * WIDTH_US, sightings, scope=scope)]
    return told


A, B = '{"cpk":"A"}', '{"cpk":"B"}'
QUIET: list[Sighting] = []


@pytest.mark.parametrize(
    ("pattern", "opened_at"),
    [("x", None), ("xx", 1), ("x.x", 2), ("x..x", None), (".xx", 2), ("x..xx", 4)],
)
def test_an_incident_opens_after_two_alarms_in_three_ticks(pattern: str, opened_at: int | None):
    ticks = [[seen(A)] if mark == "x" else QUIET for mark in pattern]
    told = play(Incidents(), ticks)
    assert told == ([(opened_at, "opened", 1)] if opened_at is not None else [])


def test_it_closes_after_a_quiet_spell_and_not_before():
    machine = Incidents(IncidentsConfig(close_after=5))
    told = play(machine, [[seen(A)], [seen(A)], *[QUIET] * 4, [seen(A)], *[QUIET] * 5])
    assert told == [(1, "opened", 1), (11, "closed", 1)]
    assert machine.open == ()


def test_an_incident_says_since_when_how_much_and_by_what():
    machine = Incidents()
    machine.tick(0, [seen(A)])
    (change,) = machine.tick(WIDTH_US, [seen(A, score=1.0, title="T1", observed=120.0)])
    incident = change.incident
    assert (incident.since_us, incident.opened_us, incident.updated_us, incident.closed_us) == (
        0,
        WIDTH_US,
        WIDTH_US,
        None,
    )
    assert (incident.observed, incident.expected, incident.score, incident.findings) == (120.0, 30.0, 1.0, 2)
    assert [part.key for part in incident.contributors] == ["T1"]
    assert len(incident.id) == 12


def test_earlier_sightings_are_linked_when_it_opens():
    machine = Incidents()
    machine.tick(0, [seen(A)])
    assert machine.links == ()
    (change,) = machine.tick(WIDTH_US, [seen(A), seen(B)])
    assert [(link.key, link.start_us, link.incident) for link in machine.links] == [
        (A, 0, change.incident.id),
        (A, WIDTH_US, change.incident.id),
    ]


def test_keys_without_a_common_cause_are_incidents_of_their_own():
    told = play(Incidents(), [[seen(A), seen(B)], [seen(A), seen(B)]])
    assert told == [(1, "opened", 1), (1, "opened", 1)]


def test_keys_that_share_their_leading_contributor_are_one_incident():
    machine = Incidents()
    told = play(machine, [[seen(A, title="T1"), seen(B, title="T1")]] * 2)
    assert told == [(1, "opened", 2)]
    assert machine.open[0].cause == "T1"
    assert machine.open[0].observed == 180.0


def test_a_key_joins_later_by_a_shared_contributor_and_is_told_as_growth():
    told = play(Incidents(), [[seen(A, title="T1")]] * 2 + [[seen(A, title="T1"), seen(B, title="T1")]] * 2)
    assert told == [(1, "opened", 1), (3, "grown", 2)]


def test_opposite_directions_are_never_one_cause():
    told = play(Incidents(), [[seen(A, title="T1"), seen(B, "down", title="T1")]] * 2)
    assert told == [(1, "opened", 1), (1, "opened", 1)]


def test_many_keys_at_once_are_one_shared_incident():
    many = [seen(f"K{i:02d}", "down") for i in range(20)]
    machine = Incidents()
    assert play(machine, [many, many], scope=100) == [(1, "opened", 20)]
    assert machine.open[0].cause == "shared"


def test_single_incidents_merge_when_their_cause_proves_shared():
    machine = Incidents()
    few = [seen("K00", "down"), seen("K01", "down")]
    many = [seen(f"K{i:02d}", "down") for i in range(20)]
    told = play(machine, [few, few, many, many])
    assert told[:2] == [(1, "opened", 1), (1, "opened", 1)]
    assert (2, "merged", 1) in told
    assert len(machine.open) == 1
    assert len(machine.open[0].keys) == 20
    assert machine.open[0].findings == 2 + 2 + 20 + 20


def test_growth_is_told_by_notches_and_not_at_every_tick():
    told = play(Incidents(), [[seen(A, score=score)] for score in (0.5, 0.5, 0.55, 0.6, 0.69, 0.72, 0.8, 0.95)])
    assert told == [(1, "opened", 1), (5, "grown", 1), (7, "grown", 1)]


def test_ids_are_those_of_block_first_key_and_opening_time():
    def first(ticks: list[list[Sighting]]) -> str:
        machine = Incidents()
        play(machine, ticks)
        return machine.open[0].id

    assert first([[seen(A)]] * 2) == first([[seen(A, score=0.7)]] * 2)
    assert len({first([[seen(A)]] * 2), first([[seen(B)]] * 2), first([QUIET, [seen(A)], [seen(A)]])}) == 3


def test_a_restored_machine_continues_identically():
    ticks = [[seen(A, title="T1")], [seen(A), seen(B)], [seen(B)], QUIET, [seen(A)], *[QUIET] * 15]
    whole = Incidents()
    expected = play(whole, ticks)
    for cut in range(len(ticks)):
        machine = Incidents()
        told = play(machine, ticks[:cut])
        again = Incidents()
        again.restore(unpack(pack(machine.snapshot())))
        assert told + play(again, ticks[cut:], first=cut) == expected
        assert again.open == whole.open


def test_a_silence_closes_what_is_open():
    machine = Incidents()
    play(machine, [[seen(A)]] * 2)
    (change,) = machine.silence(1000, 1000 * WIDTH_US)
    assert (change.kind, change.incident.closed_us) == ("closed", 1000 * WIDTH_US)


def test_the_number_of_open_incidents_is_bounded_and_the_quietest_go():
    machine = Incidents(IncidentsConfig(max_open=3))
    told = play(machine, [[seen(f"K{i}", score=0.5 + i / 20) for i in range(5)]] * 2, scope=10_000)
    assert sum(kind == "closed" for _, kind, _ in told) == 2
    assert sorted(incident.keys[0] for incident in machine.open) == ["K2", "K3", "K4"]


def test_pending_sightings_are_dropped_after_n_ticks():
    machine = Incidents()
    play(machine, [[seen(f"K{i}")] for i in range(500)])
    assert len(machine.snapshot()["pending"]) <= 3


@pytest.mark.parametrize("change", [{"persist": (3, 2)}, {"persist": (0, 2)}, {"close_after": 1}])
def test_rules_that_cannot_mean_anything_are_refused(change: dict):
    with pytest.raises(ConfigError, match="legal"):
        IncidentsConfig(**change)
