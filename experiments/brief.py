"""`qyzyljar brief`: a policy brief of a few pages in Kazakh, Russian or English, from a comparison's stored results.

The comparison is that of `qyzyljar compare`: what is missing of it is run, what is there is read. The brief is one HTML
file that needs nothing else (its font is embedded), and a PDF where a browser is installed.
"""

from __future__ import annotations

import base64
import io
import math
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console

from experiments.brief_rating import rating_sentences
from experiments.brief_results import ALL, Estimate, StoredComparison
from experiments.brief_sentences import DATA_DEFECTS, MARKED_RUN, MODEL_ASSUMPTIONS, Sentence, Speaker
from experiments.compare import CompareOptions, compare
from experiments.compare_scenarios import BASELINE
from experiments.dashboard.charts import Fan, fan_chart, legend_strip
from experiments.dashboard.drawing import font_path
from experiments.dashboard.region_drawing import region_map
from experiments.failures import BadInput, RunFailure
from experiments.forecast import read_world
from experiments.language import Language, kept_together
from experiments.language_refusals import refusal
from model.accounts_data import LAST_COUNT_YEAR
from model.world import World
from scenarios.problems import ScenarioError
from scenarios.reading import load_future, load_policy, split_name

PAGE = Path(__file__).resolve().parent
MAP_YEAR = 2026
MOST_FANS, MOST_SERIES = 4, 4
PDF_SECONDS = 120
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "msedge",
    "chrome",
)
WINDOWS_BROWSERS = (
    r"Microsoft\Edge\Application\msedge.exe",
    r"Google\Chrome\Application\chrome.exe",
)


@dataclass(frozen=True)
class BriefOptions:
    """What the user asked for: a comparison, a language, and whether to make a PDF."""

    comparison: CompareOptions
    lang: str = "ru"
    pdf: bool = True


def write_brief(options: BriefOptions) -> Path:
    """Run what is missing of the comparison and write the brief into its folder; returns the HTML file.

    Raises:
        BadInput: before anything is written, in the language of the brief. RunFailure, Interrupted: complete parts of
            the comparison are kept.
    """
    lang = Language(options.lang)
    try:
        return _written(options, lang)
    except BadInput as error:
        raise BadInput(refusal(lang, str(error))) from None


def _written(options: BriefOptions, lang: Language) -> Path:
    if not options.comparison.policies:
        raise BadInput("brief: expected at least one POLICY (qyzyljar scenarios list)")
    world = read_world(options.comparison.world)
    folder = compare(options.comparison)
    stored = StoredComparison(folder)
    path = folder / f"brief-{lang.code}.html"
    _write(path, compose(lang, stored, world, options.comparison.policies).encode("utf-8"))
    console = Console(quiet=options.comparison.quiet)
    console.print(lang.text("Brief: {path}", path=path), markup=False, highlight=False, soft_wrap=True)
    if options.pdf:
        browser = find_browser()
        if browser is None:
            console.print(
                lang.text("No PDF: no Chromium, Chrome or Edge found; the HTML file prints from any browser.")
            )
        else:
            made = print_pdf(browser, path)
            console.print(lang.text("PDF: {path}", path=made), markup=False, highlight=False, soft_wrap=True)
    return path


