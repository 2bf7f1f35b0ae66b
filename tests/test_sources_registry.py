"""The registry: what it holds, and what a damaged table gets."""

import shutil
from pathlib import Path

import pytest
from framescope.classifier import records
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import user as module
from framescope.classifier.outlets.registry.lookup import look_up
from framescope.classifier.outlets.registry.registry import Registry, Tables
from framescope.classifier.outlets.registry.schema import COLUMNS
from framescope.classifier.outlets.registry.user import load
from framescope.classifier.records import About, Code, DomainRole, Holder, Name, NameKind, Outlet
from outlets import SMALL, TABLES, cases


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """The folder of a user's own files; empty, and not that of whoever runs the tests."""
    monkeypatch.setattr(module, "own_folder", lambda: tmp_path)
    module._default.cache_clear()
    yield tmp_path
    module._default.cache_clear()


def test_it_is_all_outlets_by_id():
    ids = [outlet.id for outlet in SMALL]
    assert ids == sorted(ids)
    assert len(SMALL) == len(ids) == 27
    assert SMALL.get("sputnik") is None
    with pytest.raises(KeyError):
        SMALL["sputnik"]
    assert SMALL.version == "2026.11"
    assert {path.stem for path in TABLES.glob("*.tsv")} == set(COLUMNS)


def test_an_outlet_has_all_that_its_rows_say():
    rt = SMALL["rt"]
    assert (rt.name, rt.country, rt.wikidata) == ("RT", "RU", "Q22868")
    assert rt.names == (Name("RT", NameKind.MAIN), Name("Russia Today", NameKind.FORMER))
    assert rt.domains[0] == records.Domain("rt.com")
    assert (rt.control.code, rt.control.editorial) == (Code.SC, Holder.STATE)
    assert rt.control.evidence.date == "2023"
    assert rt.state_media
    assert (rt.assessments[0].value, rt.assessments[0].confidence) == ("deprecated", 0.8)
    unknown = SMALL["khabar"]
    assert (unknown.control, unknown.assessments, unknown.country) == (None, (), None)
    assert not unknown.state_media
    assert SMALL["the-times"].names[0] == Name("The Times", NameKind.MAIN, "en", True)


def test_an_outlet_of_the_same_id_takes_the_others_place():
    other = Outlet("rt", "Another RT", names=(Name("Another RT", NameKind.MAIN),))
    changed = SMALL.with_outlets([other]).with_outlets([Outlet("two", "Two")])
    assert changed["rt"] == other
    assert len(changed) == len(SMALL) + 1
    assert changed.at("rt.com") is None
    assert changed.called("Russia Today") == ()
    assert changed.called("another rt") == (other,)
    assert changed.mentions("RT said") == []
    assert SMALL["rt"].name == "RT"  # the old one is as it was
    assert SMALL.at("rt.com") is not None


def test_shipped_outlets_can_be_built_and_found(config):
    registry = load()
    assert registry is load()
    assert len(registry) >= 15_000
    for outlet in (registry[id] for id in registry._ids[::20]):
        assert outlet in (*registry.called(outlet.name), *registry.namesakes(outlet.name))
        for domain in outlet.domains:
            found = registry.at(f"https://www.{domain.host}/a")
            assert found is not None, domain.host


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (None, "domains.tsv: can't be read"),
        (b"\xff\xfe", "domains.tsv: can't be read"),
        (b"", "domains.tsv:2: is damaged"),
        (b"# x\nid\thost\trole\nrt\trt.com\n", "domains.tsv:3: is damaged"),
        (b"# x\nid\thost\trole\nrt\trt.com\tprimary\n", "'rt'"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, damage, said):
    folder = tmp_path / "tables"
    shutil.copytree(TABLES, folder)
    (folder / "domains.tsv").unlink()
    if damage is not None:
        (folder / "domains.tsv").write_bytes(damage)
    with pytest.raises(SourcesError, match="reinstall") as error:
        Registry(Tables(folder)).at("rt.com")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_code_governance_and_editorial_line_make_state_media() -> None:
    def outlet(editorial: Holder, code: Code | None) -> Outlet:
        evidence = records.Evidence("made up")
        said = [
            records.Statement(About.GOVERNANCE, Holder.STATE, evidence),
            records.Statement(About.EDITORIAL, editorial, evidence),
        ]
        said += [records.Statement(About.CODE, code, evidence)] if code else []
        return Outlet("vesk-tv", "Vesk TV", statements=tuple(said))

    assert outlet(Holder.STATE, None).state_media
    assert not outlet(Holder.UNKNOWN, None).state_media
    assert not outlet(Holder.STATE, Code.ISFM).state_media, "a code decides"


def test_what_editors_type_is_found_and_what_is_nobodys_is_not():
    # Written before the rules for it; `expect` is an id, those who share a name, or null.
    right, registry = 0, load()
    asked = cases("sources_lookups_kept.jsonl")
    for case in asked:
        answer = look_up(registry, case["query"])
        imposter = answer.domain is not None and answer.domain.role is DomainRole.IMPOSTER
        found = [] if imposter else [outlet.id for outlet in answer.outlets]
        expected = case["expect"] or []
        right += found == ([expected] if isinstance(expected, str) else expected)
    assert right / len(asked) >= 0.97


def test_a_host_with_an_outlets_own_umlaut_is_no_imitation():
    hosts = ("süddeutsche.de", "süddeutsche.press", "bíld.de")
    own, *imitations = (look_up(load(), host) for host in hosts)
    assert [outlet.id for outlet in own.outlets] == ["suddeutsche-zeitung"]
    assert all(one.alike and not one.outlets for one in imitations)
