"""What is compared: scores, flags, vocabulary, outlets, distance to the training data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.models import FAR
from framescope.eval.drift.articles import UNKNOWN, Rows, RunArticles, is_of_articles
from framescope.eval.drift.figures import (
    DriftFigure,
    DriftMeasure,
    centred,
    difference,
    divergence,
    log_odds,
    mean_of,
    mean_shift_ps,
    permuted,
    share_of,
)
from framescope.eval.metrics import Change, Estimate, Share, holm
from framescope.eval.rows import Bools, Floats, Single
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import binomtest, fisher_exact, ks_2samp, wasserstein_distance

_WORDS = 2000  # the most common ones, by articles
_SHOWN_WORDS = 15
# The least effects that matter.
_SHIFT = 0.1  # standard deviations of the log-odds
_FLAGS = 0.01
_BITS = 0.004  # of words, beyond what permutations give
_OUTLETS, _MIX = 0.05, 0.02
_DISTANCE, _DISTANCE_OF_BUNDLE, _FAR = 0.05, 0.1, 0.02

_NO_DOMAIN = DriftMeasure("distance", note="unknown: the bundle has no training domain")


@dataclass(frozen=True, slots=True)
class ShiftedWord:
    """A word, the share of articles with it in both runs, and the z of the change."""

    word: str
    before: float
    now: float
    z: float


@dataclass(frozen=True, slots=True)
class WordsMeasure(DriftMeasure):
    """`DriftMeasure` of the vocabulary, with the words that have shifted most."""

    more: tuple[ShiftedWord, ...] = ()
    less: tuple[ShiftedWord, ...] = ()


@dataclass(frozen=True)
class TwoRuns:
    """The articles of two runs, one after the other; `draws`, `seed`: of the permutations."""

    before: RunArticles
    now: RunArticles
    draws: int
    seed: int

    def __len__(self) -> int:
        return len(self.before) + len(self.now)

    @property
    def is_now(self) -> Bools:
        """Which articles are of the second run."""
        found: Bools = np.arange(len(self)) >= len(self.before)
        return found

    @property
    def outlet(self) -> NDArray[np.str_]:
        """The outlet of each article."""
        return np.concatenate([self.before.outlet, self.now.outlet])

    @property
    def signals(self) -> list[str]:
        """The signals that are scored in both runs."""
        runs = (self.before.scores, self.now.scores)
        return [s for s in runs[1] if all(s in one and not np.isnan(one[s]).all() for one in runs)]

    def sides(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the values of the articles before and now that have one."""
        known = ~np.isnan(values)
        return values[known & ~self.is_now], values[known & self.is_now]

    def values(self, signal: str) -> tuple[Single, Rows]:
        """Return the known scores of a signal, and the article of each."""
        scores = np.concatenate([one.scores[signal] for one in (self.before, self.now)])
        article = np.concatenate([self.before.article, self.now.article + len(self.before)])
        if is_of_articles(signal):
            article = np.arange(len(self))
        known = ~np.isnan(scores)
        return scores[known], article[known]

    def by_article(self, values: NDArray[Any], article: Rows) -> Floats:
        """Return the mean of values in each article; NaN where it has none."""
        counts = np.bincount(article, minlength=len(self)).astype(np.float64)
        sums = np.bincount(article, weights=values, minlength=len(self))
        found: Floats = sums / np.where(counts > 0, counts, np.nan)
        return found


def scores(both: TwoRuns) -> DriftMeasure:
    """Compare the log-odds of each signal, in standard deviations of its sentences before."""
    columns, figures = [], []
    for signal in both.signals:
        values, article = both.values(signal)
        odds = log_odds(values)
        spread = max(float(odds[~both.is_now[article]].std()), 1e-6)
        columns.append(both.by_article(odds / spread, article))
        shift = difference(signal, both.sides(columns[-1]), _SHIFT)
        old, new = map(mean_of, both.sides(both.by_article(values, article)))
        figures.append(replace(shift, before=old, now=new, unit="sd"))
    return _tested("scores", figures, columns, both)


def flags(both: TwoRuns) -> DriftMeasure:
    """Compare the share of an article's sentences that is flagged, by the second thresholds."""
    columns, figures = [], []
    for signal in both.signals:
        values, article = both.values(signal)
        flagged = values >= np.float32(both.now.manifest["thresholds"][signal])
        columns.append(both.by_article(flagged.astype(np.float64), article))
        figures.append(difference(signal, both.sides(columns[-1]), _FLAGS, share_of))
    return _tested("flags", figures, columns, both)


def _tested(
    name: str, figures: Sequence[DriftFigure], columns: Sequence[Floats], both: TwoRuns
) -> DriftMeasure:
    """Test figures by a value of each article."""
    if not figures:
        return DriftMeasure(name, note="no signal is scored in both runs")
    values = centred(np.stack(columns, axis=1), both.outlet, both.is_now)
    return _measure(name, figures, mean_shift_ps(values, both.is_now, both.draws, both.seed))


def _measure(name: str, figures: Sequence[DriftFigure], ps: Sequence[float]) -> DriftMeasure:
    found = (replace(one, p=p) for one, p in zip(figures, ps, strict=True))
    return DriftMeasure(name, tuple(found))


