"""Which of what was found is which of what is marked: one for one, and no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from framescope.eval.studies.sourcing.judged import JudgedCitation, Pieces
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

HALF = 0.5
"""The share of the longer one's characters from which two spans overlap."""
T = TypeVar("T")
Weigh = Callable[[T, T], float]


def length(pieces: Pieces) -> int:
    """Count the characters of places that lie apart."""
    return sum(place.end - place.start for place in pieces)


def shared(one: Pieces, other: Pieces) -> int:
    """Count the characters that lie in both; the places of each lie apart."""
    return sum(
        max(0, min(mine.end, theirs.end) - max(mine.start, theirs.start))
        for mine in one
        for theirs in other
    )


def overlap(one: Pieces, other: Pieces) -> float:
    """Give the share of the longer one's characters that both have, where it is enough; else 0."""
    longer = max(length(one), length(other))
    share = shared(one, other) / longer if longer else 0.0
    return share if share >= HALF else 0.0


def closeness(one: Pieces, other: Pieces) -> float:
    """Give the share of the characters of either that both have."""
    both = shared(one, other)
    return both / (length(one) + length(other) - both) if both else 0.0


def same_source(one: JudgedCitation, other: JudgedCitation) -> bool:
    """Whether both have their source in the same words, or both have none."""
    mine, theirs = one.pieces("source"), other.pieces("source")
    return not (mine or theirs) or shared(mine, theirs) > 0


def same_resolved(one: JudgedCitation, other: JudgedCitation) -> bool:
    """Whether the sources are the same, or go back to the same words that name them."""
    return same_source(one, other) or any(
        shared((mine,), (theirs,)) for mine in one.named_at for theirs in other.named_at
    )


def likeness(one: JudgedCitation, other: JudgedCitation) -> float:
    """Say how much of two citations is alike; 0 where their contents share nothing.

    Two of one content, a chain, are told apart by source and cue.
    """
    share = closeness(one.content, other.content)
    if not share:
        return 0.0
    cue = not (one.cue or other.cue) or shared(one.pieces("cue"), other.pieces("cue")) > 0
    return (2 * share + same_source(one, other) + same_resolved(one, other) / 2 + cue / 2) / 4


def best_pairs(marked: Sequence[T], found: Sequence[T], weigh: Weigh[T]) -> list[tuple[int, int]]:
    """Pair what is most alike, each once, so that likeness sums up to the most."""
    return _paired(_weights(marked, found, weigh))


def most_pairs(marked: Sequence[T], found: Sequence[T], weigh: Weigh[T]) -> list[tuple[int, int]]:
    """Pair as many as can be paired, each once; of several ways the one that is most alike.

    ``weigh``: from 0, which pairs nothing, to 1.
    """
    weights = _weights(marked, found, weigh)
    # One pair more outweighs any likeness of the others.
    return _paired(np.where(weights > 0, weights + min(weights.shape), 0.0))


def _weights(marked: Sequence[T], found: Sequence[T], weigh: Weigh[T]) -> NDArray[np.float64]:
    rows = [[weigh(one, other) for other in found] for one in marked]
    return np.array(rows, np.float64).reshape(len(marked), len(found))


def _paired(weights: NDArray[np.float64]) -> list[tuple[int, int]]:
    if not weights.any():
        return []
    rows, columns = linear_sum_assignment(weights, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if weights[row, column] > 0]
