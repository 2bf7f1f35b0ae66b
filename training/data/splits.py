"""Which rows may be learned from, and which are held out (docs/corpora.md); from seed and texts.

Texts are nearly the same when their sets of word 5-grams have a high Jaccard index. Pairs are found
by prefix filtering (Chaudhuri, Ganti, Kaushik, 2006): two sets that similar share one of the few
rarest shingles of each, so only those are looked up, and then verified. The result is exact.
"""

import hashlib
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import chain, combinations, product
from math import ceil

import numpy as np
from framescope.classifier.records import Sentence
from framescope.training import DEFAULT_SEED
from framescope.training.data.examples import Examples, Mask, Text
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

TRAIN, VALIDATION, TEST = "train", "validation", "test"
UNSEEN, REMOVED = "unseen_outlet", "removed"
PARTS = (TRAIN, VALIDATION, TEST, UNSEEN, REMOVED)

SENTENCE_THRESHOLD = 0.8  # Jaccard index
SENTENCE_WORDS = 8  # shorter ones are only compared as wholes
ARTICLE_THRESHOLD = 0.5  # a reprint keeps its paragraphs, but loses or gains some
ARTICLE_WORDS = 60  # shorter ones are not compared

_SHINGLE = 5  # words; unrelated sentences seldom share five in a row
# Chinese characters are words of their own.
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")
Shingles = frozenset[int]

_VALIDATION_SHARE, _TEST_SHARE, _UNSEEN_SHARE = 0.10, 0.15, 0.10
_LEAST_OUTLETS = 10  # in a user's own file for some of them to be held out

# Parts that may not overlap: the one that rows are removed from, and the other. Validation comes
# first, since a validation row that is removed need not cost a training row as well.
_APART = (*product((VALIDATION, TRAIN), (TEST, UNSEEN)), (TRAIN, VALIDATION))

_KEPT = tomllib.loads(files("framescope.training.data").joinpath("outlets.toml").read_text("utf-8"))
# By corpus: outlets that are held out; and where those are drawn, the outlets that are not drawn.
UNSEEN_OUTLETS, _DRAWN_EXCEPT = (
    {corpus: frozenset[str](outlets) for corpus, outlets in _KEPT[key].items()}
    for key in ("unseen", "drawn_except")
)
_WHOLE: Mapping[str, str] = _KEPT["whole"]
_GIVEN: Mapping[str, Mapping[str, str]] = _KEPT["given"]
ORDINARY_OUTLETS = frozenset(_KEPT["ordinary"]["allsides"])


@dataclass(frozen=True, slots=True)
class Overlap:
    """Number of rows of a part like a row of a held-out part, before and after removal."""

    part: str
    held_out: str
    before: int
    after: int


@dataclass(frozen=True)
class Split:
    """All rows with their parts."""

    examples: Examples
    seed: int
    merged: int  # groups that were joined, since articles of both are nearly the same
    overlap: tuple[Overlap, ...]

    @property
    def held_out(self) -> dict[str, str]:
        """SHA-256 over each corpus' held-out rows: a bundle with the same may be judged by them."""
        kept, corpus = np.isin(self.examples.part, (TEST, UNSEEN)), self.examples.corpus
        corpora = dict.fromkeys(corpus.tolist())
        return {one: _digest(self.examples.where(kept & (corpus == one))) for one in corpora}

    @property
    def signature(self) -> str:
        """SHA-256 over article, position and part of every row, which identifies the split."""
        return _digest(self.examples)


def _digest(examples: Examples) -> str:
    pairs = zip(examples.sentences, examples.part.tolist(), strict=True)
    rows = "".join(f"{one.article_id}\t{one.index}\t{part}\n" for one, part in pairs)
    return hashlib.sha256(rows.encode()).hexdigest()


def assign(examples: Examples, seed: int = DEFAULT_SEED) -> Split:
    """Assign each row a part.

    Load every corpus, split, and then select: a corpus split alone may differ by the few articles
    that it shares with others.
    """
    group, merged = _grouped(examples)
    part, pairs = _drawn(examples, group, seed), similar_rows(examples.sentences)
    kept = part.copy()
    for low, high in _APART:
        kept[_touching(kept, pairs, low, high)] = REMOVED
    overlap = tuple(
        Overlap(low, high, *(len(_touching(now, pairs, low, high)) for now in (part, kept)))
        for low, high in _APART
    )
    return Split(replace(examples, part=kept), seed, merged, overlap)


