"""The dashboard in a real browser: languages, sliders, run, cancel, compare, map, files, two tabs, a closed tab.

Skipped, with the reason, where Playwright or a Chromium is missing. No request may leave this computer.
"""

from __future__ import annotations

import csv
import os
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.brief import find_browser
from experiments.dashboard.draft import LARGEST_UPLOAD
from model.world import load_world
from scenarios.reading import load_policy
from tests.dashboard_tab import BROWSER_ARGUMENTS, READY, WAIT, Tab, serve, served
from tests.own_world import copy_of_template

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: no test in a browser"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300, func_only=True),
]  # compiling in the fixture has a limit of its own
BAD = b"""schema = 1
kind = "policy"
title.en = "Bad"
[housing.x]
from = 2027
places = ["@towns"]
rent_discount = 7
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium, Chrome or Edge is installed: no test in a browser")
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(
            executable_path=found,
            args=list(BROWSER_ARGUMENTS),
        )
        yield made
        made.close()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, int]]:
    """A dashboard as a reader starts it."""
    yield from serve()


@pytest.fixture
def tab(browser: Any, server: tuple[str, int]) -> Iterator[Tab]:
    made = Tab(browser, server[0])
    yield made
    made.check()
    made.close()


def children(pid: int) -> set[int]:
    """Child processes of the server that run models (Linux)."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
            command = (path.parent / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid and b"worker_process" in command:
            found.add(int(path.parent.name))
    return found


def test_the_language_is_switched_in_place(tab: Tab) -> None:
    tab.ready()
    before = tab.answers()
    assert "Settlers' programme" in before
    tab.choose(".qz-lang", "Қазақша")
    tab.page.wait_for_selector("text=Халық", timeout=WAIT)
    assert "Негізгіден тыс қоныс аударушылар" in tab.answers()
    assert tab.page.evaluate("document.documentElement.lang") == "kk"
    tab.choose(".qz-lang", "Русский")
    tab.page.wait_for_selector("text=Лестница угасания", timeout=WAIT)
    assert "Программа переселенцев" in tab.answers()
    assert "Settlers" not in tab.page.inner_text("body")


def test_a_slider_moves_the_preview_and_the_saved_file(tab: Tab, tmp_path: Path) -> None:
    tab.ready()
    before = tab.answers()
    slider = tab.page.locator(".qz-slider.qz-key-families_a_year")
    assert slider.get_attribute("role") == "slider"
    assert slider.get_attribute("aria-label") == "Settlers' programme: families above the baseline"
    assert slider.get_attribute("aria-valuemax") == "50"
    slider.locator("[tabindex='0']").focus()
    for _ in range(5):
        tab.page.keyboard.press("ArrowRight")
    tab.page.wait_for_function(
        "before => document.querySelector('.qz-answers').innerText !== before", arg=before, timeout=WAIT
    )
    saved = tmp_path / "mine.toml"
    saved.write_bytes(tab.download(".qz-save"))
    assert load_policy(str(saved)).levers.settlers["families"].families_a_year > 10


def test_run_shows_progress_and_the_model_takes_over_from_the_twin(tab: Tab) -> None:
    tab.ready()
    assert tab.page.locator(".qz-stage-preview").count() == 1
    tab.page.fill(".qz-runs input", "6")
    tab.page.keyboard.press("Tab")
    tab.page.click(".qz-run")
    tab.page.wait_for_function(
        "/ of 6 runs/.test(document.querySelector('.qz-status').innerText)", timeout=WAIT
    )
    tab.stage("final")
    assert "Model, 6 runs" in tab.page.inner_text(".qz-stage")
    # Once "Ready" is said the bar is empty: it does not slide back for two seconds
    wide = tab.page.wait_for_function(
        "document.querySelector('.qz-status').innerText === 'Ready' && "
        "'' + document.querySelector('.qz-bar .q-linear-progress__model').getBoundingClientRect().width",
        timeout=WAIT,
    ).json_value()
    assert float(wide) == 0.0
    rows = list(csv.DictReader(tab.download(".qz-csv").decode().splitlines()))
    assert {row["stage"] for row in rows} == {"final"}
    assert {row["runs"] for row in rows} == {"6"}


def test_cancel_stops_a_run(tab: Tab) -> None:
    tab.ready()
    tab.page.fill(".qz-runs input", "900")
    tab.page.keyboard.press("Tab")
    tab.page.click(".qz-run")
    tab.stage("partial")
    tab.page.click(".qz-cancel")
    tab.page.wait_for_function("document.querySelector('.qz-status').innerText === 'Ready'", timeout=WAIT)
    shown = tab.page.inner_text(".qz-stage")
    time.sleep(2.0)
    assert tab.page.inner_text(".qz-stage") == shown
    assert tab.page.locator(".qz-stage-final").count() == 0


def test_four_scenarios_stand_side_by_side(tab: Tab) -> None:
    tab.ready()
    for number in (2, 3, 4):
        tab.page.click(".qz-add")
        tab.page.wait_for_function(
            f"document.querySelectorAll('.qz-answers tbody tr').length === {number}", timeout=WAIT
        )
    assert tab.page.locator(".qz-add").count() == 0
    assert [row[:2] for row in tab.page.locator(".qz-answers tbody tr td:first-child").all_inner_texts()] == [
        "A:", "B:", "C:", "D:",
    ]  # fmt: skip
    tab.page.click(".qz-tab-ladder")
    tab.page.wait_for_selector(".qz-ladder th", timeout=WAIT)
    assert tab.page.locator(".qz-ladder th").count() == 7  # rung, persons, baseline, four scenarios
    tab.page.click(".qz-tab-cost")
    tab.page.wait_for_selector("#qz-price svg")


def test_the_map_plays_through_the_years_and_is_downloaded(tab: Tab) -> None:
    tab.ready()
    tab.page.click(".qz-tab-map")
    tab.page.wait_for_selector("#qz-map svg")
    first = tab.page.get_attribute("#qz-map svg", "aria-label")
    tab.page.click(".qz-play")
    tab.page.wait_for_function(
        "first => document.querySelector('#qz-map svg').getAttribute('aria-label') !== first",
        arg=first,
        timeout=WAIT,
    )
    tab.page.click(".qz-play")
    assert tab.page.locator("#qz-map svg path").count() > 10
    assert tab.download(".qz-svg-map").startswith(b"<svg")
    assert tab.download(".qz-png-map").startswith(b"\x89PNG")


def test_a_bad_file_is_refused_with_its_problems_and_a_good_one_is_taken(tab: Tab, tmp_path: Path) -> None:
    tab.ready()
    before = tab.answers()
    (tmp_path / "bad.toml").write_bytes(BAD)
    tab.page.set_input_files(".qz-upload input[type=file]", str(tmp_path / "bad.toml"))
    tab.page.wait_for_selector(".qz-fail", timeout=WAIT)
    said = (
        "bad.toml: housing.x.rent_discount (Housing, rent paid by the budget): expected at most 0.95, got 7"
    )
    assert said in tab.page.inner_text(".qz-fail")
    assert tab.answers() == before
    tab.choose(".qz-lang", "Русский")
    tab.page.wait_for_function(
        "document.querySelector('.qz-fail').innerText.includes('ожидается: не больше 0.95, дано 7')",
        timeout=WAIT,
    )
    tab.choose(".qz-lang", "English")
    tab.page.wait_for_function(
        "document.querySelector('.qz-fail').innerText.includes('expected at most 0.95')", timeout=WAIT
    )
    good = BAD.replace(b"= 7", b"= 0.5").replace(b"Bad", b"Half the rent")
    assert tomllib.loads(good.decode())
    (tmp_path / "good.toml").write_bytes(good)
    tab.page.set_input_files(".qz-upload input[type=file]", str(tmp_path / "good.toml"))
    tab.page.wait_for_function(
        "document.querySelector('.qz-answers').innerText.includes('Half the rent')", timeout=WAIT
    )
    assert tab.page.locator(".qz-fail").count() == 0


def test_a_huge_upload_is_refused_at_the_door(server: tuple[str, int]) -> None:
    body = b"x" * (LARGEST_UPLOAD * 2)
    request = urllib.request.Request(f"{server[0]}_nicegui/client/x/upload/1", data=body, method="POST")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=20)
    assert error.value.code == 413


