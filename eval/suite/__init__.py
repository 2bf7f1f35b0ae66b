"""The behavioural suite: what changes to texts do to the scores of a bundle.

Intervals resample the entities and the frames of the pairs (Owen, 2007), or the articles.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Article, ArticleReport, Place, SentenceReport, shortened
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Family
from framescope.eval import metrics
from framescope.eval.rows import Floats
from framescope.eval.sections import UNDEFINED, Estimate, Section, Share, table
from framescope.eval.suite import cases
from framescope.eval.suite.cases import ALL, FRAMING, STEADY, WAYS, Behaviour, Limits, Pair
from framescope.training.resampling import LEVEL, MIN_GROUPS, draw, percentile, ratio

DRAWS = 2000
SCHEMA_VERSION = 1
_WORST = 5  # cases listed of each test
_LISTED_FROM = 0.01  # a smaller shift without a flip is not worth a line
_LONGEST = 160  # characters of a sentence that are shown
_KINDS = ("named", "unnamed", "vague", "government", "state_media")  # of citations
_VERDICT = {True: "passed", False: "MISSED", None: UNDEFINED}

_Scored = SentenceReport | ArticleReport
_Expected = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Case:
    """One decision on one pair; ``wrong``: whether it flipped, or went the wrong way."""

    signal: str
    before: str
    after: str
    score_before: float
    score_after: float
    wrong: bool

    @property
    def move(self) -> float:
        """How far the score went up."""
        return self.score_after - self.score_before


_Found = Sequence[tuple[Pair, list[Case] | None]]  # None where a sentence has no scores


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one test, or of one expectation of a directional test."""

    name: str
    scope: str
    pairs: int
    decisions: int
    unscored: int  # pairs with a sentence not found again, or an article not scored
    flips: Share | None  # of an invariance: the share of decisions
    pairs_with_flips: Share | None
    right: Share | None  # of a directional test: decisions that went the right way
    shift: Estimate  # of a signal of a goal: between the means of the versions furthest apart
    limits: Limits | None
    passed: bool | None  # None without limits or decisions
    by_signal: Mapping[str, float]  # the share of each signal's decisions that are wrong
    worst: tuple[Case, ...]
    goal: bool


class Suite(NamedTuple):
    """All results for one bundle."""

    bundle: str
    bundle_digest: str
    cases_digest: str
    draws: int
    seed: int
    results: tuple[Result, ...]

    @property
    def missed(self) -> tuple[Result, ...]:
        """The tests whose limits were missed, without goals."""
        return tuple(one for one in self.results if one.passed is False and not one.goal)

    @property
    def verdict(self) -> str:
        """Whether the limits are met, in one line."""
        missed = ", ".join(result.name for result in self.missed)
        goals = ", ".join(r.scope for r in self.results if r.passed is False and r.goal)
        said = f"Limits missed: {missed}." if missed else "All limits are met."
        return f"{said} Goals missed: {goals}." if goals else said

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures."""
        return (
            f"framescope {__version__} | cases {self.cases_digest[:12]} | "
            f"{self.bundle} {self.bundle_digest[:12]} | draws {self.draws}, seed {self.seed}"
        )

    def record(self) -> dict[str, Any]:
        """Return every figure, as JSON holds it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "signature": self.signature,
            "bundle": {"name": self.bundle, "digest": self.bundle_digest},
            "cases": self.cases_digest,
            "resampling": {"draws": self.draws, "seed": self.seed, "level": LEVEL},
            "passed": not self.missed,
            "results": self.results,
        }

    def section(self) -> Section:
        """Return the results and the worst cases as tables."""
        legend = (
            "Flips: share of decisions that change; pairs: share of pairs with a flip; shift: mean "
            "change of the probability, absolute for tests of invariance. 95% intervals from "
            f"resampling entities and frames, or articles. {UNDEFINED.capitalize()}: also the "
            "verdict on tests without a limit. Twelve countries: a signal's shift is the largest "
            "difference between the means of two; these limits are goals and stop no release."
        )
        unscored = (
            f"{result.name}: {result.unscored} pairs of which a sentence has no scores."
            for result in self.results
            if result.unscored
        )
        invariances = (
            (r.name, r.scope, r.pairs, r.flips, r.pairs_with_flips, r.shift, _limit(r),
             _VERDICT[r.passed], _most(r))
            for r in sorted(self.results, key=lambda r: r.goal)
            if r.flips is not None
        )  # fmt: skip
        directional = (
            (r.name, r.scope, r.decisions, r.right, r.shift)
            for r in self.results
            if r.right is not None
        )
        worst = (
            (result.name, getattr(BY_NAME.get(case.signal), "label", case.signal),
             "yes" if case.wrong else "no", case.score_before, case.score_after,
             *(shortened(text, _LONGEST) for text in (case.before, case.after)))
            for result in self.results
            for case in result.worst[: 1 if result.goal else _WORST]
        )  # fmt: skip
        counts = ("decisions that flip", "pairs with a flip", "mean shift", "limit", "verdict")
        columns = ("change", "signals", "pairs", *counts, "flips most")
        of_directional = ("change", "expected", "n", "right", "mean shift")
        of_worst = ("change", "signal", "wrong", "before", "after", "one text", "the other")
        tables = (
            table("What should do nothing", columns, invariances),
            table("What should do something", of_directional, directional),
            table("Worst cases", of_worst, worst),
        )
        return Section(" ".join((legend, *unscored, self.verdict, self.signature)), tables)