def compose(lang: Language, stored: StoredComparison, world: World, asked: Sequence[str]) -> str:
    """The brief as one self-contained HTML text."""
    t = lang
    titles, descriptions = _words(lang, stored, asked)
    speaker = Speaker(lang, stored, world, titles)
    ranked = speaker.ranked()
    question = t(
        "What would these policies do for the number of residents by 1 January {year}, at what "
        "cost, and for whom?",
        year=stored.horizon,
    )
    subtitle = t.plural(
        "Agent-based model of the settlements of North Kazakhstan. {count} run of every scenario "
        "on the same people and "
        "chance; intervals hold chance and uncertain parameters.",
        "Agent-based model of the settlements of North Kazakhstan. {count} runs of every "
        "scenario on the same people and "
        "chance; intervals hold chance and uncertain parameters.",
        stored.runs,
    )
    said = [t("“{name}”", name=words) for words in _assumptions(asked)]
    own = (
        [Sentence(t("In the policies' files, in the files' own language: {words}", words="; ".join(said)))]
        if said
        else []
    )
    parts = [
        (t("Who loses"), speaker.losers()),
        (t("What is uncertain, and what would change the answer"), speaker.doubts()),
        (t("Settlement rating (a reconstruction)"), rating_sentences(speaker)),
        (t("What would hold the towns"), speaker.holding_jobs()),
        (t("Assumptions"), [*(Sentence(t(text)) for text in MODEL_ASSUMPTIONS), *own]),
        (t("Defects of the data that matter here"), [Sentence(t(text)) for text in DATA_DEFECTS]),
    ]
    design = stored.manifest["design"]
    identities = [
        f"{MARKED_RUN}: {stored.identity} · "
        + t(
            "world {world}, horizon {horizon}, seed {seed}, {runs} runs, {started}",
            world=design["world"],
            horizon=design["horizon"],
            seed=design["seed"],
            runs=t.number(stored.runs, 0),
            started=t.moment(stored.manifest["started"]),
        ),
        t("Parameters: {note}", note=refusal(lang, stored.manifest["parameters"]["note"])),
        *(
            t("Runs repeated at the pessimistic end of an assumption, {parameter}: {identity}", **check)
            for check in stored.checks()
        ),
    ]
    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    values = {
        "lang": lang,
        "t": t.text,
        "run": MARKED_RUN,
        "title": t(
            "Policy brief: {policies}",
            policies=", ".join(t("“{name}”", name=titles[name]) for name in ranked),
        ),
        "subtitle": subtitle,
        "question": question,
        "policies": [
            {"title": t("“{name}”", name=titles[name]), "description": descriptions.get(name, "")}
            for name in ranked
        ],
        "answer": speaker.answer(),
        "table": _table(lang, stored, speaker, ranked),
        "map": _map(lang, stored, world),
        "fans": _fans(lang, stored, world, ranked, titles),
        "legend": _legend(lang, ranked, titles),
        "parts": [(heading, sentences) for heading, sentences in parts if sentences],
        "identities": identities,
        "command": _command(stored, asked, lang.code),
    }
    template = environment.get_template("brief_page.html")
    letters = template.render(**values, font="")
    return template.render(**values, font=_font(letters))


