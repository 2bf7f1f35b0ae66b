"""Which row may be learned from, and which is kept back; and texts that are nearly the same.

Whole groups (articles, pages, outlets, blocks of a file) go to one part, some outlets are kept back
altogether, and sentences that are nearly the same as one kept back are removed from what is learned
from. Everything follows from the seed and the texts; nothing is stored.

Two texts are near-duplicates when the Jaccard index of their sets of word 5-grams (shingles) is at
least a threshold. Pairs are found by prefix filtering (Chaudhuri, Ganti, Kaushik, 2006): two sets
that similar must share one of the few rarest shingles of each, so only those are looked up, and
what is looked up is verified. Nothing is missed, and no hashing scheme has to be tuned.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import chain, combinations
from math import ceil

import numpy as np
from numpy.typing import NDArray

from training import DEFAULT_SEED
from training.data.examples import Examples

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNSEEN, REMOVED = "unseen_outlet", "removed"
PARTS = (TRAIN, VALIDATION, TEST, UNSEEN, REMOVED)

VALIDATION_SHARE, TEST_SHARE, UNSEEN_SHARE = 0.10, 0.15, 0.10

SENTENCE_THRESHOLD = 0.8  # Jaccard index of word 5-grams
SENTENCE_WORDS = 8  # shorter ones are only compared as wholes
ARTICLE_THRESHOLD = 0.5  # a reprint keeps its paragraphs, but loses or gains some
ARTICLE_WORDS = 60  # shorter ones are not compared

_OUTLETS = tomllib.loads(files("training.data").joinpath("outlets.toml").read_text("utf-8"))
# Kept back whole, by corpus; and those that are not drawn, where whole outlets are.
UNSEEN_OUTLETS: Mapping[str, frozenset[str]] = {
    corpus: frozenset(outlets) for corpus, outlets in _OUTLETS["unseen"].items()
}
DRAWN_EXCEPT: Mapping[str, frozenset[str]] = {
    corpus: frozenset(outlets) for corpus, outlets in _OUTLETS["drawn_except"].items()
}
ORDINARY_OUTLETS = frozenset(_OUTLETS["ordinary"]["allsides"])
"""Of the collection of articles: see `training.data.unlabelled.ordinary`."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Rows of one part that are nearly the same as a row of a part that is kept back.

    `before` and `after` removal there are so many rows of `part`.
    """

    part: str
    held_out: str
    before: int
    after: int


@dataclass(frozen=True)
class Split:
    """Examples with their parts, and what was found on the way.

    `examples` are all rows, with `part` set; so many groups were `merged`, as articles of theirs
    are nearly the same.
    """

    examples: Examples
    seed: int
    merged: int
    overlap: tuple[Overlap, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the rows of each part, by corpus."""
        found = Counter(zip(self.examples.corpus, self.examples.part, strict=True))
        corpora = dict.fromkeys(map(str, self.examples.corpus))
        return {c: {part: found[c, part] for part in PARTS} for c in corpora}

    @property
    def held_out(self) -> dict[str, str]:
        """SHA-256 over the rows that each corpus keeps back to test on, by corpus.

        A bundle that was trained with the same one may be judged by those rows, whatever other
        corpora there were.
        """
        totals = {corpus: hashlib.sha256() for corpus in dict.fromkeys(self.examples.corpus)}
        for row in np.flatnonzero(np.isin(self.examples.part, (TEST, UNSEEN))):
            sentence, part = self.examples.sentences[row], self.examples.part[row]
            line = f"{sentence.article_id}\t{sentence.index}\t{part}\n"
            totals[self.examples.corpus[row]].update(line.encode())
        return {str(corpus): total.hexdigest() for corpus, total in totals.items()}

    @property
    def signature(self) -> str:
        """SHA-256 over article, position and part of every row: proof of the same split."""
        total = hashlib.sha256()
        rows = zip(self.examples.sentences, self.examples.part, strict=True)
        for sentence, part in rows:
            total.update(f"{sentence.article_id}\t{sentence.index}\t{part}\n".encode())
        return total.hexdigest()


def assign(examples: Examples, seed: int = DEFAULT_SEED) -> Split:
    """Give every row its part.

    For each corpus 10% of the articles are for validation and 15% for the test, drawn by group;
    whole outlets are kept back besides (`UNSEEN_OUTLETS`, `DRAWN_EXCEPT`). Articles that are
    nearly the same, in one corpus or in two, are one group. Rows of ``train`` and ``validation``
    that are nearly the same as a row kept back are ``removed``, and so are rows of ``train`` that
    are nearly the same as a validation row.

    Load every corpus, split, and then select: the parts of a corpus split alone may differ by the
    few articles that it shares with others.

    Parameters
    ----------
    examples : Examples
    seed : int
        Orders the groups; the same seed and texts give the same split.
    """
    groups, merged = _grouped(examples)
    part = _drawn(examples, groups, seed)
    pairs = _pairs(examples)
    removed = _without_overlap(part, pairs)
    overlap = tuple(
        Overlap(low, high, *(len(_touching(now, pairs, low, high)) for now in (part, removed)))
        for low, high in _order()
    )
    return Split(replace(examples, part=removed), seed, merged, overlap)


