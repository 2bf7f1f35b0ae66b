"""The exchange format: read, written, and refused with the place of what is wrong."""

import json
import math
from typing import Any

import pytest
from framescope.classifier import records
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import read_lines, read_record, to_record
from framescope.classifier.records import Article, Imprint, Skipped, Span, Unit, Voice
from framescope.training.data.examples import of_articles

LABELLED = Article(
    "a1", "The dam is safe. Nobody else says so.", "Dam", "karstpost.example",
    "https://karstpost.example/dam", "2025-03-12", "Ann Ray", "Karst Post", "en",
    units=(Unit(0, 16, {"claim": 1.0, "doubt": 0.0}, Voice.REPORTED), Unit(17, 37)),
    spans=(Span(4, 7, "loaded_language"),),
    labels={"hyperpartisan": 0.25},
    republications=(records.Republication(17, 37, "Tarn Review", "Below is"),),
    imprint=Imprint(("© 2025 KARSTA",), "- Karst Post", "Quay9", "Ask Quay9 AI"),
)  # fmt: skip


def record(**more: object) -> dict[str, object]:
    return {"id": "a1", "text": "The dam is safe. 😀 Yes.", **more}


def unit(start: object = 0, end: object = 3, **more: object) -> dict[str, object]:
    return record(sentences=[{"start": start, "end": end, **more}])


def test_a_record_says_all_of_an_article():
    assert read_record(json.loads(json.dumps(to_record(LABELLED))), "f, line 1") == LABELLED
    assert read_record({"id": 7, "text": "Yes."}, "f, line 1") == Article("7", "Yes.")
    keys = list(to_record(Article("a", "b", units=(Unit(0, 1),))))
    assert keys == ["id", "outlet", "url", "title", "date", "lang", "text", "sentences", "spans",
                    "labels"]  # fmt: skip


def test_a_scored_line_can_be_read_again():
    spans = [{"start": 4, "end": 7, "signal": "doubt", "score": 0.7}]
    scored = unit(0, 16, scores={"claim": 0.9}, flags=["claim"])
    article = read_record({**scored, "spans": spans}, "f, line 1")
    assert (article.units, article.spans) == ((Unit(0, 16),), ())


def test_what_is_not_annotated_is_left_out():
    labels = {"claim": None, "doubt": math.nan, "attributed": True, "subjective": False}
    [found] = read_record(unit(labels=labels), "f, line 1").units
    assert found.labels == {"attributed": 1.0, "subjective": 0.0}
    assert "NaN" not in json.dumps(to_record(Article("a", "b", labels={"claim": math.nan})))
    assert read_record(record(sentences=[]), "f, line 1").units is None


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"id": "a"}, "no 'text'"),
        ({"text": "a"}, "no 'id'"),
        ({"id": "a", "text": 3}, "'text' must be text, not a number"),
        ({"id": "a", "text": " \n"}, "'text' is empty"),
        ({"id": "a", "text": "\ud800"}, "lone surrogate"),
        (record(sentences={}), "'sentences' must be a list"),
        (record(sentences=["x"]), "item 0 must be an object, not text"),
        (unit(True), "whole numbers"),
        (unit(3), "3-3 is not inside the text"),
        (unit(end=24), "0-24 is not inside the text (0-23"),
        (record(sentences=[{"start": 4, "end": 9}, {"start": 8, "end": 9}]), "begins before"),
        (unit(labels={"clam": 1}), "did you mean claim?"),
        (unit(labels={"claim": 2}), "0 to 1"),
        (unit(voice=[]), "own, reported, quoted"),
        (unit(citations=3), "must be a list of objects"),
        (record(labels=[1]), "'labels' must be an object"),
        (record(spans=[{"start": 0, "end": 3}]), "needs a 'signal'"),
        (record(republications=[{"start": 0, "end": 3}]), "'outlet'"),
        (record(imprint=3), "'imprint' must be an object"),
        (record(imprint={"lines": [3]}), "'lines' must be text"),
    ],
)
def test_a_bad_record_names_the_line_and_the_reason(bad, reason):
    with pytest.raises(InputError) as caught:
        read_record(bad, "dump.jsonl, line 12")
    assert str(caught.value).startswith("dump.jsonl, line 12: ")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


TEXT = "Orr said the quay, he had heard, was lost. “Not a day,” he added. It rained."
SENTENCES = (TEXT[:42], TEXT[43:65], TEXT[66:])


