"""The left side of the page: scenarios, their policy and future, and sliders made from the declared schema."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from experiments.dashboard.declared import Key, declared_levers
from experiments.dashboard.draft import LARGEST_UPLOAD, draft_of_library, draft_of_upload
from experiments.dashboard.place_names import place_title
from experiments.dashboard.session import SLOTS, Session, missing_places, policy_names, shipped_future
from experiments.language import Language
from experiments.language_refusals import TOO_LARGE
from experiments.language_schema import KEYS, KINDS, VALUES
from model.accounts_data import LAST_COUNT_YEAR
from scenarios.library import names
from scenarios.problems import ScenarioError
from scenarios.reading import load_policy

Changed = Callable[[], Awaitable[None]]
FIRST_VALUES: dict[str, Any] = {
    "from": 2027, "to": 2036, "places": ["@towns"], "place": "mamlyutka", "year": 2028, "full_year": 2030,
    "last_year": 2036, "kept_until": 2044, "declared_by": 2030,
}  # fmt: skip


class LeverPanel:
    """Draws the scenarios of a session and changes them; calls `changed` after each change."""

    def __init__(self, session: Session, changed: Changed) -> None:
        self.session, self.changed = session, changed

    @property
    def lang(self) -> Language:
        """The reader's language."""
        return self.session.lang

    @ui.refreshable_method
    def draw(self) -> None:
        """Everything of the panel."""
        session, t = self.session, self.lang
        with (
            ui.row()
            .classes("items-center w-full gap-1 no-wrap")
            .props(f'role="tablist" aria-label="{t("Scenarios")}"')
        ):
            for number, slot in enumerate(session.slots):
                chosen = number == session.active
                button = ui.button(slot.letter, on_click=lambda n=number: self._choose(n))
                button.props(
                    f'dense {"unelevated" if chosen else "outline"} role="tab" aria-selected="{chosen}"'
                )
                button.props(f'aria-label="{t("Scenario {letter}", letter=slot.letter)}"').classes(
                    f"qz-slot-{slot.letter}"
                )
            if len(session.slots) < len(SLOTS):
                ui.button(t("Add"), icon="add", on_click=self._add).props("dense flat no-caps").classes(
                    "qz-add"
                )
            if len(session.slots) > 1:
                remove = ui.button(t("Remove"), icon="close", on_click=self._remove)
                remove.props("dense flat no-caps").classes("qz-remove")
        self._policy_choice()
        with ui.row().classes("w-full gap-2 items-center no-wrap"):
            ui.button(t("Save"), icon="save", on_click=self._save).props("dense outline no-caps").classes(
                "qz-save"
            )
            upload = ui.upload(
                auto_upload=True,
                max_file_size=LARGEST_UPLOAD,
                on_upload=self._load,
                on_rejected=lambda: self._refuse(TOO_LARGE.format(kb=LARGEST_UPLOAD // 1000)),
            )
            upload.props('accept=".toml"').classes("qz-upload hidden")
            load = ui.button(t("Load a policy file (.toml)"), icon="upload_file")
            # In the browser itself: it opens its file chooser only as the answer to a click
            load.on("click", js_handler=f"() => getElement({upload.id}).pickFiles()")
            load.props("dense outline no-caps").classes("qz-load")
        levers = session.slot.draft.levers
        if not levers:
            ui.label(t("This policy pulls no lever: it is the baseline.")).classes("qz-small")
        for kind, name in sorted(levers):
            self._lever(kind, name)
        with ui.row().classes("w-full items-center no-wrap"):
            kinds = {kind: t(KINDS[kind]) for kind in declared_levers() if (kind, "") not in levers}
            select = ui.select(kinds, label=t("Add a lever"), on_change=self._add_lever)
            select.props("dense outlined options-dense").classes("w-full qz-add-lever")

    # ---- scenarios ----

    async def _choose(self, number: int) -> None:
        self.session.active = number
        self.draw.refresh()

    async def _add(self) -> None:
        self.session.add_slot()
        await self._again()

    async def _remove(self) -> None:
        self.session.remove_slot()
        await self._again()

    async def _again(self) -> None:
        await self.changed()
        self.draw.refresh()

    def _policy_choice(self) -> None:
        session, t = self.session, self.lang
        draft = session.slot.draft
        titles = {name: load_policy(name).title(t.code) for name in policy_names()}
        lacking = {name: missing_places(name, session.world) for name in titles}
        policies = {name: title for name, title in titles.items() if not lacking[name]}
        futures = {name: shipped_future(name).title(t.code) for name in names("future")}
        base = draft.base if draft.base in policies else None
        select = ui.select(policies, value=base, label=t("Policy"), on_change=self._take_policy)
        select.props("dense outlined options-dense").classes("w-full qz-policy")
        self._note()
        self._unfit({titles[name]: places for name, places in lacking.items() if places})
        future = ui.select(futures, value=session.slot.future, label=t("Future"), on_change=self._take_future)
        future.props("dense outlined options-dense").classes("w-full qz-future")
        words = draft.descriptions.get(t.code) or draft.descriptions.get("en", "")
        if words and not draft.changed:
            ui.label(words).classes("qz-small")

    def _unfit(self, lacking: dict[str, tuple[str, ...]]) -> None:
        """Shipped policies that cannot be used in this world, and why."""
        if not lacking:
            return
        t = self.lang
        head = t.plural(
            "{count} policy does not fit this world", "{count} policies do not fit this world", len(lacking)
        )
        with ui.expansion(head).props("dense").classes("w-full qz-small qz-unfit"):
            for title, places in lacking.items():
                named = ", ".join(place_title(t, self.session.world, place) for place in places)
                words = t("{policy}: this world does not have {places}", policy=title, places=named)
                ui.label(words).classes("qz-small")

    @ui.refreshable_method
    def _note(self) -> None:
        """Title of a policy that is not, or no longer, a shipped one. Drawn alone: a slider must keep the focus."""
        t, draft = self.lang, self.session.slot.draft
        if draft.changed or not draft.base:
            words = draft.titles.get(t.code) or draft.titles["en"]
            note = t("changed") if draft.changed else t("from a file")
            ui.label(f"{words} ({note})").classes("qz-small qz-title")

    async def _take_policy(self, event: events.ValueChangeEventArguments[Any]) -> None:
        if event.value:
            self.session.slot.draft = draft_of_library(event.value)
            await self._again()

    async def _take_future(self, event: events.ValueChangeEventArguments[Any]) -> None:
        self.session.slot.future = event.value
        await self._again()

    # ---- files ----

    async def _save(self) -> None:
        draft = self.session.slot.draft
        try:
            draft.check()
        except ScenarioError as error:
            self._refuse(str(error))
            return
        ui.download.content(draft.toml().encode(), f"{draft.name}.toml", "application/toml")

    async def _load(self, event: events.UploadEventArguments) -> None:
        try:
            if event.file.size() > LARGEST_UPLOAD:
                raise ScenarioError(f"{event.file.name}: a policy file has at most {LARGEST_UPLOAD:,} bytes")
            self.session.slot.draft = draft_of_upload(event.file.name, await event.file.read())
        except ScenarioError as error:
            self._refuse(str(error))
            return
        self.session.failure = ""
        await self._again()

    def _refuse(self, text: str) -> None:
        self.session.failure = text
        self.session.on_change("failure")

    # ---- levers ----

    async def _add_lever(self, event: events.ValueChangeEventArguments[Any]) -> None:
        kind = event.value
        if not kind:
            return
        self.session.slot.draft.add(kind, first_lever(kind))
        await self._again()

    def _lever(self, kind: str, name: str) -> None:
        t, draft = self.lang, self.session.slot.draft
        with (
            ui.column().classes("qz-lever gap-1").props(f'role="group" aria-label="{t(KINDS[kind])} {name}"')
        ):
            with ui.row().classes("w-full items-center no-wrap justify-between"):
                ui.label(t(KINDS[kind])).classes("text-weight-medium")
                if (
                    sum(other == kind for other, _ in draft.levers) > 1
                ):  # the file's own word, where it tells two apart
                    ui.label(name).classes("qz-small")
                remove = ui.button(icon="delete", on_click=lambda: self._drop(kind, name)).props(
                    "dense flat round size=sm"
                )
                remove.props(f'aria-label="{t("Remove this lever")}: {t(KINDS[kind])} {name}"')
            for key in declared_levers()[kind].values():
                if key.name in draft.levers[kind, name] or key.required:
                    self._key(kind, name, key)
            left_out = {
                key.name: t(KEYS[key.name][0])
                for key in declared_levers()[kind].values()
                if key.name not in draft.levers[kind, name] and not key.required and key.form != "text"
            }
            if left_out:
                more = ui.select(
                    left_out,
                    label=t("More settings"),
                    on_change=lambda e: self._open_key(kind, name, e.value),
                )
                more.props("dense borderless options-dense").classes("w-full qz-small")

    async def _drop(self, kind: str, name: str) -> None:
        self.session.slot.draft.remove(kind, name)
        await self._again()

    async def _open_key(self, kind: str, name: str, key_name: str) -> None:
        key = declared_levers()[kind][key_name]
        value = key.default
        if value is None:
            value = (
                key.options[0]
                if key.options
                else FIRST_VALUES.get(key_name, _within(key, 0.2 * key.slider_most))
            )
        self.session.slot.draft.set(kind, name, key_name, value)
        await self._again()

    def _key(self, kind: str, name: str, key: Key) -> None:
        """One value: slider and number, or a choice, with unit and range."""
        t, draft = self.lang, self.session.slot.draft
        label = t(KEYS[key.name][0])
        value = draft.levers[kind, name].get(key.name, key.default)
        spoken = f"{t(KINDS[kind])}: {label}"
        css = f"qz-key-{key.name}"

        async def take(new: Any) -> None:
            if new is None or new == draft.levers[kind, name].get(key.name):
                return
            first = not draft.changed
            draft.set(kind, name, key.name, _within(key, new) if key.form in ("number", "integer") else new)
            if first:
                self._note.refresh()
            await self.changed()

        if key.form in ("number", "integer"):
            self._number(key, label, spoken, css, value, take)
        elif key.form == "text":
            box = ui.input(label, value=str(value), on_change=lambda e: take(str(e.value)[:60] or None))
            box.props(f'dense aria-label="{spoken}" debounce=600').classes(f"w-full {css}")
        else:
            several = key.form in ("places", "choices")
            select = ui.select(
                self._options(key),
                value=value,
                label=label,
                multiple=several,
                on_change=lambda e: take(e.value or None),
            )
            select.props(f'dense options-dense use-chips aria-label="{spoken}"').classes(f"w-full {css}")

    def _options(self, key: Key) -> dict[str, str]:
        t, world = self.lang, self.session.world
        if key.form in ("places", "place"):
            groups = (
                {name: t(VALUES[name]) for name in VALUES if name.startswith("@")}
                if key.form == "places"
                else {}
            )
            last = world.n_sim if key.form == "places" else world.n_all
            held = {place: t.place(world, place) for place in world.ids[:last]}
            current = self.session.slot.draft.levers
            used = {
                p for lever in current.values() for p in (lever.get("places") or [lever.get("place", "")])
            } - {""}
            return {
                **groups,
                **held,
                **{
                    place: place_title(t, world, place)
                    for place in sorted(used)
                    if place not in held | groups
                },
            }
        return {option: t(VALUES[option]) for option in key.options}

    def _number(
        self,
        key: Key,
        label: str,
        spoken: str,
        css: str,
        value: float,
        take: Callable[[Any], Awaitable[None]],
    ) -> None:
        t = self.lang
        decimals = 0 if key.form == "integer" else None
        plain = key.name in _YEARS
        low = str(int(key.least)) if plain else t.number(key.least, decimals)
        most = max(self.session.horizon, float(value)) if plain else key.most  # runs end at the horizon
        high = str(int(most)) if plain else t.number(most, decimals)
        unit = t(key.unit) if key.unit else ""
        with ui.column().classes("w-full gap-0"):
            ui.label(label).classes("qz-label")
            with ui.row().classes("w-full items-center no-wrap gap-3"):
                least = key.least + (key.step if key.above_least else 0.0)
                end = max(key.slider_most, float(value))
                if plain:  # what lies behind the last count is for the number beside the slider
                    least = min(max(least, LAST_COUNT_YEAR), float(value))
                    end = most
                slider = ui.slider(min=least, max=end, step=key.step, value=value).props(
                    f'aria-label="{spoken}"'
                )
                slider.classes(f"qz-slider {css}").style("flex: 1")
                box = ui.number(value=value, min=key.least, max=most, step=key.step)
                box.props(f'dense outlined debounce=500 aria-label="{spoken}"').style("width: 110px").classes(
                    css
                )

            async def from_slider(event: events.GenericEventArguments) -> None:
                box.set_value(event.args)
                await take(event.args)

            async def from_box(event: events.ValueChangeEventArguments[Any]) -> None:
                if event.value is not None and key.least <= event.value <= most:
                    slider.set_value(event.value)
                    await take(event.value)

            slider.on("change", from_slider)
            box.on_value_change(from_box)
            ui.label(
                f"{unit + '; ' if unit else ''}{t('range')} {t('{low} to {high}', low=low, high=high)}"
            ).classes("qz-small")


_YEARS = frozenset(("from", "to", "year", "full_year", "last_year", "kept_until", "declared_by"))
# What a new lever needs so that it does something, where the schema has no single required key for it.
_NEEDED: dict[str, dict[str, Any]] = {
    "qyzyljar": {"status": "as_declared"},
    "renewal": {"share_a_year": 0.06, "network": "heat"},
    "housing": {"flats_built_a_year": 10.0},
    "youth_retention": {"study_odds": 0.8},
    "tax_holiday": {"places": ["petropavlovsk"], "launch_factor": 2.0},
    "public_wages": {"supplement": 0.25},
    "local_budget": {"thousand_kzt_a_head": 60.0},
    "services_kept": {"facilities": ["school", "health"]},
    "border": {"distance_factor": 0.9},
    "trade": {"output_gain": 0.05},
    "settlers": {"families_a_year": 10},
    "zone_project": {"declared_jobs": 100.0, "full_year": 2030},
}


def first_lever(kind: str) -> dict[str, Any]:
    """Values of a lever newly pulled: a modest one that does something."""
    values: dict[str, Any] = {}
    for key in declared_levers()[kind].values():
        if key.name in FIRST_VALUES and (key.required or key.name == "to"):
            values[key.name] = FIRST_VALUES[key.name]
        elif key.required and key.form in ("number", "integer"):
            values[key.name] = _within(key, 0.2 * key.slider_most)
        elif key.required and key.options:
            values[key.name] = [key.options[0]] if key.form == "choices" else key.options[0]
    return {**values, **_NEEDED.get(kind, {})}


def _within(key: Key, value: Any) -> float | int:
    """A number of the declared kind and range, without the dust of binary fractions."""
    number = float(value)
    if not math.isnan(key.least):
        number = min(max(number, key.least), key.most)
    if key.above_least and number <= key.least:
        number = key.step
    return round(number) if key.form == "integer" else float(f"{number:.10g}")
