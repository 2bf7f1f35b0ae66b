"""Spans found in part, by the formulas of the propaganda shared tasks.

Expected values are worked out by hand beside each test.
"""

from __future__ import annotations

import math
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
from framescope.eval.studies.spans import Spans, merge, of_sums, sums_by_article

DOUBT, FLAG = "doubt", "flag_waving"
NOTHING = Spans.of([])


def exactly(value: float):
    return pytest.approx(value, abs=1e-9, rel=0)


def rows(spans: Spans) -> list[tuple]:
    return list(
        zip(
            spans.article.tolist(),
            spans.start.tolist(),
            spans.end.tolist(),
            spans.label.tolist(),
            strict=True,
        )
    )


def identification(predicted: Spans, gold: Spans, *, labelled: bool = False) -> SimpleNamespace:
    """The figures over all articles, and numbers of spans once merged."""
    articles = np.union1d(predicted.article, gold.article)
    sums = sums_by_article(predicted, gold, articles, labelled=labelled).sum(axis=0)
    precision, recall, f1 = of_sums(sums).tolist()
    return SimpleNamespace(
        precision=precision, recall=recall, f1=f1, predicted=int(sums[1]), gold=int(sums[3])
    )


def fine_grained(predicted: Spans, gold: Spans) -> SimpleNamespace:
    return identification(predicted, gold, labelled=True)


# Worked examples


def test_partial_overlap_earns_its_share_on_both_sides():
    # s = [0, 10), t = [5, 25): they share 5 characters.
    # P = 5 / 10 = 1/2, R = 5 / 20 = 1/4, F1 = 2 * 1/2 * 1/4 / (3/4) = 1/3.
    found = identification(Spans.of([("a", 0, 10, "")]), Spans.of([("a", 5, 25, "")]))
    assert (found.precision, found.recall) == (exactly(1 / 2), exactly(1 / 4))
    assert found.f1 == exactly(1 / 3)
    assert (found.predicted, found.gold) == (1, 1)


def test_spans_are_averaged_over_all_articles_not_within_each():
    # Article a: gold [4, 20) and [30, 37), predicted [4, 12) and [28, 44).
    #   [4, 12) lies in [4, 20): 8/8 of it, 8/16 of the gold.
    #   [28, 44) holds [30, 37): 7/16 of it, 7/7 of the gold.
    # Article b: gold [0, 5), predicted nothing. Article c: predicted [2, 6), no gold.
    # P = (1 + 7/16 + 0) / 3 = 23/48. R = (1/2 + 1 + 0) / 3 = 1/2.
    # F1 = 2 * 23/48 * 1/2 / (23/48 + 24/48) = (23/48) / (47/48) = 23/47.
    gold = Spans.of([("a", 4, 20, DOUBT), ("a", 30, 37, FLAG), ("b", 0, 5, FLAG)])
    predicted = Spans.of([("c", 2, 6, DOUBT), ("a", 28, 44, DOUBT), ("a", 4, 12, FLAG)])
    found = identification(predicted, gold)
    assert found.precision == exactly(23 / 48)
    assert found.recall == exactly(1 / 2)
    assert found.f1 == exactly(23 / 47)


def test_overlapping_spans_are_merged_before_they_are_counted():
    # Gold [0, 10) and [5, 20) become [0, 20); predicted [2, 6) and [4, 12) become [2, 12).
    # P = 10/10 = 1, R = 10/20 = 1/2. Unmerged, [2, 6) alone would earn (4 + 1) / 4, more than 1.
    # F1 = 2 * 1 * 1/2 / (3/2) = 2/3.
    gold = Spans.of([("a", 0, 10, DOUBT), ("a", 5, 20, FLAG)])
    predicted = Spans.of([("a", 2, 6, FLAG), ("a", 4, 12, DOUBT)])
    found = identification(predicted, gold)
    assert (found.precision, found.recall) == (exactly(1), exactly(1 / 2))
    assert found.f1 == exactly(2 / 3)
    assert (found.predicted, found.gold) == (1, 1)


