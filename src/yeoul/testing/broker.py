"""A real Apache Kafka broker on this machine, or several: started, killed, frozen, started again on the same data."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from yeoul.errors import SourceError
from yeoul.jars import fetch_jars, program

__all__ = ["Broker", "Cluster", "free_port"]

_HEAP = "-Xmx512m"
_READY_S = 60.0
_LOG_LINES = 8
_OWN_TOPICS = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
_OWN_TOPICS_COPIES = tuple(f"{name}.replication.factor" for name in _OWN_TOPICS)
_OWN_TOPICS_LEAST = tuple(f"{name}.min.isr" for name in _OWN_TOPICS[1:])


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """One broker in KRaft mode on loopback; all its data is in `folder`, so that it goes on there after a kill.

    Args:
        folder: for settings, log and data; made when missing.
        port: where clients connect; 0: a free one.
        settings: lines of `server.properties` that are added or replaced.
        member: how its data begin, when it is one of several; see `Cluster`.

    Raises:
        MissingProgramError: no `java`, or no `mvn` to fetch the broker with.
        SourceError: it did not start; the message holds the end of its log.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        member: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.log = folder / "broker.log"
        self._controller_port = free_port()
        self._settings = dict(settings or {})
        self._member = tuple(member)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """Such as `127.0.0.1:40123`."""
        return f"127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start it, again too, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        lines = [f"{name}={value}" for name, value in (self._defaults() | self._settings).items()]
        properties.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if not (self.folder / "data/meta.properties").exists():
            words = self._member or ("-t", _identity(), "--standalone")
            self._java("kafka.tools.StorageTool", "format", "-c", str(properties), *words).wait()
        self._process = self._java("kafka.Kafka", str(properties))
        self._wait_until_ready()
        return self

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM; returns when it has ended in good order."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """It keeps its connections and answers nothing, as a broker that hangs."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was frozen."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self._process.wait() if self._process else 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def _defaults(self) -> dict[str, str]:
        clients, controller = f"127.0.0.1:{self.port}", f"127.0.0.1:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": controller,
            "listeners": f"CLIENTS://{clients},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{clients}",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENTS",
            "log.dirs": str(self.folder / "data"),
            "group.initial.rebalance.delay.ms": "0",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "2000",  # after a kill it waits for its own session to end
            "auto.create.topics.enable": "false",
            **dict.fromkeys(_OWN_TOPICS_COPIES + _OWN_TOPICS_LEAST, "1"),
        }

    def _java(self, *arguments: str) -> subprocess.Popen[bytes]:
        java = program("java", "default-jre-headless")
        jars = fetch_jars("yeoul.testing", "broker.jars")
        command = [java, _HEAP, "-Dlog4j2.level=INFO", "-cp", f"{jars}/*", *arguments]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)  # noqa: S603  (our own command)

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + _READY_S
        while not _answers(self.port):
            if self._process is None or self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                said = self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
                message = f"the Kafka broker on port {self.port} did not start; {self.log} ends with: "
                raise SourceError(message + " | ".join(said))
            time.sleep(0.1)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)
            process.send_signal(number)
            process.wait()


class Cluster:
    """Brokers that keep copies of each other's data, two of which must acknowledge: any one may be killed.

    Args:
        folder: for the data of all; made when missing.
        brokers: how many, at least 3.
    """

    def __init__(self, folder: Path, brokers: int = 3) -> None:
        numbers = range(1, brokers + 1)
        controllers = {number: f"127.0.0.1:{free_port()}" for number in numbers}
        clients = {number: free_port() for number in numbers}
        first = ",".join(f"{number}@{at}:{_identity()}" for number, at in controllers.items())
        member = ("-t", _identity(), "--initial-controllers", first)
        several = {
            "controller.quorum.bootstrap.servers": ",".join(controllers.values()),
            "min.insync.replicas": "2",
            "broker.session.timeout.ms": "6000",  # on a machine that is busy one is slow, and not gone
            **dict.fromkeys(_OWN_TOPICS_COPIES, "3"),
            **dict.fromkeys(_OWN_TOPICS_LEAST, "2"),
        }
        self.brokers = []
        for number in numbers:
            addresses = f"CLIENTS://127.0.0.1:{clients[number]},CONTROLLER://{controllers[number]}"
            settings = several | {"node.id": str(number), "listeners": addresses}
            self.brokers.append(Broker(folder / str(number), clients[number], settings, member))

    @property
    def bootstrap(self) -> str:
        """Addresses of all, joined by commas."""
        return ",".join(each.bootstrap for each in self.brokers)

    def __enter__(self) -> Self:
        with ThreadPoolExecutor(len(self.brokers)) as pool:  # one alone waits for a second
            list(pool.map(Broker.start, self.brokers))
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.brokers:
            each.kill()


def _identity() -> str:
    """As Kafka writes a UUID; one that begins with a dash would be taken for an option."""
    return base64.urlsafe_b64encode(bytes([0, *uuid.uuid4().bytes[1:]])).rstrip(b"=").decode()


def _answers(port: int) -> bool:
    """Whether who listens there speaks Kafka: an ApiVersions request (key 18, version 0) has a response."""
    request = bytes.fromhex("0000000a 0012 0000 00000001 0000".replace(" ", ""))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(request)
            return len(connection.recv(8)) > 0
    except OSError:
        return False
