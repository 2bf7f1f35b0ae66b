"""A report as JSON, JSON Lines and rows, and the schema that is derived from the same records."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import reports
from framescope.classifier.errors import BundleError
from framescope.classifier.inputs.exchange import from_record
from framescope.classifier.records import ArticleReport, BatchReport, Link, Relation
from framescope.classifier.reports import report_schema, to_json, to_line
from framescope.classifier.reports.document import SCHEMA_VERSION
from jsonschema import Draft202012Validator

SCHEMA = report_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
DOCUMENTATION = Path(__file__).parents[1] / "docs" / "report.md"


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def parsed(*articles: ArticleReport) -> Any:
    return json.loads(to_json(reports.report(*articles)), parse_constant=refuse)


def line(report: ArticleReport) -> Any:
    return json.loads(to_line(report, model=reports.MODEL, thresholds=reports.THRESHOLDS))


# --- the schema -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report",
    [
        reports.everything(),
        reports.report(),
        reports.report(skipped=reports.SKIPPED),
        reports.report(reports.unscored()),
    ],
    ids=["everything", "empty", "skipped only", "unscored"],
)
def test_output_keeps_the_schema(report: BatchReport) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(json.loads(to_json(report), parse_constant=refuse))


@pytest.mark.parametrize(
    "where",
    [
        (),
        ("articles", 0),
        ("articles", 0, "sentences", 2, "citations", 0),
        ("articles", 0, "source", "publication", "chain", 0),
        ("articles", 0, "source", "outlet", "control"),
        ("articles", 0, "source", "evidence", "sources", 0),
        ("articles", 0, "summary"),
    ],
)
def test_the_schema_knows_every_key_and_no_other(where: tuple[str | int, ...]) -> None:
    document = parsed(reports.harbour())
    place = document
    for step in where:
        place = place[step]
    first = next(iter(place))
    value = place.pop(first)
    assert not VALIDATOR.is_valid(document)
    place[first] = value
    assert VALIDATOR.is_valid(document)
    place["surprise"] = 1
    assert not VALIDATOR.is_valid(document)


def test_the_schema_names_what_the_types_can_hold() -> None:
    assert SCHEMA["$defs"]["Relation"]["enum"] == list(Relation)
    assert SCHEMA["$defs"]["Link"]["properties"]["relation"]["$ref"].endswith("Relation")
    assert list(SCHEMA["$defs"]["Link"]["properties"]) == list(Link.__dataclass_fields__)
    assert not any("Attributes" in one.get("description", "") for one in SCHEMA["$defs"].values())
    held = SCHEMA["$defs"]["Holding"]["properties"]["owners"]["items"]["$ref"]
    assert held == "#/$defs/Holding"


def test_every_key_and_the_version_are_documented() -> None:
    text = DOCUMENTATION.read_text("utf-8")
    kinds = [SCHEMA, *SCHEMA["$defs"].values()]
    keys = {key for kind in kinds for key in kind.get("properties", ())}
    assert len(keys) > 30
    assert keys <= set(re.findall(r"`([a-z_]+)`", text))
    assert f'"{SCHEMA_VERSION}"' in text


# --- JSON -----------------------------------------------------------------------------------------


def places(value: Any) -> list[Any]:
    """Every place of a citation or a chain, at any depth."""
    if isinstance(value, list):
        return [place for item in value for place in places(item)]
    if not isinstance(value, dict):
        return []
    if value.keys() >= {"start", "end", "text"}:
        return [value]
    return [place for item in value.values() for place in places(item)]


def test_offsets_point_at_the_text_beside_them() -> None:
    for article in parsed(*reports.everything().articles)["articles"]:
        for sentence in article["sentences"]:
            found = places([sentence["evidence"], sentence["citations"]])
            for part in (sentence, *found, *places([article["spans"], article["source"]])):
                assert article["text"][part["start"] : part["end"]] == part["text"]


def test_scores_are_rounded_and_shares_are_not() -> None:
    article = reports.harbour()
    first = replace(article.sentences[0], scores={"claim": 0.123456789})
    document = parsed(replace(article, sentences=(first,)))
    assert document["articles"][0]["sentences"][0]["scores"] == {"claim": 0.1235}
    assert article.source is not None
    assert article.source.outlet is not None
    outlet = article.source.outlet
    held = (replace(outlet.holdings[0], share=1.3537665),)
    source = replace(article.source, outlet=replace(outlet, holdings=held))
    (owner,) = parsed(replace(article, source=source))["articles"][0]["source"]["outlet"]["owners"]
    assert owner["share"] == 1.3537665
    assert [above["name"] for above in owner["owners"]] == ["the Ellery family"]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_refused_in_one_line(bad: float) -> None:
    article = replace(reports.plain(), scores={"hyperpartisan": bad})
    with pytest.raises(BundleError, match="not a number") as caught:
        to_json(reports.report(article))
    assert "\n" not in str(caught.value)


def test_labelled_spans_have_no_score_and_found_ones_have() -> None:
    articles = parsed(reports.carried(), reports.harbour())["articles"]
    labelled, found = (one["spans"] for one in articles)
    assert [(span["signal"], span["score"]) for span in labelled] == [("slogans", None)]
    assert {span["signal"] for span in found} == {"loaded_language", "name_calling",
                                                  "appeal_to_fear"}  # fmt: skip
    assert all(span["score"] > 0 for span in found)


def test_hostile_text_comes_back_as_it_was_and_encodes() -> None:
    output = to_json(reports.report(reports.hostile()))
    article = json.loads(output.encode("utf-8"))["articles"][0]
    assert article["text"].startswith(reports.HOSTILE_TEXT)
    assert "\x1b" not in output
    assert "\u2028" not in output
    assert "\n" not in to_json(reports.everything(), indent=None)


# --- JSON Lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("report", reports.everything().articles, ids=lambda one: one.article.lang)
def test_a_line_is_one_line_to_every_reader(report: ArticleReport) -> None:
    written = to_line(report, model=reports.MODEL, thresholds=reports.THRESHOLDS)
    assert len(written.splitlines()) == 1
    assert written.encode("utf-8")


@pytest.mark.parametrize("report", [reports.harbour(), reports.carried(), reports.dispatch()])
def test_a_line_can_be_read_again(report: ArticleReport) -> None:
    again = from_record(line(report), "scored.jsonl", 1)
    before = report.article
    assert again.text == before.text
    assert again.spans == before.spans  # what was found is not taken for a label
    assert again.republications == before.republications
    assert again.units is not None
    assert [(unit.start, unit.end, unit.voice) for unit in again.units] == [
        (s.start, s.end, s.voice) for s in report.sentences
    ]


def test_what_the_input_said_stays_beside_what_was_found() -> None:
    report = reports.carried()
    assert report.article.units is not None
    unit = replace(report.article.units[0], labels={"claim": 1.0, "attributed": math.nan})
    found = line(replace(report, article=replace(report.article, units=(unit,))))
    assert [one.get("labels") for one in found["sentences"]] == [None, {"claim": 1}, None]
    assert "score" not in found["spans"][0]
    assert all("score" in span for span in line(reports.harbour())["spans"])


def test_a_line_holds_flags_citations_and_the_source() -> None:
    found = line(reports.dispatch())
    for sentence in found["sentences"]:
        scores = sentence["scores"]
        reached = [name for name, score in scores.items() if score >= reports.THRESHOLDS[name]]
        assert sentence["flags"] == reached
    assert [[one["name"] for one in s["citations"]] for s in found["sentences"]] == [
        ["Ministry of Ports", "Vellen News Agency"], ["Vellen News Agency"], ["two port workers"],
        [],
    ]  # fmt: skip
    assert found["report"]["source"]["record"]["status"] == "unscored"
    assert (found["report"]["format"], found["report"]["model"]) == (2, reports.MODEL)
    assert "הנמל" in to_line(reports.hebrew(), model="m", thresholds={})
