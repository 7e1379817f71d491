from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.incidents import Contributor, Incidents, IncidentsConfig, Sighting
from yeoul.store.pack import pack, unpack


def sighting(key: int, direction: str, score: float, title: str) -> Sighting:
    parts = (Contributor(title, 8.0, 1.0, 0.8),) if title else ()
    return Sighting(f"K{key}", "b", ("seasonal",), direction, 1e-5, score, 0.5, 9.0, 1.0, parts)


one = st.builds(
    sighting,
    st.integers(0, 7),
    st.sampled_from(["up", "down", "odd"]),
    st.sampled_from([0.4, 0.7, 1.0]),
    st.sampled_from(["", "T1", "T2"]),
)
ticks_of = st.lists(st.lists(one, max_size=6, unique_by=lambda each: each.key), max_size=40)
CONFIG = IncidentsConfig(close_after=4, join_within=8, max_open=5)


@settings(max_examples=150, deadline=None)
@given(ticks_of)
def test_every_incident_opens_once_ends_once_and_every_finding_has_one_home(ticks: list[list[Sighting]]):
    machine = Incidents(CONFIG)
    living: set[str] = set()
    homes: dict[tuple[str, int], str] = {}
    into: dict[str, str] = {}
    for i, sightings in enumerate(ticks):
        for change in machine.tick(i, sightings, scope=8):
            id_ = change.incident.id
            if change.kind == "opened":
                assert id_ not in living
                living.add(id_)
            elif change.kind in {"closed", "merged"}:
                assert change.incident.closed_us is not None
                living.remove(id_)
                into[id_] = change.into
            else:
                assert id_ in living
        for link in machine.links:
            assert (link.key, link.start_us) not in homes
            homes[link.key, link.start_us] = link.incident
        assert {incident.id for incident in machine.open} == living
        assert len(living) <= CONFIG.max_open
    for incident in machine.open:
        mine = [key for key, home in homes.items() if home == incident.id or into.get(home) == incident.id]
        assert incident.findings >= len([key for key, home in homes.items() if home == incident.id])
        assert {key for key, _ in mine} <= set(incident.keys)


@settings(max_examples=60, deadline=None)
@given(ticks_of, st.randoms(use_true_random=False), st.integers(0, 39))
def test_order_of_sightings_and_a_restart_change_nothing(ticks: list[list[Sighting]], random: Random, cut: int):
    plain, other = Incidents(CONFIG), Incidents(CONFIG)
    for i, sightings in enumerate(ticks):
        if i == cut:
            kept = unpack(pack(other.snapshot()))
            other = Incidents(CONFIG)
            other.restore(kept)
        mixed = list(sightings)
        random.shuffle(mixed)
        assert plain.tick(i, sightings, scope=8) == other.tick(i, mixed, scope=8)
        assert plain.links == other.links
