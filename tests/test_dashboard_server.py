"""At the door of the dashboard: who is answered, and what is refused."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import MutableMapping
from typing import Any

import pytest

from experiments.dashboard.draft import LARGEST_UPLOAD
from experiments.dashboard.server import COOKIE, Guard, check_port, hosts_shown, is_local
from experiments.design import PROJECT
from experiments.failures import BadInput

Message = MutableMapping[str, Any]

PORT = 8787


def asked(guard_token: str | None, local: bool, **request: Any) -> tuple[int, dict[str, str]]:
    """Status and headers of a request that the guard lets through (200) or refuses."""
    sent: list[Message] = []

    async def inner(scope: Message, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {}

    headers = {"host": "127.0.0.1:8787", **request.get("headers", {})}
    scope: Message = {
        "type": request.get("type", "http"),
        "method": request.get("method", "GET"),
        "query_string": request.get("query", "").encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(Guard(inner, guard_token, local, PORT)(scope, receive, send))
    first = sent[0]
    status = first.get("status", first.get("code"))
    return int(status), {name.decode(): value.decode() for name, value in first.get("headers", [])}


def test_this_computer_needs_no_token() -> None:
    assert asked(None, True)[0] == 200
    assert asked(None, True, headers={"host": "localhost:8787"})[0] == 200
    assert asked(None, True, headers={"host": "[::1]:8787"})[0] == 200


def test_another_name_for_this_computer_is_refused() -> None:
    assert asked(None, True, headers={"host": "evil.example:8787"})[0] == 403


def test_other_sites_cannot_speak_to_the_page() -> None:
    assert asked(None, True, headers={"origin": "http://evil.example"})[0] == 403
    assert asked(None, True, type="websocket", headers={"origin": "http://evil.example"})[0] == 1008
    assert asked(None, True, type="websocket", headers={"origin": "http://127.0.0.1:8787"})[0] == 200


def test_over_the_network_a_token_is_asked_for() -> None:
    assert asked("secret", False)[0] == 401
    assert asked("secret", False, query="token=wrong")[0] == 401
    assert asked("secret", False, type="websocket")[0] == 1008
    status, headers = asked("secret", False, query="token=secret")
    assert status == 200
    assert headers["set-cookie"].startswith(f"{COOKIE}_{PORT}=secret;")
    assert "HttpOnly" in headers["set-cookie"]
    assert asked("secret", False, headers={"cookie": f"{COOKIE}_{PORT}=secret"})[0] == 200
    assert asked("secret", False, type="websocket", headers={"cookie": f"{COOKIE}_{PORT}=secret"})[0] == 200


def test_two_dashboards_on_one_host_do_not_take_each_others_cookie() -> None:
    other = {"cookie": f"{COOKIE}_{PORT + 1}=theirs; {COOKIE}_{PORT}=secret"}
    assert asked("secret", False, headers=other)[0] == 200
    assert asked("secret", False, headers={"cookie": f"{COOKIE}_{PORT + 1}=secret"})[0] == 401


def test_the_addresses_shown_are_those_a_browser_finds() -> None:
    assert hosts_shown("127.0.0.1") == ["127.0.0.1"]
    assert hosts_shown("::1") == ["[::1]"]
    assert hosts_shown("0.0.0.0")[0] == socket.gethostname()
    assert "0.0.0.0" not in hosts_shown("0.0.0.0")


def test_uploads_are_bounded() -> None:
    small, large = str(LARGEST_UPLOAD), str(LARGEST_UPLOAD + 100_000)
    assert asked(None, True, method="POST", headers={"content-length": small})[0] == 200
    assert asked(None, True, method="POST", headers={"content-length": large})[0] == 413
    assert asked(None, True, method="POST")[0] == 411


def test_local_addresses() -> None:
    assert all(map(is_local, ("127.0.0.1", "127.8.0.1", "::1", "localhost")))
    assert not any(map(is_local, ("0.0.0.0", "192.168.1.5", "::", "example.org")))


def test_a_port_in_use_is_bad_input() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"--port {port}"):
            check_port("127.0.0.1", port)


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from experiments.command_line import app\n"
        "for name in ('dashboard', 'brief'):\n"
        "    done = CliRunner().invoke(app, [name, '--help']); assert done.exit_code == 0, done.output\n"
        "    assert 'Example' in done.output\n"
        "print([m for m in ('nicegui', 'numba', 'jinja2', 'babel', 'matplotlib') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"
