"""REST: the same data as the live feed; no request, however odd, ends in a failure of the console."""

from __future__ import annotations

import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from yeoul.console import contract

T0 = 1_772_449_800_000_000
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/api/now", contract.Now),
        ("/api/pipeline", contract.Pipeline),
        ("/api/rankings", contract.Rankings),
        ("/api/rankings/hot", contract.Ranking),
        ("/api/rankings/hot?scope=%7B%22cpk%22%3A%22C1%22%7D", contract.Ranking),
        ("/api/rankings/hot/scopes", contract.Scopes),
        ("/api/incidents", contract.IncidentPage),
        ("/api/incidents/i1", contract.IncidentDetail),
        ("/api/session", contract.Session),
        ("/api/audit", contract.Audit),
        ("/health", contract.Health),
    ],
)
@pytest.mark.usefixtures("engine")
def test_an_answer_has_the_shape_of_the_contract(console: Any, add_incident: Any, path: str, shape: Any) -> None:
    add_incident("i1")
    _until_running(console)
    answer = console.http.get(path)
    assert answer.status_code == 200
    assert shape.model_validate(answer.json()).model_dump(exclude_none=True) == answer.json()


def _until_running(console: Any) -> None:
    for _ in range(100):
        if console.http.get("/health").status_code == 200:
            return
        time.sleep(0.05)
    pytest.fail("the engine was never heard")