def test_one_prediction_over_two_gold_spans_sums_both_overlaps():
    # s = [0, 20), t1 = [0, 5), t2 = [15, 25): overlaps 5 and 5.
    # P = (5 + 5) / 20 = 1/2. R = (5/5 + 5/10) / 2 = 3/4. F1 = 2 * 3/8 / (5/4) = 3/5.
    gold = Spans.of([("a", 0, 5, ""), ("a", 15, 25, "")])
    found = identification(Spans.of([("a", 0, 20, "")]), gold)
    assert (found.precision, found.recall) == (exactly(1 / 2), exactly(3 / 4))
    assert found.f1 == exactly(3 / 5)


def test_with_techniques_only_overlap_of_one_technique_counts():
    # Gold: doubt [0, 10), flag [0, 10), doubt [20, 24).
    # Predicted: doubt [5, 15) (5 of 10 with the first doubt), flag [20, 24) (no flag there).
    # P = (5/10 + 0) / 2 = 1/4. R = (5/10 + 0 + 0) / 3 = 1/6. F1 = 2 * 1/24 / (5/12) = 1/5.
    # Doubt: P = 1/2, R = (5/10 + 0) / 2 = 1/4, F1 = 1/3. Flag: P = 0, R = 0, F1 = 0.
    gold = Spans.of([("a", 0, 10, DOUBT), ("a", 0, 10, FLAG), ("a", 20, 24, DOUBT)])
    predicted = Spans.of([("a", 5, 15, DOUBT), ("a", 20, 24, FLAG)])
    found = fine_grained(predicted, gold)
    assert found.precision == exactly(1 / 4)
    assert found.recall == exactly(1 / 6)
    assert found.f1 == exactly(1 / 5)


def test_with_techniques_overlap_is_merged_within_a_technique_only():
    # Predicted doubt [0, 6) and [4, 10) become [0, 10); flag [4, 10) stays apart.
    # Doubt: 10/10 and 10/10. Overall P = (1 + 0) / 2, R = 1/1, F1 = 2 * 1/2 / (3/2) = 2/3.
    predicted = Spans.of([("a", 0, 6, DOUBT), ("a", 4, 10, DOUBT), ("a", 4, 10, FLAG)])
    found = fine_grained(predicted, Spans.of([("a", 0, 10, DOUBT)]))
    assert found.predicted == 2
    assert found.f1 == exactly(2 / 3)


# Merging


def test_spans_that_touch_stay_two():
    # With s = [0, 4) and [4, 8), t = [0, 8): P = (4/4 + 4/4) / 2 = 1, R = (4 + 4) / 8 = 1.
    touching = Spans.of([("a", 0, 4, ""), ("a", 4, 8, "")])
    assert len(merge(touching)) == 2
    found = identification(touching, Spans.of([("a", 0, 8, "")]))
    assert (found.precision, found.recall) == (exactly(1), exactly(1))


def test_merging_follows_chains_and_spans_within_others():
    spans = Spans.of(
        [("b", 3, 5, ""), ("a", 0, 20, ""), ("a", 2, 4, ""), ("a", 19, 30, ""), ("a", 29, 31, "")]
    )
    assert rows(merge(spans)) == [("a", 0, 31, ""), ("b", 3, 5, "")]


def test_merging_by_label_keeps_labels_apart():
    spans = Spans.of([("a", 5, 9, DOUBT), ("a", 0, 6, DOUBT), ("a", 4, 8, FLAG)])
    assert rows(merge(spans, labelled=True)) == [("a", 0, 9, DOUBT), ("a", 4, 8, FLAG)]
    assert rows(merge(spans)) == [("a", 0, 9, "")]


# Undefined


def test_precision_is_undefined_without_predictions_and_f1_is_not():
    found = identification(NOTHING, Spans.of([("a", 0, 5, "")]))
    assert math.isnan(found.precision)
    assert (found.recall, found.f1) == (0, 0)


