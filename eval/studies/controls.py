"""Controls: what a benchmark gives to a model that hasn't read the text, or reads something else.

A predictor that knows only the outlet or the length, one that always says yes, and labels that are
shuffled say what a figure is worth. Within one outlet its name can't help, and an outlet that can
be told from a model's scores is in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.taxonomy import BY_NAME, Level
from eval.figures import Floats, is_positive
from eval.rows import Benchmark, Judged, Scored, articles_of, rows_of
from eval.studies.blind import (
    Shuffled,
    Single,
    best_threshold,
    figure,
    length_scores,
    outlet_rates,
    shuffled,
)
from eval.studies.outlet_checks import Probe, Within, probe, within
from eval.studies.topics import wholes
from training.data import TRAIN, Examples


@dataclass(frozen=True, slots=True)
class Control:
    """A predictor without the text, and both bundles on the rows it can say anything of.

    Attributes
    ----------
    name : str
    n : int
        Rows; 0 where it can say nothing.
    value, a, b : float
        The benchmark's figure; NaN where undefined.
    """

    name: str
    n: int
    value: float
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Checked:
    """One benchmark.

    Attributes
    ----------
    benchmark : Benchmark
    n, positives : int
    a, b : float
        Both bundles' figures; NaN where undefined, or the bundle lacks the signal.
    controls : tuple of Control
    shuffled_a, shuffled_b : Shuffled
    within : Within
    """

    benchmark: Benchmark
    n: int
    positives: int
    a: float
    b: float
    controls: tuple[Control, ...]
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
    judged: Judged, benchmarks: Sequence[Benchmark], *, seed: int = 0
) -> Iterator[tuple[list[Checked], list[Probed]]]:
    """Check the benchmarks that the examples have, corpus by corpus.

    Parameters
    ----------
    judged : Judged
    benchmarks : sequence of Benchmark
    seed : int
        Of the permutations and of the probe's rows and folds.
    """
    examples = judged.examples
    for corpus in dict.fromkeys(one.corpus for one in benchmarks):
        here = [one for one in benchmarks if one.corpus == corpus]
        parts = tuple(dict.fromkeys(one.part for one in here))
        rows = articles_of(examples, corpus, parts, [one.signal for one in here])
        if not len(rows):
            continue
        train = examples.where((examples.corpus == corpus) & (examples.part == TRAIN))
        a, b = judged.score(rows)
        checked = [
            check(one, rows, train, a, b, seed=seed)
            for one in here
            if len(rows_of(rows, one.part, one.signal))
        ]
        probed = []
        for part in parts:
            chosen = np.flatnonzero(rows.part == part)
            if not len(chosen):
                continue
            of_part = rows.where(chosen)
            found = [
                probe(scored.proba[chosen], of_part.outlet, wholes(of_part), seed=seed)
                for scored in (a, b)
            ]
            probed.append(Probed(corpus, part, *found))
        yield checked, probed


def check(
    benchmark: Benchmark, rows: Examples, train: Examples, a: Scored, b: Scored, *, seed: int = 0
) -> Checked:
    """Check one benchmark.

    Parameters
    ----------
    benchmark : Benchmark
    rows : Examples
        Whole articles of its corpus, as they were scored.
    train : Examples
        The training part of the corpus: what the predictors without text are fitted on.
    a, b : Scored
    seed : int
    """
    signal, metric = benchmark.signal, benchmark.metric
    chosen = rows_of(rows, benchmark.part, signal)
    truth = is_positive(rows.column(signal)[chosen])
    outlets = rows.outlet[chosen]
    given = [_given(scored, signal, chosen) for scored in (a, b)]

    def beside(name: str, proba: Single, threshold: float) -> Control:
        known = ~np.isnan(proba)
        if not known.any():
            return Control(name, 0, math.nan, math.nan, math.nan)
        own = figure(metric, truth[known], proba[known], threshold)
        a_and_b = [figure(metric, truth[known], p[known], t) for p, t in given]
        return Control(name, int(known.sum()), own, a_and_b[0], a_and_b[1])

    learned = rows_of(train, TRAIN, signal)
    taught = is_positive(train.column(signal)[learned]) if len(learned) else np.zeros(0, np.bool_)
    rates = outlet_rates(train.outlet[learned], taught, outlets)
    own_rates = outlet_rates(train.outlet[learned], taught, train.outlet[learned])
    by_length = length_scores(
        _lengths(train, learned, signal), taught, _lengths(rows, chosen, signal)
    )
    own_length = length_scores(
        _lengths(train, learned, signal), taught, _lengths(train, learned, signal)
    )
    controls = (
        beside("always yes", np.ones(len(chosen), np.float32), 0.5),
        beside("outlet name only", rates, best_threshold(metric, taught, own_rates)),
        beside("length only", by_length, best_threshold(metric, taught, own_length)),
    )
    figures = [figure(metric, truth, *one) for one in given]
    shuffles = [shuffled(metric, truth, *one, seed=seed) for one in given]
    return Checked(
        benchmark,
        len(chosen),
        int(truth.sum()),
        figures[0],
        figures[1],
        controls,
        shuffles[0],
        shuffles[1],
        within(truth, given[0][0], given[1][0], outlets),
    )


def _given(scored: Scored, signal: str, chosen: NDArray[np.intp]) -> tuple[Single, float]:
    column = scored.column(signal)
    if column is None:
        return np.full(len(chosen), math.nan, np.float32), math.nan
    return column[chosen], scored.thresholds[signal]


def _lengths(rows: Examples, chosen: NDArray[np.intp], signal: str) -> Floats:
    """Characters of each sentence, or of the whole article for an article-level signal."""
    lengths: Floats = np.array([len(sentence.text) for sentence in rows.sentences], np.float64)
    if BY_NAME[signal].level is Level.ARTICLE:
        _, article = np.unique(rows.article, return_inverse=True)
        lengths = np.bincount(article, weights=lengths).astype(np.float64)[article]
    picked: Floats = lengths[chosen]
    return picked
