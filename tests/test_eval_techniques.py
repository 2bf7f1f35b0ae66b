"""Techniques of given spans and of whole articles.

Expected values are worked out by hand beside each test.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.studies.spans import Spans, article_figures, classification, of_articles
from sklearn.metrics import f1_score

A, B, C = "doubt", "flag_waving", "slogans"
NAN = math.nan


def exactly(value: float):
    return pytest.approx(value, abs=1e-9, rel=0)


# Spans


def test_with_one_label_a_span_micro_f1_is_accuracy():
    # Gold A A B C, predicted A B B A: 2 of 4 agree, micro = 2 * 2 / (4 + 4) = 1/2.
    # A: 1 hit, given 2, wanted 2: 2/4. B: 1 hit, given 2, wanted 1: 2/3. C: 0.
    # Macro = (1/2 + 2/3 + 0) / 3 = 7/18.
    places = [("a", 0, 5), ("a", 3, 9), ("b", 0, 5), ("b", 7, 8)]
    gold = Spans.of((*p, x) for p, x in zip(places, [A, A, B, C], strict=True))
    predicted = Spans.of((*p, x) for p, x in zip(places, [A, B, B, A], strict=True))
    found = classification(predicted, gold)
    assert found.micro_f1 == exactly(1 / 2)
    assert found.by_technique[A] == exactly(1 / 2)
    assert found.by_technique[B] == exactly(2 / 3)
    assert found.by_technique[C] == 0
    assert found.macro_f1 == exactly(7 / 18)
    assert (found.averaged, found.units) == (3, 4)


def test_labels_of_one_span_match_in_any_order():
    # One place with gold {A, B}; predicted B, then A: 2 hits of 2 + 2.
    gold = Spans.of([("a", 0, 5, A), ("a", 0, 5, B)])
    predicted = Spans.of([("a", 0, 5, B), ("a", 0, 5, A)])
    found = classification(predicted, gold)
    assert found.micro_f1 == exactly(1)
    assert found.units == 1


def test_a_label_given_twice_matches_once():
    # Gold {A, B} and {C}; predicted {A, A} and {C}. Hits: A 1, C 1.
    # Micro = 2 * 2 / (3 + 3) = 2/3. A: 2 * 1 / (2 + 1) = 2/3. B: 0. C: 1.
    gold = Spans.of([("a", 0, 5, A), ("a", 0, 5, B), ("a", 6, 9, C)])
    predicted = Spans.of([("a", 0, 5, A), ("a", 0, 5, A), ("a", 6, 9, C)])
    found = classification(predicted, gold)
    assert found.micro_f1 == exactly(2 / 3)
    assert found.by_technique[A] == exactly(2 / 3)
    assert found.by_technique[B] == 0
    assert found.macro_f1 == exactly(5 / 9)


def test_more_and_fewer_labels_than_gold_cost_precision_and_recall():
    # Place 1: gold {A}, predicted {A, B}. Place 2: gold {B, C}, predicted nothing.
    # Hits 1, given 2, wanted 3: micro = 2 / 5. A: 1. B: 0 of 1 + 1. C: 0.
    gold = Spans.of([("a", 0, 5, A), ("a", 6, 9, B), ("a", 6, 9, C)])
    found = classification(Spans.of([("a", 0, 5, A), ("a", 0, 5, B)]), gold)
    assert found.micro_f1 == exactly(2 / 5)
    assert found.macro_f1 == exactly(1 / 3)


def test_the_same_place_in_another_article_is_another_span():
    gold = Spans.of([("a", 0, 5, A), ("b", 0, 5, B)])
    predicted = Spans.of([("b", 0, 5, A), ("a", 0, 5, B)])
    assert classification(predicted, gold).micro_f1 == 0


def test_a_technique_without_gold_spans_is_undefined_but_its_false_alarms_count():
    # Hits 1, given 2, wanted 2: micro 1/2; A: 2 * 1 / (1 + 2) = 2/3; B has no gold.
    gold = Spans.of([("a", 0, 5, A), ("a", 6, 9, A)])
    found = classification(Spans.of([("a", 0, 5, A), ("a", 6, 9, B)]), gold)
    assert found.micro_f1 == exactly(1 / 2)
    assert math.isnan(found.by_technique[B])
    assert found.macro_f1 == exactly(2 / 3)
    assert (found.averaged, found.gold[A], found.gold[B]) == (1, 2, 0)


def test_without_gold_spans_all_is_undefined():
    found = classification(Spans.of([]), Spans.of([]))
    assert math.isnan(found.micro_f1)
    assert math.isnan(found.macro_f1)
    assert all(math.isnan(value) for value in found.by_technique.values())
    assert tuple(found.by_technique) == TECHNIQUES


def test_a_prediction_beside_the_gold_spans_is_refused():
    with pytest.raises(ValueError, match="no gold span"):
        classification(Spans.of([("a", 0, 4, A)]), Spans.of([("a", 0, 5, A)]))


def test_a_label_that_is_no_technique_is_refused():
    gold = Spans.of([("a", 0, 5, A)])
    with pytest.raises(ValueError, match="any_technique"):
        classification(Spans.of([("a", 0, 5, "any_technique")]), gold)


# Articles


def test_an_article_has_what_one_of_its_sentences_has():
    values = [[0, 1, 0], [0.4, 0, 0], [0.5, 0, 0]]
    names, labels = of_articles(values, ["b", "a", "b"])
    assert names.tolist() == ["a", "b"]
    assert labels.tolist() == [[0, 0, 0], [1, 1, 0]]


def test_what_is_not_known_of_a_sentence_may_be_a_yes_but_takes_none_away():
    _, labels = of_articles([[NAN, NAN, NAN], [1, 0, NAN]], ["a", "a"])
    assert labels[0, 0] == 1
    assert np.isnan(labels[0, 1:]).all()


def test_flags_are_gathered_alike():
    _, labels = of_articles(np.array([[True, False], [False, False]]), ["a", "a"])
    assert labels.tolist() == [[1, 0]]


def test_article_figures_by_hand():
    # A: gold 1 1 0, flagged 1 0 1: 2 * 1 / (2 + 2) = 1/2.
    # B: gold 1 ? 0, flagged 1 1 0: the second is not judged: 1.
    # C: gold 0 0 0, flagged 0 0 1: undefined, one false alarm.
    # Micro: hits 2, given 2 + 1 + 1, wanted 2 + 1: 4/7. Macro: (1/2 + 1) / 2 = 3/4.
    truth = np.array([[1, 1, 0], [1, NAN, 0], [0, 0, 0]])
    flagged = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 1]], np.bool_)
    found = article_figures(truth, flagged, [A, B, C])
    assert found.micro_f1 == exactly(4 / 7)
    assert found.macro_f1 == exactly(3 / 4)
    assert math.isnan(found.by_technique[C])
    assert (found.averaged, found.units) == (2, 3)


def test_articles_of_which_nothing_is_known_are_not_counted():
    truth = np.array([[NAN], [1.0]])
    found = article_figures(truth, np.array([[True], [True]]), [A])
    assert (found.units, found.micro_f1) == (1, 1)


def test_agrees_with_scikit_learn_where_all_is_known():
    rng = np.random.default_rng(0)
    truth = rng.random((40, 14)) < 0.3
    flagged = rng.random((40, 14)) < 0.3
    found = article_figures(truth.astype(np.float64), flagged)
    assert found.micro_f1 == exactly(f1_score(truth, flagged, average="micro"))
    assert found.macro_f1 == exactly(f1_score(truth, flagged, average="macro"))
    assert list(found.by_technique.values()) == pytest.approx(
        f1_score(truth, flagged, average=None), abs=1e-9
    )


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        article_figures(np.zeros((2, 3)), np.zeros((2, 2), np.bool_), [A, B, C])
