"""How an article is told from its sentences (`classifier.models.articles`), fitted by outlet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from classifier.models import (
    ArticleStage,
    Regressions,
    article_features,
    features_of_articles,
)
from classifier.taxonomy import BY_NAME, Level
from classifier.values import Sentence
from training.data import Examples

Bools = NDArray[np.bool_]

_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of the inverse of the penalty, to choose from
_FOLDS = 8
_ORDINARY_WEIGHT = (
    0.3  # of an article that is taken for an ordinary one, beside one that was labelled
)


def fit_articles(model: _Calibrated, train: Examples, ordinary: Examples | None) -> ArticleStage:
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
    ArticleStage
        Of the article-level signals that such a corpus labels.
    """
    sentence_level = tuple(s for s in model.signals if BY_NAME[s].level is not Level.ARTICLE)
    weights: dict[str, tuple[float, ...]] = {}
    for signal in model.signals:
        if BY_NAME[signal].level is not Level.ARTICLE or signal not in train.signals:
            continue
        rows = train.where(_of_articles_alone(train, signal))
        labels = rows.column(signal)
        if not (labels >= 0.5).any() or not (labels < 0.5).any():
            continue
        samples = [_articles(model, rows, sentence_level)]
        positive = [labels[samples[0].first] >= 0.5]
        counted = [np.ones(len(samples[0].first))]
        if ordinary is not None:
            samples.append(_articles(model, ordinary, sentence_level))
            positive.append(np.zeros(len(samples[1].first), np.bool_))
            counted.append(np.full(len(samples[1].first), _ORDINARY_WEIGHT))
        weights[signal] = _logistic(
            np.concatenate([one.features for one in samples]),
            np.concatenate(positive),
            np.concatenate(counted),
            np.concatenate([one.outlet for one in samples]),
        )
    return ArticleStage(sentence_level, Regressions(article_features(sentence_level), weights))


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


def _logistic(
    features: NDArray[np.float64],
    positive: Bools,
    weights: NDArray[np.float64],
    outlets: NDArray[np.str_],
) -> tuple[float, ...]:
    """Fit a regression, held as firmly as is best for outlets left out; the intercept last."""
    names = np.unique(outlets)
    folds = GroupKFold(min(_FOLDS, len(names)))
    labelled = weights == 1.0

    def fitted(strength: float, rows: Bools) -> Pipeline:
        made = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        made.fit(features[rows], positive[rows], logisticregression__sample_weight=weights[rows])
        return made

    def left_out(strength: float) -> float:
        scores = np.zeros(len(features))
        for learned, kept in folds.split(features, positive, outlets):
            rows = np.zeros(len(features), np.bool_)
            rows[learned] = True
            scores[kept] = fitted(strength, rows).decision_function(features[kept])
        return float(average_precision_score(positive[labelled], scores[labelled]))

    best = max(_STRENGTHS, key=left_out)
    made = fitted(best, np.ones(len(features), np.bool_))
    scaler, line = made[0], made[1]
    slopes = line.coef_[0] / scaler.scale_
    intercept = float(line.intercept_[0] - slopes @ scaler.mean_)
    return (*(round(float(slope), 6) for slope in slopes), round(intercept, 6))
