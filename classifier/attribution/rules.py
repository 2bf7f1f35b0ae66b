"""Who is cited, where the form of an article says so and no sentence needs to be understood.

A transcript's labels, an agency in a dateline, the line under an article that names its source, a
quotation that runs on, and the outlet that somebody speaks through. The kind of each source is left
to `attribution.resolve`: here it is always ``named``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from framescope.classifier.attribution.outlets import Outlets, called_state_media, named
from framescope.classifier.attribution.phrases import parse
from framescope.classifier.attribution.presented import states
from framescope.classifier.records import (
    ArticleReading,
    Citation,
    MarkedCitation,
    Mention,
    Place,
    Sentence,
    SourceKind,
    fold,
)

Found = TypeVar("Found", Citation, MarkedCitation)
Span = tuple[int, int]

_DATELINE_WITHIN = 110
"""Characters in which a dateline ends: a place of 50, an agency of 40, the marks around them."""
_MOSTLY = 0.5
"""Of the words in the brackets that an agency's name takes: a judgement."""
_DATELINE = re.compile(
    r"\s*(?P<place>[^\W\d_][\w .,'-]{1,48}?)?[(/\[]\s*(?P<agency>[^()/\[\]\n]{2,40}?)\s*[)/\]]\.?"
    r"\s*(?:[-:]{1,2}\s|(?=[A-Z\"]))[^\w\"]*"
)
_SOURCE_LINE = re.compile(r"[\W_]*sources?\s*:\s*(?P<name>[^:\n]{2,120}?)[\W_]*", re.IGNORECASE)
# A Chinese or Japanese character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_]+(?:['.-][^\W_]+)*")
#: What found a citation.
LABEL, DATELINE, SOURCE_LINE = "speaker label", "dateline", "source line"
RUN_ON = "running quotation"

_LEAST_QUOTED = 3
"""Words of a quotation from which its speaker is looked for elsewhere: less is a term."""
_LONGEST_QUOTATION = 12
"""Sentences that a quotation runs over at most, looked at for the tag that names its speaker."""


def find(
    reading: ArticleReading, registry: Outlets, own: frozenset[str] = frozenset()
) -> list[tuple[Citation, ...]]:
    """Find who is cited by a transcript's labels, a dateline, a source line.

    Gives the citations of each sentence. What somebody reads in the sentence itself comes before a
    dateline and a source line, which stand behind what nobody else is cited for. The dateline of
    the article's ``own`` outlet, by its registry ids, is no citation.
    """
    turns, plain = reading.turns, reading.plain
    starts = [start for start, _ in turns]
    rows: list[tuple[Citation, ...]] = []
    above = 0  # the first sentence that no source line has been found for
    for i, sentence in enumerate(reading.sentences):
        line = source_line(plain, sentence)
        if at := bisect_right(starts, sentence.start):
            rows.append(_turn(plain, sentence, *turns[at - 1]))
        elif line is None or i == above:
            rows.append(_dateline(plain, sentence, registry, own))
        else:
            rows.append(())
        if line is not None and i > above:
            for j, one in enumerate(reading.sentences[above:i], above):
                whole = (Place(one.start, one.end),)
                found = Citation(line, None, whole, SourceKind.NAMED, found_by=SOURCE_LINE)
                rows[j] = rows[j] or (found,)
            above = i + 1
    return rows


def _turn(plain: str, sentence: Sentence, start: int, end: int) -> tuple[Citation, ...]:
    """Give what is said under a speaker's label, which opens the sentence or stands before it."""
    opens = start >= sentence.start
    said = _stripped(plain, end if opens else sentence.start, sentence.end)
    cue = Place(end - 1, end) if opens else None
    label = Place(start, end - 1)
    return tuple(Citation(label, cue, (one,), SourceKind.NAMED, found_by=LABEL) for one in said)


def _dateline(
    plain: str, sentence: Sentence, registry: Outlets, own: frozenset[str]
) -> tuple[Citation, ...]:
    """Give what stands under a dateline to its agency: "HARBURG, 3 May (Xinhua) - ..."."""
    start, end = sentence.start, min(sentence.end, sentence.start + _DATELINE_WITHIN)
    match = _DATELINE.match(plain, start, end)
    if match is None or (match["place"] and not match["place"].lstrip()[:2].isupper()):
        return ()
    words, first = match["agency"], match.start("agency")
    long = (m for m in registry.mentions(words) if m.end - m.start >= _MOSTLY * len(words))
    name = next(long, None)
    if name is None or not own.isdisjoint(name.outlets):
        return ()
    agency = Place(first + name.start, first + name.end)
    said = _stripped(plain, match.end(), sentence.end)
    return tuple(
        Citation(agency, None, (one,), SourceKind.NAMED, found_by=DATELINE) for one in said
    )


def _stripped(plain: str, start: int, end: int) -> tuple[Place, ...]:
    words = plain[start:end]
    start, end = end - len(words.lstrip()), start + len(words.rstrip())
    return (Place(start, end),) if start < end else ()


def source_line(plain: str, sentence: Sentence) -> Place | None:
    """Find the name in a line such as "(Source: Ministry of Works)"; None in any other."""
    match = _SOURCE_LINE.fullmatch(plain, sentence.start, sentence.end)
    return None if match is None else Place(match.start("name"), match.end("name"))


# --- a quotation that runs on --------------------------------------------------------------------