def span(piece: str, nth: int = 0) -> dict[str, int]:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(piece, start + 1)
    return {"start": start, "end": start + len(piece)}


SAID = {
    "source": span("Orr"), "cue": span("said"),
    "content": [span("the quay"), span("was lost")], "kind": "named", "government": True,
    "speaker": {"name": span("Orr"), "type": "person", "gender": "m"},
}  # fmt: skip
ADDED = {
    "source": span("he", 3), "cue": span("added"), "content": [span("“Not a day,”")],
    "kind": "named", "antecedent": span("Orr"), "speaker": {"name": None, "type": "people"},
}  # fmt: skip


def cited(*citations: list[dict[str, Any]] | None) -> dict[str, Any]:
    sentences = [
        {**span(text), "labels": {}, **({} if given is None else {"citations": given})}
        for text, given in zip(SENTENCES, citations, strict=True)
    ]
    return {"id": "a", "text": TEXT, "sentences": sentences}


def test_citations_are_read_and_written_as_they_were():
    article = read_record(cited([SAID], [ADDED], []), "f, line 1")
    assert [len(unit.citations) for unit in article.units] == [1, 1, 0]
    assert to_record(article)["sentences"] == cited([SAID], [ADDED], [])["sentences"]
    rows = of_articles("exchange", iter([read_record(cited([SAID], [], None), "f, line 1")]))
    assert [found and len(found) for found in rows.citations] == [1, (), None]
    # What scoring found is no label.
    scored = cited(None, [{**SAID, "name": "Orr", "outlets": []}], [])
    article = read_record(scored, "f.jsonl, line 1")
    assert [unit.citations for unit in article.units] == [None, None, ()]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": {"start": 60, "end": 990}}, "its source 60-990 is not inside the text"),
        ({"cue": span("added")}, "its cue .* is not inside its sentence"),
        ({"content": []}, "without content"),
        ({"content": [span("was lost"), span("the quay")]}, "overlap, or are out of order"),
        ({"content": [span("said the quay")]}, "its cue 4-8 lies in its content"),
        ({"source": span("Orr said")}, "its source and its cue overlap"),
        ({"kind": "famous"}, "'kind' must be one of named, unnamed, vague"),
        ({"speaker": {"type": "dog"}}, "its speaker: 'type' must be one of person, people, body"),
        ({"speaker": {"name": span("Orr")}}, "its speaker needs a 'type'"),
        ({"speaker": {"name": {"start": 4, "end": 999}}}, "its speaker's name 4-999 is not inside"),
        ({"government": "yes"}, "must be true or false"),
        ({"content": "the quay"}, "'content' must be a list of places"),
    ],
)
def test_a_citation_that_cannot_be_meant_is_refused_with_its_place(change, reason):
    with pytest.raises(InputError, match=rf"'sentences' item 0, citation 0: .*{reason}"):
        read_record(cited([{**SAID, **change}], [], []), "f.jsonl, line 7")


def test_contents_that_cross_are_refused_and_nested_ones_are_not():
    inner = {"source": span("he"), "cue": span("had heard"), "content": [span("was lost")]}
    read_record(cited([SAID, inner], [], []), "f, line 1")
    crossing = {"source": None, "cue": None, "content": [span("quay, he")]}
    with pytest.raises(InputError, match="citation 0 and citation 1: their contents cross"):
        read_record(cited([SAID, crossing], [], []), "f, line 1")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1]\n", "not a JSON object"),
        ('{"a":' * 100_000, "not JSON"),
        ('{"id": 1' + "0" * 5000 + ', "text": "a"}', "not JSON"),
        ('{"id": "a", "text": "caf\udce9"}', "UTF-8"),
        ('{"id": "a", "text": "' + "a" * 10_000_000 + '"}', "longer than"),
    ],
    ids=["list", "objects", "number", "latin-1", "long"],
)
def test_a_hostile_line_is_skipped_and_reading_goes_on(line, reason):
    good = json.dumps(record())
    first, skipped, last = read_lines([good, "\n", line, good + "\n"], "f")
    assert first == last
    assert isinstance(skipped, Skipped)
    assert (skipped.source, reason in skipped.reason) == ("f, line 3", True)
    for lines, why in ((["[", "]"], r"\(line 1.*jq -c '\.\[\]'"), (["\n", " \n"], "empty")):
        with pytest.raises(InputError, match=why):
            list(read_lines(lines, "f.json"))