def assign_beside(split: Split, added: Examples, file_of: NDArray[np.intp], seed: int) -> Examples:
    """Assign parts to the rows of a user's own files, beside corpora that are split already.

    Each file (`file_of`: the number of each row's) splits by itself, in order, so that another file
    changes nothing. With ten outlets or more, whole outlets that nothing before teaches are held
    out first. An article that is nearly the same as one before goes where that one is; of two
    sentences that are nearly the same and may not both stay, the added one is removed.
    """
    known, n = split.examples, len(split.examples)
    together = known.followed_by(added)
    group, _ = _grouped(together)
    # Of a divided group, the part that must be kept apart most.
    rows_of = {part: known.part == part for part in (REMOVED, TRAIN, VALIDATION, TEST, UNSEEN)}
    part_of = {name: part for part, rows in rows_of.items() for name in group[:n][rows].tolist()}
    taught = np.isin(known.part, (TRAIN, VALIDATION))
    taken = {outlet.casefold() for outlet in known.outlet[taught].tolist()}
    unseen: set[str] = set()
    for file in np.unique(file_of):
        members = _members(added, group[n:], file_of == file)
        unseen |= _draw_outlets(members, part_of, taken, unseen, seed)
        _draw("", members, ordered(members, seed), part_of)
        taken |= {x.casefold() for one in members.values() for x in {*one.values()} - unseen}
    mine = np.array([part_of[name] for name in group[n:]], dtype="<U13")
    # As in `_of_seen_outlet`: the other side of a reprint.
    mine[(mine == UNSEEN) & ~np.isin(added.outlet, sorted(unseen))] = REMOVED
    part = _apart(np.concatenate([known.part, mine]), similar_rows(together.sentences), n)
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


_Members = Mapping[str, Mapping[str, str]]  # by group the outlet of each article


def _members(examples: Examples, group: Text, rows: Mask) -> _Members:
    members: dict[str, dict[str, str]] = defaultdict(dict)
    columns = (group, examples.article, examples.outlet)
    for name, article, outlet in zip(*(one[rows].tolist() for one in columns), strict=True):
        members[name][article] = outlet
    return members


def _draw_outlets(
    members: _Members, part_of: dict[str, str], taken: set[str], before: set[str], seed: int
) -> set[str]:
    """Hold out outlets held out `before`; draw others, not `taken` (case-folded); return these."""
    outlets: dict[str, list[str]] = defaultdict(list)
    for name, one in members.items():
        for outlet in {*one.values()} - {""}:
            outlets[outlet].append(name)
    for outlet in before:
        for name in outlets.pop(outlet, ()):
            part_of.setdefault(name, UNSEEN)
    drawn: set[str] = set()
    left = round(_UNSEEN_SHARE * sum(map(len, members.values())))
    for outlet in ordered(outlets, seed) if len(outlets) >= _LEAST_OUTLETS else ():
        names = outlets[outlet]
        size = sum(len(members[name]) for name in names)
        if size <= left and outlet.casefold() not in taken and part_of.keys().isdisjoint(names):
            part_of.update(dict.fromkeys(names, UNSEEN))
            drawn.add(outlet)
            left -= size
    return drawn


def _grouped(examples: Examples) -> tuple[Text, int]:
    """Merge groups of articles that are nearly the same, under the first of their names."""
    texts = article_texts(examples)
    names, codes = np.unique(examples.group, return_inverse=True)
    code_of = dict(zip(examples.article.tolist(), codes.tolist(), strict=True))
    own = [code_of[article] for article in texts]
    pairs = [(own[a], own[b]) for a, b in similar_articles(texts.values())]
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
        _draw(corpus, members, ordered(members, seed), part_of)
    part = np.array([part_of[name] for name in group], dtype="<U13")
    part[(part == UNSEEN) & _of_seen_outlet(examples)] = REMOVED
    return part