def vocabulary(both: TwoRuns) -> WordsMeasure:
    """Compare the shares of articles that have common words."""
    articles = (*both.before.words, *both.now.words)
    spread = Counter(word for one in articles for word in one)
    common = [word for word, times in spread.most_common(_WORDS) if times >= 3]
    table = np.array([[word in one for word in common] for one in articles], np.float32)
    tested = divergence(table, both.is_now, both.draws, both.seed)
    bits = Estimate(tested.value, *tested.chance)
    words = DriftFigure("words", None, None, bits, tested.beyond, _BITS, tested.p, "bits")
    shifted = _shifted(common, table, both.is_now)
    more, less = tuple(shifted[: -_SHOWN_WORDS - 1 : -1]), tuple(shifted[:_SHOWN_WORDS])
    return WordsMeasure("vocabulary", (words,), more=more, less=less)


def _shifted(words: Sequence[str], table: Single, is_now: Bools) -> list[ShiftedWord]:
    """Return words by how far their odds have risen, the fallen first.

    By log-odds over their error, with the words of both runs as prior (Monroe et al., 2008).
    """
    old, new = (table[w].sum(axis=0).astype(np.float64) for w in (~is_now, is_now))
    prior = 500.0 * (old + new) / max(float((old + new).sum()), 1.0) + 1e-9

    def odds(counts: Floats) -> Floats:
        found: Floats = np.log(counts + prior)
        found -= np.log(counts.sum() + prior.sum() - counts - prior)
        return found

    z = (odds(new) - odds(old)) / np.sqrt(1 / (new + prior) + 1 / (old + prior))
    before, now = old / max(int((~is_now).sum()), 1), new / max(int(is_now.sum()), 1)
    return [
        ShiftedWord(words[at], float(before[at]), float(now[at]), float(z[at]))
        for at in np.argsort(z, kind="stable")
    ]


def outlets(both: TwoRuns) -> DriftMeasure:
    """Compare the outlets: new ones, those that are not in the registry, the mix of all."""
    is_now, outlet, n = both.is_now, both.outlet, len(both)
    names, code = np.unique(outlet, return_inverse=True)
    counts = csr_array((np.ones(n, np.float32), (np.arange(n), code)), shape=(n, len(names)))
    counts = counts[:, np.flatnonzero(names != UNKNOWN)]
    total = np.asarray(counts.sum(axis=0), np.float64)

    def new_share(members: Single) -> Floats:
        now = np.asarray(counts.T @ members.T, np.float64).T
        found: Floats = (now * (total - now < 0.5)).sum(axis=-1) / now.sum(axis=-1).clip(1.0)
        return found

    draws = 4 * both.draws  # for the correction of four figures
    new = permuted(new_share, is_now, draws, both.seed)
    chance, gap = Share(new.value - new.beyond, *new.chance), new.beyond
    change = Change(gap, new.value - chance.high, new.value - chance.low)
    mix = divergence(counts, is_now, draws, both.seed)
    bits = Estimate(mix.value, *mix.chance)
    registered = np.concatenate([both.before.registered, both.now.registered])
    figures = [
        DriftFigure(
            "new outlets", chance, Share(new.value), change, gap, _OUTLETS, new.p, "chance"
        ),
        _shares("not in the registry", ~registered & (outlet != UNKNOWN), is_now, _OUTLETS),
        _shares("no outlet named", outlet == UNKNOWN, is_now, _OUTLETS),
        DriftFigure("mix", None, None, bits, mix.beyond, _MIX, mix.p, "bits"),
    ]
    return _measure("outlets", figures, holm([one.p for one in figures]))


def _shares(name: str, marked: Bools, is_now: Bools, least: float) -> DriftFigure:
    sides = marked[~is_now], marked[is_now]
    p = fisher_exact([[one.sum(), len(one) - one.sum()] for one in sides]).pvalue
    return replace(difference(name, sides, least, share_of), p=float(p))


def distances(both: TwoRuns) -> DriftMeasure:
    """Compare how far articles lie from the training data."""
    distance = np.concatenate([both.before.distance, both.now.distance])
    before, now = both.sides(distance)
    if not len(before) or not len(now):
        return _NO_DOMAIN
    known, far = ~np.isnan(distance), np.concatenate([both.before.far, both.now.far])
    figures = [
        replace(
            difference("distance", (before, now), _DISTANCE),
            size=float(wasserstein_distance(before, now)), p=float(ks_2samp(before, now).pvalue),
        ),
        _shares("far", far[known], both.is_now[known], _FAR),
    ]  # fmt: skip
    return _measure("distance", figures, holm([one.p for one in figures]))


def of_bundle(run: RunArticles, bundle: Bundle) -> list[DriftMeasure]:
    """Compare a run with what its bundle keeps of its training: the distance.

    A distance is the share of held-out articles that lie nearer: theirs are uniform, 2% are far.
    """
    found = [
        DriftMeasure(name, note=f"a bundle keeps no {name}; compare with a run to test them")
        for name in ("scores", "flags", "vocabulary", "outlets")
    ]
    known = ~np.isnan(run.distance)
    if bundle.domain is None or not known.any():
        return [*found, _NO_DOMAIN]
    distance, far, m = run.distance[known], run.far[known], max(len(bundle.domain.held_out), 1)
    mean, share = mean_of(distance), share_of(far)
    figures = [
        # To lie nearer than held-out articles is no drift.
        DriftFigure(
            name, expected, now,
            Change(*(x - expected.value for x in (now.value, now.low, now.high))),
            max(now.value - expected.value, 0.0), least,
        )
        for name, expected, now, least in (
            ("distance", Estimate(0.5), mean, _DISTANCE_OF_BUNDLE),
            ("far", Share(1 - FAR), share, _FAR),
        )
    ]  # fmt: skip
    ps = (
        float(ks_2samp(distance, (np.arange(m) + 0.5) / m).pvalue),
        float(binomtest(int(far.sum()), len(far), 1 - FAR).pvalue),
    )
    return [*found, _measure("distance", figures, holm(ps))]
