"""The contract of every model, and how logits become probabilities."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from framescope.classifier.records import Citation, Sentence, Span
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model predicts for a sequence of sentences.

    ``evidence`` takes rows and signals, and returns for each pair the characters of the article's
    text that speak for the signal in the sentence, the strongest first.
    """

    proba: NDArray[np.float32]  # calibrated, shape (n_sentences, n_signals)
    logits: NDArray[np.float32]  # before calibration
    citations: tuple[tuple[Citation, ...], ...]  # of each sentence
    vectors: NDArray[np.float32] | None  # shape (n_sentences, d), for `models.domain`
    evidence: Callable[[Sequence[tuple[int, str]]], list[tuple[Span, ...]]]


@runtime_checkable
class Model(Protocol):
    """A fitted model."""

    signals: tuple[str, ...]  # the columns of its predictions, in taxonomy order
    runtime: str  # the library that computes them, and its version

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences: whole articles in order, as context and article signals need them."""
        ...

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Return the calibrated probabilities alone."""
        ...


@dataclass(frozen=True)
class Calibration:
    """Platt scaling, a line per signal (Platt, 1999).

    Fitted on held-out groups by ``training.calibration``; a bundle's manifest has it.
    """

    signals: tuple[str, ...]
    slope: NDArray[np.float32]  # shape (n_signals,)
    intercept: NDArray[np.float32]  # shape (n_signals,)

    @classmethod
    def identity(cls, signals: Sequence[str]) -> Calibration:
        """Return the calibration that leaves ``sigmoid(logit)`` as it is."""
        k = len(signals)
        return cls(tuple(signals), np.ones(k, np.float32), np.zeros(k, np.float32))

    @classmethod
    def from_record(cls, record: Mapping[str, Sequence[float]]) -> Calibration:
        """Read ``{signal: [slope, intercept]}``."""
        lines = np.asarray(list(record.values()), np.float32).reshape(-1, 2)
        return cls(tuple(record), lines[:, 0], lines[:, 1])

    def to_record(self) -> dict[str, list[float]]:
        """Return the inverse of `from_record`."""
        lines = zip(self.signals, self.slope, self.intercept, strict=True)
        return {s: [round(float(slope), 6), round(float(at), 6)] for s, slope, at in lines}

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities of logits, shape (n_sentences, n_signals)."""
        proba: NDArray[np.float32] = sigmoid(self.slope * logits + self.intercept)
        return proba.astype(np.float32)


def sigmoid(values: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities of log-odds; the tanh form never overflows."""
    found: NDArray[Any] = 0.5 * (1.0 + np.tanh(0.5 * values))
    return found


def pool_articles(
    logits: NDArray[np.float32], sentences: Sequence[Sentence], columns: Sequence[int]
) -> NDArray[np.float32]:
    """Replace the logits in some columns, of article-level signals, by the article's mean."""
    if not len(sentences) or not len(columns):
        return logits
    _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    pooled = logits.copy()
    size = np.bincount(article)
    for column in columns:
        mean = np.bincount(article, weights=logits[:, column]) / size
        pooled[:, column] = mean[article]
    return pooled


_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit how long the block may compute: `check_time` raises after that."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def check_time() -> None:
    """Raise `TimeoutError` after the time limit; models call it between two batches."""
    if time.monotonic() > _UNTIL.get():
        raise TimeoutError
