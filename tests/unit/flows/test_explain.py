"""Why a row is what it is: each class of the ledger, what was not read, and what cannot be known."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from yeoul.clock import ManualClock
from yeoul.errors import InputError, StateError
from yeoul.events import iso, parse_iso
from yeoul.flows.engine import Engine
from yeoul.flows.explain import Explained, explain
from yeoul.settings import load_workspace
from yeoul.store import open_state

START = parse_iso("2026-03-02T11:00:00Z")
TOML = """
[stream.plays]
source     = { kind = "files", path = "logs/*.log" }
event_time = "at"
fields     = { user = "user", n = { path = "n", type = "int" }, id = "id" }
keys       = ["user"]
aggregates = { plays = "count()", total = "sum(n)" }
event_id   = "id"
where      = "n > 0"
"""


def line(second: float, user: str = "u1", n: object = 1, id_: str | None = None) -> str:
    at = START + round(second * 1e6)
    return json.dumps({"at": iso(at), "user": user, "n": n, "id": id_ or f"{user}-{second}"})


STEADY = [line(second, f"u{second % 4}") for second in range(60)]
SPECIAL = {
    "blank": "",
    "not JSON": "oops",
    "wrong type": line(60, n="many"),
    "filtered": line(60, n=0),
    "late": line(2, "u9"),
    "repeat": line(58, "u2"),
    "a day ahead": line(86_400, "u7"),
    "counted": line(61, "u3", 5),
}
LINE = {name: len(STEADY) + 1 + number for number, name in enumerate(SPECIAL)}


def workspace(folder: Path, lines: list[str], *, toml: str = TOML, name: str = "a.log") -> Path:
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "yeoul.toml").write_text(toml)
    (folder / "logs" / name).write_text("".join(f"{one}\n" for one in lines))
    return folder


def read_all(folder: Path) -> None:
    """What a running engine has done when it has caught up."""
    plan = load_workspace(folder).plan()
    engine = Engine(plan, open_state(folder / ".yeoul"), ManualClock(START), live=True)
    try:
        engine.load()
        engine.poll()
        while engine.step():
            engine.advance()
            engine.commit()
        engine.advance()
        engine.commit()
    finally:
        engine.close()


def told(folder: Path, position: str, stream: str | None = None) -> Explained:
    return explain(load_workspace(folder).plan(), position, stream)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = workspace(tmp_path_factory.mktemp("explain"), [*STEADY, *SPECIAL.values()])
    read_all(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("blank", "blank", "the line is blank"),
        ("not JSON", "invalid", "the line is not JSON"),
        ("wrong type", "invalid", "`n`: got the text `many`"),
        ("filtered", "filtered", "`where = n > 0` does not hold"),
        ("late", "late", "behind the watermark"),
        ("repeat", "duplicate", "`id` u2-58 stands in `logs/a.log` at byte"),
        ("a day ahead", "future", "ahead of its neighbours"),
        ("counted", "counted", "still open"),
    ],
)
def test_each_class_is_told_with_its_reason(read: Path, name: str, kind: str, why: str):
    found = told(read, f"logs/a.log:{LINE[name]}")
    assert (found.kind, found.sure) == (kind, True)
    assert why in found.why
    assert found.raw == SPECIAL[name]


def test_the_classes_told_are_those_of_the_ledger(read: Path):
    kinds = [told(read, f"logs/a.log:{number}").kind for number in range(1, len(STEADY) + len(SPECIAL) + 1)]
    plan = load_workspace(read).plan()
    engine = Engine(plan, open_state(read / ".yeoul"), ManualClock(START), live=True)
    engine.load()
    book = engine.ledgers()["plays"]["total"]
    engine.close()
    for kind in ("counted", "late", "future", "invalid", "duplicate", "filtered"):
        assert kinds.count(kind) == book[kind] > 0


def test_a_counted_row_shows_what_its_key_counts_in_its_window_now(read: Path):
    closed = told(read, "logs/a.log:5").windows[0]  # u0 at seconds 0, 4, 8
    assert (closed.closed, closed.revision, closed.values) == (True, 0, {"plays": 3, "total": 3})
    assert (closed.start_us, closed.end_us) == (START, START + 10_000_000)
    still_open = told(read, f"logs/a.log:{LINE['counted']}").windows[0]
    assert (still_open.closed, still_open.revision, still_open.values) == (False, None, {"plays": 1, "total": 5})


def test_what_is_in_the_quarantine_is_told_with_its_number(read: Path):
    found = told(read, f"logs/a.log:{LINE['not JSON']}")
    assert found.quarantine is not None
    assert f"number {found.quarantine} in" in found.notes[0]


def test_an_offset_anywhere_in_a_line_means_that_line(read: Path):
    by_number = told(read, "logs/a.log:7")
    for offset in (by_number.offset, by_number.offset + 5, by_number.offset + by_number.size_bytes):
        found = told(read, f"logs/a.log@{offset}")
        assert (found.line, found.offset, found.why) == (7, by_number.offset, by_number.why)


def test_a_row_that_waits_ahead_of_its_time_is_undecided(tmp_path: Path):
    folder = workspace(tmp_path, [*STEADY, line(86_400, "u7")])
    read_all(folder)
    assert told(folder, f"logs/a.log:{len(STEADY) + 1}").kind == "undecided"


def test_the_first_rows_of_a_split_wait_until_there_are_enough(tmp_path: Path):
    folder = workspace(tmp_path, STEADY[:3])
    read_all(folder)
    assert told(folder, "logs/a.log:2").kind == "undecided"


def test_what_came_after_the_checkpoint_is_not_read_yet(tmp_path: Path):
    folder = workspace(tmp_path, STEADY)
    read_all(folder)
    with (folder / "logs/a.log").open("a") as file:
        file.write(line(61) + "\nnonsense\n" + line(62))
    first, second, third = (told(folder, f"logs/a.log:{len(STEADY) + number}") for number in (1, 2, 3))
    assert [first.kind, second.kind, third.kind] == ["not read"] * 3
    assert f"a row of {iso(START + 61_000_000)}" in first.notes[-1]
    assert "invalid: the line is not JSON" in second.notes[-1]
    assert "no end yet" in third.notes[0]


def test_without_a_state_decoding_alone_is_told(tmp_path: Path):
    folder = workspace(tmp_path, [line(0), "oops", line(1, n=0), ""])
    found = [told(folder, f"logs/a.log:{number}") for number in (1, 2, 3, 4)]
    assert {each.kind for each in found} == {"not read"}
    notes = [each.notes[0] for each in found]
    for note, part in zip(notes, ("a row of", "invalid: ", "filtered: ", "no row: the line is blank"), strict=True):
        assert part in note
    assert not (folder / ".yeoul").exists()


def test_a_rotated_and_compressed_file_is_found_by_its_new_name(tmp_path: Path):
    folder = workspace(tmp_path, [*STEADY, *SPECIAL.values()])
    read_all(folder)
    original = folder / "logs/a.log"
    (folder / "logs/a.log.1.gz").write_bytes(gzip.compress(original.read_bytes()))
    original.write_text(line(70) + "\n")
    kinds = {name: told(folder, f"logs/a.log.1.gz:{number}").kind for name, number in LINE.items()}
    assert kinds == {
        "blank": "blank",
        "not JSON": "invalid",
        "wrong type": "invalid",
        "filtered": "filtered",
        "late": "late",
        "repeat": "duplicate",
        "a day ahead": "future",
        "counted": "counted",
    }
    assert told(folder, "logs/a.log:1").kind == "not read"
    assert told(folder, "logs/a.log.1.gz:3").split == "logs/a.log"


def test_a_copy_is_not_read_and_says_what_it_repeats(tmp_path: Path):
    folder = workspace(tmp_path, STEADY)
    read_all(folder)
    (folder / "logs/b.log").write_bytes((folder / "logs/a.log").read_bytes())
    found = told(folder, "logs/b.log:1")
    assert found.kind == "copy"
    assert "`logs/a.log`" in found.why


def test_a_repeat_in_another_file_cannot_be_told_from_the_first(tmp_path: Path):
    folder = workspace(tmp_path, STEADY)
    workspace(folder, [*STEADY[:-1], line(59, "u3"), line(60, "u0")], name="b.log")
    read_all(folder)
    found = told(folder, "logs/b.log:60")
    assert (found.kind, found.sure) == ("counted", False)
    assert "whichever was read first" in found.why


def test_a_revision_is_shown_with_its_number(tmp_path: Path):
    toml = TOML + 'allowed_lateness = "1h"\n'
    folder = workspace(tmp_path, [*STEADY, line(1.5, "u0", 7), *(line(60 + i, "u0") for i in range(40))], toml=toml)
    read_all(folder)
    window = told(folder, f"logs/a.log:{len(STEADY) + 1}").windows[0]
    assert (window.closed, window.revision) == (True, 1)
    assert window.values == {"plays": 4, "total": 10}


def test_a_row_of_sliding_windows_shows_all_of_them(tmp_path: Path):
    toml = TOML + 'window = { size = "30s", slide = "10s" }\n'
    folder = workspace(tmp_path, STEADY, toml=toml)
    read_all(folder)
    found = told(folder, "logs/a.log:36").windows  # second 35
    assert [window.end_us for window in found] == [START + second * 1_000_000 for second in (40, 50, 60)]
    assert [window.closed for window in found] == [True, False, False]
    assert all(window.values is not None for window in found)


def test_the_header_of_a_csv_file_is_no_row(tmp_path: Path):
    toml = TOML.replace('"logs/*.log" }', '"logs/*.csv", format = "csv" }')
    rows = ["at,user,n,id", *(f"{iso(START + i * 1_000_000)},u{i % 3},1,{i}" for i in range(30))]
    folder = workspace(tmp_path, rows, toml=toml, name="a.csv")
    read_all(folder)
    assert told(folder, "logs/a.csv:1").kind == "blank"
    assert told(folder, "logs/a.csv:3").row == {"user": "u1", "n": 1, "id": "1"}


def test_masked_fields_are_shown_nowhere(tmp_path: Path):
    toml = TOML + 'redact = ["user", "id"]\n'
    folder = workspace(tmp_path, [*STEADY, line(58, "u2")], toml=toml)
    read_all(folder)
    for number in (3, len(STEADY) + 1):
        found = told(folder, f"logs/a.log:{number}")
        assert '"u2' not in json.dumps(found.as_members())
        assert "u2-58" not in json.dumps(found.as_members())
        assert found.row["user"] == "***"


@pytest.mark.parametrize(
    ("position", "says"),
    [
        ("logs/a.log", "legal: FILE:LINE"),
        ("logs/a.log:0", "lines count from 1"),
        ("logs/a.log:-1", "legal: FILE:LINE"),
        ("logs/a.log:999", "it has 68 lines and"),
        ("logs/a.log@99999999", "it has 68 lines and"),
        ("logs/b.log:1", "did you mean `logs/a.log`"),
        ("yeoul.toml:1", "no stream of this workspace reads"),
    ],
)
def test_a_position_that_is_none_is_refused(read: Path, position: str, says: str):
    with pytest.raises(InputError) as error:
        told(read, position)
    assert says in str(error.value)


def test_a_file_of_two_streams_needs_to_be_told_which(tmp_path: Path):
    folder = workspace(tmp_path, STEADY, toml=TOML + TOML.replace("stream.plays", "stream.again"))
    with pytest.raises(InputError, match="--stream plays"):
        told(folder, "logs/a.log:1")
    assert told(folder, "logs/a.log:1", "again").stream == "again"
    with pytest.raises(InputError, match="did you mean `again`"):
        told(folder, "logs/a.log:1", "agian")


def test_a_state_of_another_declaration_is_refused(tmp_path: Path):
    folder = workspace(tmp_path, STEADY)
    read_all(folder)
    (folder / "yeoul.toml").write_text(TOML.replace('["user"]', '["id"]'))
    with pytest.raises(StateError, match="another declaration"):
        told(folder, "logs/a.log:1")
