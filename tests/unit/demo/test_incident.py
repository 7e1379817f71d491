"""What may be planted, and its label."""

import pytest

from yeoul.demo import KINDS, Catalogue, Incident, ServiceConfig
from yeoul.errors import InputError
from yeoul.events import parse_iso

CATALOGUE = Catalogue(ServiceConfig())
CUSTOMER, TITLE = CATALOGUE.customer_keys[9], CATALOGUE.title_keys[70]
TARGETS = {"customer": CUSTOMER, "title": TITLE, "origin": "icn2"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_label_says_who_when_and_how_strongly(kind: str):
    start_us = parse_iso("2026-03-02T11:10:05Z")
    incident = Incident.aimed(CATALOGUE, kind, TARGETS[KINDS[kind].target], start_us, duration_s=90)
    label = incident.label("0001", CATALOGUE)
    assert (label["id"], label["kind"], label["magnitude"]) == ("0001", kind, KINDS[kind].magnitude)
    assert (label["start"], label["end"]) == ("2026-03-02T11:10:05Z", "2026-03-02T11:11:35Z")
    assert bool(label["cpk"]) == (kind != "viral")
    assert label["base_mck"] == ([TITLE] if kind == "viral" else [])


def test_an_outage_hits_every_customer_behind_its_origin():
    incident = Incident.aimed(CATALOGUE, "outage", "icn2", 0)
    assert len(incident.customers) > 20
    assert (CATALOGUE.origin[list(incident.customers)] == 1).all()


def test_times_are_whole_milliseconds_as_logs_have_them():
    incident = Incident.aimed(CATALOGUE, "burst", CUSTOMER, 1_234_567, duration_s=1.0006)
    assert (incident.start_us, incident.end_us) == (1_235_000, 2_236_000)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "brust"}, "kind: got `brust`; legal: burst, .*did you mean `burst`"),
        ({"target": "CP9999"}, "got the customer `CP9999`"),
        ({"kind": "viral"}, "got the title"),
        ({"kind": "outage", "target": "icn9"}, "got the origin `icn9`; legal: icn1, icn2"),
        ({"duration_s": 0}, "duration_s: got `0`"),
        ({"duration_s": True}, "duration_s: got `True`"),
        ({"magnitude": 1.0}, r"magnitude: got `1.0`; legal: a number from 1.1 to 1000 \(factor"),
        ({"kind": "drop", "magnitude": 1.5}, "magnitude: got `1.5`"),
        ({"magnitude": "5"}, "magnitude: got `5`"),
    ],
)
def test_what_cannot_be_planted_is_refused_with_what_can(change: dict[str, object], message: str):
    wish = {"kind": "burst", "target": CUSTOMER, "start_us": 0, **change}
    with pytest.raises(InputError, match=message):
        Incident.aimed(CATALOGUE, **wish)
