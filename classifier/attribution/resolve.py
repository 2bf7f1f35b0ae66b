"""Citations whose places are known, whoever found them: who their sources are.

Kinds, names and antecedents of sources, the outlets that they are or spoke through, and whether one
of these is state media.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache

from framescope.classifier.attribution.antecedents import last_word
from framescope.classifier.attribution.kinds import classify
from framescope.classifier.attribution.outlets import Outlets
from framescope.classifier.attribution.phrases import NOBODY, SourceType, words_of
from framescope.classifier.attribution.presented import presented
from framescope.classifier.attribution.rules import MOST, channel, same_quotation, source_line
from framescope.classifier.records import Citation, MarkedCitation, Place, Sentence, SourceKind

Given = Citation | MarkedCitation


def resolve(
    plain: str,
    sentences: Sequence[Sentence],
    citations: Sequence[Sequence[Given]],
    registry: Outlets,
    date: str | None = None,
    own: frozenset[str] = frozenset(),
) -> list[tuple[Citation, ...]]:
    """Say of citations who their sources are.

    Parameters
    ----------
    plain : str
        The article, folded.
    sentences : sequence of Sentence
        In order.
    citations : sequence of sequence of Citation or MarkedCitation
        Of each sentence. The places in them are kept; whatever else they say is found anew.
    registry : Outlets
        Who knows outlets.
    date : str or None
        ISO 8601, of the article.
    own : frozenset of str
        Registry ids of who published the article (`own_outlets`): what they are told or say
        themselves does not come from state media.

    Returns
    -------
    list of tuple of Citation
        Of each sentence, as many as given and in their order.
    """
    types = _types(plain, citations, registry, date)
    shown = presented(plain)
    starts = [sentence.start for sentence in sentences]

    @cache
    def ways(i: int) -> list[tuple[int, tuple[str, ...], bool]]:
        one = sentences[i]
        text, names = plain[one.start : one.end], one.mentions
        names = tuple(registry.mentions(text)) if names is None else names
        return channel(text, names, registry, own, shown)

    def through(i: int, one: Given) -> list[tuple[tuple[str, ...], bool]]:
        """Find whom a source spoke through, in a sentence that cites it."""
        start, apart = sentences[i].start, tuple(_apart(one, citations[i])) if ways(i) else ()
        return [
            (outlets, state)
            for at, outlets, state in ways(i)
            if not any(place.start <= start + at < place.end for place in apart)
        ]

    def resolved(i: int, one: Given) -> Citation:
        given = types[one.source] if one.source else NOBODY
        at = bisect_right(starts, one.source.start) - 1 if one.source else i
        told = through(i, one)
        if 0 <= at != i and same_quotation(sentences, i, at):
            tags = (tag for tag in citations[at] if tag.source == one.source)
            told += [way for tag in tags for way in through(at, tag)]
        # A credit is no attribution to state media: the sentences above it don't name it. Nor is
        # what the article's own outlet says.
        credit = 0 <= at != i and source_line(plain, sentences[at]) == one.source
        ours = bool(given.outlets) and own.issuperset(given.outlets)
        state = (given.state_media and not credit and not ours) or any(state for _, state in told)
        outlets = tuple(id for ids, _ in told for id in ids)
        kind = given.kind
        if kind is SourceKind.VAGUE and (outlets or state):
            kind = SourceKind.NAMED if outlets else SourceKind.UNNAMED
        words = words_of(plain[one.source.start : one.source.end]) if one.source else ()
        names = last_word(given.name) in words  # a surname is a name
        return Citation(
            one.source,
            one.cue,
            one.content,
            kind,
            given.government,
            state,
            given.name,
            one.antecedent or (None if names else given.antecedent),
            tuple(dict.fromkeys((*given.outlets, *outlets))),
            found_by=one.found_by if isinstance(one, Citation) else "",
        )

    return [tuple(resolved(i, one) for one in row) for i, row in enumerate(citations)]


def _types(
    plain: str, citations: Sequence[Sequence[Given]], registry: Outlets, date: str | None
) -> dict[Place, SourceType]:
    """Type every source once, in the order of the article, with the first cue that it has."""
    cues: dict[Place, str] = {}
    for row in citations:
        for one in row:
            if one.source is not None:
                cue = plain[one.cue.start : one.cue.end] if one.cue else ""
                cues[one.source] = cues.get(one.source) or cue
    places = sorted(cues, key=lambda place: (place.start, place.end))
    given = classify(plain, places, registry, date=date, cues=[cues[place] for place in places])
    return dict(zip(places, given, strict=True))


def _apart(one: Given, row: Sequence[Given]) -> Iterator[Place]:
    """Give what names no channel of a citation: what is said, and who says it, of all around it.

    Within a content that holds its own ("CNN wrote that Orr told RT that ..."), one may.
    """
    for other in row if len(row) <= MOST else (one,):
        if other.source is not None:
            yield other.source
        holds = other is not one and any(
            a.start <= b.start and b.end <= a.end and a != b
            for a in other.content
            for b in one.content
        )
        if not holds:
            yield from other.content
