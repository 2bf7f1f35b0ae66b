"""Which rows may be learned from, and which are held out.

Whole groups (articles, pages, outlets, blocks of a file) go to one part, some outlets are held out
altogether, and sentences that are nearly the same as a held-out one are removed from training.
Everything follows from the seed and the texts. What a user adds to the corpora is split beside
them, and never moves a row of theirs.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import combinations

import numpy as np
from framescope.training import DEFAULT_SEED
from framescope.training.data.duplicates import (
    ARTICLE_THRESHOLD,
    ARTICLE_WORDS,
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.data.examples import Examples, Mask, Text
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNSEEN, REMOVED = "unseen_outlet", "removed"
PARTS = (TRAIN, VALIDATION, TEST, UNSEEN, REMOVED)

_VALIDATION_SHARE, _TEST_SHARE, _UNSEEN_SHARE = 0.10, 0.15, 0.10
_LEAST_OUTLETS = 10  # in a user's own file for some of them to be held out

# Parts that may not overlap: the one that rows are removed from, and the other. Validation comes
# first, since a validation row that is removed need not cost a training row as well.
_APART = (
    (VALIDATION, TEST),
    (VALIDATION, UNSEEN),
    (TRAIN, TEST),
    (TRAIN, UNSEEN),
    (TRAIN, VALIDATION),
)

_OUTLETS = tomllib.loads(
    files("framescope.training.data").joinpath("outlets.toml").read_text("utf-8")
)
UNSEEN_OUTLETS: Mapping[str, frozenset[str]] = {
    corpus: frozenset(outlets) for corpus, outlets in _OUTLETS["unseen"].items()
}
"""Outlets that are held out, by corpus."""
_DRAWN_EXCEPT: Mapping[str, frozenset[str]] = {
    corpus: frozenset(outlets) for corpus, outlets in _OUTLETS["drawn_except"].items()
}
"""By corpus whose held-out outlets are drawn, those that are not drawn."""
ORDINARY_OUTLETS = frozenset(_OUTLETS["ordinary"]["allsides"])


@dataclass(frozen=True, slots=True)
class Overlap:
    """Number of rows of a part like a row of a held-out part, before and after removal."""

    part: str
    held_out: str
    before: int
    after: int


@dataclass(frozen=True)
class Split:
    """All rows with their parts.

    `merged` groups were joined to another, since articles of both are nearly the same.
    """

    examples: Examples
    seed: int
    merged: int
    overlap: tuple[Overlap, ...]

    def _digest(self, rows: NDArray[np.intp]) -> str:
        total, sentences = hashlib.sha256(), self.examples.sentences
        for row, part in zip(rows.tolist(), self.examples.part[rows].tolist(), strict=True):
            one = sentences[row]
            total.update(f"{one.article_id}\t{one.index}\t{part}\n".encode())
        return total.hexdigest()

    @property
    def held_out(self) -> dict[str, str]:
        """SHA-256 over the rows that each corpus holds out to test on.

        A bundle trained with the same digest may be judged by those rows, whatever other corpora
        there were.
        """
        kept, corpus = np.isin(self.examples.part, (TEST, UNSEEN)), self.examples.corpus
        corpora = dict.fromkeys(corpus.tolist())
        return {name: self._digest(np.flatnonzero(kept & (corpus == name))) for name in corpora}

    @property
    def signature(self) -> str:
        """SHA-256 over article, position and part of every row, which identifies the split."""
        return self._digest(np.arange(len(self.examples)))


def assign(examples: Examples, seed: int = DEFAULT_SEED) -> Split:
    """Assign each row a part.

    Of each corpus, 10% of the articles are for validation and 15% for the test, drawn by group, and
    whole outlets are held out. Articles that are nearly the same, in one corpus or in two, are one
    group. Rows of ``train`` and ``validation`` that are nearly the same as a held-out row are
    ``removed``, and so are rows of ``train`` that are nearly the same as a validation row.

    Load every corpus, split, and then select: a corpus split alone may differ by the few articles
    that it shares with others.
    """
    group, merged = _grouped(examples)
    part = _drawn(examples, group, seed)
    pairs = _pairs(examples)
    kept = part.copy()
    for low, high in _APART:
        kept[_touching(kept, pairs, low, high)] = REMOVED
    overlap = tuple(
        Overlap(low, high, *(len(_touching(now, pairs, low, high)) for now in (part, kept)))
        for low, high in _APART
    )
    return Split(replace(examples, part=kept), seed, merged, overlap)


def assign_beside(
    split: Split, added: Examples, file_of: NDArray[np.intp], seed: int = DEFAULT_SEED
) -> Examples:
    """Assign parts to the rows of a user's own files, beside corpora that are split already.

    Each file splits by itself, in order, so that another file changes nothing: 15% of its articles
    are for the test and 10% for validation. If it has articles of ten outlets or more, whole
    outlets that nothing before teaches are held out first, up to 10% of the articles. An article
    that is nearly the same as one before goes where that one is. Of two sentences that are nearly
    the same and may not both stay, the added one is removed, whichever part it is in.

    `added` has the columns of the split's rows, and `file_of` the number of each row's file.
    """
    known, n = split.examples, len(split.examples)
    together = known.followed_by(added)
    group, _ = _grouped(together)
    part_of = _parts_of_groups(known, group[:n])
    taught = np.isin(known.part, (TRAIN, VALIDATION))
    taken = {outlet.casefold() for outlet in known.outlet[taught].tolist()}
    unseen: set[str] = set()
    for file in np.unique(file_of):
        members = _members(added, group[n:], file_of == file)
        unseen |= _draw_outlets(members, part_of, taken, unseen, seed)
        _draw("", members, _ordered(members, seed), part_of)
        taken |= {x.casefold() for one in members.values() for x in one.outlets - unseen}
    mine = np.array([part_of[name] for name in group[n:]], dtype="<U13")
    # As in `_of_seen_outlet`: the other side of a reprint.
    mine[(mine == UNSEEN) & ~np.isin(added.outlet, sorted(unseen))] = REMOVED
    part = _apart(np.concatenate([known.part, mine]), _pairs(together), n)
    return replace(added, part=part[n:])


def _apart(part: Text, pairs: NDArray[np.intp], n: int) -> Text:
    """Remove rows from the n-th on that are nearly the same as one of a part they may not touch."""
    part = part.copy()
    pairs = pairs[(pairs >= n).any(axis=1)]
    beside = pairs[(pairs < n).any(axis=1)]
    # Earlier training rows stay, so nothing may be tested on rows like them.
    flipped = [(beside, high, low) for low, high in _APART]
    for where, low, high in (*flipped, *((pairs, low, high) for low, high in _APART)):
        touching = _touching(part, where, low, high)
        part[touching[touching >= n]] = REMOVED
    return part


def _parts_of_groups(examples: Examples, group: Text) -> dict[str, str]:
    """Return where each group is: of a divided one, the part that must be kept apart most."""
    order = (REMOVED, TRAIN, VALIDATION, TEST, UNSEEN)
    return {
        name: part for part in order for name in np.unique(group[examples.part == part]).tolist()
    }


@dataclass(frozen=True, slots=True)
class _Group:
    """The number of a group's articles, and their outlets."""

    articles: int
    outlets: frozenset[str]