def test_recall_and_f1_are_undefined_without_gold_spans():
    found = identification(Spans.of([("a", 0, 5, "")]), NOTHING)
    assert found.precision == 0
    assert math.isnan(found.recall)
    assert math.isnan(found.f1)


def test_nothing_on_both_sides_is_undefined():
    found = identification(NOTHING, NOTHING)
    assert all(math.isnan(value) for value in (found.precision, found.recall, found.f1))


@pytest.mark.parametrize("place", [(-1, 3), (3, 3), (4, 2)])
def test_a_span_without_characters_is_refused(place):
    with pytest.raises(ValueError, match="empty"):
        Spans.of([("a", *place, "")])


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="length"):
        Spans(np.array(["a"]), np.array([0]), np.array([1, 2]), np.array([""]))


# Against the formulas, character by character


def at_random(rng: np.random.Generator, n: int) -> Spans:
    start = rng.integers(0, 60, n)
    return Spans(
        rng.choice(np.array(["a", "b", "c", "d"]), n),
        start,
        start + rng.integers(1, 15, n),
        rng.choice(np.array([DOUBT, FLAG]), n),
    )


def merged_characters(spans: Spans, *, labelled: bool) -> list[tuple]:
    """Article, label and set of characters of each merged span, without the code under test."""
    of: dict[tuple, list[set[int]]] = defaultdict(list)
    for article, start, end, label in rows(spans):
        new = set(range(start, end))
        key = (article, label if labelled else "")
        apart = [old for old in of[key] if not old & new]
        of[key] = [*apart, new.union(*(old for old in of[key] if old & new))]
    return [(key, characters) for key, all_ in of.items() for characters in all_]


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_formulas_written_as_sets(seed, labelled):
    rng = np.random.default_rng(seed)
    predicted, gold = at_random(rng, 25), at_random(rng, 20)
    s_all = merged_characters(predicted, labelled=labelled)
    t_all = merged_characters(gold, labelled=labelled)
    pairs = [(s, t) for k, s in s_all for other, t in t_all if k == other]
    precision = sum(len(s & t) / len(s) for s, t in pairs) / len(s_all)
    recall = sum(len(s & t) / len(t) for s, t in pairs) / len(t_all)
    found = identification(predicted, gold, labelled=labelled)
    assert (found.predicted, found.gold) == (len(s_all), len(t_all))
    assert found.precision == exactly(precision)
    assert found.recall == exactly(recall)
    assert found.f1 == exactly(2 * precision * recall / (precision + recall))


# For resampling


@pytest.mark.parametrize("labelled", [False, True])
def test_sums_by_article_make_the_same_figures(labelled):
    rng = np.random.default_rng(7)
    predicted, gold = at_random(rng, 25), at_random(rng, 20)
    sums = sums_by_article(predicted, gold, ["d", "a", "unmarked", "c", "b"], labelled=labelled)
    whole = identification(predicted, gold, labelled=labelled)
    assert of_sums(sums.sum(axis=0)) == pytest.approx(
        [whole.precision, whole.recall, whole.f1], abs=1e-12
    )
    assert not sums[2].any()
    assert np.isnan(of_sums(sums)[2]).all()


def test_an_article_drawn_twice_counts_twice():
    # Article a: P = R = 1. Article b: 0 of 1. Drawn twice and once: (2 * 1 + 0) / 3.
    predicted = Spans.of([("a", 0, 5, ""), ("b", 0, 5, "")])
    gold = Spans.of([("a", 0, 5, ""), ("b", 5, 9, "")])
    sums = sums_by_article(predicted, gold, ["a", "b"])
    drawn = of_sums(np.array([[2.0, 1.0], [0.0, 2.0]]) @ sums)
    assert drawn == pytest.approx(np.array([[2 / 3] * 3, [0] * 3]), abs=1e-9)


def test_spans_of_articles_left_out_do_not_count():
    gold = Spans.of([("a", 0, 5, ""), ("z", 0, 5, "")])
    assert sums_by_article(gold, gold, ["a"]).tolist() == [[1, 1, 1, 1]]