def _draw(corpus: str, members: _Members, order: Sequence[str], part_of: dict[str, str]) -> None:
    """Draw one corpus' groups in the order given; those drawn with another corpus stay there."""

    def size(part: str) -> int:
        return sum(len(one) for name, one in members.items() if part_of.get(name) == part)

    def fill(names: Iterable[str], part: str, target: float) -> None:
        """Put groups into a part up to that many articles; a group that is too large is passed."""
        held = size(part)
        for name in names:
            if name not in part_of and held + len(members[name]) <= round(target):
                part_of[name] = part
                held += len(members[name])

    total = sum(map(len, members.values()))
    for name in order:
        if not UNSEEN_OUTLETS.get(corpus, frozenset()).isdisjoint(members[name].values()):
            part_of[name] = UNSEEN
    for name in order if corpus in _WHOLE else ():
        part_of.setdefault(name, _WHOLE[corpus])
    given = _GIVEN.get(corpus, {})
    for name in order if given else ():
        if (first := name.split("/")[1]) in given:
            part_of.setdefault(name, given[first])
    if corpus in _DRAWN_EXCEPT:
        drawable = [n for n in order if _DRAWN_EXCEPT[corpus].isdisjoint(members[n].values())]
        fill(drawable, UNSEEN, _UNSEEN_SHARE * total)
    seen = total - size(UNSEEN)
    if corpus not in _GIVEN:
        fill(order, TEST, _TEST_SHARE * seen)
    if VALIDATION not in given.values():
        fill(order, VALIDATION, _VALIDATION_SHARE * seen)
    for name in order:
        part_of.setdefault(name, TRAIN)


def _of_seen_outlet(examples: Examples) -> Mask:
    """Mark rows of no unseen outlet: in such an outlet's group, reprints or originals of them."""
    # Articles in another corpus' groups are versions of that corpus' articles, in its parts.
    family = np.array([name.partition("/")[0] for name in examples.group.tolist()], np.str_)
    versions = (family != examples.corpus) & ~np.isin(examples.corpus, list(UNSEEN_OUTLETS))
    seen: Mask = ~np.isin(examples.corpus, list(_DRAWN_EXCEPT)) & ~versions
    for corpus, outlets in UNSEEN_OUTLETS.items():
        seen &= ~((examples.corpus == corpus) & np.isin(examples.outlet, list(outlets)))
    return seen


def ordered(names: Iterable[str], seed: object) -> list[str]:
    """Return names in a random order that follows from the seed."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}|{name}".encode()).digest())


def article_texts(examples: Examples) -> dict[str, str]:
    """Return the sentences of each article as one text."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sentence in examples.sentences:
        texts[sentence.article_id].append(sentence.text)
    return {article: " ".join(lines) for article, lines in texts.items()}


def similar_articles(texts: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of articles that are nearly the same, the earlier one first."""
    return similar_pairs([shingles(text, ARTICLE_WORDS) for text in texts], ARTICLE_THRESHOLD)


def similar_rows(sentences: Iterable[Sentence]) -> NDArray[np.intp]:
    """Return the pairs of sentences that are nearly the same, the earlier one first; (n, 2)."""
    texts = [sentence.text for sentence in sentences]
    sets = [shingles(text, SENTENCE_WORDS) for text in texts]
    found = set(similar_pairs(sets, SENTENCE_THRESHOLD))
    for rows in same_words(texts):
        found.update(combinations(rows, 2))
    return np.array(sorted(found), dtype=np.intp).reshape(-1, 2)


def _touching(part: Text, pairs: NDArray[np.intp], low: str, high: str) -> NDArray[np.intp]:
    """Return the rows of ``low`` that are nearly the same as a row of ``high``."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    return np.unique(both[(part[both[:, 0]] == low) & (part[both[:, 1]] == high), 0])


def shingles(text: str, min_words: int = _SHINGLE) -> Shingles:
    """Hash the word 5-grams of a text; return none if it has fewer than ``min_words`` words."""
    found = _WORD.findall(text.lower())
    if len(found) < max(min_words, _SHINGLE):
        return frozenset()
    # These hashes hold within one process; they are never stored.
    return frozenset(map(hash, zip(*(found[at:] for at in range(_SHINGLE)), strict=False)))


def similar_pairs(sets: Sequence[Shingles], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield each pair of sets, none empty, whose Jaccard index reaches a threshold."""
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
        places[tuple(_WORD.findall(text.lower()))].append(position)
    return (at for words, at in places.items() if len(at) > 1 and len(words) >= min_words)
