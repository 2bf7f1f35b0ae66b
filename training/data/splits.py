"""Which row may be learned from, and which is kept back; and texts that are nearly the same.

Whole groups (articles, pages, outlets, blocks of a file) go to one part, some outlets are kept back
altogether, and sentences that are nearly the same as one kept back are removed from what is learned
from. Everything follows from the seed and the texts; nothing is stored.

What a user adds to the corpora is split beside them, by the same rules: it never moves a row of
theirs.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    Groups,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.data.examples import Examples
from numpy.typing import NDArray

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNSEEN, REMOVED = "unseen_outlet", "removed"
PARTS = (TRAIN, VALIDATION, TEST, UNSEEN, REMOVED)

VALIDATION_SHARE, TEST_SHARE, UNSEEN_SHARE = 0.10, 0.15, 0.10

LEAST_OUTLETS = 10
"""A user's own file needs so many for one of them to be kept back whole."""

_OUTLETS = tomllib.loads(
    files("framescope.training.data").joinpath("outlets.toml").read_text("utf-8")
)
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
    """Return every row its part.

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


def assign_beside(
    split: Split, added: Examples, files: NDArray[np.intp], seed: int = DEFAULT_SEED
) -> Examples:
    """Return the rows of a user's own files their parts, beside corpora that are split already.

    Each file splits by itself, in the order given, so that another file changes nothing: 15% of its
    articles are for the test and 10% for validation. Where it has articles of ten outlets or more,
    whole outlets that the corpora don't teach are kept back first, up to 10% of the articles. An
    article that is nearly the same as one of the corpora, or of a file before, goes where that one
    is. Of two sentences that are nearly the same and may not both stay, the one that was added is
    removed, whichever part it is in.

    Parameters
    ----------
    split : Split
        Of the corpora; its rows are not touched.
    added : Examples
        n rows, in the columns of the split's.
    files : ndarray of int, shape (n,)
        The number of the file that each is of.
    seed : int
        Orders the groups.

    Returns
    -------
    rows : Examples
        The rows that were added, with their parts.
    """
    known, n = split.examples, len(split.examples)
    together = known.followed_by(added)
    group, _ = _grouped(together)
    part_of = _parts_of_groups(known, group[:n])
    taught = np.isin(known.part, (TRAIN, VALIDATION))
    taken = {outlet.casefold() for outlet in known.outlet[taught].tolist()}
    unseen: set[str] = set()
    for file in np.unique(files):
        members = _members(added, group[n:], files == file)
        unseen |= _draw_outlets(members, part_of, taken, unseen, seed)
        _draw("", members, _ordered(members, seed), part_of)
        taken |= {x.casefold() for one in members.values() for x in one.outlets - unseen}
    mine = np.array([part_of[name] for name in group[n:]], dtype="<U13")
    # As `_of_seen_outlet`: the other side of a reprint.
    mine[(mine == UNSEEN) & ~np.isin(added.outlet, sorted(unseen))] = REMOVED
    part = _apart(np.concatenate([known.part, mine]), _pairs(together), n)
    return replace(added, part=part[n:])


def _apart(part: NDArray[np.str_], pairs: NDArray[np.intp], n: int) -> NDArray[np.str_]:
    """Remove rows from the n-th on that are nearly the same as one of a part they may not touch."""
    part = part.copy()
    pairs = pairs[(pairs >= n).any(axis=1)]
    beside = pairs[(pairs < n).any(axis=1)]
    # What is learned from stays, if it was there before: then nothing may be tested on it.
    for low, high in _order():
        touching = _touching(part, beside, high, low)
        part[touching[touching >= n]] = REMOVED
    for low, high in _order():
        touching = _touching(part, pairs, low, high)
        part[touching[touching >= n]] = REMOVED
    return part


def _parts_of_groups(examples: Examples, group: NDArray[np.str_]) -> dict[str, str]:
    """Tell where each group is; where it is divided, the part that must be kept apart most."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, part in zip(group.tolist(), examples.part.tolist(), strict=True):
        found[name].add(part)
    order = (UNSEEN, TEST, VALIDATION, TRAIN, REMOVED)
    return {name: next(p for p in order if p in parts) for name, parts in found.items()}


def _draw_outlets(
    members: Mapping[str, _Group],
    part_of: dict[str, str],
    taken: Collection[str],
    before: Collection[str],
    seed: int,
) -> set[str]:
    """Keep whole outlets back: those kept back before, and some that are drawn. Gives the latter.

    `taken` are the outlets, case-folded, that are learned from.
    """
    outlets: dict[str, list[str]] = defaultdict(list)
    for name, one in members.items():
        for outlet in one.outlets - {""}:
            outlets[outlet].append(name)
    for name in (name for outlet in before for name in outlets.pop(outlet, ())):
        part_of.setdefault(name, UNSEEN)
    drawn: set[str] = set()
    left = round(UNSEEN_SHARE * sum(one.articles for one in members.values()))
    for outlet in _ordered(outlets, seed) if len(outlets) >= LEAST_OUTLETS else ():
        names = outlets[outlet]
        size = sum(members[name].articles for name in names)
        if size <= left and outlet.casefold() not in taken and part_of.keys().isdisjoint(names):
            part_of.update(dict.fromkeys(names, UNSEEN))
            drawn.add(outlet)
            left -= size
    return drawn


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
        members = _members(examples, group, examples.corpus == corpus)
        _draw(corpus, members, _ordered(members, seed), part_of)
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


def _ordered(names: Iterable[str], seed: int) -> list[str]:
    """Order names by chance, the same for a seed."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())


def _members(
    examples: Examples, group: NDArray[np.str_], rows: NDArray[np.bool_]
) -> dict[str, _Group]:
    articles: dict[str, set[str]] = defaultdict(set)
    outlets: dict[str, set[str]] = defaultdict(set)
    for row in np.flatnonzero(rows):
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
    """Return the rows of ``low`` that are nearly the same as a row of ``high``."""
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
    """Return the parts that must not overlap: the one rows are removed from, and the other."""
    # Validation first: a validation row that goes need not cost a training row as well.
    for low in (VALIDATION, TRAIN):
        yield from ((low, TEST), (low, UNSEEN))
    yield TRAIN, VALIDATION
