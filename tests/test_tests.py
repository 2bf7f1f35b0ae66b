"""What tests keep to: none stands on another test, and none waits for a clock."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TREES = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted(TESTS.glob("*.py"))}
# A clock tells how busy the machine is; `make bench` reads it, and counts and sizes are tested.
CLOCKS = {"time", "timeit", "resource", "pyperf"}


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, wherever it does, and what it takes from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_test(module: str) -> bool:
    return module.removeprefix("tests.").partition(".")[0].startswith("test_")


@pytest.mark.parametrize("name", TREES)
def test_no_test_is_imported(name):
    assert [module for module in imported(TREES[name]) if is_test(module)] == []


MEASURE = {"bench", "memory", "throughput"}
# What a damaged input may take at most is a promise, and far from what any takes; those who start
# processes wait for them, and not for ever.
MAY = {
    *("test_mutations", "batches", "test_batch_cluster", "test_batch_kills", "test_batch_run"),
    *("test_batch_inputs", "test_service", "test_service_crowd"),
}


@pytest.mark.parametrize("name", sorted(TREES.keys() - MEASURE - MAY))
def test_no_clock_is_read(name):
    tops = {module.partition(".")[0] for module in imported(TREES[name])}
    assert tops & CLOCKS == set()


def test_both_rules_see_what_they_forbid():
    found = set(imported(ast.parse("def f():\n    from test_html import ROWS\nimport time as t")))
    assert {"test_html", "time"} <= found
    assert is_test("test_html")
    assert not is_test("tests.browser")
