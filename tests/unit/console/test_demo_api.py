"""Planting from the demo page, with the real simulated service behind it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.demo import LiveService, ServiceConfig


@pytest.fixture
def service(folder: Path) -> Iterator[LiveService]:
    service = LiveService(folder.parent, ServiceConfig(customers=20, titles=50, rate_eps=20))
    stop = threading.Event()
    thread = threading.Thread(target=service.run, kwargs={"stop": stop})
    thread.start()
    yield service
    stop.set()
    thread.join(10)
    service.close()


@pytest.fixture
def demo(start: Any, folder: Path) -> Any:
    return start(demo_folder=folder.parent)


@pytest.mark.usefixtures("service")
def test_a_planted_incident_runs_and_is_listed(demo: Any) -> None:
    asked = {"kind": "burst", "duration_s": 60, "magnitude": 8}
    answer = demo.http.post("/api/demo/plant", json=asked, headers=demo.sign())
    planted = answer.json()
    assert (answer.status_code, planted["status"], planted["magnitude"]) == (200, "running", 8.0)
    assert planted["end_us"] - planted["start_us"] == 60_000_000
    listed = demo.http.get("/api/demo").json()
    assert [each["id"] for each in listed["planted"]] == [planted["id"]]
    assert listed["kinds"]["outage"]["target"] == "origin"


@pytest.mark.usefixtures("service")
def test_it_appears_on_the_live_feed(demo: Any, open_page: Any) -> None:
    page = open_page(demo, "demo")
    page.until(lambda data: data["demo"]["planted"] == [])
    demo.http.post("/api/demo/plant", json={"kind": "drop"}, headers=demo.sign())
    page.until(lambda data: len(data["demo"]["planted"]) == 1)


@pytest.mark.usefixtures("service")
def test_what_the_service_refuses_is_said_with_its_reason(demo: Any) -> None:
    answer = demo.http.post("/api/demo/plant", json={"kind": "burst", "target": "nobody"}, headers=demo.sign())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "refused")
    assert "nobody" in answer.json()["error"]["message"]


def test_while_the_service_rests_the_wish_waits(demo: Any, folder: Path) -> None:
    answer = demo.http.post("/api/demo/plant", json={"kind": "scan"}, headers=demo.sign())
    assert answer.json()["status"] == "asked"
    (wish,) = (folder.parent / "plants").glob("*.json")
    assert json.loads(wish.read_text()) == {"kind": "scan"}
    time.sleep(0.3)
    assert demo.http.get("/api/demo").json()["planted"][0]["status"] == "asked"


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "flood"}, {"kind": "burst", "duration_s": -1}, {"kind": "burst", "magnitude": "x"},
     {"kind": "burst", "target": ""}, {"kind": "burst", "target": "x" * 300}, {"kind": "burst", "odd": 1}, []],
    ids=str,
)  # fmt: skip
def test_a_bad_wish_is_refused(demo: Any, folder: Path, body: Any) -> None:
    answer = demo.http.post("/api/demo/plant", json=body, headers=demo.sign())
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid")
    assert not (folder.parent / "plants").exists()


def test_without_a_demo_there_is_nothing_to_plant(console: Any) -> None:
    assert console.http.get("/api/session").json()["demo"] is False
    answer = console.http.post("/api/demo/plant", json={"kind": "burst"}, headers=console.sign())
    assert answer.status_code in {404, 405}


def test_a_folder_that_cannot_be_written_is_said(demo: Any, folder: Path) -> None:
    (folder.parent / "plants").write_text("a file where a folder should be")
    answer = demo.http.post("/api/demo/plant", json={"kind": "burst"}, headers=demo.sign())
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "demo_unwritable")
