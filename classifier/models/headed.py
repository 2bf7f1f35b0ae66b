"""Heads beside a model: logistic regressions that a user's labels added to a bundle.

A head reads, of each sentence, the log-odds of all signals, the mean vector of its tokens, where
the model has one, and n-grams of words. The model itself, and so all other signals, stay the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from framescope.classifier.errors import BundleError
from framescope.classifier.models import base
from framescope.classifier.models.base import Calibration, Model, Prediction, TextForm, form_of
from framescope.classifier.models.evidence import names_by_article, telling_words
from framescope.classifier.models.tfidf import TfidfModel
from framescope.classifier.models.tfidf import load as load_tfidf
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import BY_NAME, Level, in_order
from numpy.typing import NDArray

if TYPE_CHECKING:
    from framescope.classifier.outlets import Registry

BEFORE = "before"  # under which the manifest of a bundle with heads keeps what it said without them
Floats = NDArray[np.float32]
_ARRAYS = ("of_logits", "of_means")


@dataclass(frozen=True, eq=False)
class LinearHeads:
    """Heads that were fitted together, one per signal."""

    ngrams: TfidfModel  # of words, with the intercepts
    of_logits: Floats  # shape (n_heads, n_signals): weights of the log-odds of the model below
    of_means: Floats  # shape (n_heads, d): and of its mean vectors

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that have a head, in taxonomy order."""
        return self.ngrams.signals

    def save(self, folder: Path, number: int) -> None:
        """Write the files of the heads of this number into a folder."""
        self.ngrams.save(folder, f"heads-{number}-")
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        np.savez_compressed(folder / f"heads-{number}.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path, number: int, registry: Registry | None) -> LinearHeads:
        """Read what `save` wrote; raise `BundleError` where it is damaged."""
        ngrams = load_tfidf(folder, None, registry, f"heads-{number}-")
        with base.whole(path := folder / f"heads-{number}.npz"):
            arrays = {k: x.astype(np.float32) for k, x in base.read_arrays(path, _ARRAYS).items()}
            if [len(array) for array in arrays.values()] != [len(ngrams.signals)] * len(_ARRAYS):
                raise ValueError("its arrays are of other signals")
        return cls(ngrams, **arrays)


def rounds_of_heads(files: Iterable[str]) -> int:
    """Return how often heads were added to a bundle that has these files."""
    return sum(name.startswith("heads-") and name.count("-") == 1 for name in files)


class HeadedModel:
    """A `classifier.models.Model`: another one, and heads, whose signals it takes from them."""

    def __init__(self, below: Model, heads: LinearHeads, calibration: Calibration | None) -> None:
        self.below = below
        self.heads = heads
        self.signals = in_order({*below.signals, *heads.signals})
        self.runtime = below.runtime
        self.calibration = calibration or Calibration.identity(self.signals)
        kept = [s for s in below.signals if s not in heads.signals]
        self._kept = [self.signals.index(s) for s in kept]
        self._kept_below = [below.signals.index(s) for s in kept]
        self._headed = [self.signals.index(s) for s in heads.signals]
        fits = heads.of_logits.shape[1] == len(below.signals)
        if not fits or self.calibration.signals != self.signals:
            raise BundleError("heads of another model; get the bundle again")

    @property
    def cache(self) -> Any:
        """The cache of the model below, if it can have one."""
        return self.below.cache  # type: ignore[attr-defined]

    @cache.setter
    def cache(self, cache: Any) -> None:
        self.below.cache = cache  # type: ignore[attr-defined]

    def predict(self, sentences: Sequence[Sentence]) -> Prediction:
        """Score sentences; citations and the evidence of other signals are the model's below."""
        heads, under = self.heads, self.below.predict(sentences)
        own = heads.ngrams.predict(sentences)
        added = own.logits + under.logits @ heads.of_logits.T
        if under.means is not None:
            added += under.means @ heads.of_means.T
        of_articles = np.flatnonzero(heads.ngrams.of_articles).tolist()
        logits = np.zeros((len(sentences), len(self.signals)), np.float32)
        logits[:, self._kept] = under.logits[:, self._kept_below]
        logits[:, self._headed] = base.pool_articles(added, sentences, of_articles)

        def shares(
            row: int, form: TextForm, of_logits: Floats, of_means: Floats
        ) -> NDArray[np.float64]:
            """Pass the weights of heads on to what they read."""
            of_heads = of_logits[self._headed]
            below = of_heads @ heads.of_logits
            below[self._kept_below] += of_logits[self._kept]
            assert under.shares is not None
            assert own.shares is not None
            shared = under.shares(row, form, below, of_means + of_heads @ heads.of_means)
            return shared + own.shares(row, form, of_heads, of_means)

        def evidence(wanted: Sequence[tuple[int, str]]) -> list[tuple[Span, ...]]:
            """Find the words that add most to a head's log-odds; spans stay those of the tags."""
            tagged = {s for s in self.below.signals if BY_NAME[s].level is Level.SPAN}
            kept = [pair for pair in wanted if pair[1] in tagged or pair[1] not in heads.signals]
            found = dict(zip(kept, under.evidence(kept), strict=True))
            nothing = np.zeros(heads.of_means.shape[1], np.float32)
            names = names_by_article(sentences)
            for row, signal in set(wanted) - set(kept):
                at, one = self.signals.index(signal), sentences[row]
                line = np.eye(1, len(self.signals), at, dtype=np.float32)[0]
                scores = shares(row, form_of(signal), line, nothing)
                found[row, signal] = telling_words(one, signal, scores, names[one.article_id])
            return [found[pair] for pair in wanted]

        proba = self.calibration.apply(logits)
        return replace(under, proba=proba, logits=logits, evidence=evidence, shares=shares)