def _members(examples: Examples, group: Text, rows: Mask) -> dict[str, _Group]:
    articles: dict[str, set[str]] = defaultdict(set)
    outlets: dict[str, set[str]] = defaultdict(set)
    columns = (group, examples.article, examples.outlet)
    for name, article, outlet in zip(*(one[rows].tolist() for one in columns), strict=True):
        articles[name].add(article)
        outlets[name].add(outlet)
    return {name: _Group(len(articles[name]), frozenset(outlets[name])) for name in articles}


def _draw_outlets(
    members: Mapping[str, _Group],
    part_of: dict[str, str],
    taken: Collection[str],
    before: Collection[str],
    seed: int,
) -> set[str]:
    """Hold out the outlets held out `before`, and some that are drawn; return the latter.

    `taken` are the outlets, case-folded, that are learned from.
    """
    outlets: dict[str, list[str]] = defaultdict(list)
    for name, one in members.items():
        for outlet in one.outlets - {""}:
            outlets[outlet].append(name)
    for outlet in before:
        for name in outlets.pop(outlet, ()):
            part_of.setdefault(name, UNSEEN)
    drawn: set[str] = set()
    left = round(_UNSEEN_SHARE * sum(one.articles for one in members.values()))
    for outlet in _ordered(outlets, seed) if len(outlets) >= _LEAST_OUTLETS else ():
        names = outlets[outlet]
        size = sum(members[name].articles for name in names)
        if size <= left and outlet.casefold() not in taken and part_of.keys().isdisjoint(names):
            part_of.update(dict.fromkeys(names, UNSEEN))
            drawn.add(outlet)
            left -= size
    return drawn


