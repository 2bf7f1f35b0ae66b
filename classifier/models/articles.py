"""Article-level signals, such as ``hyperpartisan``, from the signals of the article's sentences.

A logistic regression reads how much of the article carries each sentence-level signal: on average,
at its start, and where it carries most. Its features are probabilities, so that its weights can be
read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from framescope.classifier.models.base import Calibration
from framescope.classifier.models.citation_scorer import Regressions
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LEAD = 5  # sentences
_TOP_SHARE = 0.1  # of the sentences, those that carry a signal most
_PLACES = ("mean", "lead", "top")


def features(signals: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the features of sentence-level signals."""
    return (*(f"{place}: {signal}" for place in _PLACES for signal in signals), "log sentences")


def of_articles(
    proba: NDArray[np.float32], sentences: Sequence[Sentence]
) -> tuple[Floats, NDArray[np.intp]]:
    """Return the features of articles, and the row of each sentence's article there.

    `proba`, of shape (n_sentences, n_signals), are calibrated probabilities of sentence-level
    signals; the features have shape (n_articles, 3 * n_signals + 1).
    """
    names, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    order = np.argsort(article, kind="stable")
    edges = np.searchsorted(article[order], np.arange(len(names) + 1))
    rows = np.zeros((len(names), len(_PLACES) * proba.shape[1] + 1))
    for number in range(len(names)):
        own = proba[order[edges[number] : edges[number + 1]]].astype(np.float64)
        most = max(1, round(_TOP_SHARE * len(own)))
        top = np.sort(own, axis=0)[-most:]
        parts = own.mean(axis=0), own[:_LEAD].mean(axis=0), top.mean(axis=0)
        rows[number] = np.concatenate([*parts, [np.log(len(own))]])
    return rows, article


@dataclass(frozen=True)
class ArticleStage:
    """The fitted regressions."""

    signals: tuple[str, ...]  # of sentences, which they read
    outputs: Regressions  # an output per article-level signal
    # the calibration of the signals when the regressions were fitted, where the bundle was
    # calibrated again: articles keep their scores
    fitted_on: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        record = asdict(self)
        if not self.fitted_on:
            del record["fitted_on"]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ArticleStage:
        """Read what `to_record` wrote; raise `ValueError` where it is of other features."""
        signals = tuple(record["signals"])
        outputs = Regressions.from_record(record["outputs"], features(signals))
        fitted_on = {
            signal: (float(slope), float(intercept))
            for signal, (slope, intercept) in record.get("fitted_on", {}).items()
        }
        if not fitted_on.keys() <= set(signals):
            raise ValueError("the article stage was fitted on other signals")
        return cls(signals, outputs, fitted_on)

    def reads(self, calibration: Calibration) -> Calibration:
        """Return the calibration of what it reads: the bundle's, except for `fitted_on`."""
        if not self.fitted_on:
            return calibration
        return Calibration.from_record({**calibration.to_record(), **self.fitted_on})

    def log_odds(
        self,
        logits: NDArray[np.float32],
        proba: NDArray[np.float32],
        names: Sequence[str],
        sentences: Sequence[Sentence],
    ) -> NDArray[np.float32]:
        """Replace the logits of article-level signals by those of the articles.

        `logits` and `proba`, before and after calibration, have shape (n_sentences, n_signals); the
        signals are `names`.
        """
        if not len(sentences):
            return logits
        columns = [names.index(signal) for signal in self.signals]
        rows, article = of_articles(proba[:, columns], sentences)
        found = logits.copy()
        for output, values in self.outputs.log_odds(rows).items():
            found[:, names.index(output)] = values[article]
        return found
