"""What the behavioural suite says of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.taxonomy import BY_NAME
from framescope.eval.metrics import LEVEL, UNDEFINED, Estimate, Section, Share, table
from framescope.eval.suite.behaviours import Limits


@dataclass(frozen=True, slots=True)
class Case:
    """One decision on one pair.

    ``before``, ``after``: the two sentences. ``wrong``: whether the decision flipped, or went the
    wrong way.
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

    ``scope``: which signals: "all", "framing", or what a directional test expects. ``pairs``,
    ``decisions``: pairs that were scored, and the decisions on them. ``unscored``: pairs of which a
    sentence wasn't found again, or an article not scored (taken for another language, say). An
    invariance with any of these has not passed. ``flips``, ``touched``, ``right``: share of
    decisions that flipped, and of pairs with such a one, of an invariance; share that went the
    right way, of a directional test. ``shift``: mean change of the probability: absolute for an
    invariance, signed for a directional test. ``passed``: none where there is no limit, or nothing
    that could be held against it. ``by_signal``: share of each signal's decisions that flipped, or
    went the wrong way: signals that are hardly ever flagged hardly ever flip, and hide in the sum
    what one signal does. ``worst``: flips first, then the largest shifts.
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


# As a section, and as the record that JSON holds

SCHEMA_VERSION = 1
NOTHING = "none"

_LONGEST = 160  # characters of a sentence that are shown
_VERDICT = {True: "passed", False: "MISSED", None: UNDEFINED}
_LEGEND = (
    "Flips: share of decisions that change; pairs: share of pairs with such a one; shift: mean "
    "change of the probability, absolute for what ought to do nothing. 95% intervals from "
    f"resampling entities and frames, or articles. {UNDEFINED.capitalize()}: also the verdict on "
    "what has no limit."
)


def verdict(suite: Suite) -> str:
    """Say in one line whether the limits are met, and if not, which ones are missed."""
    if not suite.missed:
        return "All limits are met."
    return f"Limits missed: {', '.join(result.name for result in suite.missed)}."


def section(suite: Suite) -> Section:
    """Lay the results out: figures as numbers, the worst cases as text."""
    unscored = [
        f"{result.name}: {result.unscored} pairs of which a sentence has no scores."
        for result in suite.results
        if result.unscored
    ]
    return Section(
        " ".join((_LEGEND, *unscored, verdict(suite), suite.signature)),
        (
            table(
                "What ought to do nothing",
                (
                    "change", "signals", "pairs", "decisions that flip", "pairs with a flip",
                    "mean shift", "limit", "verdict", "flips most",
                ),
                (
                    (r.name, r.scope, r.pairs, r.flips, r.touched, r.shift, _limit(r),
                     _VERDICT[r.passed], _most(r))
                    for r in suite.results
                    if r.flips is not None
                ),
            ),
            table(
                "What ought to do something",
                ("change", "expected", "n", "right", "mean shift"),
                (
                    (r.name, r.scope, r.decisions, r.right, r.shift)
                    for r in suite.results
                    if r.right is not None
                ),
            ),
            table(
                "Worst cases",
                ("change", "signal", "wrong", "before", "after", "one text", "the other"),
                (
                    (
                        result.name, BY_NAME[case.signal].label, "yes" if case.wrong else "no",
                        case.score_before, case.score_after, _short(case.before),
                        _short(case.after),
                    )
                    for result in suite.results
                    for case in result.worst
                ),
            ),
        ),
    )  # fmt: skip


def _limit(result: Result) -> str:
    if result.limits is None:
        return NOTHING
    shift = result.limits.shift
    return f"{result.limits.flips:.0%} flips" + ("" if shift is None else f", shift {shift:.2f}")


def _most(result: Result) -> str:
    signal = max(result.by_signal, key=result.by_signal.__getitem__, default=None)
    if signal is None or not result.by_signal[signal]:
        return NOTHING
    return f"{signal}: {result.by_signal[signal]:.1%}"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def record(suite: Suite) -> dict[str, Any]:
    """Give every figure, and the signature."""
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": suite.signature,
        "bundle": {"name": suite.bundle, "digest": suite.bundle_digest},
        "cases": suite.cases_digest,
        "resampling": {"draws": suite.draws, "seed": suite.seed, "level": LEVEL},
        "passed": not suite.missed,
        "results": [_record(result) for result in suite.results],
    }


def _record(result: Result) -> dict[str, Any]:
    found = {field.name: getattr(result, field.name) for field in fields(result)}
    return found | {"pairs_with_flips": found.pop("touched")}
