"""Where quotations begin and end, on cases read by a person and on any text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from framescope.classifier.attribution.quotations import within
from framescope.classifier.attribution.reading import begin
from framescope.classifier.inputs.sentences import split
from framescope.classifier.records.article import Article
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "quotations.jsonl")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_quotes_what_a_person_sees_quoted(case) -> None:
    reading = begin(Article(id="a", text=case["text"]))
    ranges = within(reading.quotations, reading.sentences)
    found = [
        [sentence.text[start:end] for start, end in row]
        for sentence, row in zip(reading.sentences, ranges, strict=True)
    ]
    assert found == case["quoted"]


def test_cases_have_sentences_without_quotations_and_with_all_or_part_in_one() -> None:
    rows = [row for case in CASES for row in case["quoted"]]
    assert sum(not row for row in rows) >= 20
    assert sum(bool(row) for row in rows) >= 40


def test_a_link_in_capitals_starts_no_transcript() -> None:
    text = (
        "The pier is safe.\n\nANNA PREST: IS THE FERRY NEXT TO GO THE WAY OF THE PIER?\n\n"
        "RELIK VALE: WHY THE HARBOUR BOARD MUST RESIGN BEFORE MAY\n\nThe ferry sank, TASS said."
    )
    assert begin(Article(id="a", text=text)).turns == ()


def test_a_table_is_no_transcript() -> None:
    assert begin(Article(id="a", text="Relik: 547.\n\nVale: 212.\n\nRelik: 13.")).turns == ()


PIECES = st.sampled_from([*"ab S.,:?\n\"'“”‘’«»„「」", "said ", "s' ", "VALE: ", "\n\n"])


@given(st.lists(PIECES, max_size=80).map("".join))
def test_ranges_are_in_order_and_apart_and_each_sentence_has_its_own(text) -> None:
    reading = begin(Article(id="a", text=text))
    edges = [edge for quotation in reading.quotations for edge in quotation]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) for start, end in reading.quotations)
    for sentence, row in zip(
        split(reading.article), within(reading.quotations, reading.sentences), strict=True
    ):
        quoted = {at for start, end in reading.quotations for at in range(start, end)}
        inside = {sentence.start + at for start, end in row for at in range(start, end)}
        assert inside == quoted & set(range(sentence.start, sentence.end))
