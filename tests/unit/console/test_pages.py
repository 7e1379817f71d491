"""The built pages as files, and what is served when there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def built(folder: Path) -> Path:
    static = folder.parent / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<title>the pages</title>")
    (static / "assets" / "app-1.js").write_text("export {}")
    (static / "icon.svg").write_text("<svg/>")
    (folder.parent / "secret.txt").write_text("TOP HIDDEN")
    return static


@pytest.mark.parametrize("path", ["/", "/pipeline", "/incidents/abc", "/now?x=1"])
@pytest.mark.usefixtures("built")
def test_every_address_of_the_page_gets_the_index(console: Any, path: str) -> None:
    answer = console.http.get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert "the pages" in answer.text


@pytest.mark.usefixtures("built")
def test_assets_are_kept_by_the_browser_for_good(console: Any) -> None:
    answer = console.http.get("/assets/app-1.js")
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]
    assert console.http.get("/icon.svg").headers["content-type"] == "image/svg+xml"
    assert console.http.head("/icon.svg").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/..%2fsecret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/%2e%2e/secret.txt", "//etc/passwd",
     "/assets/none.js", "/assets/%00.js", "/x/..%5c..%5csecret.txt", "/" + "a" * 3000 + ".js"],
)  # fmt: skip
@pytest.mark.usefixtures("built")
def test_nothing_outside_the_folder_is_given(console: Any, path: str) -> None:
    answer = console.http.get(path)
    assert "HIDDEN" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code in {200, 404}


def test_a_link_that_leads_out_of_the_folder_is_not_followed(built: Path, folder: Path, console: Any) -> None:
    (built / "way.txt").symlink_to(folder.parent / "secret.txt")
    assert console.http.get("/way.txt").status_code == 404


def test_without_built_pages_it_is_said_how_to_build_them(console: Any) -> None:
    answer = console.http.get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text


@pytest.mark.usefixtures("built")
def test_the_pages_are_open_before_signing_in(start: Any) -> None:
    assert "the pages" in start(password="x").http.get("/").text
