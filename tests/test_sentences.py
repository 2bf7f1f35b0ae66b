"""Sentences keep their place in the text, whatever the text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from framescope.classifier.inputs.sentences import MAX_CHARS, split
from framescope.classifier.records.article import Article, Unit, Voice
from framescope.classifier.records.text import fold
from hypothesis import given
from hypothesis import strategies as st

LINES = (Path(__file__).parent / "cases" / "sentences.jsonl").read_text("utf-8").split("\n")
CASES = [json.loads(line) for line in LINES if line]

# Any code point that a text can hold, and more often the marks that boundaries hang on.
PIECES = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(
        [*" \n\r\t.!?\"'“”)(«»[]1aA\u2028\x00\u0301😀", "\r\n", ". ", '."', "[2]", "Mr. "]
    ),
)
TEXTS = st.lists(PIECES, max_size=80).map("".join)


def texts_of(text: str) -> list[str]:
    return [sentence.text for sentence in split(Article(id="a", text=text))]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_splits_news_prose_as_a_person_does(case):
    # A known failure that begins to pass is no longer marked as one.
    assert (texts_of(case["text"]) == case["sentences"]) is ("known_failure" not in case)


@given(TEXTS)
def test_offsets_hold_and_nothing_is_lost_in_any_text(text):
    at, between = 0, ""
    for i, sentence in enumerate(split(Article(id="a", text=text))):
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip()
        assert sentence.text
        assert sentence.start >= at
        assert (sentence.article_id, sentence.index) == ("a", i)
        between += text[at : sentence.start]
        at = sentence.end
    assert not (between + text[at:]).strip()


@given(TEXTS)
def test_folding_writes_one_form_of_quotes_dashes_and_spaces_and_keeps_every_offset(text):
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    text = "“Don’t,” she\u00a0said — «no» „no“ ‘no’ 3–4"
    assert fold(text) == '"Don\'t," she said - "no" "no" \'no\' 3-4'


def test_given_units_are_the_sentences_and_are_not_split_again():
    text = "One. Two. Three."
    units = (Unit(0, 9), Unit(10, 16, voice=Voice.QUOTED))
    sentences = split(Article(id="a", text=text, units=units))
    assert [s.text for s in sentences] == ["One. Two.", "Three."]
    assert [s.voice for s in sentences] == [Voice.OWN, Voice.QUOTED]
    assert split(Article(id="a", text="One.", units=())) == ()


@pytest.mark.parametrize("word", ["word ", "clause; ", "x", "é😀"])
def test_no_sentence_is_too_long_for_a_model(word):
    text = word * 3000
    pieces = texts_of(text)
    assert max(map(len, pieces)) <= MAX_CHARS
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert ";" not in word or all(piece.endswith(";") for piece in pieces)  # between clauses first
