"""A real browser on a real console: `yeoul demo` behind it, headless Chromium before it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from yeoul.console.app import ConsoleConfig
from yeoul.console.server import serve

_ROOT = Path(__file__).resolve().parents[3]
_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_START_WITHIN_S = 200  # to read three hours is work, as long as the machine takes for it


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the tests of the pages need playwright")
    if _CHROMIUM is None:
        pytest.skip("the tests of the pages need chromium")
    if not (_ROOT / "src/yeoul/console/static/index.html").is_file():
        pytest.skip("the pages are not built: scripts/build_web.py builds them")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running demo with three hours of past in it; it has read all of it."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "yeoul.cli", "demo", "--folder", str(folder / "service"), "--backfill", "3h"]
    command += ["--port", "0", "--rate", "60", "--for", "15m", "--no-open"]
    said = folder / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    try:
        url = _address(said, process)
        _wait(lambda: _caught_up(url), "the demo did not read its past")
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _address(said: Path, process: subprocess.Popen[bytes]) -> str:
    def find() -> str | None:
        assert process.poll() is None, said.read_text()
        found = re.search(r"console: (http://\S+)", said.read_text())
        return found and found[1]

    return str(_wait(find, "the demo said no address"))


def _caught_up(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/api/now", timeout=10) as answer:
        now = json.load(answer)
    streams = now["streams"].values()
    # A window of the present is closed: the past is read.
    return bool(streams) and all(now["at_us"] - (each.get("watermark_us") or 0) < 45_000_000 for each in streams)


def _wait(what: Callable[[], Any], otherwise: str) -> Any:
    end = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(otherwise)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    """The address of a console that asks for a password, and has no engine and no state."""
    ready, stop = threading.Event(), threading.Event()
    found: list[str] = []

    def tell(url: str) -> None:
        found.append(url)
        ready.set()

    config = ConsoleConfig(tmp_path, password="여울 river")
    thread = threading.Thread(target=serve, args=(config, "127.0.0.1", 0), kwargs={"ready": tell, "stop": stop})
    thread.start()
    assert ready.wait(30)
    yield found[0]
    stop.set()
    thread.join(20)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a page of its own; an error or a warning in it fails the test, but for what it `forgives`."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(
        url: str = "about:blank", *, width: int = 1440, height: int = 900, forgives: str | None = None, **options: Any
    ) -> Any:
        settings = {"timezone_id": "Asia/Seoul", "locale": "en-GB", **options}
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()

        def note(text: str) -> None:
            if forgives is None or forgives not in text:
                faults.append(text)

        page.on("pageerror", lambda error: note(str(error)))
        page.on("console", lambda line: line.type in {"error", "warning"} and note(line.text))
        if url != "about:blank":
            page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
