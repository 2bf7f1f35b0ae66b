"""Training rows as features, counted once for all signals; what one regression takes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from framescope.classifier.models import Ngrams, TextForm, beside, form_of, weigh
from framescope.classifier.models import pool_counts as pool
from framescope.classifier.taxonomy import BY_NAME, Level
from framescope.training.data import Examples
from numpy.typing import NDArray

# What each name means: the factor each block (words, characters) is multiplied by before fitting,
# which is how freely the regression may lean on it. Simpler first.
MIXES: dict[str, tuple[float, float]] = {
    "words": (1.0, 0.0),
    "characters": (0.0, 1.0),
    "words over characters": (1.0, 0.5),
    "both": (1.0, 1.0),
}


@dataclass(frozen=True, eq=False)
class CountedRows:
    """The training rows, counted once for all signals."""

    train: Examples
    blocks: tuple[Ngrams, ...]
    counts: Any
    rows: Mapping[TextForm, NDArray[np.intp]]

    def task(self, signal: str) -> Task:
        """Take the rows that have the signal; articles, where it is one of articles."""
        labels = self.train.column(signal)
        rows = np.flatnonzero(~np.isnan(labels))
        counts = self.counts[self.rows[form_of(signal)][rows]]
        around = None
        if BY_NAME[signal].level is Level.ARTICLE:
            _, first, article = np.unique(
                self.train.article[rows], return_index=True, return_inverse=True
            )
            counts = pool(counts, article, len(first))
            rows = rows[first]
        elif self.beside[rows].nnz:
            # Every row that stands beside one with a label, whether it has one of its own or not.
            near = np.unique(self.beside[rows].indices)
            weighed = weigh(self.blocks, self.counts[self.rows[form_of(signal)][near]])
            around = self._parts(self.beside[rows][:, near] @ weighed)
        parts = self._parts(weigh(self.blocks, counts))
        return Task(parts, labels[rows].astype(np.float64), self.train.group[rows], around)

    @cached_property
    def beside(self) -> Any:
        """The average over each row's neighbours, sparse."""
        return beside(self.train.sentences)

    def _parts(self, weighed: Any) -> tuple[Any, ...]:
        """Cut features into their blocks."""
        ends = np.cumsum([len(block) for block in self.blocks])
        pairs = zip(self.blocks, ends, strict=True)
        return tuple(weighed[:, end - len(block) : end] for block, end in pairs)


@dataclass(frozen=True, eq=False)
class Task:
    """What one regression is fitted on: features by block, targets from 0 to 1, and groups.

    `around` are the features of each row's neighbours on average; None where no row has any.
    """

    parts: tuple[Any, ...]
    targets: NDArray[np.float64]
    groups: NDArray[np.str_]
    around: tuple[Any, ...] | None = None

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The targets as 0 or 1, which folds are drawn and settings judged by: 1 from a half."""
        return (self.targets >= 0.5).astype(np.int64)

    @property
    def has_neighbours(self) -> bool:
        """Whether any row stands beside another."""
        return self.around is not None

    def mixed(self, mix: str, *, around: bool = False) -> Any:
        """Lay a mix's features side by side, or its neighbours'; blocks unused are left out."""
        from scipy.sparse import hstack

        parts = self.around if around and self.around is not None else self.parts
        pairs = zip(MIXES[mix], parts, strict=True)
        return hstack([factor * part for factor, part in pairs if factor], format="csr")

    def spread(self, weights: NDArray[np.float64], mix: str) -> NDArray[np.float64]:
        """Weights of a mix's features, as weights of all features unmixed."""
        pieces, first = [], 0
        for factor, part in zip(MIXES[mix], self.parts, strict=True):
            size = part.shape[1] if factor else 0
            piece = factor * weights[first : first + size] if factor else np.zeros(part.shape[1])
            pieces.append(piece)
            first += size
        return np.concatenate(pieces)
