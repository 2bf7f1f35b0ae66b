"""The behavioural suite: what a bundle makes of changes that ought to do nothing, or something.

Both texts of each pair are scored as whole articles, as a user's would be. A test of invariance
counts the decisions that flip, and how far probabilities move; a directional test counts how often
a signal goes the way it should. Intervals come from resampling what the pairs are made of: the
entities and the frames, each on its own (Owen, 2007), or the articles.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Article, ArticleReport, Place, SentenceReport
from framescope.classifier.scoring import Scorer
from framescope.classifier.taxonomy import BY_NAME, Family
from framescope.eval.metrics import MIN_GROUPS, Estimate, Share, draw, percentile
from framescope.eval.rows import Floats
from framescope.eval.suite import behaviours as cases
from framescope.eval.suite.behaviours import Behaviour, Limits, Pair, Scope, Way
from framescope.eval.suite.suite import Case, Result, Suite

DRAWS = 2000
WORST = 5
"""Cases that are listed of each test."""
LISTED_FROM = 0.01
"""A smaller shift without a flip is not worth a line."""

_Scored = SentenceReport | ArticleReport
_Ratio = TypeVar("_Ratio", bound=Estimate)

Progress = Callable[[int, int], None]
"""Told how many texts are scored, and how many there are."""


def measure(
    bundle: Bundle,
    behaviours: Sequence[Behaviour] | None = None,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
) -> Suite:
    """Run tests on a bundle.

    Parameters
    ----------
    bundle : Bundle
        Any signals; what a test asks of a signal that it doesn't give is left out.
    behaviours : sequence of Behaviour, optional
        All that ship unless given.
    draws, seed : int
        Of the resampling.
    progress : callable, optional
    """
    behaviours = cases.behaviours() if behaviours is None else behaviours
    pairs = [pair for behaviour in behaviours for pair in behaviour.pairs]
    reports = _scored(bundle, [side.text for p in pairs for side in (p.before, p.after)], progress)
    results = []
    for behaviour in behaviours:
        # An invariance is one question, a directional test one of each thing that it expects.
        asked = dict.fromkeys(e for pair in behaviour.pairs for e in pair.expected) or [None]
        for expected in asked:
            of_it = [p for p in behaviour.pairs if expected is None or expected in p.expected]
            signals = _asked(bundle.signals, behaviour.scope, expected)
            found = [_cases(pair, reports, signals, expected) for pair in of_it]
            results.append(_result(behaviour, expected, of_it, found, draws, seed))
    return Suite(
        bundle=bundle.name,
        bundle_digest=bundle.digest,
        cases_digest=hashlib.sha256(repr(list(behaviours)).encode()).hexdigest(),
        draws=draws,
        seed=seed,
        results=tuple(results),
    )


def _scored(
    bundle: Bundle, texts: Sequence[str], progress: Progress | None
) -> dict[str, ArticleReport]:
    """Score every text once, whatever number of pairs it is in."""
    distinct = list(dict.fromkeys(texts))
    articles = (Article(str(number), text, lang="en") for number, text in enumerate(distinct))
    reports: dict[str, ArticleReport] = {}
    for report in Scorer(bundle, evidence=False).score(articles):
        if isinstance(report, ArticleReport):
            reports[report.article.text] = report
        if progress is not None:
            progress(len(reports), len(distinct))
    return reports


def _asked(
    given: Sequence[str], scope: Scope | None, expected: tuple[str, Way] | None
) -> frozenset[str]:
    """Tell which of a bundle's signals a question is about."""
    if expected is not None and expected[0] != Scope.FRAMING:
        return frozenset(given) & {expected[0]}
    if expected is not None:
        # A quotation takes an opinion away from the author: `subjective` ought to fall.
        of_framing = {s for s in given if BY_NAME[s].family is Family.FRAMING}
        return frozenset(of_framing - {"subjective"})
    families = (Family.FRAMING, Family.ARTICLE) if scope is Scope.FRAMING else tuple(Family)
    return frozenset(s for s in given if BY_NAME[s].family in families)


def _cases(
    pair: Pair,
    reports: Mapping[str, ArticleReport],
    signals: frozenset[str],
    expected: tuple[str, Way] | None,
) -> list[Case] | None:
    """Every decision on a pair; None where a sentence of it has no scores."""
    found: list[Case] = []
    sides: list[list[_Scored]] = []
    for side in (pair.before, pair.after):
        report = reports[side.text]
        sentences = [_at(place, report.sentences) for place in side.places]
        scored: list[_Scored] = [one for one in sentences if one is not None and one.scores]
        if len(scored) < len(sentences):
            return None
        sides.append([*scored, report] if pair.whole and expected is None else scored)
    for one, other in zip(*sides, strict=True):
        for signal, score in one.scores.items():
            if signal not in signals:
                continue
            flags = signal in one.flags, signal in other.flags
            rise = other.scores[signal] - score
            match expected:
                case None:
                    wrong = flags[0] != flags[1]
                case _, Way.RISE:
                    wrong = rise <= 0
                case _, Way.FALL:
                    wrong = rise >= 0
                case _:
                    if not flags[0]:
                        continue  # nothing that could be kept
                    wrong = not flags[1]
            texts = _text(one), _text(other)
            found.append(Case(signal, *texts, score, other.scores[signal], wrong))
    return found


