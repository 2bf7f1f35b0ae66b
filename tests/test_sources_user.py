"""A user's own outlets: what a line may hold, what it adds, and what a wrong one gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import registry as module
from framescope.classifier.outlets.registry.check import clashes
from framescope.classifier.outlets.registry.registry import Registry, load
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.outlets.registry.user import read, to_object
from framescope.classifier.records.outlet import (
    Domain,
    DomainRole,
    Medium,
    Name,
    NameKind,
    Outlet,
    Role,
)
from framescope.classifier.records.statements import Code, Evidence, Holder

CASES = Path(__file__).parent / "cases"
REGISTRY = Registry(Tables(CASES / "sources_tables"))
WRONG = [
    json.loads(line)
    for line in (CASES / "sources_wrong.jsonl").read_text(encoding="utf-8").splitlines()
]
FULL = {
    "id": "orrin-post",
    "name": "Orrin Post",
    "role": "publisher",
    "medium": "newspaper",
    "country": "GB",
    "wikidata": "Q1",
    "names": ["The Post", {"text": "Почта", "kind": "native", "lang": "ru", "ambiguous": True}],
    "domains": ["https://WWW.orrinpost.example/", {"host": "почта.рф", "role": "edition"}],
    "control": {
        "funding": "not state",
        "governance": "mixed",
        "code": "ISM",
        "owner": "Orrin Town",
        "source": "Orrin Gazette",
        "url": "https://gazette.example.org/1",
        "date": "2026-02",
    },
    "assessments": [
        {"claim": "reliability", "value": "no_consensus", "source": "Desk", "confidence": 0.5}
    ],
}


def write(path: Path, *lines: object) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def mine(tmp_path):
    return lambda *lines: write(tmp_path / "mine.jsonl", *lines)


# --- what a line may hold -------------------------------------------------------------------------


def test_a_line_with_all_fields(mine):
    (outlet,) = read(mine(FULL), REGISTRY)
    assert (outlet.id, outlet.name, outlet.country) == ("orrin-post", "Orrin Post", "GB")
    assert (outlet.role, outlet.medium) == (Role.PUBLISHER, Medium.NEWSPAPER)
    assert outlet.names == (
        Name("Orrin Post", NameKind.MAIN),
        Name("The Post"),
        Name("Почта", NameKind.NATIVE, "ru", True),
    )
    assert outlet.domains == (
        Domain("orrinpost.example"),
        Domain("xn--80a1acny.xn--p1ai", DomainRole.EDITION),
    )
    assert outlet.control is not None
    assert (outlet.control.governance, outlet.control.editorial) == (Holder.MIXED, Holder.NOT_STATE)
    assert outlet.control.code is Code.ISM
    (assessment,) = outlet.assessments
    assert (assessment.confidence, assessment.evidence) == (0.5, Evidence("Desk"))


def test_id_and_name_are_enough(mine):
    (outlet,) = read(mine({"id": "x", "name": "X Post"}), REGISTRY)
    assert outlet == Outlet("x", "X Post", names=(Name("X Post", NameKind.MAIN),))


def test_empty_lines_and_a_byte_order_mark_do_not_matter(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n  \r\n" + json.dumps(FULL).encode() + b"\r\n\n")
    assert len(read(path, REGISTRY)) == 1


def test_null_is_as_good_as_nothing(mine):
    line = {"id": "x", "name": "X Post", "role": None, "names": None, "control": None}
    assert read(mine(line), REGISTRY) == read(mine({"id": "x", "name": "X Post"}), REGISTRY)


@pytest.mark.parametrize("outlet", REGISTRY, ids=lambda outlet: outlet.id)
def test_what_is_shown_as_json_is_read_again(outlet, mine):
    assert read(mine(to_object(outlet)), REGISTRY) == (outlet,)


# --- what it adds ---------------------------------------------------------------------------------


def test_the_same_id_takes_the_place_of_the_shipped_one(mine):
    own = read(mine({"id": "rt", "name": "Another RT"}), REGISTRY)
    changed = REGISTRY.with_outlets(own)
    assert changed["rt"].control is None
    assert changed.at("rt.com") is None


def test_extends_adds_to_the_shipped_one(mine):
    line = {
        "id": "rt",
        "extends": True,
        "names": ["RT Orrin"],
        "domains": ["rt-orrin.example"],
        "country": "GB",
    }
    (outlet,) = read(mine(line), REGISTRY)
    shipped = REGISTRY["rt"]
    assert outlet.name == "RT"
    assert outlet.country == "GB"
    assert outlet.control == shipped.control
    assert set(shipped.names) < set(outlet.names)
    assert outlet.names[0] == shipped.names[0]
    assert {domain.host for domain in outlet.domains} > {"rt.com", "rt-orrin.example"}
    changed = REGISTRY.with_outlets([outlet])
    found = changed.at("https://rt-orrin.example/a")
    assert found is not None
    assert found.outlet is outlet
    assert [m.outlets for m in changed.mentions("As RT Orrin said.")] == [("rt",)]


def test_extends_can_say_that_a_name_is_ambiguous(mine):
    line = {"id": "mehr", "extends": True, "names": [{"text": "Mehr", "ambiguous": True}]}
    changed = REGISTRY.with_outlets(read(mine(line), REGISTRY))
    assert [m.start for m in changed.mentions("Mehr and Mehr News")] == [9]


def test_extends_can_give_another_main_name(mine):
    (outlet,) = read(mine({"id": "rt", "extends": True, "name": "RT Television"}), REGISTRY)
    assert outlet.name == "RT Television"
    assert [(name.text, name.kind) for name in outlet.names][:2] == [
        ("RT Television", NameKind.MAIN),
        ("RT", NameKind.ALIAS),
    ]


def test_the_folder_comes_before_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "config" / "sources"
    folder.mkdir(parents=True)
    write(folder / "a.jsonl", {"id": "orrin-post", "name": "Orrin Post"})
    write(
        folder / "b.jsonl",
        {"id": "orrin-post", "extends": True, "domains": ["orrinpost.example"]},
    )
    (folder / "notes.txt").write_text("not read", encoding="utf-8")
    file = write(tmp_path / "c.jsonl", {"id": "orrin-post", "extends": True, "country": "GB"})
    monkeypatch.setattr(module, "own_folder", lambda: folder)
    module._default.cache_clear()
    try:
        outlet = load(user=file)["orrin-post"]
        assert (outlet.country, outlet.domains) == ("GB", (Domain("orrinpost.example"),))
        assert load()["orrin-post"].country is None
        write(folder / "b.jsonl", {"id": 1})
        module._default.cache_clear()
        with pytest.raises(SourcesError, match=r"b\.jsonl:1: field 'id' is 1; it must be"):
            load()
    finally:
        module._default.cache_clear()


def test_the_folder_is_in_the_users_configuration():
    assert module.own_folder().parts[-2:] == ("framescope", "sources")


# --- what a wrong line gets -----------------------------------------------------------------------


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["said"])
def test_a_wrong_line_is_named_with_its_field(case, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(f'{{"id": "a", "name": "A"}}\n\n{case["line"]}\n', encoding="utf-8")
    with pytest.raises(SourcesError) as error:
        read(path, REGISTRY)
    message = str(error.value)
    assert message.startswith(f"{path}:3: {case['said']}")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300


def test_there_is_a_wrong_line_for_every_field():
    fields = {case["field"] for case in WRONG if "field" in case}
    assert fields >= {
        *("id", "name", "role", "medium", "country", "wikidata", "names", "domains", "control"),
        *("assessments", "extends", "text", "kind", "lang", "ambiguous", "host", "funding"),
        *("governance", "editorial", "code", "owner", "source", "url", "date", "claim", "value"),
        "confidence",
    }


def test_an_id_that_stands_twice_is_named(mine):
    line = {"id": "x", "name": "X Post"}
    with pytest.raises(SourcesError, match=r"mine\.jsonl:3: id 'x' stands in line 1 already"):
        read(mine(line, "", line), REGISTRY)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(SourcesError, match="can't be read"):
        read(tmp_path / "none.jsonl", REGISTRY)
    with pytest.raises(SourcesError, match="can't be read"):
        read(tmp_path, REGISTRY)
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "a", "name": "A"}\n{"id": "\xe9"}')
    with pytest.raises(SourcesError, match=r"latin\.jsonl:2: is not UTF-8"):
        read(tmp_path / "latin.jsonl", REGISTRY)


# --- what it shares with others -------------------------------------------------------------------


def test_clashes_with_the_registry_are_reported(mine):
    own = read(
        mine(
            {
                "id": "mine",
                "name": "Reuters",
                "names": [{"text": "Mirror", "ambiguous": True}],
                "domains": ["rt.com", "co.uk", "mine.example"],
                "wikidata": "Q130879",
            },
            {"id": "other", "name": "Other Post", "domains": ["mine.example"]},
        ),
        REGISTRY,
    )
    found = {
        (p.level, p.kind, p.subject, p.message.split(" is ")[0]) for p in clashes(REGISTRY, own)
    }
    assert found == {
        ("error", "host", "mine", "co.uk"),
        ("warning", "duplicate", "mine", "rt.com"),
        ("warning", "duplicate", "mine", "wikidata Q130879"),
        ("warning", "ambiguous", "mine", "'Reuters'"),
        ("warning", "duplicate", "other", "mine.example"),
    }


def test_an_outlet_does_not_clash_with_itself(mine):
    own = read(mine({"id": "rt", "extends": True, "names": ["RT Orrin"]}), REGISTRY)
    assert clashes(REGISTRY, own) == []


def test_a_line_nested_without_end_is_no_json(mine):
    with pytest.raises(SourcesError, match=r"mine\.jsonl:1: is no"):
        read(mine("[" * 100_000), REGISTRY)
