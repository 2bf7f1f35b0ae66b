"""Predictors that don't read the text: a figure that they reach says nothing about reading."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from framescope.eval import rows as scored
from framescope.eval.metrics import single_figure
from framescope.eval.rows import Benchmark, Bools, Evaluation, Floats, Sample, Scores, Single
from framescope.eval.sections import Section, table
from framescope.training.calibration.decisions import best_threshold
from framescope.training.data import TRAIN, Examples, Text

SMOOTHING = 5.0  # rows at the overall rate that are added to every outlet's own
NOTE = (
    "Predictors that don't read the text, and both models on the rows that such a predictor can "
    "score."
)


@dataclass(frozen=True, slots=True)
class WithoutText:
    """A predictor that doesn't read the text, and both models on the ``n`` rows it can score."""

    name: str
    n: int
    value: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """The controls of a benchmark, and both models' figures; NaN where undefined."""

    benchmark: Benchmark
    n: int
    positives: int
    a: float
    b: float
    controls: tuple[WithoutText, ...]


def study(evaluation: Evaluation) -> tuple[Section, dict[str, Any]] | None:
    """Check the benchmarks that have rows to learn from: a section, and the record for JSON."""
    checked = [one for one in run(evaluation) if len(one.controls) > 1]
    if not checked:
        return None
    a, b = evaluation.bundles
    signature = f"{evaluation.data} | a {a.name} | b {b.name}"
    columns = ("benchmark", "figure", "control", "n", "reached", *evaluation.names)
    rows = (
        (one.benchmark.name, one.benchmark.metric, of.name, of.n, of.value, of.a, of.b)
        for one in checked
        for of in one.controls
    )
    found = Section(NOTE, (table("Controls", columns, rows),), signature=signature)
    return found, {"signature": signature, "benchmarks": checked}


def run(evaluation: Evaluation) -> Iterator[Controlled]:
    """Check the benchmarks of an evaluation that have rows."""
    examples = evaluation.examples
    for one, sample in evaluation.samples(evaluation.benchmarks):
        train = examples.where((examples.corpus == one.corpus) & (examples.part == TRAIN))
        yield _check(one, sample, train)


def _check(benchmark: Benchmark, sample: Sample, train: Examples) -> Controlled:
    signal, metric, truth = benchmark.signal, benchmark.metric, sample.truth
    missing = Scores(np.full(len(sample), math.nan, np.float32), math.nan)
    a, b = (scores or missing for scores in sample.scores)

    def compared(name: str, proba: Single, threshold: float) -> WithoutText:
        known = ~np.isnan(proba)
        figures = (
            single_figure(metric, truth[known], *one.where(known))
            for one in (Scores(proba, threshold), a, b)
        )
        return WithoutText(name, int(known.sum()), *figures)

    learned = Sample(train, scored.rows_of(train, TRAIN, signal), TRAIN, signal, ())
    labels = learned.truth if len(learned) else np.zeros(0, np.bool_)
    controls = [compared("always yes", np.ones(len(sample), np.float32), 0.5)]
    for name, (predict, of) in _FITTED.items():
        proba, own = (predict(of(learned), labels, of(one)) for one in (sample, learned))
        fit, limit = ~np.isnan(own), 0.5
        if labels[fit].any():  # as bundles have theirs, of the rows that are learned from
            given = own[fit], labels[fit], train.article[learned.chosen[fit]]
            limit = best_threshold(*given, macro=metric != "f1", seed=0, precision=0.0)
        controls.append(compared(name, proba, limit))
    of_a, of_b = (single_figure(metric, truth, *one) for one in (a, b))
    able = tuple(one for one in controls if one.n)
    return Controlled(benchmark, len(sample), int(truth.sum()), of_a, of_b, able)


def _lengths(sample: Sample) -> Floats:
    """Characters of each sentence, or of the whole article for an article-level signal."""
    lengths: Floats = np.array([len(one.text) for one in sample.rows.sentences], np.float64)
    if scored.is_of_articles(sample.signal):
        _, article = np.unique(sample.rows.article, return_inverse=True)
        lengths = np.bincount(article, weights=lengths).astype(np.float64)[article]
    return np.asarray(lengths[sample.chosen])


def outlet_rates(outlets: Text, labels: Bools, asked: Text) -> Single:
    """Predict from the outlet's name: its smoothed share of yes in training; NaN where unknown."""
    named = labels[outlets != ""]
    known, own = np.unique(outlets[outlets != ""], return_inverse=True)
    overall = SMOOTHING * float(named.sum()) / max(len(named), 1)
    rates = (np.bincount(own, named) + overall) / (np.bincount(own) + SMOOTHING)
    rate_of = dict(zip(known.tolist(), rates.tolist(), strict=True))
    return np.array([rate_of.get(one, math.nan) for one in asked.tolist()], np.float32)


def length_scores(lengths: Floats, labels: Bools, asked: Floats) -> Single:
    """Predict from the logarithm of the length, by logistic regression; NaN with one answer."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), math.nan, np.float32)
    model = LogisticRegression().fit(np.log1p(lengths)[:, None], labels)
    return np.asarray(model.predict_proba(np.log1p(asked)[:, None])[:, 1], np.float32)


_FITTED: Mapping[str, tuple[Callable[[Any, Bools, Any], Single], Callable[[Sample], Any]]] = {
    "outlet name only": (outlet_rates, lambda one: one.rows.outlet[one.chosen]),
    "length only": (length_scores, _lengths),
}
"""The predictors that are fitted, and what each reads of the rows."""
