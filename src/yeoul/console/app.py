"""The console as one web application: reads the state, hears the engine, serves the pages; it computes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware

import yeoul
from yeoul.clock import Clock, SystemClock
from yeoul.console import contract
from yeoul.console.access import Access
from yeoul.console.api import reading_routes, watching_routes, writing_routes
from yeoul.console.demo_api import demo_routes
from yeoul.console.guard import Guard
from yeoul.console.hub import Hub
from yeoul.console.live_client import LiveClient
from yeoul.console.live_feed import live_feed
from yeoul.console.people import People
from yeoul.console.problems import answer_problems
from yeoul.console.sessions import Sessions
from yeoul.console.static_pages import static_pages
from yeoul.console.topics import Answers
from yeoul.errors import StateError
from yeoul.flows.plan import Lookup

__all__ = ["ConsoleConfig", "create_app"]

_STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """What a console shows, and to whom."""

    folder: Path
    """The state's folder: `.yeoul` of a workspace. State and engine may come later."""
    lookups: tuple[Lookup, ...] = ()
    """Where names of keys are."""
    demo_folder: Path | None = None
    """Of a simulated service, when there is one."""
    password: str | None = None
    """None: whoever reaches it may use it, so it must listen on loopback only."""
    hosts: Sequence[str] = ()
    """Names, beside loopback ones, by which it may be called."""
    addresses: bool = False
    """Whether it may also be called by any IP address."""
    language: str = "auto"
    """`auto`, `en` or `ko`."""
    static: Path = _STATIC
    """The built pages."""


def create_app(config: ConsoleConfig, clock: Clock | None = None) -> FastAPI:
    """The web application of a console; it starts to listen to the engine when its server starts."""
    clock = clock or SystemClock()
    people, problems = _people(config.folder)
    sessions = Sessions(people, config.password, clock)
    changed = asyncio.Event()
    client = LiveClient(config.folder, changed.set, clock)
    answers = Answers(config.folder, config.lookups, config.demo_folder, lambda: client.seen, clock)
    answers.problems = problems
    hub = Hub(answers, changed)
    access = Access(sessions, people, clock, demo=config.demo_folder is not None, language=config.language)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(client.run()), asyncio.create_task(hub.run())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            answers.close()
            people.close()

    app = FastAPI(
        title="Yeoul",
        version=yeoul.__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={
            "4XX": {"model": contract.ErrorAnswer, "description": "It cannot be done as it was asked, and why."},
            503: {"model": contract.ErrorAnswer, "description": "The state cannot be read now."},
        },
        lifespan=lifespan,
    )
    answer_problems(app)
    app.include_router(access.routes())
    app.include_router(reading_routes(hub, answers))
    app.include_router(writing_routes(client, access))
    if config.demo_folder is not None:
        app.include_router(demo_routes(config.demo_folder, access, answers))
    app.include_router(watching_routes(hub, access))
    app.include_router(live_feed(hub, sessions))
    app.include_router(static_pages(config.static))
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(Guard, sessions=sessions, hosts=config.hosts, addresses=config.addresses)
    return app


def _people(folder: Path) -> tuple[People, list[dict[str, object]]]:
    """Where people's data is kept: in memory, and health says so, when the folder cannot be written."""
    try:
        return People(folder), []
    except StateError as error:
        return People(None), [{"code": "people_unwritable", "params": {"detail": str(error)}}]
