"""A dashboard that runs, and a browser tab that records what it asked for: for the browser tests and the timings."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from experiments.design import PROJECT

READY = 180_000  # ms: a busy machine may take long to load the kernels
WAIT = 60_000
CONTROLS = frozenset(
    ("button", "link", "textbox", "combobox", "spinbutton", "slider", "tab", "checkbox", "listbox", "option", "dialog",
     "progressbar", "searchbox", "tablist"),
)  # fmt: skip
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--no-first-run", "--disable-sync")


SECONDS_TO_COMPILE = 900  # on a busy machine; in a checkout that has never run, everything is compiled


@cache
def warm_kernels() -> None:
    """Compile what previews and runs need before a page waits for it; the cache goes by the path of the checkout."""
    code = (
        "from experiments.dashboard.live_comparison import LiveComparison\n"
        "live = LiveComparison('towns')\nlive.warm_twin()\nlive.warm_engine()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        check=True, cwd=PROJECT, env=plain_environment(), timeout=SECONDS_TO_COMPILE,
    )  # fmt: skip


def plain_environment() -> dict[str, str]:
    """The environment of a reader's shell: nothing says that this is a test."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NICEGUI_"))}
    return kept | {"PYTHONPATH": str(PROJECT), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(*arguments: str) -> Iterator[tuple[str, int]]:
    """Address of a running dashboard and the process id of its server."""
    for address, pid, _ in served(*arguments):
        yield address, pid


def served(*arguments: str) -> Iterator[tuple[str, int, str]]:
    """Address on this computer, process id, and the line in which a dashboard that runs says its own address."""
    warm_kernels()
    port = free_port()
    code = "from experiments.command_line import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "dashboard", "--no-open", "--port", str(port), *arguments],
        stdout=subprocess.PIPE, text=True, env=plain_environment(), cwd=PROJECT,
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline()
    address = f"http://127.0.0.1:{port}/"
    assert f":{port}/" in said
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            break
        except urllib.error.HTTPError:
            break  # it answers, if only to refuse
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    yield address, process.pid, said
    process.send_signal(signal.SIGINT)
    assert process.wait(30) is not None


class Tab:
    """One tab, with all requests it made and everything the console complained of."""

    def __init__(
        self, browser: Any, address: str, lang: str = "en", path: str = "", script: str = ""
    ) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
        self.context.add_init_script(path=Path(__file__).with_name("page_checks.js"))
        if script:
            self.context.add_init_script(script)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"{address}{path}?lang={lang}")
        self.address = address

    def ready(self) -> Tab:
        self.page.wait_for_selector(".qz-stage", timeout=READY)
        return self

    def stage(self, name: str) -> None:
        self.page.wait_for_selector(f".qz-stage-{name}", timeout=READY)

    def answers(self) -> str:
        return str(self.page.inner_text(".qz-answers"))

    def choose(self, css: str, text: str) -> None:
        """Choose from a list by its text."""
        self.page.click(css)
        self.page.click(f".q-menu .q-item:has-text('{text}')")

    def download(self, css: str) -> bytes:
        with self.page.expect_download(timeout=WAIT) as caught:
            self.page.click(css)
        return Path(caught.value.path()).read_bytes()

    def nameless(self) -> tuple[int, list[str]]:
        """How many controls the browser's accessibility tree holds, and the roles of those without a name."""
        nodes = self.context.new_cdp_session(self.page).send("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
        return len(shown), [node["role"]["value"] for node in shown if not node["name"]["value"].strip()]

    def close(self) -> None:
        self.context.close()

    def check(self) -> None:
        """Nothing left this computer, nothing failed in the page."""
        host = self.address.removeprefix("http://").rstrip("/")
        outside = [
            url
            for url in self.requests
            if not url.startswith(("data:", "blob:")) and host not in url.split("?")[0]
        ]
        assert outside == []
        assert self.errors == []
