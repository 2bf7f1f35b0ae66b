"""The registry handed on, two versions of it compared, and ratings that a user holds taken in."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from framescope.classifier.outlets.registry import registry as module
from framescope.classifier.outlets.registry.export import (
    export,
    write_csv,
    write_jsonl,
    write_jsonld,
)
from framescope.classifier.outlets.registry.facts import (
    COLUMNS,
    facts,
    licence_of,
)
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.outlets.registry.tables import Tables
from framescope.classifier.outlets.registry.user import read

TABLES = Path(__file__).parent / "cases/sources_tables"
REGISTRY = Registry(Tables(TABLES))
FACTS = list(facts(REGISTRY))


@pytest.fixture
def run(type_sources, monkeypatch):
    """Type a command; the registry is that of the cases."""
    monkeypatch.setattr(module, "_default", lambda: REGISTRY)
    longest = csv.field_size_limit(1 << 17)  # Python's own, which readers of tables raise
    yield type_sources
    csv.field_size_limit(longest)


# --- every fact with its source and licence ------------------------------------------------------


def test_every_fact_has_a_source_and_a_licence():
    assert all(fact.id and fact.fact and fact.value and fact.source for fact in FACTS)
    assert all(fact.licence for fact in FACTS)


def test_a_list_that_changed_its_licence_has_both():
    name = "Wikipedia: perennial sources"
    assert licence_of(name, "2021-03-17").startswith("CC BY-SA 3.0")
    assert licence_of(name, "2026-08").startswith("CC BY-SA 4.0")
    assert licence_of("general knowledge") == "Apache-2.0"
    assert licence_of("orrinpost.example", "2026").startswith("none claimed")


def test_what_is_on_record_is_among_the_facts():
    rows = {(fact.id, fact.fact, fact.value) for fact in FACTS}
    assert {
        ("rt", "country", "RU"),
        ("rt", "host:mirror", "swentr.site"),
        ("rt", "name:former", "Russia Today"),
        ("rt", "code", "SC"),
        ("rt", "owner", "owner:tv-novosti"),
        ("rt", "reliability", "deprecated"),
    } <= rows
    for network in REGISTRY.networks():
        assert any(fact.id == f"network:{network.id}" for fact in FACTS)
    for site in REGISTRY.sites():
        assert any(fact.id == f"site:{site.host}" for fact in FACTS)


def test_a_csv_has_a_row_a_fact():
    file = io.StringIO()
    write_csv(REGISTRY, file)
    header, *rows = csv.reader(io.StringIO(file.getvalue()))
    assert tuple(header) == COLUMNS
    assert rows == [list(fact.cells) for fact in FACTS]


def test_json_lines_have_an_object_for_each_with_its_facts():
    file = io.StringIO()
    write_jsonl(REGISTRY, file)
    objects = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [one["id"] for one in objects] == list(dict.fromkeys(fact.id for fact in FACTS))
    assert sum(len(one["facts"]) for one in objects) == len(FACTS)
    assert all(fact["licence"] for one in objects for fact in one["facts"])


def test_json_ld_is_read_as_others_read_it_and_without_a_network(monkeypatch):
    import socket

    from rdflib import RDF, Graph, Namespace, URIRef

    monkeypatch.setattr(socket, "socket", None)
    file = io.StringIO()
    write_jsonld(REGISTRY, file)
    graph = Graph().parse(data=file.getvalue(), format="json-ld")
    terms = Namespace("https://schema.org/")
    outlets = set(graph.subjects(RDF.type, terms.NewsMediaOrganization))
    assert len(outlets) == len(REGISTRY)
    rt = URIRef("urn:framescope:outlet:rt")
    assert (rt, terms.sameAs, URIRef("http://www.wikidata.org/entity/Q22868")) in graph
    owner = URIRef("urn:framescope:owner:tv-novosti")
    assert (rt, terms.parentOrganization, owner) in graph
    assert (owner, RDF.type, terms.Organization) in graph
    assert "TV-Novosti" in str(graph.value(rt, terms.ownershipFundingInfo))
    for one in graph.objects(None, terms.additionalProperty):
        cited = graph.value(one, terms.subjectOf)
        assert graph.value(cited, terms.license) is not None


def test_parquet_holds_the_same_rows(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export(REGISTRY, "parquet", tmp_path / "registry.parquet")
    table = parquet.read_table(tmp_path / "registry.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert [tuple(row.values()) for row in table.to_pylist()] == [fact.cells for fact in FACTS]
    assert table.schema.metadata[b"version"].decode() == REGISTRY.version


def test_the_suffix_says_the_format(run, tmp_path):
    for suffix, start in (("csv", "id,name"), ("jsonl", '{"id"'), ("jsonld", '{"@context"')):
        path = tmp_path / f"registry.{suffix}"
        assert run("export", "-o", path) == (0, "", "")
        assert path.read_text(encoding="utf-8").startswith(start)
    status, out, _ = run("export")
    assert (status, out.splitlines()[0]) == (0, ",".join(COLUMNS))


def test_a_file_is_not_written_over(run, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("mine", encoding="utf-8")
    status, _, err = run("export", "-o", path)
    assert (status, path.read_text(encoding="utf-8")) == (2, "mine")
    assert "--overwrite" in err
    assert run("export", "-o", path, "--overwrite")[0] == 0


def test_parquet_to_a_terminal_is_refused(run):
    status, _, err = run("export", "-f", "parquet")
    assert status == 2
    assert err == "framescope: Parquet is not text; give --output FILE\n"


# --- two versions ---------------------------------------------------------------------------------


# --- ratings that a user holds --------------------------------------------------------------------

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
    (outlet,) = read(target, REGISTRY)
    before = REGISTRY["rt"]
    (added,) = set(outlet.assessments) - set(before.assessments)
    assert len(outlet.assessments) == len(before.assessments) + 1
    assert (added.value, added.evidence.source) == ("generally_unreliable", "Orrin Raters: 12.5")
    assert (added.evidence.date, added.evidence.licence) == ("2026-05-01", "held by us")
    assert outlet.domains == before.domains


def test_with_a_second_rater_the_record_is_an_interval(run, tmp_path):
    rows = "domain,score,date\nrt.com,10,2026-05-01\n"
    status, err, target = taken_in(run, tmp_path, rows)
    assert status == 0, err
    extended = REGISTRY.with_outlets(read(target, REGISTRY))
    assert len({one.evidence.source.partition(":")[0] for one in extended["rt"].assessments}) == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "no column for the outlet; name it with --column outlet=NAME; its columns: none"),
        (
            "site,colour\nrt.com,red\n",
            "for the rating; name it with --column rating=NAME",
        ),
        ("site,score\nrt.com,great\n", "row 2, field 'rating': 'great' stands for no rating"),
        ("site,score\nrt.com,\n", "row 2, field 'rating': is empty"),
        ("site,score,date\nrt.com,5,2026-02-30\n", "row 2, field 'date': '2026-02-30'"),
        ("site,score,page\nrt.com,5,nowhere\n", "row 2, field 'url': 'nowhere'"),
        ("site,score\nnowhere.example,5\n", "none of its 1 outlets is in the registry"),
        ('site,score\n"' + "x" * 200_000, "is no CSV"),
        ("site,score\n" + "rt.com,5\n" * 200_000, "more than 100,000 rows; split the file"),
    ],
)
def test_ratings_that_cannot_be_read_are_refused_and_nothing_is_written(run, tmp_path, rows, said):
    status, err, target = taken_in(run, tmp_path, rows)
    assert status == 2
    assert said in err
    assert err.count("\n") == 1
    assert not target.exists()


@pytest.mark.parametrize(
    "options",
    [("--term", "good"), ("--term", "good=fine"), ("--term", "9..1=deprecated"),
     ("--column", "rating=stars"), ("--date", "last week")],
)  # fmt: skip
def test_options_that_say_nothing_are_refused(run, tmp_path, options):
    status, err, target = taken_in(run, tmp_path, "site,score\nrt.com,5\n", *options)
    assert status == 2
    assert err.count("\n") == 1
    assert not target.exists()
