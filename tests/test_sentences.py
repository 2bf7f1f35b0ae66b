"""Sentences keep their place in the text, whatever the text."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from framescope.classifier.inputs.sentences import MAX_CHARS, split
from framescope.classifier.records.article import Article, Unit, Voice
from framescope.classifier.records.text import fold
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "cases" / "sentences.jsonl")
    .read_text(encoding="utf-8")
    .split("\n")
    if line
]

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


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" not in c], ids=lambda c: str(c["name"])
)
def test_splits_news_prose_as_a_person_does(case):
    assert texts_of(case["text"]) == case["sentences"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" in c], ids=lambda c: str(c["name"])
)
def test_known_failures_still_fail(case):
    # Strict: a case that begins to pass is moved to the others, and the docstring's count with it.
    assert texts_of(case["text"]) != case["sentences"]


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
def test_folding_keeps_every_offset(text):
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


def test_folding_writes_one_form_of_quotes_dashes_and_spaces():
    assert (
        fold("“Don’t,” she\u00a0said — «no» „no“ ‘no’ 3–4")
        == '"Don\'t," she said - "no" "no" \'no\' 3-4'
    )


def test_given_units_are_the_sentences_and_are_not_split_again():
    text = "One. Two. Three."
    units = (Unit(0, 9), Unit(10, 16, voice=Voice.QUOTED))
    sentences = split(Article(id="a", text=text, units=units))
    assert [s.text for s in sentences] == ["One. Two.", "Three."]
    assert [s.voice for s in sentences] == [Voice.OWN, Voice.QUOTED]


def test_a_file_with_no_units_left_has_no_sentences():
    assert split(Article(id="a", text="One.", units=())) == ()


@pytest.mark.parametrize("word", ["word ", "clause; ", "x", "é😀"])
def test_no_sentence_is_too_long_for_a_model(word):
    text = word * 3000
    pieces = texts_of(text)
    assert max(map(len, pieces)) <= MAX_CHARS
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_long_sentences_are_cut_between_clauses_before_words():
    assert all(piece.endswith(";") for piece in texts_of("a long clause; " * 300))


def test_importing_loads_no_library():
    code = "import sys, framescope.classifier.inputs.sentences; sys.exit('nupunkt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
