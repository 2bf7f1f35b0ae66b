"""The house as its imports have it: rooms in order, doors, no circles, one name for a thing."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Rooms from the lowest to the highest: each may import from those before it. What lies at a
#: package's root comes last, but for what lies below all.
ROOMS = {
    "classifier": ("values", "pages", "attribution", "sources", "models", "render"),
    "training": (
        *("corpora", "data", "labels", "baseline", "transformer", "registry"),
        *("recipes", "calibrate", "making", "options", "commands"),
    ),
    "eval": (
        *("rows", "figures", "compare", "studies", "suite", "release", "report", "grid"),
        "commands",
    ),
    "batch": ("reading",),
    "service": (),
    "annotation": ("formats", "picking", "commands"),
    "upkeep": ("shelf", "promotion", "calibration", "drift", "commands"),
}
BELOW_ALL = {
    *("classifier", "classifier.errors", "classifier.taxonomy", "classifier.runtime"),
    *("training", "batch", "batch.schema", "batch.folder"),
}
MOST_ENTRIES = {
    "classifier": 19,
    "training": 12,
    "eval": 11,
    "batch": 19,
    "service": 19,
    "annotation": 12,
    "upkeep": 12,
}

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in (*ROOMS, "framescope")
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}


def imported(tree: ast.AST) -> Iterator[str]:
    """Our modules that a module names, wherever it does: for types, and inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in FILES)
        elif isinstance(node, ast.ImportFrom) and node.module in FILES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in FILES else node.module


IMPORTS = {name: set(imported(tree)) for name, tree in TREES.items()}


def room(module: str) -> str | None:
    """The room a module lies in; None at a package's root."""
    package, *rest = module.split(".")
    if not rest or rest[0] not in ROOMS.get(package, ()):
        return None
    name = f"{package}.{rest[0]}"
    return name if FILES[name].name == "__init__.py" else None


def folder(module: str) -> str:
    return module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]


def height(module: str) -> int:
    """How high a module lies in its package."""
    package, *rest = module.split(".")
    if module in BELOW_ALL or not rest:
        return -1
    order = ROOMS[package]
    return order.index(rest[0]) if rest[0] in order else len(order)


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Some circle of a graph, or an empty list."""
    done: set[str] = set()

    def walk(node: str, path: list[str]) -> list[str]:
        if node in path:
            return path[path.index(node) :]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := walk(following, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in graph if (found := walk(node, []))), [])


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
    assert circle({"a": {"b", "c"}, "b": {"c"}}) == []


def test_every_room_is_there_and_says_what_it_is() -> None:
    for package, rooms in ROOMS.items():
        for name in rooms:
            docstring = ast.get_docstring(TREES[f"{package}.{name}"]) or ""
            assert len(docstring) > 60, f"{package}.{name}"


def test_no_room_imports_from_one_above_it() -> None:
    wrong = {
        (name, found)
        for name, names in IMPORTS.items()
        for found in names
        if name.split(".")[0] == found.split(".")[0] in ROOMS and height(found) > height(name)
    }
    assert wrong == set()


def test_nobody_imports_past_a_door() -> None:
    wrong = {
        (name, found)
        for name, names in IMPORTS.items()
        for found in names
        if room(found) not in (None, room(name)) and found != room(found)
    }
    assert wrong == set()


def test_a_door_gives_what_others_ask_for_and_no_more() -> None:
    asked = defaultdict(set)
    for importer, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module != room(importer):
                asked[node.module].update(alias.name for alias in node.names)
    for name in filter(room, FILES):
        if name == room(name) and not name.endswith(".commands"):
            given = {
                alias.asname or alias.name
                for node in TREES[name].body
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            assert given == asked[name], name


def test_there_is_no_circle_between_modules() -> None:
    assert circle(IMPORTS) == []


def test_there_is_no_circle_between_folders() -> None:
    # The root of a package holds what lies below all rooms and what lies above them: it is no step.
    graph = defaultdict(set)
    for name, names in IMPORTS.items():
        if FILES[name].name == "__init__.py":
            continue  # a door knows what lies behind it
        for found in names - BELOW_ALL:
            if folder(found) != folder(name):
                graph[folder(name)].add(folder(found))
    assert circle(graph) == []


def test_no_public_class_stands_twice() -> None:
    classes = Counter(
        node.name
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, times in classes.items() if times > 1] == []


def test_no_name_of_a_module_stands_three_times() -> None:
    names = Counter(path.name for path in FILES.values() if path.name != "__init__.py")
    assert [name for name, times in names.items() if times > 2] == []


@pytest.mark.parametrize("package", MOST_ENTRIES)
def test_a_package_is_taken_in_at_a_look(package) -> None:
    entries = {path.name for path in (ROOT / package).iterdir()} - {"__pycache__"}
    assert len(entries) <= MOST_ENTRIES[package]
