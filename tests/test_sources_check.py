"""One schema for what ships and for a user's file; and what breaks a look-up."""

import json
import re
import shutil
from pathlib import Path

import pytest
from framescope.classifier.errors import FramescopeError
from framescope.classifier.outlets.record import VALUES
from framescope.classifier.outlets.registry.check import ambiguous_names, problems_of_tables
from framescope.classifier.outlets.registry.export import REGISTRY_SOURCE, facts
from framescope.classifier.outlets.registry.lookup import look_up
from framescope.classifier.outlets.registry.registry import Registry, Tables, shipped_tables
from framescope.classifier.outlets.registry.schema import COLUMNS, countries, country_called
from framescope.classifier.outlets.registry.user import read_outlets
from framescope.classifier.records.outlet import Role
from outlets import SMALL

from tools.registry.merge import read_hand

# An outlet with something in every field, table by table.
GAZETTE = ("Orrin Gazette", "https://gazette.example.org/1", "2026-02")
ROWS = {
    "outlets": ("orrin-post", "Orrin Post", "publisher", "newspaper", "GB", "Q77001"),
    "names": ("orrin-post", "The Orrin Post", "alias", "en", "1"),
    "domains": ("orrin-post", "orrinpost.example", "main"),
    "statements": ("orrin-post", "code", "SC", *GAZETTE),
    "owners": ("orrin-town", "Orrin Town", "state", "GB", *GAZETTE),
    "holdings": ("orrin-post", "outlet", "orrin-town", "60", *GAZETTE),
    "accounts": ("orrin-post", "x", "orrinpost", *GAZETTE),
    "assessments": ("orrin-post", "reliability", "no_consensus", *GAZETTE, "0.5"),
    **dict.fromkeys(("networks", "sites", "licences"), ()),
}
EVIDENT = ("statements", "holdings", "accounts", "assessments")
CITES = {
    "source": ("",),
    "url": ("example.org", "ftp://example.org", "https://nowhere", "https://a.b/x y"),
    "date": ("2025-02-31", "2023-02-29", "2026-13", "2026-00", "0000", "2026-1", "٢٠٢٦"),
}
WRONG = {
    ("outlets", "id"): ("", "Orrin", "orrin_post", "-x", "é", "a b"),
    ("outlets", "name"): ("", "Orrin\u202ePost", "Orrin\x07Post"),
    ("outlets", "role"): ("paper", "Publisher"),
    ("outlets", "medium"): ("blog", "NEWSPAPER"),
    ("outlets", "country"): ("ZZ", "UK", "gb", "GBR", "Iran", "G"),
    ("outlets", "wikidata"): ("Q0", "q5", "P31", "42", "Q٣"),
    ("names", "name"): ("x\u2028y",),
    ("names", "kind"): ("nickname", "Alias"),
    ("names", "lang"): ("english", "e", "en_GB", "Persian!"),
    ("domains", "host"): ("", "localhost", "1.2.3.4", "a@b.example", "a b.c"),
    ("domains", "role"): ("primary", "Main"),
    ("statements", "about"): ("", "charm", "Code"),
    ("statements", "value"): ("", "sc", "XX"),
    ("owners", "name"): ("", "Orrin\x07Town"),
    ("owners", "kind"): ("tycoon",),
    ("owners", "country"): ("ZZ", "UK"),
    ("holdings", "share"): ("0", "101", "NaN", "-4"),
    ("accounts", "platform"): ("", "myspace"),
    ("accounts", "handle"): ("", "a b"),
    ("assessments", "claim"): ("", "charm", "Reliability"),
    ("assessments", "value"): ("", "good"),
    ("assessments", "confidence"): ("1.5", "-0.1", "NaN", "Infinity"),
    **{(table, column): values for table in EVIDENT for column, values in CITES.items()},
}
RIGHT = {
    ("outlets", "id"): ("360",),
    ("outlets", "name"): ("Почта (Orrin)",),
    ("outlets", "role"): ("platform",),
    ("outlets", "country"): ("", "EU", "XK", "TR"),
    ("outlets", "wikidata"): ("", "Q1"),
    ("names", "name"): ("新华社",),
    ("names", "kind"): ("former",),
    ("names", "lang"): ("", "zh-Hans", "FA"),
    ("domains", "host"): ("xn--e1afmkfd.xn--p1ai",),
    ("statements", "value"): ("CaPu",),
    ("statements", "url"): ("http://a.example:8080/x?y=1#z",),
    ("statements", "date"): ("2024-02-29", "2024", "1999-12"),
    ("owners", "kind"): ("", "family", "foundation or trust"),
    ("holdings", "share"): ("", "100", "33.3"),
    ("accounts", "handle"): ("channel/UCx_1-2",),
    ("assessments", "value"): tuple(VALUES),
    ("assessments", "confidence"): ("", "0", "1"),
}


