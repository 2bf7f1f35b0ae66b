"""How far an article lies from the training data, and what can be said of it there.

An article's vector is the mean of its sentences'. The training data is summed up as centres among
the vectors of its articles, in the directions in which these differ most, each scaled to the same
spread; an article is as far as the nearest centre. Articles that were held out say how far is far:
`TrainingDomain.distance` is the share of them that lie nearer.

A far article is still scored. But probabilities are calibrated for articles like those of the
training data, so a framing signal counts there only where the answer "no" can be excluded at a
coverage of 90%: class-conditional split conformal limits (Angelopoulos & Bates, 2021,
doi:10.48550/arXiv.2107.07511), fitted on validation rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from framescope.classifier.models.stored import read_arrays
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

DOMAIN = "domain.npz"
FAR = 0.98
"""The share of held-out articles that lie nearer, from which an article is far."""
FEWEST = 5
"""Sentences of an article; the vector of fewer is mostly chance."""

Floats = NDArray[np.float32]
_ARRAYS = ("mean", "axes", "centres", "held_out", "yes", "no")


@dataclass(frozen=True)
class TrainingDomain:
    """The training data, summed up."""

    mean: Floats  # shape (d,)
    axes: Floats  # shape (d, k): from a vector, less the mean, to directions of equal spread
    centres: Floats  # shape (c, k)
    held_out: Floats  # the distances of held-out articles, sorted
    # shape (n_signals,): the probabilities from which, and up to which, an answer is in the
    # conformal set; NaN where there were too few rows
    yes: Floats
    no: Floats

    def raw(self, vectors: Floats) -> Floats:
        """Return the distance of vectors, shape (n, d), to the nearest centre."""
        if not len(vectors):
            return np.zeros(0, np.float32)
        placed = (vectors - self.mean) @ self.axes
        apart = placed[:, None, :] - self.centres[None]
        found: Floats = np.sqrt((apart**2).sum(axis=2)).min(axis=1)
        return found

    def distance(self, vectors: Floats) -> NDArray[np.float64]:
        """Return the share of held-out articles that lie nearer than each vector."""
        nearer = np.searchsorted(self.held_out, self.raw(vectors), side="left")
        return nearer / max(len(self.held_out), 1)

    def sure(self, proba: Floats) -> NDArray[np.bool_]:
        """Return where "no" can be excluded, shape (n, n_signals)."""
        found: NDArray[np.bool_] = (proba > self.no) & (proba >= self.yes)
        return found

    def save(self, folder: Path) -> None:
        """Write `DOMAIN` into a folder."""
        np.savez_compressed(folder / DOMAIN, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, folder: Path, signals: int) -> TrainingDomain:
        """Read what `save` wrote; raise `ValueError` where its parts, or the signals, don't fit."""
        arrays = read_arrays(folder / DOMAIN, _ARRAYS)
        found = cls(**{name: arrays[name].astype(np.float32) for name in _ARRAYS})
        d, k = found.axes.shape if found.axes.ndim == 2 else (-1, -1)
        fits = (
            found.mean.shape == (d,)
            and found.centres.ndim == 2
            and found.centres.shape[1] == k
            and len(found.centres)
            and found.held_out.ndim == 1
            and found.yes.shape == found.no.shape == (signals,)
        )
        if not fits:
            raise ValueError(f"{DOMAIN}: its arrays don't fit together")
        return found


def of_articles(vectors: Floats, sentences: Sequence[Sentence]) -> tuple[Floats, list[int]]:
    """Return the mean of sentences' vectors, and the number of sentences, per article.

    `sentences` are whole articles, in order.
    """
    groups = groupby(sentences, key=lambda sentence: sentence.article_id)
    counts = [sum(1 for _ in group) for _, group in groups]
    ends = np.cumsum(counts)
    means = [vectors[end - n : end].mean(axis=0) for end, n in zip(ends, counts, strict=True)]
    width = vectors.shape[1] if vectors.ndim == 2 else 0
    return np.array(means, np.float32).reshape(len(means), width), counts
