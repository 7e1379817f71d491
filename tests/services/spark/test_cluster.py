"""On a cluster, one master and two workers of one core each, the result is that of one machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyspark
import pytest

from yeoul.testing.broker import free_port
from yeoul.testing.two_engines import WHOLE, replayed, two_engines, windows_of

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.usefixtures("java")]

WITHIN_S = 200
CONF = ("spark.sql.shuffle.partitions=2", "spark.executor.memory=1g")
CONF += tuple(f"spark.{side}.extraJavaOptions=-XX:TieredStopAtLevel=1" for side in ("driver", "executor"))
HOME = Path(pyspark.__file__).parent


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of a master whose two workers are there."""
    address = ("--host", "127.0.0.1", "--webui-port", "0")
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    environment = os.environ | {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
    roles = [("master.Master", *address, "--port", str(port))]
    roles += [("worker.Worker", *address, "-c", "1", "-m", "1g", "-d", f"{tmp_path}/{number}", url) for number in "12"]
    log = tmp_path / "cluster.log"
    processes = []
    with log.open("wb") as file:
        for role, *words in roles:
            command = [str(HOME / "bin/spark-class"), f"org.apache.spark.deploy.{role}", *words]
            processes.append(subprocess.Popen(command, env=environment, stdout=file, stderr=file))
    until = time.monotonic() + 60
    while log.read_text().count("Registering worker") < 2:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.2)
    yield url
    for process in processes:
        process.terminate()
        process.wait(20)


def test_two_workers_count_what_one_machine_counts(cluster: str, filled: Callable[..., str], tmp_path: Path):
    folder = two_engines(tmp_path, filled())
    local, _ = replayed(folder, tmp_path / "local")
    words = ("--out", f"{tmp_path}/out", "--rows-per-batch", "600", "--available-now", "--master", cluster)
    command = [sys.executable, "-m", "yeoul.cli", "submit", str(folder), *words]
    command += [word for setting in CONF for word in ("--conf", setting)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr
    lines = [line for file in tmp_path.glob("out/hits/part-*") for line in file.read_bytes().splitlines()]
    ours = windows_of(lines)
    assert len(ours) == len(lines)
    assert {key: [each[name] for name in WHOLE] for key, each in ours.items()} == {
        key: [each[name] for name in WHOLE] for key, each in local.items()
    }
