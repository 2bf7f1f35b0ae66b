"""One schema: what ships, what is kept by hand and a user's file refuse and accept the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from framescope.classifier.errors import FramescopeError
from framescope.classifier.outlets.record.record import VALUES
from framescope.classifier.outlets.registry.check import problems
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.schema import COLUMNS, FIELDS, countries, value_of
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.outlets.registry.user import read

from tools.registry.merge import COLUMNS as BY_HAND
from tools.registry.merge import read_hand
from tools.registry.owners import Owners

REGISTRY = Registry(Tables(Path(__file__).parent / "cases/sources_tables"))
# An outlet with something in every field, table by table.
ROWS = {
    "outlets": ["orrin-post", "Orrin Post", "publisher", "newspaper", "GB", "Q77001"],
    "names": ["orrin-post", "The Orrin Post", "alias", "en", "1"],
    "domains": ["orrin-post", "orrinpost.example", "main"],
    "statements": [
        *("orrin-post", "code", "SC", "Orrin Town"),
        *("Orrin Gazette", "https://gazette.example.org/1", "2026-02", "0.9"),
    ],
    "owners": ["orrin-town", "Orrin Town", "state", "GB"],
    "holdings": [
        *("orrin-post", "outlet", "orrin-town", "60"),
        *("Orrin Gazette", "https://gazette.example.org/1", "2026-02"),
    ],
    "accounts": [
        *("orrin-post", "x", "orrinpost"),
        *("Orrin Gazette", "https://gazette.example.org/1", "2026-02"),
    ],
    "assessments": [
        *("orrin-post", "reliability", "no_consensus"),
        *("Orrin Desk", "https://desk.example.org/1", "2026-02-28", "0.5"),
    ],
    "networks": [],
    "sites": [],
    "licences": [],
}
EVIDENT = ("statements", "holdings", "accounts", "assessments")
# Where a row by hand has what a table's column holds.
IN_HAND = {
    **{("outlets", column): column for column in COLUMNS["outlets"]},
    ("statements", "value"): "code",
    ("statements", "url"): "url",
    ("domains", "host"): "domains",
}

WRONG = [
    *(("outlets", "id", value) for value in ("", "Orrin", "orrin_post", "-x", "é", "a b")),
    *(("outlets", "name", value) for value in ("", "Orrin\u202ePost", "Orrin\x07Post")),
    *(("outlets", "role", value) for value in ("paper", "Publisher")),
    *(("outlets", "medium", value) for value in ("blog", "NEWSPAPER")),
    *(("outlets", "country", value) for value in ("ZZ", "UK", "gb", "GBR", "Iran", "G")),
    *(("outlets", "wikidata", value) for value in ("Q0", "q5", "P31", "42", "Q٣")),
    ("names", "name", "x\u2028y"),
    *(("names", "kind", value) for value in ("nickname", "Alias")),
    *(("names", "lang", value) for value in ("english", "e", "en_GB", "Persian!")),
    *(("domains", "host", value) for value in ("", "localhost", "1.2.3.4", "a@b.example", "a b.c")),
    *(("domains", "role", value) for value in ("primary", "Main")),
    *(("statements", "about", value) for value in ("", "charm", "Code")),
    *(("statements", "value", value) for value in ("", "sc", "XX")),
    ("statements", "through", "\x1b[31m"),
    *((t, "confidence", v) for t in ("statements", "assessments") for v in ("1.5", "-0.1", "NaN")),
    *(("owners", "name", value) for value in ("", "Orrin\x07Town")),
    ("owners", "kind", "tycoon"),
    *(("owners", "country", value) for value in ("ZZ", "UK")),
    *(("holdings", "share", value) for value in ("0", "101", "NaN", "-4")),
    *(("accounts", "platform", value) for value in ("", "myspace")),
    *(("accounts", "handle", value) for value in ("", "a b")),
    *((table, "source", "") for table in EVIDENT),
    *(
        (table, "url", value)
        for table in EVIDENT
        for value in ("example.org", "ftp://example.org", "https://nowhere", "https://a.b/x y")
    ),
    *(
        (table, "date", value)
        for table in EVIDENT
        for value in ("2025-02-31", "2023-02-29", "2026-13", "2026-00", "0000", "2026-1", "٢٠٢٦")
    ),
    ("statements", "date", "24.11.2026"),
    *(("assessments", "claim", value) for value in ("", "charm", "Reliability")),
    *(("assessments", "value", value) for value in ("", "good")),
    ("assessments", "confidence", "Infinity"),
]
RIGHT = [
    ("outlets", "id", "360"),
    ("outlets", "name", "Почта (Orrin)"),
    ("outlets", "role", "platform"),
    ("outlets", "medium", "other"),
    *(("outlets", "country", value) for value in ("", "EU", "XK", "TR")),
    *(("outlets", "wikidata", value) for value in ("", "Q1")),
    ("names", "name", "新华社"),
    ("names", "kind", "former"),
    *(("names", "lang", value) for value in ("", "zh-Hans", "FA")),
    ("domains", "host", "xn--e1afmkfd.xn--p1ai"),
    ("domains", "role", "mirror"),
    ("statements", "value", "CaPu"),
    ("statements", "through", ""),
    *(("statements", "url", value) for value in ("http://a.example:8080/x?y=1#z",)),
    *(("statements", "date", value) for value in ("2024-02-29", "2024", "1999-12")),
    *(("owners", "kind", value) for value in ("", "family", "foundation or trust")),
    *(("holdings", "share", value) for value in ("", "100", "33.3")),
    ("accounts", "platform", "telegram"),
    ("accounts", "handle", "channel/UCx_1-2"),
    *(("assessments", "value", value) for value in VALUES),
    *(("assessments", "confidence", value) for value in ("", "0", "1")),
]


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
    return [f"{p.subject}: {p.message}" for p in problems(folder) if p.level == "error"]


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
    line = {
        **{k: v for k, v in rows["outlets"].items() if v},
        **{"names": [name], "domains": [given("domains")]},
        **{kind: [given(kind)] for kind in ("statements", "assessments", "accounts")},
        "owners": [
            {
                k: v
                for k, v in {**given("owners"), **given("holdings")}.items()
                if k not in ("of", "owner")
            }
        ],
    }
    (folder / "mine.jsonl").write_text(json.dumps(line), encoding="utf-8")
    return _said(lambda: read(folder / "mine.jsonl", REGISTRY))


def by_hand(folder: Path, rows: dict[str, dict[str, str]]) -> str | None:
    """What reading a row by hand says of the same facts."""
    row = {by: rows[table][column] for (table, column), by in IN_HAND.items()}
    lines = ["\t".join(BY_HAND), "\t".join(row.get(column, "") for column in BY_HAND)]
    (folder / "rows.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _said(lambda: read_hand(Owners(), folder))


def _said(call: Callable[[], object]) -> str | None:
    try:
        call()
    except FramescopeError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("table", "column", "value"), WRONG)
def test_what_one_road_refuses_the_others_refuse(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    rows = with_value(table, column, value)
    start = f"{table}.tsv:3: {column}: "
    assert any(line.startswith(start) for line in shipped(tmp_path, rows))
    said = own(tmp_path, rows)
    assert said is not None
    field = "text" if (table, column) == ("names", "name") else column
    assert said.startswith(f"{tmp_path / 'mine.jsonl'}:1: field '")
    assert f"{field}' " in said
    assert "\n" not in said
    # By hand, an empty host or code is no row.
    if (table, column) in IN_HAND and (value or column not in ("host", "value")):
        said = by_hand(tmp_path / _folder(tmp_path), rows)
        assert said is not None
        assert f"rows.tsv, row 2, field '{IN_HAND[table, column]}': " in said


@pytest.mark.parametrize(("table", "column", "value"), RIGHT)
def test_what_one_road_accepts_the_others_accept(
    tmp_path: Path, table: str, column: str, value: str
) -> None:
    rows = with_value(table, column, value)
    assert shipped(tmp_path, rows) == []
    assert own(tmp_path, rows) is None
    assert by_hand(tmp_path / _folder(tmp_path), rows) is None


def _folder(path: Path) -> str:
    (path / "hand").mkdir(exist_ok=True)
    return "hand"


def test_every_field_has_a_wrong_value_and_a_right_one() -> None:
    # Identifiers of other tables are held to those of outlets.tsv, and no user writes a network.
    fields = {
        (table, column)
        for table, columns in FIELDS.items()
        for column in columns
        if table not in ("networks", "sites", "licences")
        and (column != "id" or table == "outlets")
        and column not in ("ambiguous", "of", "owner")
    }
    assert {(table, column) for table, column, _ in WRONG} == fields


def test_countries_are_those_of_the_standard_by_every_name() -> None:
    codes = countries()
    assert len(set(codes.values())) == 251
    assert {codes["Türkiye"], codes["Turkey"]} == {"TR"}
    assert FIELDS["outlets"]["country"].reason("UK") == "'UK' is no ISO 3166-1 alpha-2 code"


def test_every_rating_that_counts_may_be_given() -> None:
    assert all(value_of("reliability").holds(value) for value in VALUES)
    assert not value_of("reliability").holds("good")
    assert value_of("influence_network").holds("Orrin Network")
