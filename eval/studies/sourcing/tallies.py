"""What is counted of an article's citations, and the figures that counts of many articles give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from framescope.classifier.records import Place, SourceKind, fold
from framescope.eval.metrics import MIN_GROUPS, Estimate, draw, percentile
from framescope.eval.rows import Floats
from framescope.eval.studies.sourcing.judged import (
    ROLES,
    JudgedArticle,
    JudgedCitation,
    JudgedSentence,
    Pieces,
)
from framescope.eval.studies.sourcing.pairs import (
    best_pairs,
    likeness,
    most_pairs,
    overlap,
    same_resolved,
    same_source,
    shared,
)
from numpy.typing import NDArray

CHARACTERS, EXACT, OVERLAP = "characters", "exact", "overlap"
LINKS, LINKS_RESOLVED = "links", "links, resolved"
CITATIONS, CITATIONS_RESOLVED = "citations", "citations, resolved"
KIND, ANTECEDENTS, ANTECEDENTS_FOUND = "kind", "antecedents", "antecedents, of those found"
ON_TOP = ("government", "state_media")
KINDS = tuple(kind.value for kind in SourceKind)
MISSED = "not found"

MEASURES: tuple[str, ...] = (
    "sentences",
    *(f"{role}, {how}" for role in ROLES for how in (CHARACTERS, EXACT, OVERLAP)),
    CITATIONS,
    CITATIONS_RESOLVED,
    *KINDS,
    *ON_TOP,
)
"""What has precision, recall and F1."""
SHARES: tuple[str, ...] = (LINKS, LINKS_RESOLVED, KIND, ANTECEDENTS, ANTECEDENTS_FOUND)
"""What is a share of one whole."""

Counts = NDArray[np.int64]
_Same = Callable[[JudgedCitation, JudgedCitation], bool]


@dataclass(frozen=True, slots=True, eq=False)
class CitationCounts:
    """What was counted of one article.

    ``hits`` of shape (measures, 3), of `MEASURES` and then `SHARES`: how many are right, how many
    were found, how many are marked; of a share the last two are the whole. ``kinds`` of shape
    (kinds, kinds + 1): marked citations of each kind by the kind that they were found to have; last
    those not found.
    """

    hits: Counts
    kinds: Counts


@dataclass(frozen=True, slots=True)
class Extraction:
    """How well something was found, with 95% intervals that resample articles.

    ``n``: how many are marked; of a share, the whole, and all three figures are that share.
    """

    n: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


def tally(article: JudgedArticle) -> CitationCounts:
    """Count everything of an article."""
    hits = {name: np.zeros(3, np.int64) for name in (*MEASURES, *SHARES)}
    kinds = np.zeros((len(KINDS), len(KINDS) + 1), np.int64)
    for role in ROLES:
        for how, counts in zip((CHARACTERS, EXACT, OVERLAP), _spans(article, role), strict=True):
            hits[f"{role}, {how}"] += counts
    for sentence in article.sentences:
        marked, found = map(bool, sentence)
        hits["sentences"] += marked and found, found, marked
        if marked or found:
            _links(sentence, hits)
            _citations(sentence, hits, kinds)
            _antecedents(article, sentence, hits)
    return CitationCounts(np.stack(list(hits.values())), kinds)


# Spans


def _spans(article: JudgedArticle, role: str) -> Iterator[tuple[int, int, int]]:
    """Count a role's characters, its spans to the letter, and its spans that overlap.

    A span that several citations have is one. A content is one span, in however many pieces.
    """
    every = [[one for row in article.sentences for one in row[side]] for side in (0, 1)]
    marked, found = (_covered(one.pieces(role) for one in side) for side in every)
    yield len(marked & found), len(found), len(marked)
    truth, guess = (
        list({t: None for one in side if (t := article.trimmed(one.pieces(role)))})
        for side in every
    )
    yield len({*truth} & {*guess}), len(guess), len(truth)
    yield len(most_pairs(truth, guess, overlap)), len(guess), len(truth)


def _covered(every: Iterable[Pieces]) -> frozenset[int]:
    return frozenset(
        at for pieces in every for place in pieces for at in range(place.start, place.end)
    )


# Whose a content is


def _links(sentence: JudgedSentence, hits: dict[str, Counts]) -> None:
    """Of the contents that both have, count those whose source is the same."""

    def alike(one: JudgedCitation, other: JudgedCitation) -> float:
        return likeness(one, other) if overlap(one.content, other.content) else 0.0

    for one, other in _paired(sentence, most_pairs(*sentence, alike)):
        hits[LINKS] += same_source(one, other), 1, 1
        hits[LINKS_RESOLVED] += same_resolved(one, other), 1, 1


def _citations(sentence: JudgedSentence, hits: dict[str, Counts], kinds: Counts) -> None:
    """Count the citations found, source and content both, and what kinds they were given."""
    marked, found = sentence
    for name, same in ((CITATIONS, same_source), (CITATIONS_RESOLVED, same_resolved)):

        def alike(one: JudgedCitation, other: JudgedCitation, same: _Same = same) -> float:
            return likeness(one, other) if same(one, other) else 0.0

        pairs = most_pairs(marked, found, alike)
        hits[name] += len(pairs), len(found), len(marked)
    # Kinds are those of the resolved pairs, of which there are the most.
    of_found = dict(pairs)
    for number, one in enumerate(marked):
        if one.kind is not None:
            other = found[of_found[number]] if number in of_found else None
            column = KINDS.index(other.kind) if other and other.kind else len(KINDS)
            kinds[KINDS.index(one.kind), column] += 1
            hits[KIND] += (
                other is not None and other.kind is one.kind, other is not None, other is not None,
            )  # fmt: skip
    # What is marked without a kind says nothing for or against that of what was found.
    untold = {other for number, other in pairs if marked[number].kind is None}
    told = [one for number, one in enumerate(found) if number not in untold]
    couples = _paired(sentence, pairs)
    for name in (*KINDS, *ON_TOP):
        hits[name] += (
            sum(_is(one, name) and _is(other, name) for one, other in couples),
            sum(_is(one, name) for one in told),
            sum(_is(one, name) for one in marked),
        )


def _is(one: JudgedCitation, name: str) -> bool:
    return bool(getattr(one, name)) if name in ON_TOP else one.kind == name


def _antecedents(article: JudgedArticle, sentence: JudgedSentence, hits: dict[str, Counts]) -> None:
    """Of what has an antecedent, count where that is found, by its place or by its name."""
    marked, found = sentence
    of_found = dict(best_pairs(marked, found, likeness))
    for number, one in enumerate(marked):
        if one.antecedent is not None:
            other = found[of_found[number]] if number in of_found else None
            right = other is not None and _names(article, one.antecedent, other)
            hits[ANTECEDENTS] += right, 1, 1
            hits[ANTECEDENTS_FOUND] += (right, 1, 1) if other else (0, 0, 0)


def _names(article: JudgedArticle, antecedent: Place, other: JudgedCitation) -> bool:
    if other.antecedent is not None and shared((antecedent,), (other.antecedent,)):
        return True
    words = fold(article.text[antecedent.start : antecedent.end]).lower().split()
    name = fold(other.name).lower().split()
    return _within(name, words) or _within(words, name)


def _within(inner: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words stand side by side within others, as a surname does in a whole name."""
    size = len(inner)
    inner, words = ([word.strip(".,;:'\"") for word in each] for each in (inner, words))
    return bool(size) and any(words[at : at + size] == inner for at in range(len(words) - size + 1))


