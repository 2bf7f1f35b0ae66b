"""The articles written for the project load, and their labels keep the guidelines' rules."""

from dataclasses import replace
from pathlib import Path

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


def units() -> list[tuple[Article, Unit]]:
    return [(article, unit) for article in LABELLED for unit in article.units or ()]


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


def test_the_units_are_the_sentences_that_the_splitter_finds():
    for article in LABELLED:
        found = [(s.start, s.end) for s in split(replace(article, units=None))]
        assert found == [(unit.start, unit.end) for unit in article.units or ()]