def _grouped(examples: Examples) -> tuple[Text, int]:
    """Merge groups of articles that are nearly the same, under the first of their names."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sentence in examples.sentences:
        texts[sentence.article_id].append(sentence.text)
    names, codes = np.unique(examples.group, return_inverse=True)
    code_of = dict(zip(examples.article.tolist(), codes.tolist(), strict=True))
    sets = [shingles(" ".join(lines), ARTICLE_WORDS) for lines in texts.values()]
    own = [code_of[article] for article in texts]
    pairs = [(own[a], own[b]) for a, b in similar_pairs(sets, ARTICLE_THRESHOLD)]
    edges = np.array(pairs, np.intp).reshape(-1, 2).T
    links = coo_array((np.ones(len(pairs)), edges), shape=(len(names), len(names)))
    count, merged_of = connected_components(links, directed=False)
    _, first = np.unique(merged_of, return_index=True)
    return names[first][merged_of][codes], len(names) - count


def _drawn(examples: Examples, group: Text, seed: int) -> Text:
    """Draw the parts, group by group, in the order of the corpora."""
    part_of: dict[str, str] = {}
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        members = _members(examples, group, examples.corpus == corpus)
        _draw(corpus, members, _ordered(members, seed), part_of)
    part = np.array([part_of[name] for name in group], dtype="<U13")
    part[(part == UNSEEN) & _of_seen_outlet(examples)] = REMOVED
    return part


def _draw(
    corpus: str, members: Mapping[str, _Group], order: Sequence[str], part_of: dict[str, str]
) -> None:
    """Draw one corpus' groups in the order given; those drawn with another corpus stay there."""

    def size(part: str) -> int:
        return sum(one.articles for name, one in members.items() if part_of.get(name) == part)

    def fill(names: Iterable[str], part: str, target: float) -> None:
        """Put groups into a part up to that many articles; a group that is too large is passed."""
        held = size(part)
        for name in names:
            if name not in part_of and held + members[name].articles <= round(target):
                part_of[name] = part
                held += members[name].articles

    total = sum(one.articles for one in members.values())
    for name in order:
        if members[name].outlets & UNSEEN_OUTLETS.get(corpus, frozenset()):
            part_of[name] = UNSEEN
    if corpus in _DRAWN_EXCEPT:
        drawable = [n for n in order if not members[n].outlets & _DRAWN_EXCEPT[corpus]]
        fill(drawable, UNSEEN, _UNSEEN_SHARE * total)
    seen = total - size(UNSEEN)
    fill(order, TEST, _TEST_SHARE * seen)
    fill(order, VALIDATION, _VALIDATION_SHARE * seen)
    for name in order:
        part_of.setdefault(name, TRAIN)


def _of_seen_outlet(examples: Examples) -> Mask:
    """Mark rows that can't be of an unseen outlet themselves.

    In an unseen outlet's group, such a row is a reprint, or the original of one: it can neither be
    learned from nor stand for an outlet that is held out.
    """
    seen = ~np.isin(examples.corpus, list(_DRAWN_EXCEPT))
    for corpus, outlets in UNSEEN_OUTLETS.items():
        seen &= ~((examples.corpus == corpus) & np.isin(examples.outlet, list(outlets)))
    return seen


def _ordered(names: Iterable[str], seed: int) -> list[str]:
    """Shuffle names by the seed."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())


def _pairs(examples: Examples) -> NDArray[np.intp]:
    """Find the pairs of rows that are nearly the same; shape (n_pairs, 2)."""
    texts = [sentence.text for sentence in examples.sentences]
    sets = [shingles(text, SENTENCE_WORDS) for text in texts]
    found = set(similar_pairs(sets, SENTENCE_THRESHOLD))
    for rows in same_words(texts):
        found.update(combinations(rows, 2))
    return np.array(sorted(found), dtype=np.intp).reshape(-1, 2)


def _touching(part: Text, pairs: NDArray[np.intp], low: str, high: str) -> NDArray[np.intp]:
    """Return the rows of ``low`` that are nearly the same as a row of ``high``."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return np.unique(both[(part[both[:, 0]] == low) & (part[both[:, 1]] == high), 0])
