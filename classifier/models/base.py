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

    @property
    def proba(self) -> NDArray[np.float32]: ...  # noqa: D102 - above

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
    """

    @property
    def signals(self) -> tuple[str, ...]: ...  # noqa: D102 - above

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; whole articles in order, where context and article signals matter."""
        ...

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Calibrated probabilities alone, shape (n_sentences, n_signals); (0, k) when empty."""
        ...
