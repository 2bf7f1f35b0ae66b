"""Held-out rows and the scores that each bundle gives them; a row is scored once.

`Evaluation` holds the bundles and all rows, and keeps every score. A benchmark's rows are a
`Sample`; comparison, gate, slices, controls and errors are functions of samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import BundleError
from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.eval.rows.benchmarks import Benchmark
from framescope.training.data import TEST, UNSEEN, Examples, Text
from numpy.typing import ArrayLike, NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Single = NDArray[np.float32]
Numbers = NDArray[np.intp]

HELD_OUT: tuple[str, ...] = (TEST, UNSEEN)
"""The parts that no model was fitted, calibrated or thresholded on."""
_BLOCK = 2000  # sentences in one call, at least: keeps memory bounded and progress moving
_WARM_UP = 32  # sentences scored before the clock starts
Done = Callable[[Bundle, int], None]
"""Receives the bundle and how many more sentences it scored; 0 when it begins."""


def is_positive(labels: ArrayLike) -> Bools:
    """Return labels as yes or no: a graded label (a share of annotators) is a yes from one half."""
    positive: Bools = np.asarray(labels, np.float64) >= 0.5
    return positive


class Scores(NamedTuple):
    """One bundle's probabilities of a signal, shape (n,), and its threshold."""

    proba: Single
    threshold: float


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The labelled rows of one signal on one part of a corpus, and each bundle's scores.

    ``rows``: the whole articles they stand in, sentence by sentence. ``chosen`` of shape (n,):
    which of those are judged: every labelled sentence, or one of each article. ``scores``: of each
    bundle; None for one that doesn't give the signal.
    """

    rows: Examples
    chosen: Numbers
    part: str
    signal: str
    scores: tuple[Scores | None, ...]

    def __len__(self) -> int:
        return len(self.chosen)

    @property
    def truth(self) -> Bools:
        """Labels as yes or no, shape (n,)."""
        return is_positive(self.rows.column(self.signal)[self.chosen])

    @property
    def groups(self) -> Text:
        """Groups, which are resampled whole, shape (n,)."""
        return self.rows.group[self.chosen]

    @property
    def outlets(self) -> Text:
        """Outlets, shape (n,); empty where unknown."""
        return self.rows.outlet[self.chosen]

    def where(self, picked: Numbers) -> Sample:
        """Keep some of the judged rows, by their numbers."""
        scores = (s and Scores(s.proba[picked], s.threshold) for s in self.scores)
        return replace(self, chosen=self.chosen[picked], scores=tuple(scores))


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Whole articles of a corpus, sentence by sentence, and each bundle's scores.

    ``proba`` of shape (n, k): of each bundle, a column for each of its signals. ``seconds``: of
    each bundle for 1,000 sentences, after a warm-up; NaN where all rows had been scored before.
    """

    rows: Examples
    bundles: tuple[Bundle, ...]
    proba: tuple[Single, ...]
    seconds: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def sample(self, part: str, signal: str) -> Sample:
        """Return the labelled rows of a part; none where the corpus doesn't label the signal."""
        chosen = rows_of(self.rows, part, signal)
        corpus = str(self.rows.corpus[0]) if len(self.rows) else ""
        scores = (
            Scores(proba[chosen, bundle.signals.index(signal)], bundle.threshold(signal, corpus))
            if signal in bundle.signals
            else None
            for bundle, proba in zip(self.bundles, self.proba, strict=True)
        )
        return Sample(self.rows, chosen, part, signal, tuple(scores))


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Bundles and the rows they are judged by.

    ``examples``: all rows, of every part. Whole articles are scored, because models read a sentence
    with its neighbours; only rows of ``parts`` are counted. ``data``: identifies the examples.
    ``draws``, ``seed``: of the resampling; a figure's interval doesn't depend on which others are
    asked for. ``benchmarks``: those with rows here, once they are known.
    """

    bundles: tuple[Bundle, ...]
    examples: Examples
    data: str = "as given"
    parts: tuple[str, ...] = HELD_OUT
    draws: int = 0
    seed: int = 0
    benchmarks: tuple[Benchmark, ...] = ()
    _scored: dict[int, _Scored] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The bundles' names, with a letter where two have the same."""
        return told_apart([bundle.name for bundle in self.bundles])

    def numbers(self, corpus: str, parts: Sequence[str], signals: Sequence[str]) -> Numbers:
        """Return the numbers of the rows of articles with a row to judge, article by article.

        A row to judge is of one of these parts, with a label of one of these signals.
        """
        rows = self.examples
        columns = [rows.signals.index(signal) for signal in signals if signal in rows.signals]
        own = np.flatnonzero(rows.corpus == corpus)
        labelled = ~np.isnan(rows.labels[own][:, columns]).all(axis=1)
        wanted = own[np.isin(rows.part[own], parts) & labelled]
        kept = own[np.isin(rows.article[own], rows.article[wanted])]
        _, first, article = np.unique(rows.article[kept], return_index=True, return_inverse=True)
        index = np.array([rows.sentences[number].index for number in kept], np.intp)
        return kept[np.lexsort((index, first[article]))]

    def articles(
        self,
        corpus: str,
        parts: Sequence[str],
        signals: Sequence[str],
        done: Done = lambda bundle, n: None,
    ) -> ScoredRows:
        """Score the articles that `numbers` names; rows that were scored before aren't again.

        Raises `BundleError` when a model's scores are not probabilities.
        """
        numbers = self.numbers(corpus, parts, signals)
        kept = [
            self._scored.setdefault(place, _Scored(bundle, len(self.examples)))
            for place, bundle in enumerate(self.bundles)
        ]
        seconds = tuple(one.add(numbers, self.examples.sentences, done) for one in kept)
        proba = tuple(one.proba[numbers] for one in kept)
        return ScoredRows(self.examples.where(numbers), self.bundles, proba, seconds)


