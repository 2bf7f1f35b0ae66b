"""Fit how an article is told from its sentences, and what a model learned from.

Both are read by `classifier.models.stages`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import models
from framescope.classifier.taxonomy import BY_NAME, SHIPPED, Level
from framescope.training.data import Examples
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Bools = NDArray[np.bool_]
Single = NDArray[np.float32]
Double = NDArray[np.float64]

_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # of the inverse of the penalty, to choose from
_FOLDS = 8
_FALSE_FLAGS = 0.02  # of ordinary articles, at most
_AXES = 48
_CENTRES = 32
_NEW_CENTRES = 8  # of continued training
_LEVEL = 0.9  # of the right answers are in their set
_TOGETHER = 400  # articles that are read in one call
_DRAWN = 500  # long articles of a language, at most, that its centres are fitted to
_EPSILON = 1e-6


def fit_articles(
    model: models.Model, train: Examples, ordinary: Examples | None
) -> tuple[models.ArticleStage, dict[str, float]]:
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
    regressions = models.Regressions(models.article_features(of_sentences), weights)
    return models.ArticleStage(of_sentences, regressions), least


class _Articles(NamedTuple):
    """Articles as the stage reads them: their features, first rows and outlets."""

    features: Double
    first: NDArray[np.intp]
    outlet: NDArray[np.str_]


def _articles(model: models.Model, rows: Examples, signals: Sequence[str]) -> _Articles:
    proba = model.predict(rows.sentences).proba
    columns = [model.signals.index(signal) for signal in signals]
    found, article = models.features_of_articles(proba[:, columns], rows.sentences)
    _, first = np.unique(article, return_index=True)
    return _Articles(found, first, rows.outlet[first])


def _of_articles_alone(train: Examples, signal: str) -> Bools:
    """Mark the rows of corpora that label a signal of articles, and none of sentences."""
    others = [k for k, s in enumerate(train.signals) if BY_NAME[s].level is not Level.ARTICLE]
    labelled = {str(c) for c in train.corpus[~np.isnan(train.labels[:, others]).all(axis=1)]}
    known = ~np.isnan(train.column(signal))
    return known & ~np.isin(train.corpus, sorted(labelled))


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

    def left_out(strength: float) -> Double:
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


def fit_domain(
    model: models.Model,
    train: Examples,
    validation: Examples,
    calibration: models.Calibration,
    seed: int,
) -> models.TrainingDomain | None:
    """Sum up what a model learned from; None where too few articles are long enough.

    Each language has centres of its own, so that a frequent one doesn't take them all.
    """
    spoken = dict.fromkeys(train.lang.tolist())
    vectors = (_vectors(model, _drawn(train.where(train.lang == one), seed)) for one in spoken)
    by_language = [one for one in vectors if len(one)]
    prediction = model.predict(validation.sentences)
    held = _of_long(prediction.vectors, validation)
    if min(sum(map(len, by_language)), len(held)) <= _CENTRES:
        return None
    own = np.concatenate(by_language)
    fitted = PCA(min(_AXES, *own.shape), random_state=seed).fit(own)
    spread = np.sqrt(np.maximum(fitted.explained_variance_, _EPSILON))
    axes = (fitted.components_ / spread[:, None]).T.astype(np.float32)
    mean = fitted.mean_.astype(np.float32)
    counts = [len(one) if len(by_language) == 1 else len(one) // 4 + 1 for one in by_language]
    pairs = zip(by_language, counts, strict=True)
    centres = [_centres((one - mean) @ axes, min(_CENTRES, count), seed) for one, count in pairs]
    nothing = np.zeros(0, np.float32)
    limits = answer_limits(validation.labels, calibration.apply(prediction.logits))
    found = models.TrainingDomain(mean, axes, np.concatenate(centres), nothing, *limits)
    return replace(found, held_out=np.sort(found.raw(held)))


def extend_domain(
    known: models.TrainingDomain,
    signals: tuple[str, ...],
    model: models.Model,
    train: Examples,
    validation: Examples,
    proba: Single,
) -> models.TrainingDomain:
    """Add the articles of a continued training to what a model learned from.

    Directions and centres stay, and new articles get centres of their own. The limits of an answer
    stay too, but for signals other than `signals`, which are the columns of `known`.
    """
    own, held = _vectors(model, train), _vectors(model, validation)
    wide = known
    if len(own):
        placed = (own - known.mean) @ known.axes
        new = _centres(placed, min(_NEW_CENTRES, len(placed)), seed=0)
        wide = replace(known, centres=np.concatenate([known.centres, new]))
    distances = np.concatenate([known.held_out, wide.raw(held)]) if len(held) else known.held_out
    yes, no = answer_limits(validation.labels, proba)
    for column, signal in enumerate(model.signals):
        if signal in signals:
            was = signals.index(signal)
            yes[column], no[column] = known.yes[was], known.no[was]
    return replace(wide, held_out=np.sort(distances), yes=yes, no=no)


def _drawn(rows: Examples, seed: int) -> Examples:
    """Draw articles of enough sentences; few of many thousands say where all of them lie."""
    names, counts = np.unique(rows.article, return_counts=True)
    long = np.random.default_rng(seed).permutation(names[counts >= models.FEWEST_SENTENCES])
    return rows.where(np.isin(rows.article, long[:_DRAWN]))


def _centres(placed: NDArray[Any], count: int, seed: int) -> Single:
    found = KMeans(count, n_init=4, random_state=seed).fit(placed)
    return np.asarray(found.cluster_centers_, np.float32)


def _vectors(model: models.Model, rows: Examples) -> Single:
    """Return the vectors of the articles that have more than a few sentences."""
    parts = rows.in_parts(_TOGETHER)
    found = [_of_long(model.predict(part.sentences).vectors, part) for part in parts]
    return np.concatenate(found) if found else _of_long(None, rows)


def _of_long(vectors: Single | None, rows: Examples) -> Single:
    if vectors is None or not len(rows):
        return np.zeros((0, 1), np.float32)
    means, counts = models.vectors_of_articles(vectors, rows.sentences)
    return np.asarray(means[np.array(counts) >= models.FEWEST_SENTENCES])


def answer_limits(labels: Single, proba: Single) -> tuple[Single, Single]:
    """Fit the limits of both answers, each on the rows of which it is the right one."""
    columns = [*zip(labels.T, proba.T, strict=True)]
    yes = [1 - _limit(1 - scores[answer >= 0.5]) for answer, scores in columns]
    no = [_limit(scores[answer < 0.5]) for answer, scores in columns]
    return np.array(yes, np.float32), np.array(no, np.float32)


def _limit(scores: Single) -> float:
    """Return the score up to which nine in ten lie; NaN of too few."""
    rank = math.ceil((len(scores) + 1) * _LEVEL - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.nan
