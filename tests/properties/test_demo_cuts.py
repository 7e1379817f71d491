"""However a range or a write is cut, the same bytes come out."""

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from yeoul.demo import Incident, LogWriter, Rotation, Service, ServiceConfig
from yeoul.demo.sample import SAMPLE_START_US

SPAN_US = 50_000_000
CONFIG = ServiceConfig(rate_eps=80, late=0.05, duplicates=0.05, malformed=0.05, future=0.05)


def _service() -> Service:
    service = Service(CONFIG)
    catalogue = service.catalogue
    for kind, target in (
        ("burst", catalogue.customer_keys[0]),
        ("viral", catalogue.title_keys[60]),
        ("outage", "icn2"),
    ):
        service.plant(Incident.aimed(catalogue, kind, target, SAMPLE_START_US + 17_000_000, 20))
    return service


SERVICE = _service()
WHOLE = b"".join(SERVICE.events(SAMPLE_START_US, SAMPLE_START_US + SPAN_US))


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, SPAN_US), max_size=6))
def test_a_range_cut_anywhere_gives_the_same_lines(cuts: list[int]):
    edges = [0, *sorted(cuts), SPAN_US]
    parts = [b"".join(SERVICE.events(SAMPLE_START_US + start, SAMPLE_START_US + end)) for start, end in pairwise(edges)]
    assert b"".join(parts) == WHOLE


@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"") + b"\n"), min_size=1, max_size=60),
    steps=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    max_bytes=st.integers(1, 300),
    torn=st.booleans(),
    copytruncate=st.booleans(),
)
def test_rotation_loses_repeats_and_splits_no_line(
    lines: list[bytes], steps: list[int], max_bytes: int, torn: bool, copytruncate: bool
):
    with tempfile.TemporaryDirectory() as folder:
        writer = LogWriter(Path(folder), ["a"], Rotation(max_bytes, None, copytruncate=copytruncate), torn=torn)
        at = 0
        for turn in range(len(lines)):
            step = steps[turn % len(steps)]
            writer.write("a", b"".join(lines[at : at + step]))
            at += step
        writer.close()
        live = Path(folder) / "a.ndjson"
        rotated = sorted(Path(folder).glob("a.ndjson.*"), key=lambda path: -int(path.suffix[1:]))
        parts = [path.read_bytes() for path in (*rotated, live) if path.exists()]
        assert b"".join(parts) == b"".join(lines)
        assert all(part.endswith(b"\n") for part in parts if part)
