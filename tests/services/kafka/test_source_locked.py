"""Brokers that do not let everybody in: TLS, passwords, rights; what a refusal says, and what is no refusal."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from yeoul.errors import ConfigError
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker, free_port
from yeoul.testing.consoles import hear
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.workspaces import plain_line

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
SECRET = "r1ght-w0rd"


@dataclass
class Locked:
    """A broker with three doors: open to tests, by password, by TLS."""

    broker: Broker
    password_door: str
    tls_door: str
    certificate: Path

    def may_read(self, topic: str) -> None:
        """Let the user `yeoul` read a topic, and nothing else: no group."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        rules = [
            AclBinding(
                ResourceType.TOPIC,
                topic,
                ResourcePatternType.LITERAL,
                "User:yeoul",
                "*",
                operation,
                AclPermissionType.ALLOW,
            )
            for operation in (AclOperation.READ, AclOperation.DESCRIBE)
        ]
        for done in admin.create_acls(rules).values():
            done.result(30)


@pytest.fixture(scope="module")
def locked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    request.getfixturevalue("broker")  # skips where there can be none
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine: apt-get install openssl")
    folder = tmp_path_factory.mktemp("locked")
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    command = [openssl, *words.split(), "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    port, password_port, tls_port, controller = (free_port() for _ in range(4))
    doors = {"CLIENTS": port, "PASSWORD": password_port, "TLS": tls_port}
    addresses = ",".join(f"{name}://127.0.0.1:{number}" for name, number in doors.items())
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    settings = {
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listeners": f"{addresses},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": addresses,
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_PLAINTEXT,TLS:SSL",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.password.plain.sasl.jaas.config": f'{module} user_yeoul="{SECRET}";',
        "listener.name.tls.ssl.keystore.type": "PEM",
        "listener.name.tls.ssl.keystore.location": str(both),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with Broker(folder / "broker", port, settings) as broker:
        yield Locked(broker, f"127.0.0.1:{password_port}", f"127.0.0.1:{tls_port}", certificate)


def by_password(folder: Path, topic: Any, door: str) -> Path:
    client = (
        '"security.protocol" = "SASL_PLAINTEXT", "sasl.mechanism" = "PLAIN", "sasl.username" = "yeoul", '
        '"sasl.password" = "${KAFKA_PASSWORD}"'
    )
    return at_door(topic.workspace(folder, f"client = {{ {client} }}"), topic, door)


def at_door(folder: Path, topic: Any, door: str) -> Path:
    toml = folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace(topic.broker.bootstrap, door))
    return folder


def refusal(engine: EngineProcess) -> str:
    assert engine.ended_by(40) == 1
    assert "Traceback" not in engine.said
    assert SECRET not in engine.said
    return engine.said.splitlines()[-1]


def test_with_the_right_password_and_the_right_to_read_one_topic_it_reads(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    topic = topics(locked.broker, 2)
    topic.send(1, [plain_line(START)] * 10)
    locked.may_read(topic.name)
    folder = by_password(tmp_path, topic, locked.password_door)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 10)
    topic.send(0, [plain_line(START)] * 10)
    wait_for(lambda: counts(folder).read == 20)
    assert next(hear(folder))["health"]["status"] != "red"  # that it may not commit to its group is no harm
    assert engine.stop() == 0


def test_a_password_in_the_file_is_refused(locked: Locked, topics: Topics, tmp_path: Path):
    folder = by_password(tmp_path, topics(locked.broker), locked.password_door)
    toml = folder / "yeoul.toml"
    toml.write_text(toml.read_text().replace("${KAFKA_PASSWORD}", SECRET))
    with pytest.raises(ConfigError, match=r"got a secret in the file; legal: .* `\$\{KAFKA_PASSWORD\}`") as refused:
        load_workspace(folder)
    assert SECRET not in str(refused.value)


def test_a_wrong_password_is_one_sentence_with_what_the_broker_said(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines
):
    folder = by_password(tmp_path, topics(locked.broker), locked.password_door)
    said = refusal(engines(folder, environment={"KAFKA_PASSWORD": "wrong"}))
    assert f"the broker at `{locked.password_door}` refuses: " in said
    assert "Authentication failed: Invalid username or password" in said
    assert said.endswith("mend the source's `client`")


def test_a_topic_that_one_may_not_read_is_one_sentence(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(locked.broker)
    folder = by_password(tmp_path, topic, locked.password_door)
    said = refusal(engines(folder, environment={"KAFKA_PASSWORD": SECRET}))
    assert f"refuses topic `{topic.name}`: Broker: Topic authorization failed" in said


def test_over_tls_it_reads_and_a_killed_broker_is_waited_for(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(locked.broker)
    topic.send(0, [plain_line(START)] * 10)
    client = f'"security.protocol" = "SSL", "ssl.ca.location" = "{locked.certificate}"'
    folder = at_door(topic.workspace(tmp_path, f"client = {{ {client} }}"), topic, locked.tls_door)
    engine = engines(folder)
    wait_for(lambda: counts(folder).read == 10)
    locked.broker.kill()
    locked.broker.start()
    topic.send(0, [plain_line(START)] * 10)
    wait_for(lambda: counts(folder).read == 20)
    assert engine.stop() == 0


def test_a_certificate_that_nobody_vouches_for_is_one_sentence(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(locked.broker)
    folder = topic.workspace(tmp_path, 'client = { "security.protocol" = "SSL" }')
    said = refusal(engines(at_door(folder, topic, locked.tls_door)))
    assert f"the broker at `{locked.tls_door}` refuses: " in said
    assert "certificate verify failed" in said
