"""The ear at the engine: it comes and goes, stalls and talks nonsense; the console knows and waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.clock import ManualClock
from yeoul.console.live_client import LiveClient
from yeoul.errors import BusyError
from yeoul.flows.live_socket import LiveSocket

T0 = 1_772_449_800_000_000
MESSAGE = json.dumps({"at_us": T0, "pid": 7, "started_us": T0 - 5, "checkpoint": {"seq": 3}}).encode() + b"\n"


def hear(folder: Path, *speeches: bytes, steps: Callable[[LiveClient, ManualClock], Awaitable[None]]) -> None:
    """Run steps while an engine gives one speech a connection."""
    waiting = list(speeches)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(waiting.pop(0) if waiting else b"")
        await writer.drain()
        line = await reader.readline()
        if line:
            asked = json.loads(line)
            writer.write(json.dumps({"id": asked["id"], "ok": True, "op": asked["op"]}).encode() + b"\n")
            await writer.drain()
            await reader.readline()
        writer.close()

    async def run() -> None:
        clock = ManualClock(T0)
        client = LiveClient(folder, lambda: None, clock)
        listening = asyncio.create_task(client.run())
        server = await asyncio.start_unix_server(speak, folder / "live.sock")
        try:
            async with asyncio.timeout(20):
                await steps(client, clock)
        finally:
            listening.cancel()
            server.close()
            await asyncio.sleep(0.05)

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - what is waited for is another task's doing
        await asyncio.sleep(0.01)


def test_it_hears_an_engine_that_starts_later(tmp_path: Path) -> None:
    async def steps(client: LiveClient, _: ManualClock) -> None:
        assert client.seen.status == "stopped"
        await until(lambda: client.seen.status == "running")
        assert client.seen.since_us == T0 - 5
        assert client.seen.live is not None
        assert client.seen.live.log_seq == 3

    hear(tmp_path, MESSAGE, steps=steps)


def test_an_engine_that_says_nothing_for_five_seconds_is_silent(tmp_path: Path) -> None:
    async def steps(client: LiveClient, clock: ManualClock) -> None:
        await until(lambda: client.seen.status == "running")
        clock.advance(5_000_001)
        assert (client.seen.status, client.seen.since_us) == ("silent", T0)

    hear(tmp_path, MESSAGE, steps=steps)


@pytest.mark.parametrize(
    "noise", [b"nonsense\n", b"{}\n", b'{"id": 99, "ok": true}\n', b'{"id": [], "ok": 1}\n', b"\n"]
)
def test_a_line_that_is_no_message_is_passed_over(tmp_path: Path, noise: bytes) -> None:
    async def steps(client: LiveClient, _: ManualClock) -> None:
        await until(lambda: client.seen.status == "running")

    hear(tmp_path, noise + MESSAGE, steps=steps)


def test_a_torn_line_is_not_taken(tmp_path: Path) -> None:
    async def steps(client: LiveClient, _: ManualClock) -> None:
        await asyncio.sleep(0.4)
        assert client.seen.status == "stopped"

    hear(tmp_path, MESSAGE[:-1], steps=steps)


def test_a_request_is_answered(tmp_path: Path) -> None:
    async def steps(client: LiveClient, _: ManualClock) -> None:
        await until(lambda: client.seen.status == "running")
        assert (await client.request("redrive", {})) == {"id": 1, "ok": True, "op": "redrive"}

    hear(tmp_path, MESSAGE, steps=steps)


def test_without_an_engine_a_request_says_so(tmp_path: Path) -> None:
    async def ask() -> Any:
        return await LiveClient(tmp_path, lambda: None).request("redrive", {})

    with pytest.raises(BusyError, match="yeoul run"):
        asyncio.run(ask())


@pytest.mark.usefixtures("console")
def test_an_engine_that_does_not_answer_in_time_is_not_waited_for(engine: Any) -> None:
    async def ask() -> Any:
        client = LiveClient(engine.folder, lambda: None)
        listening = asyncio.create_task(client.run())
        await until(lambda: client.seen.status == "running")
        engine.answer = lambda _: asyncio.run(asyncio.sleep(0.5)) or {"ok": True}
        try:
            return await client.request("redrive", {}, timeout_s=0.1)
        finally:
            listening.cancel()

    assert asyncio.run(ask()) is None


def test_a_deep_folder_is_no_obstacle(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    socket = LiveSocket(deep)
    socket.publish(json.loads(MESSAGE))

    async def steps() -> None:
        client = LiveClient(deep, lambda: None)
        listening = asyncio.create_task(client.run())
        async with asyncio.timeout(10):
            while client.seen.status != "running":
                await asyncio.to_thread(socket.wait, 0.01, lambda _: {})
        listening.cancel()

    asyncio.run(steps())
    socket.close()
