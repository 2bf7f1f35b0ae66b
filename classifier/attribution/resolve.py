"""Citations whose places are known, whoever found them: who their sources are.

Kinds, names and antecedents of sources, the outlets that they are or spoke through, and whether one
of these is state media.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from classifier.attribution.antecedents import last_word
from classifier.attribution.kinds import classify
from classifier.attribution.outlets import Outlets
from classifier.attribution.phrases import NOBODY, SourceType, words_of
from classifier.attribution.presented import presented
from classifier.attribution.rules import channel, same_quotation, source_line
from classifier.values import Citation, MarkedCitation, Place, Sentence, SourceKind

Given = Citation | MarkedCitation


def resolve(
    plain: str,
    sentences: Sequence[Sentence],
    citations: Sequence[Sequence[Given]],
    registry: Outlets,
    date: str | None = None,
    own: Collection[str] = (),
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
    own : collection of str
        Registry ids of who published the article (`own_outlets`): what they are told or say
        themselves does not come from state media.

    Returns
    -------
    list of tuple of Citation
        Of each sentence, as many as given and in their order.
    """
    types = _types(plain, citations, registry, date)
    told = list(_channels(plain, sentences, citations, registry, own))
    starts = [sentence.start for sentence in sentences]
    rows: list[tuple[Citation, ...]] = []
    for i, row in enumerate(citations):
        found = []
        for one, through in zip(row, told[i], strict=True):
            given = types[one.source] if one.source else NOBODY
            home = bisect_right(starts, one.source.start) - 1 if one.source else i
            outlets, state = through
            if home != i and same_quotation(sentences, i, home):
                for other, (its_outlets, its_state) in zip(
                    citations[home], told[home], strict=True
                ):
                    if other.source == one.source:
                        outlets, state = (*outlets, *its_outlets), state or its_state
            # A credit is no attribution to state media: the sentences above it don't name it. Nor
            # is what the article's own outlet says.
            credit = home != i and source_line(plain, sentences[home]) == one.source
            own_word = bool(given.outlets) and set(given.outlets) <= set(own)
            state = state or (given.state_media and not credit and not own_word)
            found.append(_resolved(plain, one, given, outlets, state))
        rows.append(tuple(found))
    return rows


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


def _channels(
    plain: str,
    sentences: Sequence[Sentence],
    citations: Sequence[Sequence[Given]],
    registry: Outlets,
    own: Collection[str],
) -> Iterator[list[tuple[tuple[str, ...], bool]]]:
    """Find whom each citation's source spoke through, in the sentence of the citation."""
    shown = presented(plain)
    for sentence, row in zip(sentences, citations, strict=True):
        text = plain[sentence.start : sentence.end]
        mentions = sentence.mentions
        if row and mentions is None:
            mentions = tuple(registry.mentions(text))
        yield [
            channel(
                text,
                mentions or (),
                [(a.start - sentence.start, a.end - sentence.start) for a in _apart(one, row)],
                registry,
                own,
                shown,
            )
            for one in row
        ]


def _apart(one: Given, row: Sequence[Given]) -> Iterator[Place]:
    """Give what names no channel of a citation: what is said, and who says it, of all around it.

    Within a content that holds its own ("CNN wrote that Orr told RT that ..."), one may.
    """
    for other in row:
        if other.source is not None:
            yield other.source
        holds = other is not one and any(
            a.start <= b.start and b.end <= a.end and a != b
            for a in other.content
            for b in one.content
        )
        if not holds:
            yield from other.content


def _resolved(
    plain: str, one: Given, given: SourceType, through: Sequence[str], state_media: bool
) -> Citation:
    kind = given.kind
    if kind is SourceKind.VAGUE and (through or state_media):
        kind = SourceKind.NAMED if through else SourceKind.UNNAMED
    antecedent = one.antecedent
    if one.source is not None and antecedent is None:
        words = words_of(plain[one.source.start : one.source.end])
        named = last_word(given.name) in words  # a surname is a name
        antecedent = None if named else given.antecedent
    return Citation(
        one.source,
        one.cue,
        one.content,
        kind,
        given.government,
        state_media,
        given.name,
        antecedent,
        tuple(dict.fromkeys((*given.outlets, *through))),
        found_by=one.found_by if isinstance(one, Citation) else "",
    )