def test_two_tabs_do_not_see_each_other(browser: Any, server: tuple[str, int]) -> None:
    one, two = Tab(browser, server[0], "ru"), Tab(browser, server[0], "en")
    one.ready()
    two.ready()
    before = two.answers()
    one.choose(".qz-policy", "Жильё")
    one.page.wait_for_function(
        "document.querySelector('.qz-answers').innerText.includes('Жильё')", timeout=WAIT
    )
    time.sleep(1.0)
    assert two.answers() == before
    assert "Settlers" in before
    for tab in (one, two):
        tab.check()
        tab.close()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_closed_tab_ends_its_runs(browser: Any, server: tuple[str, int]) -> None:
    deadline = time.monotonic() + 60
    while len(children(server[1])) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)  # tabs of tests before this one
    tab = Tab(browser, server[0]).ready()
    tab.page.fill(".qz-runs input", "900")
    tab.page.keyboard.press("Tab")
    tab.page.click(".qz-run")
    tab.stage("partial")
    working = {pid for pid in children(server[1]) if is_working(pid)}
    assert working  # the tab's own, and perhaps the one that makes itself ready for the next tab
    tab.close()
    begun = time.monotonic()
    while working <= children(server[1]) and time.monotonic() - begun < 30:
        time.sleep(0.2)
    ended = working - children(server[1])
    assert len(ended) == 1
    deadline = time.monotonic() + 120
    while any(is_working(pid) for pid in children(server[1])) and time.monotonic() < deadline:
        pass
    assert not any(is_working(pid) for pid in children(server[1]))
    assert len(children(server[1])) <= 1  # the one that waits