def _words(
    lang: Language, stored: StoredComparison, asked: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Titles and descriptions of the scenarios in the reader's language."""
    by_name = {Path(split_name(text)[0]).stem: split_name(text)[0] for text in asked}
    titles, descriptions = {}, {}
    for scenario in stored.scenarios:
        name, _, future = scenario.partition("@")
        policy = load_policy(by_name.get(name, name))
        under = f" · {load_future(future).title(lang.code)}" if future else ""
        titles[scenario] = kept_together(policy.title(lang.code) + under)
        descriptions[scenario] = kept_together(policy.description(lang.code))
    return titles, descriptions


def _assumptions(asked: Sequence[str]) -> list[str]:
    """What the policy files call assumptions, in their own words."""
    found: list[str] = []
    for text in asked:
        try:
            found += load_policy(split_name(text)[0]).assumptions
        except ScenarioError as error:
            raise BadInput(str(error)) from None
    return list(dict.fromkeys(found))


def _table(
    lang: Language, stored: StoredComparison, speaker: Speaker, ranked: Sequence[str]
) -> dict[str, object]:
    t = lang
    rows = []
    for name in ranked:
        effect, money, price = stored.residents(name, ALL), stored.money(name), stored.price(name)
        jobs = stored.gain(name, "additional job")
        rows.append(
            [
                speaker.titles[name],
                _claim(t, effect.mean, effect.low, effect.high, effect.bound),
                _claim(t, jobs.mean, jobs.low, jobs.high),
                _money(t, money),
                "–"
                if price.low != price.low
                else _with_interval(t, *t.estimate(price.mean, price.low, price.high)),
            ]
        )
    head = [
        t("Policy"),
        t("Residents on 1 January {year}", year=stored.horizon),
        t("Jobs"),
        t("Public money, million KZT"),
        t("Million KZT per retained resident"),
    ]
    note = t(
        "Against the baseline, all places together. Means with 95 % intervals; money: present "
        "value of 2026 at 5 % a year, "
        "2020 prices, central 90 % of runs. A dash: no price, as the gain is not clearly above zero."
    )
    return {"head": head, "rows": rows, "note": note}


def _claim(t: Language, mean: float, low: float, high: float, bound: float = float("nan")) -> str:
    value, interval = t.estimate(mean, low, high, whole=True, signed=True)
    if low > 0 or high < 0:
        return _with_interval(t, value, interval)
    if bound == bound:
        return t("no clear effect, under {bound}", bound=t.number(math.ceil(bound), 0))
    return t("no clear effect ({interval})", interval=interval)


def _with_interval(t: Language, value: str, interval: str) -> str:
    return t("{value} ({interval})", value=value, interval=interval)


def _money(t: Language, money: Estimate) -> str:
    """Public money with the central 90 % of runs, where they differ."""
    if t.number(money.low) == t.number(money.high):
        return t.number(money.mean)
    return _with_interval(t, *t.estimate(money.mean, money.low, money.high))


def _map(lang: Language, stored: StoredComparison, world: World) -> str:
    year = min(MAP_YEAR, stored.horizon - 1)
    people = {place: stored.level(BASELINE, place, year)[0] for place in world.ids[: world.n_sim]}
    title = lang.text("Who moves where in {year}: {scenario}", year=year, scenario=lang.text("Baseline"))
    note = lang.text("Mean over runs; numbers beside towns: residents on 1 January")
    return region_map(lang, world, title, stored.moves(BASELINE, year), people, note).svg()


def _fans(
    lang: Language, stored: StoredComparison, world: World, ranked: Sequence[str], titles: dict[str, str]
) -> list[str]:
    """Fans of up to four places with the baseline and the first policies."""
    places = [place for place in world.ids[: world.n_sim] if world.kind[world.index(place)] == "town"]
    shown = []
    for place in (places or list(world.ids[: world.n_sim]))[:MOST_FANS]:
        fans = []
        for colour, (name, label) in enumerate(_series(lang, ranked, titles)):
            years, quantiles = stored.fan(name, place)
            fans.append(Fan(label, colour, quantiles))
        observed = []
        if world.accounts.has(place, "population_1jan", world.start, LAST_COUNT_YEAR):
            span = range(world.start, LAST_COUNT_YEAR + 1)
            observed = [(year, world.accounts.value(place, "population_1jan", year)) for year in span]
        title, unit = lang.place(world, place), lang.text("persons, on the register's basis")
        shown.append(
            fan_chart(
                lang,
                title,
                unit,
                years,
                fans,
                "",
                observed=observed,
                mark_year=MAP_YEAR,
                width=400.0,
                height=250.0,
                legend=False,
            ).svg()
        )
    return shown


def _series(lang: Language, ranked: Sequence[str], titles: dict[str, str]) -> list[tuple[str, str]]:
    """Scenarios of the fans with their labels, in the order of the palette."""
    return [
        (BASELINE, lang.text("Baseline")),
        *((name, titles[name]) for name in ranked[: MOST_SERIES - 1]),
    ]


def _legend(lang: Language, ranked: Sequence[str], titles: dict[str, str]) -> str:
    """What the lines and bands of all fans are, said once."""
    note = lang.text("Median, central 50 % (dark) and 90 % (light) of the runs")
    labels = [label for _, label in _series(lang, ranked, titles)]
    return legend_strip(lang, labels, note).svg()


def _command(stored: StoredComparison, asked: Sequence[str], code: str) -> str:
    design = stored.manifest["design"]
    fixed = "".join(f" --set {name}={value!r}" for name, value in design["set"].items())
    source = stored.manifest["world"]["source"]
    return (
        f"qyzyljar brief {' '.join(asked)} --lang {code} --world {source} --runs {stored.runs} "
        f"--horizon {design['horizon']} --seed {design['seed']}{fixed}"
    )


def _font(text: str) -> str:
    """DejaVu Sans with the letters of the text only, for embedding."""
    from fontTools import subset

    options = subset.Options(flavor="woff", layout_features=["kern"], notdef_outline=True)
    options.drop_tables += ["FFTM"]  # the font maker's own notes
    font = subset.load_font(str(font_path()), options)
    chosen = subset.Subsetter(options)
    chosen.populate(text=text)
    chosen.subset(font)
    out = io.BytesIO()
    subset.save_font(font, out, options)
    return base64.b64encode(out.getvalue()).decode("ascii")


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunFailure(f"{path}: could not be written: {error.strerror}") from error


def find_browser() -> str | None:
    """An installed browser that can print to PDF without a window; `$QYZYLJAR_BROWSER` names another."""
    chosen = os.environ.get("QYZYLJAR_BROWSER")
    if chosen:
        return shutil.which(chosen)
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    for root in ("PROGRAMFILES", "PROGRAMFILES(X86)"):
        for tail in WINDOWS_BROWSERS:
            path = Path(os.environ.get(root, "")) / tail
            if os.environ.get(root) and path.is_file():
                return str(path)
    return None


def print_pdf(browser: str, page: Path) -> Path:
    """Print a page to PDF beside it.

    Raises:
        RunFailure: the browser gives none; the page itself stays.
    """
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="qyzyljar-", ignore_cleanup_errors=True) as profile:
        command = [
            browser, "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run",
            f"--user-data-dir={profile}", "--no-pdf-header-footer", f"--print-to-pdf={target.resolve()}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")  # Chromium refuses its sandbox to the administrator
        try:
            done = subprocess.run(command, capture_output=True, timeout=PDF_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RunFailure(f"{browser} made no PDF ({error}); the brief is in {page}") from None
    if done.returncode or not target.is_file():
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise RunFailure(
            f"{browser} made no PDF ({' '.join(said) or done.returncode}); the brief is in {page}"
        )
    return target