def _grouped(examples: Examples) -> tuple[NDArray[np.str_], int]:
    """Merge the groups of articles that are nearly the same."""
    texts: dict[str, list[str]] = defaultdict(list)
    group_of: dict[str, str] = {}
    for sentence, group in zip(examples.sentences, examples.group, strict=True):
        texts[sentence.article_id].append(sentence.text)
        group_of[sentence.article_id] = str(group)
    names = list(texts)
    sets = [shingles(" ".join(texts[name]), ARTICLE_WORDS) for name in names]
    groups = Groups()
    merged = sum(
        groups.merge(group_of[names[left]], group_of[names[right]])
        for left, right in similar_pairs(sets, ARTICLE_THRESHOLD)
    )
    return np.array([groups.find(str(group)) for group in examples.group], dtype=np.str_), merged


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's articles within one corpus, and whether an outlet is kept back."""

    articles: int
    outlets: frozenset[str]


def _drawn(examples: Examples, group: NDArray[np.str_], seed: int) -> NDArray[np.str_]:
    """Draw the parts, group by group and corpus by corpus, in the order of the corpora."""
    part_of: dict[str, str] = {}
    for corpus in dict.fromkeys(map(str, examples.corpus)):
        members = _members(examples, group, corpus)
        order = sorted(members, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())
        _draw(corpus, members, order, part_of)
    part = np.array([part_of[name] for name in group], dtype="<U13")
    part[(part == UNSEEN) & _of_seen_outlet(examples)] = REMOVED
    return part


def _draw(
    corpus: str, members: Mapping[str, _Group], order: Sequence[str], part_of: dict[str, str]
) -> None:
    """Draw one corpus' groups in the order given; those drawn with another corpus stay there."""
    total = sum(one.articles for one in members.values())
    for name in order:
        if members[name].outlets & UNSEEN_OUTLETS.get(corpus, frozenset()):
            part_of[name] = UNSEEN
    if corpus in DRAWN_EXCEPT:
        drawable = [n for n in order if not members[n].outlets & DRAWN_EXCEPT[corpus]]
        _fill(drawable, members, part_of, UNSEEN, UNSEEN_SHARE * total)
    seen = total - _size(members, part_of, UNSEEN)
    _fill(order, members, part_of, TEST, TEST_SHARE * seen)
    _fill(order, members, part_of, VALIDATION, VALIDATION_SHARE * seen)
    for name in order:
        part_of.setdefault(name, TRAIN)


def _of_seen_outlet(examples: Examples) -> NDArray[np.bool_]:
    """Mark rows that can't be of an unseen outlet themselves.

    Such a row in an unseen outlet's group is a reprint, or the original of one: it can neither be
    learned from nor stand for an outlet that was kept back.
    """
    seen = np.ones(len(examples), dtype=bool)
    for corpus in np.unique(examples.corpus):
        own = examples.corpus == corpus
        if corpus in DRAWN_EXCEPT:
            seen[own] = False
        held = list(UNSEEN_OUTLETS.get(str(corpus), ()))
        seen[own & np.isin(examples.outlet, held)] = False
    return seen


def _members(examples: Examples, group: NDArray[np.str_], corpus: str) -> dict[str, _Group]:
    articles: dict[str, set[str]] = defaultdict(set)
    outlets: dict[str, set[str]] = defaultdict(set)
    for row in np.flatnonzero(examples.corpus == corpus):
        articles[str(group[row])].add(str(examples.article[row]))
        outlets[str(group[row])].add(str(examples.outlet[row]))
    return {n: _Group(len(articles[n]), frozenset(outlets[n])) for n in articles}


def _size(members: Mapping[str, _Group], part_of: Mapping[str, str], part: str) -> int:
    return sum(one.articles for name, one in members.items() if part_of.get(name) == part)


def _fill(
    order: Iterable[str],
    members: Mapping[str, _Group],
    part_of: dict[str, str],
    part: str,
    target: float,
) -> None:
    """Put groups into a part until it holds so many articles; one that is too large is passed."""
    size = _size(members, part_of, part)
    for name in order:
        if name not in part_of and size + members[name].articles <= round(target):
            part_of[name] = part
            size += members[name].articles


def _pairs(examples: Examples) -> NDArray[np.intp]:
    """Find the pairs of rows that are nearly the same; shape (n_pairs, 2)."""
    texts = [sentence.text for sentence in examples.sentences]
    sets = [shingles(text, SENTENCE_WORDS) for text in texts]
    found = set(similar_pairs(sets, SENTENCE_THRESHOLD))
    for rows in same_words(texts):
        found.update(combinations(rows, 2))
    return np.array(sorted(found), dtype=np.intp).reshape(-1, 2)


def _touching(
    part: NDArray[np.str_], pairs: NDArray[np.intp], low: str, high: str
) -> NDArray[np.intp]:
    """Give the rows of ``low`` that are nearly the same as a row of ``high``."""
    found = [
        pairs[(part[pairs[:, here]] == low) & (part[pairs[:, there]] == high), here]
        for here, there in ((0, 1), (1, 0))
    ]
    return np.unique(np.concatenate(found))


def _without_overlap(part: NDArray[np.str_], pairs: NDArray[np.intp]) -> NDArray[np.str_]:
    part = part.copy()
    for low, high in _order():
        part[_touching(part, pairs, low, high)] = REMOVED
    return part


def _order() -> Iterator[tuple[str, str]]:
    """Give the parts that must not overlap: the one rows are removed from, and the other."""
    # Validation first: a validation row that goes need not cost a training row as well.
    for low in (VALIDATION, TRAIN):
        yield from ((low, TEST), (low, UNSEEN))
    yield TRAIN, VALIDATION


# --- near-duplicates ------------------------------------------------------------------------------

SHINGLE = 5  # words; unrelated sentences seldom share five in a row
_WORD = re.compile(r"[^\W_]+")

Shingles = frozenset[int]


def words(text: str) -> list[str]:
    """Give the words of a text as they are compared: lower case, letters and digits only."""
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
        """Give the name that stands for the group: the alphabetically first of its members."""
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
