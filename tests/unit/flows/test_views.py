"""What pages show, from a state file and an engine's message: written as an engine writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.clock import ManualClock
from yeoul.errors import InputError
from yeoul.events import Reject
from yeoul.flows.plan import Lookup
from yeoul.flows.views import EngineSeen, Live, Views, parse_live
from yeoul.ingest.quarantine import Quarantine
from yeoul.store import State, open_state

S = 1_000_000
T0 = 1_772_449_800 * S
STOPPED = EngineSeen()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".yeoul"


@pytest.fixture
def state(folder: Path) -> Iterator[State]:
    state = open_state(folder)
    with state.transaction() as db:
        db.execute("INSERT INTO stream VALUES ('hits', '{}')")
        declared = {"keys": ["cpk", "base_mck"], "window": [10 * S, 10 * S]}
        state.set_meta("stream:hits", json.dumps(declared))
        db.execute("INSERT INTO split VALUES ('hits', 'logs/a.log', '{}', '{}', NULL)")
        db.execute("INSERT INTO ledger VALUES ('hits', 'logs/a.log', 10, 7, 1, 0, 1, 1, 0, 7000)")
        db.execute("INSERT INTO ledger VALUES ('hits', 'logs/gone.log', 5, 5, 0, 0, 0, 0, 0, 3500)")
        for number in range(3):
            db.execute(
                "INSERT INTO pulse VALUES ('hits', ?, ?, 2, ?)", (T0 + number * 10 * S, 100 + number, number != 1)
            )
    yield state
    state.close()


@pytest.fixture
def titles(tmp_path: Path) -> Lookup:
    path = tmp_path / "titles.csv"
    path.write_text("base_mck,title\nM1,여울\nM2,Ford\n", encoding="utf-8")
    return Lookup("titles", path, "base_mck", "title")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0 + 60 * S)


@pytest.fixture
def views(folder: Path, titles: Lookup, clock: ManualClock) -> Iterator[Views]:
    views = Views(folder, (titles,), clock)
    yield views
    views.close()


def live(**members: Any) -> Live:
    message = {"at_us": T0 + 60 * S, "pid": 7, "started_us": T0, **members}
    return parse_live(json.dumps(message).encode())


def running(**members: Any) -> EngineSeen:
    return EngineSeen("running", T0, live(**members))


def add_incident(state: State, id_: str, **changed: Any) -> None:
    row = {
        "block": "customers",
        "keys": '[{"cpk":"C1"}]',
        "detectors": '["seasonal"]',
        "opened_us": T0,
        "updated_us": T0 + 20 * S,
        "closed_us": None,
        "score": 0.8,
        "confidence": 0.9,
        "direction": "up",
        "observed": 90.0,
        "expected": 10.0,
        "contributors": '[{"key":{"base_mck":"M1"},"observed":80.0,"expected":1.0,"share":0.9}]',
        "findings": 3,
        **changed,
    }
    with state.transaction() as db:
        db.execute(
            f"INSERT INTO incident (id, {', '.join(row)}) VALUES (?, {', '.join('?' * len(row))})", (id_, *row.values())
        )


def add_finding(state: State, id_: str, incident: str, start_us: int, **changed: Any) -> None:
    row = {
        "seq": 1,
        "block": "customers",
        "detector": "seasonal",
        "keys": '{"cpk":"C1"}',
        "start_us": start_us,
        "observed": 90.0,
        "expected": 10.0,
        "lower": 4.0,
        "upper": 19.0,
        "p": 1e-6,
        "score": 0.8,
        "confidence": 0.9,
        "why": '[{"code":"above","params":{"times":9.0},"text":"said in English"}]',
        "incident": incident,
        **changed,
    }
    with state.transaction() as db:
        db.execute(
            f"INSERT INTO finding (id, {', '.join(row)}) VALUES (?, {', '.join('?' * len(row))})", (id_, *row.values())
        )


def see(views: Views, engine: EngineSeen = STOPPED) -> dict[str, Any]:
    views.refresh(engine)
    return views.now(engine)


def codes(shown: dict[str, Any]) -> list[str]:
    return [cause["code"] for cause in shown["health"]["causes"]]


class TestHealth:
    def test_without_a_state_the_first_page_says_so_and_is_red(self, views: Views) -> None:
        shown = see(views)
        assert (shown["health"]["status"], codes(shown)) == ("red", ["engine_stopped", "state_missing"])

    def test_a_stopped_engine_is_red_since_the_last_write_to_its_state(self, views: Views, state: State) -> None:
        shown = see(views)
        written_us = (state.folder / "state.db").stat().st_mtime_ns // 1000
        assert shown["engine"]["since_us"] >= written_us - S
        assert shown["health"]["causes"][0]["params"]["since_us"] == shown["engine"]["since_us"]

    @pytest.mark.parametrize("status", ["green", "yellow", "red"])
    def test_a_running_engine_speaks_for_itself(self, views: Views, state: State, status: str) -> None:
        shown = see(views, running(health={"status": status, "causes": [{"code": "x", "params": {}}]}))
        assert (shown["health"]["status"], codes(shown)) == (status, ["x"])

    def test_an_engine_that_says_nothing_is_red(self, views: Views, state: State) -> None:
        shown = see(views, EngineSeen("silent", T0, live()))
        assert (shown["health"]["status"], codes(shown)) == ("red", ["engine_silent"])

    def test_a_damaged_state_is_red_and_the_page_still_answers(self, views: Views, folder: Path) -> None:
        folder.mkdir()
        (folder / "state.db").write_bytes(b"this is no database, and longer than its header would be" * 40)
        shown = see(views)
        assert codes(shown) == ["engine_stopped", "state_unreadable"]

    def test_a_state_that_is_replaced_is_opened_again(
        self, views: Views, state: State, folder: Path, clock: ManualClock
    ) -> None:
        see(views)
        state.close()
        for path in folder.iterdir():
            path.unlink()
        fresh = open_state(folder)
        with fresh.transaction() as db:
            db.execute("INSERT INTO stream VALUES ('other', '{}')")
        clock.advance(2 * S)
        assert list(see(views)["streams"]) == ["other"]
        fresh.close()

    def test_an_unreadable_lookup_is_yellow_and_keys_go_without_names(self, views: Views, state: State, titles: Lookup):
        titles.path.write_text("something,else\n1,2\n")
        shown = see(views, running())
        assert (shown["health"]["status"], codes(shown)) == ("yellow", ["lookup_unreadable"])
        assert "no column `base_mck`" in shown["health"]["causes"][0]["params"]["detail"]


class TestStreams:
    def test_a_stopped_stream_shows_its_totals_and_where_it_stands(self, views: Views, state: State) -> None:
        stream = see(views)["streams"]["hits"]
        assert (stream["ledger"]["read"], stream["ledger"]["bytes"]) == (15, 10_500)
        assert stream["watermark_us"] == T0 + 30 * S
        assert stream["rate_eps"] is None

    def test_throughput_is_the_closed_windows_oldest_first(self, views: Views, state: State) -> None:
        pulse = see(views)["streams"]["hits"]["pulse"]
        assert pulse == {
            "width_us": 10 * S,
            "start_us": [T0, T0 + 10 * S, T0 + 20 * S],
            "rows": [100, 101, 102],
            "keys": [2, 2, 2],
            "full": [True, False, True],
        }

    def test_throughput_goes_back_an_hour(self, views: Views, state: State) -> None:
        with state.transaction() as db:
            db.execute("INSERT INTO pulse VALUES ('hits', ?, 9, 9, 1)", (T0 + 3600 * S,))
        assert see(views)["streams"]["hits"]["pulse"]["start_us"] == [T0 + 10 * S, T0 + 20 * S, T0 + 3600 * S]

    def test_a_running_stream_shows_what_its_engine_says(self, views: Views, state: State) -> None:
        said = {
            "rate_eps": 99.5,
            "watermark_us": T0,
            "ledger": {"read": 20, "counted": 20},
            "partial": {"start_us": T0},
        }
        stream = see(views, running(streams={"hits": said}))["streams"]["hits"]
        assert (stream["rate_eps"], stream["watermark_us"], stream["ledger"]["read"]) == (99.5, T0, 20)
        assert stream["partial"] == {"start_us": T0, "rows": 0}
        assert stream["pulse"]["rows"] == [100, 101, 102]

    def test_the_pipeline_lists_the_splits_of_a_stopped_stream(self, views: Views, state: State) -> None:
        views.refresh(STOPPED)
        (split,) = views.pipeline(STOPPED)["streams"]["hits"]["splits"].items()
        assert split[0] == "logs/a.log"
        assert (split[1]["status"], split[1]["ledger"]["late"]) == ("stopped", 1)

    def test_the_pipeline_lists_the_splits_as_they_are_read(self, views: Views, state: State) -> None:
        split = {"name": "logs/b.log", "status": "reading", "source": "logs/b.log.1", "offset": 5, "lag_s": 0.5}
        engine = running(streams={"hits": {"splits": [split], "log_seq": 4}})
        views.refresh(engine)
        stream = views.pipeline(engine)["streams"]["hits"]
        assert stream["splits"]["logs/b.log"]["source"] == "logs/b.log.1"
        assert stream["log_seq"] == 4


class TestIncidents:
    def test_open_ones_are_on_the_first_page_with_names_and_since_when(self, views: Views, state: State) -> None:
        add_incident(state, "i1", keys='[{"base_mck":"M1"}]')
        add_finding(state, "f1", "i1", T0 - 10 * S)
        add_incident(state, "i2", closed_us=T0 + 50 * S)
        shown = see(views)
        assert list(shown["incidents"]) == ["i1"]
        assert shown["incidents_open"] == 1
        assert shown["incidents"]["i1"]["keys"] == [[{"field": "base_mck", "value": "M1", "name": "여울"}]]
        assert shown["incidents"]["i1"]["since_us"] == T0 - 10 * S
        assert [each["id"] for each in shown["recent"]] == ["i2"]

    def test_many_keys_are_cut_and_counted(self, views: Views, state: State) -> None:
        add_incident(state, "i1", keys=json.dumps([{"cpk": f"C{number}"} for number in range(75)]))
        shown = see(views)["incidents"]["i1"]
        assert (len(shown["keys"]), shown["keys_total"]) == (20, 75)

    def test_in_full_it_shows_the_band_and_gaps_in_it(self, views: Views, state: State) -> None:
        add_incident(state, "i1")
        with state.transaction() as db:
            for number, observed in enumerate((10.0, None, 90.0)):
                row = ("i1", '{"cpk":"C1"}', T0 + number * 10 * S, observed, 10.0, 4.0, 19.0)
                db.execute("INSERT INTO track VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        views.refresh(STOPPED)
        shown = views.incident("i1")
        assert shown is not None
        (track,) = shown["tracks"]
        assert track["observed"] == [10.0, None, 90.0]
        assert (track["upper"], shown["width_us"]) == ([19.0] * 3, 10 * S)
        assert shown["contributors"][0]["key"][0]["name"] == "여울"

    def test_its_life_is_told_by_its_findings(self, views: Views, state: State) -> None:
        add_incident(state, "i1", closed_us=T0 + 90 * S)
        add_finding(state, "f1", "i1", T0 - 10 * S)
        add_finding(state, "f2", "i1", T0 + 20 * S, keys='{"cpk":"C2"}', detector="kmeans", score=0.95)
        views.refresh(STOPPED)
        shown = views.incident("i1")
        assert shown is not None
        assert [(step["at_us"] - T0, step["code"]) for step in shown["changes"]] == [
            (0, "opened"),
            (20 * S, "key_joined"),
            (20 * S, "detector_joined"),
            (20 * S, "peaked"),
            (90 * S, "closed"),
        ]

    def test_at_its_worst_is_the_farthest_of_the_windows_whose_score_is_the_same(
        self, views: Views, state: State
    ) -> None:
        add_incident(state, "i1")
        for number, observed in enumerate((30.0, 97.0, 60.0)):
            add_finding(state, f"f{number}", "i1", T0 + number * 10 * S, observed=observed, score=1.0)
        views.refresh(STOPPED)
        shown = views.incident("i1")
        assert shown is not None
        assert [step["at_us"] - T0 for step in shown["changes"] if step["code"] == "peaked"] == [10 * S]

    def test_a_reason_is_a_code_with_parameters_and_keys_in_it_have_names(self, views: Views, state: State) -> None:
        add_incident(state, "i1")
        why = [{"code": "contributors", "params": {"parts": [{"key": {"base_mck": "M2"}, "share": 1.0}]}, "text": "t"}]
        add_finding(state, "f1", "i1", T0, why=json.dumps(why))
        views.refresh(STOPPED)
        shown = views.incident("i1")
        assert shown is not None
        (reason,) = shown["finding_list"][0]["why"]
        assert reason["params"]["parts"][0]["key"] == [{"field": "base_mck", "value": "M2", "name": "Ford"}]
        assert "text" not in reason

    def test_an_unknown_one_is_nothing(self, views: Views, state: State) -> None:
        views.refresh(STOPPED)
        assert views.incident("nope") is None

    def test_pages_of_the_past_leave_none_out_even_if_many_opened_at_once(self, views: Views, state: State) -> None:
        for number in range(12):
            add_incident(state, f"i{number:02}", opened_us=T0 + number // 5)
        views.refresh(STOPPED)
        seen: list[str] = []
        before = None
        while True:
            page = views.incident_page("all", before, 2)
            seen += [each["id"] for each in page["incidents"]]
            before = page["next_before_us"]
            if before is None:
                break
        assert sorted(seen) == [f"i{number:02}" for number in range(12)]

    @pytest.mark.parametrize(("status", "ids"), [("open", ["i1"]), ("closed", ["i2"]), ("all", ["i1", "i2"])])
    def test_a_page_can_be_of_open_or_closed_ones(
        self, views: Views, state: State, status: str, ids: list[str]
    ) -> None:
        add_incident(state, "i1")
        add_incident(state, "i2", closed_us=T0 + S)
        views.refresh(STOPPED)
        assert sorted(each["id"] for each in views.incident_page(status, None, 10)["incidents"]) == ids

    def test_what_the_engine_adds_is_seen_when_the_log_has_grown(self, views: Views, state: State) -> None:
        assert see(views, running(checkpoint={"seq": 1}))["incidents_open"] == 0
        add_incident(state, "i1")
        assert see(views, running(checkpoint={"seq": 1}))["incidents_open"] == 0
        assert see(views, running(checkpoint={"seq": 2}))["incidents_open"] == 1


def add_places(state: State, scope: str, at_us: int, *keys: str) -> None:
    with state.transaction() as db:
        for place, key in enumerate(keys, start=1):
            row = ("hot", scope, at_us, place, json.dumps({"base_mck": key}), 10.0 / place, 5.0, 0.5, "same")
            db.execute("INSERT INTO ranking VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def first(places: list[dict[str, Any]]) -> list[str]:
    return [place["key"][0]["value"] for place in places]


class TestRankings:
    @pytest.fixture(autouse=True)
    def _places(self, state: State) -> None:
        add_places(state, "{}", 0, "M1", "M2")
        add_places(state, "{}", T0, "M2")
        for customer in ("C1", "C2", "cpk-9"):
            add_places(state, json.dumps({"cpk": customer}, separators=(",", ":")), 0, "M2", "M3")

    def test_over_all_they_come_from_the_state_while_the_engine_rests(self, views: Views) -> None:
        assert first(see(views)["rankings"]["hot"]) == ["M1", "M2"]

    def test_over_all_they_come_from_the_engine_while_it_runs(self, views: Views) -> None:
        engine = running(ranks={"hot": [{"place": 1, "key": {"base_mck": "M7"}, "score": 3.0}]})
        assert first(see(views, engine)["rankings"]["hot"]) == ["M7"]
        assert first((views.ranking(engine, "hot", {}) or {})["places"]) == ["M7"]

    def test_one_customer_has_places_of_its_own(self, views: Views) -> None:
        views.refresh(STOPPED)
        found = views.ranking(STOPPED, "hot", {"cpk": "C1"})
        assert found is not None
        assert (first(found["places"]), found["scope"][0]["value"]) == (["M2", "M3"], "C1")

    def test_an_hour_that_was_kept_can_be_seen_again(self, views: Views) -> None:
        views.refresh(STOPPED)
        assert first((views.ranking(STOPPED, "hot", {}, T0) or {})["places"]) == ["M2"]
        brief = views.rankings(STOPPED)["rankings"]["hot"]
        assert (brief["hours_us"], brief["scope_fields"]) == ([T0], ["cpk"])

    def test_an_unknown_ranking_is_nothing_and_an_unknown_customer_has_no_places(self, views: Views) -> None:
        views.refresh(STOPPED)
        assert views.ranking(STOPPED, "cold", {}) is None
        assert (views.ranking(STOPPED, "hot", {"cpk": "C99"}) or {})["places"] == []
        assert views.scopes("cold", "", 5) is None

    @pytest.mark.parametrize(
        ("part", "found"),
        [("", ["C1", "C2", "cpk-9"]), ("c1", ["C1"]), ("cpk", ["cpk-9"]), ("cpk-", ["cpk-9"]), ("%", [])],
        ids=["all", "any case", "not the field's name", "part", "no wildcard"],
    )
    def test_customers_are_found_by_a_part_of_their_key(self, views: Views, part: str, found: list[str]) -> None:
        views.refresh(STOPPED)
        scopes = (views.scopes("hot", part, 10) or {})["scopes"]
        assert [scope[0]["value"] for scope in scopes] == found

    def test_customers_are_found_by_a_part_of_their_name(self, folder: Path, tmp_path: Path) -> None:
        path = tmp_path / "customers.csv"
        path.write_text("cpk,who\nC2,Bridge Media\n")
        views = Views(folder, (Lookup("customers", path, "cpk", "who"),))
        views.refresh(STOPPED)
        assert (views.scopes("hot", "bridge", 10) or {})["scopes"] == [
            [{"field": "cpk", "value": "C2", "name": "Bridge Media"}]
        ]
        views.close()

    def test_more_customers_than_asked_for_are_announced(self, views: Views) -> None:
        views.refresh(STOPPED)
        found = views.scopes("hot", "", 2)
        assert found is not None
        assert (len(found["scopes"]), found["more"]) == (2, True)


class TestPipeline:
    def test_the_quarantine_is_shown_by_reason_with_its_newest_lines(self, views: Views, state: State) -> None:
        lines = [Reject("a.log", number * 10, "the line is not JSON", b"\xff oops") for number in range(25)]
        with state.transaction() as db:
            Quarantine(db).add("hits", "logs/a.log", lines, T0)
        views.refresh(STOPPED)
        kept = views.pipeline(STOPPED)["streams"]["hits"]["quarantine"]
        assert (kept["rows"], kept["reasons"]) == (25, {"the line is not JSON": 25})
        assert (len(kept["samples"]), kept["samples"][0]["position"]) == (20, 240)
        assert kept["samples"][0]["preview"] == "� oops"

    def test_notices_come_newest_first(self, views: Views, state: State) -> None:
        with state.transaction() as db:
            for kind in ("rotated", "gap"):
                row = (T0, "hits", kind, "logs/a.log", "said so")
                db.execute("INSERT INTO notice (at_us, stream, kind, source, detail) VALUES (?, ?, ?, ?, ?)", row)
        views.refresh(STOPPED)
        assert [each["kind"] for each in views.pipeline(STOPPED)["notices"]] == ["gap", "rotated"]

    def test_checkpoints_are_remembered_a_second_apart(self, views: Views, state: State) -> None:
        for number in range(100):
            engine = running(checkpoint={"seq": number, "at_us": T0 + number * 500_000, "duration_ms": 2.0})
            views.refresh(engine)
        shown = views.pipeline(engine)
        assert shown["checkpoint"]["seq"] == 99
        assert [each["seq"] for each in shown["checkpoints"]] == list(range(0, 100, 2))


def test_a_lookup_file_is_read_again_when_it_changes(views: Views, state: State, titles: Lookup) -> None:
    add_places(state, "{}", 0, "M1")
    assert see(views)["rankings"]["hot"][0]["key"][0]["name"] == "여울"
    titles.path.write_text("base_mck,title\nM1,renamed\n")
    assert see(views)["rankings"]["hot"][0]["key"][0]["name"] == "renamed"


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"at_us": "x"}', b"\xff", b"[" * 100_000])
def test_a_line_that_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(InputError, match="no message of an engine"):
        parse_live(line)
