"""`qyzyljar dashboard`: the local server, who may reach it, and what it refuses at the door."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from experiments.dashboard.draft import LARGEST_UPLOAD
from experiments.dashboard.tabs import DEFAULT_TABS, MOST_TABS, Tabs
from experiments.failures import BadInput, RunFailure
from experiments.language import Language, language, mark, preferred

DEFAULT_PORT, DEFAULT_HOST = 8787, "127.0.0.1"
COOKIE, LARGEST_BODY = "qyzyljar_token", LARGEST_UPLOAD + 4096
SECONDS_TO_RETURN = 3.0  # a tab that does not come back within this time is closed, and what it runs ends
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class DashboardOptions:
    """What the user asked for. `lang` None: the language that the browser prefers. `tabs`: most at once."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    open_browser: bool = True
    lang: str | None = None
    world: str = "towns"
    tabs: int = DEFAULT_TABS
    quiet: bool = False


def is_local(host: str) -> bool:
    """Whether only this computer reaches a host address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def hosts_shown(host: str) -> list[str]:
    """Under which names a browser finds a host: of all of the computer's, its name and its address on the network."""
    if host not in ("0.0.0.0", "::"):
        return [f"[{host}]" if ":" in host else host]
    found = [socket.gethostname()]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: a datagram socket only looks up which own address leads there (RFC 5737 names this one)
        probe.connect(("192.0.2.1", 9))
        found.append(str(probe.getsockname()[0]))
    return list(dict.fromkeys(found))


class Guard:
    """Stands before the page: token, other sites, oversized uploads.

    Args:
        token: without it, in the address or in the cookie that the address sets, nothing is answered; None: none asked.
        local: the server is for this computer alone: requests under another name are refused (DNS rebinding).
        port: names the cookie; browsers keep cookies by host, and two dashboards on one must not take each other's.
    """

    def __init__(self, app: App, token: str | None, local: bool, port: int) -> None:
        self.app, self.token, self.local = app, token, local
        self.cookie = f"{COOKIE}_{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        refused = self._refusal(scope, headers)
        if refused is not None:
            status, reason = refused
            words = language(preferred(headers.get("accept-language", "")))(reason, bytes=LARGEST_UPLOAD)
            await _refuse(scope, send, status, words)
            return
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if self.token is None or not given or scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_cookie(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                cookie = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
                message["headers"] = [*message.get("headers", []), (b"set-cookie", cookie.encode())]
            await send(message)

        await self.app(scope, receive, with_cookie)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if self.local and not is_local(host):
            return 403, mark("this page is for this computer only")
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != headers.get("host"):
            return 403, mark("requests of other sites are refused")
        if self.token is not None and not self._knows_token(scope, headers):
            return 401, mark("open the address with its token, as the server printed it")
        if scope["type"] == "http" and scope.get("method") not in ("GET", "HEAD", "OPTIONS"):
            length = headers.get("content-length", "")
            # Polling of the socket sends no large bodies either
            if not length.isdigit():
                return 411, mark("a request must say how long it is")
            if int(length) > LARGEST_BODY:
                return 413, mark("a policy file has at most {bytes} bytes")
        return None

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        assert self.token is not None
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        held = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        return any(
            secrets.compare_digest(one.encode(), self.token.encode())
            for one in (given, held.value if held else "")
            if one
        )


async def _refuse(scope: Scope, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    body = f"{status}: {reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be listened on.

    Raises:
        BadInput: the port is taken, or the host is not one of this computer.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise BadInput(
            f"--host {host} --port {port}: cannot listen there ({error.strerror or error}); choose another --port"
        ) from None


def worlds_shown(first: str) -> tuple[str, ...]:
    """Worlds to choose from: the one asked for, which may be the path of one's own, and the shipped ones.

    Raises:
        BadInput: with every problem of its files.
    """
    from experiments.dashboard.session import DEFAULT_RUNS, known_world
    from model.world import WorldError

    try:
        world = known_world(first)
    except WorldError as error:
        raise BadInput(f"--world {first}: {error}") from None
    if world.villages is not None:
        raise BadInput(
            f"--world {first}: {world.n_sim} places are too many for this page; expected a world without villages "
            f"(for villages: 'qyzyljar extinction --world {first}', 'qyzyljar forecast --world {first}')"
        )
    return tuple(dict.fromkeys((first, *DEFAULT_RUNS)))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def run_dashboard(options: DashboardOptions) -> None:
    """Serve until Ctrl-C.

    Raises:
        BadInput: an address that cannot be listened on, no such language, a world that cannot be used.
        RunFailure: NiceGUI is not installed.
    """
    if not 1 <= options.tabs <= MOST_TABS:
        raise BadInput(f"--tabs {options.tabs}: expected 1 to {MOST_TABS}")
    worlds = worlds_shown(options.world)
    check_port(options.host, options.port)
    if options.lang is not None:
        Language(options.lang)
    for name in [name for name in os.environ if name.startswith(("PYTEST_", "NICEGUI_"))]:
        del os.environ[name]  # NiceGUI would believe that it is being tested
    try:
        from nicegui import app, ui
    except ImportError as error:
        raise RunFailure(
            f"the dashboard needs NiceGUI: {error}; set up again with 'python3 bootstrap.py'"
        ) from None
    from experiments.dashboard.inspect_page import register_inspect_page
    from experiments.dashboard.page import register_page

    local = is_local(options.host)
    token = None if local else secrets.token_urlsafe(24)
    app.add_middleware(Guard, token=token, local=local, port=options.port)
    tabs = Tabs(options.tabs, worlds, None if options.quiet else _say)
    app.on_startup(tabs.open)
    app.on_shutdown(tabs.close)
    register_page(options.lang, tabs, worlds)
    register_inspect_page(options.lang, tabs, worlds)
    query = f"?token={token}" if token else ""
    addresses = [f"http://{host}:{options.port}/{query}" for host in hosts_shown(options.host)]
    if token:
        print(
            "qyzyljar: WARNING: others on the network can reach this page. It asks for the token in the address below; "
            "the connection is not encrypted. Leave --host out to listen on this computer only.",
            file=sys.stderr,
        )
    if not options.quiet or token:
        print(f"Dashboard: {' or '.join(addresses)}   (Ctrl-C stops it)", flush=True)
    ui.run(
        host=options.host,
        port=options.port,
        title="Qyzyljar",
        favicon="🧭",
        reload=False,
        show=f"/?token={token}" if token and options.open_browser else options.open_browser,
        show_welcome_message=False,
        reconnect_timeout=SECONDS_TO_RETURN,
        endpoint_documentation="none",
    )