def each(cells: dict[tuple[str, str], tuple[str, ...]]) -> pytest.MarkDecorator:
    rows = [(*at, value) for at, values in cells.items() for value in values]
    return pytest.mark.parametrize(("table", "column", "value"), rows)


def with_value(table: str, column: str, value: str) -> dict[str, dict[str, str]]:
    rows = {kind: dict(zip(COLUMNS[kind], row, strict=False)) for kind, row in ROWS.items()}
    rows[table][column] = value
    if (table, column) == ("outlets", "id"):
        for kind in ("names", "domains", *EVIDENT):
            rows[kind]["id"] = value
    return rows


def shipped(folder: Path, rows: dict[str, dict[str, str]]) -> list[str]:
    """What the check of the tables says of the rows."""
    for kind, row in rows.items():
        lines = [f"# framescope registry {kind}, version 1", "\t".join(COLUMNS[kind])]
        lines += ["\t".join(row.values())] if row else []
        (folder / f"{kind}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [f"{p.subject}: {p.message}" for p in problems_of_tables(folder) if p.level == "error"]


def own(folder: Path, rows: dict[str, dict[str, str]]) -> str | None:
    """What reading a user's file says of the same facts."""

    def given(kind: str) -> dict[str, object]:
        row: dict[str, object] = {k: v for k, v in rows[kind].items() if v and k != "id"}
        if "ambiguous" in row:
            row["ambiguous"] = True
        for number in ("confidence", "share"):
            if number in row:
                row[number] = float(str(row[number]))
        return row

    name = {"text" if k == "name" else k: v for k, v in given("names").items()}
    owner = {k: v for k, v in given("owners").items() if k not in ("source", "url", "date")}
    held = owner | given("holdings")
    line = {
        **{k: v for k, v in rows["outlets"].items() if v},
        **{"names": [name], "domains": [given("domains")]},
        **{kind: [given(kind)] for kind in ("statements", "assessments", "accounts")},
        "owners": [{k: v for k, v in held.items() if k not in ("of", "owner")}],
    }
    (folder / "mine.jsonl").write_text(json.dumps(line), encoding="utf-8")
    try:
        read_outlets(folder / "mine.jsonl", SMALL)
    except FramescopeError as error:
        return str(error)
    return None


@each(WRONG)
def test_what_the_tables_refuse_a_users_file_refuses(tmp_path, table, column, value) -> None:
    rows = with_value(table, column, value)
    start = f"{table}.tsv:3: {column}: "
    assert any(line.startswith(start) for line in shipped(tmp_path, rows))
    said = own(tmp_path, rows)
    field = "text" if (table, column) == ("names", "name") else column
    assert said.startswith(f"{tmp_path / 'mine.jsonl'}:1: ")
    assert re.search(rf"\b{field}\b", said)
    assert "\n" not in said


@each(RIGHT)
def test_what_the_tables_accept_a_users_file_accepts(tmp_path, table, column, value) -> None:
    rows = with_value(table, column, value)
    assert shipped(tmp_path, rows) == []
    assert own(tmp_path, rows) is None


def test_countries_are_those_of_the_standard_by_every_name() -> None:
    codes = countries()
    assert len(set(codes.values())) == 251
    assert {codes["Türkiye"], codes["Turkey"], codes["Turkiye"]} == {"TR"}
    names = ("uk", "Britain", "USA", "Macedonia", "Burma")
    assert [country_called(name) for name in names] == ["GB", "GB", "US", "MK", "MM"]


def test_the_shipped_registry_has_no_errors_and_tells_ambiguity() -> None:
    found = problems_of_tables()
    assert [problem for problem in found if problem.level == "error"] == []
    assert ("ambiguous", "daily news") in {(problem.kind, problem.subject) for problem in found}
    assert {"times", "mirror", "zvezda", "herald"} <= ambiguous_names(shipped_tables()).keys()


def test_every_outlet_by_hand_is_shown_by_its_own_name() -> None:
    outlets = [line.split("\t") for line in Tables().lines("outlets")]
    assert {role for _, _, role, *_ in outlets} == set(Role)
    by_hand = {(draft.id, draft.name) for draft in read_hand()}
    assert by_hand <= {(id, name) for id, name, *_ in outlets}


@pytest.mark.parametrize(
    ("query", "id"),
    [
        *(("+972 Magazine", "972-magazine"), ("mbn.us", "middle-east-broadcasting-networks")),
        *(("HÜRRİYET GAZETESİ", "hurriyet"), ("AYDINLIK", "aydinlik")),  # Turkish capitals
        *(("риановости.рф", "ria-novosti"), ("BBC Persian", "bbc-persian")),
    ],
)
def test_a_query_is_of_one_outlet(query: str, id: str) -> None:
    assert [outlet.id for outlet in look_up(SHIPPED, query).outlets] == [id]


SHIPPED = Registry()


def test_every_fact_that_ships_has_an_address() -> None:
    cited = [fact for fact in facts(SHIPPED) if fact.source != REGISTRY_SOURCE]
    assert all(fact.url and fact.date for fact in cited)
    own = {fact.fact.partition(":")[0] for fact in facts(SHIPPED) if fact.source == REGISTRY_SOURCE}
    assert own == {"role", "medium", "country", "wikidata", "name", "host"}


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few outlets of the shipped tables, which is all that a broken row needs beside it."""
    folder = tmp_path_factory.mktemp("few") / "data"
    folder.mkdir()
    kept = {"reuters", "tass", "kyodo-news"}
    for path in shipped_tables().glob("*.tsv"):
        title, columns, *lines = path.read_text(encoding="utf-8").splitlines()
        if columns.startswith("id"):
            lines = [line for line in lines if line.split("\t")[0] in kept]
        elif path.stem == "sites":
            lines = []
        path = folder / path.name
        path.write_text("\n".join([title, columns, *lines]) + "\n", encoding="utf-8")
    return folder


CITED = ("S", "https://s.org/x", "2025")
# A row that is added to a table of the shipped registry, and the error that it must give.
BREAKING = [
    ("outlets", ("new", "N1x", "publisher", "agency", "GB", "Q130879"), "duplicate", "QID of"),
    ("outlets", ("new", "Kyodo News", "publisher", "agency", "JP", ""), "duplicate", "is a name"),
    ("outlets", ("new", "  N1x", "publisher", "agency", "GB", ""), "schema", "has spaces"),
    ("names", ("reuters", "Zvezda", "alias", "", ""), "ambiguous", "not marked"),
    ("names", ("reuters", "Reuters", "alias", "", ""), "dead alias", "main name as well"),
    ("names", ("reuters", "--", "alias", "", ""), "dead alias", "has no letter"),
    ("names", ("reuters", "Reutersky", "alias", "en", "yes"), "schema", "ambiguous: 'yes'"),
    ("names", ("nobody", "Nobody", "alias", "", ""), "schema", "no outlet is 'nobody'"),
    ("domains", ("reuters", "co.uk", "edition"), "host", "public suffix"),
    ("domains", ("reuters", "tass.com", "edition"), "duplicate", "is the host of"),
    ("domains", ("reuters", "reuters.example.com", "main"), "duplicate", "main hosts"),
    *(
        (table, row, "schema", reason)
        for table, before in {
            "statements": ("reuters", "status", "active"),
            "holdings": ("reuters", "outlet", "x", ""),
            "owners": ("reuters", "Reuters", "", ""),
            "accounts": ("reuters", "x", "reuters"),
            "sites": ("a.test", "N", "site", ""),
            "networks": ("n", "N", "", "", "", ""),
        }.items()
        for row, reason in (
            ((*before, "S", "", "2025"), "url: is empty"),
            ((*before, *CITED[:2], ""), "date: is empty"),
        )
    ),
    ("holdings", ("reuters", "outlet", "nobody", "", *CITED), "schema", "no owner is 'nobody'"),
    ("sites", ("reuters.com", "N", "site", "", *CITED), "duplicate", "in a network"),
    ("sites", ("a.test", "N", "imposter", "nobody", *CITED), "schema", "impersonates"),
]


@pytest.mark.parametrize(("table", "row", "kind", "reason"), BREAKING)
def test_a_broken_row_is_an_error(few, tmp_path, table, row, kind, reason) -> None:
    folder = tmp_path / "data"
    shutil.copytree(few, folder)
    path = folder / f"{table}.tsv"
    title, columns, *lines = path.read_text(encoding="utf-8").splitlines()
    lines = sorted([*lines, "\t".join(row)])
    path.write_text("\n".join([title, columns, *lines]) + "\n", encoding="utf-8")
    errors = [p for p in problems_of_tables(folder) if p.level == "error" and p.kind == kind]
    assert any(reason in problem.message for problem in errors), errors
