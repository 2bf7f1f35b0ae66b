"""What makes a sentence worth labelling: a method scores each for each signal, the highest first.

Signals take turns: a sentence stands where the signal that ranks it highest has it. Added up, what
the frequent signals say would drown the rare ones, which have the most to gain.

Every method is a function of what is known of the candidates and of nothing else, so that what was
simulated is what is shipped. `OFFERED` are those that saved labels in the simulation
(docs/picking.md), and the lot; the others stay here to be simulated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from framescope.classifier.errors import FramescopeError
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]

RARE = 0.2
"""A signal is rare when no more than this share of the candidates is expected to carry it."""

_CLUSTER = 20  # candidates of a cluster, on average
_MOST_CLUSTERS = 200
_TINY = 1e-6


class PickError(FramescopeError):
    """Sentences that can't be picked as they were asked for."""


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What is known of n candidates, without any label of theirs.

    Attributes
    ----------
    proba : ndarray, shape (n, k)
        Calibrated probabilities of k signals.
    thresholds : ndarray, shape (k,)
        From which each is flagged.
    signals : tuple of str
        The k columns.
    second, second_thresholds : ndarray or None
        The same of another model.
    vectors : ndarray, shape (n, d), or None
        Where the encoder places them.
    far : ndarray, shape (n,), or None
        How far each lies from what the model learned from; only their order matters.
    seed : int
        Of what is drawn by lot.
    """

    proba: Floats
    thresholds: Floats
    signals: tuple[str, ...]
    second: Floats | None = None
    second_thresholds: Floats | None = None
    vectors: NDArray[np.float32] | None = None
    far: Floats | None = None
    seed: int = 0

    def __len__(self) -> int:
        return len(self.proba)


def centred(proba: Floats, thresholds: Floats) -> Floats:
    """Stretch probabilities so that each threshold lies at one half, and 0 and 1 stay."""
    limit = np.clip(thresholds, _TINY, 1 - _TINY)
    below, above = 0.5 * proba / limit, 0.5 + 0.5 * (proba - limit) / (1 - limit)
    return np.clip(np.where(proba < limit, below, above), _TINY, 1 - _TINY)


def entropy(proba: Floats) -> Floats:
    """Give the entropy of yes or no, in bits."""
    found: Floats = -(proba * np.log2(proba) + (1 - proba) * np.log2(1 - proba))
    return found


def uncertainty(known: Knowledge) -> Floats:
    """Score by the entropy of the decision, shape (n, k): highest at the threshold.

    Uncertainty sampling (Lewis & Gale, 1994, doi:10.1007/978-1-4471-2099-5_1). The entropy is that
    of the probability as `centred` puts it: a rare signal is undecided at its threshold, which is
    far below one half.
    """
    return entropy(centred(known.proba, known.thresholds))


def disagreement(known: Knowledge) -> Floats:
    """Score by how far two models contradict each other, shape (n, k): Jensen-Shannon divergence.

    Query by committee (Seung, Opper & Sompolinsky, 1992, doi:10.1145/130385.130417; McCallum &
    Nigam, 1998).
    """
    assert known.second is not None
    assert known.second_thresholds is not None
    one = centred(known.proba, known.thresholds)
    two = centred(known.second, known.second_thresholds)
    return entropy((one + two) / 2) - (entropy(one) + entropy(two)) / 2


def novelty(known: Knowledge) -> Floats:
    """Score by cluster, shape (n, 1): the middle of each is taken, those far from what was learned.

    k-means of the vectors, on the sphere. Clusters take turns, the farthest first; within one the
    sentence nearest to its centre comes first.
    """
    from sklearn.cluster import KMeans

    assert known.vectors is not None
    n = len(known)
    if n == 0:
        return np.zeros((0, 1))
    lengths = np.linalg.norm(known.vectors, axis=1, keepdims=True)
    placed = known.vectors / np.maximum(lengths, _TINY)
    distinct = len(np.unique(placed, axis=0))
    k = int(np.clip(n // _CLUSTER, 1, min(_MOST_CLUSTERS, distinct)))
    found = KMeans(k, n_init=1, max_iter=30, random_state=known.seed).fit(placed)
    off = np.linalg.norm(placed - found.cluster_centers_[found.labels_], axis=1)
    far = np.zeros(n) if known.far is None else known.far
    size = np.bincount(found.labels_, minlength=k)
    mean = np.bincount(found.labels_, weights=far, minlength=k) / np.maximum(size, 1)
    turn = np.zeros(n, np.intp)
    for cluster in range(k):
        rows = np.flatnonzero(found.labels_ == cluster)
        turn[rows[np.argsort(off[rows], kind="stable")]] = np.arange(len(rows))
    order = np.lexsort((np.arange(n), found.labels_, -mean[found.labels_], turn))
    scores = np.empty(n)
    scores[order] = 1 - np.arange(n) / n
    return scores[:, None]


def rare(known: Knowledge) -> Floats:
    """Score by the probability of each rare signal, shape (n, k); of the others nothing.

    The sentences that most likely carry one (Attenberg & Provost, 2010,
    doi:10.1145/1835804.1835859, of classes that lots hardly find). Where none is rare, all count.
    """
    wanted = known.proba.mean(axis=0) <= RARE if len(known) else np.ones(1, bool)
    if not wanted.any():
        wanted = np.ones_like(wanted)
    return np.where(wanted, known.proba, -np.inf)


def by_lot(known: Knowledge) -> Floats:
    """Score by lot, shape (n, 1), the same for the same seed."""
    return np.random.default_rng(known.seed).random((len(known), 1))


METHODS: Mapping[str, Callable[[Knowledge], Floats]] = {
    "uncertainty": uncertainty,
    "disagreement": disagreement,
    "novelty": novelty,
    "rare": rare,
    "random": by_lot,
}
MIX = "mix"
MIXED = ("uncertainty", "disagreement")
"""What `MIX` takes turns of."""
OFFERED = (MIX, "uncertainty", "disagreement", "rare", "random")
"""What ``--by`` offers: what saved labels in the simulation, and the lot to hold it against."""


def parts_of(by: str) -> tuple[str, ...]:
    """Give the methods that take turns under a name."""
    return MIXED if by == MIX else (by,)


def offered(by: str) -> str:
    """Check what ``--by`` was given.

    Raises
    ------
    PickError
        When it is not offered; for a method that saved nothing, where the figures are.
    """
    if by in OFFERED:
        return by
    if by in METHODS:
        reason = "saved no labels in the simulation and is not offered (docs/picking.md)"
        raise PickError(f"--by {by}: {reason}; give one of {', '.join(OFFERED)}")
    close = get_close_matches(by, OFFERED, n=1)
    hint = f"did you mean {close[0]}?" if close else f"give one of {', '.join(OFFERED)}"
    raise PickError(f"--by {by}: no such method; {hint}")


@dataclass(frozen=True, eq=False)
class Ranking:
    """In which order a method would take n candidates, and why each.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Rows, the one to be taken first first.
    signals : tuple of (str or None), n long
        The signal that ranks it highest; None where the method looks at none.
    scores : ndarray, shape (n,)
        What the method says of it, of that signal.
    """

    order: Rows
    signals: tuple[str | None, ...]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats, signals: Sequence[str]) -> Ranking:
        """Let signals take turns, each with what it scores highest; scores of shape (n, k)."""
        n, k = scores.shape
        ranks = np.empty((n, k), np.intp)
        for column in range(k):
            order = np.argsort(-scores[:, column], kind="stable")
            ranks[order, column] = np.arange(n)
        ranks[np.isneginf(scores)] = n
        best = ranks.argmin(axis=1) if k else np.zeros(n, np.intp)
        turns = np.lexsort((best, ranks[np.arange(n), best]))
        named = tuple(signals[column] if k == len(signals) else None for column in best)
        return cls(turns, named, scores[np.arange(n), best])


def rankings(by: str, known: Knowledge) -> dict[str, Ranking]:
    """Rank the candidates by each method that takes turns under a name; see `METHODS`."""
    looks_at_none = ("novelty", "random")
    return {
        name: Ranking.of(METHODS[name](known), () if name in looks_at_none else known.signals)
        for name in parts_of(by)
    }


def needs(by: str) -> frozenset[str]:
    """Say what of `Knowledge` beyond probabilities a name needs: ``second``, ``vectors``."""
    of = {"disagreement": "second", "novelty": "vectors"}
    return frozenset(of[name] for name in parts_of(by) if name in of)


def best_threshold(proba: Sequence[float] | Floats) -> float:
    """Find the threshold of the highest F1 that calibrated probabilities expect of themselves.

    Of the k highest, the sum of the probabilities is expected to be right: F1 is twice that over k
    and the sum of all (Nan, Chai, Lee & Chieu, 2012).
    """
    ranked = np.sort(np.asarray(proba, np.float64))[::-1]
    if not len(ranked) or ranked.sum() <= 0:
        return 0.5
    expected = 2 * np.cumsum(ranked) / (np.arange(1, len(ranked) + 1) + ranked.sum())
    return float(ranked[int(np.argmax(expected))])
