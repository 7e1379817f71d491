"""A service of two hosts that writes at a given speed and rotates by rename and create; one packs its old files.

`rotating_writer.py FOLDER TRUTH RATE ROTATIONS EVERY_S`: TRUTH gets every line too, standard output what was written.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

_TICK_S = 0.02
_APPEND = os.O_CREAT | os.O_WRONLY | os.O_APPEND


def main(folder: Path, truth: Path, rate: float, rotations: int, every_s: float) -> None:
    """Write until all rotations are done."""
    hosts = {folder / "a.ndjson": True, folder / "b.ndjson": False}
    writers = {path: os.open(path, _APPEND) for path in hosts}
    begun, count, rotated = time.monotonic(), 0, 0
    with truth.open("wb") as all_lines:
        while rotated < rotations:
            time.sleep(_TICK_S)
            elapsed = time.monotonic() - begun
            due = int(elapsed * rate) - count
            for path, share in zip(hosts, (due // 2, due - due // 2), strict=True):
                data = _lines(path.stem, count, share)
                count += share
                # a write that ends in the middle of a line, and one that goes on
                cut = len(data) * 2 // 3
                os.write(writers[path], data[:cut])
                os.write(writers[path], data[cut:])
                all_lines.write(data)
            if elapsed >= (rotated + 1) * every_s:
                rotated += 1
                for path, packed in hosts.items():
                    _rotate(path, packed=packed)
                    os.close(writers[path])
                    writers[path] = os.open(path, _APPEND)
    print(json.dumps({"lines": count, "seconds": time.monotonic() - begun}))


def _lines(host: str, first: int, count: int) -> bytes:
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    form = f'{{"at":"{at}","customer":"{host}%d","title":"t%d","n":%d,"id":"e%d"}}\n'
    return "".join([form % (i % 7, i % 11, i, i) for i in range(first, first + count)]).encode()


def _rotate(path: Path, *, packed: bool) -> None:
    for number in range(200, 0, -1):
        for ending in ("", ".gz"):
            sibling = path.with_name(f"{path.name}.{number}{ending}")
            if sibling.exists():
                sibling.rename(path.with_name(f"{path.name}.{number + 1}{ending}"))
    path.rename(path.with_name(f"{path.name}.1"))
    second = path.with_name(f"{path.name}.2")
    if packed and second.exists():
        with second.open("rb") as plain, gzip.open(f"{second}.gz", "wb", 1) as out:
            while piece := plain.read(1 << 16):
                out.write(piece)
        second.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
