"""How far an article lies from what a model learned from, and what can be said of it there.

An article's vector is the mean of its sentences'. What a model learned from is summed up as some
centres among the vectors of its training articles, in the directions in which these differ most,
each scaled to the same spread; an article lies as far as the nearest centre. How far is far is told
by articles that were held out: of those, a share lies nearer (`TrainingDomain.distance`).

A far article is still scored. But a calibrated probability is only that for articles like those it
was calibrated on; so a framing signal counts there only where the answer "no" can be left out at a
coverage of 90%: class-conditional split conformal limits (Angelopoulos & Bates, 2021,
doi:10.48550/arXiv.2107.07511), fitted on validation rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
"""Sentences of an article whose vector tells anything: that of fewer is mostly chance."""

Floats = NDArray[np.float32]
_ARRAYS = ("mean", "axes", "centres", "held_out", "yes", "no")


@dataclass(frozen=True)
class TrainingDomain:
    """What a model learned from, summed up.

    Attributes
    ----------
    mean : ndarray, shape (d,)
    axes : ndarray, shape (d, k)
        From a vector, less the mean, to directions of equal spread.
    centres : ndarray, shape (c, k)
    held_out : ndarray, shape (n,)
        How far held-out articles lie, in order.
    yes, no : ndarray, shape (n_signals,)
        The probabilities from which, and up to which, an answer is in the set; NaN where there
        were too few rows to tell.
    """

    mean: Floats
    axes: Floats
    centres: Floats
    held_out: Floats
    yes: Floats
    no: Floats

    def raw(self, vectors: Floats) -> Floats:
        """Give the distance of vectors, shape (n, d), to the nearest centre."""
        if not len(vectors):
            return np.zeros(0, np.float32)
        placed = (vectors - self.mean) @ self.axes
        apart = placed[:, None, :] - self.centres[None]
        found: Floats = np.sqrt((apart**2).sum(axis=2)).min(axis=1)
        return found

    def distance(self, vectors: Floats) -> NDArray[np.float64]:
        """Give the share of held-out articles that lie nearer than each of some vectors."""
        nearer = np.searchsorted(self.held_out, self.raw(vectors), side="left")
        return nearer / max(len(self.held_out), 1)

    def sure(self, proba: Floats) -> NDArray[np.bool_]:
        """Tell where "no" can be left out, shape (n, n_signals)."""
        found: NDArray[np.bool_] = (proba > self.no) & (proba >= self.yes)
        return found

    def save(self, folder: Path) -> None:
        """Write `DOMAIN` into a folder."""
        np.savez_compressed(folder / DOMAIN, **{name: getattr(self, name) for name in _ARRAYS})

    @classmethod
    def load(cls, folder: Path, signals: int) -> TrainingDomain:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            When its arrays don't fit together, or the signals.
        """
        arrays: Mapping[str, Floats] = read_arrays(folder / DOMAIN, _ARRAYS)
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
    """Average sentences' vectors by article.

    Parameters
    ----------
    vectors : ndarray, shape (n_sentences, d)
    sentences : sequence of Sentence
        Whole articles, in order.

    Returns
    -------
    ndarray, shape (n_articles, d)
    list of int
        How many sentences each has.
    """
    means, counts = [], []
    row = 0
    for _, group in groupby(sentences, key=lambda sentence: sentence.article_id):
        count = sum(1 for _ in group)
        means.append(vectors[row : row + count].mean(axis=0))
        counts.append(count)
        row += count
    width = vectors.shape[1] if vectors.ndim == 2 else 0
    return np.array(means, np.float32).reshape(len(means), width), counts
