"""What a model learned from, summed up, and how far is far: see `classifier.models.domain`."""

from __future__ import annotations

import math
from itertools import pairwise

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
_NEW_CENTRES = 8  # of what is learned after
_LEVEL = 0.9  # of the right answers are in their set
_TOGETHER = 400  # articles that are read in one call
_EPSILON = 1e-6

Floats = NDArray[np.float32]


def fit_domain(
    model: Model, train: Examples, validation: Examples, proba: Floats, seed: int
) -> TrainingDomain | None:
    """Sum up what a model learned from.

    Parameters
    ----------
    model : Model
    train, validation : Examples
    proba : ndarray of float32, shape (n_validation, n_signals)
        Calibrated.
    seed : int

    Returns
    -------
    TrainingDomain or None
        None where there are too few articles of more than a few sentences.
    """
    own, held = _vectors(model, train), _vectors(model, validation)
    if min(len(own), len(held)) <= _CENTRES:
        return None
    fitted = PCA(min(_AXES, *own.shape), random_state=seed).fit(own)
    spread = np.sqrt(np.maximum(fitted.explained_variance_, _EPSILON))
    axes = (fitted.components_ / spread[:, None]).T.astype(np.float32)
    mean = fitted.mean_.astype(np.float32)
    centres = KMeans(_CENTRES, n_init=4, random_state=seed).fit((own - mean) @ axes)
    yes, no = _limits(validation, proba)
    nothing = np.zeros(0, np.float32)
    found = TrainingDomain(
        mean, axes, centres.cluster_centers_.astype(np.float32), nothing, yes, no
    )
    return TrainingDomain(mean, axes, found.centres, np.sort(found.raw(held)), yes, no)


def extend_domain(
    known: TrainingDomain,
    signals: tuple[str, ...],
    model: Model,
    train: Examples,
    validation: Examples,
    proba: Floats,
) -> TrainingDomain:
    """Add to what a model learned from what it learned after.

    Directions and centres stay, and new articles get centres of their own: an outlet that was far
    is near once it was learned from. The limits of an answer stay too, but for new signals.

    Parameters
    ----------
    known : TrainingDomain
    signals : tuple of str
        Its columns.
    model : Model
        As it is now.
    train, validation : Examples
        What is new.
    proba : ndarray of float32, shape (n_validation, n_signals)
        Calibrated.
    """
    own, held = _vectors(model, train), _vectors(model, validation)
    centres = known.centres
    if len(own):
        placed = (own - known.mean) @ known.axes
        count = min(_NEW_CENTRES, len(placed))
        found = KMeans(count, n_init=4, random_state=0).fit(placed).cluster_centers_
        centres = np.concatenate([centres, found.astype(np.float32)])
    wide = TrainingDomain(known.mean, known.axes, centres, known.held_out, known.yes, known.no)
    distances = np.concatenate([known.held_out, wide.raw(held)]) if len(held) else known.held_out
    yes, no = _limits(validation, proba)
    for column, signal in enumerate(model.signals):
        if signal in signals:
            was = signals.index(signal)
            yes[column], no[column] = known.yes[was], known.no[was]
    return TrainingDomain(known.mean, known.axes, centres, np.sort(distances), yes, no)


def _vectors(model: Model, rows: Examples) -> Floats:
    """Give the vectors of the articles that have more than a few sentences."""
    starts = np.flatnonzero(np.r_[True, rows.article[1:] != rows.article[:-1]])
    edges = [*starts[::_TOGETHER].tolist(), len(rows)]
    found = []
    for start, end in pairwise(edges):
        sentences = rows.sentences[start:end]
        vectors = model.predict(sentences).vectors
        if vectors is None:
            return np.zeros((0, 1), np.float32)
        means, counts = vectors_of_articles(vectors, sentences)
        found.append(means[np.array(counts) >= FEWEST_SENTENCES])
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def _limits(rows: Examples, proba: Floats) -> tuple[Floats, Floats]:
    """Fit the limits of both answers, each on the rows of which it is the right one."""
    width = proba.shape[1]
    yes, no = np.full(width, np.nan, np.float32), np.full(width, np.nan, np.float32)
    for column in range(width):
        labels = rows.labels[:, column]
        right, wrong = proba[labels >= 0.5, column], proba[labels < 0.5, column]
        yes[column] = 1 - _limit(1 - right)
        no[column] = _limit(wrong)
    return yes, no


def _limit(scores: Floats) -> float:
    """Give the score up to which nine in ten lie; NaN where they are too few for one."""
    rank = math.ceil((len(scores) + 1) * _LEVEL - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.nan
