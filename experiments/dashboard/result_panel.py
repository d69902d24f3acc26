"""The right side of the page: what the scenarios do, in figures that follow the ensemble as it grows."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from nicegui import events, ui

from experiments.dashboard import figures, ranking_table, rating_figures
from experiments.dashboard.drawing import Drawing
from experiments.dashboard.session import Session
from experiments.language import NO_BREAK, Language, mark

TABS = {
    "population": mark("Population"),
    "map": mark("Map"),
    "jobs": mark("Jobs"),
    "ladder": mark("Extinction ladder"),
    "rating": mark("Rating"),
    "cost": mark("Cost"),
}
INTERVAL = re.compile(r"\((?:от )?[+−\d][^()]*\)")
SECONDS_A_YEAR = 0.7  # of the map's playback


class ResultPanel:
    """Draws the results of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.tab = "population"
        self.playing = False
        self._chosen = {"population": "population", "jobs": "unemployment_rate"}
        self._timer: ui.timer | None = None
        self._map: ui.html | None = None
        self._slider: ui.slider | None = None

    @property
    def lang(self) -> Language:
        """The reader's language."""
        return self.session.lang

    @ui.refreshable_method
    def draw(self) -> None:
        """Everything of the panel."""
        session, t = self.session, self.lang
        self._timer = None
        self.playing = False
        if session.summary is None:
            with ui.column().classes("w-full items-center q-pa-xl"):
                if session.failure:
                    ui.label(t("There is nothing to show yet: see the message above."))
                else:
                    ui.spinner(size="lg")
                    ui.label(t("The model is getting ready…"))
            return
        self._answers()
        with (
            ui.row().classes("w-full items-center gap-1").props(f'role="tablist" aria-label="{t("Results")}"')
        ):
            for name, words in TABS.items():
                chosen = name == self.tab
                button = ui.button(t(words), on_click=lambda n=name: self._open(n)).classes(f"qz-tab-{name}")
                button.props(
                    f'dense no-caps {"unelevated" if chosen else "flat"} role="tab" aria-selected="{chosen}"'
                )
            ui.space()
            places = {place: t.place(session.world, place) for place in session.summary["places"]}
            select = ui.select(places, value=session.place, label=t("Place"), on_change=self._take_place)
            select.props("dense outlined options-dense").style("min-width: 210px").classes("qz-place")
        if self.tab == "map":
            self._map_tab()
        elif self.tab == "ladder":
            self._ladder_tab()
        elif self.tab == "rating":
            self._rating_tab()
        elif self.tab == "cost":
            self._figure("effect", figures.effect_figure(session))
            self._figure("money", figures.money_figure(session))
            self._figure("price", figures.price_figure(session))
            self._ranking()
        else:
            self._fan_tab(figures.POPULATION_FIGURES if self.tab == "population" else figures.JOB_FIGURES)
        self._downloads()

    async def _open(self, tab: str) -> None:
        self.tab = tab
        self.draw.refresh()

    async def _take_place(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.place = event.value
        self.draw.refresh()

    def _answers(self) -> None:
        """One line a scenario: what it does to residents, and what that costs."""
        session, t = self.session, self.lang
        summary = session.summary
        assert summary is not None
        rows = []
        for slot in session.shown_slots:
            costs = summary["costs"][slot.case]
            rows.append(
                [
                    session.title(slot),
                    figures.effect_words(t, summary["effects"][slot.case][session.place]),
                    t.signed(costs["public"]["mean"]),
                    figures.price_words(t, costs["units"][figures.RESIDENT]),
                ]
            )
        head = [
            t("Scenario"),
            t("Residents {year} against the baseline", year=summary["horizon"]),
            t("Public money, million KZT"),
            t("Million KZT per retained resident"),
        ]
        ui.html(_table(head, rows, numbers=(2,), kept=(1,)), sanitize=False).classes(
            "qz-effect qz-answers w-full"
        )
        note = figures.stage_note(t, summary)
        if summary["stage"] == "preview":
            note += ". " + t("Press Run for the model itself.")
        ui.label(note).classes(f"qz-small qz-stage qz-stage-{summary['stage']}")

    # ---- figures ----

    def _figure(self, name: str, drawing: Drawing) -> None:
        """A figure and its downloads."""
        t = self.lang
        with ui.column().classes("qz-figure gap-0"):
            ui.html(drawing.svg(), sanitize=False).props(f'id="qz-{name}"').classes("w-full")
            self._figure_buttons(name, lambda: drawing.svg(), t)

    def _figure_buttons(self, name: str, svg: Any, t: Language) -> None:
        file = f"qyzyljar-{name}"
        with ui.row().classes("gap-1"):
            png = ui.button(
                "PNG",
                icon="download",
                on_click=lambda: ui.run_javascript(f"qzPng('qz-{name}', '{file}.png')"),
            )
            png.props(f'dense flat size=sm aria-label="{t("Download the figure as PNG")}"').classes(
                f"qz-png-{name}"
            )
            held = ui.button(
                "SVG",
                icon="download",
                on_click=lambda: ui.download.content(svg().encode(), f"{file}.svg", "image/svg+xml"),
            )
            held.props(f'dense flat size=sm aria-label="{t("Download the figure as SVG")}"').classes(
                f"qz-svg-{name}"
            )

    def _fan_tab(self, names: Sequence[str]) -> None:
        session, t = self.session, self.lang
        chosen = self._chosen[self.tab]
        options = {name: t(figures.FIGURES[name][0]) for name in names}
        select = ui.select(options, value=chosen, label=t("Figure"), on_change=self._take_figure)
        select.props("dense outlined options-dense").style("min-width: 300px").classes("qz-which")
        place = session.place
        drawing = figures.fan_figure(session, chosen, place)
        if drawing is None:
            place = session.world.ids[0]
            self._ask_for_place()
            drawing = figures.fan_figure(session, chosen, place)
        assert drawing is not None
        self._figure("fan", drawing)

    def _ask_for_place(self) -> None:
        """Say that one place is shown, not all of them."""
        if self.session.place == "all":
            t = self.lang
            words = t("This cannot be added up over places: one is shown, choose another at the right.")
            ui.label(words).classes("qz-small")

    async def _take_figure(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self._chosen[self.tab] = event.value
        self.draw.refresh()

    # ---- the map ----

    def _cases(self) -> dict[str, str]:
        session = self.session
        cases = dict(figures.baselines(session, session.shown_slots))
        return {**cases, **{slot.case: session.title(slot) for slot in session.shown_slots}}

    def _map_tab(self) -> None:
        session, t = self.session, self.lang
        cases = self._cases()
        if session.map_case not in cases:
            session.map_case = next(iter(cases))
        years = session.summary["years"] if session.summary else []
        first, last = years[0], years[-2]
        session.map_year = min(max(session.map_year, first), last)
        with ui.row().classes("w-full items-center gap-3"):
            select = ui.select(cases, value=session.map_case, label=t("Scenario"), on_change=self._take_case)
            select.props("dense outlined options-dense").style("min-width: 300px").classes("qz-map-case")
            button = (
                ui.button(t("Play"), icon="play_arrow", on_click=self._play)
                .props("dense no-caps")
                .classes("qz-play")
            )
            self._button = button
            slider = ui.slider(min=first, max=last, step=1, value=session.map_year, on_change=self._take_year)
            slider.props(f'aria-label="{t("Year of the map")}"').style("width: 220px").classes("qz-year")
            self._slider = slider
        with ui.column().classes("qz-figure gap-0"):
            self._map = (
                ui.html(self._map_drawing().svg(), sanitize=False).props('id="qz-map"').classes("w-full")
            )
            self._figure_buttons("map", lambda: self._map_drawing().svg(), t)

    def _map_drawing(self) -> Drawing:
        session = self.session
        return figures.map_figure(
            session, session.map_case, session.map_year, self._cases()[session.map_case]
        )

    async def _take_case(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.map_case = event.value
        self._redraw_map()

    async def _take_year(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.map_year = int(event.value)
        self._redraw_map()

    def _redraw_map(self) -> None:
        if self._map is not None:
            self._map.set_content(self._map_drawing().svg())

    async def _play(self) -> None:
        """Play through the years, or stop."""
        t = self.lang
        self.playing = not self.playing
        self._button.set_text(t("Stop") if self.playing else t("Play"))
        if not self.playing:
            if self._timer is not None:
                self._timer.cancel()
            return
        slider = self._slider
        assert slider is not None
        first, last = int(slider._props["min"]), int(slider._props["max"])
        if self.session.map_year >= last:
            slider.set_value(first)

        def tick() -> None:
            if self.session.map_year >= last:
                self.playing = False
                self._button.set_text(t("Play"))
                timer.cancel()
                return
            slider.set_value(self.session.map_year + 1)

        timer = self._timer = ui.timer(SECONDS_A_YEAR, tick)

    # ---- tables ----

    def _rating_tab(self) -> None:
        session, t = self.session, self.lang
        if session.summary is None or session.summary["rating"] is None:
            words = t("The rating is made from runs of the model, not from the preview: press Run.")
            ui.label(words).classes("qz-rating")
            return
        place = rating_figures.rated_place(session)
        self._ask_for_place()
        self._figure("rating", rating_figures.index_figure(session, place))
        title = t(
            "Chance of each class of the settlement rating, per cent: {place}",
            place=t.place(session.world, place),
        )
        ui.label(title).classes("text-weight-medium")
        head, rows = rating_figures.class_rows(session, place)
        ui.html(_table(head, rows, numbers=(0, 2), kept=(3, 4, 5)), sanitize=False).classes("qz-rating")
        ui.label(rating_figures.rating_note(session)).classes("qz-small")

    def _ladder_tab(self) -> None:
        session, t = self.session, self.lang
        places = session.summary["places"][:-1] if session.summary else []
        place = session.place if session.place != "all" else places[0]
        self._ask_for_place()
        cases = self._cases()
        rows = figures.ladder_rows(session, place)
        horizon = session.summary["horizon"] if session.summary else 0
        title = t(
            "Chance to fall below each rung by 1 January {year}: {place}",
            year=horizon,
            place=t.place(session.world, place),
        )
        ui.label(title).classes("text-weight-medium")
        head = [t("Rung"), t("Persons"), *cases.values()]
        body = [[row["rung"], row["persons"], *(row[name] for name in cases)] for row in rows]
        ui.html(_table(head, body, numbers=(1,), kept=range(2, len(head))), sanitize=False).classes(
            "qz-ladder qz-wide"
        )
        note = t(
            "95 % intervals (Wilson). What never happened in the runs is given as an upper bound, not as zero."
        )
        ui.label(note).classes("qz-small")

    def _ranking(self) -> None:
        """Scenarios of the same future in order of the residents they keep."""
        session, futures = self.session, ranking_table.ranked_futures(self.session)
        for future, title in futures:
            ui.label(title).classes("text-weight-medium q-mt-sm")
            head, rows = ranking_table.ranking_rows(session, future)
            ui.html(_table(head, rows, numbers=(0, 2, 5), kept=(3, 4)), sanitize=False).classes(
                "qz-ranking qz-wide"
            )
        if futures:
            ui.label(ranking_table.ranking_note(self.lang)).classes("qz-small")

    def _downloads(self) -> None:
        t, session = self.lang, self.session
        with ui.row().classes("gap-2 q-mt-sm"):
            ui.button(
                t("Table of all figures (CSV)"),
                icon="download",
                on_click=lambda: ui.download.content(
                    figures.table_csv(session).encode(), "qyzyljar-figures.csv", "text/csv"
                ),
            ).props("dense flat no-caps").classes("qz-csv")
            ui.button(
                t("Effects and costs (CSV)"),
                icon="download",
                on_click=lambda: ui.download.content(
                    figures.effects_csv(session).encode(), "qyzyljar-effects.csv", "text/csv"
                ),
            ).props("dense flat no-caps").classes("qz-csv-effects")


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Collection[int] = (),
    kept: Collection[int] = (),
) -> str:
    """An HTML table; all texts escaped. Columns of `numbers` stand at the right, cells of `kept` are not broken."""

    def written(cell: str) -> str:
        # Where a small screen breaks a cell, it does so before an interval, not within it
        return INTERVAL.sub(lambda found: found.group().replace(" ", NO_BREAK), cell)

    css = ['class="num"' if k in numbers else 'class="keep"' if k in kept else "" for k in range(len(head))]
    top = "".join(f'<th scope="col" {css[k]}>{escape(text)}</th>' for k, text in enumerate(head))
    body = "".join(
        "<tr>" + "".join(f"<td {css[k]}>{escape(written(cell))}</td>" for k, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<table class="qz"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
