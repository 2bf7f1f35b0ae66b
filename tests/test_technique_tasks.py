"""The technique tasks: what a bundle predicts is laid over gold spans and counted by article."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.bundles import Bundle
from framescope.classifier.records.article import Sentence, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.rows.scored import Evaluation
from framescope.eval.studies import technique_tasks
from framescope.training.data.examples import Examples
from harness import SPLIT

DOUBT, SLOGANS = TECHNIQUES.index("doubt"), TECHNIQUES.index("slogans")
SIGNALS = ("any_technique", *TECHNIQUES)


class Marker:
    """Says what it is told of each sentence: probabilities of techniques, and where they are."""

    signals = SIGNALS

    def __init__(self, said):
        self.said = said

    def predict(self, sentences):
        self.sentences = list(sentences)
        self.proba = np.full((len(sentences), len(SIGNALS)), 0.01, np.float32)
        for row, sentence in enumerate(sentences):
            for name, (score, *_) in self.said(sentence).items():
                self.proba[row, SIGNALS.index(name)] = score
        return self

    def predict_proba(self, sentences):
        return self.predict(sentences).proba

    def evidence(self, wanted):
        return [self.spans(row, signal) for row, signal in wanted]

    def spans(self, row, signal):
        found = self.said(self.sentences[row]).get(signal)
        if found is None or len(found) < 3:
            return ()
        base = self.sentences[row].start
        return (Span(base + found[1], base + found[2], signal, 0.9),)


def bundle(said) -> Bundle:
    manifest = {
        "name": "marker",
        "signals": list(SIGNALS),
        "thresholds": dict.fromkeys(SIGNALS, 0.5),
        "split": SPLIT,
    }
    return Bundle(technique_tasks.__file__, manifest, Marker(said))


def rows(articles: int = 6) -> Examples:
    """Articles of two sentences, 20 characters each; "doubt" in the first, at 4 to 14."""
    sentences, spans, labels = [], [], []
    for number in range(articles):
        for index in range(2):
            start = index * 21
            sentences.append(Sentence("x" * 20, start, start + 20, f"toy/{number}", index))
            spans.append((Span(4, 14, "doubt"),) if index == 0 else ())
            labels.append([float(index == 0 and t == "doubt") for t in TECHNIQUES])
    n = len(sentences)
    article = np.array([s.article_id for s in sentences])
    return Examples(
        tuple(sentences), np.array(labels, np.float32), TECHNIQUES, tuple(spans),
        (None,) * n, np.array(["toy"] * n), article, np.array([""] * n), article,
        np.array(["test"] * n, dtype="<U13"),
    )  # fmt: skip


def first_half(sentence):
    """Marks the first half of every span, and says so of any technique too."""
    if sentence.index:
        return {}
    return {"doubt": (0.9, 4, 9), "any_technique": (0.9, 4, 9), "slogans": (0.95,)}


def figures(said, given=None):
    return technique_tasks.figures(bundle(said), given or rows(), draws=200, seed=0)


def test_half_a_span_is_half_recall_and_full_precision():
    found = figures(first_half)
    precision, recall, f1 = found.identification
    assert (precision.value, recall.value) == (1.0, 0.5)
    assert f1.value == pytest.approx(2 / 3)
    assert (f1.low, f1.high) == (f1.value, f1.value)  # all articles alike


def test_a_gold_span_takes_the_technique_whose_evidence_fits_it():
    # "slogans" is a little more probable in the sentence, but nothing of it is at the span.
    found = figures(first_half)
    assert found.classification.micro_f1 == 1.0
    without = figures(lambda s: {} if s.index else {"doubt": (0.9,), "slogans": (0.95,)})
    assert without.classification.micro_f1 == 0.0


def test_an_article_has_the_techniques_that_are_flagged_in_it():
    found = figures(first_half).by_article
    assert found.units == 6
    assert found.by_technique["doubt"] == 1.0
    assert found.micro_f1 == pytest.approx(2 * 6 / (12 + 6))  # slogans: six false alarms
    assert math.isnan(found.by_technique["slogans"])


def test_a_span_over_two_sentences_is_one_and_its_pieces_apart_are_two():
    given = rows(1)
    over = ((Span(10, 20, "doubt"),), (Span(21, 30, "doubt"),))
    assert len(technique_tasks._gold(replace(given, spans=over))) == 1
    apart = ((Span(10, 19, "doubt"),), (Span(21, 30, "doubt"),))
    assert len(technique_tasks._gold(replace(given, spans=apart))) == 2


def test_too_few_articles_have_no_interval():
    f1 = figures(first_half, rows(3)).identification[2]
    assert f1.value == pytest.approx(2 / 3)
    assert math.isnan(f1.low)


def evaluation(given, a, b=None):
    return Evaluation((a, b or bundle(first_half)), given, parts=("test",), draws=100)


def test_the_section_has_both_models_and_leaves_out_one_without_techniques():
    lacks = bundle(first_half)
    lacks.manifest["signals"] = ["claim"]
    lacks.model.signals = ("claim",)
    assert lacks.signals == ("claim",)
    lacks = replace(lacks, manifest=lacks.manifest | {"name": "lacks"})
    section = technique_tasks.section(evaluation(rows(), lacks))
    spans = section.tables[0]
    assert {row[2] for row in spans.rows} == {"marker"}
    assert [row[1] for row in spans.rows] == ["SI", "FLC"]


def test_a_corpus_without_spans_has_no_section():
    given = rows()
    none = replace(given, spans=((),) * len(given))
    assert technique_tasks.section(evaluation(none, bundle(first_half))) is None
