"""Examples in docstrings run, and everything that `docs/api.md` shows has one."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs import DOCS, blocks

PACKAGES = ("model", "scenarios", "calibration", "experiments")
# Names of api.md that need no example of their own: a table of names, and a module shown by its functions
PLAIN = {"COLUMN_NAMES", "COLUMNS_NEEDED", "draws"}


def public_interface(page: Path) -> dict[str, Any]:
    """Everything that the Python of a page imports from the project, by full name."""
    found = {}
    for block in blocks(page):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in PACKAGES:
                for alias in node.names:
                    if alias.name not in PLAIN:
                        module = importlib.import_module(str(node.module))
                        found[f"{node.module}.{alias.name}"] = getattr(module, alias.name)
    return found


INTERFACE = public_interface(DOCS / "api.md")


def examples_of(name: str, thing: Any) -> list[doctest.DocTest]:
    """Examples in the docstrings of a thing and, of a class, of its methods."""
    found = doctest.DocTestFinder(exclude_empty=True, recurse=True).find(thing, name, globs={})
    return [test for test in found if test.examples]


def run(test: doctest.DocTest) -> tuple[int, str]:
    """Number of failures of a docstring's examples and what was printed about them."""
    told: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=told.append)
    return result.failed, "".join(told)


def test_the_page_shows_the_interface() -> None:
    assert len(INTERFACE) >= 20
    assert {name.split(".")[0] for name in INTERFACE} == set(PACKAGES)


@pytest.mark.parametrize("name", sorted(INTERFACE))
def test_examples_in_docstrings_run(name: str) -> None:
    tests = examples_of(name, INTERFACE[name])
    assert tests, f"{name} has no example in its docstring"
    for test in tests:
        failed, told = run(test)
        assert not failed, told


@pytest.mark.parametrize("name", [name for name in sorted(INTERFACE) if inspect.isroutine(INTERFACE[name])])
def test_what_can_refuse_its_input_says_so(name: str) -> None:
    function = INTERFACE[name]
    raises = [
        node for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Raise)
    ]
    assert not raises or "Raises:" in (inspect.getdoc(function) or ""), name


def test_a_wrong_example_fails() -> None:
    text = ">>> 1 + 1\n3\n"
    test = doctest.DocTestParser().get_doctest(text, {}, "wrong", None, None)
    failed, told = run(test)
    assert failed == 1
    assert "Expected" in told
