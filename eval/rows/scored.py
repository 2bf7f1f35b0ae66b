"""A bundle's probabilities for held-out rows, and the rows of a part that are judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.errors import BundleError
from classifier.taxonomy import BY_NAME, Level
from classifier.values import Sentence
from training.data import Examples

_BLOCK = 2000  # sentences in one call, at least: keeps memory bounded and progress moving
_WARM_UP = 32  # sentences scored before the clock starts


@dataclass(frozen=True, slots=True)
class Scored:
    """One model's probabilities for the rows of a corpus.

    Attributes
    ----------
    signals : tuple of str
    thresholds : mapping of str to float
    proba : ndarray of float32, shape (n, k)
    """

    signals: tuple[str, ...]
    thresholds: Mapping[str, float]
    proba: NDArray[np.float32]

    def column(self, signal: str) -> NDArray[np.float32] | None:
        """Give the probabilities of one signal, shape (n,); None for one the bundle lacks."""
        if signal not in self.signals:
            return None
        return self.proba[:, self.signals.index(signal)]


def articles_of(
    examples: Examples, corpus: str, parts: Sequence[str], signals: Sequence[str]
) -> Examples:
    """Keep the whole articles of a corpus that have a row to judge, article by article."""
    columns = [examples.signals.index(s) for s in signals if s in examples.signals]
    labelled = ~np.isnan(examples.labels[:, columns]).all(axis=1)
    judged = (examples.corpus == corpus) & np.isin(examples.part, parts) & labelled
    kept = (examples.corpus == corpus) & np.isin(examples.article, examples.article[judged])
    chosen = examples.where(kept)
    _, first, article = np.unique(chosen.article, return_index=True, return_inverse=True)
    index = np.array([sentence.index for sentence in chosen.sentences], np.intp)
    return chosen.where(np.lexsort((index, first[article])))


def rows_of(rows: Examples, part: str, signal: str) -> NDArray[np.intp]:
    """Find the labelled rows of a part: every sentence, or one of each article."""
    if signal not in rows.signals:
        return np.empty(0, np.intp)
    chosen = np.flatnonzero((rows.part == part) & ~np.isnan(rows.column(signal)))
    if BY_NAME[signal].level is Level.ARTICLE:
        _, first = np.unique(rows.article[chosen], return_index=True)
        chosen = chosen[np.sort(first)]
    return chosen


def score(
    bundle: Bundle, sentences: Sequence[Sentence], done: Callable[[int], None]
) -> tuple[Scored, float]:
    """Score all sentences.

    Returns
    -------
    Scored
    float
        Wall-clock seconds for 1,000 sentences, after a warm-up.

    Raises
    ------
    BundleError
        When the scores are no probabilities.
    """
    # The first call allocates and compiles; a long batch doesn't pay for that again.
    bundle.model.predict_proba(sentences[:_WARM_UP])
    parts, seconds = [], 0.0
    for block in _blocks(sentences):
        start = time.perf_counter()
        parts.append(bundle.model.predict_proba(block))
        seconds += time.perf_counter() - start
        done(len(block))
    proba = np.concatenate(parts)
    if not ((proba >= 0) & (proba <= 1)).all():
        raise BundleError(f"{bundle.name}: gives scores that are no probabilities; retrain it")
    scored = Scored(bundle.signals, bundle.thresholds, proba)
    return scored, 1000 * seconds / len(sentences)


def _blocks(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """Whole articles, together at least `_BLOCK` sentences."""
    start = 0
    for end in range(1, len(sentences) + 1):
        last = end == len(sentences)
        if last or (
            end - start >= _BLOCK and sentences[end].article_id != sentences[end - 1].article_id
        ):
            yield sentences[start:end]
            start = end
