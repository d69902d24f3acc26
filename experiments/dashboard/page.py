"""The page: scenarios on the left, results on the right, one session and one child process a tab."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request
from nicegui import Client, events, ui

from experiments.dashboard.frame import (
    head_choices,
    let_in,
    prepare_head,
    reader_language,
    show_failure,
    speak_html,
)
from experiments.dashboard.help_words import open_help
from experiments.dashboard.lever_panel import LeverPanel
from experiments.dashboard.result_panel import ResultPanel
from experiments.dashboard.session import HORIZONS, MOST_RUNS, Session, Summary
from experiments.dashboard.tabs import Tabs

FORESIGHT_DELAY = 0.4  # seconds after a preview until the other worlds are looked at, for the next click
PREVIEW_DELAY = 0.04  # seconds: a slider reports when it is let go, a held key several times a second


def register_page(default_lang: str | None, tabs: Tabs, worlds: Sequence[str]) -> None:
    """Make the page known to the server. The first of the worlds is shown first."""

    @ui.page("/")
    async def main(request: Request, client: Client, lang: str | None = None) -> None:
        prepare_head()
        session = Session(reader_language(request, lang, default_lang), worlds=worlds)
        session.choose_world(worlds[0])
        session.show_look(tabs.looks)  # the page comes with its first figures
        page = Page(session, tabs.looks)
        page.build()

        async def gone() -> None:
            tabs.leave(page)
            await page.close()

        client.on_delete(gone)
        await client.connected()
        if client.is_deleted:  # who asked has no script, or has gone: no child for nobody
            return
        speak_html(session.lang)
        if await let_in(tabs, page, session):
            await session.prepare(tabs.looks)


class Page:
    """One tab."""

    def __init__(self, session: Session, looks: Mapping[str, Summary]) -> None:
        self.session, self._looks = session, looks
        self.levers = LeverPanel(session, self._changed)
        self.results = ResultPanel(session)
        self._waiting: asyncio.Task[None] | None = None
        self._ahead: asyncio.Task[None] | None = None
        self._bar: ui.linear_progress | None = None

    def build(self) -> None:
        """Lay the page out."""
        with ui.column().classes("w-full gap-0") as self._root:
            self._whole()
        self.session.on_change = self._on_change

    @ui.refreshable_method
    def _whole(self) -> None:
        self._head()
        with ui.row().classes("qz-main w-full gap-0 items-stretch").props('role="main"'):
            with ui.column().classes("qz-left gap-0 no-wrap"):
                with ui.scroll_area().classes("w-full").style("flex: 1"), ui.column().classes("w-full gap-2"):
                    self.levers.draw()
                self._runs()
            with ui.column().classes("qz-right q-pa-sm gap-2"):
                self._failure()
                self.results.draw()

    def _head(self) -> None:
        session, t = self.session, self.session.lang
        with ui.row().classes("qz-head w-full items-center gap-3").props('role="banner"'):
            ui.label("Qyzyljar").classes("text-h6")
            ui.label(t("Border settlements: what if?")).classes("qz-motto")
            ui.link(t("Inspect a run"), f"/inspect?lang={t.code}", new_tab=True).classes("qz-inspect-link")
            ui.button(t("Help"), icon="help_outline", on_click=lambda: open_help(t)).props(
                "dense flat no-caps color=white"
            ).classes("qz-help")
            horizons = {year: str(year) for year in sorted({*HORIZONS, session.horizon})}
            until = ui.select(horizons, value=session.horizon, label=t("Until"), on_change=self._take_horizon)
            until.props("dense options-dense dark").style("min-width: 96px").classes("qz-horizon")
            head_choices(session, self._take_world, self._take_language)

    def _runs(self) -> None:
        session, t = self.session, self.session.lang
        with ui.column().classes("w-full q-pa-sm gap-1").style("border-top: 1px solid #b9b9b9"):
            with ui.row().classes("w-full items-center no-wrap gap-2"):
                runs = ui.number(t("Runs"), value=session.runs, min=2, max=MOST_RUNS, step=1, precision=0)
                runs.props("dense outlined").style("width: 84px").classes("qz-runs").on_value_change(
                    self._take_runs
                )
                seed = ui.number(t("Seed"), value=session.seed, min=0, max=2**31, step=1, precision=0)
                seed.props("dense outlined").style("width: 100px").classes("qz-seed").on_value_change(
                    self._take_seed
                )
                self._run = ui.button(t("Run"), on_click=session.run).props("no-caps").classes("qz-run")
                self._cancel = ui.button(t("Cancel"), on_click=session.cancel)
                self._cancel.props("no-caps outline").classes("qz-cancel")
            with runs:
                ui.tooltip(t("More runs take longer and make the intervals narrower."))
            with seed:
                ui.tooltip(t("The same number gives the same chance: a result can be repeated."))
            self._bar = ui.linear_progress(0.0, show_value=False, size="8px").classes("qz-bar")
            # Quasar would let the bar slide for two seconds: "Ready" would stand beside a bar at a tenth
            self._bar.props(f'instant-feedback aria-label="{t("Progress")}"')
            self._status = (
                ui.label("").classes("qz-small qz-status").props('role="status" aria-live="polite"')
            )
        self._show_progress()

    @ui.refreshable_method
    def _failure(self) -> None:
        show_failure(self.session)

    # ---- what the user does ----

    async def _changed(self) -> None:
        """A scenario has changed: preview it, after a moment without further changes."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.create_task(self._preview_soon())

    async def _preview_soon(self) -> None:
        await asyncio.sleep(PREVIEW_DELAY)
        await self.session.preview()

    def _foresee(self) -> None:
        """A preview stands: after a moment without changes, let the child look at the other worlds."""
        if self._ahead is not None:
            self._ahead.cancel()
        self._ahead = asyncio.create_task(self._foresee_soon())

    async def _foresee_soon(self) -> None:
        await asyncio.sleep(FORESIGHT_DELAY)
        await self.session.foresee()

    async def _take_world(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.choose_world(event.value)
        self.session.show_look(self._looks)
        await self.session.prepare(self._looks)  # the child is at work while the page is drawn anew
        self._whole.refresh()

    async def _take_horizon(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.horizon = int(event.value)
        self.levers.draw.refresh()
        await self._changed()

    async def _take_language(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.speak(event.value)
        speak_html(self.session.lang)
        self._whole.refresh()

    async def _take_runs(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value is not None and 2 <= event.value <= MOST_RUNS:
            self.session.runs = int(event.value)

    async def _take_seed(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value is not None and event.value >= 0:
            self.session.seed = int(event.value)
            await self._changed()

    # ---- what comes back ----

    def _on_change(self, what: str) -> None:
        with self._root:
            if what == "results":
                self._failure.refresh()
                self.results.draw.refresh()
                self._foresee()
            elif what == "failure":
                self._failure.refresh()
                if self.session.summary is None:
                    self.results.draw.refresh()
            elif what == "progress":
                self._show_progress()

    def _show_progress(self) -> None:
        if self._bar is None:
            return
        session, t, progress = self.session, self.session.lang, self.session.progress
        counted = progress.stage in ("running", "compiling") and progress.total
        words = {
            "starting": t("The model is getting ready…"),
            "world": t("The settlements and their people are being read…"),
            "compiling": t(
                "The model is being compiled, once after installation, some minutes: {done} of about {count} parts",
                done=progress.done,
                count=progress.total,
            ),
            "ready": t("Ready"),
            "running": t.plural(
                "{done} of {count} run", "{done} of {count} runs", progress.total, done=progress.done
            ),
        }
        self._bar.set_value(progress.done / progress.total if counted else 0.0)
        self._status.set_text(words[progress.stage])
        self._run.set_enabled(session.summary is not None or progress.stage in ("ready", "running"))
        self._cancel.set_enabled(session.is_running)

    async def close(self) -> None:
        """The tab has gone."""
        for task in (self._waiting, self._ahead):
            if task is not None:
                task.cancel()
        self.session.on_change = lambda what: None
        await self.session.close()