def _paired(
    sentence: JudgedSentence, pairs: Sequence[tuple[int, int]]
) -> list[tuple[JudgedCitation, JudgedCitation]]:
    return [(sentence.marked[one], sentence.found[other]) for one, other in pairs]


# Figures


def extractions(
    tallies: Sequence[CitationCounts], *, draws: int, seed: int
) -> dict[str, Extraction]:
    """Sum up the counts of articles, with intervals that resample the articles.

    Parameters
    ----------
    tallies : sequence of CitationCounts
    draws, seed : int

    Returns
    -------
    dict of str to Extraction
        Of `MEASURES` and `SHARES`; NaN where there is nothing to measure.
    """
    names = (*MEASURES, *SHARES)
    counts = np.stack([one.hits for one in tallies]).astype(np.float64)
    n = len(counts)
    flat = counts.reshape(n, -1)
    drawn = np.empty((0, len(names), 3))
    if n >= MIN_GROUPS and draws:
        (weights,) = draw(n, draws, seed, block=draws)
        drawn = (weights @ flat).reshape(draws, len(names), 3)
    whole = _scores(counts.sum(axis=0)[None])[:, 0]
    spread = _scores(drawn)
    found = {}
    for at, name in enumerate(names):
        figures = [_estimate(float(whole[i, at]), spread[i, :, at], n) for i in range(3)]
        found[name] = Extraction(int(counts[:, at, 2].sum()), *figures)
    return found


def _estimate(value: float, drawn: Floats, n: int) -> Estimate:
    return Estimate.of(value, percentile(drawn, n)) if len(drawn) else Estimate(value)


def _scores(counts: Floats) -> Floats:
    """Precision, recall and F1: of shape (draws, measures, 3) -> (3, draws, measures)."""
    right, found, marked = np.moveaxis(counts, -1, 0)
    f1 = np.where(marked > 0, _ratio(2 * right, found + marked), math.nan)
    return np.stack([_ratio(right, found), _ratio(right, marked), f1])


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, math.nan), where=whole > 0)
    return ratio
