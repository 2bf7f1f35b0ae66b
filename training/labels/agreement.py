"""Agreement of annotators on signals and on citations, with bootstrap intervals over articles.

Krippendorff's alpha is computed by the package of that name. The intervals come from the
coincidences of each article, which add up: the package takes one sample at a time, and two
thousand resamples of thirty signals would take minutes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.errors import CorpusError, need
from framescope.classifier.inputs import read_citations
from framescope.classifier.records import MarkedCitation, Place, SourceKind
from framescope.classifier.taxonomy import NAMES
from framescope.training.corpora import house_folder
from numpy.typing import NDArray

Record = Mapping[str, Any]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

ROLES = ("source", "cue", "content")
_ON_TOP = ("government", "state_media")
_LONGEST = 1 << 40  # longer than any text: offsets are checked against sentences here


def passes(*, citations: bool = False) -> tuple[Path, Path]:
    """Return the two files of the part of the house corpus that was labelled twice."""
    folder, prefix = house_folder() / "agreement", "citations-" if citations else ""
    return folder / f"{prefix}first.jsonl", folder / f"{prefix}second.jsonl"


def _alpha(value_counts: Counts) -> float:
    """Return alpha of units, shape (n, 2): how many annotators gave each of two values."""
    if not value_counts.any(axis=0).all():
        return float("nan")
    package = need("krippendorff", "measuring agreement needs", "annotate")
    return float(package.alpha(value_counts=value_counts, level_of_measurement="nominal"))


def _alphas(sums: Floats) -> Floats:
    """Return alpha of sums of disagreements, zeros and ones, shape (n, 3)."""
    apart, zeros, ones = sums.T
    values = zeros + ones
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - apart * (values - 1) / (2 * ones * zeros))


def _alphas_of_pairs(counts: Counts) -> Floats:
    """Return alpha of two annotators from their counts of 00, 01, 10 and 11, shape (n, 4)."""
    apart = counts[:, 1] + counts[:, 2]
    sums = [2 * apart, 2 * counts[:, 0] + apart, 2 * counts[:, 3] + apart]
    return _alphas(np.stack(sums, axis=1).astype(float))


def _interval(
    sums: NDArray[Any], statistic: Callable[[Any], Floats], draws: int, seed: int
) -> tuple[float, float]:
    """Return the 95% percentile interval of a statistic of sums, over resamples of articles."""
    n = len(sums)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=draws)
    spread = statistic(drawn @ sums)
    spread = spread[np.isfinite(spread)]
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) else (np.nan, np.nan)
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement on one signal, in the sentences that two annotators labelled at least.

    `positive` counts how many of these sentences each labelled 1. `alpha` is NaN where only one
    value was given; `low` and `high` bound its 95% interval.
    """

    signal: str
    sentences: int
    articles: int
    positive: tuple[int, ...]
    alpha: float
    low: float
    high: float


def agreement(*annotators: Sequence[Record], draws: int = 2000, seed: int = 0) -> list[Agreement]:
    """Compare annotators' labels, in taxonomy order of the signals.

    Each of two or more gives records of the exchange format, whose text isn't needed. A label
    counts as 1 from 0.5; a line that an annotator calls no content counts as 0 for the signals that
    they label elsewhere. Raise `CorpusError` when there is nothing in common.
    """
    articles: dict[str, list[Record | None]] = {}
    for number, records in enumerate(annotators):
        for record in records:
            articles.setdefault(record["id"], [None] * len(annotators))[number] = record
    shared = [given for given in articles.values() if sum(one is not None for one in given) > 1]
    if not shared:
        raise CorpusError("the annotators have no article in common; give files of one set")
    labelled = [
        {name for record in records for labels in _units(record).values() for name in labels}
        for records in annotators
    ]
    found = []
    for signal in NAMES:
        who = [signal in names for names in labelled]
        values = [_values(given, who, signal) for given in shared] if sum(who) > 1 else []
        if values := [one for one in values if len(one)]:
            found.append(_of_signal(signal, values, draws, seed))
    if not found:
        raise CorpusError("the annotators label no signal in common; give files of one set")
    return found


