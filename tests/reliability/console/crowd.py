"""Many clients of one console at once: half of them ask again and again, half read the live feed.

Run as a process of its own, so that it takes no time from who measures:
    python tests/reliability/crowd.py http://127.0.0.1:8750 500 30
prints one JSON object when it ends: clients, answers, messages, failures by kind, milliseconds of an answer.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from websockets.asyncio.client import connect

__all__ = ["crowd"]

_PATHS = ("/api/now", "/", "/api/pipeline", "/health", "/api/incidents", "/metrics", "/api/rankings", "/api/session")
_PAUSE_S = 0.5
_WITHIN_S = 30.0


def crowd(address: str, clients: int, seconds: float) -> dict[str, object]:
    """Let so many clients use a console for so long; what became of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * clients + 100)), hard))
    return asyncio.run(_crowd(address, clients, seconds))


async def _crowd(address: str, clients: int, seconds: float) -> dict[str, object]:
    until = time.monotonic() + seconds
    count: Counter[str] = Counter()
    took_s: list[float] = []

    async def guarded(number: int) -> None:
        try:
            if number % 2:
                await _reads(address, until, count)
            else:
                await _asks(address, until, count, took_s)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is counted)
            count[f"failed: {type(error).__name__}: {error}"[:100]] += 1

    await asyncio.gather(*map(guarded, range(clients)))
    took_s.sort()
    at = {f"p{share}_ms": round(1e3 * took_s[len(took_s) * share // 100], 1) for share in (50, 99)} if took_s else {}
    return {"clients": clients, **count, **at}


async def _asks(address: str, until: float, count: Counter[str], took_s: list[float]) -> None:
    host = urlsplit(address).netloc
    reader, writer = await asyncio.open_connection(*host.split(":"))
    number = 0
    while time.monotonic() < until:
        begun = time.monotonic()
        path = _PATHS[number % len(_PATHS)]
        number += 1
        async with asyncio.timeout(_WITHIN_S):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
        took_s.append(time.monotonic() - begun)
        count[f"answered {head[9:12].decode()}"] += 1
        await asyncio.sleep(_PAUSE_S)
    writer.close()


async def _reads(address: str, until: float, count: Counter[str]) -> None:
    url = f"{address.replace('http', 'ws')}/api/live"
    async with connect(url, open_timeout=_WITHIN_S, compression=None, ping_interval=None) as page:
        await page.send('{"subscribe": ["now", "pipeline"]}')
        while (left := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    json.loads(await page.recv())
            except TimeoutError:
                break
            count["messages"] += 1


if __name__ == "__main__":
    sys.stdout.write(json.dumps(crowd(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))) + "\n")
