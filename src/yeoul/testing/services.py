"""`make services`: a real Kafka broker on this machine, with nothing else to install or to clean up, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from yeoul.errors import YeoulError
from yeoul.testing.broker import Broker

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Start a broker, say where it answers, end it with this process; the exit code."""
    parser = argparse.ArgumentParser(prog="make services", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where it answers (default: a free port)")
    parser.add_argument("--data", type=Path, help="a folder that keeps its topics (default: they go when it ends)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="yeoul-services-") as scratch:
        broker = Broker((asked.data or Path(scratch)).absolute(), asked.port)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        sys.stderr.write("kafka: starting (the first time it is fetched: half a minute)\n")
        try:
            with broker:
                print(f"kafka: {broker.bootstrap}", flush=True)  # noqa: T201  (this is what it is asked for)
                sys.stderr.write(f"log: {broker.log}\nCtrl-C ends it\n")
                return broker.wait()
        except KeyboardInterrupt:
            return 0
        except YeoulError as error:
            sys.stderr.write(f"{error}\n")
            return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