def _limit(result: Result) -> str:
    if result.limits is None:
        return "none"
    flips, shift = result.limits.flips, result.limits.shift
    return f"{flips:.0%} flips" + ("" if shift is None else f", shift {shift:.2f}")


def _most(result: Result) -> str:
    signal, share = max(result.by_signal.items(), key=lambda one: one[1], default=("", 0.0))
    return f"{signal}: {share:.1%}" if share else "none"


def measure_suite(
    bundle: Bundle,
    behaviours: Sequence[Behaviour] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Suite:
    """Run tests on a bundle, all unless given; signals that it doesn't have are left out."""
    behaviours = cases.behaviours() if behaviours is None else behaviours
    behaviours = [one for one in behaviours if one.lang in bundle.languages]
    sides = ((s.text, b.lang) for b in behaviours for p in b.pairs for s in (p.before, p.after))
    texts, reports = dict(sides), dict[str, ArticleReport]()
    articles = (Article(str(n), text, lang=lang) for n, (text, lang) in enumerate(texts.items()))
    for report in Scorer(bundle, evidence=False, experimental=True).score(articles):
        if isinstance(report, ArticleReport):
            reports[report.article.text] = report
        progress(len(reports), len(texts))
    results = []
    for behaviour in behaviours:
        # An invariance is one question, a directional test one for each expectation.
        wanted = dict.fromkeys(e for pair in behaviour.pairs for e in pair.expected) or [None]
        for expected in wanted:
            pairs = [p for p in behaviour.pairs if expected is None or expected in p.expected]
            signals = _signals(bundle.signals, behaviour.scope, expected)
            found = [(pair, _cases(pair, reports, signals, expected)) for pair in pairs]
            results.append(_result(behaviour, expected, found, draws, seed))
            decided = (case.signal for _, own in found if behaviour.goal for case in own or ())
            for signal in dict.fromkeys(decided):
                limits = STEADY.get(signal, behaviour.limits)
                of_signal = replace(behaviour, scope=signal, limits=limits)
                own = [(p, c and [case for case in c if case.signal == signal]) for p, c in found]
                results.append(_result(of_signal, None, own, draws, seed))
    digest = hashlib.sha256(repr(list(behaviours)).encode()).hexdigest()
    return Suite(bundle.name, bundle.digest, digest, draws, seed, tuple(results))


def _signals(given: Sequence[str], scope: str | None, expected: _Expected) -> frozenset[str]:
    families = set(Family) if scope == ALL else {Family.FRAMING, Family.ARTICLE}
    if expected is not None:
        if expected[0] != FRAMING:
            return frozenset(given) & {expected[0]}
        families = {Family.FRAMING}
        # A quotation takes an opinion away from the author: `subjective` should fall.
        given = [signal for signal in given if signal != "subjective"]
    return frozenset(signal for signal in given if BY_NAME[signal].family in families)


def _cases(
    pair: Pair, reports: Mapping[str, ArticleReport], signals: frozenset[str], expected: _Expected
) -> list[Case] | None:
    """Return every decision on a pair; None where a sentence of it has no scores."""
    found, sides = list[Case](), list[list[_Scored]]()
    for side in (pair.before, pair.after):
        report = reports[side.text]
        sentences = [_at(place, report.sentences) for place in side.places]
        scored: list[_Scored] = [one for one in sentences if one is not None and one.scores]
        if len(scored) < len(sentences):
            return None
        sides.append([*scored, report] if pair.whole and expected is None else scored)
    for one, other in zip(*sides, strict=True):
        for signal in (name for name in one.scores if name in signals):
            before, after = one.scores[signal], other.scores[signal]
            flags = signal in one.flags, signal in other.flags
            way = expected and expected[1]
            if way == WAYS["keep"] and not flags[0]:
                continue  # only a flag can be kept
            wrong = {
                None: flags[0] != flags[1],
                WAYS["keep"]: not flags[1],
                WAYS["rise"]: after <= before,
                WAYS["fall"]: after >= before,
            }[way]
            found.append(Case(signal, _text(one), _text(other), before, after, wrong))
        cited = [it.sentence.citations for it in (one, other) if isinstance(it, SentenceReport)]
        for kind in _KINDS if pair.versions and any(cited) else ():
            a, b = (sum(c.kind == kind or getattr(c, kind, False) for c in own) for own in cited)
            found.append(Case(f"{kind} citations", _text(one), _text(other), a, b, a != b))
    return found


def _at(place: Place, sentences: Sequence[SentenceReport]) -> SentenceReport | None:
    """Find the sentence with most of a place: a changed text may be split differently."""

    def shared(item: SentenceReport) -> int:
        return min(place.end, item.sentence.end) - max(place.start, item.sentence.start)

    best = max(sentences, key=shared, default=None)
    return best if best is not None and shared(best) > 0 else None


def _text(scored: _Scored) -> str:
    return scored.sentence.text if isinstance(scored, SentenceReport) else scored.article.text


def _result(
    behaviour: Behaviour, expected: _Expected, found: _Found, draws: int, seed: int
) -> Result:
    scored = [(pair, own) for pair, own in found if own is not None]
    unscored, size = len(found) - len(scored), abs if expected is None else float
    weights = _Weights([pair for pair, _ in scored], draws, seed)
    sums = [
        (len(own), sum(case.wrong for case in own), sum(size(case.move) for case in own))
        for _, own in scored
    ]
    decisions, wrong, moves = np.array(sums, np.float64).reshape(-1, 3).T
    scope = " ".join(expected) if expected else str(behaviour.scope)
    if behaviour.goal and scope != ALL:
        moves, between = _apart(scored)
        scope = f"{scope} ({between})"
    shift = Estimate(*weights.ratio(moves, decisions))
    flips = touched = right = None
    if expected is None:
        flips = Share(*weights.ratio(wrong, decisions))
        touched = Share(*weights.ratio((wrong > 0).astype(np.float64), np.ones(len(scored))))
    else:
        right = Share(*weights.ratio(decisions - wrong, decisions))
    limits, passed = behaviour.limits, None
    if limits is not None and flips is not None and (unscored or not math.isnan(flips.value)):
        steady = limits.shift is None or not shift.value > limits.shift
        passed = flips.value <= limits.flips and steady and not unscored
    decided = [case for _, own in scored for case in own]
    total = Counter(case.signal for case in decided)
    missed = Counter(case.signal for case in decided if case.wrong)
    worst = sorted(decided, key=lambda case: (case.wrong, abs(case.move)), reverse=True)[:_WORST]
    return Result(
        behaviour.name, scope, len(scored), int(decisions.sum()), unscored,
        flips, touched, right, shift, limits, passed,
        {signal: missed[signal] / n for signal, n in total.items()},
        # What went the right way is no bad case, however far it went.
        tuple(case for case in worst
              if case.wrong or (expected is None and abs(case.move) >= _LISTED_FROM)),
        behaviour.goal,
    )  # fmt: skip


def _apart(scored: Sequence[tuple[Pair, list[Case]]]) -> tuple[Floats, str]:
    """Return how far the means of two versions lie apart, times decisions: of those furthest."""
    sums: dict[str, Floats] = defaultdict(lambda: np.zeros(len(scored)))
    for at, (pair, own) in enumerate(scored):
        sums[pair.versions[0]][at] += sum(case.score_before for case in own)
        sums[pair.versions[1]][at] += sum(case.score_after for case in own)
    low, *_, high = sorted(sums, key=lambda version: sums[version].sum())
    # A decision is on two versions: a version has 2 in `len(sums)` of them.
    return (sums[high] - sums[low]) * len(sums) / 2, f"{low} to {high}"


class _Weights:
    """How often each pair is drawn: how often its entities are, times how often its frame is."""

    def __init__(self, pairs: Sequence[Pair], draws: int, seed: int) -> None:
        self.weights, self.groups = np.ones((draws, len(pairs))), len(pairs)
        for axis, names in enumerate(([p.row for p in pairs], [p.column for p in pairs])):
            values, group = np.unique(np.array(names, np.str_), return_inverse=True)
            if len(values) > 1:
                self.weights = self.weights * draw(len(values), draws, seed + axis)[:, group]
            if len(values) > 1 or axis == 0:  # without frames only the articles vary
                self.groups = min(self.groups, len(values))

    def ratio(self, part: Floats, whole: Floats) -> tuple[float, ...]:
        """Return the ratio of two sums over pairs, and the ends of its interval if it has one."""
        value = float(part.sum() / whole.sum()) if whole.sum() else math.nan
        if math.isnan(value) or self.groups < MIN_GROUPS:
            return (value,)
        return value, *percentile(ratio(self.weights @ part, self.weights @ whole), self.groups)
