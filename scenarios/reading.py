"""Reading scenario files: TOML, what they build on, their levers put together and checked, all errors at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from model.problems import nearest
from scenarios.composition import contradictions
from scenarios.envelope import LANGUAGES, LEVERS, Envelope, Words, envelope_keys
from scenarios.future_levers import FutureLevers
from scenarios.library import Kind, path_of
from scenarios.partial import lever_type, partial_levers
from scenarios.policy import Future, Policy
from scenarios.policy_levers import PolicyLevers
from scenarios.problems import Findings, ScenarioError

LARGEST_FILE = 1_000_000  # bytes; the largest of the library has some thousand
LONGEST_CHAIN = 20
# Pydantic's findings in plain words.
_EXPECTED = {
    "finite_number": "a finite number",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "too_short": "at least {min_length} entry",
    "too_long": "at most {max_length} entries",
    "string_pattern_mismatch": "1 to 60 letters A-Z, a-z, digits, '_' or '-'",
}
ItemKey = tuple[str, str]  # kind of lever and its name; the one zone has no name


class _Gathered:
    """The levers of a file and of all it builds on, not yet validated, with the file each value came from."""

    def __init__(self) -> None:
        self.items: dict[ItemKey, dict[str, Any]] = {}
        self.origin: dict[tuple[str, ...], Path] = {}
        self.sources: list[str] = []
        self.assumptions: list[str] = []


def load_policy(name_or_path: str) -> Policy:
    """Read a policy by its name in the library, or by the path of a .toml file.

    Raises:
        ScenarioError: lists every problem of the file and of those it builds on.

    Example:
        >>> from scenarios.reading import load_policy
        >>> policy = load_policy("settlers")
        >>> policy.title("en"), policy.levers.settlers["families"].families_a_year
        ("Settlers' programme above the baseline", 10)
    """
    policy = _Reader(f"policy '{name_or_path}'", "policy").read(name_or_path)
    assert isinstance(policy, Policy)
    return policy


def load_future(name_or_path: str) -> Future:
    """Read a future by its name in the library, or by the path of a .toml file.

    Raises:
        ScenarioError: lists every problem of the file and of those it builds on.

    Example:
        >>> from scenarios.reading import load_future
        >>> load_future("drought").title("en")
        'Droughts'
    """
    future = _Reader(f"future '{name_or_path}'", "future").read(name_or_path)
    assert isinstance(future, Future)
    return future


def kind_of(path: Path) -> Kind:
    """Whether a file says that it is a policy or a future.

    Raises:
        ScenarioError: it cannot be read, or says neither.
    """
    reader = _Reader(f"scenario file {path}", "policy")
    raw = reader.parse(path)
    reader.findings.raise_if_any()
    assert raw is not None
    kind = raw.get("kind")
    if kind not in LEVERS:
        missing = "is missing" if kind is None else f"unknown kind {_shown(kind)}"
        raise ScenarioError(
            f"scenario file {path}: 1 problem\n  {path}: kind: {missing}; expected 'policy' or 'future'"
        )
    return "policy" if kind == "policy" else "future"


def split_name(text: str) -> tuple[str, str]:
    """Policy and future of `policy` or `policy@future`; an absent future is the reference.

    Raises:
        ScenarioError: more than one @, or nothing on one side of it.
    """
    policy, at, future = text.partition("@")
    if not policy or (at and not future) or "@" in future:
        raise ScenarioError(f"scenario '{text}': expected POLICY or POLICY@FUTURE")
    return policy, future or "reference"


class _Reader:
    """Reads one scenario with all it builds on; collects the problems of all these files."""

    def __init__(self, subject: str, kind: Kind) -> None:
        self.findings = Findings(subject)
        self.kind: Kind = kind
        self.files: list[Path] = []
        self._hash = hashlib.sha256()
        self._known: dict[Path, tuple[_Gathered, Envelope | None]] = {}

    def read(self, name_or_path: str) -> Policy | Future:
        """The scenario.

        Raises:
            ScenarioError: lists every problem; its `partial` is what could be read all the same.
        """
        path = path_of(name_or_path, self.kind)
        gathered, envelope = self._gather(path, ())
        levers, whole = self._validated(gathered, path)
        if whole and isinstance(levers, PolicyLevers):
            for text in contradictions(levers):
                self.findings.at(path, (), text)
        if "@" in path.stem:
            self.findings.at(
                path, (), "the name of a scenario file must not contain '@', it stands before a future"
            )
        words: dict[str, Any] = {
            "name": path.stem,
            "titles": _by_language(envelope.title if envelope else None),
            "descriptions": _by_language(envelope.description if envelope else None),
            "sources": tuple(dict.fromkeys(gathered.sources)),
            "assumptions": tuple(dict.fromkeys(gathered.assumptions)),
            "digest": self._hash.hexdigest(),
            "files": tuple(self.files),
        }
        scenario = (
            Policy(**words, levers=levers)
            if isinstance(levers, PolicyLevers)
            else Future(**words, levers=levers)
        )
        self.findings.raise_if_any(scenario)
        return scenario

    def parse(self, path: Path) -> dict[str, Any] | None:
        """The tables of a TOML file, or None with a problem noted."""
        text = self._text(path)
        if text is None:
            return None
        try:
            return tomllib.loads(text)
        except RecursionError:
            self.findings.at(path, (), "not a readable TOML file: tables or lists are nested too deeply")
        except ValueError as error:
            self.findings.at(path, (), f"not a readable TOML file: {error}")
        return None

    def _text(self, path: Path) -> str | None:
        try:
            if path.is_dir():
                self.findings.at(path, (), "is a folder, expected a .toml file")
                return None
            if not path.is_file():
                siblings = [file.name for file in path.parent.glob("*.toml")] if path.parent.is_dir() else []
                self.findings.at(path, (), "no such file" + nearest(path.name, siblings))
                return None
            size = path.stat().st_size
            if size > LARGEST_FILE:
                self.findings.at(path, (), f"{size:,} bytes, a scenario file has at most {LARGEST_FILE:,}")
                return None
            content = path.read_bytes()
        except OSError as error:
            self.findings.at(path, (), f"cannot be read ({error.strerror})")
            return None
        self.files.append(path)
        self._hash.update(f"{path.name}\0{len(content)}\0".encode())
        self._hash.update(content)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.findings.at(path, (), f"line {line}: not UTF-8 text, expected a TOML file")
            return None

    def _gather(self, path: Path, chain: tuple[Path, ...]) -> tuple[_Gathered, Envelope | None]:
        """Levers of a file laid over those it builds on; a file that several build on is read once."""
        known = self._known.get(path.resolve())
        if known is None:
            known = self._gather_anew(path, chain)
            self._known[path.resolve()] = known
        return known

    def _gather_anew(self, path: Path, chain: tuple[Path, ...]) -> tuple[_Gathered, Envelope | None]:
        gathered = _Gathered()
        if path.resolve() in [file.resolve() for file in chain]:
            circle = " -> ".join(file.name for file in (*chain, path))
            self.findings.at(chain[-1], (), f"extends or combines goes in a circle: {circle}")
            return gathered, None
        if len(chain) >= LONGEST_CHAIN:
            self.findings.at(path, ("extends",), f"more than {LONGEST_CHAIN} files build on each other")
            return gathered, None
        raw = self.parse(path)
        if raw is None:
            return gathered, None
        envelope = self._envelope(path, raw)
        if envelope is not None and envelope.kind != self.kind:
            self.findings.at(path, ("kind",), f"is a {envelope.kind}, expected a {self.kind}")
            return gathered, None
        self._inherit(gathered, raw, path, (*chain, path))
        self._remove(gathered, raw, path)
        self._lay_over(gathered, raw, path)
        if envelope is not None:
            gathered.sources.extend(envelope.sources)
            gathered.assumptions.extend(envelope.assumptions)
        return gathered, envelope

    def _envelope(self, path: Path, raw: Mapping[str, Any]) -> Envelope | None:
        keys, levers = envelope_keys(), tuple(LEVERS[self.kind].model_fields)
        for key in raw:
            if key not in keys and key not in levers:
                hint = nearest(key, (*keys, *levers)) or "; expected one of " + ", ".join(levers)
                other = "future" if self.kind == "policy" else "policy"
                if key in LEVERS[other].model_fields:
                    hint = f"; it is a lever of a {other}, this is a {self.kind}"
                self.findings.at(path, (key,), f"unknown key '{key}'{hint}")
        try:
            return Envelope.model_validate({key: value for key, value in raw.items() if key in keys})
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.findings.at(path, detail["loc"], _explain(detail, Envelope))
            return None

    def _inherit(
        self, gathered: _Gathered, raw: Mapping[str, Any], path: Path, chain: tuple[Path, ...]
    ) -> None:
        """Take over the levers of the files that `extends` and `combines` name; equal ones are taken once."""
        combined = raw.get("combines", ())
        parents = [("extends", raw.get("extends"))]
        parents += [("combines", name) for name in combined] if isinstance(combined, list) else []
        for key, name in parents:
            if not isinstance(name, str):
                continue
            try:
                parent, envelope = self._gather(path_of(name, self.kind, path.parent), chain)
            except ScenarioError as error:
                self.findings.at(path, (key,), str(error))
                continue
            if envelope is None:
                continue
            for item, values in parent.items.items():
                held = gathered.items.setdefault(item, values)
                if held != values and not _sets(raw, item):
                    self.findings.at(
                        path,
                        (key,),
                        f"contradictory levers: [{_dotted(item)}] is {_shown(values)} in '{name}' and "
                        f"{_shown(held)} in another of them; write [{_dotted(item)}] here with what is meant",
                    )
            for place, origin in parent.origin.items():
                gathered.origin.setdefault(place, origin)
            gathered.sources.extend(parent.sources)
            gathered.assumptions.extend(parent.assumptions)

    def _remove(self, gathered: _Gathered, raw: Mapping[str, Any], path: Path) -> None:
        remove = raw.get("remove", ())
        for name in remove if isinstance(remove, list) else ():
            kind, _, item = name.partition(".") if isinstance(name, str) else ("", "", "")
            if gathered.items.pop((kind, item), None) is None:
                valid = [_dotted(key) for key in gathered.items]
                self.findings.at(
                    path, ("remove",), f"nothing named {_shown(name)} is inherited{nearest(str(name), valid)}"
                )

    def _lay_over(self, gathered: _Gathered, raw: Mapping[str, Any], path: Path) -> None:
        """Lay a file's own levers over the inherited ones: key by key within a lever of the same name."""
        for kind in LEVERS[self.kind].model_fields:
            table = raw.get(kind)
            if table is None:
                continue
            if not isinstance(table, dict):
                form = "[qyzyljar]" if kind == "qyzyljar" else f"[{kind}.NAME]"
                self.findings.at(path, (kind,), f"expected a table {form}, got {_shown(table)}")
                continue
            named = {"": table} if kind == "qyzyljar" else table
            for name, values in named.items():
                if not isinstance(values, dict):
                    self.findings.at(
                        path,
                        (kind, name),
                        f"expected a named lever, [{kind}.NAME] with its keys, got {_shown(values)}",
                    )
                    continue
                item = (kind, name)
                gathered.items[item] = {**gathered.items.get(item, {}), **values}
                gathered.origin.setdefault((kind, *([name] if name else [])), path)
                for key in values:
                    gathered.origin[(kind, *([name] if name else []), key)] = path

    def _validated(self, gathered: _Gathered, path: Path) -> tuple[PolicyLevers | FutureLevers, bool]:
        """The levers, and whether they are whole: what is wrong in them is noted and left out."""
        tables: dict[str, Any] = {}
        for (kind, name), values in gathered.items.items():
            if name:
                tables.setdefault(kind, {})[name] = values
            else:
                tables[kind] = values
        model = LEVERS[self.kind]
        try:
            return model.model_validate(tables), True
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                loc = detail["loc"]
                if detail["type"] == "too_short" and any(_within(other["loc"], loc) for other in details):
                    continue  # a list counts as too short when its only entry is wrong
                where = next(
                    (
                        gathered.origin[tuple(str(part) for part in loc[:depth])]
                        for depth in range(len(loc), 0, -1)
                        if tuple(str(part) for part in loc[:depth]) in gathered.origin
                    ),
                    path,
                )
                self.findings.at(where, loc, _explain(detail, model))
            wrong = {tuple(str(part) for part in detail["loc"]) for detail in details}
            return partial_levers(model, gathered.items, wrong), False


