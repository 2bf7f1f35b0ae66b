"""Annotators' citations held against each other: aligned, and how far they agree.

A citation belongs to a sentence and is known by its content, so those of one sentence are aligned
by the characters that their contents share. Of the roles, every character of an annotated sentence
either lies in one or doesn't: that is what alpha is computed of, and it needs no text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import read_citations
from framescope.classifier.records import MarkedCitation, Place, SourceKind
from framescope.training.corpora import house_folder
from framescope.training.labels.agreement import alpha
from numpy.typing import NDArray

ROLES = ("source", "cue", "content")
_LONGEST = 1 << 40  # a length that no text has: offsets are held against sentences here
Pair = tuple[MarkedCitation, MarkedCitation]


def citation_passes() -> tuple[Path, Path]:
    """Give the files of both annotators' citations, before they were settled."""
    folder = house_folder() / "agreement"
    return folder / "citations-first.jsonl", folder / "citations-second.jsonl"


def characters(places: Iterable[Place]) -> frozenset[int]:
    """Give the characters that lie in any of some places."""
    return frozenset(at for place in places for at in range(place.start, place.end))


def align(
    first: Sequence[MarkedCitation], second: Sequence[MarkedCitation]
) -> tuple[list[Pair], list[MarkedCitation], list[MarkedCitation]]:
    """Pair the citations of one sentence whose contents share the most characters.

    Two citations of one content are told apart by their cue and their source. Gives the pairs, and
    what is left of each.
    """
    scored = []
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            mine, theirs = characters(one.content), characters(other.content)
            shared = len(mine & theirs) / len(mine | theirs)
            if shared:
                same = sum(_meet(getattr(one, r), getattr(other, r)) for r in ROLES[:2])
                scored.append((-shared - same / 2, i, j))
    pairs: dict[int, int] = {}
    for _, i, j in sorted(scored):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return (
        [(first[i], second[j]) for i, j in sorted(pairs.items())],
        [one for i, one in enumerate(first) if i not in pairs],
        [one for j, one in enumerate(second) if j not in pairs.values()],
    )


def _meet(one: Place | None, other: Place | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.start < other.end and other.start < one.end


@dataclass(frozen=True, slots=True)
class CitationAgreement:
    """Annotators on one thing, two by two.

    `n` is how many there are to agree on, `articles` in how many articles; `value` is what
    `measure` names, from `low` to `high` its 95% percentile interval over resamples of articles.
    """

    what: str
    measure: str
    n: int
    articles: int
    value: float
    low: float
    high: float


def citation_agreement(
    *annotators: Sequence[Mapping[str, Any]], draws: int = 2000, seed: int = 0
) -> list[CitationAgreement]:
    """Compare annotators' citations of the sentences that two of them annotated.

    Parameters
    ----------
    *annotators : sequence of mapping
        Two or more. Records with ``id`` and ``sentences``, whose ``citations`` are the exchange
        format's. Of more than two, every pair is compared, and an article's pairs are added up.
    draws, seed : int

    Returns
    -------
    list of CitationAgreement
        Krippendorff's alpha of the characters of each role; the F1 of finding a citation; of the
        citations that both found, the share in which each role has the very same characters and
        that goes to one source, and alpha of each kind, one against the others.

    Raises
    ------
    CorpusError
        When the two have no article with citations in common, or one can't be read.
    """
    by_article: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for records in annotators:
        for record in records:
            by_article[record["id"]].append(record)
    tallies = []
    for given in by_article.values():
        pairs = (_tally(one, other) for one, other in combinations(given, 2))
        if counted := [tally for tally in pairs if tally is not None]:
            tallies.append(
                {what: sum(t[what] for t in counted[1:]) + counted[0][what] for what in _MEASURES}
            )
    if not tallies:
        raise CorpusError("the annotators have no citations in common; give files of one set")
    n = len(tallies)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws)
    found = []
    for what, measure in _MEASURES.items():
        counts = np.stack([tally[what] for tally in tallies])
        spread = measure.of(drawn @ counts)
        defined = spread[np.isfinite(spread)]
        low, high = np.quantile(defined, [0.025, 0.975]) if len(defined) else (np.nan, np.nan)
        value = float(measure.of(counts.sum(axis=0)[None, :])[0])
        total = int(counts.sum() if measure.counted is None else counts[:, measure.counted].sum())
        found.append(
            CitationAgreement(what, measure.name, total, n, value, float(low), float(high))
        )
    return found


@dataclass(frozen=True, slots=True)
class _Measure:
    name: str
    of: Callable[[NDArray[np.int64]], NDArray[np.float64]]
    counted: int | None = None


def _share(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of both found, those that are the same."""
    share: NDArray[np.float64] = counts[:, 1] / np.maximum(counts[:, 0], 1)
    return share


def _f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Of pairs, and of what each found."""
    f1: NDArray[np.float64] = 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1)
    return f1


_ON_TOP = ("government", "state_media")
_MEASURES: dict[str, _Measure] = {
    "citation": _Measure("F1", _f1, 0),
    **{role: _Measure("alpha of characters", alpha) for role in ROLES},
    **{f"{role}, the very same": _Measure("share", _share, 0) for role in ROLES},
    "link to one source": _Measure("share", _share, 0),
    **{kind.value: _Measure("alpha", alpha) for kind in SourceKind},
    **{name: _Measure("alpha", alpha) for name in _ON_TOP},
}


def _tally(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, NDArray[np.int64]] | None:
    """Count what two annotators of an article agree on; None where they share no sentence."""
    counts: dict[str, NDArray[np.int64]] = defaultdict(lambda: np.zeros(4, np.int64))
    shared = list(_shared(one, other))
    if not shared:
        return None
    for place, mine, theirs in shared:
        pairs, left, right = align(mine, theirs)
        counts["citation"][:3] += (len(pairs), len(pairs) + len(left), len(pairs) + len(right))
        for role in ROLES:
            own, others = (_characters(found, role, place) for found in (mine, theirs))
            both = len(own & others)
            only, also = len(own) - both, len(others) - both
            neither = place.end - place.start - both - only - also
            counts[role] += (neither, also, only, both)
        for first, second in pairs:
            for role in ROLES:
                same = getattr(first, role) == getattr(second, role)
                counts[f"{role}, the very same"][:2] += (1, same)
            counts["link to one source"][:2] += (1, _meet(first.source, second.source))
            for kind in SourceKind:
                counts[kind.value][2 * (first.kind is kind) + (second.kind is kind)] += 1
            for name in _ON_TOP:
                counts[name][2 * getattr(first, name) + getattr(second, name)] += 1
    return {what: counts[what] for what in _MEASURES}


def _characters(found: Sequence[MarkedCitation], role: str, inside: Place) -> frozenset[int]:
    places = (
        place
        for one in found
        for place in (one.content if role == "content" else (getattr(one, role),))
        if place is not None
    )
    return characters(places) & frozenset(range(inside.start, inside.end))


def _shared(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[Place, tuple[MarkedCitation, ...], tuple[MarkedCitation, ...]]]:
    """Give the sentences that both annotated, with the citations of each."""
    theirs = {(item["start"], item["end"]): item for item in other["sentences"]}
    for item in one["sentences"]:
        match = theirs.get((item["start"], item["end"]))
        if match is None:
            continue
        try:
            found = read_citations(item, _LONGEST), read_citations(match, _LONGEST)
        except ValueError as error:
            raise CorpusError(f"{one['id']}, sentence at {item['start']}: {error}") from None
        if found[0] is not None and found[1] is not None:
            yield Place(item["start"], item["end"]), found[0], found[1]
