"""Controls: what a benchmark gives to a model that hasn't read the text, or reads something else.

A predictor that knows only the outlet or the length, one that always says yes, and labels that are
shuffled say what a figure is worth. Within one outlet its name can't help, and an outlet that can
be told from a model's scores is in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

import numpy as np
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.metrics import UNDEFINED, Section, Table, decide, table
from framescope.eval.metrics import single_figure as figure
from framescope.eval.rows import (
    Benchmark,
    Bools,
    Evaluation,
    Floats,
    Given,
    Sample,
    Single,
    rows_of,
)
from framescope.eval.studies.outlet_checks import Probe, Within, probe, within
from framescope.eval.studies.surrogates import wholes
from framescope.training.data import TRAIN, Examples, Text

SMOOTHING = 5.0
"""Rows at the overall rate that every outlet is given besides its own."""
SHUFFLES = 100

NOTE = (
    "Predictors that haven't read the text, on the rows they can say anything of, with both models "
    f"on the same rows. Labels are permuted within the part {SHUFFLES} times; a figure that does "
    "not fall to chance would mean that the harness is wrong. Within outlets an outlet's name "
    "can't help: the share of the gain that survives is 1 where the second model is better by what "
    "stands in the text, and near 0 where it has only learned which outlet is which. The outlet is "
    "read off the scores by a regression over folds of articles; outlets do differ in what is "
    "scored, so that more than guessing is no proof of cheating."
)

# How far the mean of the permutations may lie from chance: four of its standard errors, which 1 of
# 16,000 exceeds, and what the formulas of chance leave out (ties, a mean of ratios).
_STANDARD_ERRORS, _TOLERANCE = 4, 0.01


@dataclass(frozen=True, slots=True)
class Shuffled:
    """A bundle judged by labels that are permuted within the part.

    ``mean``, ``spread``: of the figure, over `SHUFFLES` permutations; ``spread`` is the standard
    deviation. ``chance``: what it must come to. ``p``: share of permutations that reach the figure
    with the true labels, one added to both counts.
    """

    mean: float
    spread: float
    chance: float
    p: float

    @property
    def fell(self) -> bool:
        """Whether the figure falls to chance; where it doesn't, the harness itself is wrong."""
        within = _STANDARD_ERRORS * self.spread / math.sqrt(SHUFFLES) + _TOLERANCE
        return abs(self.mean - self.chance) <= within


@dataclass(frozen=True, slots=True)
class WithoutText:
    """A predictor without the text, and both bundles on the rows it can say anything of.

    ``n``: rows; 0 where it can say nothing. ``value``, ``a``, ``b``: the benchmark's figure; NaN
    where undefined.
    """

    name: str
    n: int
    value: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Controlled:
    """One benchmark.

    ``a``, ``b``: both bundles' figures; NaN where undefined, or the bundle lacks the signal.
    """

    benchmark: Benchmark
    n: int
    positives: int
    a: float
    b: float
    controls: tuple[WithoutText, ...]
    shuffled_a: Shuffled
    shuffled_b: Shuffled
    within: Within


@dataclass(frozen=True, slots=True)
class Probed:
    """The outlet probe of both bundles on one part of a corpus."""

    corpus: str
    part: str
    a: Probe
    b: Probe


def run(
    evaluation: Evaluation, benchmarks: Sequence[Benchmark]
) -> Iterator[tuple[list[Controlled], list[Probed]]]:
    """Check the benchmarks that the examples have, corpus by corpus.

    ``evaluation``: of bundles a and b; its seed is that of the permutations and of the probe's rows
    and folds.
    """
    examples, seed = evaluation.examples, evaluation.seed
    for corpus in dict.fromkeys(one.corpus for one in benchmarks):
        here = [one for one in benchmarks if one.corpus == corpus]
        parts = tuple(dict.fromkeys(one.part for one in here))
        scored = evaluation.articles(corpus, parts, [one.signal for one in here])
        if not len(scored):
            continue
        train = examples.where((examples.corpus == corpus) & (examples.part == TRAIN))
        samples = [(one, scored.sample(one.part, one.signal)) for one in here]
        checked = [check(one, sample, train, seed=seed) for one, sample in samples if len(sample)]
        probed = []
        for part in parts:
            if len(chosen := np.flatnonzero(scored.rows.part == part)):
                rows = scored.rows.where(chosen)
                a, b = (
                    probe(proba[chosen], rows.outlet, wholes(rows), seed=seed)
                    for proba in scored.proba
                )
                probed.append(Probed(corpus, part, a, b))
        yield checked, probed


