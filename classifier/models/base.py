"""The contract that every model keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from classifier.values import Sentence, Span


@runtime_checkable
class Prediction(Protocol):
    """What a model found in a sequence of sentences.

    Attributes
    ----------
    proba : ndarray of float32, shape (n_sentences, n_signals)
        Calibrated probabilities, columns in taxonomy order. The column of an article-level signal
        holds the article's value on each of its sentences.
    """

    proba: NDArray[np.float32]

    def evidence(self, row: int, signal: str) -> tuple[Span, ...]:
        """The characters that speak for ``signal`` in sentence ``row``, strongest first.

        Offsets refer to the article's text. Empty when the model can't point at any.
        """
        ...


@runtime_checkable
class Model(Protocol):
    """A fitted model.

    Attributes
    ----------
    signals : tuple of str
        The columns of its predictions, in taxonomy order.
    """

    signals: tuple[str, ...]

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; whole articles in order, where context and article signals matter."""
        ...

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities alone, shape (n_sentences, n_signals); (0, k) when empty."""
        ...
