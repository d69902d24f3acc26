"""What a reader who has never seen the page should know, in a dialog."""

from __future__ import annotations

from nicegui import ui

from experiments.language import Language, mark

WORDS = (
    mark(
        "Choose a policy and a future on the left, or change the policy with its sliders. Up to four scenarios stand "
        "side by side."
    ),
    mark(
        "The table above the figures says what each scenario does against the baseline: the same years without that "
        "policy, with the same people and the same chance."
    ),
    mark(
        "A preview without chance comes at once. Press Run for the model itself, which follows every single person; "
        "the bands show chance and what is not known of the parameters."
    ),
    mark(
        "In brackets stands the 95 % interval. Where it includes zero no effect is named; what never happened in the "
        "runs has an upper bound, not zero."
    ),
    mark(
        "Dots are official counts, up to 1 January 2021. Later wages, prices and borders are assumptions: those of the "
        "future that you choose."
    ),
    mark(
        "Save keeps the policy as a file that the command line reads too; figures and tables are downloaded from below "
        "them."
    ),
    mark(
        "The villages of the region are too many for this page: qyzyljar extinction --world villages, on the command "
        "line, says how likely each is to empty."
    ),
    mark("Nobody else sees what you do here, and nothing is sent to the internet."),
)


def open_help(t: Language) -> None:
    """Show the dialog; the Escape key or its button closes it."""
    with ui.dialog() as dialog, ui.card().classes("qz-help-words").style("max-width: 640px"):
        ui.label(t("How to read this page")).classes("text-h6")
        for words in WORDS:
            ui.label(t(words))
        ui.button(t("Close"), on_click=dialog.close).props("no-caps outline")
    dialog.open()
