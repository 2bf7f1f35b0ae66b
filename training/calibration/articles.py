"""How an article is told from its sentences (`classifier.models.articles`), fitted by outlet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from framescope.classifier.models import (
    ArticleStage,
    Regressions,
    article_features,
    features_of_articles,
)
from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Level
from framescope.training.data import Examples
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Bools = NDArray[np.bool_]

_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of the inverse of the penalty, to choose from
_FOLDS = 8
_FALSE_FLAGS = 0.02
"""Of ordinary articles, at most this share is flagged."""


def fit_articles(
    model: _Calibrated, train: Examples, ordinary: Examples | None
) -> tuple[ArticleStage, dict[str, float]]:
    """Fit how articles are told from the signals of their sentences.

    On training articles of corpora that label articles and no sentence: of what their sentences
    carry, the model has learned nothing from them.

    Parameters
    ----------
    model : Model
        Calibrated.
    train : Examples
    ordinary : Examples or None
        Articles without labels that carry no article-level signal: wire copy, reports, service.

    Returns
    -------
    stage : ArticleStage
        Of the article-level signals that ship and that such a corpus labels; of a desk's own,
        which ordinary articles may well carry, the mean of what sentences say stands.
    least : dict of str to float
        The log-odds from which 2% of ordinary articles are flagged, when the outlet is left out;
        without any, minus infinity.
    """
    sentence_level = tuple(s for s in model.signals if BY_NAME[s].level is not Level.ARTICLE)
    plain = None if ordinary is None else _articles(model, ordinary, sentence_level)
    weights: dict[str, tuple[float, ...]] = {}
    least: dict[str, float] = {}
    for signal in model.signals:
        if BY_NAME[signal].level is not Level.ARTICLE or signal not in train.signals:
            continue
        if signal not in SHIPPED:  # what a desk means by its own need not follow from others
            continue
        rows = train.where(_of_articles_alone(train, signal))
        labels = rows.column(signal)
        if (labels >= 0.5).any() and (labels < 0.5).any():
            labelled = _articles(model, rows, sentence_level)
            positive = labels[labelled.first] >= 0.5
            weights[signal], least[signal] = _fitted(labelled, positive, plain)
    stage = ArticleStage(sentence_level, Regressions(article_features(sentence_level), weights))
    return stage, least


def _fitted(
    labelled: _Articles, positive: Bools, plain: _Articles | None
) -> tuple[tuple[float, ...], float]:
    """Fit one regression, and the log-odds that few ordinary articles reach."""
    parts = [labelled, *([] if plain is None else [plain])]
    task = _Task(
        np.concatenate([one.features for one in parts]),
        np.concatenate([positive, np.zeros(sum(len(one.first) for one in parts[1:]), np.bool_)]),
        np.concatenate([one.outlet for one in parts]),
    )
    known = np.arange(len(task.positive)) < len(positive)
    left_out = {strength: task.left_out(strength) for strength in _STRENGTHS}
    best = max(
        _STRENGTHS,
        key=lambda one: float(average_precision_score(positive, left_out[one][known])),
    )
    ordinary = left_out[best][~known]
    least = float(np.quantile(ordinary, 1 - _FALSE_FLAGS)) if len(ordinary) else -np.inf
    return task.weights(best), least


class _Calibrated(Protocol):
    """What gives calibrated probabilities."""

    signals: tuple[str, ...]

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class _Articles:
    """Articles as the stage reads them: their features, first rows and outlets."""

    features: NDArray[np.float64]
    first: NDArray[np.intp]
    outlet: NDArray[np.str_]


def _of_articles_alone(train: Examples, signal: str) -> Bools:
    """Mark the rows of corpora that label a signal of articles, and none of sentences."""
    others = [k for k, s in enumerate(train.signals) if BY_NAME[s].level is not Level.ARTICLE]
    labelled = {str(c) for c in train.corpus[~np.isnan(train.labels[:, others]).all(axis=1)]}
    known = ~np.isnan(train.column(signal))
    marks: Bools = known & ~np.isin(train.corpus, sorted(labelled))
    return marks


def _articles(model: _Calibrated, rows: Examples, signals: Sequence[str]) -> _Articles:
    proba = model.predict_proba(rows.sentences)
    columns = [model.signals.index(signal) for signal in signals]
    found, article = features_of_articles(proba[:, columns], rows.sentences)
    _, first = np.unique(article, return_index=True)
    return _Articles(found, first, rows.outlet[first])


@dataclass(frozen=True)
class _Task:
    """Articles to learn from: features, shape (n, k), which are positive, and their outlets."""

    features: NDArray[np.float64]
    positive: Bools
    outlets: NDArray[np.str_]

    def fitted(self, strength: float, rows: NDArray[np.intp] | slice) -> Pipeline:
        """Fit a regression on some rows, held by a penalty."""
        made = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        return made.fit(self.features[rows], self.positive[rows])

    def left_out(self, strength: float) -> NDArray[np.float64]:
        """Give the log-odds of each article by regressions that saw nothing of its outlet."""
        scores = np.zeros(len(self.features))
        folds = GroupKFold(min(_FOLDS, len(np.unique(self.outlets))))
        for learned, kept in folds.split(self.features, self.positive, self.outlets):
            scores[kept] = self.fitted(strength, learned).decision_function(self.features[kept])
        return scores

    def weights(self, strength: float) -> tuple[float, ...]:
        """Fit on all rows; a weight a feature as it is, unscaled, and the intercept."""
        scaler, line = self.fitted(strength, slice(None)).named_steps.values()
        slopes = line.coef_[0] / scaler.scale_
        intercept = float(line.intercept_[0] - slopes @ scaler.mean_)
        return (*(round(float(slope), 6) for slope in slopes), round(intercept, 6))
