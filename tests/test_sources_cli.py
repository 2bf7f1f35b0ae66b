"""`framescope sources` as it is typed: cards, lists, checks, exports, imports."""

import csv
import io
import json
import re
import shlex
import shutil
import socket
import zipfile
from functools import partial
from pathlib import Path

import pytest
from framescope.classifier.outlets.record import record
from framescope.classifier.outlets.registry import user as module
from framescope.classifier.outlets.registry.export import Fact, export_registry, facts, licence_of
from framescope.classifier.outlets.registry.lookup import look_up
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.user import read_outlets
from outlets import CASES, SMALL, cases

FACTS = list(facts(SMALL))
ALIKE = cases("sources_alike.jsonl")
DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture
def run(type_command, monkeypatch):
    """Type a command; the registry is that of the cases."""
    monkeypatch.setattr(module, "_default", lambda: SMALL)
    longest = csv.field_size_limit(1 << 17)  # Python's own, which readers of tables raise
    yield partial(type_command, "sources")
    csv.field_size_limit(longest)


@pytest.fixture
def mine(tmp_path):
    """A file of one's own with a line."""

    def write(**line: object) -> Path:
        path = tmp_path / "mine.jsonl"
        path.write_text(json.dumps(line), encoding="utf-8")
        return path

    return write


def refused(result) -> str:
    assert result.status == 2
    assert result.err.startswith("framescope: ")
    assert result.err.count("\n") == 1
    return result.err


@pytest.mark.parametrize("query", ["rt", "russia today", "q22868", "https://u:p@www.RT.com.:443/x"])
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


def test_what_is_in_doubt_or_not_known_is_said(run):
    words = " ".join(run("show", "The Times", "xn--e1afmkfd.xn--p1ai", "khabar").out.split())
    assert "2 outlets are called The Times" in words
    assert "the-times-of-orrin" in words
    assert "in a text, what stands around it has to tell" in words
    assert "пример.рф" in words
    assert "nothing on record, which is not the same as independent" in words
    assert "no assessment on record; that says nothing against it" in words


def test_imitations_are_not_taken_for_the_outlet(run):
    result = run("show", "https://reuters.cfd/world", "reuters.example", "wwwbbc.com")
    assert result.status == 0
    words = " ".join(result.out.split())
    assert "reuters.example is an imposter of Reuters, and not its host." in words
    assert "wwwbbc.com looks like BBC (bbc.com) and is not one of its hosts" in words
    assert "reuters.cfd is listed under Doppelganger, as an imposter of Reuters (reuters)." in words
    assert "Qurium Media Foundation, 2022-07-12 https://www.qurium.org/" in words
    assert "reuters.cfd looks like Reuters (reuters.com) and is not one of its hosts" in words


def test_a_network_is_shown_by_its_name_in_any_case(run, monkeypatch):
    shipped = Registry()
    monkeypatch.setattr(module, "_default", lambda: shipped)
    for name in ("Doppelganger", "doppelgänger", "Storm-1099"):
        words = " ".join(run("show", name).out.split())
        assert "kind influence network, RU [1] also Doppelgänger, Storm-1099, Ruza Flood" in words
        assert "run by Social Design Agency and Structura" in words
        assert "found by EU DisinfoLab" in words
    assert "spiegel.ltd" in run("show", "doppelganger", "--all").out
    assert "outlets News Front (news-front)" in " ".join(run("show", "Portal Kombat").out.split())
    (found,) = json.loads(run("show", "RRN", "--format", "json").out)
    assert found["outlets"] == []
    assert found["operation"]["id"] == "rrn"


def test_json_has_all_of_it(run):
    result = run("show", "rt.com", "reuters.cfd", "--format", "json")
    rt, imposter = json.loads(result.out)
    assert rt["outlets"][0]["control"]["code"] == "SC"
    assert rt["domain"] == {"host": "rt.com", "role": "main"}
    assert imposter["outlets"] == []
    assert imposter["network"]["impersonates"] == "reuters"
    assert imposter["looks_like"]["original"] == "reuters.com"


def test_nothing_found_is_one_line_and_status_2(run):
    result = run("show", "Qwertzuiop Asdf", "rt.com")
    assert "RT" in result.out
    assert "'Qwertzuiop Asdf': no outlet has this host, name, id or QID" in refused(result)
    for query, name in (("Rueters", "Reuters (reuters)"), ("РИА Навости", "(ria-novosti)")):
        assert f"{name}" in refused(run("show", query)).partition("did you mean")[2]


