"""What all pages share: style, language of the reader, scripts that turn a figure into a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import events, ui

from experiments.dashboard.session import Session
from experiments.dashboard.tabs import Tabs
from experiments.language import LANGUAGES, Language, language, preferred
from experiments.language_refusals import refusal

SECONDS_BETWEEN_TRIES = 3.0
STYLE = """
:root { --ink: #1c1c1c; --line: #b9b9b9; --accent: #00598c; }
body { font-size: 15px; color: var(--ink); }
.nicegui-content { padding: 0; gap: 0; }
.qz-head { background: #12384f; color: #fff; padding: 6px 14px; }
.qz-head .q-field__native, .qz-head .q-field__label, .qz-head .q-icon, .qz-head a { color: #fff !important; }
.qz-head .q-field__control:before { border-color: #dfe8ee !important; }
.qz-left { width: 410px; min-width: 410px; height: calc(100vh - 62px); border-right: 1px solid var(--line); }
.qz-left .q-scrollarea__content { width: 100%; max-width: 100%; padding: 10px; }
.qz-left .q-field { min-width: 0; max-width: 100%; }
.qz-left .q-field__native span { white-space: normal; line-height: 1.25; }
.qz-left .q-select.q-field--labeled .q-field__native { padding-top: 4px; padding-bottom: 3px; }
.qz-left .q-select .q-field__control, .qz-left .q-select .q-field__native { height: auto !important; }
.qz-label { font-size: 14px; }
.qz-motto { flex: 1; min-width: 0; font-size: 14px; line-height: 1.2; }
.qz-right { flex: 1; min-width: 0; height: calc(100vh - 62px); overflow-y: auto; }
.qz-lever { border: 1px solid #d0d0d0; border-radius: 6px; padding: 6px 10px; width: 100%; }
.qz-small { font-size: 13px; color: #444; }
.qz-effect { font-size: 14px; }
.qz-fail { background: #fdecea; color: #7a1212; border-left: 4px solid #b3261e; padding: 6px 10px; white-space:
  pre-wrap; width: 100%; font-size: 13.5px; }
.qz-figure { width: 100%; max-width: max(560px, calc((100vh - 330px) * 1.75)); }
/* The map stands below its controls and above its legend */
.qz-figure:has(#qz-map) { max-width: max(560px, calc((100vh - 410px) * 1.55)); }
body :focus-visible, body .q-field__control:has(:focus-visible), body .q-slider:has(:focus-visible) {
  outline: 3px solid #b04a00 !important; outline-offset: 1px; }
/* Quasar forbids outlines of its buttons from a layer that no style can overrule: a shadow stands in for it */
body .q-btn:focus-visible { box-shadow: 0 0 0 1px #fff, 0 0 0 4px #b04a00 !important; }
body .qz-head .q-btn:focus-visible { box-shadow: 0 0 0 3px #ffd54a !important; }
body .q-field__control :focus-visible, body .q-slider :focus-visible { outline: none !important; }
body .qz-head :focus-visible, body .qz-head .q-field__control:has(:focus-visible) { outline-color: #ffd54a !important; }
.qz-skip { position: absolute; left: -999px; } .qz-skip:focus { left: 8px; top: 8px; background: #fff; z-index: 9999; }
.qz-world { min-width: 200px; } .qz-right .qz-answers table.qz { width: 100%; font-size: 13px; }
.qz-answers .num + * { padding-left: 20px !important; }
.qz-answers td:first-child { width: 38%; } .qz-answers td { padding: 2px 6px !important; }
table.qz td.keep { white-space: nowrap; }
table.qz { border-collapse: collapse; font-size: 13.5px; } table.qz th, table.qz td { border-bottom: 1px solid #d4d4d4;
  padding: 3px 9px; text-align: left; vertical-align: top; } table.qz td.num, table.qz th.num { text-align: right; }
.qz-head, .qz-main, .qz-beside { flex-wrap: nowrap; }
.qz-town-figures { max-width: 370px; }
/* A small screen, or a zoomed page: first the motto gives way, then the halves stand below each other */
@media (max-width: 1150px) { .qz-head:has(.qz-inspect-link) .qz-motto { display: none; }
  .qz-beside { display: block; } .qz-head .qz-inspect-link { flex: 1; } .qz-world { min-width: 120px; }
  .qz-answers td:first-child { width: 30%; } .qz-answers .num + * { padding-left: 10px !important; }
  .qz-answers table.qz td.keep { white-space: normal; } .qz-wide table.qz { width: 100%; font-size: 13px; }
  .qz-wide table.qz th, .qz-wide table.qz td { padding: 3px 4px; white-space: normal; overflow-wrap: anywhere; }
  .qz-ranking table.qz th, .qz-ranking table.qz td { overflow-wrap: normal; } }
@media (max-width: 860px) { .qz-head { flex-wrap: wrap; } .qz-main { display: block; }
  .qz-left, .qz-right { width: 100%; min-width: 0; height: auto; border-right: none; }
  .qz-left .q-scrollarea, .qz-left.q-scrollarea { height: 70vh !important; flex: none !important; }
  .qz-right { overflow-x: auto; } }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; animation: none !important; } }
"""
SCRIPT = """
<script>
window.qzSvg = (id) => { const s = document.querySelector('#' + id + ' svg').cloneNode(true);
  const b = s.viewBox.baseVal; s.setAttribute('width', b.width); s.setAttribute('height', b.height);
  return [new XMLSerializer().serializeToString(s), b.width, b.height]; };
window.qzSave = (url, name) => { const a = document.createElement('a'); a.href = url; a.download = name;
  document.body.appendChild(a); a.click(); a.remove(); };
window.qzPng = (id, name) => { const [text, w, h] = window.qzSvg(id); const image = new Image();
  image.onload = () => { const c = document.createElement('canvas'); c.width = 2 * w; c.height = 2 * h;
    const p = c.getContext('2d'); p.scale(2, 2); p.drawImage(image, 0, 0, w, h);
    window.qzSave(c.toDataURL('image/png'), name); };
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(text); };
</script>
"""


def prepare_head() -> None:
    """Style and scripts of a page, all from this computer."""
    ui.add_css(STYLE)
    ui.add_head_html(SCRIPT)
    ui.colors(primary="#00598c", negative="#b3261e")


def reader_language(request: Any, asked: str | None, default: str | None) -> Language:
    """Language of the address, of the command line, or the first of the browser's that there is; else English."""
    if asked in LANGUAGES:
        return language(str(asked))
    if default is not None:
        return language(default)
    return language(preferred(request.headers.get("accept-language", "")))


def speak_html(lang: Language) -> None:
    """Tell the browser, and with it screen readers, which language the page is in."""
    ui.run_javascript(f"document.documentElement.lang = '{lang.code}'")


Take = Callable[[events.ValueChangeEventArguments[Any]], Awaitable[None]]


def head_choices(session: Session, take_world: Take, take_language: Take) -> None:
    """The choice of world and language in the head of a page."""
    t = session.lang
    worlds = {name: session.world_title(name) for name in session.worlds}
    world = ui.select(worlds, value=session.world_name, label=t("World"), on_change=take_world)
    world.props("dense options-dense dark").classes("qz-world")
    lang = ui.select(LANGUAGES, value=t.code, label=t("Language"), on_change=take_language)
    lang.props("dense options-dense dark").style("min-width: 96px").classes("qz-lang")


def show_failure(session: Session) -> None:
    """What was refused or failed, in the reader's language."""
    if session.failure:
        ui.label(refusal(session.lang, session.failure)).classes("qz-fail").props('role="alert"')


async def let_in(tabs: Tabs, page: object, session: Session) -> bool:
    """Give a tab its child process; where all places are taken, say so and try again until one is free."""
    child = await tabs.enter(page)
    if child is not None:
        session.adopt(child)
        return True
    t = session.lang
    with ui.dialog().props("persistent") as dialog, ui.card().classes("qz-full"):
        words = t.plural(
            "{count} tab is open on this computer, as many as it is set up for. Please leave this tab open: it goes on "
            "by itself as soon as that one is closed.",
            "{count} tabs are open on this computer, as many as it is set up for. Please leave this tab open: it goes "
            "on by itself as soon as one of them is closed.",
            tabs.most,
        )
        ui.label(words).props('role="alert"')
    dialog.open()

    def again() -> None:
        if not tabs.full:
            ui.navigate.reload()

    ui.timer(SECONDS_BETWEEN_TRIES, again)
    return False