def seconds_used(pid: int) -> float:
    """Processor time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_working(pid: int) -> bool:
    """Whether a process computes: a waiting one uses almost nothing."""
    before = seconds_used(pid)
    time.sleep(1.5)
    return seconds_used(pid) - before > 0.1


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_the_inspect_page_can_be_read_and_worked_by_keyboard(
    browser: Any, server: tuple[str, int], lang: str
) -> None:
    tab = Tab(browser, server[0], lang, "inspect")
    tab.page.wait_for_selector(".qz-now", timeout=READY)
    before = tab.page.inner_text(".qz-now")
    reached, unseen = [], set()
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        css, ring = tab.page.evaluate("qzChecks.focus()")
        reached.append(css)
        if css and ring < 3.0:
            unseen.add(css)
    assert unseen == set()
    for name in (
        "qz-run-number",
        "qz-lang",
        "qz-policy",
        "qz-step-1",
        "qz-step-5",
        "qz-town",
        "qz-household",
    ):
        assert any(name in css.split() for css in reached), name
    tab.page.locator(".qz-step-1").focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function(
        "before => document.querySelector('.qz-now').innerText !== before", arg=before, timeout=WAIT
    )
    tab.page.wait_for_selector(".qz-reason table", timeout=WAIT)
    for width, height in ((1280, 720), (1024, 768), (1920, 1080)):
        tab.page.set_viewport_size({"width": width, "height": height})
        time.sleep(0.4)
        assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
        assert tab.page.evaluate("qzChecks.cutOff()") == [], width
        seen, poor = tab.page.evaluate("qzChecks.contrast()")
        assert seen > 40
        assert poor == [], width
    controls, nameless = tab.nameless()
    assert controls > 15
    assert nameless == []
    tab.check()
    tab.close()


def test_the_inspect_page_steps_and_explains(browser: Any, server: tuple[str, int]) -> None:
    tab = Tab(browser, server[0], "en", "inspect")
    tab.page.wait_for_selector(".qz-now", timeout=READY)
    assert tab.page.inner_text(".qz-now") == "1 January 2015"
    tab.page.click(".qz-step-1")
    tab.page.wait_for_function(
        "document.querySelector('.qz-now').innerText === '1 January 2016'", timeout=WAIT
    )
    tab.page.wait_for_selector(".qz-reason table", timeout=WAIT)
    words = tab.page.inner_text(".qz-reason")
    assert "staying" in words
    assert "Petropavlovsk" in words
    tab.check()
    tab.close()


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_every_tab_can_be_read_at_1280_by_720(browser: Any, server: tuple[str, int], lang: str) -> None:
    """Four scenarios, all tabs: nothing runs out of the page, nothing is cut off, contrast is enough."""
    tab = Tab(browser, server[0], lang).ready()
    for number in (2, 3, 4):
        tab.page.click(".qz-add")
        tab.page.wait_for_function(
            f"document.querySelectorAll('.qz-answers tbody tr').length === {number}", timeout=WAIT
        )
    tab.page.fill(".qz-runs input", "4")
    tab.page.keyboard.press("Tab")
    tab.page.click(".qz-run")
    tab.stage("final")
    for name in ("population", "map", "jobs", "ladder", "rating", "cost"):
        tab.page.click(f".qz-tab-{name}")
        time.sleep(0.8)
        assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        wide = tab.page.evaluate(
            "[...document.querySelectorAll('.qz-left *, .qz-right *')].filter(e => !e.closest('svg') && "
            "e.getBoundingClientRect().right > window.innerWidth + 1).length"
        )
        assert wide == 0, name
        assert tab.page.evaluate("qzChecks.cutOff()") == [], name
        seen, poor = tab.page.evaluate("qzChecks.contrast()")
        assert seen > 40
        assert poor == [], name
        drawn = tab.page.evaluate(
            "[...document.querySelectorAll('.qz-right svg text')].map(e => e.textContent).join('')"
        )
        assert "…" not in drawn.replace(" … ", ""), name  # between two numbers it is the Kazakh "to"
        controls, nameless = tab.nameless()
        assert controls > 15, name
        assert nameless == [], name
    assert tab.page.evaluate("qzChecks.unnamed()") == []
    # A small screen, and this one at a zoom of 200 %: nothing to the side, the button for a run still reached
    for width, height in ((1024, 768), (640, 360)):
        tab.page.set_viewport_size({"width": width, "height": height})
        assert tab.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
        for name in ("ladder", "cost") if width == 1024 else ():
            tab.page.click(f".qz-tab-{name}")
            time.sleep(0.8)
            right = "(e => e.scrollWidth - e.clientWidth)(document.querySelector('.qz-right'))"
            assert tab.page.evaluate(right) <= 0, name
        tab.page.locator(".qz-run").scroll_into_view_if_needed()
        box = tab.page.locator(".qz-run").bounding_box()
        assert box["x"] >= 0, width
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
        assert tab.page.evaluate("qzChecks.cutOff()") == [] or width < 1024
    tab.page.set_viewport_size({"width": 1280, "height": 720})
    tab.page.click(".qz-help")
    tab.page.wait_for_selector(".qz-help-words")
    # The dialog fades in: what counts is how it stays
    tab.page.wait_for_function("qzChecks.contrast()[1].length === 0", timeout=WAIT)
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".qz-help-words", state="hidden", timeout=WAIT)
    tab.check()
    tab.close()


def test_poor_contrast_and_cut_off_texts_are_noticed(tab: Tab) -> None:
    tab.ready()
    tab.page.evaluate("document.querySelector('.qz-stage').style.color = '#999999'")
    tab.page.evaluate(
        "Object.assign(document.querySelector('.qz-motto').style, "
        "{flex: 'none', width: '9px', overflow: 'hidden', whiteSpace: 'nowrap'})"
    )
    (said,) = tab.page.evaluate("qzChecks.contrast()")[1]
    assert "2.8" in said
    assert len(tab.page.evaluate("qzChecks.cutOff()")) == 1


def test_the_page_is_worked_by_keyboard(tab: Tab) -> None:
    """The order of the Tab key is that of the page; the focus is seen; a run is started and a tab opened by a key."""
    tab.ready()
    reached: list[str] = []
    unseen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        css, ring = tab.page.evaluate("qzChecks.focus()")
        reached.append(css)
        if css and ring < 3.0:
            unseen.add(css)
    assert unseen == set()
    order = ("qz-inspect-link", "qz-horizon", "qz-lang", "qz-policy", "qz-run", "qz-tab-map", "qz-place")
    places = [next((k for k, css in enumerate(reached) if name in css.split()), -1) for name in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)
    tab.page.fill(".qz-runs input", "4")
    tab.page.locator(".qz-run").focus()
    tab.page.keyboard.press("Enter")
    tab.stage("final")
    tab.page.locator(".qz-tab-ladder").focus()
    tab.page.keyboard.press("Space")
    tab.page.wait_for_selector(".qz-ladder", timeout=WAIT)
    tab.page.locator(".qz-tab-map").focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("#qz-map svg")
    now = "document.querySelector('#qz-map svg').getAttribute('aria-label')"
    for key, focus in (
        ("ArrowRight", ".qz-year [tabindex='0']"),
        ("Enter", ".qz-play"),
        ("Space", ".qz-play"),
    ):
        before = tab.page.evaluate(now)
        tab.page.locator(focus).focus()
        tab.page.keyboard.press(key)
        if key != "Space":  # the arrow moves the year by one, the button plays, and stops again
            tab.page.wait_for_function(f"before => {now} !== before", arg=before, timeout=WAIT)
    time.sleep(1.0)
    before = tab.page.evaluate(now)
    time.sleep(1.5)
    assert tab.page.evaluate(now) == before
    tab.page.locator(".qz-help").focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector(".qz-help-words", timeout=WAIT)
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_selector(".qz-help-words", state="hidden", timeout=WAIT)


def test_the_horizon_is_chosen(tab: Tab) -> None:
    tab.ready()
    assert "2045" in tab.answers()
    tab.choose(".qz-horizon", "2035")
    tab.page.wait_for_function(
        "document.querySelector('.qz-answers').innerText.includes('2035')", timeout=WAIT
    )
    rows = list(csv.DictReader(tab.download(".qz-csv").decode().splitlines()))
    assert max(int(row["year"]) for row in rows) == 2035


def test_a_world_of_ones_own_and_a_bounded_number_of_tabs(browser: Any, tmp_path: Path) -> None:
    own = copy_of_template(tmp_path)
    for address, pid in serve("--world", str(own), "--tabs", "1"):
        one = Tab(browser, address)
        one.ready()
        title = load_world(str(own)).title["en"]
        assert title in one.page.inner_text(".qz-world")
        two = Tab(browser, address, "ru")
        two.page.wait_for_selector(".qz-full", timeout=WAIT)
        assert "открыта 1 вкладка" in two.page.inner_text(".qz-full")
        assert len(children(pid)) == 1
        one.check()
        one.close()
        two.ready()  # goes on by itself
        two.check()
        two.close()


def test_over_the_network_the_page_opens_with_its_token_alone(browser: Any, capfd: Any) -> None:
    for address, _, said in served("--host", "0.0.0.0"):
        warning = capfd.readouterr().err
        assert "WARNING: others on the network can reach this page" in warning
        assert "not encrypted" in warning
        token = said.split("?token=")[1].split()[0]
        assert len(token) >= 32
        stranger = browser.new_context(locale="ru-RU")
        page = stranger.new_page()
        for tried in ("", f"?token={token[:-1]}", "?token=", "inspect", "_nicegui/auto/static/x.js"):
            answer = page.goto(address + tried)
            assert answer.status == 401, tried
            assert "token" not in {cookie["name"] for cookie in stranger.cookies()}
        assert "откройте" in page.inner_text("body").lower()
        assert stranger.cookies() == []
        reaches = (
            "address => new Promise(done => { const s = new WebSocket(address);"
            " s.onopen = () => done('open'); s.onerror = () => done('refused'); })"
        )
        socket = address.replace("http", "ws") + "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        assert page.evaluate(reaches, socket) == "refused"
        assert page.evaluate(reaches, f"{socket}&token=wrong") == "refused"
        stranger.close()
        known = Tab(browser, address, f"en&token={token}").ready()
        (cookie,) = known.context.cookies()
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        assert known.page.evaluate(reaches, socket) == "open"
        known.page.goto(f"{address}inspect?lang=en")  # the cookie opens what the page links to
        known.page.wait_for_selector(".qz-now", timeout=READY)
        known.check()
        known.close()
