"""What is proposed for a sample: the time, the keys, the values, the zone, the glob; and what is refused."""

from __future__ import annotations

import bz2
import gzip
import json
import os
import random
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from yeoul.demo import write_sample
from yeoul.errors import ConfigError, InputError
from yeoul.settings import load_workspace
from yeoul.settings.sniff import Proposal, Trial, Wanted, fit, propose, read_sample, try_out

BASE = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
LINES = 1500


def write(path: Path, lines: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def rows(make: Callable[[datetime, random.Random, int], str], count: int = LINES) -> list[str]:
    chance = random.Random(7)
    return [make(BASE + timedelta(seconds=0.3 * i + chance.uniform(-1, 1)), chance, i) for i in range(count)]


def flat_json(at: datetime, chance: random.Random, i: int) -> str:
    event = {"ts": at.isoformat(timespec="milliseconds"), "user_id": chance.randint(1000, 1060)}
    return json.dumps(event | {"title_id": chance.randint(1, 300), "watched": chance.randint(1, 300), "uuid": f"e{i}"})


def epoch_json(at: datetime, chance: random.Random, i: int) -> str:
    event = {"timestamp": int(at.timestamp() * 1000), "account": f"A{chance.randint(1, 50)}"}
    return json.dumps(
        event | {"item": {"id": chance.randint(1, 90), "price": chance.random() * 9}, "event_id": f"n{i}"}
    )


def csv_row(at: datetime, chance: random.Random, _: int) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S},C{chance.randint(1, 60)},{chance.randint(1, 300):05d},{chance.randint(1, 4)}"


def logfmt(at: datetime, chance: random.Random, _: int) -> str:
    head = f'ts={at:%Y-%m-%dT%H:%M:%SZ} level=info msg="it \\"played\\"" '
    return f'{head}user=u{chance.randint(1, 60)} title="t {chance.randint(1, 90)}" hits={chance.randint(1, 3)}'


def combined(at: datetime, chance: random.Random, i: int) -> str:
    request = f"GET /vod/{chance.randint(1, 90)}.ts?x={i} HTTP/1.1"
    who = f"10.0.{chance.randint(0, 3)}.{chance.randint(1, 50)}"
    return f'{who} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{request}" 200 {chance.randint(1, 9999)} "-" "Mozilla (\\"q\\")"'


def look(*paths: Path, folder: Path | None = None, **wanted: Any) -> tuple[Proposal, str, Trial]:
    samples = [read_sample(path) for path in paths]
    proposal = propose(folder or paths[0].parent, samples, Wanted(**wanted))
    return proposal, *fit(proposal, samples)


