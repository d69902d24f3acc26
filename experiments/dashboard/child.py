"""The web process' end of a tab's child process: asks, passes on what comes back, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
LONGEST_LINE = 64 * 1024 * 1024  # a summary of the whole region has some megabytes
Message = dict[str, Any]


class Child:
    """One child process (`worker_process.py`). It starts with the first message and ends with `close`.

    Attributes:
        prepared: set once previews and runs find everything compiled, or nothing more is to be waited for.
    """

    def __init__(self) -> None:
        self.prepared = asyncio.Event()
        self._on_message: Callable[[Message], None] = lambda message: None
        self._on_stage: Callable[[Message], None] = lambda message: None
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._number = 0
        self._closed = False

    def listen(self, on_message: Callable[[Message], None]) -> None:
        """Say who is called, in the event loop, for every line that comes back from now on.

        The event is "ended" when the process ends unasked.
        """
        self._on_message = on_message

    def tell_stages(self, on_stage: Callable[[Message], None]) -> None:
        """Say who hears how far the child is in making itself ready, whoever listens to the rest."""
        self._on_stage = on_stage

    @property
    def pid(self) -> int | None:
        """Process id; None before the first message."""
        return self._process.pid if self._process else None

    async def ask(self, do: str, **content: Any) -> int:
        """Send a message; returns its number, which the answers carry."""
        self._number += 1
        number = self._number
        async with self._lock:
            if self._closed:
                return number
            if self._process is None or self._process.returncode is not None:
                await self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            line = json.dumps({"id": number, "do": do, **content}, ensure_ascii=False) + "\n"
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._process.stdin.write(line.encode())
                await self._process.stdin.drain()
        return number

    async def _start(self) -> None:
        path = os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH"))))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "experiments.dashboard.worker_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"},
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if not self._closed:
                message = json.loads(line)
                if message["event"] == "failed" or message.get("stage") == "ready":
                    self.prepared.set()
                if message["event"] == "stage":
                    self._on_stage(message)
                self._on_message(message)
        await process.wait()
        self.prepared.set()
        if not self._closed:
            self._on_message({"event": "ended", "code": process.returncode})

    async def close(self) -> None:
        """End the process at once, with whatever it runs."""
        self._closed = True
        self.prepared.set()
        async with self._lock:  # one that is just starting is waited for, or it would outlive its tab
            process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reader is not None:
            self._reader.cancel()
