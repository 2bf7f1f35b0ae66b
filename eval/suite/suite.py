"""What the behavioural suite says of a bundle: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from classifier import __version__
from eval.figures import Estimate, Share
from eval.suite.pairs import Limits


@dataclass(frozen=True, slots=True)
class Case:
    """One decision on one pair.

    Attributes
    ----------
    signal : str
    before, after : str
        The two sentences.
    score_before, score_after : float
    wrong : bool
        Whether the decision flipped, or went the wrong way.
    """

    signal: str
    before: str
    after: str
    score_before: float
    score_after: float
    wrong: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a test found.

    Attributes
    ----------
    name : str
    scope : str
        Which signals: "all", "framing", or what a directional test expects.
    pairs, decisions : int
        Pairs that were scored, and the decisions on them.
    unscored : int
        Pairs of which a sentence wasn't found again, or an article not scored (taken for another
        language, say). An invariance with any of these has not passed.
    flips, touched, right : Share or None
        Share of decisions that flipped, and of pairs with such a one, of an invariance; share that
        went the right way, of a directional test.
    shift : Estimate
        Mean change of the probability: absolute for an invariance, signed for a directional test.
    limits : Limits or None
    passed : bool or None
        None where there is no limit, or nothing that could be held against it.
    by_signal : mapping of str to float
        Share of each signal's decisions that flipped, or went the wrong way: signals that are
        hardly ever flagged hardly ever flip, and hide in the sum what one signal does.
    worst : tuple of Case
        Flips first, then the largest shifts.
    """

    name: str
    scope: str
    pairs: int
    decisions: int
    unscored: int
    flips: Share | None
    touched: Share | None
    right: Share | None
    shift: Estimate
    limits: Limits | None
    passed: bool | None
    by_signal: Mapping[str, float]
    worst: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """All results for one bundle, and what would have to be the same to find them again."""

    bundle: str
    bundle_digest: str
    cases_digest: str
    draws: int
    seed: int
    results: tuple[Result, ...]

    @property
    def missed(self) -> tuple[Result, ...]:
        """The tests whose limits were missed."""
        return tuple(result for result in self.results if result.passed is False)

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures."""
        return (
            f"framescope {__version__} | cases {self.cases_digest[:12]} | "
            f"{self.bundle} {self.bundle_digest[:12]} | draws {self.draws}, seed {self.seed}"
        )