class _Scored:
    """The scores that one bundle gave to rows so far."""

    def __init__(self, bundle: Bundle, rows: int) -> None:
        self.bundle = bundle
        self.proba = np.full((rows, len(bundle.signals)), np.nan, np.float32)
        self.known = np.zeros(rows, np.bool_)

    def add(self, numbers: Numbers, sentences: Sequence[Sentence], done: Done) -> float:
        """Score the rows that were not scored yet; return the seconds for 1,000 of them."""
        missing = numbers[~self.known[numbers]]
        done(self.bundle, 0)
        if not len(missing):
            return float("nan")
        asked = [sentences[number] for number in missing]
        model, seconds, start = self.bundle.model, 0.0, 0
        if not self.known.any():
            # The first call allocates and compiles; a long batch doesn't pay for that again.
            model.predict_proba(asked[:_WARM_UP])
        for block in blocks(asked):
            began = time.perf_counter()
            proba = model.predict_proba(block)
            seconds += time.perf_counter() - began
            if not ((proba >= 0) & (proba <= 1)).all():
                name = self.bundle.name
                raise BundleError(f"{name}: gives scores that are not probabilities; retrain it")
            self.proba[missing[start : start + len(block)]] = proba
            start += len(block)
            done(self.bundle, len(block))
        self.known[missing] = True
        return 1000 * seconds / len(missing)


def told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Add a letter to names that occur more than once."""
    return tuple(
        name if names.count(name) == 1 else f"{name} ({letter})"
        for name, letter in zip(names, "abcdefghijklmnopqrstuvwxyz", strict=False)
    )


def rows_of(rows: Examples, part: str, signal: str) -> Numbers:
    """Return the numbers of a part's labelled rows: every sentence, or one of each article."""
    if signal not in rows.signals:
        return np.empty(0, np.intp)
    chosen = np.flatnonzero((rows.part == part) & ~np.isnan(rows.column(signal)))
    if BY_NAME[signal].level is Level.ARTICLE:
        _, first = np.unique(rows.article[chosen], return_index=True)
        chosen = chosen[np.sort(first)]
    return chosen


def blocks(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """Yield blocks of whole articles, each of at least `_BLOCK` sentences."""
    start = 0
    for end in range(1, len(sentences) + 1):
        if end == len(sentences) or (
            end - start >= _BLOCK and sentences[end].article_id != sentences[end - 1].article_id
        ):
            yield sentences[start:end]
            start = end
