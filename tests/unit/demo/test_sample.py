"""One file of exactly so many lines."""

import gzip
import json
from pathlib import Path

import pytest

from yeoul.demo import write_sample
from yeoul.errors import InputError
from yeoul.events import parse_iso


@pytest.mark.parametrize("lines", [1, 17, 5000, 70_001])
def test_the_file_has_exactly_the_lines_asked_for(tmp_path: Path, lines: int):
    sample = write_sample(tmp_path / "a.ndjson", lines)
    data = sample.path.read_bytes()
    assert data.count(b"\n") == lines == sample.lines
    assert data.endswith(b"\n")
    assert len(data) == sample.bytes


def test_the_span_is_met(tmp_path: Path):
    sample = write_sample(tmp_path / "a.ndjson", 20_000, span_s=600)
    assert (sample.end_us - sample.start_us) / 1e6 == pytest.approx(600, rel=0.08)


def test_the_same_arguments_write_the_same_bytes(tmp_path: Path):
    data = [write_sample(tmp_path / f"{n}.ndjson", 3000, seed=n // 2).path.read_bytes() for n in range(3)]
    assert data[0] == data[1]
    assert data[0] != data[2]


def test_a_compressed_sample_is_the_same_sample(tmp_path: Path):
    plain = write_sample(tmp_path / "a.ndjson", 500)
    packed = write_sample(tmp_path / "b.ndjson.gz", 500)
    assert gzip.decompress(packed.path.read_bytes()) == plain.path.read_bytes()
    assert packed.bytes == plain.bytes


def test_a_clean_sample_decodes_line_by_line(tmp_path: Path):
    sample = write_sample(tmp_path / "a.ndjson", 3000, customers=9, titles=20, clean=True)
    params = [json.loads(line)["_source"]["@fields"]["params"] for line in sample.path.read_bytes().splitlines()]
    assert {one["cpk"] for one in params} <= {f"CP{n:04d}" for n in range(1, 10)}
    assert len({one["eid"] for one in params}) == 3000


def test_incidents_are_planted_within_the_sample_and_labelled(tmp_path: Path):
    sample = write_sample(tmp_path / "a.ndjson", 20_000, kinds=("burst", "drop"))
    assert sorted(label["kind"] for label in sample.labels) == ["burst", "drop"]
    for label in sample.labels:
        assert sample.start_us <= parse_iso(label["start"]) < parse_iso(label["end"]) <= sample.end_us


@pytest.mark.parametrize(("lines", "span_s"), [(0, 60), (-1, 60), (10, 0), (10, float("nan"))])
def test_a_sample_of_nothing_is_refused(tmp_path: Path, lines: int, span_s: float):
    with pytest.raises(InputError, match="legal: at least one line"):
        write_sample(tmp_path / "a.ndjson", lines, span_s=span_s)
