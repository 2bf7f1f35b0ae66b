"""`framescope sources` as it is typed: cards, lists, checks, and what nobody is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry import registry as module
from framescope.classifier.outlets.registry.lookup import close, look, look_alike, look_up
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.outlets.registry.user import read

CASES = Path(__file__).parent / "cases"
REGISTRY = Registry(Tables(CASES / "sources_tables"))
ALIKE = [
    json.loads(line)
    for line in (CASES / "sources_alike.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture
def run(type_sources, monkeypatch):
    """Type a command; the registry is that of the cases."""
    monkeypatch.setattr(module, "_default", lambda: REGISTRY)
    return type_sources


def refused(result) -> str:
    assert result.status == 2
    assert result.err.startswith("framescope: ")
    assert result.err.count("\n") == 1
    return result.err


# --- show -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        *("rt", "RT", "Russia Today", "russia today", "Q22868", "q22868", "rt.com", " rt.com "),
        "https://user:pw@www.RT.com.:443/x",
    ],
)
def test_a_card_is_shown_for_whatever_names_an_outlet(run, query):
    result = run("show", query)
    assert (result.status, result.err) == (0, "")
    words = " ".join(result.out.split())
    assert words.startswith("RT rt kind publisher, television, RU, Wikidata Q22868")
    assert "formerly Russia Today" in words
    assert "mirrors swentr.site" in words
    assert "state media state-controlled (SC, 2023)" in words
    assert "funding state, governance state, editorial line state" in words
    assert "owner TV-Novosti [1]" in words
    assert "[1] State Media Monitor, 2023 https://statemediamonitor.com" in words
    assert "reliability: deprecated" in words


def test_a_card_says_what_is_not_known(run):
    words = " ".join(run("show", "khabar").out.split())
    assert "nothing on record, which is not the same as independent" in words
    assert "no assessment on record; that says nothing against it" in words


def test_every_outlet_of_an_ambiguous_name_is_shown(run):
    result = run("show", "The Times")
    assert result.status == 0
    assert "2 outlets are called The Times" in result.out
    assert "the-times-of-orrin" in result.out
    assert "in a text, what stands around it has to tell" in " ".join(result.out.split())


def test_a_host_is_shown_in_its_own_script(run):
    result = run("show", "xn--e1afmkfd.xn--p1ai", "新华社")
    assert result.status == 0
    assert "пример.рф" in result.out
    assert "新华社" in result.out


def test_a_networks_host_is_shown_with_whom_it_imitates(run):
    result = run("show", "https://reuters.cfd/world")
    assert result.status == 0
    words = " ".join(result.out.split())
    assert "reuters.cfd is listed under Doppelganger, as an imposter of Reuters (reuters)." in words
    assert "Qurium Media Foundation, 2022-07-12 https://www.qurium.org/" in words
    assert "reuters.cfd looks like Reuters (reuters.com) and is not one of its hosts" in words


def test_a_network_is_shown_by_its_name_in_any_case(run, monkeypatch):
    shipped = Registry()
    monkeypatch.setattr(module, "_default", lambda: shipped)
    for name in ("Doppelganger", "doppelgänger", "Storm-1099"):
        words = " ".join(run("show", name).out.split())
        assert "kind influence network, RU also Doppelgänger, Storm-1099, Ruza Flood" in words
        assert "run by Social Design Agency and Structura" in words
        assert "found by EU DisinfoLab" in words
        assert "report EU DisinfoLab" in words
        assert "https://www.disinfo.eu/doppelganger-operation/" in words
    assert "spiegel.ltd" in run("show", "doppelganger", "--all").out
    assert "outlets News Front (news-front)" in " ".join(run("show", "Portal Kombat").out.split())
    (found,) = json.loads(run("show", "RRN", "--format", "json").out)
    assert found["outlets"] == []
    assert found["operation"]["id"] == "rrn"


def test_an_imposter_on_record_is_not_taken_for_the_outlet(run):
    result = run("show", "reuters.example")
    assert "reuters.example is an imposter of Reuters, and not its host." in result.out


def test_a_look_alike_is_pointed_out(run):
    result = run("show", "wwwbbc.com")
    assert result.status == 0
    assert "wwwbbc.com looks like BBC (bbc.com) and is not one of its hosts" in result.out


def test_json_has_all_of_it(run):
    result = run("show", "rt.com", "reuters.cfd", "--format", "json")
    rt, imposter = json.loads(result.out)
    assert rt["outlets"][0]["control"]["code"] == "SC"
    assert rt["domain"] == {"host": "rt.com", "role": "main"}
    assert imposter["outlets"] == []
    assert imposter["network"]["impersonates"] == "reuters"
    assert imposter["looks_like"]["original"] == "reuters.com"


def test_nothing_found_is_one_line_and_status_2(run):
    result = run("show", "Qwertzuiop Asdf")
    assert result.out == ""
    assert "'Qwertzuiop Asdf': no outlet has this host, name, id or QID" in refused(result)


def test_close_misses_are_suggested(run):
    assert "did you mean Reuters (reuters)?" in refused(run("show", "Rueters"))
    assert "did you mean TASS (tass)?" in refused(run("show", "taSS"))


def test_what_is_found_is_shown_before_what_is_not_is_said(run):
    result = run("show", "rt.com", "nobody.example.org")
    assert "RT" in result.out
    assert "nobody.example.org" in refused(result)


@pytest.mark.parametrize(
    "query", ["", " ", "\x1b[31m", "a\nb", "[bold]x[/bold]", "\ud800", "é" * 9999]
)
def test_strange_queries_are_refused_in_one_line(run, query):
    assert "\x1b" not in refused(run("show", query))


def test_markup_in_a_file_is_not_obeyed(run, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "x", "name": "[bold]X[/bold] Post [/]"}', encoding="utf-8")
    assert "[bold]X[/bold] Post [/]" in run("show", "x", "--sources", path).out


def test_a_file_of_ones_own_is_read(run, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "x", "name": "X Post", "domains": ["x.example"]}', encoding="utf-8")
    assert "X Post" in run("show", "x.example", "--sources", path).out
    path.write_text('{"id": "x", "name": "X", "role": "paper"}', encoding="utf-8")
    said = refused(run("show", "x.example", "--sources", path))
    assert "mine.jsonl:1: field 'role' is 'paper'; it must be one of publisher" in said


# --- list -----------------------------------------------------------------------------------------


def test_a_list_has_a_row_an_outlet(run):
    lines = run("list").out.splitlines()
    assert lines[0] == "id\tname\trole\tmedium\tcountry\tcode\thost\twikidata"
    assert len(lines) == len(REGISTRY) + 1
    assert "rt\tRT\tpublisher\ttelevision\tRU\tSC\trt.com\tQ22868" in lines


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--country", "ir"], ["mehr"]),
        (["--state-media"], ["rt"]),
        (["--role", "platform"], ["blogger"]),
        (["--country", "RU", "--state-media"], ["rt"]),
        (["--country", "XX"], []),
    ],
)
def test_a_list_is_of_those_asked_for(run, options, ids):
    lines = run("list", *options).out.splitlines()[1:]
    assert [line.split("\t")[0] for line in lines] == ids


def test_a_list_as_json_is_a_file_of_ones_own(run, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text(run("list", "--format", "json").out, encoding="utf-8")
    assert read(path, REGISTRY) == tuple(REGISTRY)


def test_a_role_that_is_none_is_refused(run):
    assert "role" in refused(run("list", "--role", "paper"))


# --- check ----------------------------------------------------------------------------------------


def test_the_shipped_tables_have_no_errors(run):
    result = run("check")
    assert result.status == 0, result.out
    assert "0 errors" in result.out
    assert "warnings" in result.out


def test_a_file_of_ones_own_is_checked(run, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "x", "name": "X Post", "domains": ["rt.com"]}', encoding="utf-8")
    result = run("check", "--sources", path)
    assert result.status == 0
    assert "warning: duplicate: x: rt.com is a host of rt too" in result.out
    assert "1 warning (1 duplicate)" in result.out
    path.write_text('{"id": "x", "name": "X Post", "domains": ["co.uk"]}', encoding="utf-8")
    result = run("check", "--sources", path, "--format", "json")
    assert result.status == 1
    (problem,) = json.loads(result.out)
    assert (problem["level"], problem["kind"], problem["subject"]) == ("error", "host", "x")


# --- what was meant -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case["host"])
def test_a_host_looks_like_one_outlets_or_nobodys(case):
    found = look_alike(REGISTRY, case["host"])
    assert (found and found.outlet.id) == case["outlet"]


def test_there_are_hosts_that_look_like_nobodys():
    assert sum(case["outlet"] is None for case in ALIKE) >= 10


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("rt", ["rt"]),
        ("tass", ["tass"]),
        ("Rueters", ["reuters"]),
        ("Guardain", ["the-guardian"]),
        ("Asociated Press", ["ap"]),
        ("РИА Навости", ["ria-novosti"]),
        ("novosti", ["ria-novosti"]),
        ("rueters.com", ["reuters"]),
        ("zq", []),
        ("", []),
    ],
)
def test_the_closest_name_comes_first(query, ids):
    assert [outlet.id for outlet in close(REGISTRY, query)][:1] == ids


def test_a_look_is_what_a_reader_sees():
    assert look("rеutеrs") == look("reuters")  # Cyrillic е
    assert look("rnehrnews") == look("mehrnews")
    assert look("g00gle") == look("google")
    assert look("fox-news") == look("foxnews")
    assert look("reuters") != look("routers")


def test_an_address_comes_before_a_name():
    own = REGISTRY.with_outlets([])
    assert look_up(own, "rt.com").domain is not None
    assert look_up(own, "RT").domain is None