def _at(place: Place, sentences: Sequence[SentenceReport]) -> SentenceReport | None:
    """Find the sentence that has most of a place: what was changed may be split in another way."""

    def shared(item: SentenceReport) -> int:
        return min(place.end, item.sentence.end) - max(place.start, item.sentence.start)

    best = max(sentences, key=shared, default=None)
    return best if best is not None and shared(best) > 0 else None


def _text(scored: _Scored) -> str:
    return scored.sentence.text if isinstance(scored, SentenceReport) else scored.article.text


def _result(
    behaviour: Behaviour,
    expected: tuple[str, Way] | None,
    pairs: Sequence[Pair],
    found: Sequence[list[Case] | None],
    draws: int,
    seed: int,
) -> Result:
    scored = [(pair, own) for pair, own in zip(pairs, found, strict=True) if own is not None]
    unscored = len(pairs) - len(scored)
    weights = _Weights([pair for pair, _ in scored], draws, seed)
    decisions = np.array([len(own) for _, own in scored], np.float64)
    wrong = np.array([sum(c.wrong for c in own) for _, own in scored], np.float64)
    moves = [[c.score_after - c.score_before for c in own] for _, own in scored]
    size = sum if expected else (lambda values: sum(map(abs, values)))
    moved = np.array([size(values) for values in moves], np.float64)
    shift = weights.ratio(moved, decisions, Estimate)
    flips = touched = right = None
    if expected is None:
        flips = weights.ratio(wrong, decisions, Share)
        touched = weights.ratio((wrong > 0).astype(np.float64), np.ones(len(scored)), Share)
    else:
        right = weights.ratio(decisions - wrong, decisions, Share)
    decided = [case for _, own in scored for case in own]
    by_signal: dict[str, list[bool]] = defaultdict(list)
    for case in decided:
        by_signal[case.signal].append(case.wrong)
    worst = sorted(decided, key=lambda case: (case.wrong, _size(case)), reverse=True)
    return Result(
        name=behaviour.name,
        scope=" ".join(expected) if expected else str(behaviour.scope),
        pairs=len(scored),
        decisions=int(decisions.sum()),
        unscored=unscored,
        flips=flips,
        touched=touched,
        right=right,
        shift=shift,
        limits=behaviour.limits,
        passed=_passed(behaviour.limits, flips, shift, unscored),
        by_signal={signal: sum(of_it) / len(of_it) for signal, of_it in by_signal.items()},
        worst=tuple(
            case
            for case in worst[:WORST]
            # What went the right way is no bad case, however far it went.
            if case.wrong or (expected is None and _size(case) >= LISTED_FROM)
        ),
    )


def _size(case: Case) -> float:
    return abs(case.score_after - case.score_before)


def _passed(
    limits: Limits | None, flips: Share | None, shift: Estimate, unscored: int
) -> bool | None:
    if limits is None or flips is None:
        return None
    if math.isnan(flips.value):
        return False if unscored else None
    moved = limits.shift is not None and shift.value > limits.shift
    return flips.value <= limits.flips and not moved and not unscored


class _Weights:
    """How often each pair is drawn: the product over what it is made of.

    Entities and frames are drawn apart, so that both another entity and another frame are in it.
    """

    def __init__(self, pairs: Sequence[Pair], draws: int, seed: int) -> None:
        self.weights, self.groups = np.ones((draws, len(pairs))), len(pairs)
        for axis, names in enumerate(([p.row for p in pairs], [p.column for p in pairs])):
            values, group = np.unique(np.array(names, np.str_), return_inverse=True)
            if len(values) > 1:
                drawn = np.concatenate([*draw(len(values), draws, seed + axis, draws)])
                self.weights = self.weights * drawn[:, group]
            if len(values) > 1 or axis == 0:  # what has no frames varies by its articles alone
                self.groups = min(self.groups, len(values))

    def ratio(self, part: Floats, whole: Floats, kind: type[_Ratio]) -> _Ratio:
        """The ratio of two sums over pairs, with its interval."""
        if not whole.sum():
            return kind(math.nan)
        value = float(part.sum() / whole.sum())
        if self.groups < MIN_GROUPS:
            return kind(value)
        total = self.weights @ whole
        undefined = np.full(total.shape, math.nan)
        drawn = np.divide(self.weights @ part, total, out=undefined, where=total > 0)
        return kind.of(value, percentile(drawn, self.groups))
