"""What holds for every test: seeded properties, a clean environment, services missing only where allowed."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from yeoul.testing.broker import Broker
from yeoul.testing.processes import EngineProcess

# Deadlines are off: a busy two-core machine is no bug. Examples are derandomised, so that a red build is red again
# when looked at; `YEOUL_TEST_PROFILE=search` looks for new ones.
_FLAKY_HERE = [HealthCheck.too_slow, HealthCheck.data_too_large]
_PROFILES = {"quick": (15, True), "full": (100, True), "search": (2000, False)}
for _name, (_examples, _derandomize) in _PROFILES.items():
    settings.register_profile(
        _name, max_examples=_examples, derandomize=_derandomize, deadline=None, suppress_health_check=_FLAKY_HERE
    )
settings.load_profile(os.environ.get("YEOUL_TEST_PROFILE", "full"))

_NUMBERS = itertools.count(1)
SERVICES_REQUIRED = os.environ.get("YEOUL_REQUIRE_SERVICES") == "1"


class _ServicesApart(LoadScopeScheduling):
    """Tests of real services one after the other on one worker, since they take longest, beside all others."""

    def _split_scope(self, nodeid: str) -> str:
        return "services" if nodeid.startswith("tests/services/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """How `make test` shares tests out; the largest share begins first."""
    return _ServicesApart(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On the build server a test of a real service that skips has failed: nobody would notice that it never runs."""
    report = yield
    if SERVICES_REQUIRED and report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("services"):
        report.outcome = "failed"
        report.longrepr = f"YEOUL_REQUIRE_SERVICES=1, yet the service was missing: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file below `services/` that skips as a whole."""
    report = yield
    if SERVICES_REQUIRED and report.skipped and "services" in collector.path.parts:
        report.outcome = "failed"
        report.longrepr = f"YEOUL_REQUIRE_SERVICES=1, yet the file skipped itself: {report.longrepr}"
    return report


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings or the terminal of who runs it."""
    for name in list(os.environ):
        if name.startswith("YEOUL_") and name not in {"YEOUL_REQUIRE_SERVICES", "YEOUL_TEST_PROFILE"}:
            monkeypatch.delenv(name)
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium to drive; the test skips where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    return found


@pytest.fixture
def engines() -> Iterator[Callable[..., EngineProcess]]:
    """Starts engines, arguments as `EngineProcess`; those that still run at the end are killed."""
    made: list[EngineProcess] = []

    def start(*arguments: object, **named: object) -> EngineProcess:
        made.append(EngineProcess(*arguments, **named))
        return made[-1]

    yield start
    for engine in made:
        if engine.running:
            engine.kill()


def _need_kafka() -> None:
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("no Java or no Maven on this machine: apt-get install default-jre-headless maven")


@pytest.fixture
def kafka_programs() -> None:
    """What a broker is started with; the test skips where it is not."""
    _need_kafka()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running broker that no test disturbs."""
    _need_kafka()
    with Broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Makes brokers, arguments as `Broker` without its folder; those that run at the end are killed."""
    _need_kafka()
    made: list[Broker] = []

    def make(**named: object) -> Broker:
        made.append(Broker(tmp_path / f"broker-{len(made)}", **named))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def topic(broker: Broker) -> Callable[..., str]:
    """Makes topics with names of their own."""

    def make(partitions: int = 1, **config: str) -> str:
        name = f"topic-{next(_NUMBERS)}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(30)
        return name

    return make


@pytest.fixture(scope="session")
def messages_of() -> Callable[..., list[Message]]:
    """Reads what a topic holds now, partition by partition, or what a consumer of committed messages is given of it."""

    def read(bootstrap: str, topic: str, *, isolation: str = "read_committed") -> list[Message]:
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "messages-of",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": isolation,
                "log_level": 0,
            }
        )
        partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        found: list[Message] = []
        ends: set[int] = set()
        while len(ends) < len(partitions):
            for message in consumer.consume(10_000, 1):
                if message.error() is None:
                    found.append(message)
                else:
                    ends.add(message.partition())
        consumer.close()
        return sorted(found, key=lambda message: (message.partition(), message.offset()))

    return read
