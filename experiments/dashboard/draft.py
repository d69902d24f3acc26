"""The policy that a user works on: started from a shipped policy or an uploaded file, changed, saved as TOML.

A draft is written whole, without `extends`: what is saved says all that it does. It is read back by the reader of the
command line (`scenarios/reading.py`), so that the page accepts exactly what `qyzyljar compare` accepts.
"""

from __future__ import annotations

import json
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scenarios.library import names
from scenarios.policy import Policy
from scenarios.problems import ScenarioError
from scenarios.reading import load_policy

LARGEST_UPLOAD = 200_000  # bytes; the largest policy of the library has some thousand
LANGS = ("en", "ru", "kk")
_ITEM = re.compile(r"[A-Za-z0-9_-]{1,60}")
Lever = dict[str, Any]


@dataclass
class Draft:
    """A policy being edited.

    Attributes:
        name: of the file, without .toml. base: the shipped policy it started from, "" for an uploaded file.
        titles, descriptions: by language. sources, assumptions: one text each.
        levers: values by key, by (kind, name); the one zone has the name "".
        changed: whether it differs from what it started from.
    """

    name: str
    base: str
    titles: dict[str, str]
    descriptions: dict[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    levers: dict[tuple[str, str], Lever] = field(default_factory=dict)
    changed: bool = False

    def set(self, kind: str, name: str, key: str, value: Any) -> None:
        """Change a value; None leaves the key out."""
        lever = self.levers[kind, name]
        if value is None:
            lever.pop(key, None)
        else:
            lever[key] = value
        self._note_change()

    def add(self, kind: str, values: Lever) -> str:
        """Pull a further lever; returns the name it was given."""
        name = ""
        if kind != "qyzyljar":
            number = 1
            while (kind, f"{kind}_{number}") in self.levers:
                number += 1
            name = f"{kind}_{number}"
        self.levers[kind, name] = dict(values)
        self._note_change()
        return name

    def remove(self, kind: str, name: str) -> None:
        """Let go of a lever."""
        del self.levers[kind, name]
        self._note_change()

    def _note_change(self) -> None:
        if not self.changed:
            self.changed = True
            self.name = f"{self.name}_changed"[:60] if self.base else self.name

    def toml(self) -> str:
        """The policy as a file that the command line accepts."""
        lines = ["schema = 1", 'kind = "policy"', ""]
        for title, table in (("sources", self.sources), ("assumptions", self.assumptions)):
            lines.append(f"{title} = {_written(list(table))}")
        for table_name, words in (("title", self.titles), ("description", self.descriptions)):
            given = {lang: words[lang] for lang in LANGS if words.get(lang)}
            if given:
                lines += [
                    "",
                    f"[{table_name}]",
                    *(f"{lang} = {_written(text)}" for lang, text in given.items()),
                ]
        for (kind, name), lever in sorted(self.levers.items()):
            lines += ["", f"[{kind}.{name}]" if name else f"[{kind}]"]
            lines += [f"{key} = {_written(value)}" for key, value in lever.items()]
        return "\n".join(lines) + "\n"

    def check(self) -> Policy:
        """Read the draft as the command line would.

        Raises:
            ScenarioError: lists every problem.
        """
        return read_text(self.name, self.toml())


def draft_of_library(name: str) -> Draft:
    """A draft that starts from a shipped policy."""
    return _draft_of(load_policy(name), name)


def draft_of_upload(file_name: str, content: bytes) -> Draft:
    """A draft from a file that somebody uploaded: data, bounded in size, which can name shipped policies only.

    Raises:
        ScenarioError: too large, not a policy, or it builds on files of this computer; lists every problem.
    """
    if len(content) > LARGEST_UPLOAD:
        raise ScenarioError(
            f"{file_name}: {len(content):,} bytes, a policy file has at most {LARGEST_UPLOAD:,}"
        )
    try:
        text = content.decode("utf-8-sig")
        raw = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ScenarioError(f"{file_name}: not UTF-8 text, expected a TOML file") from None
    except (ValueError, RecursionError) as error:
        raise ScenarioError(f"{file_name}: not a readable TOML file: {error}") from None
    _refuse_foreign_files(file_name, raw)
    stem = Path(file_name).stem
    name = stem if _ITEM.fullmatch(stem) else "uploaded"
    return _draft_of(read_text(name, text), "")


def _refuse_foreign_files(file_name: str, raw: Mapping[str, Any]) -> None:
    combined = raw.get("combines")
    wanted = [raw.get("extends"), *(combined if isinstance(combined, list) else ())]
    shipped = names("policy")
    for one in wanted:
        if one is not None and one not in shipped:
            raise ScenarioError(
                f"{file_name}: builds on {str(one)[:60]!r}; an uploaded file can build on shipped policies only: "
                + ", ".join(shipped)
            )


def read_text(name: str, text: str) -> Policy:
    """Read the text of a policy file. Raises ScenarioError with every problem, which names the file alone."""
    with tempfile.TemporaryDirectory(prefix="qyzyljar-") as folder:
        path = Path(folder) / f"{name}.toml"
        path.write_text(text, encoding="utf-8", newline="\n")
        try:
            return load_policy(str(path))
        except ScenarioError as error:
            raise ScenarioError(str(error).replace(str(path), path.name)) from None


def _draft_of(policy: Policy, base: str) -> Draft:
    levers: dict[tuple[str, str], Lever] = {}
    if not policy.levers.qyzyljar.neutral:
        levers["qyzyljar", ""] = _values(policy.levers.qyzyljar)
    for kind, name, lever in policy.levers.items():
        levers[kind, name] = _values(lever)
    return Draft(
        policy.name,
        base,
        {lang: policy.title(lang) for lang in LANGS},
        {lang: policy.description(lang) for lang in LANGS},
        policy.sources,
        policy.assumptions,
        levers,
    )


def _values(lever: Any) -> Lever:
    """What a file gives for a lever, by the keys of the file."""
    given: Lever = lever.model_dump(by_alias=True, exclude_unset=True, exclude_none=True)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}


def _written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_written(one) for one in value) + "]"
    return repr(value)
