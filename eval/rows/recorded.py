"""A model that keeps what it scored, so that a comparison need not be scored a second time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.models import Model, Prediction
from classifier.values import Sentence
from eval.rows.scored import Scored, score
from training.data import Examples


class Recorded:
    """Passes everything on to a model, and remembers its probabilities.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.signals = model.signals
        self._known: dict[tuple[str, int], NDArray[np.float32]] = {}

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; see `classifier.models.base.Model`."""
        return self.model.predict(sentences)

    def predict_proba(self, sentences: Sequence[Sentence]) -> NDArray[np.float32]:
        """Give the model's probabilities, and keep them."""
        proba = self.model.predict_proba(sentences)
        for sentence, row in zip(sentences, proba, strict=True):
            self._known[sentence.article_id, sentence.index] = row
        return proba

    def of(self, rows: Examples, bundle: Bundle) -> Scored:
        """Give the probabilities of rows, scoring those that were not scored before.

        Of a sentence that was scored twice the later score counts: the first call is the warm-up,
        which cuts an article short and so takes context away.

        Parameters
        ----------
        rows : Examples
            Whole articles, sentence by sentence.
        bundle : Bundle
            Whose thresholds decide.
        """
        known = self._known
        missing = [one for one in rows.sentences if (one.article_id, one.index) not in known]
        if missing:
            score(replace(bundle, model=self), missing, lambda _: None)
        proba = np.array([known[one.article_id, one.index] for one in rows.sentences], np.float32)
        return Scored(self.signals, bundle.thresholds, proba.reshape(len(rows), len(self.signals)))


def recording(bundle: Bundle) -> tuple[Bundle, Recorded]:
    """Give a bundle whose model keeps its scores, and that model."""
    model = Recorded(bundle.model)
    return replace(bundle, model=model), model
