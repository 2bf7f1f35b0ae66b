"""The registry: what it holds, what a damaged table gets, and how long things take."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from framescope.classifier.errors import SourcesError
from framescope.classifier.outlets.registry import registry as module
from framescope.classifier.outlets.registry.registry import Registry, load
from framescope.classifier.outlets.registry.schema import COLUMNS
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.records.outlet import Domain, Name, NameKind, Outlet, Role
from framescope.classifier.records.statements import About, Code, Evidence, Holder, Statement

TABLES = Path(__file__).parent / "cases/sources_tables"


@pytest.fixture
def registry() -> Registry:
    return Registry(Tables(TABLES))


@pytest.fixture
def config(tmp_path, monkeypatch) -> Path:
    """The folder of a user's own files; empty, and not that of whoever runs the tests."""
    folder = tmp_path / "config" / "sources"
    folder.mkdir(parents=True)
    monkeypatch.setattr(module, "own_folder", lambda: folder)
    module._default.cache_clear()
    yield folder
    module._default.cache_clear()


# --- what it holds --------------------------------------------------------------------------------


def test_it_is_all_outlets_by_id(registry):
    ids = [outlet.id for outlet in registry]
    assert ids == sorted(ids)
    assert len(registry) == len(ids) == 27
    assert "rt" in registry
    assert "sputnik" not in registry
    assert registry.get("sputnik") is None
    with pytest.raises(KeyError):
        registry["sputnik"]
    assert registry.version == "2026.11"


def test_an_outlet_has_all_that_its_rows_say(registry):
    rt = registry["rt"]
    assert (rt.name, rt.country, rt.wikidata) == ("RT", "RU", "Q22868")
    assert rt.names == (
        Name("RT", NameKind.MAIN),
        Name("Russia Today", NameKind.FORMER),
    )
    assert rt.domains[0] == Domain("rt.com")
    assert rt.control is not None
    assert (rt.control.code, rt.control.editorial) == (Code.SC, Holder.STATE)
    assert rt.control.evidence.date == "2023"
    assert rt.state_media
    assert rt.assessments[0].value == "deprecated"
    assert rt.assessments[0].confidence == 0.8


def test_an_outlet_without_facts_is_unknown_and_not_independent(registry):
    outlet = registry["khabar"]
    assert (outlet.control, outlet.assessments, outlet.country) == (None, (), None)
    assert not outlet.state_media


def test_a_row_of_names_says_that_the_main_name_is_ambiguous(registry):
    assert registry["the-times"].names[0] == Name("The Times", NameKind.MAIN, "en", True)


def test_of_two_outlets_at_a_host_the_last_one_given_has_it(registry):
    mine = Outlet("mine", "Mine", domains=(Domain("rt.com"),))
    found = registry.with_outlets([mine]).at("https://rt.com/a")
    assert found is not None
    assert found.outlet == mine


def test_an_outlet_of_the_same_id_takes_the_others_place(registry):
    other = Outlet("rt", "Another RT", names=(Name("Another RT", NameKind.MAIN),))
    changed = registry.with_outlets([other])
    assert changed["rt"] == other
    assert len(changed) == len(registry)
    assert changed.at("rt.com") is None
    assert changed.called("Russia Today") == ()
    assert changed.called("another rt") == (other,)
    assert changed.mentions("RT said") == []
    assert registry["rt"].name == "RT"  # the old one is as it was
    assert registry.at("rt.com") is not None


def test_outlets_can_be_added_time_and_again(registry):
    one, two = Outlet("one", "One"), Outlet("two", "Two")
    both = registry.with_outlets([one]).with_outlets([two])
    assert both.get("one") == one
    assert both.get("two") == two


# --- the shipped tables ---------------------------------------------------------------------------


def test_every_shipped_outlet_can_be_built_and_found(config):
    registry = load()
    assert registry is load()
    assert len(registry) >= 1500
    for outlet in registry:
        assert outlet in (*registry.called(outlet.name), *registry.namesakes(outlet.name))
        for domain in outlet.domains:
            found = registry.at(f"https://www.{domain.host}/a")
            assert found is not None, domain.host


@pytest.mark.parametrize(
    ("address", "name", "id"),
    [
        ("rt.com", "RT", "rt"),
        ("https://www.reuters.com/world/", "Reuters", "reuters"),
        ("bbc.co.uk", "BBC", "bbc"),
        ("xinhuanet.com", "新华社", "xinhua"),
        ("ria.ru", "РИА Новости", "ria-novosti"),
    ],
)
def test_well_known_outlets_are_there(config, address, name, id):
    found = load().at(address)
    assert found is not None
    assert found.outlet.id == id
    assert [outlet.id for outlet in load().called(name)] == [id]


def test_platforms_say_that_they_are(config):
    found = load().at("https://www.youtube.com/watch?v=1")
    assert found is not None
    assert found.outlet.role is Role.PLATFORM


# --- damaged tables -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "domains.tsv: can't be read"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "domains.tsv: can't be read"),
        (lambda path: path.write_text("", encoding="utf-8"), "domains.tsv:2: is damaged"),
        (
            lambda path: path.write_text("# x\nid\thost\trole\nrt\trt.com\n", encoding="utf-8"),
            "domains.tsv:3: is damaged",
        ),
        (
            lambda path: path.write_text(
                "# x\nid\thost\trole\nrt\trt.com\tprimary\n", encoding="utf-8"
            ),
            "'rt'",
        ),
    ],
)
def test_a_damaged_table_is_named(tmp_path, damage, said):
    folder = tmp_path / "tables"
    shutil.copytree(TABLES, folder)
    damage(folder / "domains.tsv")
    with pytest.raises(SourcesError, match="reinstall") as error:
        Registry(Tables(folder)).at("rt.com")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


# --- what it reads --------------------------------------------------------------------------------


def test_the_registry_waits_with_what_it_may_not_need():
    code = (
        "import sys; import framescope.classifier.outlets.registry.registry, framescope.classifier.cli\n"  # noqa: E501
        "heavy = {'tldextract', 'requests', 'rapidfuzz', 'ahocorasick_rs', 'rich', 'idna'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


def test_every_table_has_its_file():
    assert {path.stem for path in TABLES.glob("*.tsv")} == set(COLUMNS)


def test_without_a_code_governance_and_editorial_line_make_state_media() -> None:
    def outlet(editorial: Holder, code: Code | None) -> Outlet:
        evidence = Evidence("made up")
        said = [
            Statement(About.GOVERNANCE, Holder.STATE, evidence),
            Statement(About.EDITORIAL, editorial, evidence),
        ]
        said += [Statement(About.CODE, code, evidence)] if code else []
        return Outlet("vesk-tv", "Vesk TV", statements=tuple(said))

    assert outlet(Holder.STATE, None).state_media
    assert not outlet(Holder.UNKNOWN, None).state_media
    assert not outlet(Holder.STATE, Code.ISFM).state_media, "a code decides"
