"""What a benchmark's figure is worth: predictors that don't read the text, and shuffled labels.

A figure that the outlet's name alone, the length alone or a constant answer reaches as well says
nothing about reading. On shuffled labels every figure has to fall to chance; where it doesn't, the
harness itself is wrong.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from framescope.eval.metrics import decide, single_figure
from framescope.eval.rows import (
    Benchmark,
    Bools,
    Evaluation,
    Floats,
    Sample,
    Scores,
    Single,
    is_of_articles,
    rows_of,
)
from framescope.eval.sections import UNDEFINED, Cell, Section, table
from framescope.training.data import TRAIN, Examples, Text

SMOOTHING = 5.0  # rows at the overall rate that are added to every outlet's own
SHUFFLES = 100
# How far the mean of the permutations may lie from chance: four of its standard errors, which 1 of
# 16,000 exceeds, and what the formulas of chance leave out (ties, a mean of ratios).
_STANDARD_ERRORS, _TOLERANCE = 4, 0.01
NOTE = (
    "Predictors that don't read the text, and both models on the rows that such a predictor can "
    f"score. Shuffled labels: the mean figure of each model over {SHUFFLES} permutations of "
    "the labels within the part. It has to fall to chance, the figure expected of these scores "
    "when labels are permuted; otherwise the harness is wrong."
)


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A model's figure on shuffled labels."""

    mean: float = math.nan
    spread: float = math.nan  # standard deviation over the permutations
    chance: float = math.nan
    p: float = math.nan  # share of permutations that reach the true figure, one added to both
    fell: bool = False  # to chance


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
    shuffled_a: Shuffled
    shuffled_b: Shuffled


def study(evaluation: Evaluation) -> tuple[Section, dict[str, Any]] | None:
    """Check the benchmarks that have rows here: a section, and the record for JSON."""
    checked = list(run(evaluation))
    if not checked:
        return None
    a, b = evaluation.bundles
    signature = f"{evaluation.data} | a {a.name} | b {b.name} | seed {evaluation.seed}"
    columns = ("benchmark", "figure", "control", "n", "reached", *evaluation.names, "fell")
    tables = (table("Controls", columns, (row for one in checked for row in _rows(one))),)
    record = {"signature": signature, "benchmarks": checked}
    return Section(NOTE, tables, signature=signature), record


def _rows(one: Controlled) -> Iterator[tuple[Cell, ...]]:
    head = one.benchmark.name, one.benchmark.metric
    for control in one.controls:
        yield (*head, control.name, control.n, control.value, control.a, control.b, "")
    both = one.shuffled_a, one.shuffled_b
    known = [of_model.fell for of_model in both if not math.isnan(of_model.mean)]
    fell = ("yes" if all(known) else "no") if known else UNDEFINED
    yield (*head, "shuffled labels", one.n, "", *(of_model.mean for of_model in both), fell)
    yield (*head, "chance", one.n, "", *(of_model.chance for of_model in both), "")


def run(evaluation: Evaluation) -> Iterator[Controlled]:
    """Check the benchmarks of an evaluation that have rows."""
    examples = evaluation.examples
    for one, sample in evaluation.samples(evaluation.benchmarks):
        train = examples.where((examples.corpus == one.corpus) & (examples.part == TRAIN))
        yield check(one, sample, train, seed=evaluation.seed)


def check(benchmark: Benchmark, sample: Sample, train: Examples, *, seed: int = 0) -> Controlled:
    """Check a benchmark by its rows; ``train`` is the corpus' training part."""
    signal, metric, truth = benchmark.signal, benchmark.metric, sample.truth
    missing = Scores(np.full(len(sample), math.nan, np.float32), math.nan)
    a, b = (scores or missing for scores in sample.scores)

    def compared(name: str, proba: Single, threshold: float) -> WithoutText:
        known = ~np.isnan(proba)
        figures = (
            single_figure(metric, truth[known], one.proba[known], one.threshold)
            for one in (Scores(proba, threshold), a, b)
        )
        return WithoutText(name, int(known.sum()), *figures)

    learned = Sample(train, rows_of(train, TRAIN, signal), TRAIN, signal, ())
    labels = learned.truth if len(learned) else np.zeros(0, np.bool_)
    known, asked = learned.rows.outlet[learned.chosen], sample.rows.outlet[sample.chosen]
    rates, own_rates = (outlet_rates(known, labels, of) for of in (asked, known))
    by_length, own_length = (
        length_scores(_lengths(learned), labels, _lengths(of)) for of in (sample, learned)
    )
    controls = (
        compared("always yes", np.ones(len(sample), np.float32), 0.5),
        compared("outlet name only", rates, best_threshold(metric, labels, own_rates)),
        compared("length only", by_length, best_threshold(metric, labels, own_length)),
    )
    of_a, of_b = (single_figure(metric, truth, *one) for one in (a, b))
    shuffles = (shuffled(metric, truth, *one, seed=seed) for one in (a, b))
    return Controlled(benchmark, len(sample), int(truth.sum()), of_a, of_b, controls, *shuffles)


