"""Refusals in the reader's language: what is wrong with a policy file, a scenario or a request.

The readers of scenario files write their findings in English, one a line, as `where: what is wrong; hint`. They are
recognised here by their patterns and said again by the catalogues: the page and the brief then speak one language,
and the command line stays as it is. Names of keys, files and places are left as a file writes them, with the words of
the page beside them. `tests/test_language_refusals.py` reads the sources for messages that no pattern knows.
"""

from __future__ import annotations

import re
import string
from functools import cache

from experiments.language import Language, language, mark
from experiments.language_schema import KEYS, KINDS

ENDED = mark("The model's process has ended unexpectedly. Change something or press Run to start it again.")
TOO_LARGE = mark("The file is too large: at most {kb} kB.")
# Values of these fields are patterns themselves; all others are shown as they are.
NESTED = frozenset(("subject", "what", "detail"))
HEAD = re.compile(r"(?P<subject>.+): (?P<count>\d+) problems?")
HINT = re.compile(
    r"(?P<body>.+)(?P<hint>; (?:nearest valid name: '[^']*'|valid names: [^;]+|expected one of [^;]+"
    r"|or give the path .+))"
)
SUBJECTS = (
    mark("policy '{name}'"),
    mark("future '{name}'"),
    mark("scenario file {file}"),
    mark("policy '{policy}', future '{future}' in world '{world}' up to {horizon}"),
)
HINTS = (
    mark("; nearest valid name: '{name}'"),
    mark("; valid names: {names}"),
    mark("; expected one of {names}"),
    mark("; or give the path of a .toml file (qyzyljar scenarios list)"),
)
EXPECTED = (
    mark("a finite number"),
    mark("a whole number"),
    mark("a number"),
    mark("a text in quotes"),
    mark("a list in brackets"),
    mark("a table"),
    mark("more than {limit}"),
    mark("at least {limit}"),
    mark("less than {limit}"),
    mark("at most {limit}"),
    mark("at least {count} character"),
    mark("at most {count} characters"),
    mark("at least {count} entry"),
    mark("at most {count} entries"),
    mark("1 to 60 letters A-Z, a-z, digits, '_' or '-'"),
)
FILES = (
    mark("is a folder, expected a .toml file"),
    mark("no such file"),
    mark("{size} bytes, a scenario file has at most {most}"),
    mark("{size} bytes, a policy file has at most {most}"),
    mark("a policy file has at most {bytes} bytes"),
    mark("cannot be read ({reason})"),
    mark("not UTF-8 text, expected a TOML file"),
    mark("line {line}: not UTF-8 text, expected a TOML file"),
    mark("not a readable TOML file: {detail}"),
    mark("tables or lists are nested too deeply"),
    mark("{detail} (at line {line}, column {column})"),
    mark("{detail} (at end of document)"),
    mark("the name of a scenario file must not contain '@', it stands before a future"),
    mark("extends or combines goes in a circle: {circle}"),
    mark("more than {count} files build on each other"),
    mark("builds on {name}; an uploaded file can build on shipped policies only: {names}"),
    mark("is a {given}, expected a {wanted}"),
    mark("unknown policy '{name}'"),
    mark("unknown future '{name}'"),
    mark("unknown policy '{name}'; '{name_again}' is a future"),
    mark("unknown future '{name}'; '{name_again}' is a policy"),
    mark("scenario '{name}': expected POLICY or POLICY@FUTURE"),
)
KEYS_AND_VALUES = (
    mark("is missing"),
    mark("is missing; expected 'policy' or 'future'"),
    mark("unknown kind {kind}; expected 'policy' or 'future'"),
    mark("unknown key '{key}'"),
    mark("unknown key '{key}'; it is a lever of a {other}, this is a {this}"),
    mark("unknown value '{value}'; expected {names}"),
    mark("expected {what}, got {value}"),
    mark("input should be a valid integer, got a number with a fractional part, got {value}"),
    mark("input should be {what}, got {value}"),
    mark("expected a table {form}, got {value}"),
    mark("expected a named lever, {form} with its keys, got {value}"),
    mark("nothing named {name} is inherited"),
    mark("unknown group of places '{name}'"),
)
LEVERS = (
    mark("{last} lies before 'from', {first}"),
    mark("expected level_factor other than 1 or growth other than 0"),
    mark("status 'never_created' contradicts {keys}: a zone that never was has none"),
    mark("{keys} needs status = 'as_declared', the zone is 'as_realised'"),
    mark("full_year {full} lies before year {year}"),
    mark("last_year {last} lies before year {year}"),
    mark("last_year goes with launch = 'hazard'; a certain project starts in its year"),
    mark("full_year goes with launch = 'certain'; by hazard all jobs come at the launch"),
    mark("expected exactly one of km_a_year, million_kzt_a_year, share_a_year, got {keys}"),
    mark("km_a_year needs one network (heat, water, sewer, road), got 'all'"),
    mark("expected flats_built_a_year, flats_reused_a_year or rent_discount above 0"),
    mark(
        "contradictory levers: [{one}] sets {values} and [{two}] sets {others} in {where}; keep one of them"
    ),
    mark(
        "contradictory levers: [{one}] belongs to the zone qyzyljar, which status 'never_created' leaves out"
    ),
    mark("contradictory levers: [qyzyljar] is set differently by {names}"),
    mark("contradictory levers: [{item}] of '{one}' and of '{two}' differ"),
    mark(
        "contradictory levers: [{item}] is {values} in '{name}' and {others} in another of them; write [{again}] here "
        "with what is meant"
    ),
)
FIT = (
    mark("year {year} lies outside the horizon {horizon}; expected at most {latest}"),
    mark("year {year} lies outside {first} to {last}"),
    mark("{year} lies outside {first} to {last}: after the record, before the horizon"),
    mark("year {year} lies outside the run, which goes from {first} to {last} (horizon 1 January {horizon})"),
    mark("world '{world}' has no place of the group {group}"),
    mark("world '{world}' has no place '{place}'"),
    mark("'{place}' has no labour market in world '{world}', jobs there would move nothing"),
    mark(
        "'{place}' is only seen from outside in world '{world}', this lever needs a simulated place: {places}"
    ),
)
REQUESTS = (
    ENDED,
    TOO_LARGE,
    mark("... and {count} more"),
    mark("{count} scenarios: expected 1 to {most}"),
    mark("{count} runs: expected 2 to {most}"),
    mark("run {run}: expected 0 to {most}"),
    mark("no run is open"),
    mark("no simulated place of world '{world}'"),
    mark("the horizon {year} is reached"),
    mark(
        "the last 1 January reported must lie in {first} to {last} (world '{world}' starts on 1 January {start})"
    ),
    mark("brief: expected at least one POLICY (qyzyljar scenarios list)"),
    mark("unexpected failure, please report it: {what}"),
)
# Not refusals, but of the same kind: what `experiments/parameter_source.py` says of the parameters.
PARAMETERS = (
    mark("declared priors (no posterior comes with world '{world}')"),
    mark("declared priors (--parameters prior)"),
    mark("posterior of world '{world}'"),
    mark("posterior of world '{world}' that believes the recorded migration balances"),
    mark("draws of {path}"),
    mark("{detail} ({draws} draws of {parameters} parameters, the others from their priors)"),
    mark("{detail}; the world's data have changed since it was made: 'qyzyljar calibrate' makes it anew"),
)
# What Python's reader of TOML says.
TOML = (
    mark("Invalid initial character for a key part"),
    mark("Invalid value"),
    mark("Invalid statement"),
    mark("Invalid hex value"),
    mark("Invalid date or datetime"),
    mark("Found invalid character {char}"),
    mark("Illegal character {char}"),
    mark("Cannot declare {key} twice"),
    mark("Cannot mutate immutable namespace {key}"),
    mark("Cannot redefine namespace {key}"),
    mark("Cannot overwrite a value"),
    mark("Expected {char}"),
    mark("Expected '=' after a key in a key/value pair"),
    mark("Expected ']' at the end of a table declaration"),
    mark("Expected ']]' at the end of an array declaration"),
    mark("Expected newline or end of document after a statement"),
    mark("Escaped character is not a Unicode scalar value"),
    mark("Unescaped '\\' in a string"),
    mark("Unterminated string"),
    mark("Unclosed array"),
    mark("Unclosed inline table"),
    mark("Duplicate inline table key {key}"),
)