@pytest.mark.parametrize("query", ["", "\x1b[31m", "a\nb", "[bold]x[/bold]", "\ud800", "é" * 9999])
def test_strange_queries_are_refused_in_one_line(run, query):
    assert "\x1b" not in refused(run("show", query))


def test_a_file_of_ones_own_is_read_and_its_markup_not_obeyed(run, mine):
    path = mine(id="x", name="[bold]X[/bold] Post [/]", domains=["x.example"])
    assert "[bold]X[/bold] Post [/]" in run("show", "x.example", "--sources", path).out
    said = refused(run("show", "x.example", "--sources", mine(id="x", name="X", role="paper")))
    assert "mine.jsonl:1: role: must be one of publisher" in said


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--country", "ir"], ["mehr"]),
        (["--country", "iran", "--role", "publisher"], ["mehr"]),
        (["--role", "platform"], ["blogger"]),
        (["--country", "RU", "--state-media"], ["rt"]),
        (["--country", "Tuvalu"], []),
    ],
)
def test_a_list_is_of_those_asked_for(run, options, ids):
    header, *lines = run("list", *options).out.splitlines()
    assert header == "id\tname\trole\tmedium\tcountry\tcode\thost\twikidata"
    assert [line.split("\t")[0] for line in lines] == ids


def test_a_list_as_json_is_a_file_of_ones_own(run, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text(run("list", "--format", "json").out, encoding="utf-8")
    assert read_outlets(path, SMALL) == tuple(SMALL)
    assert "role" in refused(run("list", "--role", "paper"))
    assert "Irann: no such country; give its" in refused(run("list", "--country", "Irann"))


def test_a_file_of_ones_own_is_checked(run, mine):
    result = run("check", "--sources", mine(id="x", name="X Post", domains=["rt.com"]))
    assert result.status == 0
    assert "warning: duplicate: x: rt.com is a host of rt too" in result.out
    assert "1 warning (1 duplicate)" in result.out
    path = mine(id="x", name="X Post", domains=["co.uk"])
    result = run("check", "--sources", path, "--format", "json")
    assert result.status == 1
    (problem,) = json.loads(result.out)
    assert (problem["level"], problem["kind"], problem["subject"]) == ("error", "host", "x")


@pytest.mark.parametrize("case", ALIKE, ids=lambda case: case["host"])
def test_a_host_looks_like_one_outlets_or_nobodys(case):
    found = look_up(SMALL, case["host"]).alike
    assert (found and found.outlet.id) == case["outlet"]


def test_every_fact_has_a_source_and_a_licence():
    assert all(fact.id and fact.fact and fact.value and fact.source for fact in FACTS)
    assert all(fact.licence for fact in FACTS)
    assert {
        ("rt", "country", "RU"),
        ("rt", "host:mirror", "swentr.site"),
        ("rt", "name:former", "Russia Today"),
        ("rt", "code", "SC"),
        ("rt", "owner", "owner:tv-novosti"),
        ("rt", "reliability", "deprecated"),
    } <= {(fact.id, fact.fact, fact.value) for fact in FACTS}
    ids = {fact.id for fact in FACTS}
    assert {f"network:{network.id}" for network in SMALL.networks()} <= ids
    assert {f"site:{site.host}" for site in SMALL.sites()} <= ids
    name = "Wikipedia: perennial sources"  # a list that changed its licence
    assert licence_of(name, "2021-03-17").startswith("CC BY-SA 3.0")
    assert licence_of(name, "2026-08").startswith("CC BY-SA 4.0")
    assert licence_of("orrinpost.example", "2026").startswith("none claimed")
    assert licence_of("EUvsDisinfo via ASD Disinformation Laundromat", "2023") == "MIT"


def exported(format: str) -> str:
    file = io.StringIO()
    export_registry(SMALL, format, file)
    return file.getvalue()


def test_csv_json_lines_and_parquet_hold_every_fact(tmp_path):
    header, *rows = csv.reader(io.StringIO(exported("csv")))
    assert tuple(header) == Fact._fields
    assert rows == [list(fact) for fact in FACTS]
    objects = [json.loads(line) for line in exported("jsonl").splitlines()]
    assert [one["id"] for one in objects] == list(dict.fromkeys(fact.id for fact in FACTS))
    assert sum(len(one["facts"]) for one in objects) == len(FACTS)
    assert all(fact["licence"] for one in objects for fact in one["facts"])
    parquet = pytest.importorskip("pyarrow.parquet")
    export_registry(SMALL, "parquet", tmp_path / "registry.parquet")
    table = parquet.read_table(tmp_path / "registry.parquet")
    assert tuple(table.column_names) == Fact._fields
    assert [tuple(row.values()) for row in table.to_pylist()] == FACTS
    assert table.schema.metadata[b"version"].decode() == SMALL.version


def test_json_ld_is_read_as_others_read_it_and_without_a_network(monkeypatch):
    from rdflib import RDF, Graph, Namespace, URIRef

    monkeypatch.setattr(socket, "socket", None)
    graph = Graph().parse(data=exported("jsonld"), format="json-ld")
    terms = Namespace("https://schema.org/")
    outlets = set(graph.subjects(RDF.type, terms.NewsMediaOrganization))
    assert len(outlets) == len(SMALL)
    rt = URIRef("urn:framescope:outlet:rt")
    assert (rt, terms.sameAs, URIRef("http://www.wikidata.org/entity/Q22868")) in graph
    owner = URIRef("urn:framescope:owner:tv-novosti")
    assert (rt, terms.parentOrganization, owner) in graph
    assert (owner, RDF.type, terms.Organization) in graph
    assert "TV-Novosti" in str(graph.value(rt, terms.ownershipFundingInfo))
    for one in graph.objects(None, terms.additionalProperty):
        cited = graph.value(one, terms.subjectOf)
        assert graph.value(cited, terms.license) is not None


def test_an_export_writes_over_nothing_and_no_parquet_to_a_terminal(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("mine", encoding="utf-8")
    assert "--overwrite" in refused(run("export", "-o", path))
    assert path.read_text(encoding="utf-8") == "mine"
    assert run("export", "-o", path, "--overwrite") == (0, "", "")
    assert path.read_text(encoding="utf-8").startswith("id,name")  # the suffix says the format
    assert run("export").out.startswith("id,name")
    assert "Parquet is not text; give --output FILE" in refused(run("export", "-f", "parquet"))


TERMS = ("--term", "0..59=generally_unreliable", "--term", "60..100=generally_reliable")


def taken_in(run, tmp_path: Path, rows: str, *options: str) -> tuple[int, str, Path]:
    path, target = tmp_path / "ratings.csv", tmp_path / "own.jsonl"
    path.write_text(rows, encoding="utf-8")
    given = ("--rater", "Orrin Raters", "--licence", "held by us", *TERMS, "-o", target, *options)
    status, _, err = run("import", path, *given)
    return status, err, target


def test_ratings_come_in_beside_what_is_on_record(run, tmp_path):
    rows = 'Domain,Score,Date,Note\nwww.rt.com,12.5,2026-05-01,"two\nlines"\n'
    rows += "nowhere.example,99,2026-05-01,\n"
    status, err, target = taken_in(run, tmp_path, rows)
    assert status == 0, err
    assert "ratings by Orrin Raters, of outlets on record 1, of others 1 (left out)" in err
    (outlet,) = read_outlets(target, SMALL)
    before = SMALL["rt"]
    (added,) = set(outlet.assessments) - set(before.assessments)
    assert len(outlet.assessments) == len(before.assessments) + 1
    assert (added.value, added.evidence.source) == ("generally_unreliable", "Orrin Raters: 12.5")
    assert (added.evidence.date, added.evidence.licence) == ("2026-05-01", "held by us")
    assert outlet.domains == before.domains


def test_each_export_of_the_docs_keeps_its_scale_and_counts_for_no_record(run, tmp_path):
    page = (DOCS / "sources.md").read_text("utf-8").partition("## Ratings that you hold")[2]
    table, objects = re.findall(r"```(?:text|json)\n(.*?)```", page, re.DOTALL)
    (tmp_path / "ratings.csv").write_text(table, encoding="utf-8")
    (tmp_path / "ratings.json").write_text(objects, encoding="utf-8")
    shutil.copy(CASES / "ratings.xlsx", tmp_path)
    found = {}
    for line in re.findall(r"    framescope sources (import .*)", page):
        words = [str(tmp_path / one) if "." in one else one for one in shlex.split(line)]
        assert run(*words).status == 0
        name = Path(words[1])
        (outlet,) = [o for o in read_outlets(Path(words[-1]), SMALL) if o.id == "rt"]
        (added,) = set(outlet.assessments) - set(SMALL["rt"].assessments)
        found[name.suffix] = (added.claim, added.value, added.evidence.date)
        counted = record(outlet, None, date="2026-06-01", registry=SMALL)
        assert counted == record(SMALL["rt"], None, date="2026-06-01", registry=SMALL)
    assert found == {
        ".csv": ("rating", "VERY LOW", "2026-05-01"),
        ".json": ("rating", "12.5 (corrects errors: no; names its owner: yes)", "2026-05"),
        ".xlsx": ("rating", "red", "2026-05-01"),
    }
    shown = " ".join(run("show", "rt.com", "--sources", tmp_path / "orrin.jsonl").out.split())
    assert "rating: VERY LOW" in shown


def test_other_exports_that_cannot_be_read_are_refused(run, tmp_path):
    for name, text, said in (
        ("a.json", '[{"host": "rt.com"', "is no JSON that can be read"),
        ("b.json", "[1]", "holds no list of objects"),
        ("a.jsonl", '{"host": "rt.com"}\n', "no column for the rating"),
        ("a.xlsx", "PK", "is no .xlsx that can be read; save it as CSV"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        given = ("--rater", "R", "--licence", "ours", "-o", tmp_path / "own.jsonl")
        assert f"{name}: {said}" in refused(run("import", tmp_path / name, *given))


def test_odd_but_sound_exports_are_read_as_their_programs_show_them(run, tmp_path):
    head = "<x><sheetData><row>{}{}</row><row>"
    strings = "<sst><si><t>site</t><rPh><t>saito</t></rPh></si><si><t>score</t></si>"
    strings += "<si><r><t>rt</t></r><r><t>.com</t></r></si></sst>"
    cell = '<c r="{}1" t="s"><v>{}</v></c>'.format
    rows = head.format(cell("A", 0), cell("B", 1)) + cell("A", 2)
    rows += '<c r="B2"><v>87.500000000000014</v></c></row></sheetData></x>'
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/sharedStrings.xml", strings)
        book.writestr("xl/worksheets/sheet1.xml", rows)
    line = '{"site": "rt.com", "score": "a\u2028b"}'
    (tmp_path / "a.jsonl").write_text(f"{line}\r\n\n", encoding="utf-8")
    (tmp_path / "a.json").write_text(f'{{"errors": [], "outlets": [{line}]}}', encoding="utf-8")
    own, found = tmp_path / "own.jsonl", []
    for name in ("a.xlsx", "a.jsonl", "a.json"):
        given = ("--rater", "R", "--licence", "ours", "-o", own, "--overwrite")
        assert run("import", tmp_path / name, *given).status == 0
        (outlet,) = read_outlets(own, SMALL)
        (added,) = set(outlet.assessments) - set(SMALL["rt"].assessments)
        found.append(added.value)
    assert found == ["87.5", "a b", "a b"]
    data = bytearray((tmp_path / "a.xlsx").read_bytes())
    data[50:58] = b"\xff" * 8  # in the deflated strings
    (tmp_path / "b.xlsx").write_bytes(data)
    assert "save it as CSV" in refused(run("import", tmp_path / "b.xlsx", *given))


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ("", (), "no column for the outlet; name it with --column outlet=NAME; its columns: none"),
        ("site,colour\nrt.com,red\n", (), "for the rating; name it with --column rating=NAME"),
        ("site,score\nrt.com,great\n", (), "row 2, field 'rating': 'great' stands for no rating"),
        ("site,score\nrt.com,\n", (), "row 2, field 'rating': is empty"),
        ("site,score,date\nrt.com,5,2026-02-30\n", (), "row 2, field 'date': '2026-02-30'"),
        ("site,score,page\nrt.com,5,nowhere\n", (), "row 2, field 'url': 'nowhere'"),
        ("site,score\nnowhere.example,5\n", (), "none of its 1 outlets is in the registry"),
        ('site,score\n"' + "x" * 200_000, (), "is no CSV"),
        *(
            ("site,score\nrt.com,5\n", (option, value), said)
            for option, value, said in (
                ("--term", "good", "give WORD=RATING"),
                ("--term", "good=fine", "give WORD=RATING"),
                ("--term", "9..1=deprecated", "9..1 is no range of numbers"),
                ("--column", "rating=stars", "has no column 'stars'"),
                ("--column", "title=stars", "of the fields outlet, rating, criteria, date, url"),
                ("--date", "last week", "field 'date'"),
            )
        ),
    ],
)
def test_ratings_that_say_nothing_are_refused_and_not_written(run, tmp_path, rows, options, said):
    status, err, target = taken_in(run, tmp_path, rows, *options)
    assert (status, err.count("\n")) == (2, 1)
    assert said in err
    assert not target.exists()