def _lengths(sample: Sample) -> Floats:
    """Characters of each sentence, or of the whole article for an article-level signal."""
    rows = sample.rows
    lengths: Floats = np.array([len(sentence.text) for sentence in rows.sentences], np.float64)
    if is_of_articles(sample.signal):
        _, article = np.unique(rows.article, return_inverse=True)
        lengths = np.bincount(article, weights=lengths).astype(np.float64)[article]
    return np.asarray(lengths[sample.chosen])


def outlet_rates(outlets: Text, labels: Bools, asked: Text) -> Single:
    """Predict from the outlet's name: its smoothed share of yes in training; NaN where unknown."""
    import pandas as pd

    yes = pd.Series(labels[outlets != ""].astype(float))
    own = yes.groupby(outlets[outlets != ""])
    rates = (own.sum() + SMOOTHING * yes.mean()) / (own.count() + SMOOTHING)
    found: Single = rates.reindex(asked).to_numpy(np.float32)
    return found


def length_scores(lengths: Floats, labels: Bools, asked: Floats) -> Single:
    """Predict from the logarithm of the length, by logistic regression; NaN with one answer."""
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), math.nan, np.float32)
    model = LogisticRegression().fit(np.log1p(lengths)[:, None], labels)
    return np.asarray(model.predict_proba(np.log1p(asked)[:, None])[:, 1], np.float32)


def best_threshold(metric: str, truth: Bools, proba: Single) -> float:
    """Find the threshold that is best where the predictor was fitted, as bundles have theirs."""
    known = ~np.isnan(proba)
    truth, proba = truth[known], proba[known]
    if not truth.any():
        return 0.5
    order = np.argsort(-proba, kind="stable")
    # All rows of one score are flagged together: only where the score falls can a threshold lie.
    last = np.append(np.flatnonzero(np.diff(proba[order])), len(proba) - 1)
    hits, flagged = np.cumsum(truth[order])[last], last + 1
    yes, n = int(truth.sum()), len(truth)
    value = 2 * hits / (flagged + yes)
    if metric != "f1":
        right = n - yes - (flagged - hits)
        value = value + 2 * right / np.maximum(2 * n - flagged - yes, 1)
    best = int(np.argmax(value))
    # Halfway to the next score below, which is as good here, and less of an accident elsewhere.
    return float(proba[order][last][best : best + 2].mean())


def shuffled(metric: str, truth: Bools, proba: Single, threshold: float, *, seed: int) -> Shuffled:
    """Judge scores by shuffled labels."""
    true = single_figure(metric, truth, proba, threshold)
    if math.isnan(true):
        return Shuffled()
    rng = np.random.default_rng(seed)
    permutations = (rng.permutation(truth) for _ in range(SHUFFLES))
    values = np.array([single_figure(metric, one, proba, threshold) for one in permutations])
    p = (int((values >= true).sum()) + 1) / (SHUFFLES + 1)
    mean, spread = float(values.mean()), float(values.std())
    chance = _chance(metric, truth, decide(proba, threshold))
    within = _STANDARD_ERRORS * spread / math.sqrt(SHUFFLES) + _TOLERANCE
    return Shuffled(mean, spread, chance, p, abs(mean - chance) <= within)


def _chance(metric: str, truth: Bools, flagged: Bools) -> float:
    """Return the expected figure when labels are permuted (of AP without ties: Bestgen, 2015)."""
    n, yes, q = len(truth), int(truth.sum()), float(flagged.mean())
    share = yes / n
    if metric == "average_precision":
        harmonic = float((1 / np.arange(1, n + 1)).sum())
        return ((yes - 1) / max(n - 1, 1) * (n - harmonic) + harmonic) / n
    f1 = 2 * share * q / (share + q)
    other = 2 - share - q
    of_no = 2 * (1 - share) * (1 - q) / other if other else 0.0
    return {"f1": f1, "macro_f1": (f1 + of_no) / 2}.get(metric, math.nan)
