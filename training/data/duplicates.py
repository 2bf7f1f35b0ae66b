"""Texts that are nearly the same, and what is one group as they are.

Two texts are near-duplicates when the Jaccard index of their sets of word 5-grams (shingles) is at
least a threshold. Pairs are found by prefix filtering (Chaudhuri, Ganti, Kaushik, 2006): two sets
that similar must share one of the few rarest shingles of each, so only those are looked up, and
what is looked up is verified. Nothing is missed, and no hashing scheme has to be tuned.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from math import ceil

SENTENCE_THRESHOLD = 0.8  # Jaccard index of word 5-grams
SENTENCE_WORDS = 8  # shorter ones are only compared as wholes
ARTICLE_THRESHOLD = 0.5  # a reprint keeps its paragraphs, but loses or gains some
ARTICLE_WORDS = 60  # shorter ones are not compared

SHINGLE = 5  # words; unrelated sentences seldom share five in a row
_WORD = re.compile(r"[^\W_]+")

Shingles = frozenset[int]


def words(text: str) -> list[str]:
    """Return the words of a text as they are compared: lower case, letters and digits only."""
    return _WORD.findall(text.lower())


def shingles(text: str, min_words: int = SHINGLE) -> Shingles:
    """Hash the word 5-grams of a text; empty when it has fewer than ``min_words`` words."""
    found = words(text)
    if len(found) < max(min_words, SHINGLE):
        return frozenset()
    # Within one process only, so that the hash of a tuple is enough; it is never stored.
    return frozenset(map(hash, zip(*(found[at:] for at in range(SHINGLE)), strict=False)))


def similar_pairs(sets: Sequence[Shingles], threshold: float) -> Iterator[tuple[int, int]]:
    """Find every pair of sets whose Jaccard index reaches a threshold.

    Parameters
    ----------
    sets : sequence of frozenset of int
        Empty ones are like nothing.
    threshold : float
        Above 0, at most 1.

    Yields
    ------
    tuple of int
        Positions of both, the smaller first; each pair once.
    """
    frequency = Counter(chain.from_iterable(sets))
    repeated = {item for item, count in frequency.items() if count > 1}
    index: dict[int, list[int]] = defaultdict(list)
    for right, one in enumerate(sets):
        shared = one & repeated
        # To be similar, at least this many of its shingles must occur elsewhere.
        needed = ceil(threshold * len(one) - 1e-9)
        if not one or len(shared) < needed:
            continue
        prefix = sorted(shared, key=lambda item: (frequency[item], item))
        prefix = prefix[: len(shared) - needed + 1]
        for left in sorted({left for item in prefix for left in index[item]}):
            if _jaccard(sets[left], one) >= threshold - 1e-9:
                yield left, right
        for item in prefix:
            index[item].append(right)


def _jaccard(left: Shingles, right: Shingles) -> float:
    common = len(left & right)
    return common / (len(left) + len(right) - common)


def same_words(texts: Sequence[str], min_words: int = 4) -> Iterator[list[int]]:
    """Find texts that are equal but for case, punctuation and spacing.

    Yields the positions of equal texts, two or more.
    """
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        key = tuple(words(text))
        if len(key) >= min_words:
            places[key].append(position)
    yield from (positions for positions in places.values() if len(positions) > 1)


class Groups:
    """Names that are merged step by step (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the name that stands for the group: the alphabetically first of its members."""
        root = name
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while (parent := self._parent.get(name, name)) != root:
            self._parent[name] = root
            name = parent
        return root

    def merge(self, left: str, right: str) -> bool:
        """Merge two groups; False when they were one already."""
        first, second = sorted((self.find(left), self.find(right)))
        self._parent[second] = first
        return first != second
