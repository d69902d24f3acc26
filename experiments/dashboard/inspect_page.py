"""The inspect page: step one run of the Mesa model, look into a town and households, and why they stay or leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from fastapi import Request
from nicegui import Client, events, ui

from experiments.dashboard.figures import FIGURES
from experiments.dashboard.frame import (
    head_choices,
    let_in,
    prepare_head,
    reader_language,
    show_failure,
    speak_html,
)
from experiments.dashboard.lever_panel import LeverPanel
from experiments.dashboard.session import Session
from experiments.dashboard.tabs import Tabs
from experiments.language import Language, mark

Message = dict[str, Any]
STATUSES = {
    "child": mark("child"),
    "student": mark("student"),
    "employed in agriculture": mark("employed in agriculture"),
    "employed in industry": mark("employed in industry"),
    "employed in public services": mark("employed in public services"),
    "employed in local services": mark("employed in local services"),
    "commuter": mark("commuter"),
    "self-employed or hidden unemployed": mark("self-employed or hidden unemployed"),
    "officially unemployed": mark("officially unemployed"),
    "inactive": mark("inactive"),
    "retired": mark("retired"),
}
SEXES = {"woman": mark("woman"), "man": mark("man")}
UNITS_SAID = ("wage", "services")  # the others are persons, posts or per cent, as they stand
PER_CENT = ("unemployment_rate", "hidden_unemployment_rate", "wear")


def register_inspect_page(default_lang: str | None, tabs: Tabs, worlds: Sequence[str]) -> None:
    """Make the page known to the server. The first of the worlds is shown first."""

    @ui.page("/inspect")
    async def inspect(request: Request, client: Client, lang: str | None = None) -> None:
        prepare_head()
        session = Session(reader_language(request, lang, default_lang), worlds=worlds)
        session.choose_world(worlds[0])
        page = InspectPage(session)
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
            await page.open()


class InspectPage:
    """One tab with one run."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.run = 0
        self.household = ""
        self.followed = ""  # chosen by the user: kept over the years
        self.busy = True
        self.levers = LeverPanel(session, self.open)

    @property
    def lang(self) -> Language:
        """The reader's language."""
        return self.session.lang

    def build(self) -> None:
        """Lay the page out."""
        with ui.column().classes("w-full gap-0") as self._root:
            self._whole()
        self.session.on_change = self._on_change

    async def open(self) -> None:
        """Open the run anew, on 1 January of the first year."""
        self.busy, self.followed = True, ""
        self._right.refresh()
        await self.session.open_run(self.run)

    def _on_change(self, what: str) -> None:
        with self._root:
            if what in ("view", "failure"):
                self.busy = False
                self._right.refresh()

    @ui.refreshable_method
    def _whole(self) -> None:
        session, t = self.session, self.lang
        with ui.row().classes("qz-head w-full items-center gap-4").props('role="banner"'):
            ui.label("Qyzyljar").classes("text-h6")
            ui.label(t("Inspect a run")).style("flex: 1")
            number = ui.number(t("Run number"), value=self.run, min=0, max=999, step=1, precision=0).classes(
                "qz-run-number"
            )
            number.props("dense dark debounce=600").style("width: 90px").on_value_change(self._take_run)
            head_choices(session, self._take_world, self._take_language)
        with ui.row().classes("qz-main w-full gap-0 items-stretch").props('role="main"'):
            with ui.scroll_area().classes("qz-left"), ui.column().classes("w-full gap-2"):
                self.levers.draw()
            with ui.column().classes("qz-right q-pa-sm gap-2"):
                self._right()

    @ui.refreshable_method
    def _right(self) -> None:
        session, t = self.session, self.lang
        show_failure(session)
        view = session.view
        if view is None:
            if not session.failure:
                ui.spinner(size="lg")
                ui.label(t("The model is getting ready…"))
            return
        with ui.row().classes("items-center gap-2"):
            ui.label(t("1 January {year}", year=view["year"])).classes("text-h6 qz-now")
            for years, words in ((1, t("One year on")), (5, t("Five years on"))):
                button = ui.button(words, icon="skip_next", on_click=lambda n=years: self._step(n))
                button.props("dense no-caps").classes(f"qz-step-{years}").set_enabled(
                    view["running"] and not self.busy
                )
            ui.button(t("From the start"), icon="restart_alt", on_click=self.open).props("dense flat no-caps")
            towns = {
                place: t.place(session.world, place) for place in session.world.ids[: session.world.n_sim]
            }
            select = ui.select(towns, value=view["town"], label=t("Place"), on_change=self._take_town)
            select.props("dense outlined options-dense").style("min-width: 200px").classes("qz-town")
        with ui.row().classes("qz-beside w-full gap-4 items-start"):
            ui.html(_figures_table(t, view["figures"]), sanitize=False).classes("qz-town-figures")
            with ui.column().classes("gap-2").style("flex: 1; min-width: 0"):
                self._households(view)

    def _households(self, view: Message) -> None:
        t = self.lang
        households = view["households"]
        if not any("reason" in one for one in households):
            ui.label(t("Step a year on: then every household says why it stayed or left.")).classes(
                "qz-small"
            )
        options = {one["key"]: self._household_label(one) for one in households}
        self.household = self.followed
        if self.household not in options:
            leavers = [one["key"] for one in households if one.get("fate", "stayed") != "stayed"]
            self.household = (leavers or list(options) or [""])[0]
        select = ui.select(
            options, value=self.household, label=t("Household"), on_change=self._take_household
        )
        select.props("dense outlined options-dense").classes("w-full qz-household")
        chosen = next((one for one in households if one["key"] == self.household), None)
        if chosen is not None:
            ui.html(self._household_words(chosen), sanitize=False).classes("w-full qz-reason")

    def _household_label(self, one: Message) -> str:
        t = self.lang
        age = (
            one["reason"]["age"] if "reason" in one else one["members"][0]["age"] if one["members"] else None
        )
        words = [f"{one['key'][:8]}", t("head of {age}", age=age) if age is not None else ""]
        if "fate" in one:
            words.append(self._fate(one["fate"]))
        return " · ".join(word for word in words if word)

    def _fate(self, fate: str) -> str:
        t = self.lang
        if fate == "stayed":
            return t("stayed")
        if fate == "left":
            return t("left the simulated places")
        return t("moved to {place}", place=t.place(self.session.world, fate))

    def _household_words(self, one: Message) -> str:
        t = self.lang
        parts = []
        for member in one["members"]:
            sex, status = SEXES[member["sex"]], STATUSES[member["status"]]
            words = f"{t(sex)}, {member['age']}: {t(status)}"
            parts.append(f"<li>{escape(words)}</li>")
        html = (
            f"<ul>{''.join(parts)}</ul>"
            if parts
            else f"<p>{escape(t('It no longer lives in the simulated places.'))}</p>"
        )
        if "reason" not in one:
            return html
        why = one["reason"]
        lines = [
            t("In {year} it {fate}.", year=why["year"], fate=self._fate(one["fate"])),
            t("Income {income} KZT an adult and month, 2020 prices.", income=t.number(why["income"], 0)),
            t("Minors in the household: {answer}.", answer=t("yes") if why["children"] else t("no")),
            t(
                "Readiness to move {kappa}, factor of age {factor}.",
                kappa=t.number(why["kappa"], 2),
                factor=t.number(why["age_factor"]),
            ),
            t(
                "Inclusive value of all destinations {value}, mean of 2015 {mean}.",
                value=t.number(why["inclusive_value"], 3),
                mean=t.number(why["inclusive_value_2015"], 3),
            ),
            t("Chance to move within the year: {chance}.", chance=t.percent(why["hazard"], 2)),
        ]
        html += "<p>" + "<br>".join(escape(line) for line in lines) + "</p>"
        return html + self._alternatives(why["alternatives"])

    def _alternatives(self, alternatives: list[Message]) -> str:
        """Utilities of every alternative, staying (0 by definition) among them."""
        t = self.lang
        rows: list[tuple[str, float, float | None]] = [(t("staying"), 0.0, None)]
        rows += [(t.place(self.session.world, a["place"]), a["utility"], a["share"]) for a in alternatives]
        rows.sort(key=lambda row: -row[1])
        body = "".join(
            f'<tr><td>{escape(name)}</td><td class="num">{escape(t.number(utility, 3))}</td>'
            f'<td class="num">{"" if share is None else escape(t.percent(share, 1))}</td></tr>'
            for name, utility, share in rows
        )
        head = [t("Alternative"), t("Utility"), t("Share if it moves")]
        top = "".join(f'<th scope="col">{escape(words)}</th>' for words in head)
        return f'<table class="qz"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'

    # ---- what the user does ----

    async def _step(self, years: int) -> None:
        self.busy = True
        self._right.refresh()
        await self.session.child.ask("step", years=years)

    async def _take_town(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.followed = ""
        await self.session.child.ask("town", town=event.value)

    async def _take_household(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.followed = event.value
        self._right.refresh()

    async def _take_world(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.choose_world(event.value)
        self._whole.refresh()
        await self.open()

    async def _take_run(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value is not None:
            self.run = int(event.value)
            await self.open()

    async def _take_language(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.speak(event.value)
        speak_html(self.lang)
        self._whole.refresh()

    async def close(self) -> None:
        """The tab has gone."""
        self.session.on_change = lambda what: None
        await self.session.close()


def _figures_table(t: Language, figures: Message) -> str:
    """Figures of the town: stocks on this 1 January, flows of the year before it."""
    rows = []
    for name, value in figures.items():
        title = t(FIGURES[name][0]) if name in FIGURES else t("Households")
        decimals = None if name == "services" else 0
        shown = (
            t.percent(value, 1)
            if name in PER_CENT and value is not None
            else t.number(math.nan if value is None else value, decimals)
        )
        if name in UNITS_SAID:
            title += f", {t(FIGURES[name][1])}"
        rows.append(f'<tr><td>{escape(title)}</td><td class="num">{escape(shown)}</td></tr>')
    return f'<table class="qz"><tbody>{"".join(rows)}</tbody></table>'
