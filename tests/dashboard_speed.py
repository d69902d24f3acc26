"""How long a reader of the dashboard waits, stamped inside the page: python -m tests.dashboard_speed

Not a test: nothing fails here, a table is printed. A wait begins with the event in the page (a key let go on a slider,
a click) and ends when the new figures have been painted. Its parts: until the browser has sent it off; until the
answer with the new figures is in the browser (pause, child, drawing, way back); until they are painted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

from experiments.brief import find_browser
from tests.dashboard_tab import BROWSER_ARGUMENTS, READY, Tab, serve

SECONDS_TO_READY = 18.0  # the child for the next tab starts 4 s after the last has come and reads both worlds
# Stamps of the page's own clock (ms): events, frames of the socket, changes of the answers, paints
STAMPS = """
window.qzStamps = [];
const stamp = (what, size) => window.qzStamps.push([what, performance.now(), size || 0]);
const Real = window.WebSocket;
window.WebSocket = class extends Real {
  constructor(...a) { super(...a); this.addEventListener('message', (m) => stamp('in', (m.data.length || 0))); }
  send(data) { stamp('out', data.length || 0); super.send(data); }
};
window.qzBegin = () => { window.qzStamps = [];
  window.qzBefore = (document.querySelector('.qz-answers') || {}).innerText;
  window.qzPainted = null; stamp('begin'); };
const look = () => {
  const now = (document.querySelector('.qz-answers') || {}).innerText;
  if (window.qzPainted === null && now && now !== window.qzBefore && document.querySelector('.qz-right svg')) {
    window.qzPainted = 0; stamp('changed');
    requestAnimationFrame(() => setTimeout(() => { stamp('painted'); window.qzPainted = performance.now(); }, 0));
  }
};
new MutationObserver(look).observe(document, {childList: true, subtree: true, characterData: true});
for (const name of ['keyup', 'click']) window.addEventListener(name, () => window.qzArmed && (window.qzArmed = false,
  window.qzBegin()), true);
window.qzPainted = null; stamp('begin');
"""


def waits(tab: Tab, act: Any, from_event: bool = True) -> dict[str, float]:
    """Seconds of the parts of one wait.

    Args:
        act: does what the reader does. from_event: the wait begins with the next key or click in the page.
    """
    tab.page.evaluate("window.qzPainted = 0; window.qzArmed = true" if from_event else "window.qzBegin()")
    act()
    tab.page.wait_for_function("window.qzPainted > 0", timeout=READY, polling=20)
    return parts(tab.page.evaluate("window.qzStamps"))


def parts(stamps: list[tuple[str, float, int]]) -> dict[str, float]:
    """Seconds until sent, until the answer came, until painted, in all; and the size of the answer (characters)."""
    at = {what: when for what, when, _ in reversed(stamps)}
    sent = at.get("out", at["begin"])
    came, size = next(
        ((w, n) for what, w, n in reversed(stamps) if what == "in" and w <= at["changed"]), (sent, 0)
    )
    return {
        "sent": (sent - at["begin"]) / 1000,
        "answered": (came - sent) / 1000,
        "painted": (at["painted"] - came) / 1000,
        "all": (at["painted"] - at["begin"]) / 1000,
        "size": float(size),
    }


def to_region(tab: Tab) -> None:
    """Choose the region; the wait begins with the click on it."""
    tab.page.click(".qz-world")
    item = tab.page.locator(".q-menu .q-item").nth(1)
    item.wait_for()
    tab.page.evaluate("window.qzBegin()")
    item.click()


def four_scenarios(tab: Tab) -> Tab:
    """Add three scenarios, each when the one before is shown."""
    for number in (2, 3, 4):
        tab.page.click(".qz-add")
        tab.page.wait_for_function(f"document.querySelectorAll('.qz-answers tbody tr').length === {number}")
    return tab


def measure(browser: Any, address: str, times: int) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """All waits: a new tab, a slider with one and with four scenarios, a policy and a future chosen, the region."""

    def several(name: str, act: Any) -> tuple[str, list[dict[str, float]]]:
        got = []
        for number in range(times):
            tab.page.wait_for_timeout(1500)  # a reader looks at what came before moving on
            got.append(waits(tab, lambda number=number: act(number)))
        return name, got

    opened = []
    for _ in range(times):
        time.sleep(SECONDS_TO_READY)
        one = Tab(browser, address, script=STAMPS)
        one.page.wait_for_function("window.qzPainted > 0", timeout=READY, polling=20)
        opened.append(parts(one.page.evaluate("window.qzStamps")))
        one.close()
    yield "new tab to first preview, towns", opened
    fresh = []
    for _ in range(times):
        time.sleep(SECONDS_TO_READY)
        one = Tab(browser, address, script=STAMPS).ready()
        fresh.append(waits(one, lambda one=one: to_region(one), False))
        one.close()
    yield "to the region, as the page opens", fresh
    time.sleep(SECONDS_TO_READY)
    tab = Tab(browser, address, script=STAMPS).ready()

    def slide(_: int) -> None:
        tab.page.locator(".qz-slider.qz-key-families_a_year [tabindex='0']").focus()
        tab.page.keyboard.press("ArrowRight")

    yield several("slider, towns, one scenario", slide)
    four_scenarios(tab)
    tab.page.click(".qz-slot-A")
    yield several("slider, towns, four scenarios", slide)
    futures = tab.page.locator(".q-menu .q-item")

    def future(number: int) -> None:
        tab.page.evaluate("window.qzArmed = false")
        tab.page.click(".qz-future")
        item = futures.nth(1 + number)
        item.wait_for()
        tab.page.evaluate("window.qzArmed = true")
        item.click()

    yield several("future chosen, towns, four scenarios", future)

    tab.page.wait_for_timeout(1500)
    yield "to the region with four scenarios, after 1.5 s", [waits(tab, lambda: to_region(tab), False)]
    tab.page.click(".qz-slot-B")
    tab.page.wait_for_timeout(3000)
    tab.page.click(".qz-slot-A")
    yield several("slider, region, four scenarios", slide)
    tab.close()
    for words, pause in (("after 1.5 s", 1500), ("at once", 0)):
        got = []
        for _ in range(times):
            time.sleep(SECONDS_TO_READY)
            tab = four_scenarios(Tab(browser, address, script=STAMPS).ready())
            tab.page.wait_for_timeout(pause)
            got.append(waits(tab, lambda tab=tab: to_region(tab), False))
            tab.close()
        yield f"four scenarios set up, to the region {words}", got


def main() -> None:
    """Start a dashboard, measure, print."""
    from playwright.sync_api import sync_playwright

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=5, help="how often each wait is measured")
    times = asked.parse_args().times
    browser_path = find_browser()
    if browser_path is None:
        sys.exit("no Chromium, Chrome or Edge is installed")
    print(f"load before: {os.getloadavg()[0]:.1f}; seconds, median (least-most) of {times}")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=browser_path, args=list(BROWSER_ARGUMENTS))
        for address, _ in serve():
            for name, got in measure(browser, address, times):
                words = [f"{name:48}"]
                for part in ("sent", "answered", "painted", "all"):
                    values = [one[part] for one in got]
                    words.append(
                        f"{part} {statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"
                    )
                words.append(f"{statistics.median(one['size'] for one in got) / 1000:.0f} kB")
                print("  ".join(words), flush=True)
        browser.close()
    print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
