"""Citations as reports show them: from what the encoder marks, and what is known of its sources.

The text of an article is put together from its sentences, so that nothing but sentences is asked
for; places are led back to the article's own offsets at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice
from typing import Any

import numpy as np
from framescope.classifier.attribution import LABEL, RUN_ON, own_outlets, resolve_citations, run_on
from framescope.classifier.models.citations import Said, Words, carried
from framescope.classifier.models.fusion import (
    KIND_SIGNALS,
    SENTENCE_FEATURES,
    SOURCING,
    Fusion,
    Known,
    citation_features,
    kind_features,
    quoted_share,
    sentence_features,
    sigmoid,
    weighed,
)
from framescope.classifier.models.roles import KINDS
from framescope.classifier.outlets import Registry
from framescope.classifier.records import (
    Citation,
    MarkedCitation,
    Place,
    Sentence,
    SourceKind,
    fold,
)
from numpy.typing import NDArray

_FOUND_BY = "transformer"
_EXCLUSIVE = len(SourceKind)
_LIKELY = 0.5  # from which a government or state media is said to be behind a citation


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was found of each row: everything marked, and what is known of its sources.

    ``citations`` go with ``said``: their places are the article's own.
    """

    said: tuple[tuple[Said, ...], ...]
    citations: tuple[tuple[Citation, ...], ...]

    def known(self, row: int) -> list[Known | None]:
        """What is known of the sources of a row's citations."""
        return [
            None
            if one.source is None
            else Known(
                one.kind,
                one.government,
                one.state_media,
                bool(one.outlets),
                one.antecedent is not None,
            )
            for one in self.citations[row]
        ]


def resolve(
    said: Sequence[Sequence[Said]], sentences: Sequence[Sentence], registry: Registry
) -> Resolved:
    """Find out who the sources of citations are.

    Parameters
    ----------
    said : sequence of sequence of Said
        Of each sentence, as `PassageReader` gives them.
    sentences : sequence of Sentence
        Those of an article together and in order.
    registry : Registry
    """
    whole = carried(said, sentences)
    found: list[tuple[Citation, ...]] = []
    for _, rows in groupby(range(len(sentences)), key=lambda row: sentences[row].article_id):
        found += _of_article(list(rows), whole, sentences, registry)
    return Resolved(_with_one_kind(whole, found, sentences), tuple(found))


def _with_one_kind(
    said: Sequence[Sequence[Said]],
    citations: Sequence[Sequence[Citation]],
    sentences: Sequence[Sentence],
) -> tuple[tuple[Said, ...], ...]:
    """Give whoever an article names the mean of what its words say, wherever it is cited.

    Who speaks for a government does so in every sentence of an article, though few of them say it.
    """
    every: dict[tuple[str, str], list[Said]] = defaultdict(list)

    def key(row: int, one: Citation) -> tuple[str, str]:
        return sentences[row].article_id, one.name.lower() if one.kind is SourceKind.NAMED else ""

    for row, (found, resolved) in enumerate(zip(said, citations, strict=True)):
        for one, citation in zip(found, resolved, strict=True):
            every[key(row, citation)].append(one)
    kinds = {
        who: np.stack([one.kinds for one in group]).mean(axis=0)
        for who, group in every.items()
        if who[1]
    }
    return tuple(
        tuple(
            replace(one, kinds=kinds.get(key(row, citation), one.kinds))
            for one, citation in zip(found, resolved, strict=True)
        )
        for row, (found, resolved) in enumerate(zip(said, citations, strict=True))
    )


def _of_article(
    rows: Sequence[int],
    said: Sequence[Sequence[Said]],
    sentences: Sequence[Sentence],
    registry: Registry,
) -> Iterator[tuple[Citation, ...]]:
    if not any(said[row] for row in rows):
        return iter([()] * len(rows))
    starts: dict[int, int] = {}
    pieces: list[str] = []
    length = 0
    for row in rows:
        starts[row] = length
        pieces.append(sentences[row].text)
        length += len(sentences[row].text) + 1
    here = [
        replace(sentences[row], start=starts[row], end=starts[row] + len(sentences[row].text))
        for row in rows
    ]

    def place(words: Words | None) -> Place | None:
        if words is None or words.row not in starts:
            return None
        base = starts[words.row]
        return Place(base + words.start, base + words.end)

    given = [
        [
            MarkedCitation(
                place(one.source),
                place(one.cue),
                tuple(p for words in one.content if (p := place(words))),
                antecedent=place(one.antecedent),
            )
            for one in said[row]
        ]
        for row in rows
    ]
    first = sentences[rows[0]]
    own = own_outlets(first.outlet, registry)
    plain = fold("\n".join(pieces))
    resolved = resolve_citations(plain, here, given, registry, first.date, own)
    shift = {start: sentences[row].start - start for row, start in starts.items()}
    return (_moved(row, list(starts.values()), list(shift.values())) for row in resolved)