def refusal(lang: Language, message: str) -> str:
    """A refusal in the reader's language, line by line; a line that no pattern knows stays as it is."""
    return "\n".join(_line(lang, line) for line in message.split("\n"))


def known(text: str) -> bool:
    """Whether a pattern knows a finding."""
    return _said(language("en"), text) is not None


def _line(lang: Language, line: str) -> str:
    text = line.lstrip()
    indent = line[: len(line) - len(text)]
    head = HEAD.fullmatch(text)
    if head is not None and _said(lang, head["subject"]) is not None:
        subject, count = _said(lang, head["subject"]), int(head["count"])
        words = lang.plural(
            "{subject}: {count} problem", "{subject}: {count} problems", count, subject=subject
        )
        return indent + words
    said = _said(lang, text)
    if said is not None:
        return indent + said
    # Where it is stands before what is wrong; a file's name or a value may itself hold a colon
    for at in (match.start() for match in re.finditer(": ", text)):
        said = _said(lang, text[at + 2 :])
        if said is not None:
            return f"{indent}{_where(lang, text[:at])}: {said}"
    return line


def _where(lang: Language, place: str) -> str:
    """File and key, with the words of the page for the key."""
    key = place.rsplit(": ", 1)[-1].split(".")
    if key[0] not in KINDS:
        return place
    words = [lang.text(KINDS[key[0]])]
    words += [lang.text(KEYS[part][0]) for part in key[1:] if part in KEYS]
    return f"{place} ({', '.join(words)})"


