"""Persuasion techniques: spans found in part, labels of given spans, of articles, by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import toys
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.rows import Evaluation
from framescope.eval.studies import techniques
from framescope.eval.studies.techniques import LabelledSpan, gold_spans, of_articles
from framescope.training.data import Examples
from harness import MADE

A, B, C = "doubt", "flag_waving", "slogans"
NAN = math.nan


def spans(*rows: tuple) -> list[LabelledSpan]:
    """Spans, in the article "a" unless another is named first."""
    return [LabelledSpan(*(row if isinstance(row[0], str) else ("a", *row))) for row in rows]


WORKED = {
    # s = [0, 10), t = [5, 25): they share 5 characters. P = 5/10, R = 5/20.
    "partial overlap": ([(0, 10, A)], [(5, 25, A)], 1 / 2, 1 / 4, 1 / 3),
    # Article a: [4, 12) lies in [4, 20): 8/8 of it, 8/16 of the gold; [28, 44) holds [30, 37): 7/16
    # of it, 7/7 of the gold. Article b: nothing predicted. Article c: no gold.
    # P = (1 + 7/16 + 0) / 3 = 23/48. R = (1/2 + 1 + 0) / 3 = 1/2. F1 = 23/47.
    "averaged over all articles": (
        [("c", 2, 6, A), ("a", 28, 44, A), ("a", 4, 12, B)],
        [("a", 4, 20, A), ("a", 30, 37, B), ("b", 0, 5, B)],
        23 / 48, 1 / 2, 23 / 47,
    ),
    # Gold becomes [0, 20), predicted [2, 12). P = 10/10, R = 10/20. Unmerged, [2, 6) alone would
    # earn (4 + 1) / 4.
    "overlapping spans are merged": (
        [(2, 6, B), (4, 12, A)], [(0, 10, A), (5, 20, B)], 1, 1 / 2, 2 / 3,
    ),
    # s = [0, 20), t1 = [0, 5), t2 = [15, 25). P = (5 + 5) / 20. R = (5/5 + 5/10) / 2 = 3/4.
    "one prediction over two": ([(0, 20, A)], [(0, 5, A), (15, 25, A)], 1 / 2, 3 / 4, 3 / 5),
    "spans that touch stay two": ([(0, 4, A), (4, 8, A)], [(0, 8, A)], 1, 1, 1),
    "nothing predicted": ([], [(0, 5, A)], NAN, 0, 0),
    "no gold": ([(0, 5, A)], [], 0, NAN, NAN),
    "nothing": ([], [], NAN, NAN, NAN),
}  # fmt: skip


@pytest.mark.parametrize("case", WORKED)
def test_partial_overlap_by_hand(case):
    predicted, gold, *expected = WORKED[case]
    sides = spans(*predicted), spans(*gold)
    articles = sorted({one.article for side in sides for one in side})
    sums = techniques.sums_by_article(*sides, articles).sum(axis=0)
    assert techniques.of_sums(sums) == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_with_one_label_a_span_micro_f1_is_accuracy():
    # Gold A A B C, predicted A B B A: 2 of 4 agree, micro = 2 * 2 / (4 + 4) = 1/2.
    # A: 1 hit, given 2, wanted 2: 2/4. B: 1 hit, given 2, wanted 1: 2/3. C: 0.
    # Macro = (1/2 + 2/3 + 0) / 3 = 7/18.
    places = [("a", 0, 5), ("a", 3, 9), ("b", 0, 5), ("b", 7, 8)]
    gold = spans(*((*p, x) for p, x in zip(places, [A, A, B, C], strict=True)))
    predicted = spans(*((*p, x) for p, x in zip(places, [A, B, B, A], strict=True)))
    found = techniques.classification(predicted, gold)
    f1 = dict(zip(TECHNIQUES, found.by_technique, strict=True))
    assert [f1[one] for one in (A, B, C)] == pytest.approx([1 / 2, 2 / 3, 0], abs=1e-9)
    assert (found.micro_f1, found.macro_f1) == pytest.approx((1 / 2, 7 / 18), abs=1e-9)
    assert (found.gold.sum(), found.units) == (4, 4)


def test_an_article_has_what_one_of_its_sentences_has():
    labels = of_articles([[0, 1, 0], [0.4, 0, 0], [0.5, 0, 0]], ["b", "a", "b"])
    assert labels.tolist() == [[0, 0, 0], [1, 1, 0]]
    labels = of_articles([[NAN, NAN, NAN], [1, 0, NAN]], ["a", "a"])
    assert labels[0, 0] == 1
    assert np.isnan(labels[0, 1:]).all()
    assert of_articles([[True, False], [False, False]], ["a", "a"]).tolist() == [[1, 0]]


SIGNALS = ("any_technique", *TECHNIQUES)


class Marker:
    """Says what it is told of each sentence: probabilities of techniques, and where they are."""

    def __init__(self, said, signals):
        self.said, self.signals = said, signals

    def predict(self, sentences):
        self.sentences = list(sentences)
        self.proba = np.full((len(sentences), len(SIGNALS)), 0.01, np.float32)
        for row, sentence in enumerate(sentences):
            for name, (score, *_) in self.said(sentence).items():
                self.proba[row, SIGNALS.index(name)] = score
        return self

    def evidence(self, wanted):
        for row, signal in wanted:
            one = self.sentences[row]
            places = [one.start + at for at in self.said(one).get(signal, (0,))[1:]]
            yield (Span(*places, signal, 0.9),) if places else ()


def bundle(said, name="marker", signals=SIGNALS) -> Bundle:
    thresholds = dict.fromkeys(signals, 0.5)
    manifest = {"name": name, "signals": signals, "thresholds": thresholds, **MADE}
    return Bundle(techniques.__file__, manifest, Marker(said, signals))


def rows(articles: int = 6) -> Examples:
    """Articles of two sentences, 20 characters each; "doubt" in the first, at 4 to 14."""
    sentences, marked, labels = [], [], []
    for number in range(articles):
        for index in range(2):
            start = index * 21
            sentences.append(Sentence("x" * 20, start, start + 20, f"toy/{number}", index))
            marked.append((Span(4, 14, "doubt"),) if index == 0 else ())
            labels.append([float(index == 0 and t == "doubt") for t in TECHNIQUES])
    return toys.rows_of(sentences, labels, TECHNIQUES, spans=tuple(marked), part="test")


def first_half(sentence):
    """Marks the first half of every span, and says so of any technique too."""
    if sentence.index:
        return {}
    return {"doubt": (0.9, 4, 9), "any_technique": (0.9, 4, 9), "slogans": (0.95,)}


def figures(said, given=None):
    return techniques.figures(bundle(said), given or rows(), draws=200, seed=0)


def test_half_a_span_is_half_recall_and_full_precision():
    precision, recall, f1 = figures(first_half)[0]
    assert (precision.value, recall.value) == (1.0, 0.5)
    assert f1.value == pytest.approx(2 / 3)
    assert (f1.low, f1.high) == (f1.value, f1.value)  # all articles alike
    few = figures(first_half, rows(3))[0][2]
    assert few.value == pytest.approx(2 / 3)
    assert math.isnan(few.low)


def test_a_span_over_two_sentences_is_one_and_its_pieces_apart_are_two():
    given = rows(1)
    over = ((Span(10, 20, "doubt"),), (Span(21, 30, "doubt"),))
    assert gold_spans(replace(given, spans=over)) == [("toy/0", 10, 30, "doubt")]
    apart = ((Span(10, 19, "doubt"),), (Span(21, 30, "doubt"),))
    assert len(gold_spans(replace(given, spans=apart))) == 2


def test_the_section_leaves_out_a_bundle_without_techniques_and_corpora_without_spans():
    lacks, gives = bundle(first_half, "lacks", ("claim",)), bundle(first_half)
    evaluation = Evaluation((lacks, gives), rows(), parts=("test",), draws=100)
    marked, labels = techniques.section(evaluation).tables
    assert [row[1:3] for row in marked.rows] == [("SI", "marker"), ("FLC", "marker")]
    assert [row[2] for row in labels.rows] == ["micro", "macro, of 1 and 1", "doubt"]
    unmarked = replace(evaluation.examples, spans=((),) * 12)
    assert techniques.section(replace(evaluation, examples=unmarked)) is None
