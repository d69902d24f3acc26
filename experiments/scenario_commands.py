"""`qyzyljar scenarios`: the library of policies and futures, and the user's own files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from experiments.failures import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from model.world import World
    from scenarios.policy import Future, Policy
    from scenarios.problems import ScenarioError

scenarios = typer.Typer(
    name="scenarios",
    help="Policies and futures: the library, and your own files.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DEFAULT_HORIZON = 2045
NARROWEST = 100  # columns of text; a table that is piped would else be folded at 80

WorldName = Annotated[
    str, typer.Option("--world", metavar="towns|region|FILE", help="World whose places the levers name.")
]
Horizon = Annotated[int, typer.Option("--horizon", help="Last 1 January of the runs.")]
Language = Annotated[Literal["en", "ru", "kk"], typer.Option("--lang", help="Language of titles and texts.")]
KindOption = Annotated[Literal["policy", "future"], typer.Option("--kind", help="Kind of file.")]


@contextmanager
def _exit_codes() -> Iterator[None]:
    """The exit codes of all commands; what is wrong with a scenario is bad input."""
    from experiments.command_options import exit_codes
    from scenarios.problems import ScenarioError

    with exit_codes():
        try:
            yield
        except ScenarioError as error:
            raise BadInput(str(error)) from None


@scenarios.command("list", epilog="Example: qyzyljar scenarios list --lang kk")
def list_scenarios(lang: Language = "en") -> None:
    """List the shipped policies and futures."""
    with _exit_codes():
        from scenarios.library import names
        from scenarios.reading import load_future, load_policy

        console = _console()
        _print_list(
            console, "Policies: what a government sets", [load_policy(n) for n in names("policy")], lang
        )
        _print_list(
            console, "Futures: what nobody here sets", [load_future(n) for n in names("future")], lang
        )
        console.print(
            "Compare with: qyzyljar compare POLICY or POLICY@FUTURE   Look into one: qyzyljar scenarios show NAME",
            soft_wrap=True,
            highlight=False,
        )


@scenarios.command("show", epilog="Example: qyzyljar scenarios show subzone_mamlyutka --world region")
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME|FILE", help="A shipped policy or future, or a .toml file.")
    ],
    world: WorldName = "towns",
    horizon: Horizon = DEFAULT_HORIZON,
    lang: Language = "en",
) -> None:
    """Show what a policy or a future does: levers, equations, places, years, costs, sources, assumptions."""
    with _exit_codes():
        _print_scenario(_console(), _load(name), _world(world, horizon), horizon, lang)


@scenarios.command("check", epilog="Example: qyzyljar scenarios check my_policy.toml --world region")
def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help=".toml files, or names of the library.")
    ],
    world: WorldName = "towns",
    horizon: Horizon = DEFAULT_HORIZON,
) -> None:
    """Check scenario files against the schema, a world and a horizon; all errors at once, exit code 2."""
    with _exit_codes():
        from scenarios.problems import ScenarioError

        held, problems, lines = _world(world, horizon), [], []
        for name in files:
            try:
                lines.append(_checked(name, held, horizon))
            except ScenarioError as error:
                problems.append(_with_misfits(error, held, horizon))
        if problems:
            raise BadInput("\n".join(problems))
        for line in lines:
            typer.echo(line)


@scenarios.command("new", epilog="Example: qyzyljar scenarios new my_policy")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the scenario; the file is NAME.toml.")],
    kind: KindOption = "policy",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the new file.")] = Path(),
) -> None:
    """Write a commented template of a policy or a future."""
    with _exit_codes():
        from scenarios.library import names
        from scenarios.template import template, template_problem

        problem = template_problem(name)
        if problem is None and name in names(kind):
            problem = f"the library has a {kind} '{name}': choose another, and start from it by extends"
        path = out / f"{name}.toml"
        if problem is None and not out.is_dir():
            problem = f"--out {out}: no such folder"
        if problem is None and path.exists():
            problem = f"{path} exists already and is not overwritten"
        if problem is not None:
            raise BadInput(problem)
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(template(name, kind))
        except OSError as error:
            raise BadInput(f"{path} cannot be written ({error.strerror})") from None
        typer.echo(f"{path} written; edit it, then: qyzyljar scenarios check {path}")


@scenarios.command("diff", epilog="Example: qyzyljar scenarios diff baseline zone_as_declared")
def diff(
    one: Annotated[str, typer.Argument(metavar="A", help="A shipped policy or future, or a .toml file.")],
    two: Annotated[str, typer.Argument(metavar="B", help="Another one of the same kind.")],
) -> None:
    """Show what two policies, or two futures, set differently."""
    with _exit_codes():
        from rich.table import Table
        from rich.text import Text

        from scenarios.explanation import differences

        first, second = _load(one), _load(two)
        if type(first) is not type(second):
            raise BadInput(
                f"'{one}' is a {_kind(first)} and '{two}' a {_kind(second)}: compare two of a kind"
            )
        rows = list(differences(first, second))
        console = _console()
        if not rows:
            console.print(f"{first.name} and {second.name} set the same.", highlight=False)
            return
        levers = "1 lever differs" if len(rows) == 1 else f"{len(rows)} levers differ"
        table = Table(title=levers, title_justify="left", box=None, pad_edge=False)
        table.add_column("lever", no_wrap=True)
        table.add_column(first.name, overflow="fold", ratio=1)
        table.add_column(second.name, overflow="fold", ratio=1)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)


@scenarios.command("schema", epilog="Example: qyzyljar scenarios schema > scenario.schema.json")
def schema() -> None:
    """Print the JSON schema of scenario files."""
    with _exit_codes():
        import json

        from scenarios.published_schema import published_schema

        typer.echo(json.dumps(published_schema(), indent=2, ensure_ascii=False))


def _console() -> Console:
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    return console


def _world(name: str, horizon: int) -> World:
    from experiments.design import check_horizon
    from experiments.forecast import read_world

    world = read_world(name)
    check_horizon(horizon, world)
    return world


def _load(name: str) -> Policy | Future:
    """A policy or a future, by its name in the library or by its file."""
    from model.problems import nearest
    from scenarios.library import names
    from scenarios.problems import ScenarioError
    from scenarios.reading import kind_of, load_future, load_policy

    if name in names("policy"):
        return load_policy(name)
    if name in names("future"):
        return load_future(name)
    if not name.endswith(".toml"):
        known = (*names("policy"), *names("future"))
        raise ScenarioError(
            f"unknown scenario '{name}'{nearest(name, known)}; or give the path of a .toml file"
            " (qyzyljar scenarios list)"
        )
    return load_policy(name) if kind_of(Path(name)) == "policy" else load_future(name)


def _kind(scenario: Policy | Future) -> str:
    return type(scenario).__name__.lower()


def _checked(name: str, world: World, horizon: int) -> str:
    """Check one scenario; returns what to print. Raises ScenarioError."""
    from scenarios.library import BASELINE, REFERENCE
    from scenarios.policy import Policy
    from scenarios.reading import load_future, load_policy
    from scenarios.translation import check_against

    scenario = _load(name)
    if isinstance(scenario, Policy):
        check_against(scenario, load_future(REFERENCE), world, horizon)
    else:
        check_against(load_policy(BASELINE), scenario, world, horizon)
    count = sum(1 for _ in scenario.levers.items())
    levers = f"{count} lever{'' if count == 1 else 's'}"
    return f"{name}: {_kind(scenario)} '{scenario.name}' is right for world '{world.name}' to {horizon} ({levers})"


def _with_misfits(error: ScenarioError, world: World, horizon: int) -> str:
    """The problems of a file, and those that the world finds in what could be read of it."""
    from scenarios.problems import Findings, ScenarioError
    from scenarios.translation import note_misfits

    if error.partial is None:
        return str(error)
    findings = Findings(f"in world '{world.name}' up to {horizon}")
    note_misfits(error.partial, world, horizon, findings)
    try:
        findings.raise_if_any()
    except ScenarioError as more:
        return f"{error}\n{more}"
    return str(error)


def _print_list(console: Console, title: str, held: list[Policy] | list[Future], lang: str) -> None:
    from rich.table import Table
    from rich.text import Text

    from scenarios.explanation import levers_in_short

    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("title", ratio=3)
    table.add_column("levers (first year)", ratio=2)
    for scenario in held:
        table.add_row(scenario.name, Text(scenario.title(lang)), Text(levers_in_short(scenario) or "-"))
    console.print(table)
    console.print()


def _print_scenario(
    console: Console, scenario: Policy | Future, world: World, horizon: int, lang: str
) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    from scenarios.explanation import lever_lines
    from scenarios.library import BASELINE, REFERENCE
    from scenarios.policy import Policy
    from scenarios.reading import load_future, load_policy
    from scenarios.translation import check_against

    is_policy = isinstance(scenario, Policy)
    policy = scenario if isinstance(scenario, Policy) else load_policy(BASELINE)
    future = load_future(REFERENCE) if isinstance(scenario, Policy) else scenario
    check_against(policy, future, world, horizon)
    console.print(Text(f"{_kind(scenario)} {scenario.name}: {scenario.title(lang)}", style="bold"))
    if scenario.description(lang):
        console.print(Text(scenario.description(lang)))
    lines = lever_lines(scenario, world, horizon)
    table = Table(box=None, pad_edge=False)
    table.add_column("lever", overflow="fold", max_width=36)
    table.add_column("what, where, when", overflow="fold", ratio=1)
    table.add_column("equation", min_width=8)
    if is_policy:
        table.add_column("public", justify="right", no_wrap=True)
        table.add_column("private", justify="right", no_wrap=True)
    for line in lines:
        said = Text.assemble(
            line.setting, f"\n{line.places}, {line.years}", (f"\n-> {line.acts_on}", "dim italic")
        )
        cells = [Text(line.name), said, Text(line.equation)]
        if is_policy:
            cells += [Text(_money(line.public)), Text(_money(line.private))]
        table.add_row(*cells)
    console.print()
    console.print(table if lines else "No lever: nothing departs from the reference.")
    if is_policy:
        console.print(
            Text(
                f"Money: billion KZT at 2020 prices to {horizon} in world '{world.name}', as if 2015 lasted; "
                "a comparison books what each run really costs. -: no cost, or none known.",
                style="dim",
            )
        )
    for title, texts in (("Sources", scenario.sources), ("Assumptions", scenario.assumptions)):
        console.print(Text(f"\n{title}", style="bold"))
        for text in texts or ("none given",):
            console.print(Padding(Text(f"- {text}"), (0, 0, 0, 2)))
    console.print(
        Text(f"\nFiles: {', '.join(map(str, scenario.files))}\nDigest: {scenario.digest[:16]}", style="dim")
    )


def _money(million: float | None) -> str:
    """Billion KZT; a dash where a lever costs nothing that is known."""
    if million is None or million == 0.0:
        return "-"
    return f"{million / 1e3:,.2f}"
