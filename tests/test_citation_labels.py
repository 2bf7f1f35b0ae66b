"""Citations that annotators marked: read, written, and refused with their place."""

from __future__ import annotations

from typing import Any

import pytest
from framescope.classifier.errors import InputError
from framescope.classifier.inputs.exchange import from_record, to_record
from framescope.classifier.records.article import MarkedCitation, Place, SourceKind
from framescope.training.data.examples import of_articles

TEXT = "Orr said the quay, he had heard, was lost. “Not a day,” he added. It rained."


def span(piece: str, nth: int = 0) -> dict[str, int]:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(piece, start + 1)
    return {"start": start, "end": start + len(piece)}


def place(piece: str, nth: int = 0) -> Place:
    return Place(**span(piece, nth))


SENTENCES = (TEXT[:42], TEXT[43:65], TEXT[66:])
SAID = {
    "source": span("Orr"), "cue": span("said"),
    "content": [span("the quay"), span("was lost")], "kind": "named", "government": True,
}  # fmt: skip
ADDED = {
    "source": span("he", 3), "cue": span("added"), "content": [span("“Not a day,”")],
    "kind": "named", "antecedent": span("Orr"),
}  # fmt: skip


def record(*citations: list[dict[str, Any]] | None) -> dict[str, Any]:
    sentences = [
        {**span(text), "labels": {}, **({} if given is None else {"citations": given})}
        for text, given in zip(SENTENCES, citations, strict=True)
    ]
    return {"id": "a", "text": TEXT, "sentences": sentences}


def test_they_are_read_and_written_as_they_were() -> None:
    given = record([SAID], [ADDED], [])
    article = from_record(given, "f.jsonl", 1)
    assert article.units is not None
    first, second, third = article.units
    assert first.citations == (
        MarkedCitation(
            place("Orr"), place("said"), (place("the quay"), place("was lost")),
            SourceKind.NAMED, government=True,
        ),
    )  # fmt: skip
    assert second.citations is not None
    assert second.citations[0].antecedent == place("Orr")
    assert third.citations == ()
    assert to_record(article)["sentences"] == given["sentences"]


def test_none_given_is_not_annotated_and_what_scoring_found_is_no_label() -> None:
    found = {**SAID, "name": "Orr", "outlets": []}
    article = from_record(record(None, [found], []), "f.jsonl", 1)
    assert article.units is not None
    assert [unit.citations for unit in article.units] == [None, None, ()]


def test_they_stand_beside_the_labels_of_training() -> None:
    rows = of_articles("exchange", iter([from_record(record([SAID], [], None), "f", 1)]))
    assert [given and len(given) for given in rows.citations] == [1, (), None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"source": {"start": 60, "end": 990}}, "its source 60-990 is not inside the text"),
        ({"cue": span("added")}, "its cue .* is not inside its sentence"),
        ({"content": []}, "without content"),
        ({"content": [span("was lost"), span("the quay")]}, "overlap, or are out of order"),
        ({"content": [span("said the quay")]}, "its cue 4-8 lies in its content"),
        ({"content": [span("Orr said")]}, "its source 0-3 lies in its content"),
        ({"source": span("Orr said")}, "its source and its cue overlap"),
        ({"kind": "famous"}, "'kind' must be one of named, unnamed, vague"),
        ({"government": "yes"}, "must be true or false"),
        ({"source": {"start": "0", "end": 3}}, "'source' needs whole numbers"),
        ({"content": "the quay"}, "'content' must be a list of places"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(change: dict[str, Any], reason) -> None:
    with pytest.raises(InputError, match=rf"'sentences' item 0, citation 0: .*{reason}") as error:
        from_record(record([{**SAID, **change}], [], []), "f.jsonl", 7)
    assert error.value.source == "f.jsonl, line 7"


def test_contents_that_cross_are_refused_and_nested_ones_are_not() -> None:
    inner = {"source": span("he"), "cue": span("had heard"), "content": [span("was lost")]}
    from_record(record([SAID, inner], [], []), "f", 1)
    crossing = {"source": None, "cue": None, "content": [span("quay, he")]}
    with pytest.raises(InputError, match="citation 0 and citation 1: their contents cross"):
        from_record(record([SAID, crossing], [], []), "f", 1)


def test_a_list_is_wanted() -> None:
    with pytest.raises(InputError, match="'citations' must be a list of objects"):
        from_record(
            {**record(None, None, None), "sentences": [{**span("It rained."), "citations": 3}]},
            "f",
            1,
        )
