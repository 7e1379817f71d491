"""Brokers that do not let everybody in: TLS, passwords, rights; what a refusal says, and what is no refusal.

What `run` refuses the doctor has found before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from yeoul.errors import ConfigError
from yeoul.flows.doctor import workspace_checks
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker, free_port
from yeoul.testing.consoles import hear
from yeoul.testing.processes import EngineProcess, counts, wait_for
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow]

Engines = Callable[..., EngineProcess]
Topics = Callable[..., Any]
S = 1_000_000
START = 1_772_449_800 * S
SECRET = "r1ght-w0rd"


@dataclass
class Locked:
    """A broker with five doors: open to tests, by password in two ways, by TLS, by TLS of both sides."""

    broker: Broker
    password_door: str
    scram_door: str
    tls_door: str
    mutual_door: str
    certificate: Path
    key: Path

    def may(self, name: str, *operations: AclOperation, kind: ResourceType = ResourceType.TOPIC) -> None:
        """Let the user `yeoul` do this to a topic, and nothing else."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        rules = [
            AclBinding(kind, name, ResourcePatternType.LITERAL, "User:yeoul", "*", operation, AclPermissionType.ALLOW)
            for operation in operations
        ]
        for done in admin.create_acls(rules).values():
            done.result(30)

    def forbid(self) -> None:
        """Take back every right."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap, "log_level": 0})
        any_rule = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        for done in admin.delete_acls([any_rule]).values():
            done.result(30)

    def may_read(self, topic: str) -> None:
        """Let the user `yeoul` read a topic, and nothing else: no group."""
        self.may(topic, AclOperation.READ, AclOperation.DESCRIBE)


@pytest.fixture
def locked(locked_broker: Locked) -> Iterator[Locked]:
    """That broker; rights that a test gives end with it."""
    yield locked_broker
    locked_broker.forbid()


@pytest.fixture(scope="module")
def locked_broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
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
    controller = free_port()
    doors = {name: free_port() for name in ("CLIENTS", "PASSWORD", "SCRAM", "TLS", "MUTUAL")}
    addresses = ",".join(f"{name}://127.0.0.1:{number}" for name, number in doors.items())
    modules = "org.apache.kafka.common.security"
    plain, scram = f"{modules}.plain.PlainLoginModule required", f"{modules}.scram.ScramLoginModule required"
    protocols = "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,PASSWORD:SASL_PLAINTEXT,SCRAM:SASL_PLAINTEXT,TLS:SSL,MUTUAL:SSL"
    settings = {
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}",
        "listeners": f"{addresses},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": addresses,
        "listener.security.protocol.map": protocols,
        "listener.name.password.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.password.plain.sasl.jaas.config": f'{plain} user_yeoul="{SECRET}";',
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "listener.name.scram.scram-sha-256.sasl.jaas.config": f"{scram};",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(both),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.truststore.location": str(certificate),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:scram;User:CN=localhost",
    }
    with Broker(folder / "broker", doors["CLIENTS"], settings) as broker:
        password = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096)
        user = UserScramCredentialUpsertion("scram", password, SECRET.encode())
        admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        for done in admin.alter_user_scram_credentials([user]).values():
            done.result(30)
        at = [f"127.0.0.1:{doors[name]}" for name in ("PASSWORD", "SCRAM", "TLS", "MUTUAL")]
        yield Locked(broker, *at, certificate, key)


BY_PASSWORD = (
    '"security.protocol" = "SASL_PLAINTEXT", "sasl.mechanism" = "PLAIN", "sasl.username" = "yeoul", '
    '"sasl.password" = "${KAFKA_PASSWORD}"'
)


def by_password(folder: Path, topic: Any, door: str, extra: str = "") -> Path:
    return at_door(topic.workspace(folder, f"client = {{ {BY_PASSWORD} }}", extra=extra), topic, door)


def sink_to(topic: Any, client: str, *, transactional: bool = False) -> str:
    return f"""[sink.out]
