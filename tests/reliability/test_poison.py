"""Poison: lines that are no rows, of every kind, one in a hundred and in blocks; good rows go on being counted."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from yeoul.events import Ledger
from yeoul.flows.live_socket import request
from yeoul.store import read_state
from yeoul.testing.processes import EngineProcess, counts, everything_closed, wait_for
from yeoul.testing.results import checked_ledger, exported, final_windows
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = pytest.mark.slow

Engines = Callable[..., EngineProcess]
KEYS = ("customer", "title")
S = 1_000_000
START = 1_772_449_800 * S
DEEP = 10_000

SPOIL: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "truncated": lambda line, rng: line[: rng.randrange(1, len(line) - 1)],
    "number as text": lambda line, _: line.replace(b'"n":1', b'"n":"many"'),
    "number as list": lambda line, _: line.replace(b'"n":1', b'"n":[1]'),
    "number as truth": lambda line, _: line.replace(b'"n":1', b'"n":true'),
    "number with a fraction": lambda line, _: line.replace(b'"n":1', b'"n":1.5'),
    "text as object": lambda line, _: line.replace(b'"title":', b'"title":{},"other":'),
    "text as null": lambda line, _: line.replace(b'"title":', b'"title":null,"other":'),
    "time as truth": lambda line, _: line.replace(b'"at":', b'"at":false,"other":'),
    "no time": lambda line, _: line.replace(b'"at":', b'"at":"","other":'),
    "NaN": lambda line, _: line.replace(b'"n":1', b'"n":NaN'),
    "1e999": lambda line, _: line.replace(b'"n":1', b'"n":1e999'),
    "beyond 64 bits": lambda line, _: line.replace(b'"n":1', b'"n":9223372036854775808'),
    "far beyond": lambda line, _: line.replace(b'"n":1', b'"n":' + b"9" * 5000),
    "far beyond, as text": lambda line, _: line.replace(b'"n":1', b'"n":"' + b"9" * 5000 + b'"'),
    "odd blank": lambda line, _: line.replace(b'"n":1', b'"n":"\\u001e1x"'),
    "not UTF-8": lambda line, _: line.replace(b'"title":"', b'"title":"\xff\xfe'),
    "lone surrogate": lambda line, _: line.replace(b'"title":"', b'"title":"\\ud83d'),
    "NUL": lambda line, _: line.replace(b'"title":"', b'"title":"\0'),
    "escaped NUL in a number": lambda line, _: line.replace(b'"n":1', b'"n":"1\\u0000"'),
    "byte order mark": lambda line, _: b"\xef\xbb\xbf" + line,
    "array": lambda line, _: b"[" + line + b"]",
    "two objects": lambda line, _: line + line,
    "text before": lambda line, _: b"INFO " + line,
    "deep list": lambda line, _: line.replace(b'"n":1', b'"n":' + b"[" * DEEP + b"]" * DEEP),
    "deep object": lambda line, _: b'{"a":' * DEEP + line + b"}" * DEEP,
}
LARGE = {"deep list", "deep object", "far beyond", "far beyond, as text"}
# no rows and no mistakes, and rows that only look like mistakes
BLANK = [b"", b" ", b"\t\r"]
ODD: list[Callable[[bytes], bytes]] = [
    lambda line: line.replace(b'"n":1', b'"n":7,"n":1'),
    lambda line: line.replace(b'"title":', b'"title":["x"],"title":'),
    lambda line: line.replace(b'"n":1', b'"n":"1"'),
    lambda line: line.replace(b'"n":1', b'"n":1.0'),
    lambda line: line.replace(b"}", b',"deep":' + b"[" * 500 + b"]" * 500 + b"}"),
    lambda line: line.replace(b"}", b',"new":{"a":[1e999,"\\u0000"]}}') if b"1e999" not in line else line,
    lambda line: b"  " + line + b"\t\r",
]


@dataclass
class Service:
    """Two hosts that write; what of it is good, and what is not, is kept apart."""

    folder: Path
    window_s: int = 4
    rng: random.Random = field(default_factory=lambda: random.Random(11))
    now_us: int = START
    rows: int = 0
    good: bytearray = field(default_factory=bytearray)
    bad: Counter[bytes] = field(default_factory=Counter)

    def write(self, host: str, lines: int, poison: float, *, large: bool = True) -> None:
        """Append `lines` lines of which a share is poison."""
        kinds = [name for name in SPOIL if large or name not in LARGE]
        block = bytearray()
        for _ in range(lines):
            self.now_us += 1000
            self.rows += 1
            customer, title = f"c{self.rng.randrange(20)}", f"m{self.rng.randrange(50)}"
            whole = plain_line(self.now_us, customer, title, 1, f"s3cret-{self.rows}")
            line = whole[:-1]
            if self.rng.random() < poison:
                line = SPOIL[self.rng.choice(kinds)](line, self.rng)
                assert line != whole[:-1]
                self.bad[line] += 1
            else:
                self.good += whole
                if self.rng.random() < 0.01:
                    line = self.rng.choice(ODD)(line)
            block += line + b"\n"
            if self.rng.random() < 0.01:
                block += self.rng.choice(BLANK) + b"\n"
        with (self.folder / f"logs/{host}.ndjson").open("ab") as file:
            file.write(block)

    def oracle(self, batch_count: Callable[..., Any]) -> dict[Any, Any]:
        """What the good rows alone come to."""
        path = self.folder / "good.json"
        path.write_bytes(self.good)
        found: dict[Any, Any] = batch_count([path], self.window_s)
        return found


def quarantined(folder: Path) -> Counter[bytes]:
    state = read_state(folder / ".yeoul")
    with closing(state):
        return Counter(raw for (raw,) in state.db.execute("SELECT raw FROM quarantine"))


def checked(service: Service, batch_count: Callable[..., Any]) -> Ledger:
    """All that must hold once everything is read."""
    out = exported(service.folder)
    assert final_windows(out, keys=KEYS) == service.oracle(batch_count)
    book = checked_ledger(out)
    assert (book.read, book.invalid) == (service.rows, service.bad.total())
    assert book.counted == book.read - book.invalid
    return book


@pytest.mark.parametrize("lines", [6000, pytest.param(400_000, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_among_good_rows_each_bad_line_is_set_aside_and_nothing_else(
    lines: int, tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    service = Service(plain_workspace(tmp_path, extra='[engine]\nquarantine_cap = "2GB"\n'))
    engine = engines(service.folder)
    for _ in range(20):
        for host in ("a", "b"):
            service.write(host, lines // 40, 0.01)
        time.sleep(0.05)
    # every kind at least once, whatever chance chose
    for name, spoil in SPOIL.items():
        service.now_us += 1000
        service.rows += 1
        line = spoil(plain_line(service.now_us)[:-1], service.rng)
        service.bad[line] += 1
        with (service.folder / "logs/a.ndjson").open("ab") as file:
            file.write(line + b"\n")
        assert line != plain_line(service.now_us)[:-1], name
    wait_for(everything_closed(service.folder, service.rows), within_s=60 + lines / 2000)
    assert engine.stop() == 0
    checked(service, batch_count)
    assert quarantined(service.folder) == service.bad


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(300)])])
def test_a_block_of_nothing_but_poison_delays_no_good_row(
    seconds: int, tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    quick = {"window": '"1s"', "delay": '"1s"'}
    service = Service(plain_workspace(tmp_path, stream=quick, extra='[engine]\nquarantine_cap = "2GB"\n'), window_s=1)
    service.now_us = time.time_ns() // 1000 - 60 * S
    engine = engines(service.folder)
    for host in ("a", "b"):
        service.write(host, 2000, 0)
    wait_for(lambda: counts(service.folder).read == service.rows)
    behind_s = one_writes_poison(service, seconds)
    # the windows of the other close: the first after a second in which the one had no rows, then each in its time
    assert behind_s[-1] < 1 + 1 + 3, behind_s
    for host in ("a", "b"):
        service.write(host, 200, 0)
    wait_for(everything_closed(service.folder, service.rows), within_s=120)
    assert engine.stop() == 0
    checked(service, batch_count)
    assert quarantined(service.folder) == service.bad


def one_writes_poison(service: Service, seconds: float) -> list[float]:
    """Host `a` writes nothing but poison, `b` good rows at their time; how far behind the last closed window was."""
    behind_s: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        service.write("a", 200, 1, large=len(behind_s) % 20 == 10)
        service.now_us = time.time_ns() // 1000
        service.write("b", 20, 0)
        time.sleep(0.2)
        state = read_state(service.folder / ".yeoul")
        with closing(state):
            start_us = state.db.execute("SELECT coalesce(max(start_us), 0) FROM pulse").fetchone()[0]
        behind_s.append((service.now_us - start_us) / S - service.window_s)
    return behind_s


def redriven(folder: Path, *, kill: str = "") -> str:
    """Redrive as the command line does; what it says, or nothing when it was killed."""
    module = ["yeoul.testing.faults", "--kill", kill] if kill else ["yeoul.cli"]
    command = [sys.executable, "-m", *module, "quarantine", "redrive", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == (-9 if kill else 0), done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("lines", [3000, pytest.param(100_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_after_a_mend_redriven_lines_count_once_however_often_and_through_kills(
    lines: int, tmp_path: Path, engines: Engines, batch_count: Callable[..., Any]
):
    service = Service(plain_workspace(tmp_path))
    for host in ("a", "b"):
        service.write(host, lines // 2, 0.02, large=False)
    hopeless = service.bad.copy()
    for _ in range(100):
        service.now_us += 1000
        service.rows += 1
        whole = plain_line(service.now_us, "c1", "m1", 1, f"s3cret-{service.rows}")
        bad = whole.replace(b'"title":"m1"', b'"subject":"m1"')
        service.good += whole.replace(b'"title":"m1"', b'"title":"none"')
        service.bad[bad[:-1]] += 1
        with (service.folder / "logs/a.ndjson").open("ab") as file:
            file.write(bad)
    for host in ("a", "b"):
        service.write(host, 200, 0)
    engine = engines(service.folder)
    wait_for(everything_closed(service.folder, service.rows), within_s=60 + lines / 2000)
    engine.stop()
    before = counts(service.folder)
    assert before.invalid == service.bad.total()

    toml = service.folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace('title = "title"', 'title = { path = "title", default = "none" }'))
    stages = ("commit begun:1", "commit begun:2", "positions written:2", "not sealed:2")
    for stage in stages if lines > 3000 else stages[2:3]:
        assert redriven(service.folder, kill=stage) == ""
        assert counts(service.folder) == before, stage
    # the one that is killed when all is booked has counted them; whoever asks again finds nothing left
    redriven(service.folder, kill="committed:2")
    nulls = sum(n for line, n in hopeless.items() if b'"title":null' in line)
    left = hopeless.total() - nulls
    for _ in range(2):
        assert redriven(service.folder) == f"tried {left}: 0 counted, {left} still no rows"
    engine.start()
    wait_for(lambda: request(service.folder / ".yeoul", "ping", {}) is not None)
    assert redriven(service.folder) == f"tried {left}: 0 counted, {left} still no rows"
    engine.stop()
    out = exported(service.folder)
    book = checked_ledger(out)
    assert (book.read, book.invalid) == (service.rows, left)
    for line in hopeless:
        if b'"title":null' in line:
            service.good += line.replace(b'"title":null', b'"title":"none"') + b"\n"
    assert final_windows(out, keys=KEYS) == service.oracle(batch_count)
    assert quarantined(service.folder) == Counter(
        {line: n for line, n in hopeless.items() if b'"title":null' not in line}
    )


def test_bytes_set_aside_are_those_of_the_log_but_for_what_is_masked(tmp_path: Path, engines: Engines):
    service = Service(plain_workspace(tmp_path, stream={"redact": '["id"]'}))
    service.write("a", 3000, 0.2, large=False)
    engine = engines(service.folder)
    wait_for(lambda: counts(service.folder).read == service.rows)
    engine.stop()
    kept = quarantined(service.folder)
    assert kept.total() == service.bad.total() > 400
    assert not [line for line in kept if b"s3cret" in line]
    # a line that ends within the value is masked to its end, with one quote of the mask's own
    masked = Counter(
        re.sub(rb'"s3cret-\d+"?|(?<="id":)"(s3?c?r?e?t?-?)?$', b'"***"', line) for line in service.bad.elements()
    )
    assert kept == masked
