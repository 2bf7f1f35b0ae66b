"""What every model keeps to: its contract, and how its logits become probabilities."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from framescope.classifier.records import Citation, Sentence, Span
from numpy.typing import NDArray


@runtime_checkable
class Prediction(Protocol):
    """What a model found in a sequence of sentences.

    Attributes
    ----------
    proba : ndarray of float32, shape (n_sentences, n_signals)
        Calibrated probabilities, columns in taxonomy order. The column of an article-level signal
        holds the article's value on each of its sentences.
    citations : tuple of tuple of Citation
        Who is cited in each sentence.
    vectors : ndarray of float32, shape (n_sentences, d), or None
        Where each sentence lies, for `classifier.models.domain`; None of a model that can't say.
    """

    @property
    def proba(self) -> NDArray[np.float32]: ...  # noqa: D102 - above

    @property
    def citations(self) -> tuple[tuple[Citation, ...], ...]: ...  # noqa: D102 - above

    @property
    def vectors(self) -> NDArray[np.float32] | None: ...  # noqa: D102 - above

    def evidence(self, wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
        """Give the characters that speak for signals, of all sentences in one call.

        Parameters
        ----------
        wanted : sequence of (int, str)
            Rows and signals: why is this signal in that sentence?

        Returns
        -------
        list of tuple of Span
            For each of ``wanted`` the strongest first; empty where the model can't point at any.
            Offsets refer to the article's text.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A fitted model.

    Attributes
    ----------
    signals : tuple of str
        The columns of its predictions, in taxonomy order.
    runtime : str
        The library that computes them, and its version.
    """

    @property
    def signals(self) -> tuple[str, ...]: ...  # noqa: D102 - above

    @property
    def runtime(self) -> str: ...  # noqa: D102 - above

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; whole articles in order, where context and article signals matter."""
        ...

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities alone, shape (n_sentences, n_signals); (0, k) when empty."""
        ...


@dataclass(frozen=True)
class Calibration:
    """Platt scaling, a line a signal (Platt, 1999).

    Fitted on held-out groups by ``training.calibration``; a bundle's manifest carries it.
    """

    signals: tuple[str, ...]  # the columns, in taxonomy order
    # slope and intercept: shape (n_signals,)
    slope: NDArray[np.float32]
    intercept: NDArray[np.float32]

    @classmethod
    def identity(cls, signals: Sequence[str]) -> Calibration:
        """The calibration that leaves ``sigmoid(logit)`` as it is."""
        k = len(signals)
        return cls(tuple(signals), np.ones(k, np.float32), np.zeros(k, np.float32))

    @classmethod
    def from_record(cls, record: Mapping[str, Sequence[float]]) -> Calibration:
        """Read ``{signal: [slope, intercept]}``, as a manifest holds it."""
        lines = np.asarray(list(record.values()), np.float32).reshape(-1, 2)
        return cls(tuple(record), lines[:, 0], lines[:, 1])

    def to_record(self) -> dict[str, list[float]]:
        """The inverse of `from_record`."""
        lines = zip(self.slope, self.intercept, strict=True)
        return {
            signal: [round(float(slope), 6), round(float(intercept), 6)]
            for signal, (slope, intercept) in zip(self.signals, lines, strict=True)
        }

    def apply(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities for logits, both of shape (n_sentences, n_signals)."""
        scaled = self.slope * logits + self.intercept
        # The tanh form of the sigmoid never overflows.
        proba: NDArray[np.float32] = (0.5 * (1.0 + np.tanh(0.5 * scaled))).astype(np.float32)
        return proba


def pool_articles(
    logits: NDArray[np.float32], sentences: Sequence[Sentence], columns: Sequence[int]
) -> NDArray[np.float32]:
    """Give every sentence of an article the mean logit of that article, in some columns.

    Article-level signals are read off each sentence and averaged, so that an article counts as a
    whole however it was cut into passages.

    Parameters
    ----------
    logits : ndarray of float32, shape (n_sentences, n_signals)
    sentences : sequence of Sentence
        The rows; sentences with one ``article_id`` are one article.
    columns : sequence of int
        The columns of article-level signals.
    """
    if not len(sentences) or not len(columns):
        return logits
    _, article = np.unique([s.article_id for s in sentences], return_inverse=True)
    pooled = logits.copy()
    size = np.bincount(article)
    for column in columns:
        mean = np.bincount(article, weights=logits[:, column]) / size
        pooled[:, column] = mean[article]
    return pooled


# --- how long it may take -------------------------------------------------------------------------

_UNTIL: ContextVar[float] = ContextVar("until", default=math.inf)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let what is computed within take so long: `check_time` raises once it is over."""
    token = _UNTIL.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def check_time() -> None:
    """Raise `TimeoutError` when the time is over; models ask between two batches."""
    if time.monotonic() > _UNTIL.get():
        raise TimeoutError
