"""An article as the rules read it, and who the sources of citations are, whatever found these.

A republished part is read as if it stood alone: its wrapper is no source of its sentences, and the
quotation marks that the wrapper puts around it quote nobody within it. `resolve` is the only way
from the places of a citation to its source's kind, name, antecedent and outlets.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice

from framescope.classifier.attribution import rules
from framescope.classifier.attribution.outlets import (
    Outlets,
    all_state_media,
    named_outlets,
    own_outlets,
    presented_as_state_media,
    state_media_words,
)
from framescope.classifier.attribution.phrases import parse
from framescope.classifier.attribution.quotations import find as find_quotations
from framescope.classifier.attribution.quotations import within
from framescope.classifier.attribution.rules import same_quotation, source_line
from framescope.classifier.attribution.sources import NOBODY, Refer, classify
from framescope.classifier.inputs import detect_language
from framescope.classifier.inputs import split_sentences as split
from framescope.classifier.records import (
    Article,
    ArticleReading,
    Citation,
    MarkedCitation,
    Mention,
    Place,
    Republication,
    Sentence,
    SourceKind,
    Voice,
    fold,
)

# The share of a republished part that is quoted, in characters, from which the marks around it are
# its wrapper's: a wrapper that quotes everything omits little but a headline.
_WRAPPED = 0.8
_OPENING = r"[\"“«„]"
_CLOSING = r"[\"”»“]"
_WRAPPING_MARK = re.compile(rf"(?m)(?<=^){_OPENING}|{_CLOSING}(?=[ \t]*\r?$)")


def read(
    article: Article, registry: Outlets, languages: Collection[str] | None = None
) -> ArticleReading:
    """Read an article; find its citations and outlets if it is in one of `languages` (ISO 639-1).

    None stands for any language.
    """
    # The language that a page declares is often its template's: the text decides.
    article = replace(article, lang=detect_language(article.text) or article.lang)
    reading = begin(article)
    foreign = languages is not None and article.lang is not None and article.lang not in languages
    return replace(reading, sentences=_cited(reading, None if foreign else registry))


def begin(article: Article, sentences: Sequence[Sentence] | None = None) -> ArticleReading:
    """Read only the sentences, by default those that `split_sentences` finds, and quotations."""
    plain = fold(article.text)
    rows = split(article, plain) if sentences is None else tuple(sentences)
    return ArticleReading(article, plain, rows, *find_quotations(article.text, rows))


def cited(
    article: Article, sentences: Sequence[Sentence], registry: Outlets
) -> tuple[Sentence, ...]:
    """Return sentences with quotations, outlets and citations, as models take them."""
    return _cited(begin(article, sentences), registry)


def _cited(reading: ArticleReading, registry: Outlets | None) -> tuple[Sentence, ...]:
    voices = {(unit.start, unit.end): unit.voice for unit in reading.article.units or ()}
    found = list(reading.sentences)
    for rows, part in alone(reading):
        for row, quoted in zip(rows, within(part.quotations, part.sentences), strict=True):
            one = found[row]
            found[row] = replace(
                one,
                voice=voices.get((one.start, one.end)) or Voice.OWN,
                citations=(),
                mentions=tuple(registry.mentions(one.text)) if registry else None,
                quoted=quoted,
                outlet=part.article.outlet,
            )
        if registry is not None:
            own = own_outlets(part.article.outlet, registry)
            part = replace(part, sentences=tuple(found[row] for row in rows))
            ruled = rules.find(part, registry)
            resolved = resolve(part.plain, part.sentences, ruled, registry, own)
            for row, citations in zip(rows, resolved, strict=True):
                found[row] = replace(found[row], citations=citations)
    return tuple(found)


def alone(reading: ArticleReading) -> Iterator[tuple[list[int], ArticleReading]]:
    """Yield the parts of an article that are read as if they stood alone, with their sentences.

    First everything outside a republished part, then each part, whose publisher is the republished
    outlet. Offsets are those of the whole article.
    """
    article, sentences = reading.article, reading.sentences
    if not article.republications:
        yield list(range(len(sentences))), reading
        return
    inside = [
        [row for row, one in enumerate(sentences) if part.start < one.end and one.start < part.end]
        for part in article.republications
    ]
    outside = sorted(set(range(len(sentences))).difference(*inside))
    yield outside, begin(article, [sentences[row] for row in outside])
    for part, rows in zip(article.republications, inside, strict=True):
        yield rows, _alone(article, part, [sentences[row] for row in rows])


def _alone(article: Article, part: Republication, sentences: Sequence[Sentence]) -> ArticleReading:
    body = article.text[part.start : part.end]
    alone = Article(article.id, "", outlet=part.outlet, date=article.date, lang=article.lang)

    def read_as(words: str) -> ArticleReading:
        text = " " * part.start + words
        rows = [replace(s, text=text[s.start : s.end]) for s in sentences]
        return begin(replace(alone, text=text), rows)

    reading = read_as(body)
    covered = sum(end - start for start, end in reading.quotations)
    wrapped = covered >= _WRAPPED * max(len(body.strip()), 1)
    return read_as(_WRAPPING_MARK.sub(" ", body)) if wrapped else reading


_Given = Citation | MarkedCitation
_Channel = tuple[int, tuple[str, ...], bool]  # where it stands, its outlets, if it is state media

# What leads to an outlet through which somebody speaks.
_LEADS = re.compile(
    r"\b(?:told|tells?|telling|to|with|by|on|in|from|via|through|for|citing|quoting)\s"
    r"(?:[\w'-]+\s){0,5}$"
)
_LEAD_WITHIN = 70  # characters
_ORDER = re.compile(r" to [a-z]")  # "told RT to stop"
# An ambiguous name after a verb that outlets have: "told the Fars news agency".
_TOLD = re.compile(
    r"\b(?:told|tells|interview with|(?:quoted|carried|reported) by)\s"
    r"(?P<who>(?:[a-z][\w-]*\s){0,4}(?:al-)?[A-Z][\w'-]*(?:\s[A-Z][\w'-]*){0,3}"
    r"(?:\s(?:news|agency|daily|channel)\b){0,2})"
)
_MOST = 50  # outlets and citations of a sentence that are compared; more are no text


def resolve(
    plain: str,
    sentences: Sequence[Sentence],
    citations: Sequence[Sequence[_Given]],
    registry: Outlets,
    own: frozenset[str] = frozenset(),
    refer: Refer | None = None,
) -> list[tuple[Citation, ...]]:
    """Resolve the sources of the citations of each sentence, of which only the places are kept.

    `plain` is the folded article, and `own` the ids of its publisher
    (`own_outlets`): what the publisher says, or is told, does not come from state media. `refer`
    finds whom pronouns and descriptions refer to.
    """
    cues: dict[Place, str] = {}  # the first cue of each source
    for one in (one for row in citations for one in row):
        if one.source is not None:
            cue = plain[one.cue.start : one.cue.end] if one.cue else ""
            cues[one.source] = cues.get(one.source) or cue
    types = classify(plain, sentences, cues, registry, refer) if cues else {}
    presented = presented_as_state_media(plain)
    starts = [sentence.start for sentence in sentences]

    @cache
    def channels(i: int) -> list[_Channel]:
        one = sentences[i]
        text, names = plain[one.start : one.end], one.mentions
        names = tuple(registry.mentions(text)) if names is None else names
        return _channels(text, names, registry, own, presented)

    def through(i: int, one: _Given) -> list[_Channel]:
        """Find the outlets through which a source spoke, in a sentence that cites it."""
        start, apart = sentences[i].start, tuple(_apart(one, citations[i])) if channels(i) else ()
        return [
            channel
            for channel in channels(i)
            if not any(place.start <= start + channel[0] < place.end for place in apart)
        ]

    def resolved(i: int, one: _Given) -> Citation:
        given = types[one.source] if one.source else NOBODY
        at = bisect_right(starts, one.source.start) - 1 if one.source else i
        told = through(i, one)
        if 0 <= at != i and same_quotation(sentences, i, at):
            tags = (tag for tag in citations[at] if tag.source == one.source)
            told += [channel for tag in tags for channel in through(at, tag)]
        # A source line names state media without the sentences above it doing so.
        credit = 0 <= at != i and source_line(plain, sentences[at]) == one.source
        ours = bool(given.outlets) and own.issuperset(given.outlets)
        state = (given.state_media and not credit and not ours) or any(s for *_, s in told)
        outlets = tuple(id for _, ids, _ in told for id in ids)
        kind = given.kind
        if kind is SourceKind.VAGUE and (outlets or state):
            kind = SourceKind.NAMED if outlets else SourceKind.UNNAMED
        return Citation(
            one.source,
            one.cue,
            one.content,
            kind,
            given.government,
            state,
            given.name,
            given.antecedent,
            tuple(dict.fromkeys((*given.outlets, *outlets))),
            found_by=one.found_by if isinstance(one, Citation) else "",
        )

    return [tuple(resolved(i, one) for one in row) for i, row in enumerate(citations)]


def _apart(one: _Given, row: Sequence[_Given]) -> Iterator[Place]:
    """Yield the places that name no channel of a citation: all contents and sources.

    A content that contains the citation's own may name one ("CNN wrote that Orr told RT that ...").
    """
    for other in row if len(row) <= _MOST else (one,):
        if other.source is not None:
            yield other.source
        contains = other is not one and any(
            a.start <= b.start and b.end <= a.end and a != b
            for a in other.content
            for b in one.content
        )
        if not contains:
            yield from other.content


def _channels(
    text: str,
    mentions: Sequence[Mention],
    registry: Outlets,
    own: frozenset[str],
    presented: re.Pattern[str] | None,
) -> list[_Channel]:
    """Find outlets through which one may speak: "told Reuters", "in an interview with RT"."""

    def leads(start: int, end: int) -> bool:
        lead = _LEADS.search(text, max(0, start - _LEAD_WITHIN), start)
        return lead is not None and not (lead[0].startswith("t") and _ORDER.match(text, end))

    told = [(m.start, m.outlets) for m in mentions[:_MOST] if leads(m.start, m.end)]
    for match in islice(_TOLD.finditer(text), _MOST):
        if leads(*match.span("who")):
            who = match["who"]
            cue = "reported" if who.split()[-1].isupper() else ""  # initials are rather an outlet's
            told.append((match.start("who"), named_outlets(who, parse(who), registry, cue=cue)))
    known = [(at, ids, all_state_media(ids, registry)) for at, ids in told if own.isdisjoint(ids)]
    words = state_media_words(text, presented)[:_MOST]
    return known + [(at, (), True) for at, end in words if leads(at, end)]
