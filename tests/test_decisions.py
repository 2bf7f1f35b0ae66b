"""What is fitted on the validation part where corpora mean different things by one signal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.records.article import Sentence
from framescope.training.calibration.decisions import Decisions, fit_decisions, thresholds
from framescope.training.corpora.catalogue import CORPORA
from framescope.training.data.examples import Examples
from harness import joined

SIGNALS = ("claim", "hyperpartisan")
ELSEWHERE = "claimbuster"  # labels claims in another sense


class Model:
    """Reads its logits off the text: of a claim the last word, of an article always 0.5."""

    signals = SIGNALS

    def logits(self, sentences: Sequence[Sentence]) -> np.ndarray:
        found = [[float(s.text.split()[-1]), 0.5] for s in sentences]
        return np.array(found, np.float32).reshape(-1, 2)


def rows(corpus: str, limit: float, articles: int = 30, seed: int = 0) -> Examples:
    """Sentences that are claims from some logit on, but for a tenth; articles have no label."""
    rng = np.random.default_rng(seed)
    n = 5 * articles
    logits = rng.normal(size=n).round(3) * 2
    claims = np.where(rng.random(n) < 0.1, logits < limit, logits >= limit)
    names = np.array([f"{corpus}/{row // 5}" for row in range(n)])
    sentences = tuple(
        Sentence(f"logit {logit}", 0, 20, name, row % 5)
        for row, (logit, name) in enumerate(zip(logits, names.tolist(), strict=True))
    )
    return Examples(
        sentences=sentences,
        labels=np.stack([claims, np.full(n, np.nan)], axis=1).astype(np.float32),
        signals=SIGNALS,
        spans=((),) * n,
        citations=(None,) * n,
        corpus=np.array([corpus] * n),
        article=names,
        outlet=np.array([""] * n),
        group=names,
        part=np.array(["validation"] * n),
    )


def fitted(examples: Examples) -> Decisions:
    return fit_decisions(Model(), examples, seed=1)


HOUSE = rows("house", limit=-1.0)
OTHER = rows(ELSEWHERE, limit=1.0, seed=1)


def test_the_corpus_of_these_tests_means_something_else_by_a_claim() -> None:
    assert CORPORA[ELSEWHERE].card.other_sense == ("claim",)
    assert CORPORA["house"].card.other_sense == ()


def test_every_signal_of_another_sense_is_one_that_the_corpus_labels() -> None:
    for corpus in CORPORA.values():
        assert set(corpus.card.other_sense) <= set(corpus.card.signals), corpus.card.name


def test_labels_in_another_sense_move_neither_calibration_nor_threshold() -> None:
    alone, both = fitted(HOUSE), fitted(joined(HOUSE, OTHER))
    assert both.calibration.to_record() == alone.calibration.to_record()
    assert dict(both.thresholds) == dict(alone.thresholds)
    # Those of a corpus that means the same do.
    same = replace(OTHER, corpus=np.array(["standoff"] * len(OTHER)))
    moved = fitted(joined(HOUSE, same))
    assert moved.calibration.to_record() != alone.calibration.to_record()
    assert moved.thresholds["claim"] != alone.thresholds["claim"]


def test_they_get_a_threshold_of_their_own_where_their_labels_are_told_best() -> None:
    found = fitted(joined(HOUSE, OTHER))
    assert found.elsewhere.keys() == {ELSEWHERE}
    assert found.elsewhere[ELSEWHERE].keys() == {"claim"}
    assert fitted(HOUSE).elsewhere == {}

    def at(logit: float) -> float:
        line = np.array([[logit, 0.0]], np.float32)
        return float(found.calibration.apply(line)[0, 0])

    assert at(-1.5) < found.thresholds["claim"] < at(-0.5)
    assert at(0.5) < found.elsewhere[ELSEWHERE]["claim"] < at(1.5)


def test_what_nobody_else_labels_is_decided_by_the_other_sense() -> None:
    alone = fitted(OTHER)
    same = replace(OTHER, corpus=np.array(["house"] * len(OTHER)))
    assert alone.calibration.to_record() == fitted(same).calibration.to_record()
    assert dict(alone.thresholds) == dict(fitted(same).thresholds)
    assert alone.elsewhere[ELSEWHERE]["claim"] == pytest.approx(alone.thresholds["claim"], abs=0.1)


def test_thresholds_go_by_scores_or_by_labels_as_is_asked() -> None:
    # All are said to be likely, and only those above 0.85 are what their labels mean.
    proba = np.tile(np.linspace(0.7, 0.99, 40, dtype=np.float32), 5)[:, None]
    labels = (proba >= 0.85).astype(np.float32)
    articles = np.array([f"a{row % 20}" for row in range(200)])
    by_scores, by_labels = (
        thresholds(proba, labels, articles, ("claim",), fit=fit)["claim"] for fit in (False, True)
    )
    assert by_labels == pytest.approx(0.85, abs=0.01)
    assert by_scores != pytest.approx(by_labels, abs=0.05)
