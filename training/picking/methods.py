"""How much a sentence is worth labelling: a method scores each candidate for each signal.

Signals take turns: a candidate ranks where the signal that ranks it highest has it. If the scores
were added up, frequent signals would crowd out the rare ones, which have the most to gain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from framescope.classifier.errors import FramescopeError
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RARE = 0.2
"""The expected share of the candidates up to which a signal is rare."""

_TINY = 1e-6


class PickError(FramescopeError):
    """Sentences that can't be picked as requested."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of n candidates: probabilities of k signals, shape (n, k), and thresholds.

    `second` and `second_thresholds` are those of another model.
    """

    proba: Floats
    thresholds: Floats
    signals: tuple[str, ...]
    seed: int = 0
    second: Floats | None = None
    second_thresholds: Floats | None = None


def centred(proba: Floats, thresholds: Floats | None) -> Floats:
    """Stretch probabilities so that each threshold lies at one half, and 0 and 1 stay."""
    limit = np.clip(np.asarray(thresholds), _TINY, 1 - _TINY)
    below, above = 0.5 * proba / limit, 0.5 + 0.5 * (proba - limit) / (1 - limit)
    return np.asarray(np.clip(np.where(proba < limit, below, above), _TINY, 1 - _TINY))


def entropy(proba: Floats) -> Floats:
    """Return the entropy of yes or no, in bits."""
    return np.asarray(-(proba * np.log2(proba) + (1 - proba) * np.log2(1 - proba)))


def uncertainty(known: Known) -> Floats:
    """Return the entropy of the decision, which is highest at the threshold.

    Uncertainty sampling (Lewis & Gale, 1994, doi:10.1007/978-1-4471-2099-5_1).
    """
    return entropy(centred(known.proba, known.thresholds))


def disagreement(known: Known) -> Floats:
    """Return the Jensen-Shannon divergence of two models' decisions.

    Query by committee (Seung, Opper & Sompolinsky, 1992, doi:10.1145/130385.130417; McCallum &
    Nigam, 1998).
    """
    assert known.second is not None
    one = centred(known.proba, known.thresholds)
    two = centred(known.second, known.second_thresholds)
    return entropy((one + two) / 2) - (entropy(one) + entropy(two)) / 2


def rare(known: Known) -> Floats:
    """Return the probability of each rare signal; of all signals where none is rare.

    Attenberg & Provost, 2010, doi:10.1145/1835804.1835859.
    """
    wanted = known.proba.mean(axis=0) <= RARE
    return np.where(wanted if wanted.any() else True, known.proba, -np.inf)


def at_random(known: Known) -> Floats:
    """Return random scores, shape (n, 1), the same for the same seed."""
    return np.random.default_rng(known.seed).random((len(known.proba), 1))


METHODS: Mapping[str, Callable[[Known], Floats]] = {
    "uncertainty": uncertainty,
    "disagreement": disagreement,
    "rare": rare,
    "random": at_random,
}
_MIXED = ("uncertainty", "disagreement")


def parts_of(by: str) -> tuple[str, ...]:
    """Return the methods that take turns under a name; raise `PickError` for an unknown one."""
    names = {"mix": _MIXED, **{name: (name,) for name in METHODS}}
    if by not in names:
        close = get_close_matches(by, names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"give one of {', '.join(names)}"
        raise PickError(f"--by {by}: no such method; {hint}")
    return names[by]


@dataclass(frozen=True, eq=False)
class Ranking:
    """The `order` in which a method takes n candidates, and the signal and score of each.

    A signal is None where the method looks at none.
    """

    order: NDArray[np.intp]
    signals: tuple[str | None, ...]
    scores: Floats

    @classmethod
    def of(cls, scores: Floats, signals: Sequence[str]) -> Ranking:
        """Rank candidates by scores of shape (n, k), the signals by turns."""
        n, k = scores.shape
        ranks = np.empty((n, k), np.intp)
        for column in range(k):
            ranks[np.argsort(-scores[:, column], kind="stable"), column] = np.arange(n)
        ranks[np.isneginf(scores)] = n
        best = ranks.argmin(axis=1) if k else np.zeros(n, np.intp)
        turns = np.lexsort((best, ranks[np.arange(n), best]))
        named = tuple(signals[column] if k == len(signals) else None for column in best)
        return cls(turns, named, scores[np.arange(n), best])


def rankings(by: str, known: Known) -> dict[str, Ranking]:
    """Rank the candidates by each method that takes turns under a name."""
    return {
        name: Ranking.of(METHODS[name](known), () if name == "random" else known.signals)
        for name in parts_of(by)
    }