def check(benchmark: Benchmark, sample: Sample, train: Examples, *, seed: int = 0) -> Controlled:
    """Check one benchmark.

    ``sample``: its rows. ``train``: the training part of the corpus: what the predictors without
    text are fitted on.
    """
    signal, metric = benchmark.signal, benchmark.metric
    truth, outlets = sample.truth, sample.outlets
    a, b = (given or _nothing(len(sample)) for given in sample.given)

    def beside(name: str, proba: Single, threshold: float) -> WithoutText:
        known = ~np.isnan(proba)
        if not known.any():
            return WithoutText(name, 0, math.nan, math.nan, math.nan)
        own, of_a, of_b = (
            figure(metric, truth[known], one.proba[known], one.threshold)
            for one in (Given(proba, threshold), a, b)
        )
        return WithoutText(name, int(known.sum()), own, of_a, of_b)

    learned = Sample(train, rows_of(train, TRAIN, signal), TRAIN, signal, ())
    taught = learned.truth if len(learned) else np.zeros(0, np.bool_)
    rates, own_rates = (
        outlet_rates(learned.outlets, taught, asked) for asked in (outlets, learned.outlets)
    )
    by_length, own_length = (
        length_scores(_lengths(learned), taught, _lengths(asked)) for asked in (sample, learned)
    )
    controls = (
        beside("always yes", np.ones(len(sample), np.float32), 0.5),
        beside("outlet name only", rates, best_threshold(metric, taught, own_rates)),
        beside("length only", by_length, best_threshold(metric, taught, own_length)),
    )
    return Controlled(
        benchmark,
        len(sample),
        int(truth.sum()),
        figure(metric, truth, *a),
        figure(metric, truth, *b),
        controls,
        shuffled(metric, truth, *a, seed=seed),
        shuffled(metric, truth, *b, seed=seed),
        within(truth, a.proba, b.proba, outlets),
    )


def _nothing(n: int) -> Given:
    """What a bundle says of a signal that it doesn't give."""
    return Given(np.full(n, math.nan, np.float32), math.nan)


def _lengths(sample: Sample) -> Floats:
    """Characters of each sentence, or of the whole article for an article-level signal."""
    rows = sample.rows
    lengths: Floats = np.array([len(sentence.text) for sentence in rows.sentences], np.float64)
    if BY_NAME[sample.signal].level is Level.ARTICLE:
        _, article = np.unique(rows.article, return_inverse=True)
        lengths = np.bincount(article, weights=lengths).astype(np.float64)[article]
    picked: Floats = lengths[sample.chosen]
    return picked


def outlet_rates(taught: Text, labels: Bools, asked: Text) -> Single:
    """Predict from the outlet's name: its share of yes in training, drawn to that of all.

    NaN for an outlet that is unknown, or wasn't met in training.
    """
    known = taught != ""
    names, index = np.unique(taught[known], return_inverse=True)
    if not len(names):
        return np.full(len(asked), math.nan, np.float32)
    yes = np.bincount(index, weights=labels[known], minlength=len(names))
    rates = (yes + SMOOTHING * labels[known].mean()) / (np.bincount(index) + SMOOTHING)
    place = np.minimum(np.searchsorted(names, asked), len(names) - 1)
    found: Single = np.where(names[place] == asked, rates[place], math.nan).astype(np.float32)
    return found


def length_scores(taught: Floats, labels: Bools, asked: Floats) -> Single:
    """Predict from the logarithm of the length, by logistic regression.

    NaN where training has not both answers.
    """
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        return np.full(len(asked), math.nan, np.float32)
    model = LogisticRegression().fit(np.log1p(taught)[:, None], labels)
    proba: Single = model.predict_proba(np.log1p(asked)[:, None])[:, 1].astype(np.float32)
    return proba


def best_threshold(metric: str, truth: Bools, proba: Single) -> float:
    """Find the threshold that is best where the predictor was fitted, as bundles have theirs.

    By F1 for a benchmark of F1, else by macro-F1; rows without a score are left out.
    """
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
    steps = proba[order][last]
    best = int(np.argmax(value))
    # Halfway to the next score below, which is as good here, and less of an accident elsewhere.
    return float(steps[best : best + 2].mean())


def shuffled(metric: str, truth: Bools, proba: Single, threshold: float, *, seed: int) -> Shuffled:
    """Judge by permuted labels: any figure that is left doesn't come from the scores."""
    true = figure(metric, truth, proba, threshold)
    if math.isnan(true):
        return Shuffled(math.nan, math.nan, math.nan, math.nan)
    rng = np.random.default_rng(seed)
    permuted = np.stack([rng.permutation(truth) for _ in range(SHUFFLES)])
    values = _of_permuted(metric, permuted, proba, threshold)
    p = (int((values >= true).sum()) + 1) / (SHUFFLES + 1)
    chance = _chance(metric, truth, decide(proba, threshold))
    return Shuffled(float(values.mean()), float(values.std()), chance, p)