def _said(lang: Language, text: str) -> str | None:
    """A finding in the reader's language; None where no pattern knows it."""
    parted = HINT.fullmatch(text)
    if parted is not None:
        body, hint = _said(lang, parted["body"]), _by_pattern(lang, parted["hint"])
        return None if body is None or hint is None else body + hint
    return _by_pattern(lang, text)


def _by_pattern(lang: Language, text: str) -> str | None:
    """The first pattern that fits, with all that it holds inside."""
    for pattern, expression in _patterns():
        found = expression.fullmatch(text)
        if found is None:
            continue
        values: dict[str, str | None] = dict(found.groupdict())
        values |= {name: _said(lang, found[name]) for name in NESTED & values.keys()}
        if "what" in values:  # a list of names, of an enumeration, is no pattern
            values["what"] = values["what"] or found["what"]
        if (draws := values.get("draws")) and draws.isdigit():
            values["draws"] = lang.number(int(draws), 0)
        if None not in values.values():
            return lang.text(pattern, **values) if values else lang.text(pattern)
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """All patterns, those with most fixed letters first: the closest one is meant."""
    tables = (SUBJECTS, HINTS, EXPECTED, FILES, KEYS_AND_VALUES, LEVERS, FIT, REQUESTS, PARAMETERS, TOML)
    held = [(pattern, *_expression(pattern)) for table in tables for pattern in table]
    held.sort(key=lambda one: -one[2])
    return tuple((pattern, expression) for pattern, expression, _ in held)


def _expression(pattern: str) -> tuple[re.Pattern[str], int]:
    """The regular expression of a pattern, and how many letters it fixes."""
    text, fixed = "", 0
    for literal, name, _, _ in string.Formatter().parse(pattern):
        text += re.escape(literal)
        fixed += len(literal)
        if name is not None:
            text += f"(?P<{name}>.+?)"
    return re.compile(text), fixed
