"""Texts that are nearly the same: those whose sets of word 5-grams have a high Jaccard index.

Pairs are found by prefix filtering (Chaudhuri, Ganti, Kaushik, 2006): two sets that similar share
one of the few rarest shingles of each, so only those are looked up, and then verified. The result
is exact.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from math import ceil

SENTENCE_THRESHOLD = 0.8  # Jaccard index
SENTENCE_WORDS = 8  # shorter ones are only compared as wholes
ARTICLE_THRESHOLD = 0.5  # a reprint keeps its paragraphs, but loses or gains some
ARTICLE_WORDS = 60  # shorter ones are not compared

_SHINGLE = 5  # words; unrelated sentences seldom share five in a row
_WORD = re.compile(r"[^\W_]+")

Shingles = frozenset[int]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def shingles(text: str, min_words: int = _SHINGLE) -> Shingles:
    """Hash the word 5-grams of a text; return none if it has fewer than ``min_words`` words."""
    found = _words(text)
    if len(found) < max(min_words, _SHINGLE):
        return frozenset()
    # These hashes hold within one process; they are never stored.
    return frozenset(map(hash, zip(*(found[at:] for at in range(_SHINGLE)), strict=False)))


def similar_pairs(sets: Sequence[Shingles], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield each pair of sets whose Jaccard index reaches a threshold, the earlier one first.

    An empty set is like no other.
    """
    frequency = Counter(chain.from_iterable(sets))
    index: dict[int, list[int]] = defaultdict(list)
    for right, one in enumerate(sets):
        shared = [item for item in one if frequency[item] > 1]
        # To be similar, at least this many of its shingles must occur elsewhere.
        needed = ceil(threshold * len(one) - 1e-9)
        if not one or len(shared) < needed:
            continue
        shared.sort(key=lambda item: (frequency[item], item))
        prefix = shared[: len(shared) - needed + 1]
        for left in sorted({left for item in prefix for left in index[item]}):
            common = len(sets[left] & one)
            if common / (len(sets[left]) + len(one) - common) >= threshold - 1e-9:
                yield left, right
        for item in prefix:
            index[item].append(right)


def same_words(texts: Sequence[str], min_words: int = 4) -> Iterator[list[int]]:
    """Yield the positions of texts that are equal but for case, punctuation and spacing."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        key = tuple(_words(text))
        if len(key) >= min_words:
            places[key].append(position)
    yield from (positions for positions in places.values() if len(positions) > 1)