def _units(record: Record) -> dict[tuple[int, int], Record]:
    """Return the labels of the sentences by place, and those of the article."""
    units = {(s["start"], s["end"]): s.get("labels") or {} for s in record.get("sentences") or ()}
    of_article = record.get("labels")
    return {**units, (-1, -1): of_article} if of_article else units


def _values(given: Sequence[Record | None], who: Sequence[bool], signal: str) -> Floats:
    """Return the labels of the sentences that two labelled at least, shape (n, n_annotators)."""
    places: dict[tuple[int, int], Floats] = {}
    for number, record in enumerate(given):
        for place, labels in _units(record).items() if record is not None and who[number] else ():
            value = labels.get(signal, 0 if labels.get("content") == 0 else None)
            row = places.setdefault(place, np.full(len(given), np.nan))
            row[number] = np.nan if value is None or value != value else value >= 0.5
    values = np.array(list(places.values())).reshape(-1, len(given))
    return np.asarray(values[np.isfinite(values).sum(axis=1) > 1])


def _of_signal(signal: str, articles: Sequence[Floats], draws: int, seed: int) -> Agreement:
    counts = [np.stack([(one == 0).sum(1), (one == 1).sum(1)], axis=1) for one in articles]
    # Each of a unit's m labels is compared with m - 1 others.
    sums = [
        ((2 * ones * zeros / (zeros + ones - 1)).sum(), zeros.sum(), ones.sum())
        for zeros, ones in (one.T for one in counts)
    ]
    values, alpha = np.concatenate(articles), _alpha(np.concatenate(counts))
    positive = tuple((values == 1).sum(axis=0).tolist())
    bounds = _interval(np.array(sums, float), _alphas, draws, seed)
    return Agreement(signal, len(values), len(articles), positive, alpha, *bounds)


@dataclass(frozen=True, slots=True)
class CitationAgreement:
    """Agreement on one property of `n` citations or characters, and its 95% interval."""

    what: str
    measure: str
    n: int
    articles: int
    value: float
    low: float
    high: float


_STATISTICS: Mapping[str, Callable[[Counts], Floats]] = {
    "F1": lambda counts: 2 * counts[:, 0] / np.maximum(counts[:, 1] + counts[:, 2], 1),
    "share": lambda counts: counts[:, 1] / np.maximum(counts[:, 0], 1),
    "alpha": _alphas_of_pairs,
    "alpha of characters": _alphas_of_pairs,
}
_MEASURES = {
    "citation": "F1",
    **dict.fromkeys(ROLES, "alpha of characters"),
    **{f"{role}, the very same": "share" for role in ROLES},
    "link to one source": "share",
    **dict.fromkeys((*SourceKind, *_ON_TOP), "alpha"),
}


def citation_agreement(
    *annotators: Sequence[Record], draws: int = 2000, seed: int = 0
) -> list[CitationAgreement]:
    """Compare annotators' citations in the sentences that two of them annotated.

    Of more than two every pair is compared, and an article's pairs are added up. The measures are
    F1 of finding a citation, alpha of the characters of each role, and of the citations that both
    found: the share in which a role has the very same characters and that is linked to one source,
    and alpha of each kind. Raise `CorpusError` when there is nothing in common, or a citation can't
    be read.
    """
    by_article: dict[str, list[Record]] = defaultdict(list)
    for records in annotators:
        for record in records:
            by_article[record["id"]].append(record)
    tallies: list[dict[str, Counts]] = []
    for given in by_article.values():
        pairs = [_tally(one, other) for one, other in combinations(given, 2)]
        if counted := [tally for tally in pairs if tally is not None]:
            tallies.append({what: sum(t[what] for t in counted) for what in _MEASURES})  # type: ignore[misc]
    if not tallies:
        raise CorpusError("the annotators have no citations in common; give files of one set")
    found = []
    for what, measure in _MEASURES.items():
        counts = np.stack([tally[what] for tally in tallies])
        total = counts.sum(axis=0)
        if _STATISTICS[measure] is _alphas_of_pairs:
            n, value = total.sum(), _alpha(np.repeat([[2, 0], [1, 1], [1, 1], [0, 2]], total, 0))
        else:
            n, value = total[0], float(_STATISTICS[measure](total[None])[0])
        bounds = _interval(counts, _STATISTICS[measure], draws, seed)
        found.append(CitationAgreement(what, measure, int(n), len(tallies), value, *bounds))
    return found


