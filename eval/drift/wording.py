"""What articles speak of: in how many of them words stand, which have come up, which are new."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from framescope.eval.drift.dealing import Deals, divergence
from framescope.eval.drift.measures import DriftFigure, DriftMeasure, Floats, Pooled, Single
from framescope.eval.metrics import Change, Estimate, Share
from numpy.typing import NDArray
from scipy.sparse import csr_array

WORDS = 2000
"""The most common words of both runs, by articles, whose shares are compared."""
SHOWN_WORDS = 15
_LEAST_WORDS = 0.004  # bits beyond what deals give
_NEW_DRAWS = 100  # deals by which it is told how many words are new by chance


@dataclass(frozen=True, slots=True)
class ShiftedWord:
    """A word, the share of articles that have it on either side, and how sure the change is."""

    word: str
    before: float
    now: float
    z: float


@dataclass(frozen=True)
class WordsMeasure(DriftMeasure):
    """`DriftMeasure` of the vocabulary, with the words that have shifted most."""

    more: tuple[ShiftedWord, ...] = field(default=())
    less: tuple[ShiftedWord, ...] = field(default=())


def vocabulary(both: Pooled, deals: Deals) -> WordsMeasure:
    """Compare in how many articles words stand, and how many words are new."""
    articles = (*both.before.words, *both.now.words)
    spread = Counter(word for one in articles for word in one)
    common = [word for word, times in spread.most_common(WORDS) if times >= 3]
    column = {word: at for at, word in enumerate(common)}
    table = np.zeros((len(articles), len(common)), np.float32)
    for row, one in enumerate(articles):
        table[row, [column[word] for word in one if word in column]] = 1
    total = table.sum(axis=0)

    def apart(dealt: Single) -> Floats:
        new = (dealt @ table).astype(np.float64)
        return divergence(total - new, new)[:, None]

    judged = deals.judge(apart)
    bits = float(judged.seen[0])
    figure = DriftFigure(
        "words",
        None,
        None,
        Estimate(bits, float(judged.low[0]), float(judged.high[0])),
        float(judged.beyond[0]),
        _LEAST_WORDS,
        float(judged.p[0]),
        "bits",
    )
    fresh = _new_words(articles, both, deals)
    more, less = _shifted(common, table, both.is_now)
    return WordsMeasure("vocabulary", (figure, fresh), more=more, less=less)


def _new_words(articles: Sequence[Counter[str]], both: Pooled, deals: Deals) -> DriftFigure:
    """Say which share of the words is of none that the other side has, and by chance would be."""
    names = {word: at for at, word in enumerate({word for one in articles for word in one})}
    cells = [(row, names[word], n) for row, one in enumerate(articles) for word, n in one.items()]
    rows, columns, counts = (np.array(x) for x in zip(*cells, strict=True)) if cells else ([],) * 3
    shape = (len(articles), len(names))
    times = csr_array((np.asarray(counts, np.float64), (rows, columns)), shape=shape)

    def share(now: NDArray[np.bool_]) -> float:
        chosen = now.astype(np.float64)
        old, new = times.T @ (1 - chosen), times.T @ chosen
        return float(new[old == 0].sum() / max(new.sum(), 1.0))

    seen = share(both.is_now)
    drawn = [share(one > 0) for one in next(deals.blocks())[:_NEW_DRAWS]]
    low, high = np.quantile(drawn, [0.025, 0.975])
    chance = Share(float(np.mean(drawn)), float(low), float(high))
    gap = seen - chance.value
    change = Change(gap, seen - float(high), seen - float(low))
    return DriftFigure("new words", chance, Share(seen), change, gap, math.nan, math.nan, "chance")


def _shifted(
    words: Sequence[str], table: Single, now: NDArray[np.bool_]
) -> tuple[tuple[ShiftedWord, ...], tuple[ShiftedWord, ...]]:
    """Give the words whose odds have risen and fallen most.

    By log-odds over their error, with the words of both sides as prior (Monroe et al., 2008).
    """
    old, new = table[~now].sum(axis=0).astype(float), table[now].sum(axis=0).astype(float)
    prior = 500.0 * (old + new) / max(float((old + new).sum()), 1.0) + 1e-9

    def odds(counts: Floats) -> Floats:
        found: Floats = np.log(counts + prior)
        found -= np.log(counts.sum() + prior.sum() - counts - prior)
        return found

    z = (odds(new) - odds(old)) / np.sqrt(1 / (new + prior) + 1 / (old + prior))
    order = np.argsort(z, kind="stable")
    n_old, n_new = max(int((~now).sum()), 1), max(int(now.sum()), 1)

    def told(rows: NDArray[np.intp]) -> tuple[ShiftedWord, ...]:
        return tuple(
            ShiftedWord(words[at], old[at] / n_old, new[at] / n_new, float(z[at])) for at in rows
        )

    return told(order[::-1][:SHOWN_WORDS]), told(order[:SHOWN_WORDS])
