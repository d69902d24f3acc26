"""The tabs that are open: a bounded number of them, and a child process made ready before the next one comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from experiments.dashboard.child import Child
from experiments.dashboard.session import Session, Summary
from experiments.language import language

DEFAULT_TABS, MOST_TABS = 8, 100
SECONDS_BETWEEN_LINES = 20.0
COMPILING: Final = (
    "compiling the model for previews and runs, once on this computer: some minutes. The page can be opened "
    "meanwhile and shows how far it is."
)
LOOKS_AHEAD = 4  # previews of a world that a waiting child works out: each adds draws to those before
SECONDS_BETWEEN = 4.0  # a tab just opened has the processor to itself before the next child is made ready


class Compilation:
    """Tells in the terminal that the first start compiles, how far it is, and that it is done.

    Args:
        say: prints a line.
        seconds: between two lines.
    """

    def __init__(self, say: Callable[[str], None], seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self._say, self._seconds = say, seconds
        self._begun = self._told = 0.0

    def hear(self, message: dict[str, Any]) -> None:
        """Take a stage of a child: `world`, `compiling` with done and total, `ready`."""
        now = time.monotonic()
        if message["stage"] == "compiling":
            if not self._begun:
                self._begun = self._told = now
                self._say(COMPILING)
            elif now - self._told >= self._seconds:
                self._told = now
                self._say(f"compiling: {message['done']} of about {message['total']} parts")
        elif message["stage"] == "ready" and self._begun:
            self._say(f"compiled in {now - self._begun:.0f} s; from now on the dashboard starts at once.")
            self._begun = 0.0


class Tabs:
    """Who is in, and the child that waits for the next one.

    Attributes:
        most: tabs at once; each holds a child process with some hundred megabytes.
        worlds: what a waiting child makes ready, in this order.
        looks: first previews of what a new tab shows, by `Session.wished`; of the shipped first scenario in each world,
            nothing that a reader has chosen.
        say: prints a line in the terminal of the server; None: nothing is said.
    """

    def __init__(self, most: int, worlds: Sequence[str], say: Callable[[str], None] | None = None) -> None:
        self.most, self.worlds = most, tuple(worlds)
        self.looks: dict[str, Summary] = {}
        self._inside: set[int] = set()
        self._waiting: Child | None = None
        self._latest: Child | None = None
        self._compilation = Compilation(say) if say else None
        self._ordered: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether no further tab is let in."""
        return len(self._inside) >= self.most

    async def enter(self, tab: object) -> Child | None:
        """Let a tab in and give it a child, ready or on the way; None where all places are taken."""
        if self.full:
            return None
        self._inside.add(id(tab))
        child, self._waiting = self._waiting or self._new_child(), None
        if self._looking is not None:
            self._looking.cancel()  # from now on the tab listens to the child
        self._order()
        return child

    def leave(self, tab: object) -> None:
        """A tab has gone; it may never have been let in."""
        self._inside.discard(id(tab))

    async def open(self) -> None:
        """Make the first child ready, before anybody comes."""
        await self._prepare()

    async def close(self) -> None:
        """End the waiting child."""
        for task in (self._ordered, self._looking):
            if task is not None:
                task.cancel()
        if self._waiting is not None:
            await self._waiting.close()

    def _order(self) -> None:
        if self._ordered is None or self._ordered.done():
            self._ordered = asyncio.create_task(self._prepare_soon())

    async def _prepare_soon(self) -> None:
        await asyncio.sleep(SECONDS_BETWEEN)
        # Two children that compile the same kernels side by side would make both wait twice as long
        while self._latest is not None and not self._latest.prepared.is_set():
            await self._latest.prepared.wait()
        await self._prepare()

    def _new_child(self) -> Child:
        self._latest = child = Child()
        if self._compilation is not None:
            child.tell_stages(self._compilation.hear)
        return child

    async def _prepare(self) -> None:
        if self._waiting is None and not self.full:
            self._waiting = child = self._new_child()
            answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            child.listen(self._heard(child, answers))
            first = await self._ask(child, self.worlds[0])
            self._looking = asyncio.create_task(self._look_ahead(child, answers, first))

    async def _ask(self, child: Child, world: str) -> tuple[str, int]:
        """Ask a child for the first preview of a world; returns what it depends on and the number of the question."""
        first = Session(language("en"), worlds=(world,))
        first.choose_world(world)
        return first.wished, await first.warm(child)

    async def _look_ahead(
        self, child: Child, answers: asyncio.Queue[dict[str, Any]], asked: tuple[str, int]
    ) -> None:
        """Keep the first preview of every world, the last of several: later ones rest on more draws.

        The next is asked for when the last has been answered, since a newer preview overtakes an older one.
        """
        for world in self.worlds:
            for number in range(LOOKS_AHEAD):
                if world != self.worlds[0] or number:
                    asked = await self._ask(child, world)
                message = await answers.get()
                while message.get("id") != asked[1] or message["event"] not in ("summary", "failed"):
                    message = await answers.get()
                if message["event"] == "failed":
                    break
                self.looks[asked[0]] = message["summary"]
            await child.prepared.wait()  # the next world must not compile the same beside the first

    def _heard(self, child: Child, answers: asyncio.Queue[dict[str, Any]]) -> Any:
        """What is done with the words of a waiting child: one that ends is not handed out."""

        def take(message: dict[str, Any]) -> None:
            if message["event"] == "ended" and self._waiting is child:
                self._waiting = None
            answers.put_nowait(message)

        return take