def _by_language(words: Words | None) -> dict[str, str]:
    return {lang: getattr(words, lang) for lang in LANGUAGES} if words is not None else {}


def _within(loc: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _dotted(item: ItemKey) -> str:
    return ".".join(part for part in item if part)


def _sets(raw: Mapping[str, Any], item: ItemKey) -> bool:
    """Whether a file sets this lever itself."""
    table = raw.get(item[0])
    return isinstance(table, dict) and (not item[1] or item[1] in table)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _explain(detail: Any, model: type[BaseModel]) -> str:
    """Pydantic's finding in words that name the nearest valid key or the value given."""
    loc, kind = detail["loc"], detail["type"]
    if kind == "extra_forbidden":
        return f"unknown key '{loc[-1]}'" + (_nearest_key(str(loc[-1]), loc[:-1], model))
    if kind == "missing":
        return "is missing"
    message = detail["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return str(message)
    given = detail.get("input")
    if kind == "literal_error" and isinstance(given, str):
        expected = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        return f"unknown value '{given[:60]}'; expected {detail['ctx']['expected']}" + (
            nearest(given, expected) if len(expected) > 12 else ""
        )
    if kind in _EXPECTED:
        bounds = {name: value for name, value in detail.get("ctx", {}).items() if name != "error"}
        return f"expected {_EXPECTED[kind].format(**bounds)}, got {_shown(given)}"
    return str(message[0].lower() + message[1:]) + f", got {_shown(given)}"


def _nearest_key(name: str, loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Hint at the valid keys of the table at `loc`."""
    table: Any = model
    for part in loc:
        if part in getattr(table, "model_fields", {}):
            table = lever_type(table, str(part))
    fields = getattr(table, "model_fields", {})
    return nearest(name, [field.alias or key for key, field in fields.items()]) if fields else ""
