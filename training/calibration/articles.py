"""Fit how an article is told from its sentences (`classifier.models.articles`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from framescope.classifier.models import (
    ArticleStage,
    Model,
    Regressions,
    article_features,
    features_of_articles,
)
from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Level
from framescope.training.data import Examples
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of the inverse of the penalty, to choose from
_FOLDS = 8
_FALSE_FLAGS = 0.02  # of ordinary articles, at most


def fit_articles(
    model: Model, train: Examples, ordinary: Examples | None
) -> tuple[ArticleStage, dict[str, float]]:
    """Fit how articles are told from the signals of their sentences.

    On training articles of corpora that label articles and no sentence: of what their sentences
    carry, the model has learned nothing from them. `ordinary` are articles without labels that
    carry no such signal: wire copy, reports, service.

    Returns the stage, for the signals that ship and that such a corpus labels, and by signal the
    log-odds from which 2% of ordinary articles are flagged, their outlet left out.
    """
    of_sentences = tuple(s for s in model.signals if BY_NAME[s].level is not Level.ARTICLE)
    plain = None if ordinary is None else _articles(model, ordinary, of_sentences)
    weights: dict[str, tuple[float, ...]] = {}
    least: dict[str, float] = {}
    for signal in model.signals:
        # What a user means by an own signal need not follow from others.
        if signal in of_sentences or signal not in train.signals or signal not in SHIPPED:
            continue
        rows = train.where(_of_articles_alone(train, signal))
        labels = rows.column(signal)
        if (labels >= 0.5).any() and (labels < 0.5).any():
            labelled = _articles(model, rows, of_sentences)
            positive = labels[labelled.first] >= 0.5
            weights[signal], least[signal] = _fit(labelled, positive, plain)
    return ArticleStage(of_sentences, Regressions(article_features(of_sentences), weights)), least


class _Articles(NamedTuple):
    """Articles as the stage reads them: their features, first rows and outlets."""

    features: Floats
    first: NDArray[np.intp]
    outlet: NDArray[np.str_]


def _articles(model: Model, rows: Examples, signals: Sequence[str]) -> _Articles:
    proba = model.predict(rows.sentences).proba
    columns = [model.signals.index(signal) for signal in signals]
    found, article = features_of_articles(proba[:, columns], rows.sentences)
    _, first = np.unique(article, return_index=True)
    return _Articles(found, first, rows.outlet[first])


def _of_articles_alone(train: Examples, signal: str) -> Bools:
    """Mark the rows of corpora that label a signal of articles, and none of sentences."""
    others = [k for k, s in enumerate(train.signals) if BY_NAME[s].level is not Level.ARTICLE]
    labelled = {str(c) for c in train.corpus[~np.isnan(train.labels[:, others]).all(axis=1)]}
    known = ~np.isnan(train.column(signal))
    marks: Bools = known & ~np.isin(train.corpus, sorted(labelled))
    return marks


def _fit(
    labelled: _Articles, positive: Bools, plain: _Articles | None
) -> tuple[tuple[float, ...], float]:
    """Return the weights of one regression, and the log-odds that few ordinary articles reach."""
    parts = [labelled] if plain is None else [labelled, plain]
    x, outlets = (np.concatenate([getattr(p, n) for p in parts]) for n in ("features", "outlet"))
    y = np.concatenate([positive, np.zeros(len(x) - len(positive), np.bool_)])
    known = np.arange(len(y)) < len(positive)

    def regression(strength: float, rows: NDArray[np.intp] | slice) -> Pipeline:
        made = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=5000))
        return made.fit(x[rows], y[rows])

    def left_out(strength: float) -> Floats:
        """Return the log-odds of each article by regressions that saw nothing of its outlet."""
        scores = np.zeros(len(x))
        folds = GroupKFold(min(_FOLDS, len(np.unique(outlets))))
        for learned, kept in folds.split(x, y, outlets):
            scores[kept] = regression(strength, learned).decision_function(x[kept])
        return scores

    scores = {strength: left_out(strength) for strength in _STRENGTHS}
    best = max(scores, key=lambda one: float(average_precision_score(positive, scores[one][known])))
    ordinary = scores[best][~known]
    least = float(np.quantile(ordinary, 1 - _FALSE_FLAGS)) if len(ordinary) else -np.inf
    # A weight per feature as it is, unscaled, and the intercept.
    scaler, line = regression(best, slice(None)).named_steps.values()
    slopes = line.coef_[0] / scaler.scale_
    intercept = float(line.intercept_[0] - slopes @ scaler.mean_)
    return (*(round(float(slope), 6) for slope in slopes), round(intercept, 6)), least
