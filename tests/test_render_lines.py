import json
import math
from dataclasses import replace
from typing import Any

import pytest
import reports
from framescope.classifier.inputs.exchange import from_record
from framescope.classifier.records.scored import ArticleReport
from framescope.classifier.reports.document import to_line

ARTICLES = reports.everything().articles
IDS = ["harbour", "carried", "hostile", "unscored", "plain", "hebrew", "dispatch"]


def line(report: ArticleReport) -> str:
    return to_line(report, model=reports.MODEL, thresholds=reports.THRESHOLDS)


def record(report: ArticleReport) -> Any:
    return json.loads(line(report))


@pytest.mark.parametrize("report", ARTICLES, ids=IDS)
def test_is_one_line_to_every_reader(report: ArticleReport) -> None:
    assert len(line(report).splitlines()) == 1
    assert line(report).encode("utf-8")


@pytest.mark.parametrize(
    "report", [a for a in ARTICLES if a.article.text.isprintable() or "\n" in a.article.text][:2],
    ids=IDS[:2],
)  # fmt: skip
def test_can_be_read_again(report: ArticleReport) -> None:
    again = from_record(record(report), "scored.jsonl", 1)
    before = report.article
    assert again.text == before.text
    assert again.spans == before.spans  # what was found is not taken for a label
    assert again.republications == before.republications
    assert again.units is not None
    assert [(unit.start, unit.end, unit.voice) for unit in again.units] == [
        (s.sentence.start, s.sentence.end, s.sentence.voice) for s in report.sentences
    ]


def test_labels_of_the_input_stay_with_their_sentence() -> None:
    sentences = record(reports.carried())["sentences"]
    assert [sentence.get("labels") for sentence in sentences] == [None, {"claim": 1}, None]


def test_labelled_spans_come_first_and_without_a_score() -> None:
    report = reports.harbour()
    spans = record(reports.carried())["spans"] + record(report)["spans"]
    assert "score" not in spans[0]
    assert all("score" in span for span in spans[1:])
    assert len(spans) == 6


def test_flags_are_the_names_of_what_reaches_its_threshold() -> None:
    found = record(reports.harbour())
    for sentence in found["sentences"]:
        scores = sentence["scores"]
        assert list(scores) == [s for s in reports.SIGNALS if s != "hyperpartisan"]
        reached = [name for name, score in scores.items() if score >= reports.THRESHOLDS[name]]
        assert sentence["flags"] == reached
    assert found["report"]["flags"] == ["hyperpartisan"]
    assert found["report"]["format"] == 2
    assert found["report"]["model"] == reports.MODEL


def test_an_unscored_article_says_why_and_has_no_scores() -> None:
    found = record(reports.unscored())
    assert "German" in found["report"]["note"]
    assert all("scores" not in s and "flags" not in s for s in found["sentences"])


def test_characters_are_written_as_themselves() -> None:
    assert "הנמל" in line(reports.hebrew())


def test_a_label_that_is_not_annotated_is_left_out() -> None:
    report = reports.carried()
    assert report.article.units is not None
    unit = replace(report.article.units[0], labels={"claim": 1.0, "attributed": math.nan})
    found = record(replace(report, article=replace(report.article, units=(unit,))))
    assert found["sentences"][1]["labels"] == {"claim": 1}


def test_sentences_carry_their_citations_and_the_report_the_source() -> None:
    found = record(reports.dispatch())
    names = [[c["name"] for c in sentence["citations"]] for sentence in found["sentences"]]
    assert names == [
        ["Ministry of Ports", "Vellen News Agency"],
        ["Vellen News Agency"],
        ["two port workers"],
        [],
    ]
    assert found["report"]["source"]["record"]["status"] == "unscored"
    assert record(reports.plain())["report"]["source"] is None
    again = from_record(found, "scored.jsonl", 1)
    assert again.text == reports.dispatch().article.text
