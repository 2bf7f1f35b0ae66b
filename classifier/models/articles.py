"""From sentences to their article: what its framing and its sourcing say of it as a whole.

An article-level signal such as ``hyperpartisan`` is seldom in one sentence. A logistic regression
reads how much of the article carries each signal of sentences: on average, at its start, and where
it carries most. Its features are probabilities between 0 and 1, so that what each weighs can be
read off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.fusion import Regressions
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAD = 5
"""Sentences that an article starts with."""
TOP_SHARE = 0.1
"""Of an article's sentences, those that carry a signal most."""

_PLACES = ("mean", "lead", "top")


def features(signals: Sequence[str]) -> tuple[str, ...]:
    """Name the features of some sentence-level signals: each by its place, then the length."""
    return (*(f"{place}: {signal}" for place in _PLACES for signal in signals), "log sentences")


def of_articles(
    proba: NDArray[np.float32], sentences: Sequence[Sentence]
) -> tuple[Floats, NDArray[np.intp]]:
    """Lay out the features of articles.

    Parameters
    ----------
    proba : ndarray of float32, shape (n_sentences, n_signals)
        Calibrated probabilities of sentence-level signals.
    sentences : sequence of Sentence
        In order; those with one ``article_id`` are one article.

    Returns
    -------
    features : ndarray of float64, shape (n_articles, 3 * n_signals + 1)
    article : ndarray of int, shape (n_sentences,)
        The row there of each sentence.
    """
    names, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    order = np.argsort(article, kind="stable")
    edges = np.searchsorted(article[order], np.arange(len(names) + 1))
    rows = np.zeros((len(names), len(_PLACES) * proba.shape[1] + 1))
    for number in range(len(names)):
        own = proba[order[edges[number] : edges[number + 1]]].astype(np.float64)
        most = max(1, round(TOP_SHARE * len(own)))
        top = np.sort(own, axis=0)[-most:]
        parts = own.mean(axis=0), own[:LEAD].mean(axis=0), top.mean(axis=0)
        rows[number] = np.concatenate([*parts, [np.log(len(own))]])
    return rows, article


@dataclass(frozen=True)
class ArticleStage:
    """The fitted regressions: an output an article-level signal, by sentence-level `signals`.

    Attributes
    ----------
    signals : tuple of str
    outputs : Regressions
    fitted_on : mapping of str to (float, float)
        The calibration of what it reads, where that isn't the bundle's: it was fitted on those
        chances, and a bundle that is calibrated anew says the same of articles as before.
    """

    signals: tuple[str, ...]
    outputs: Regressions
    fitted_on: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Write it as JSON holds it."""
        record = asdict(self)
        if not self.fitted_on:
            del record["fitted_on"]
        return record

    def reads(self, calibration: Calibration) -> Calibration:
        """Give the calibration of the chances that it reads: the bundle's, but for `fitted_on`."""
        if not self.fitted_on:
            return calibration
        return Calibration.from_record({**calibration.to_record(), **self.fitted_on})

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ArticleStage:
        """Read what `to_record` wrote; raises `ValueError` where it is of other features."""
        signals = tuple(record["signals"])
        expected = features(signals)
        lines = {
            output: tuple(map(float, line)) for output, line in record["outputs"]["weights"].items()
        }
        if tuple(record["outputs"]["features"]) != expected or any(
            len(line) != len(expected) + 1 for line in lines.values()
        ):
            raise ValueError("the article stage is of other features")
        fitted_on = {
            signal: (float(slope), float(intercept))
            for signal, (slope, intercept) in record.get("fitted_on", {}).items()
        }
        if not fitted_on.keys() <= set(signals):
            raise ValueError("the article stage was fitted on other signals")
        return cls(signals, Regressions(expected, lines), fitted_on)

    def log_odds(
        self,
        logits: NDArray[np.float32],
        proba: NDArray[np.float32],
        names: Sequence[str],
        sentences: Sequence[Sentence],
    ) -> NDArray[np.float32]:
        """Put the log-odds of articles in the place of their sentences' own, in their columns.

        Parameters
        ----------
        logits, proba : ndarray of float32, shape (n_sentences, n_signals)
            Before and after calibration, by signals of these `names`.
        """
        if not len(sentences):
            return logits
        columns = [names.index(signal) for signal in self.signals]
        rows, article = of_articles(proba[:, columns], sentences)
        found = logits.copy()
        for output, values in self.outputs.log_odds(rows).items():
            found[:, names.index(output)] = values[article]
        return found
