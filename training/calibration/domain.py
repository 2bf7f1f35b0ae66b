"""Sum up what a model learned from, and how far is far: see `classifier.models.articles`."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from framescope.classifier.models import (
    FEWEST_SENTENCES,
    Model,
    TrainingDomain,
    vectors_of_articles,
)
from framescope.training.data import Examples
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

_AXES = 48
_CENTRES = 32
_NEW_CENTRES = 8  # of continued training
_LEVEL = 0.9  # of the right answers are in their set
_TOGETHER = 400  # articles that are read in one call
_EPSILON = 1e-6

Floats = NDArray[np.float32]


def fit_domain(
    model: Model, train: Examples, validation: Examples, proba: Floats, seed: int
) -> TrainingDomain | None:
    """Sum up what a model learned from; None where too few articles are long enough."""
    own, held = _vectors(model, train), _vectors(model, validation)
    if min(len(own), len(held)) <= _CENTRES:
        return None
    fitted = PCA(min(_AXES, *own.shape), random_state=seed).fit(own)
    spread = np.sqrt(np.maximum(fitted.explained_variance_, _EPSILON))
    axes = (fitted.components_ / spread[:, None]).T.astype(np.float32)
    mean = fitted.mean_.astype(np.float32)
    centres = _centres((own - mean) @ axes, _CENTRES, seed)
    nothing = np.zeros(0, np.float32)
    found = TrainingDomain(mean, axes, centres, nothing, *_limits(validation, proba))
    return replace(found, held_out=np.sort(found.raw(held)))


def extend_domain(
    known: TrainingDomain,
    signals: tuple[str, ...],
    model: Model,
    train: Examples,
    validation: Examples,
    proba: Floats,
) -> TrainingDomain:
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
    yes, no = _limits(validation, proba)
    for column, signal in enumerate(model.signals):
        if signal in signals:
            was = signals.index(signal)
            yes[column], no[column] = known.yes[was], known.no[was]
    return replace(wide, held_out=np.sort(distances), yes=yes, no=no)


def _centres(placed: NDArray[Any], count: int, seed: int) -> Floats:
    found = KMeans(count, n_init=4, random_state=seed).fit(placed)
    centres: Floats = found.cluster_centers_.astype(np.float32)
    return centres


def _vectors(model: Model, rows: Examples) -> Floats:
    """Return the vectors of the articles that have more than a few sentences."""
    starts = np.flatnonzero(np.r_[True, rows.article[1:] != rows.article[:-1]])
    found = [np.zeros((0, 1), np.float32)]
    for start, end in pairwise([*starts[::_TOGETHER].tolist(), len(rows)]):
        sentences = rows.sentences[start:end]
        vectors = model.predict(sentences).vectors
        if vectors is None:
            return found[0]
        means, counts = vectors_of_articles(vectors, sentences)
        found.append(means[np.array(counts) >= FEWEST_SENTENCES])
    return np.concatenate(found[1:]) if found[1:] else found[0]


def _limits(rows: Examples, proba: Floats) -> tuple[Floats, Floats]:
    """Fit the limits of both answers, each on the rows of which it is the right one."""
    width = proba.shape[1]
    yes, no = np.full(width, np.nan, np.float32), np.full(width, np.nan, np.float32)
    for column in range(width):
        labels = rows.labels[:, column]
        yes[column] = 1 - _limit(1 - proba[labels >= 0.5, column])
        no[column] = _limit(proba[labels < 0.5, column])
    return yes, no


def _limit(scores: Floats) -> float:
    """Return the score up to which nine in ten lie; NaN of too few."""
    rank = math.ceil((len(scores) + 1) * _LEVEL - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.nan
