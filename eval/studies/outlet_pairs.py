"""Scores of articles compared between outlets: the AUC, and its interval over outlets.

An outlet is reliable or not as a whole, so every pair of a reliable and an unreliable article is a
pair of outlets. The pairs won are summed by outlets once; then any draw of outlets is a matter of
weights (the bootstrap of `eval.figures.resample`, with outlets for groups).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.figures import Interval, draw, percentile

Floats = NDArray[np.float64]

DRAWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Articles whose outlets have an assessment.

    Attributes
    ----------
    ids, outlets, topics : ndarray of str, shape (n,)
    texts : tuple of str
        Without outlets' names.
    reliable : ndarray of bool, shape (n,)
    names : dict of str to str
        The outlets' names by their ids.
    """

    ids: NDArray[np.str_]
    outlets: NDArray[np.str_]
    topics: NDArray[np.str_]
    texts: tuple[str, ...]
    reliable: NDArray[np.bool_]
    names: dict[str, str]


def both_kinds(rows: Rows) -> tuple[list[str], list[str]]:
    """Give the reliable and the unreliable outlets, by id."""
    return sorted(set(rows.outlets[rows.reliable])), sorted(set(rows.outlets[~rows.reliable]))


def pairs(scores: Floats, rows: Rows) -> Floats:
    """Give the pairs of articles put in the right order, for each pair of outlets.

    Parameters
    ----------
    scores : ndarray of float64, shape (n,)
        Higher for what is held to be reliable.
    rows : Rows

    Returns
    -------
    ndarray of float64, shape (n_reliable, n_unreliable)
        Outlets as `both_kinds` orders them; ties count half.
    """
    good, bad = both_kinds(rows)
    sorted_bad = [np.sort(scores[rows.outlets == name]) for name in bad]
    won = np.zeros((len(good), len(bad)))
    for i, name in enumerate(good):
        own = scores[rows.outlets == name]
        for j, others in enumerate(sorted_bad):
            below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
            won[i, j] = below.sum() / 2
    return won


def ranked(
    scores: Floats, rows: Rows, *, draws: int = DRAWS, seed: int = 13
) -> tuple[float, Interval]:
    """Give the AUC of a score that nothing was fitted for, and its 95% interval over outlets."""
    values, auc = drawn(pairs(scores, rows), rows, draws, seed)
    return auc, percentile(values, len(set(rows.outlets.tolist())))


def drawn(won: Floats, rows: Rows, draws: int, seed: int) -> tuple[Floats, float]:
    """Give the AUC of each draw of outlets, and that of all of them."""
    of_pairs = sizes(rows)
    n, m = of_pairs.shape
    weights = np.concatenate(list(draw(n + m, draws, seed, block=draws)))
    total = np.einsum("di,ij,dj->d", weights[:, :n], of_pairs, weights[:, n:], optimize=True)
    right = np.einsum("di,ij,dj->d", weights[:, :n], won, weights[:, n:], optimize=True)
    values: Floats = np.divide(right, total, out=np.full(draws, np.nan), where=total > 0)
    return values, float(won.sum() / of_pairs.sum())


def sizes(rows: Rows) -> Floats:
    """Give the number of pairs of articles of each pair of outlets, as `_pairs` orders them."""
    counts = Counter(rows.outlets.tolist())
    good, bad = both_kinds(rows)
    found: Floats = np.outer([counts[o] for o in good], [counts[o] for o in bad]).astype(np.float64)
    return found