def run_on(
    sentences: Sequence[Sentence], citations: Sequence[Sequence[Found]]
) -> list[tuple[Found, ...]]:
    """Give the sentences of a quotation that cite nobody its speaker, wherever its tag stands.

    Parameters
    ----------
    sentences : sequence of Sentence
        In order, with what is quoted in them.
    citations : sequence of sequence of Citation or MarkedCitation
        Of each sentence; those carried over are the tag's, with a content of their own and no cue.
    """
    rows = [tuple(row) for row in citations]
    for i, sentence in enumerate(sentences):
        words = [len(_WORD.findall(sentence.text[a:b])) for a, b in sentence.quoted]
        mostly = 2 * sum(words) >= len(_WORD.findall(sentence.text)) if words else False
        if not rows[i] and mostly and sum(words) >= _LEAST_QUOTED:
            said = tuple(Place(sentence.start + a, sentence.start + b) for a, b in sentence.quoted)
            tag = next(_tags(sentences, rows, i), None)
            rows[i] = () if tag is None else (replace(tag, cue=None, content=said),)
    return rows


def _tags(
    sentences: Sequence[Sentence], rows: Sequence[Sequence[Found]], i: int
) -> Iterator[Found]:
    """Find the citations whose source may speak what a sentence quotes, the likeliest first."""
    for step in (-1, 1):
        for j in range(i + step, i + step * _LONGEST_QUOTATION, step):
            low, last = min(j, j - step), len(sentences) - 1
            if not 0 <= j <= last or not _runs(sentences[low], sentences[low + 1]):
                break
            inside = [
                (sentences[j].start + a, sentences[j].start + b) for a, b in sentences[j].quoted
            ]
            for one in rows[j]:
                # The speaker stands outside of the marks, whoever else is cited within them.
                at = one.source.start if one.source else -1
                if at >= 0 and not any(a <= at < b for a, b in inside):
                    yield one
    # A new quotation right behind what somebody said goes on with it.
    for one in reversed(rows[i - 1] if i and sentences[i].quoted[0][0] == 0 else ()):
        if one.source is not None and (one.cue is not None or sentences[i - 1].quoted):
            yield one


def _runs(one: Sentence, following: Sentence) -> bool:
    """Whether a quotation runs on from one sentence into the next: no mark closes it."""
    if not one.quoted or not following.quoted or one.quoted[-1][1] < len(one.text.rstrip()):
        return False
    start, end = one.quoted[-1]
    last = fold(one.text[start:end]).rstrip()
    return len(last) > 1 and last[-1] not in "\"'"


def same_quotation(sentences: Sequence[Sentence], i: int, tag: int) -> bool:
    """Whether a sentence lies in the quotation that another one tags, or that its tag interrupts.

    '"No," TASS said. "Never."': what came through an outlet did so from its first words to its
    last; a later quotation of the same speaker need not have.
    """
    low, high = sorted((i, tag))
    between = range(low, high) if high - low < _LONGEST_QUOTATION else ()
    if between and all(_runs(sentences[k], sentences[k + 1]) for k in between):
        return True
    whole = sentences[i].quoted == ((0, len(sentences[i].text)),)
    return tag == i - 1 and whole and bool(sentences[tag].quoted)


# --- through whom --------------------------------------------------------------------------------

# What leads to an outlet that somebody speaks through, the words between included.
_LEADS = re.compile(
    r"\b(?:told|tells?|telling|to|with|by|on|in|from|via|through|for|citing|quoting)\s"
    r"(?:[\w'-]+\s){0,5}$"
)
_ORDER = re.compile(r" to [a-z]")  # "told RT to stop"
# A name that may mean other things too, where something is told: "told the Fars news agency".
_TOLD = re.compile(
    r"\b(?:told|tells|interview with|(?:quoted|carried|reported) by)\s"
    r"(?P<who>(?:[a-z][\w-]*\s){0,4}(?:al-)?[A-Z][\w'-]*(?:\s[A-Z][\w'-]*){0,3}"
    r"(?:\s(?:news|agency|daily|channel)\b){0,2})"
)
_LEAD_WITHIN = 70  # characters before an outlet that are searched: a judgement
MOST = 50
"""Outlets, and citations, of one sentence that are weighed against each other: more are no text."""


def channel(
    text: str,
    mentions: Sequence[Mention],
    registry: Outlets,
    own: frozenset[str],
    shown: re.Pattern[str] | None,
) -> list[tuple[int, tuple[str, ...], bool]]:
    """Find the outlets that one may speak through: "told Reuters", "in an interview with RT".

    Of a sentence (folded, with its ``mentions`` of outlets): where each stands, its registry ids,
    and whether it is state media, by the registry or by what the article has ``shown``
    (`presented`). They are a citation's that stand outside of what is said and of who says it. What
    the article's ``own`` outlet is told is a byline.
    """

    def leads(start: int, end: int) -> bool:
        lead = _LEADS.search(text, max(0, start - _LEAD_WITHIN), start)
        return lead is not None and not (lead[0].startswith("t") and _ORDER.match(text, end))

    told = [(m.start, m.outlets) for m in mentions[:MOST] if leads(m.start, m.end)]
    for match in islice(_TOLD.finditer(text), MOST):
        if leads(*match.span("who")):  # initials are rather an outlet's than anything else's
            who, cue = match["who"], "reported" if match["who"].split()[-1].isupper() else ""
            told.append((match.start("who"), named(who, parse(who), registry, cue=cue)))
    by_name = [(at, (), True) for at, end in states(text, shown)[:MOST] if leads(at, end)]
    known = [
        (at, ids, called_state_media(ids, registry)) for at, ids in told if own.isdisjoint(ids)
    ]
    return [*known, *by_name]