@pytest.mark.usefixtures("engine")
def test_rest_and_live_feed_say_the_same(console: Any, open_page: Any, add_incident: Any) -> None:
    add_incident("i1")
    page = open_page(console, "incident:i1")
    page.take()
    assert console.http.get("/api/incidents/i1").json() == page.data["incident:i1"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/incidents/nope", 404, "not_found"),
        ("/api/incidents/%00", 404, "not_found"),
        ("/api/incidents/%ff%fe", 404, "not_found"),
        ("/api/incidents/" + "x" * 5000, 404, "not_found"),
        ("/api/incidents?limit=0", 400, "invalid"),
        ("/api/incidents?limit=99999999999999999999999", 400, "invalid"),
        ("/api/incidents?before_us=-1", 400, "invalid"),
        ("/api/incidents?before_us=99999999999999999999999", 400, "invalid"),
        ("/api/incidents?status=sideways", 400, "invalid"),
        ("/api/rankings/nope", 404, "not_found"),
        ("/api/rankings/hot?scope=%7B", 400, "invalid"),
        ("/api/rankings/hot?scope=[]", 400, "invalid"),
        ("/api/rankings/hot?scope=%22%5Cud800%22", 400, "invalid"),
        ("/api/rankings/hot?at_us=1e99", 400, "invalid"),
        ("/api/rankings/nope/scopes", 404, "not_found"),
        ("/api/rankings/hot/scopes?q=" + "x" * 400, 400, "invalid"),
        ("/api/demo", 404, "not_found"),
        ("/api/nothing", 404, "not_found"),
        ("/api/live", 404, "not_found"),
        ("/api/login", 404, "not_found"),
    ],
)
@pytest.mark.usefixtures("state")
def test_a_bad_request_is_answered_with_what_is_wrong(console: Any, path: str, status: int, code: str) -> None:
    answer = console.http.get(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["message"]


@pytest.mark.usefixtures("state")
def test_the_wrong_method_is_said(console: Any) -> None:
    answer = console.http.delete("/api/now", headers={**JSON, **console.sign()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "wrong_method")


def test_without_a_state_everything_still_answers(console: Any) -> None:
    for path in ("/api/now", "/api/pipeline", "/api/rankings", "/api/incidents", "/metrics"):
        assert console.http.get(path).status_code == 200, path
    assert console.http.get("/health").status_code == 503


def test_health_is_200_while_the_engine_works_and_503_when_it_does_not(console: Any, engine: Any) -> None:
    _until_running(console)
    engine.say(health={"status": "yellow", "causes": [{"code": "catching_up", "params": {"stream": "hits"}}]})
    time.sleep(0.5)
    answer = console.http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "yellow")
    engine.stop()
    time.sleep(0.5)
    answer = console.http.get("/health")
    assert (answer.status_code, answer.json()["causes"][0]["code"]) == (503, "engine_stopped")


def test_openapi_lists_every_answer(console: Any) -> None:
    listed = console.http.get("/api/openapi.json").json()
    assert {"/api/now", "/api/pipeline", "/api/incidents/{id_}", "/api/quarantine/redrive"} <= set(listed["paths"])
    assert "watermark_us" in listed["components"]["schemas"]["Stream"]["properties"]


class TestMetrics:
    def test_prometheus_can_read_them(self, console: Any, engine: Any) -> None:
        _until_running(console)
        figures = console.http.get("/metrics")
        assert figures.headers["content-type"].startswith("text/plain")
        found = {family.name: family for family in text_string_to_metric_families(figures.text)}
        assert found["yeoul_engine_up"].samples[0].value == 1.0
        assert {family.type for family in found.values()} <= {"gauge", "counter"}

    def test_no_label_is_a_customer_or_title(self, console: Any, engine: Any, add_incident: Any) -> None:
        add_incident("i1")
        engine.say(ranks={"hot": [{"place": 1, "key": {"base_mck": "M1"}}]})
        _until_running(console)
        figures = console.http.get("/metrics").text
        assert 'yeoul_open_incidents{block="customers"} 1.0' in figures
        assert '"C1"' not in figures
        assert '"M1"' not in figures

    def test_rows_are_counted_by_class(self, console: Any, state: Any) -> None:
        figures = console.http.get("/metrics").text
        assert 'yeoul_rows_total{class="counted",split="logs/a.log",stream="hits"} 7.0' in figures

    def test_a_drift_of_the_schema_is_a_figure_by_stream_and_field(self, console: Any, engine: Any) -> None:
        params = {"stream": "hits", "field": "cpk", "reason": "`cpk` is missing", "since_us": 1}
        causes = [{"code": "schema_drift", "params": {**params, "share": share}} for share in (0.2, 0.5)]
        engine.say(health={"status": "yellow", "causes": causes})
        _until_running(console)
        figures = console.http.get("/metrics").text
        assert 'yeoul_schema_drift_share{field="cpk",stream="hits"} 0.5' in figures


class TestRedrive:
    def test_the_engine_is_asked_and_its_figures_are_given(self, console: Any, engine: Any) -> None:
        _until_running(console)
        answer = console.http.post(
            "/api/quarantine/redrive", json={"stream": "hits", "ids": [1]}, headers=console.sign()
        )
        assert answer.json() == {"done": True, "result": {"counted": 3}}
        assert engine.asked[0]["args"] == {"stream": "hits", "ids": [1]}

    def test_what_the_engine_refuses_is_said(self, console: Any, engine: Any) -> None:
        engine.answer = lambda _: {"ok": False, "error": "got the stream `x`; legal: hits"}
        _until_running(console)
        answer = console.http.post("/api/quarantine/redrive", json={"stream": "x"}, headers=console.sign())
        assert (answer.status_code, answer.json()["error"]["message"]) == (400, "got the stream `x`; legal: hits")

    def test_without_an_engine_it_says_so(self, console: Any, state: Any) -> None:
        answer = console.http.post("/api/quarantine/redrive", json={"stream": "hits"}, headers=console.sign())
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "engine_stopped")

    @pytest.mark.parametrize(
        "body",
        ["", "{", "null", "[]", '{"stream": 1}', '{"stream": "hits", "ids": ["x"]}', '{"stream": "hits", "odd": 1}',
         '{"stream": "\\ud800"}', '{"stream": NaN}', "[" * 50_000, '{"stream": "hits", "ids": [1e400]}'],
    )  # fmt: skip
    def test_a_bad_body_is_refused(self, console: Any, state: Any, body: str) -> None:
        answer = console.http.post("/api/quarantine/redrive", content=body, headers={**JSON, **console.sign()})
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]["message"]

    def test_who_asked_is_written_down(self, console: Any, engine: Any) -> None:
        _until_running(console)
        console.http.post("/api/quarantine/redrive", json={"stream": "hits"}, headers=console.sign())
        (entry,) = console.http.get("/api/audit").json()["entries"]
        assert (entry["action"], entry["client"], entry["detail"]["stream"]) == ("redrive", "127.0.0.1", "hits")