kind = "kafka"
bootstrap = "{topic.broker.bootstrap}"
topics = {{ windows = "{topic.name}" }}
transactional = {str(transactional).lower()}
client = {{ {client} }}
"""


def doctor_fails(folder: Path, area: str) -> str:
    """What the doctor finds amiss there, once, and its advice."""
    [said] = [each for each in workspace_checks(load_workspace(folder).plan(), "", 0) if each.status == "fail"]
    assert said.area == area
    return f"{said.found}; {said.advice}"


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


def mutual(locked: Locked) -> str:
    places = {"ssl.ca.location": locked.certificate, "ssl.certificate.location": locked.certificate}
    named = ", ".join(f'"{name}" = "{place}"' for name, place in {**places, "ssl.key.location": locked.key}.items())
    return f'"security.protocol" = "SSL", {named}'


@pytest.mark.parametrize("way", ["scram", "mutual"])
def test_by_scram_and_by_certificates_of_both_sides_it_reads_and_sends_in_transactions(
    way: str, locked: Locked, topics: Topics, tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    scram = BY_PASSWORD.replace('"PLAIN"', '"SCRAM-SHA-256"').replace('"yeoul"', '"scram"')
    client, door = (scram, locked.scram_door) if way == "scram" else (mutual(locked), locked.mutual_door)
    topic, windows = topics(locked.broker), topics(locked.broker)
    topic.send(0, [plain_line(START)] * 10)
    sink = sink_to(windows, client, transactional=True)
    folder = at_door(topic.workspace(tmp_path, f"client = {{ {client} }}", extra=sink), topic, door)
    assert not [each for each in workspace_checks(load_workspace(folder).plan(), "", 0) if each.status == "fail"]
    engine = engines(folder)
    wait_for(lambda: ends(windows) > 0)
    assert counts(folder).read == 10
    assert engine.stop() == 0


def ends(topic: Any) -> int:
    """Behind the last message of the first partition."""
    settings = {"bootstrap.servers": topic.broker.bootstrap, "group.id": "ends", "log_level": 0}
    consumer = Consumer(settings)
    try:
        return int(consumer.get_watermark_offsets(TopicPartition(topic.name, 0), timeout=10)[1])
    finally:
        consumer.close()


def test_without_a_certificate_of_ours_where_one_is_asked_for_it_is_one_sentence(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines
):
    topic = topics(locked.broker)
    client = f'"security.protocol" = "SSL", "ssl.ca.location" = "{locked.certificate}"'
    folder = at_door(topic.workspace(tmp_path, f"client = {{ {client} }}"), topic, locked.mutual_door)
    said = refusal(engines(folder))
    assert "bad certificate" in said
    assert said.endswith(f"{doctor_fails(folder, 'stream hits').rpartition('; ')[2]}")
    assert "mend the source's `client`" in said


@pytest.mark.parametrize("transactional", [False, True])
def test_a_sink_that_may_not_write_is_one_sentence(
    transactional: bool,
    locked: Locked,
    topics: Topics,
    tmp_path: Path,
    engines: Engines,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    topic, windows = topics(locked.broker), topics(locked.broker)
    locked.may_read(topic.name)
    locked.may_read(windows.name)
    folder = by_password(
        tmp_path, topic, locked.password_door, sink_to(windows, BY_PASSWORD, transactional=transactional)
    )
    said = refusal(engines(folder))
    assert f"does not let this user write to topic `{windows.name}`; grant the right WRITE there" in said
    assert said.endswith(doctor_fails(folder, "sink out"))
    if transactional:
        locked.may(windows.name, AclOperation.WRITE)
        said = refusal(engines(folder))
        assert "Transactional Id authorization failed; grant that right (an ACL), or mend the sink's `client`" in said
        assert said.endswith(doctor_fails(folder, "sink out"))
        locked.may("*", AclOperation.WRITE, kind=ResourceType.TRANSACTIONAL_ID)
        said = refusal(engines(folder))
        assert "Group authorization failed; grant that right (an ACL), or mend the sink's `client`" in said
        assert said.endswith(doctor_fails(folder, "sink out"))


def test_lines_that_may_not_be_shipped_are_one_sentence(locked: Locked, topics: Topics, tmp_path: Path):
    topic = topics(locked.broker)
    locked.may_read(topic.name)
    (tmp_path / "a.log").write_bytes(plain_line(START))
    words = ["--bootstrap", locked.password_door, "--topic", topic.name, "--path", "*.log", "--once"]
    for setting in BY_PASSWORD.replace(" = ", "=").replace('"', "").split(", "):
        words += ["--client", setting]
    command = [sys.executable, "-m", "yeoul.cli", "ship", *words]
    environment = {**os.environ, "KAFKA_PASSWORD": SECRET}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [said] = done.stderr.splitlines()
    assert f"does not let this user write to topic `{topic.name}`" in said


def test_a_worker_that_may_not_use_its_group_is_one_sentence(
    locked: Locked, topics: Topics, tmp_path: Path, engines: Engines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    windows, found = topics(locked.broker), topics(locked.broker)
    kept = type(windows)(locked.broker, f"yeoul.detect.{windows.name}")
    for each in (windows, found, kept):
        locked.may(each.name, AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)
    sink = (
        sink_to(windows, BY_PASSWORD).replace(" }", f', findings = "{found.name}" }}', 1) + 'shard_by = ["customer"]\n'
    )
    detect = '[detect.customers]\nstream = "hits"\nby = ["customer"]\nvalue = "plays"\n'
    folder = at_door(plain_workspace(tmp_path, extra=detect + sink), windows, locked.password_door)
    said = refusal(engines(folder, part="detect"))
    assert "Group authorization failed; grant that right (an ACL), or mend the sink's `client`" in said
    group = f"yeoul.detect.{windows.name}"
    assert f"does not let this user read group `{group}`; grant the right READ" in doctor_fails(folder, "part detect")
    locked.may(group, AclOperation.READ, kind=ResourceType.GROUP)
    assert "Transactional Id authorization failed; grant that right" in doctor_fails(folder, "part detect")
    locked.may(f"{group}.check", AclOperation.WRITE, kind=ResourceType.TRANSACTIONAL_ID)
    assert not [each for each in workspace_checks(load_workspace(folder).plan(), "", 0) if each.status == "fail"]


def test_what_workers_learn_may_have_no_topic_and_the_doctor_says_so(
    locked: Locked, topics: Topics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    windows, found = topics(locked.broker), topics(locked.broker)
    for each in (windows, found):
        locked.may(each.name, AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE)
    sink = (
        sink_to(windows, BY_PASSWORD).replace(" }", f', rankings = "{found.name}" }}', 1) + 'shard_by = ["customer"]\n'
    )
    rank = '[rank.hot]\nstream = "hits"\nby = ["title"]\nvalue = "plays"\n'
    folder = at_door(plain_workspace(tmp_path, extra=rank + sink), windows, locked.password_door)
    locked.may(f"yeoul.rank.{windows.name}", AclOperation.READ, kind=ResourceType.GROUP)
    said = doctor_fails(folder, "part rank")
    assert f"topic `yeoul.rank.{windows.name}`, which keeps what workers learn, is not there" in said
    assert "make it with `cleanup.policy=compact` and 1 partitions" in said
