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
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.scoring import Scorer
from classifier.taxonomy import BY_NAME, Family
from classifier.values import Article, ArticleReport, Place, SentenceReport
from eval.figures import MIN_GROUPS, Estimate, Share, draw, percentile
from eval.suite.behaviours import Behaviour, Limits, Pair, Scope, Side, Way
from eval.suite.suite import Case, Result, Suite

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
    behaviours: Sequence[Behaviour],
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
    behaviours : sequence of Behaviour
    draws, seed : int
        Of the resampling.
    progress : callable, optional
    """
    pairs = [pair for behaviour in behaviours for pair in behaviour.pairs]
    reports = _scored(bundle, [side.text for p in pairs for side in (p.before, p.after)], progress)
    results = []
    for behaviour in behaviours:
        # An invariance is one question, a directional test one of each thing that it expects.
        asked = dict.fromkeys(e for pair in behaviour.pairs for e in pair.expected) or [None]
        for expected in asked:
            of_it = [p for p in behaviour.pairs if expected is None or expected in p.expected]
            signals = _asked(bundle.signals, behaviour.scope, expected)
            cases = [_cases(pair, reports, signals, expected) for pair in of_it]
            results.append(_result(behaviour, expected, of_it, cases, draws, seed))
    return Suite(
        bundle=bundle.name,
        bundle_digest=bundle.digest,
        cases_digest=_digest(repr(list(behaviours))),
        draws=draws,
        seed=seed,
        results=tuple(results),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
    if expected is not None and expected[0] == Scope.FRAMING:
        # A quotation takes an opinion away from the author: `subjective` ought to fall.
        return frozenset(
            s for s in given if BY_NAME[s].family is Family.FRAMING and s != "subjective"
        )
    if expected is not None:
        return frozenset(s for s in given if s == expected[0])
    if scope is Scope.FRAMING:
        return frozenset(s for s in given if BY_NAME[s].family in (Family.FRAMING, Family.ARTICLE))
    return frozenset(given)


def _cases(
    pair: Pair,
    reports: Mapping[str, ArticleReport],
    signals: frozenset[str],
    expected: tuple[str, Way] | None,
) -> list[Case] | None:
    """Every decision on a pair; None where a sentence of it has no scores."""
    before, after = (_Read(side, reports[side.text]) for side in (pair.before, pair.after))
    found: list[Case] = []
    if before.sentences is None or after.sentences is None:
        return None
    matched: list[tuple[_Scored, _Scored]] = []
    matched += zip(before.sentences, after.sentences, strict=True)
    if pair.whole and expected is None:
        matched.append((before.report, after.report))
    for one, other in matched:
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


class _Read:
    """A side of a pair as it was scored: the report's sentences at the side's places."""

    def __init__(self, side: Side, report: ArticleReport) -> None:
        self.report = report
        found = [_at(place, report.sentences) for place in side.places]
        scored = [sentence for sentence in found if sentence is not None and sentence.scores]
        self.sentences = scored if len(scored) == len(side.places) else None


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
    scored = [(pair, cases) for pair, cases in zip(pairs, found, strict=True) if cases is not None]
    unscored = len(pairs) - len(scored)
    weights = _weights([pair for pair, _ in scored], draws, seed)
    decisions = np.array([len(cases) for _, cases in scored], np.float64)
    wrong = np.array([sum(c.wrong for c in cases) for _, cases in scored], np.float64)
    moves = [[c.score_after - c.score_before for c in cases] for _, cases in scored]
    size = sum if expected else (lambda values: sum(map(abs, values)))
    moved = np.array([size(values) for values in moves], np.float64)
    shift = weights.ratio(moved, decisions, Estimate)
    flips = touched = right = None
    if expected is None:
        flips = weights.ratio(wrong, decisions, Share)
        touched = weights.ratio((wrong > 0).astype(np.float64), np.ones(len(scored)), Share)
    else:
        right = weights.ratio(decisions - wrong, decisions, Share)
    decided = [case for _, cases in scored for case in cases]
    by_signal: dict[str, list[bool]] = defaultdict(list)
    for case in decided:
        by_signal[case.signal].append(case.wrong)
    worst = sorted(
        decided,
        key=lambda case: (case.wrong, _size(case)),
        reverse=True,
    )
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
    """How often each pair is drawn: the product over what it is made of."""

    def __init__(self, weights: NDArray[np.float64], groups: int) -> None:
        self.weights = weights
        self.groups = groups

    def ratio(
        self, part: NDArray[np.float64], whole: NDArray[np.float64], kind: type[_Ratio]
    ) -> _Ratio:
        """The ratio of two sums over pairs, with its interval."""
        if not whole.sum():
            return kind(math.nan)
        value = float(part.sum() / whole.sum())
        if self.groups < MIN_GROUPS:
            return kind(value)
        total = self.weights @ whole
        drawn = np.divide(
            self.weights @ part, total, out=np.full(total.shape, math.nan), where=total > 0
        )
        return kind.of(value, percentile(drawn, self.groups))


def _weights(pairs: Sequence[Pair], draws: int, seed: int) -> _Weights:
    """Draw entities and frames apart, so that both another entity and another frame are in it."""
    product, smallest = np.ones((draws, len(pairs))), len(pairs)
    for axis, names in enumerate(([p.row for p in pairs], [p.column for p in pairs])):
        values, group = np.unique(np.array(names, np.str_), return_inverse=True)
        if len(values) > 1:
            drawn = np.concatenate([*draw(len(values), draws, seed + axis, draws)])
            product = product * drawn[:, group]
        if len(values) > 1 or axis == 0:  # what has no frames varies by its articles alone
            smallest = min(smallest, len(values))
    return _Weights(product, smallest)
