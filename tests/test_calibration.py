from __future__ import annotations

import json

import numpy as np
import pytest
from framescope.classifier.models.base import Calibration, pool_articles
from framescope.classifier.records.article import Sentence

SIGNALS = ("claim", "hyperpartisan")


def sentences(*articles: str) -> list[Sentence]:
    return [Sentence("x", i, i + 1, name, i) for i, name in enumerate(articles)]


def test_identity_is_the_logistic_function() -> None:
    logits = np.array([[0.0, np.log(3)], [-np.log(3), 2.0]], np.float32)
    proba = Calibration.identity(SIGNALS).apply(logits)
    np.testing.assert_allclose(proba, [[0.5, 0.75], [0.25, 0.8807971]], atol=1e-6)
    assert proba.dtype == np.float32


def test_each_column_has_its_own_line() -> None:
    fitted = Calibration(SIGNALS, np.array([2, 0.5], np.float32), np.array([1, -1], np.float32))
    proba = fitted.apply(np.array([[-0.5, 2.0], [0.0, 0.0]], np.float32))
    expected = 1 / (1 + np.exp(-np.array([[0.0, 0.0], [1.0, -1.0]])))
    np.testing.assert_allclose(proba, expected, atol=1e-6)


@pytest.mark.filterwarnings("error")
def test_extreme_logits_stay_finite_and_between_0_and_1() -> None:
    logits = np.array([[-1e30, 1e30], [-800, 800]], np.float32)
    proba = Calibration.identity(SIGNALS).apply(logits)
    assert proba.tolist() == [[0, 1], [0, 1]]


def test_nothing_in_nothing_out() -> None:
    assert Calibration.identity(SIGNALS).apply(np.zeros((0, 2), np.float32)).shape == (0, 2)
    assert Calibration.identity(()).apply(np.zeros((3, 0), np.float32)).shape == (3, 0)


def test_a_manifest_keeps_it() -> None:
    fitted = Calibration(
        SIGNALS, np.array([1.234567, 0.05], np.float32), np.array([-3.5, 0.1], np.float32)
    )
    back = Calibration.from_record(json.loads(json.dumps(fitted.to_record())))
    assert back.signals == SIGNALS
    np.testing.assert_allclose(back.slope, fitted.slope, atol=1e-6)
    np.testing.assert_allclose(back.intercept, fitted.intercept, atol=1e-6)


def test_a_bundle_without_signals_has_an_empty_calibration() -> None:
    assert Calibration.from_record({}).slope.shape == (0,)


def test_articles_are_pooled_in_their_columns_only() -> None:
    logits = np.array([[1, 4], [2, 8], [3, 1], [4, 0]], np.float32)
    pooled = pool_articles(logits, sentences("a", "b", "a", "a"), [1])
    assert pooled[:, 0].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(pooled[:, 1], [5 / 3, 8, 5 / 3, 5 / 3], rtol=1e-6)
    assert logits[0, 1] == 4  # what was given is not changed
    assert pooled.dtype == np.float32


def test_pooling_nothing_changes_nothing() -> None:
    logits = np.array([[1.0, 4.0]], np.float32)
    assert pool_articles(logits, sentences("a"), []) is logits
    assert pool_articles(np.zeros((0, 2), np.float32), [], [1]).shape == (0, 2)