def _of_permuted(metric: str, truths: Bools, proba: Single, threshold: float) -> Floats:
    """`single_figure` for permutations of the same labels, shape (m, n), all at once."""
    yes, n = int(truths[0].sum()), truths.shape[1]
    if metric == "average_precision":
        order = np.argsort(-proba, kind="stable")
        # Rows of one score are one step; the steps run from the lowest, as scikit-learn's do.
        ends = np.append(np.flatnonzero(np.diff(proba[order])), n - 1)
        # Taken, not indexed: a sum of rows that lie whole in memory rounds as scikit-learn's does.
        hits = np.take(np.cumsum(truths[:, order], axis=1), ends[::-1], axis=1)
        steps = np.diff(hits / yes, axis=1, append=0)
        areas: Floats = -(steps * (hits / (ends[::-1] + 1))).sum(axis=1)
        return np.maximum(areas, 0.0)
    if metric in ("f1", "macro_f1"):
        flagged = decide(proba, threshold)
        q = int(flagged.sum())
        hits = truths[:, flagged].sum(axis=1)
        f1: Floats = 2 * hits / (q + yes)
        if metric == "f1":
            return f1
        f1_of_no = 2 * (n - q - yes + hits) / (2 * n - q - yes)
        both: Floats = (f1 + f1_of_no) / 2
        return both
    return np.array([figure(metric, truth, proba, threshold) for truth in truths])


def _chance(metric: str, truth: Bools, flagged: Bools) -> float:
    """Expected figure of these scores when labels are permuted.

    Of average precision without ties: Bestgen (2015), "Exact expected average precision of the
    random baseline for system evaluation".
    """
    n, yes, q = len(truth), int(truth.sum()), float(flagged.mean())
    share = yes / n
    if metric == "average_precision":
        harmonic = float((1 / np.arange(1, n + 1)).sum())
        return ((yes - 1) / max(n - 1, 1) * (n - harmonic) + harmonic) / n
    f1 = 2 * share * q / (share + q)
    other = 2 - share - q
    of_no = 2 * (1 - share) * (1 - q) / other if other else 0.0
    macro = (f1 + of_no) / 2
    known = {"auc": 0.5, "f1": f1, "macro_f1": macro, "precision": share, "recall": q}
    return known.get(metric, math.nan)


def study(evaluation: Evaluation) -> tuple[Section, dict[str, Any]] | None:
    """Check the benchmarks that have rows here; None without one.

    Parameters
    ----------
    evaluation : Evaluation
        Of bundles a and b; its seed is that of the permutations and of the probe's rows and folds.

    Returns
    -------
    Section
    dict
        What JSON holds: every figure, and whether those of shuffled labels fell to chance.
    """
    checked: list[Controlled] = []
    probed: list[Probed] = []
    for of_corpus, probes in run(evaluation, evaluation.benchmarks):
        checked += of_corpus
        probed += probes
    if not checked:
        return None
    a, b = evaluation.bundles
    said = f"{evaluation.data} | a {a.name} | b {b.name} | seed {evaluation.seed}"
    tables = tuple(_tables(checked, probed, evaluation.names))
    record = {
        "signature": said,
        "benchmarks": [
            asdict(one)
            | {
                name: asdict(found) | {"fell": found.fell}
                for name, found in (("shuffled_a", one.shuffled_a), ("shuffled_b", one.shuffled_b))
            }
            for one in checked
        ],
        "outlet_probes": probed,
    }
    return Section(NOTE, tables, signature=said), record


def section(evaluation: Evaluation) -> Section | None:
    """Lay out the controls of an evaluation that names itself; None without a benchmark."""
    found = study(evaluation)
    return found and replace(found[0], signature="")


def _tables(
    checked: Sequence[Controlled], probed: Sequence[Probed], names: tuple[str, ...]
) -> Iterator[Table]:
    a, b = names
    yield table(
        "Without the text",
        ("benchmark", "figure", "read", "n", "it", *names),
        (
            (one.benchmark.name, one.benchmark.metric, *astuple(read))
            for one in checked
            for read in one.controls
        ),
    )
    yield table(
        "Shuffled labels",
        ("benchmark", "model", "true", "shuffled", "chance", "p", "fell to chance"),
        (
            (one.benchmark.name, model, value, found.mean, found.chance, found.p, _fell(found))
            for one in checked
            for model, value, found in ((a, one.a, one.shuffled_a), (b, one.b, one.shuffled_b))
        ),
    )
    yield table(
        "AUC over all pairs, and within outlets",
        ("benchmark", "n", "pairs in outlets", a, b, f"{a}, within", f"{b}, within",
         "gain that survives"),
        ((one.benchmark.name, *astuple(one.within)) for one in checked),
    )  # fmt: skip
    yield table(
        "The outlet read off the scores: balanced accuracy",
        ("part", "n", "articles", "outlets", a, b, "guessing", "largest outlet"),
        (
            (f"{one.corpus}/{one.part}", one.a.n, one.a.articles, one.a.outlets,
             one.a.balanced_accuracy, one.b.balanced_accuracy, one.a.chance, one.a.largest)
            for one in probed
        ),
    )  # fmt: skip


def _fell(found: Shuffled) -> str:
    if found.mean != found.mean:
        return UNDEFINED
    return "yes" if found.fell else "no"
