from __future__ import annotations

import gzip
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

_AXE = Path(__file__).resolve().parents[3] / "src/yeoul/console/web/node_modules/axe-core/axe.min.js"
_RUN_AXE = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).slice(0, 3).join(" ")}`);
}"""
PATHS = {"now": "/", "incidents": "/incidents", "incident": "/incidents/{id}", "pipeline": "/pipeline", "demo": "/demo"}
Open = Callable[..., Any]


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _address(demo: str, name: str) -> str:
    path = PATHS[name]
    if "{id}" in path:
        path = path.format(id=_get(f"{demo}/api/incidents")["incidents"][0]["id"])
    return demo + path


def _shown(page: Any, name: str) -> Any:
    """The page, once it has its data."""
    page.locator(f"[data-testid={name}]").wait_for()
    return page


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", PATHS)
def test_no_page_has_an_accessibility_violation_in_either_theme(
    demo: str, open_page: Open, name: str, theme: str
) -> None:
    # The checker is a script from outside: only here the page's own policy stands back.
    page = _shown(open_page(_address(demo, name), color_scheme=theme, bypass_csp=True), name)
    page.wait_for_timeout(700)
    page.add_script_tag(path=str(_AXE))
    assert page.evaluate(_RUN_AXE) == []


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", PATHS)
def test_a_phone_of_360_pixels_shows_every_page_without_scrolling_sideways(
    demo: str, open_page: Open, name: str, language: str
) -> None:
    page = _shown(open_page(f"{_address(demo, name)}?lang={language}", width=360, height=740), name)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_first_page_weighs_at_most_150_kilobytes_and_asks_nobody_else(
    demo: str, open_page: Open, language: str
) -> None:
    page = open_page()
    answers: list[Any] = []

    def note(answer: Any) -> None:
        answers.append(answer)

    page.on("response", note)
    page.goto(f"{demo}/?lang={language}")
    page.locator("[data-testid=flow] canvas").wait_for()
    page.wait_for_load_state("load")
    assert {answer.url.split("/")[2] for answer in answers} == {demo.split("/")[2]}
    sizes = {answer.url: _weight(answer) for answer in answers if "/api/" not in answer.url}
    assert sum(sizes.values()) <= 150_000, sizes


def _weight(answer: Any) -> int:
    body = answer.body()
    return min(len(body), len(gzip.compress(body, 9)))


def test_the_page_is_live_without_a_reload(demo: str, open_page: Open) -> None:
    page = _shown(open_page(demo), "now")
    updates = int(page.get_by_test_id("now").get_attribute("data-updated"))
    page.wait_for_function(
        "(least) => Number(document.querySelector('[data-testid=now]').dataset.updated) >= least", arg=updates + 3
    )
    assert page.get_by_test_id("link").get_attribute("data-state") == "open"


def test_a_lost_link_is_seen_at_once_and_mends_itself(demo: str, open_page: Open) -> None:
    page = open_page(forgives="WebSocket")
    lines: list[Any] = []
    let_through = [True]

    def line(route: Any) -> None:
        if let_through[0]:
            route.connect_to_server()
            lines.append(route)
        else:
            route.close()

    page.route_web_socket(re.compile("/api/live"), line)
    page.goto(demo)
    _shown(page, "now")
    let_through[0] = False
    lines[-1].close()
    page.locator("[data-testid=link][data-state=lost]").wait_for()
    page.locator("[data-testid=status][data-tone=unsure]").wait_for()
    assert page.get_by_test_id("headline").inner_text().startswith("Not known")
    let_through[0] = True
    page.locator("[data-testid=link][data-state=open]").wait_for()
    page.locator("[data-testid=status]:not([data-tone=unsure])").wait_for()


def test_what_is_planted_is_found_and_said_in_one_sentence(demo: str, open_page: Open) -> None:
    page = _shown(open_page(f"{demo}/demo?kind=burst"), "demo")
    page.get_by_label("How strong").fill("12")
    page.get_by_test_id("plant").click()
    entry = page.locator("[data-testid=planted-entry][data-status=running]").first
    entry.wait_for()
    entry = page.locator(f"[data-id='{entry.get_attribute('data-id')}']")
    entry.get_by_test_id("found").wait_for(timeout=90_000)
    customer = entry.locator("p").first.inner_text().removeprefix("Burst ").strip()
    page.get_by_role("link", name="Now").first.click()
    page.locator("[data-testid=status][data-tone=alarm]").wait_for()
    line = page.get_by_test_id("incident-line").filter(has_text=customer).first
    assert re.search(r"\d\u00d7 more than expected", line.inner_text())
    assert re.search(r" since \d\d:\d\d$", page.get_by_test_id("headline").inner_text())
    assert re.match(r"\(\d+\) ", page.title())
    line.get_by_role("link").click()
    _shown(page, "incident")
    page.locator("[data-testid=track] canvas").wait_for()
    sentence = page.locator("[data-testid=track] [role=img]").get_attribute("aria-label")
    assert re.search(r"outside the normal range in [1-9]\d* of \d+ windows", sentence)


def test_a_chart_is_a_table_for_those_who_want_one(demo: str, open_page: Open) -> None:
    page = _shown(open_page(demo), "now")
    page.get_by_test_id("flow-as-table").click()
    table = page.get_by_test_id("flow-table")
    assert table.get_by_role("columnheader").all_inner_texts() == ["Time", "Rows a window"]
    rows = table.locator("tbody tr:not([aria-hidden])")
    assert int(rows.first.locator("td").nth(1).inner_text().replace(",", "")) > 0
    assert rows.count() < 60 <= int(table.locator("table").get_attribute("aria-rowcount"))


def test_the_keyboard_reaches_everything_in_order_and_shows_where_it_is(demo: str, open_page: Open) -> None:
    page = _shown(open_page(demo), "now")
    named = "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText).trim()"
    seen = []
    for _ in range(9):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(named).split("\n")[0])
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert seen[0] == "Skip to the content"
    assert seen[2] == "Now"
    assert [each for each in seen if each in {"Pipeline", "Demo", "한국어"}] == ["Pipeline", "Demo", "한국어"]
    page.get_by_role("link", name="Pipeline").focus()
    page.keyboard.press("Enter")
    _shown(page, "pipeline")


def test_language_and_theme_are_kept_and_the_address_holds_the_rest(demo: str, open_page: Open) -> None:
    page = _shown(open_page(f"{demo}/incidents"), "incidents")
    page.get_by_test_id("language").click()
    page.get_by_role("button", name="종료").click()
    page.get_by_test_id("theme").click()
    page.get_by_test_id("theme").click()
    page.reload()
    assert page.get_by_role("button", name="종료").get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("document.documentElement.lang") == "ko"
    assert "state=closed" in page.url
    page.goto(demo)
    page.get_by_role("link", name="수집 경로").wait_for()


@pytest.mark.parametrize(("locale", "title"), [("ko-KR", "수집 경로"), ("en-US", "Pipeline"), ("fr-FR", "Pipeline")])
def test_the_language_is_the_browsers_at_first(demo: str, open_page: Open, locale: str, title: str) -> None:
    page = _shown(open_page(f"{demo}/pipeline", locale=locale), "pipeline")
    assert page.get_by_role("navigation").get_by_text(title, exact=True).is_visible()


def test_nothing_moves_for_those_who_want_no_motion(demo: str, open_page: Open) -> None:
    page = _shown(open_page(demo, reduced_motion="reduce"), "now")
    page.locator("[data-testid=hot] li").first.wait_for()
    page.wait_for_timeout(2_500)
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--calm')") in {"0ms", "0s"}


def test_a_password_is_asked_for_and_then_it_says_that_nothing_runs(locked: str, open_page: Open) -> None:
    page = open_page(locked)
    page.get_by_label("Password").fill("여울 river")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_test_id("headline").get_by_text("not running").wait_for()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
