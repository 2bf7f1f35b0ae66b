import json
import math
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import reports
from framescope.classifier import taxonomy
from framescope.classifier.errors import BundleError
from framescope.classifier.records.article import SourceKind
from framescope.classifier.records.outlet import Medium, Role
from framescope.classifier.records.scored import Basis, BatchReport, Relation
from framescope.classifier.records.statements import Code, Holder
from framescope.classifier.reports.document import SCHEMA_VERSION, to_json
from jsonschema import Draft202012Validator

SCHEMA = json.loads(
    files("framescope.classifier.reports").joinpath("report.schema.json").read_text("utf-8")
)
DOCUMENTATION = Path(__file__).parents[1] / "docs" / "report.md"


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def parsed(report: BatchReport) -> Any:
    return json.loads(to_json(report), parse_constant=refuse)


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "report",
    [
        reports.everything(),
        reports.report(),
        reports.report(skipped=reports.SKIPPED),
        reports.report(reports.unscored()),
        reports.report(reports.plain()),
    ],
    ids=["everything", "empty", "skipped only", "unscored", "nothing flagged"],
)
def test_output_keeps_the_schema(report: BatchReport) -> None:
    Draft202012Validator(SCHEMA).validate(parsed(report))


@pytest.mark.parametrize(
    "where",
    [
        ("articles", 0),
        ("articles", 0, "sentences", 0),
        ("articles", 0, "sentences", 2, "citations", 0),
        ("articles", 0, "source"),
        ("articles", 0, "source", "publication", "chain", 0),
        ("articles", 0, "source", "outlet", "control"),
        ("articles", 0, "source", "record", "assessments", 0),
        ("articles", 0, "source", "evidence", "sources", 0),
        ("articles", 0, "summary"),
        (),
    ],
)
def test_the_schema_refuses_a_key_it_does_not_know(where: tuple[str | int, ...]) -> None:
    document = parsed(reports.everything())
    place = document
    for step in where:
        place = place[step]
    place["surprise"] = 1
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_the_schema_admits_every_signal_of_the_taxonomy() -> None:
    validator = Draft202012Validator(SCHEMA["$defs"]["signal"])
    assert all(validator.is_valid(name) for name in taxonomy.NAMES)


def properties(schema: Any) -> set[str]:
    """Every property name that a schema defines, at any depth."""
    if isinstance(schema, list):
        return set().union(*map(properties, schema))
    if not isinstance(schema, dict):
        return set()
    own = set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    return own.union(*map(properties, schema.values()))


def test_every_key_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_]+)`", DOCUMENTATION.read_text("utf-8")))
    keys = properties(SCHEMA)
    assert len(keys) > 30
    assert keys <= documented


def test_the_documentation_names_the_version() -> None:
    assert f'"{SCHEMA_VERSION}"' in DOCUMENTATION.read_text("utf-8")


def places(value: Any) -> list[Any]:
    """Every place of a citation or a chain, at any depth."""
    if isinstance(value, list):
        return [place for item in value for place in places(item)]
    if not isinstance(value, dict):
        return []
    if value.keys() == {"start", "end", "text"}:
        return [value]
    return [place for item in value.values() for place in places(item)]


def test_offsets_point_at_the_text_beside_them() -> None:
    document = parsed(reports.everything())
    checked = 0
    for article in document["articles"]:
        spans = [span for sentence in article["sentences"] for span in sentence["evidence"]]
        for part in (*article["sentences"], *article["spans"], *spans, *places(article)):
            assert article["text"][part["start"] : part["end"]] == part["text"]
            checked += 1
    assert checked > 80


def test_scores_are_rounded_to_four_decimals() -> None:
    article = reports.harbour()
    first = replace(article.sentences[0], scores={"claim": 0.123456789})
    document = parsed(reports.report(replace(article, sentences=(first,))))
    assert document["articles"][0]["sentences"][0]["scores"] == {"claim": 0.1235}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_refused_in_one_line(bad: float) -> None:
    article = replace(reports.plain(), scores={"hyperpartisan": bad})
    with pytest.raises(BundleError, match="not a number") as caught:
        to_json(reports.report(article))
    assert "\n" not in str(caught.value)


def test_labelled_spans_have_no_score_and_found_ones_have() -> None:
    spans = parsed(reports.report(reports.carried()))["articles"][0]["spans"]
    assert [(span["signal"], span["score"]) for span in spans] == [("slogans", None)]
    spans = parsed(reports.report(reports.harbour()))["articles"][0]["spans"]
    assert {span["signal"] for span in spans} == {"loaded_language", "name_calling",
                                                 "appeal_to_fear"}  # fmt: skip
    assert all(span["score"] > 0 for span in spans)


def test_hostile_text_comes_back_as_it_was_and_encodes() -> None:
    output = to_json(reports.report(reports.hostile()))
    article = json.loads(output.encode("utf-8"))["articles"][0]
    assert article["text"].startswith(reports.HOSTILE_TEXT)
    assert "\x1b" not in output
    assert "\u2028" not in output


def test_unknown_counts_are_null_and_not_zero() -> None:
    summary = parsed(reports.report(reports.unscored()))["articles"][0]["summary"]
    assert summary["sentences"]["total"] == 2
    assert summary["claims"] is summary["unsourced_own_claims"] is summary["techniques"] is None


def test_indent_none_is_one_line() -> None:
    assert "\n" not in to_json(reports.everything(), indent=None)


def test_a_citation_has_its_words_its_kind_and_where_the_name_comes_from() -> None:
    article = parsed(reports.report(reports.harbour()))["articles"][0]
    (found,) = article["sentences"][5]["citations"]
    assert found["source"]["text"] == "he"
    assert found["cue"]["text"] == "added"
    assert [place["text"] for place in found["content"]] == ["“Nobody asked us,”"]
    assert (found["kind"], found["name"]) == ("named", "Osric Hale")
    assert found["antecedent"]["text"] == "the former pilot Osric Hale"
    assert found["government"] is found["state_media"] is False
    assert article["sentences"][0]["citations"] == []


def test_a_state_agency_has_its_control_and_no_record() -> None:
    source = parsed(reports.report(reports.dispatch()))["articles"][0]["source"]
    assert [(link["relation"], link["outlet"]) for link in source["publication"]["chain"]] == [
        ("aggregator", "daily-gather"),
        ("origin", "vellen-news-agency"),
    ]
    assert source["outlet"]["state_media"] is True
    assert source["outlet"]["control"]["code"] == "SC"
    record = source["record"]
    assert record["status"] == "unscored"
    assert {record[key] for key in ("low", "estimate", "high", "shift", "cap")} == {None}


def test_the_schema_refuses_a_number_for_what_is_unscored() -> None:
    document = parsed(reports.report(reports.dispatch()))
    document["articles"][0]["source"]["record"]["estimate"] = 0.5
    assert not Draft202012Validator(SCHEMA).is_valid(document)


def test_without_a_look_up_the_source_is_null() -> None:
    assert parsed(reports.report(reports.plain()))["articles"][0]["source"] is None


def test_the_schema_names_what_the_types_can_hold() -> None:
    kinds = SCHEMA["$defs"]
    for name, key, values in (
        ("citation", "kind", SourceKind), ("link", "relation", Relation),
        ("publication", "relation", Relation), ("link", "basis", Basis),
        ("outlet", "role", Role), ("outlet", "medium", Medium),
        ("control", "funding", Holder), ("control", "governance", Holder),
        ("control", "editorial", Holder), ("control", "code", (*Code, None)),
    ):  # fmt: skip
        assert kinds[name]["properties"][key]["enum"] == list(values)
