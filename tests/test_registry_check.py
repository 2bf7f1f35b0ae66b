"""The shipped registry keeps its schema; what would break a look-up is an error."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry.check import Flaw, ambiguous_names, problems
from framescope.classifier.outlets.registry.lookup import look_up
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.tables import Tables, shipped
from framescope.classifier.records.outlet import Role

from tools.registry.merge import read_hand
from tools.registry.owners import Owners


@pytest.fixture(scope="module")
def found() -> list[Flaw]:
    return problems()


def test_the_shipped_registry_has_no_errors(found: list[Flaw]) -> None:
    assert [problem for problem in found if problem.level == "error"] == []


def test_ambiguity_is_told(found: list[Flaw]) -> None:
    subjects = {(problem.kind, problem.subject) for problem in found}
    assert ("ambiguous", "daily news") in subjects


def test_the_registry_is_as_large_as_it_is_said_to_be() -> None:
    tables = Tables()
    outlets = [line.split("\t") for line in tables.lines("outlets")]
    assert len(outlets) >= 1500
    roles = {role for _, _, role, *_ in outlets}
    assert roles == set(Role)
    size = sum(path.stat().st_size for path in shipped().glob("*.tsv"))
    assert size < 12_000_000


def test_every_outlet_by_hand_is_shown_by_its_own_name() -> None:
    lines = Tables().outlet_lines
    assert {(draft.id, draft.name) for draft in read_hand(Owners())} <= {
        (id, line.split("\t")[1]) for id, line in lines.items()
    }


@pytest.mark.parametrize(
    ("query", "id"),
    [
        *(("Fox News", "fox-news"), ("foxnews.com", "fox-news")),
        *(("Fox Business", "fox-business"), ("foxbusiness.com", "fox-business")),
        *(("+972 Magazine", "972-magazine"), ("Local Call", "local-call")),
        *(("Alhurra", "alhurra"), ("mbn.us", "middle-east-broadcasting-networks")),
        *(("Ethiopian Herald", "the-ethiopian-herald"), ("Addis Zemen", "addis-zemen")),
        *(("Ynet", "ynet"), ("Yedioth Ahronoth", "yedioth-ahronoth")),
        *(("Mail on Sunday", "mail-on-sunday"), ("Daily Mail", "daily-mail")),
    ],
)
def test_sister_titles_are_outlets_of_their_own(query: str, id: str) -> None:
    assert [outlet.id for outlet in look_up(Registry(Tables()), query).outlets] == [id]


@pytest.mark.parametrize("name", ["the times", "mirror", "zvezda", "herald", "standard"])
def test_common_names_are_listed_as_ambiguous(name: str) -> None:
    assert name.removeprefix("the ") in ambiguous_names(shipped())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few outlets of the shipped tables, which is all that a broken row needs beside it."""
    folder = tmp_path_factory.mktemp("small") / "data"
    folder.mkdir()
    kept = {"reuters", "tass", "kyodo-news"}
    for path in shipped().glob("*.tsv"):
        title, columns, *lines = path.read_text(encoding="utf-8").splitlines()
        if columns.startswith("id"):
            lines = [line for line in lines if line.split("\t")[0] in kept]
        elif path.stem == "sites":
            lines = []
        path = folder / path.name
        path.write_text("\n".join([title, columns, *lines]) + "\n", encoding="utf-8")
    return folder


Edit = Callable[[list[str]], list[str]]


def row(*cells: str) -> Edit:
    return lambda lines: sorted([*lines, "\t".join(cells)])


# What is added to a table of the shipped registry, and the error that it must give.
BREAKING = [
    ("outlets", row("new", "", "publisher", "agency", "GB", ""), "schema", "name: is empty"),
    ("outlets", row("New", "N", "publisher", "agency", "GB", ""), "schema", "lower-case ASCII"),
    ("outlets", row("new", "N1x", "paper", "agency", "GB", ""), "schema", "role: 'paper'"),
    ("outlets", row("new", "N1x", "publisher", "agency", "UK", ""), "schema", "ISO 3166-1"),
    ("outlets", row("new", "N1x", "publisher", "agency", "GB", "130879"), "schema", "no QID"),
    ("outlets", row("new", "N1x", "publisher", "agency", "GB", "Q130879"), "duplicate", "QID of"),
    (
        "outlets",
        row("new", "Kyodo News", "publisher", "agency", "JP", ""),
        "duplicate",
        "is a name",
    ),
    ("outlets", row("new", "  N1x", "publisher", "agency", "GB", ""), "schema", "has spaces"),
    ("names", row("reuters", "Zvezda", "alias", "", ""), "ambiguous", "not marked"),
    ("names", row("reuters", "Reuters", "alias", "", ""), "dead alias", "main name as well"),
    ("names", row("reuters", "--", "alias", "", ""), "dead alias", "has no letter"),
    ("names", row("reuters", "Reutersky", "nickname", "", ""), "schema", "kind: 'nickname'"),
    ("names", row("reuters", "Reutersky", "alias", "english", "yes"), "schema", "ambiguous: 'yes'"),
    ("names", row("nobody", "Nobody", "alias", "", ""), "schema", "no outlet is 'nobody'"),
    ("domains", row("reuters", "co.uk", "edition"), "host", "public suffix"),
    ("domains", row("reuters", "tass.com", "edition"), "duplicate", "is the host of"),
    ("domains", row("reuters", "WWW.Reuters.test/x", "edition"), "schema", "is no host"),
    ("domains", row("reuters", "reuters.example.com", "main"), "duplicate", "main hosts"),
    (
        "assessments",
        row("reuters", "reliability", "good", "W", "https://w.org/x", "2023", "0.8"),
        "schema",
        "'good' is no rating",
    ),
    (
        "assessments",
        row("reuters", "reliability", "no_consensus", "W", "w.org", "2023-02-30", "8"),
        "schema",
        "url: 'w.org'",
    ),
    (
        "assessments",
        row("reuters", "reliability", "no_consensus", "W", "", "2023-02-30", "8"),
        "schema",
        "date: '2023-02-30'",
    ),
    (
        "assessments",
        row("reuters", "reliability", "no_consensus", "W", "", "2023", "8"),
        "schema",
        "not between 0 and 1",
    ),
    (
        "statements",
        row("reuters", "code", "XX", "", "S", "https://s.org/x", "2025", "1"),
        "schema",
        "value: 'XX'",
    ),
    (
        "statements",
        row("reuters", "status", "active", "", "S", "https://s.org/x", "", "1"),
        "undated",
        "has no date",
    ),
    (
        "statements",
        row("reuters", "status", "active", "", "S", "", "2025", "1"),
        "unsourced",
        "has no address",
    ),
    (
        "holdings",
        row("reuters", "outlet", "nobody", "", "S", "https://s.org/x", "2025"),
        "schema",
        "no owner is 'nobody'",
    ),
    ("sites", row("reuters.com", "N", "site", "", "S", "", ""), "duplicate", "in a network"),
    ("sites", row("a.test", "N", "imposter", "nobody", "S", "", ""), "schema", "impersonates"),
]


@pytest.mark.parametrize(("table", "edit", "kind", "reason"), BREAKING)
def test_a_broken_row_is_an_error(
    small: Path, tmp_path: Path, table: str, edit: Edit, kind: str, reason: str
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(small, folder)
    path = folder / f"{table}.tsv"
    title, columns, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([title, columns, *edit(lines)]) + "\n", encoding="utf-8")
    errors = [p for p in problems(folder) if p.level == "error" and p.kind == kind]
    assert any(reason in problem.message for problem in errors), errors
