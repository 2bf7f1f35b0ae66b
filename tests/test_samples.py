"""The articles written for the project load, and their labels keep the guidelines' rules."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from framescope.classifier.attribution.reading import begin
from framescope.classifier.inputs import read_input as read
from framescope.classifier.inputs import read_lines
from framescope.classifier.inputs.sentences import split
from framescope.classifier.records.article import Article, Unit
from framescope.classifier.taxonomy import TECHNIQUES

from framescope import classifier

SAMPLES = Path(classifier.__file__).parent / "samples"
LABELLED = [
    item
    for item in read_lines(
        (SAMPLES / "labelled.jsonl").read_text(encoding="utf-8").splitlines(), "labelled.jsonl"
    )
    if isinstance(item, Article)
]
SENTENCE_SIGNALS = (
    "claim", "attributed", "vague_source", "biased_language", "subjective", "any_technique",
)  # fmt: skip


def units() -> list[tuple[Article, Unit]]:
    return [(article, unit) for article in LABELLED for unit in article.units or ()]


def test_every_line_of_the_labelled_file_is_an_article():
    lines = (SAMPLES / "labelled.jsonl").read_text(encoding="utf-8").splitlines()
    assert [article.id for article in LABELLED] == [json.loads(line)["id"] for line in lines]
    assert len(units()) >= 60
    assert all(article.outlet for article in LABELLED)


@pytest.mark.parametrize("signal", SENTENCE_SIGNALS)
def test_each_signal_has_positives_and_negatives(signal):
    values = Counter(unit.labels[signal] for _, unit in units())
    assert values[1.0] >= 5
    assert values[0.0] >= 5


def test_both_sides_of_hyperpartisan_are_there():
    assert {article.labels["hyperpartisan"] for article in LABELLED} == {0.0, 1.0}


def test_a_sentence_has_a_technique_where_a_span_lies_in_it():
    for article, unit in units():
        held = {s.signal for s in article.spans if s.start < unit.end and s.end > unit.start}
        assert {t for t in TECHNIQUES if unit.labels[t]} == held
        assert bool(unit.labels["any_technique"]) == bool(held)


def test_all_fourteen_techniques_have_a_span_that_begins_and_ends_with_a_word():
    spans = [(article, span) for article in LABELLED for span in article.spans]
    assert {span.signal for _, span in spans} == set(TECHNIQUES)
    for article, span in spans:
        words = article.text[span.start : span.end]
        assert words == words.strip()
        before, after = article.text[span.start - 1 : span.start], article.text[span.end :][:1]
        assert not (before + words[0]).isalnum() or not before
        assert not (words[-1] + after).isalnum() or not after


def test_a_vague_source_is_an_attribution_and_an_attribution_is_no_own_voice():
    for _, unit in units():
        assert unit.labels["attributed"] >= unit.labels["vague_source"]
        assert unit.labels["attributed"] == (unit.voice != "own")


def test_the_units_are_the_sentences_that_the_splitter_finds():
    for article in LABELLED:
        found = [(s.start, s.end) for s in split(replace(article, units=None))]
        assert found == [(unit.start, unit.end) for unit in article.units or ()]


def test_the_plain_article_quotes_and_says_things_itself():
    (article,) = [a for a in read(str(SAMPLES / "harbour.txt")) if isinstance(a, Article)]
    reading = begin(article)
    assert 25 <= len(reading.sentences) <= 40
    assert reading.quotations
    assert any(
        not any(start < one.end and one.start < end for start, end in reading.quotations)
        for one in reading.sentences
    )


def test_the_saved_page_holds_two_articles_and_the_first_republishes_a_third():
    first, second = (a for a in read(str(SAMPLES / "aggregator.txt")) if isinstance(a, Article))
    (carried,) = first.republications
    assert carried.outlet == "The People's Lantern"
    assert second.outlet == "Kyllos Courier"
    assert "Share this article" not in first.text + second.text


def test_the_html_page_says_who_published_it_and_when():
    (article,) = [a for a in read(str(SAMPLES / "page.html")) if isinstance(a, Article)]
    assert article.title == "Salt Lake dam tests were skipped, auditors find"
    assert (article.author, article.date) == ("Petra Wole", "2024-11-29")
    assert "newsletter" not in article.text
