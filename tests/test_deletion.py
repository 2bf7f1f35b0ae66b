"""Evidence explains: words shown for a flag move its score, other words don't."""

from __future__ import annotations

import numpy as np
import pytest
from deletion import Deletion, measure, without, words_in
from framescope.classifier import bundles
from framescope.classifier.models.reasons import trimmed
from framescope.classifier.records import Sentence, Span
from framescope.training.corpora import SHIPPED
from framescope.training.data import load_data


def test_words_are_taken_out_whole():
    sentence = Sentence("A vile, vile scheme it is.", 10, 36, "a", 0)
    assert words_in(sentence, [Span(12, 16, "loaded_language")]) == [1]
    assert without(sentence, [(2, 7), (13, 19)]).text == "A vile it is."


def test_the_ratio_is_of_medians():
    assert Deletion(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 9.0])).ratio == 2.0


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("takes the", "takes"), ("will", "will"), ("to be picked", "picked"),
        ("still for", "still for"), ("“the vile scheme of it”", "vile scheme"), ("...", "..."),
    ],
)  # fmt: skip
def test_function_words_are_no_end_of_a_reason(words, kept):
    start, end = trimmed(words, 0, len(words))
    assert words[start:end] == kept


@pytest.mark.slow
@pytest.mark.parametrize("model", ["baseline", "transformer"])
def test_without_its_evidence_a_flag_loses_twice_what_other_words_take(model):
    data = load_data(None, None, 13, corpora=SHIPPED)
    held = data.examples.where(np.isin(data.examples.part, ("test", "unseen_outlet")))
    found = measure(bundles.load(model, data.outlets), held.sentences, 200)
    assert len(found.evidence) > 60
    assert np.median(found.evidence) > 0.5
    assert found.ratio >= 2