SAMPLES = {
    "flat JSON, ISO times": (rows(flat_json), "json", "ts", ("iso",), ["user_id", "title_id"], "uuid"),
    "nested JSON, epoch ms": (rows(epoch_json), "json", "timestamp", ("ms",), ["account", "item_id"], "event_id"),
    "CSV with a header": (
        ["when,customer_id,sku,quantity", *rows(csv_row)],
        *("csv", "when", ("iso",), ["customer_id", "sku"], None),
    ),
    "logfmt": (rows(logfmt), "logfmt", "ts", ("iso",), ["user", "title"], None),
    "combined access log": (rows(combined), "pattern", "time", ("%d/%b/%Y:%H:%M:%S %z",), ["client", "path"], None),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_becomes_a_workspace_that_counts_its_lines(tmp_path: Path, name: str):
    lines, line_format, time, formats, keys, event_id = SAMPLES[name]
    proposal, _, trial = look(write(tmp_path / "app.log", lines))
    assert proposal.shape.line_format == line_format
    assert (proposal.time.path, proposal.time.formats) == ((time,), formats)
    assert [key.name for key in proposal.keys] == keys
    assert (proposal.event_id and proposal.event_id.name) == event_id
    assert trial.ledger.read == LINES
    assert trial.ledger.counted == LINES


def test_the_demo_log_is_read_as_its_own_workspace_reads_it(tmp_path: Path):
    sample = write_sample(tmp_path / "logs/player.ndjson", 3000, span_s=300)
    proposal, _, trial = look(sample.path, folder=tmp_path)
    assert [key.path for key in proposal.keys] == ["_source.@fields.params.cpk", "_source.@fields.params.base_mck"]
    assert proposal.aggregates == {"events": "count()", "hits": "sum(hit)"}
    assert (proposal.watched, proposal.event_id and proposal.event_id.name) == ("hits", "eid")
    assert proposal.glob == "logs/player.ndjson"
    assert trial.counted_share > 0.97


def test_the_text_is_plain_toml_with_a_comment_at_each_choice(tmp_path: Path):
    _, text, _ = look(write(tmp_path / "app.log", rows(flat_json)))
    tables = tomllib.loads(text)
    assert set(tables) == {"stream", "detect", "rank"}
    assert tables["stream"]["app"]["source"] == {"kind": "files", "path": "app.log"}
    assert text.count("\n#") > 15
    assert "1,500 lines of" in text


@pytest.mark.parametrize("make", [flat_json, csv_row, combined])
def test_the_filter_that_is_proposed_works_as_it_stands(tmp_path: Path, make: Callable[..., str]):
    _, text, _ = look(write(tmp_path / "app.log", rows(make)))
    (tmp_path / "yeoul.toml").write_text(text.replace("# where ", "where "))
    assert load_workspace(tmp_path).plan().streams[0].spec.schema.where


def test_a_member_that_never_changes_is_not_proposed_as_a_key(tmp_path: Path):
    lines = [line.replace("{", '{"region": "kr", ', 1) for line in rows(flat_json)]
    _, text, _ = look(write(tmp_path / "app.log", lines))
    assert "could be a key: region" not in text
    assert '# region = "region"' in text


def test_odd_names_and_texts_survive_the_way_through_toml(tmp_path: Path):
    def odd(at: datetime, chance: random.Random, _: int) -> str:
        user = f'a"b\\c\u0007{chance.randint(1, 9)}'
        return json.dumps({"my time": at.isoformat(), "user.name/x": user, "9 lives": {"it's": 1}, "": 3, "한글": "값"})

    proposal, text, trial = look(write(tmp_path / "app.log", rows(odd, 100)))
    assert proposal.keys[0].path == '"user.name/x"'
    assert tomllib.loads(text)
    assert trial.ledger.counted == 100


@pytest.mark.parametrize(
    ("written", "formats"),
    [
        ("%Y-%m-%dT%H:%M:%S.%fZ", ("iso",)),
        ("%Y-%m-%d %H:%M:%S,%f", ("iso",)),
        ("%Y/%m/%d %H:%M:%S", ("%Y/%m/%d %H:%M:%S",)),
        ("%d.%m.%Y %H:%M:%S", ("%d.%m.%Y %H:%M:%S",)),
        ("%a, %d %b %Y %H:%M:%S GMT", ("%a, %d %b %Y %H:%M:%S GMT",)),
        ("%d/%b/%Y %H:%M:%S", ("%d/%b/%Y %H:%M:%S",)),
    ],
)
def test_usual_ways_to_write_a_time_are_known(tmp_path: Path, written: str, formats: tuple[str, ...]):
    lines = rows(lambda at, _, i: json.dumps({"when": at.strftime(written), "user": f"u{i % 9}"}), 200)
    proposal, _, trial = look(write(tmp_path / "app.log", lines))
    assert proposal.time.formats == formats
    assert trial.ledger.counted == 200


@pytest.mark.parametrize(("unit", "per_s"), [("s", 1), ("ms", 1000), ("us", 1_000_000)])
def test_numbers_since_1970_are_told_apart_by_their_size(tmp_path: Path, unit: str, per_s: int):
    lines = rows(lambda at, _, i: json.dumps({"t": round(at.timestamp() * per_s), "user": f"u{i % 9}"}), 200)
    proposal, _, trial = look(write(tmp_path / "app.log", lines))
    assert (proposal.time.path, proposal.time.formats) == (("t",), (unit,))
    assert trial.ledger.counted == 200


def test_an_identifier_of_ten_digits_is_no_time(tmp_path: Path):
    def event(at: datetime, chance: random.Random, i: int) -> str:
        number = chance.randint(1_000_000_000, 4_000_000_000)
        return json.dumps({"order": number, "user": f"u{i % 9}", "created": at.isoformat()})

    proposal, _, _ = look(write(tmp_path / "app.log", rows(event, 200)))
    assert proposal.time.path == ("created",)
    assert proposal.other_times == []


def test_of_several_times_the_event_s_own_is_taken_and_the_others_are_named(tmp_path: Path):
    def event(at: datetime, chance: random.Random, i: int) -> str:
        later = at + timedelta(seconds=chance.uniform(0, 60))
        return json.dumps({"received_at": later.isoformat(), "event_time": at.isoformat(), "user": f"u{i % 9}"})

    path = write(tmp_path / "app.log", rows(event, 200))
    proposal, text, _ = look(path)
    assert proposal.time.path == ("event_time",)
    assert '# Also a time: { path = "received_at"' in text
    chosen, _, _ = look(path, time="received_at")
    assert chosen.time.path == ("received_at",)


def test_day_before_month_is_seen_where_a_day_is_above_twelve(tmp_path: Path):
    days = [BASE + timedelta(days=day, hours=day % 7) for day in range(28) for _ in range(8)]
    lines = [json.dumps({"time": f"{day:%m/%d/%Y %H:%M:%S}", "user": f"u{i % 9}"}) for i, day in enumerate(days)]
    assert look(write(tmp_path / "app.log", lines))[0].time.formats == ("%m/%d/%Y %H:%M:%S",)


def local(hours: int) -> list[str]:
    shift = timedelta(hours=hours)
    return rows(lambda at, _, i: json.dumps({"time": f"{at + shift:%Y-%m-%d %H:%M:%S}", "user": f"u{i % 9}"}), 99)


def test_the_zone_is_guessed_from_the_last_line_and_the_file_s_change(tmp_path: Path):
    path = write(tmp_path / "app.log", local(9))
    last = BASE + timedelta(seconds=0.3 * 99)
    os.utime(path, (last.timestamp(), last.timestamp()))
    proposal, text, _ = look(path)
    assert (proposal.zone.name, proposal.zone.sure) == ("Asia/Seoul", False)
    assert "Please check" in text


def test_a_zone_that_was_said_is_taken(tmp_path: Path):
    path = write(tmp_path / "app.log", local(9))
    proposal, text, trial = look(path, timezone="America/New_York")
    assert proposal.zone.sure
    assert 'timezone = "America/New_York"' in text
    assert trial.ledger.counted == 99


def test_times_that_say_their_zone_need_none(tmp_path: Path):
    _, text, _ = look(write(tmp_path / "app.log", rows(flat_json, 50)))
    assert "timezone" not in text


def test_a_member_that_is_often_missing_gets_a_default_and_is_counted(tmp_path: Path):
    def event(at: datetime, _: random.Random, i: int) -> str:
        known = {"user": f"u{i % 9}"} if i % 10 else {}
        return json.dumps({"at": at.isoformat(), "path": f"/{i % 7}", **known})

    _, text, trial = look(write(tmp_path / "app.log", rows(event, 300)))
    assert 'user = { path = "user", default = "-" }' in text
    assert trial.ledger.counted == 300


def test_rows_far_out_of_order_get_a_longer_delay(tmp_path: Path):
    chance = random.Random(3)
    seconds = sorted((i * 0.5 + chance.uniform(0, 200), i) for i in range(1000))
    lines = [
        json.dumps({"at": (BASE + timedelta(seconds=0.5 * i)).isoformat(), "user": f"u{i % 9}"}) for _, i in seconds
    ]
    proposal, _, trial = look(write(tmp_path / "app.log", lines))
    assert proposal.delay_s == 300
    assert trial.counted_share > 0.98


def test_malformed_lines_are_counted_and_do_not_confuse(tmp_path: Path):
    lines = rows(flat_json, 200)
    lines[10:10] = ["oops", "Traceback (most recent call last):", '{"ts": "soon", "user_id": 1, "title_id": 2}', ""]
    proposal, text, trial = look(write(tmp_path / "app.log", lines))
    assert (proposal.files[0].lines, proposal.files[0].odd) == (203, 2)
    assert (trial.ledger.counted, trial.ledger.invalid) == (200, 3)
    assert "2 are of another format" in text


def test_what_was_said_is_taken_by_path_or_by_its_last_part(tmp_path: Path):
    path = write(tmp_path / "app.log", rows(epoch_json))
    proposal, _, _ = look(path, keys=("item.id", "account"), value="price")
    assert [key.name for key in proposal.keys] == ["item_id", "account"]
    assert (proposal.watched, proposal.aggregates["prices"]) == ("prices", "sum(price)")


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"time": "tmestamp"}, "did you mean `timestamp`"),
        ({"time": "account"}, "does not read as a time"),
        ({"keys": ("acount",)}, "did you mean `account`"),
        ({"keys": ("item.price",)}, "numbers with fractions"),
        ({"value": "account"}, "holds no numbers"),
        ({"timezone": "Seoul"}, "IANA name"),
        ({"timezone": "Asia/Seul"}, "did you mean `Asia/Seoul`"),
        ({"value": "prce"}, "did you mean `price`"),
    ],
)
def test_what_was_said_and_is_not_there_is_refused(tmp_path: Path, wanted: dict[str, Any], says: str):
    with pytest.raises(InputError) as error:
        look(write(tmp_path / "app.log", rows(epoch_json, 50)), **wanted)
    assert says in str(error.value)


