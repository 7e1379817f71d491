"""`make services`: a real Kafka broker on this machine, with nothing else to install or to clean up, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from yeoul.errors import InputError, YeoulError
from yeoul.kafka_client import LOG, AdminClient, KafkaException, NewTopic, text_of
from yeoul.testing.broker import Broker

__all__ = ["main"]

_WITHIN_S = 30.0


def main(arguments: list[str] | None = None) -> int:
    """Start a broker, say where it answers, end it with this process; the exit code."""
    parser = argparse.ArgumentParser(prog="make services", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where it answers (default: a free port)")
    parser.add_argument("--data", type=Path, help="a folder that keeps its topics (default: they go when it ends)")
    parser.add_argument(
        "--topic",
        type=_topic,
        action="append",
        default=[],
        metavar="NAME[:PARTITIONS]",
        help="make this topic; may be repeated",
    )
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="yeoul-services-") as scratch:
        broker = Broker((asked.data or Path(scratch)).absolute(), asked.port)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        sys.stderr.write("kafka: starting (the first time it is fetched: half a minute)\n")
        try:
            with broker:
                _make(broker, asked.topic)
                print(f"kafka: {broker.bootstrap}", flush=True)  # noqa: T201  (this is what it is asked for)
                sys.stderr.write(f"log: {broker.log}\nCtrl-C ends it\n")
                return broker.wait()
        except KeyboardInterrupt:
            return 0
        except YeoulError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code


def _topic(text: str) -> tuple[str, int]:
    name, _, partitions = text.partition(":")
    return name, int(partitions or 1)


def _make(broker: Broker, topics: list[tuple[str, int]]) -> None:
    """Make topics that are not there."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap}, logger=LOG)
    have = admin.list_topics(timeout=_WITHIN_S).topics
    new = [NewTopic(name, number, 1) for name, number in topics if name not in have]
    for name, made in (admin.create_topics(new) if new else {}).items():
        try:
            made.result(_WITHIN_S)
        except KafkaException as error:
            message = f"topic `{name}` cannot be made: {text_of(error)}; legal: NAME or NAME:PARTITIONS"
            raise InputError(message) from error


if __name__ == "__main__":
    sys.exit(main())
