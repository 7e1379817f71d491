"""Write the lock files of Java libraries: what Maven resolves from a few names, each with its hash.

Run from the project's folder when a version changes: `.venv/bin/python scripts/lock_jars.py`.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

KAFKA, SPARK = "4.4.0", "4.2.0"
LOCKS = {
    "src/yeoul/testing/broker.jars": (
        "A Kafka broker with what writes its log.",
        [f"org.apache.kafka:kafka_2.13:{KAFKA}", "org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"],
        None,
    ),
    "src/yeoul/streams/spark/connector.jars": (
        "What PySpark lacks to read and write topics.",
        [f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK}"],
        {
            "commons-pool2",
            "kafka-clients",
            "lz4-java",
            "snappy-java",
            "spark-sql-kafka-0-10_2.13",
            "spark-token-provider-kafka-0-10_2.13",
        },
    ),
}
"""Per file: a word on it, the libraries asked for, and which of those they bring are kept (None: all)."""

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>yeoul</groupId><artifactId>lock</artifactId><version>1</version><dependencies>{}</dependencies></project>"""
ONE = "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version></dependency>"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def resolve(names: list[str]) -> dict[str, str]:
    """Coordinates and hashes of the libraries and of all that they need."""
    with tempfile.TemporaryDirectory() as folder:
        pom = POM.format("".join(ONE.format(*name.split(":")) for name in names))
        Path(folder, "pom.xml").write_text(pom, encoding="utf-8")
        command = ["mvn", "-q", "-B", COPY, "-DoutputDirectory=lib", "-Dmdep.useRepositoryLayout=true"]
        subprocess.run(command, cwd=folder, check=True)
        found = {}
        for path in Path(folder, "lib").rglob("*.jar"):
            *group, artifact, version, name = path.relative_to(Path(folder, "lib")).parts
            classifier = name.removeprefix(f"{artifact}-{version}").removesuffix(".jar").lstrip("-")
            coordinates = ":".join(filter(None, [".".join(group), artifact, version, classifier]))
            found[coordinates] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


for file, (what, names, kept) in LOCKS.items():
    found = resolve(names)
    lines = [f"{each} {digest}" for each, digest in sorted(found.items()) if not kept or each.split(":")[1] in kept]
    head = f"# {what} Written by scripts/lock_jars.py from {', '.join(names)}.\n"
    Path(file).write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"{file}: {len(lines)} libraries")