def test_csv_without_a_header_gets_names_for_its_columns(tmp_path: Path):
    proposal, text, trial = look(write(tmp_path / "a.csv", rows(csv_row)), keys=("column2",))
    assert proposal.shape.columns == ("column1", "column2", "column3", "column4")
    assert trial.ledger.counted == LINES
    assert "no header line" in text


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_of_csv_are_seen(tmp_path: Path, delimiter: str):
    lines = ["when,customer_id,sku,quantity", *rows(csv_row, 100)]
    proposal, _, trial = look(write(tmp_path / "a.csv", [line.replace(",", delimiter) for line in lines]))
    assert proposal.shape.delimiter == delimiter
    assert trial.ledger.counted == 100


def test_a_compressed_sample_is_read(tmp_path: Path):
    path = tmp_path / "app.log.2.gz"
    path.write_bytes(gzip.compress("\n".join(rows(flat_json, 100)).encode()))
    proposal, _, trial = look(path)
    assert proposal.glob == "app.log"
    assert trial.ledger.counted == 100


def test_several_samples_give_one_glob_for_all(tmp_path: Path):
    paths = [write(tmp_path / f"logs/host{number}.log", rows(flat_json, 50)) for number in (1, 2)]
    proposal, _, trial = look(*paths, folder=tmp_path)
    assert proposal.glob == "logs/host*.log"
    assert trial.ledger.read == 100


