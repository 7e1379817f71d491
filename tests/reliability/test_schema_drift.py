"""Schema drift while the engine runs: additions pass; what breaks is told within seconds by name, and set aside."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.events import iso
from yeoul.testing.consoles import hear
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.receiver import Receiver
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
S = 1_000_000
WINDOW_US = 4 * S
HOSTS = ("a", "b", "c", "d")
STREAM = {
    "fields": '{ customer = "params.customer", title = "params.title", n = { path = "params.n", type = "int" }, '
    'region = { path = "params.region", default = "none" } }'
}
Line = dict[str, Any]
Change = Callable[[Line], Line]


class Service(threading.Thread):
    """Four hosts that write 50 rows a second each, as they were told last; what must be counted is counted here."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder = folder
        self.lines = 0
        self.counted: Counter[tuple[str, str, str]] = Counter()
        self.refused: Counter[tuple[str, str, str]] = Counter()
        self._changes: dict[str, Change] = {}
        self._breaks = False
        self._lock = threading.Lock()
        self._end = threading.Event()
        self.start()

    def now_write(self, change: Change, hosts: tuple[str, ...] = HOSTS, *, breaks: bool = False) -> None:
        """From now on these hosts write so; `breaks`: their rows cannot be read."""
        with self._lock:
            self._changes, self._breaks = dict.fromkeys(hosts, change), breaks

    def stop(self) -> None:
        """Write no more."""
        self._end.set()
        self.join(30)

    def run(self) -> None:
        while not self._end.wait(0.1):
            with self._lock:
                for host in HOSTS:
                    self._write(host)

    def _write(self, host: str) -> None:
        change = self._changes.get(host)
        with (self.folder / f"logs/{host}.ndjson").open("a") as file:
            for number in range(5):
                at_us = time.time_ns() // 1000
                customer, title = f"c{number % 3}", f"m{number}"
                params = {"customer": customer, "title": title, "n": 1, "region": "east"}
                line = {"at": iso(at_us), "host": host, "params": params}
                key = iso(at_us // WINDOW_US * WINDOW_US), customer, title
                (self.refused if change and self._breaks else self.counted)[key] += 1
                self.lines += 1
                file.write(json.dumps(change(line) if change else line) + "\n")


def new_field(line: Line) -> Line:
    return {**line, "session": {"id": 7}, "params": {**line["params"], "device": ["tv", 1]}}


def no_region(line: Line) -> Line:
    return {**line, "params": {name: value for name, value in line["params"].items() if name != "region"}}


def number_as_digits(line: Line) -> Line:
    return {**line, "params": {**line["params"], "n": str(line["params"]["n"])}}


def number_with_unit(line: Line) -> Line:
    return {**line, "params": {**line["params"], "n": "1 hit"}}


def renamed_parent(line: Line) -> Line:
    return {("parameters" if name == "params" else name): value for name, value in line.items()}


def drifts(folder: Path) -> list[dict[str, Any]]:
    """The alarms that the engine tells now."""
    health = next(hear(folder))["health"]
    return [cause["params"] for cause in health["causes"] if cause["code"] == "schema_drift"]


def told(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for body in receiver.bodies().values() if b"drift" in body]


def said_by(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "yeoul.cli", *words, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def checked(service: Service, *, redriven: bool = False) -> None:
    out = exported(service.folder)
    expected = service.counted + service.refused if redriven else service.counted
    found = final_windows(out, keys=("customer", "title"))
    assert {key: each["plays"] for key, each in found.items()} == expected
    assert all(each["hits"] == each["plays"] for each in found.values())
    book = checked_ledger(out)
    assert (book.read, book.counted) == (service.lines, expected.total())
    assert book.invalid == service.lines - expected.total()


@pytest.mark.parametrize("seconds", [2, pytest.param(30, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_what_is_only_added_or_may_be_absent_passes(seconds: int, tmp_path: Path, engines: Engines):
    service = Service(plain_workspace(tmp_path, stream=STREAM))
    engine = engines(service.folder)
    wait_for(lambda: counts(service.folder).read)
    for change in (new_field, no_region, number_as_digits):
        service.now_write(change)
        time.sleep(seconds)
        assert not drifts(service.folder)
    service.stop()
    wait_for(everything_closed(service.folder, service.lines))
    assert not drifts(service.folder)
    engine.stop()
    checked(service)


def test_a_renamed_parent_is_told_by_the_fields_it_takes_along_and_over_once_redriven(tmp_path: Path, engines: Engines):
    with Receiver() as receiver:
        notify = f'[notify.ops]\nkind = "webhook"\nurl = "{receiver.url}"\n'
        service = Service(plain_workspace(tmp_path, stream=STREAM, extra=notify))
        engine = engines(service.folder)
        wait_for(lambda: counts(service.folder).read >= 200)
        service.now_write(renamed_parent, breaks=True)
        assert wait_for(lambda: drifts(service.folder)) < 30
        (alarm,) = drifts(service.folder)
        assert (alarm["stream"], alarm["field"]) == ("hits", "customer, title, n")
        assert "`customer` (params.customer) is missing" in alarm["reason"]
        wait_for(lambda: told(receiver))
        assert "`customer` (params.customer) is missing" in told(receiver)[0]["text"]
        assert "is missing" in said_by(service.folder, "doctor")
        wait_for(lambda: drifts(service.folder)[0]["share"] > 0.5)
        assert next(hear(service.folder))["health"]["status"] == "red"

        # what was known stays known over a restart, and a mend with a redrive ends it
        engine.stop()
        toml = service.folder / "yeoul.toml"
        toml.write_text(toml.read_text().replace('"params.', '"parameters.'))
        service.stop()
        engine.start()
        wait_for(lambda: counts(service.folder).read == service.lines)
        assert [each["field"] for each in drifts(service.folder)] == ["customer, title, n"]
        assert "0 still no rows" in said_by(service.folder, "quarantine", "redrive")
        wait_for(lambda: not drifts(service.folder))
        wait_for(lambda: len(told(receiver)) == 2)
        wait_for(everything_closed(service.folder, service.lines))
        engine.stop()
        begun, ended = sorted(told(receiver), key=lambda each: each["change"])
        assert (begun["change"], ended["change"], begun["id"]) == ("drift_began", "drift_ended", ended["id"])
        assert begun["fields"] == ["customer", "title", "n"]
        checked(service, redriven=True)


@pytest.mark.parametrize("ends", [False, pytest.param(True, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_a_number_that_becomes_a_text_on_one_host_of_four_is_told(*, ends: bool, tmp_path: Path, engines: Engines):
    service = Service(plain_workspace(tmp_path, stream=STREAM))
    engine = engines(service.folder)
    wait_for(lambda: counts(service.folder).read >= 400)
    service.now_write(number_with_unit, ("d",), breaks=True)
    assert wait_for(lambda: drifts(service.folder)) < 30
    (alarm,) = drifts(service.folder)
    assert (alarm["field"], alarm["splits"]) == ("n", ["logs/d.ndjson"])
    assert "got the text `1 hit`; legal: an integer" in alarm["reason"]
    before = counts(service.folder).counted
    wait_for(lambda: counts(service.folder).counted > before + 300)
    if ends:
        service.now_write(new_field)
        assert 30 < wait_for(lambda: not drifts(service.folder), within_s=150) < 100
    service.stop()
    wait_for(everything_closed(service.folder, service.lines))
    engine.stop()
    checked(service)