def _tally(one: Record, other: Record) -> dict[str, Counts] | None:
    """Count what two annotators of an article agree on; None where they share no sentence."""
    counts: dict[str, Counts] = defaultdict(lambda: np.zeros(4, np.int64))
    shared = list(_shared(one, other))
    for place, mine, theirs in shared:
        pairs, left, right = align(mine, theirs)
        counts["citation"][:3] += (len(pairs), len(pairs) + len(left), len(pairs) + len(right))
        for role in ROLES:
            own, others = (_characters(found, role, place) for found in (mine, theirs))
            both, either = len(own & others), len(own | others)
            only = len(own) - both
            counts[role] += (place.end - place.start - either, either - both - only, only, both)
        for first, second in pairs:
            for role in ROLES:
                same = getattr(first, role) == getattr(second, role)
                counts[f"{role}, the very same"][:2] += (1, same)
            counts["link to one source"][:2] += (1, _overlap(first.source, second.source))
            for kind in SourceKind:
                counts[kind][2 * (first.kind is kind) + (second.kind is kind)] += 1
            for name in _ON_TOP:
                counts[name][2 * getattr(first, name) + getattr(second, name)] += 1
    return {what: counts[what] for what in _MEASURES} if shared else None


def align(
    first: Sequence[MarkedCitation], second: Sequence[MarkedCitation]
) -> tuple[list[tuple[MarkedCitation, MarkedCitation]], list[MarkedCitation], list[MarkedCitation]]:
    """Pair a sentence's citations by shared characters, cue and source; return what is left too."""
    scored = []
    for (i, one), (j, other) in product(enumerate(first), enumerate(second)):
        mine, theirs = _covered(one.content), _covered(other.content)
        if shared := len(mine & theirs) / len(mine | theirs):
            same = _overlap(one.source, other.source) + _overlap(one.cue, other.cue)
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


def _overlap(one: Place | None, other: Place | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.start < other.end and other.start < one.end


def _covered(places: Iterable[Place | None]) -> frozenset[int]:
    return frozenset(at for place in places if place for at in range(place.start, place.end))


def _characters(found: Sequence[MarkedCitation], role: str, inside: Place) -> frozenset[int]:
    given = (getattr(one, role) for one in found)
    places = (place for one in given for place in (one if role == "content" else (one,)))
    return _covered(places) & frozenset(range(inside.start, inside.end))


def _shared(
    one: Record, other: Record
) -> Iterator[tuple[Place, tuple[MarkedCitation, ...], tuple[MarkedCitation, ...]]]:
    """Yield the sentences that both annotated, with the citations of each."""
    theirs = {(item["start"], item["end"]): item for item in other["sentences"]}
    for item in one["sentences"]:
        if (match := theirs.get((item["start"], item["end"]))) is None:
            continue
        try:
            found = read_citations(item, _LONGEST), read_citations(match, _LONGEST)
        except ValueError as error:
            raise CorpusError(f"{one['id']}, sentence at {item['start']}: {error}") from None
        if found[0] is not None and found[1] is not None:
            yield Place(item["start"], item["end"]), found[0], found[1]
