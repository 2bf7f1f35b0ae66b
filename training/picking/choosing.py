"""Rankings in, the sentences to label out: quotas kept, near-duplicates and known ones left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

from framescope.training.data import (
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.picking.methods import Ranking

ARTICLE_MOST = 5
"""Sentences picked of one article, unless too few articles are there or it is said otherwise."""
OUTLET_MOST = 0.2
"""Of all that are picked, the most of one outlet, unless too few are there or it is said."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Pick:
    """A sentence that was chosen.

    ``row``: of the candidates. ``by``: the method that chose it, for a ``signal`` if it looks at
    any, with that method's ``score``.
    """

    row: int
    by: str
    signal: str | None
    score: float


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many sentences may come from one place.

    An outlet has at most its share of the candidates, rounded up, and never more than ``share`` of
    all that are picked; what those that are held back leave goes to the others, by their shares.

    ``share``: None for `OUTLET_MOST`, or for equal shares where the outlets are too few for that.
    ``article``: sentences of an article; None for `ARTICLE_MOST`, or more where the articles are
    too few for that.
    """

    share: float | None = None
    article: int | None = None

    def of_article(self, n: int, articles: int) -> int:
        """Give the most sentences of an article, when n are to be picked of so many articles."""
        if self.article is not None:
            return self.article
        return max(ARTICLE_MOST, ceil(2 * n / max(articles, 1)))

    def of_outlet(self, n: int, outlets: int) -> int:
        """Give the most sentences of an outlet, when n are to be picked of so many outlets."""
        if self.share is not None:
            return max(floor(self.share * n + _ROUNDING), 1)
        return ceil(n * max(OUTLET_MOST, 1 / max(outlets, 1)) - _ROUNDING)


def shares(n: int, sizes: Mapping[str, int], most: Mapping[str, int]) -> dict[str, int]:
    """Give each outlet's part of n sentences.

    Parameters
    ----------
    n : int
    sizes : mapping of str to int
        Candidates of each outlet.
    most : mapping of str to int
        That each may have.

    Returns
    -------
    dict of str to int
        In proportion to the sizes, rounded up, and no more than `most`: together at least n, or
        all that they may have.
    """

    def at(scale: float) -> dict[str, int]:
        return {
            name: min(most[name], ceil(scale * size - _ROUNDING)) for name, size in sizes.items()
        }

    low, high = 0.0, float(max([1, *most.values()]))  # at which each has all that it may
    for _ in range(60):
        middle = (low + high) / 2
        if sum(at(middle).values()) >= n:
            high = middle
        else:
            low = middle
    return at(high)


@dataclass(frozen=True, eq=False)
class CandidatePlaces:
    """Where n candidates stand, and which of them are the same or nearly.

    ``outlets``, ``articles``: names, n of each. ``texts``: the words. ``known``: sentences that
    have labels already. Rows of the same words have one number, ``kin``; ``alike`` are the numbers
    that are nearly the same as a number, itself among them; ``blocked`` those that are known.
    """

    outlets: Sequence[str]
    articles: Sequence[str]
    texts: Sequence[str]
    known: Sequence[str] = ()
    kin: tuple[int, ...] = field(init=False)
    alike: Mapping[int, frozenset[int]] = field(init=False)
    blocked: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        everything = (*self.texts, *self.known)
        kin = list(range(len(everything)))
        for rows in same_words(everything, 1):
            for row in rows:
                kin[row] = rows[0]
        first = sorted(set(kin))
        # As the split of the corpora has it.
        sets = [shingles(everything[row], SENTENCE_WORDS) for row in first]
        alike = {row: {row} for row in first}
        for one, two in similar_pairs(sets, SENTENCE_THRESHOLD):
            alike[first[one]].add(first[two])
            alike[first[two]].add(first[one])
        blocked = {other for row in kin[len(self.texts) :] for other in alike[row]}
        object.__setattr__(self, "kin", tuple(kin[: len(self.texts)]))
        object.__setattr__(self, "alike", {row: frozenset(rows) for row, rows in alike.items()})
        object.__setattr__(self, "blocked", frozenset(blocked))


def choose(
    ranked: Mapping[str, Ranking],
    n: int,
    places: CandidatePlaces,
    quotas: Quotas | None = None,
    taken: Sequence[int] = (),
) -> list[Pick]:
    """Choose n candidates: methods take turns, each its highest that may still be taken.

    Parameters
    ----------
    ranked : mapping of str to Ranking
        By method.
    n : int
    places : CandidatePlaces
    quotas : Quotas or None
    taken : sequence of int
        Rows that have labels already.

    Returns
    -------
    list of Pick
        In the order they were chosen; fewer than n where there are no more.
    """
    quotas = quotas or Quotas()
    gone = set(places.blocked)
    for row in taken:
        gone |= places.alike[places.kin[row]]
    free = [row for row, number in enumerate(places.kin) if number not in gone]
    sizes = Counter(places.outlets[row] for row in free)
    in_article = Counter((places.outlets[row], places.articles[row]) for row in free)
    of_article = quotas.of_article(n, len(in_article))
    available: Counter[str] = Counter()
    for (outlet, _), count in in_article.items():
        available[outlet] += min(count, of_article)
    of_outlet = quotas.of_outlet(n, len(sizes))
    most = {name: min(count, of_outlet) for name, count in available.items()}
    taking = _Taking(places, gone, of_article)
    chosen: list[Pick] = []
    asked = n
    while len(chosen) < n:
        limits = shares(asked, sizes, most)
        more = taking.of(ranked, n - len(chosen), limits)
        chosen += more
        if not more and limits == most:
            break
        # What is nearly the same was counted as if all of it could be taken: others make up for it.
        asked += max(n - len(chosen), 1)
    return chosen


@dataclass(eq=False)
class _Taking:
    """What has been taken so far, and how many of which outlets and articles."""

    places: CandidatePlaces
    gone: set[int]
    of_article: int
    outlets: Counter[str] = field(default_factory=Counter)
    articles: Counter[str] = field(default_factory=Counter)

    def of(self, ranked: Mapping[str, Ranking], n: int, limits: Mapping[str, int]) -> list[Pick]:
        """Take up to n, the methods by turns."""
        queues = {
            name: (row for row in ranking.order.tolist() if self._take(row, limits))
            for name, ranking in ranked.items()
        }
        chosen: list[Pick] = []
        while queues:
            for name in tuple(queues):
                if len(chosen) == n:
                    return chosen
                row = next(queues[name], None)
                if row is None:
                    del queues[name]
                else:
                    one = ranked[name]
                    chosen.append(Pick(row, name, one.signals[row], float(one.scores[row])))
        return chosen

    def _take(self, row: int, limits: Mapping[str, int]) -> bool:
        places = self.places
        number, outlet, article = places.kin[row], places.outlets[row], places.articles[row]
        if number in self.gone or self.articles[article] >= self.of_article:
            return False
        if self.outlets[outlet] >= limits.get(outlet, 0):
            return False
        self.outlets[outlet] += 1
        self.articles[article] += 1
        self.gone |= places.alike[number]
        return True