def _moved(
    citations: Sequence[Citation], starts: Sequence[int], shifts: Sequence[int]
) -> tuple[Citation, ...]:
    """Lead the places of citations back to the article's own offsets."""

    def back(place: Place | None) -> Place | None:
        if place is None:
            return None
        shift = shifts[int(np.searchsorted(starts, place.start, side="right")) - 1]
        return Place(place.start + shift, place.end + shift)

    return tuple(
        replace(
            one,
            source=back(one.source),
            cue=back(one.cue),
            content=tuple(p for place in one.content if (p := back(place))),
            antecedent=back(one.antecedent),
        )
        for one in citations
    )


def with_rules(
    sentences: Sequence[Sentence], found: Sequence[tuple[Citation, ...]]
) -> tuple[tuple[Citation, ...], ...]:
    """Put what the form of an article says beside what the encoder found.

    A quotation that runs on is its speaker's in each of its sentences. Under a speaker's label the
    speaker is cited for each sentence, and whoever is cited by words of the sentence's own besides.
    What is found elsewhere comes first.

    Parameters
    ----------
    sentences : sequence of Sentence
        Those of an article together and in order, with the citations that rules find.
    found : sequence of tuple of Citation
        Of each sentence, by the encoder.
    """
    rows: list[tuple[Citation, ...]] = []
    for _, own in groupby(range(len(sentences)), key=lambda row: sentences[row].article_id):
        article = list(own)
        here = [sentences[row] for row in article]
        for row, models in zip(article, run_on(here, [found[row] for row in article]), strict=True):
            ran_on = (replace(one, score=None, found_by=RUN_ON) for one in models)
            rows.append(_beside(sentences[row].citations, found[row] or tuple(ran_on)))
    return tuple(rows)


def _beside(rules: tuple[Citation, ...], models: tuple[Citation, ...]) -> tuple[Citation, ...]:
    labelled = [one for one in rules if one.found_by == LABEL]
    if not labelled:
        return models or rules
    own = [one for one in models if one.cue is not None and one.source is not None]
    taken = {one.source for one in labelled}
    return (*labelled, *(one for one in own if one.source not in taken))


# --- decisions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Decided:
    """What fusion makes of rows.

    ``citations`` are those that are shown, each with its chance; ``logits``, shape (n_rows,
    n_signals), are by the signals that were given.
    """

    citations: tuple[tuple[Citation, ...], ...]
    logits: NDArray[np.float32]


