"""A user's own outlets: what a line may hold, what it adds, and what a wrong one gets."""

import json
from pathlib import Path

import pytest
from framescope.classifier import records
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import user as module
from framescope.classifier.outlets.registry.check import clashes
from framescope.classifier.outlets.registry.user import load, read_outlets
from framescope.classifier.records import Domain, Holder, Name, NameKind
from outlets import SMALL, cases

WRONG = cases("sources_wrong.jsonl")
FULL = {
    "id": "orrin-post",
    "name": "Orrin Post",
    "role": "publisher",
    "medium": "newspaper",
    "country": "GB",
    "wikidata": "Q1",
    "names": ["The Post", {"text": "Почта", "kind": "native", "lang": "ru", "ambiguous": True}],
    "domains": ["https://WWW.orrinpost.example/", {"host": "почта.рф", "role": "edition"}],
    "control": {"funding": "not state", "governance": "mixed", "code": "ISM", "owner": "Orrin Town"}
    | {"source": "Orrin Gazette", "url": "https://gazette.example.org/1", "date": "2026-02"},
    "assessments": [
        {"claim": "reliability", "value": "no_consensus", "source": "Desk", "confidence": 0.5}
    ],
}


def write(path: Path, *lines: object) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path):
    """Read a file of the given lines, beside the small registry."""
    return lambda *lines: read_outlets(write(tmp_path / "mine.jsonl", *lines), SMALL)


def test_a_line_with_all_fields(own):
    (outlet,) = own(FULL)
    assert (outlet.id, outlet.name, outlet.country) == ("orrin-post", "Orrin Post", "GB")
    assert (outlet.role, outlet.medium) == (records.Role.PUBLISHER, records.Medium.NEWSPAPER)
    assert outlet.names == (
        Name("Orrin Post", NameKind.MAIN),
        Name("The Post"),
        Name("Почта", NameKind.NATIVE, "ru", True),
    )
    assert outlet.domains == (
        Domain("orrinpost.example"),
        Domain("xn--80a1acny.xn--p1ai", records.DomainRole.EDITION),
    )
    assert (outlet.control.governance, outlet.control.editorial) == (Holder.MIXED, Holder.NOT_STATE)
    assert outlet.control.code is records.Code.ISM
    (assessment,) = outlet.assessments
    assert (assessment.confidence, assessment.evidence) == (0.5, records.Evidence("Desk"))


def test_id_and_name_are_enough_and_null_is_nothing(own):
    expected = (records.Outlet("x", "X Post", names=(Name("X Post", NameKind.MAIN),)),)
    line = {"id": "x", "name": "X Post"}
    assert own(line) == own({**line, "role": None, "names": None, "control": None}) == expected


def test_empty_lines_and_a_byte_order_mark_do_not_matter(tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n  \r\n" + json.dumps(FULL).encode() + b"\r\n\n")
    assert len(read_outlets(path, SMALL)) == 1


def test_extends_adds_to_the_shipped_one(own):
    names, domains = ["RT Orrin"], ["rt-orrin.example"]
    line = {"id": "rt", "extends": True, "names": names, "domains": domains, "country": "GB"}
    (outlet,) = own(line)
    shipped = SMALL["rt"]
    assert (outlet.name, outlet.country, outlet.control) == ("RT", "GB", shipped.control)
    assert set(shipped.names) < set(outlet.names)
    assert outlet.names[0] == shipped.names[0]
    changed = SMALL.with_outlets([outlet])
    for address in ("https://rt-orrin.example/a", "rt.com"):
        found = changed.at(address)
        assert found.outlet is outlet
    assert [m.outlets for m in changed.mentions("As RT Orrin said.")] == [("rt",)]


def test_extends_can_mark_a_name_ambiguous_and_change_the_main_one(own):
    line = {"id": "mehr", "extends": True, "names": [{"text": "Mehr", "ambiguous": True}]}
    assert [m.start for m in SMALL.with_outlets(own(line)).mentions("Mehr and Mehr News")] == [9]
    (outlet,) = own({"id": "rt", "extends": True, "name": "RT Television"})
    assert [name.text for name in outlet.names][:2] == ["RT Television", "RT"]
    assert [name.kind for name in outlet.names][:2] == [NameKind.MAIN, NameKind.ALIAS]


def test_the_folder_comes_before_the_file(tmp_path, monkeypatch):
    assert module.own_folder().parts[-2:] == ("framescope", "sources")
    write(tmp_path / "a.jsonl", {"id": "orrin-post", "name": "Orrin Post"})
    line = {"id": "orrin-post", "extends": True}
    write(tmp_path / "b.jsonl", line | {"domains": ["orrinpost.example"]})
    (tmp_path / "notes.txt").write_text("not read", encoding="utf-8")
    file = write(tmp_path / "file.json", line | {"country": "GB"})
    monkeypatch.setattr(module, "own_folder", lambda: tmp_path)
    module._default.cache_clear()
    try:
        outlet = load(user=file)["orrin-post"]
        assert (outlet.country, outlet.domains) == ("GB", (Domain("orrinpost.example"),))
        assert load()["orrin-post"].country is None
        write(tmp_path / "b.jsonl", {"id": 1})
        module._default.cache_clear()
        with pytest.raises(SourcesError, match=r"b\.jsonl:1: id: must be text, not 1"):
            load()
    finally:
        module._default.cache_clear()


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case["said"])
def test_a_wrong_line_is_named_with_its_field(case, tmp_path):
    path = write(tmp_path / "mine.jsonl", {"id": "a", "name": "A"}, "", case["line"])
    with pytest.raises(SourcesError) as error:
        read_outlets(path, SMALL)
    message = str(error.value)
    assert message.startswith(f"{path}:3: {case['said']}")
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[" * 100_000], r"mine\.jsonl:1: is no JSON"),
        (['{"id": "a", "name": 1' + "0" * 5_000 + "}"], r"mine\.jsonl:1: "),
        ([FULL, "", FULL], r"mine\.jsonl:3: id 'orrin-post' stands in line 1 already"),
    ],
)
def test_lines_that_cannot_be_taken(own, lines, said):
    with pytest.raises(SourcesError, match=said):
        own(*lines)


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(SourcesError, match="can't be read"):
            read_outlets(path, SMALL)
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "a", "name": "A"}\n{"id": "\xe9"}')
    with pytest.raises(SourcesError, match=r"latin\.jsonl:2: is not UTF-8"):
        read_outlets(tmp_path / "latin.jsonl", SMALL)


def test_clashes_with_the_registry_are_reported(own):
    hosts = ["rt.com", "co.uk", "mine.example"]
    mine = {"id": "mine", "name": "Reuters", "wikidata": "Q130879", "domains": hosts}
    mine["names"] = [{"text": "Mirror", "ambiguous": True}]
    other = {"id": "other", "name": "Other Post", "domains": ["mine.example"]}
    found = clashes(SMALL, own(mine, other))
    assert {(p.level, p.kind, p.subject, p.message.split(" is ")[0]) for p in found} == {
        ("error", "host", "mine", "co.uk"),
        ("warning", "duplicate", "mine", "rt.com"),
        ("warning", "duplicate", "mine", "wikidata Q130879"),
        ("warning", "ambiguous", "mine", "'Reuters'"),
        ("warning", "duplicate", "other", "mine.example"),
    }
    assert clashes(SMALL, own({"id": "rt", "extends": True, "names": ["RT Orrin"]})) == []