def test_samples_of_different_formats_are_refused(tmp_path: Path):
    first, second = write(tmp_path / "a.log", rows(flat_json, 50)), write(tmp_path / "b.log", rows(combined, 50))
    with pytest.raises(InputError, match="in one format"):
        look(first, second)


BAD = {
    "missing": (None, "is not there"),
    "empty": (b"", "is empty"),
    "blank": (b"\n\n \n", "holds blank lines only"),
    "binary": (bytes(range(256)) * 20, "is not text"),
    "UTF-16": ("{}".encode("utf-16"), "UTF-16"),
    "Latin-1": ("at;user;title\n2026-03-02T11:00:00Z;a;Amélie\n".encode("latin-1") * 9, "not UTF-8 text"),
    "bzip2": (bz2.compress(b"x"), "bzip2"),
    "damaged gzip": (gzip.compress(b"x" * 999)[:-9], "cannot be read"),
    "prose": (b"Once upon a time\nthere was a log\n" * 9, "no format that is known"),
    "a JSON document": (json.dumps([{"a": 1}] * 9, indent=1).encode(), "one object a line"),
    "no time": (b'{"user": "a", "n": 1}\n' * 9, "--time PATH"),
    "a date alone": (b'{"user": "a", "day": "2026-03-02"}\n' * 9, "--time PATH"),
    "no key": (b'{"at": "2026-03-02T11:00:00Z", "x": 1.5}\n' * 9, "--keys a,b"),
    "only a header": (b"at,user,n\n", "no line of data"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_sample_that_tells_nothing_is_refused_with_what_to_do(tmp_path: Path, name: str):
    data, says = BAD[name]
    path = tmp_path / "app.log"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as error:
        look(path)
    assert says in str(error.value)


def test_a_few_lines_are_enough(tmp_path: Path):
    proposal, _, trial = look(write(tmp_path / "app.log", rows(flat_json, 3)))
    assert [key.name for key in proposal.keys] == ["user_id", "title_id"]
    assert trial.ledger.read == 3


def test_private_values_are_not_written_out(tmp_path: Path):
    lines = rows(lambda at, *_: json.dumps({"at": at.isoformat(), "user": "u", "email": "kim@example.org"}), 30)
    _, text, _ = look(write(tmp_path / "app.log", lines))
    assert "kim…" in text
    assert "kim@" not in text


def test_a_broken_text_is_noticed_by_the_trial(tmp_path: Path):
    path = write(tmp_path / "app.log", rows(flat_json, 30))
    _, text, _ = look(path)
    with pytest.raises(ConfigError):
        try_out(text.replace('by             = ["user_id"]', 'by = ["nobody"]'), [read_sample(path)])


def test_a_log_with_long_gaps_gets_a_delay_that_spans_them(tmp_path: Path):
    times = [BASE + timedelta(minutes=37 * number) for number in range(100)]
    lines = [json.dumps({"at": at.isoformat(), "sensor": "s1"}) for at in times]
    proposal, text, trial = look(write(tmp_path / "app.log", lines))
    assert proposal.delay_s == 3600
    assert "With a shorter delay 63% of the rows would be late or future." in text
    assert trial.ledger.counted == 100


def test_a_number_that_counts_is_no_key(tmp_path: Path):
    lines = rows(lambda at, _, i: json.dumps({"at": at.isoformat(), "n": i / 2, "count": i % 3}), 50)
    with pytest.raises(InputError, match="--keys a,b"):
        look(write(tmp_path / "app.log", lines))