def decide(
    fusion: Fusion,
    resolved: Resolved,
    sentences: Sequence[Sentence],
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> Decided:
    """Put the encoder's votes, its citations and what is known of their sources together.

    Parameters
    ----------
    fusion : Fusion
    resolved : Resolved
    sentences : sequence of Sentence
    logits : ndarray of float32, shape (n_rows, n_signals)
        The encoder's votes.
    signals : sequence of str
        Their columns.
    state_media : sequence of bool
        Which rows name state media.
    """
    given = features_of(fusion, resolved, sentences, logits, signals, state_media)
    fused = logits.copy()
    for signal, line in fusion.signals.weights.items():
        if signal in given.sentences:
            fused[:, list(signals).index(signal)] = weighed(given.sentences[signal], line)
    shown = tuple(
        tuple(
            _typed(one, fusion, chance, features, kinds)
            for one, chance, features, kinds in zip(
                resolved.citations[row],
                given.chances[row],
                given.kind_features[row],
                given.kinds[row],
                strict=True,
            )
            if chance >= fusion.threshold
        )
        for row in range(len(sentences))
    )
    return Decided(shown, fused)


@dataclass(frozen=True, slots=True)
class FusionFeatures:
    """What decisions follow from: of each row's citations, and of each signal's rows."""

    citations: list[list[list[float]]]
    chances: list[list[float]]
    kind_features: list[list[list[float]]]
    kinds: list[list[list[float]]]
    sentences: dict[str, NDArray[np.float64]]


def features_of(
    fusion: Fusion,
    resolved: Resolved,
    sentences: Sequence[Sentence],
    logits: NDArray[np.float32],
    signals: Sequence[str],
    state_media: Sequence[bool],
) -> FusionFeatures:
    """Lay out what `decide` goes by; what a fusion is fitted on as well."""
    votes = {s: logits[:, list(signals).index(s)] for s in SOURCING if s in signals}
    nothing = np.zeros(len(sentences), np.float32)
    attributed = votes.get("attributed", nothing)
    of_kinds = np.stack([votes.get(signal, nothing) for signal in KIND_SIGNALS], axis=1)
    found = FusionFeatures([], [], [], [], {})
    for row, sentence in enumerate(sentences):
        said, of_row = resolved.said[row], of_kinds[row].tolist()
        own = float(attributed[row])
        found.citations.append([citation_features(one, sentence, own) for one in said])
        found.kind_features.append(
            [
                kind_features(one, known, of_row)
                for one, known in zip(said, resolved.known(row), strict=True)
            ]
        )
    found.chances.extend(_by_row(_chances(fusion, list(chain(*found.citations))), resolved))
    found.kinds.extend(_by_row(kind_chances(fusion, list(chain(*found.kind_features))), resolved))
    rows: list[list[float]] = []
    for row, sentence in enumerate(sentences):
        said, chances, kinds = resolved.said[row], found.chances[row], found.kinds[row]
        whole = quoted_share([(0, len(sentence.text))], sentence) if sentence.quoted else 0.0
        surest = max(range(len(said)), key=chances.__getitem__, default=None)
        share = 0.0 if surest is None else _quoted(said[surest], sentence)
        rows.append(sentence_features(chances, kinds, (whole, share), state_media[row]))
    shared = np.array(rows, np.float64).reshape(-1, len(SENTENCE_FEATURES) - 1)
    found.sentences.update({s: np.column_stack([vote, shared]) for s, vote in votes.items()})
    return found


def _quoted(one: Said, sentence: Sentence) -> float:
    return quoted_share([(words.start, words.end) for words in one.content], sentence)


def _chances(fusion: Fusion, given: Sequence[Sequence[float]]) -> list[float]:
    if not given or not fusion.citation.weights:
        return [1.0] * len(given)
    chances: list[float] = sigmoid(fusion.citation.log_odds(np.asarray(given))["right"]).tolist()
    return chances


def kind_chances(fusion: Fusion, features: Sequence[Sequence[float]]) -> list[list[float]]:
    """Give how likely each source is of each of `KINDS`: of the first three it is one."""
    if not features:
        return []
    given = np.asarray(features)
    if not fusion.kinds.weights:
        odds = given[:, : len(KINDS)]
    else:
        lines = fusion.kinds.log_odds(given)
        odds = np.stack([lines[kind] for kind in KINDS], axis=1)
    exclusive = odds[:, :_EXCLUSIVE]
    exclusive = np.exp(exclusive - exclusive.max(axis=1, keepdims=True))
    exclusive /= exclusive.sum(axis=1, keepdims=True)
    found: list[list[float]] = np.hstack([exclusive, sigmoid(odds[:, _EXCLUSIVE:])]).tolist()
    return found


def _by_row(values: Sequence[Any], resolved: Resolved) -> Iterator[list[Any]]:
    """Divide what was found of all citations into rows."""
    left = iter(values)
    return (list(islice(left, len(said))) for said in resolved.said)


def _typed(
    one: Citation,
    fusion: Fusion,
    chance: float,
    features: Sequence[float],
    kinds: Sequence[float],
) -> Citation:
    """Say of a citation what its source is, how sure it is, and what spoke for its kind."""
    name = max(KINDS[:_EXCLUSIVE], key=lambda kind: kinds[KINDS.index(kind)])
    kind = SourceKind(name)
    government, state_media = (likely >= _LIKELY for likely in kinds[_EXCLUSIVE:])
    if kind is SourceKind.VAGUE and (government or state_media):
        kind = SourceKind.UNNAMED  # such a source could be counted
    shares = fusion.kinds.shares(kind.value, np.asarray(features)) if fusion.kinds.weights else {}
    reasons: dict[str, float] = {}
    for feature, share in shares.items():
        part = feature.partition(":")[0]
        reasons[part] = reasons.get(part, 0.0) + share
    return replace(
        one,
        kind=kind,
        government=government,
        state_media=state_media,
        score=float(f"{chance:.4g}"),
        found_by=_FOUND_BY,
        reasons=tuple((part, float(f"{share:.3g}")) for part, share in reasons.items()),
    )
