"""Citations that the form of an article gives: no sentence needs to be understood.

A transcript's speaker labels, the line under an article that names its source, and a quotation
that runs on. Who the sources are is left to `reading.resolve`: here every kind is ``named``.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from framescope.classifier.attribution.outlets import Outlets
from framescope.classifier.attribution.quotations import QUESTION
from framescope.classifier.inputs.page import is_headline
from framescope.classifier.records import (
    ArticleReading,
    Citation,
    MarkedCitation,
    Place,
    Sentence,
    SourceKind,
    Voice,
    fold,
)

_Found = TypeVar("_Found", Citation, MarkedCitation)

LABEL, SOURCE_LINE = "speaker label", "source line"
RUN_ON = "running quotation"

_SOURCE_LINE = re.compile(r"[\W_]*sources?\s*:\s*(?P<name>[^:()\n]{2,120}?)[\W_]*", re.IGNORECASE)
# A Chinese or Japanese character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_]+(?:['.-][^\W_]+)*")
_POST = re.compile(r"@\w|twitter|tweet", re.IGNORECASE)  # who posts signs the post
_ENDED = re.compile(r"[.!?][\"'”’»)\]]{0,3}\Z")
_LEAST_QUOTED = 3  # words of a quotation whose speaker is looked for elsewhere; fewer are a term
_LONGEST_QUOTATION = 12  # sentences


def find(reading: ArticleReading, registry: Outlets) -> list[tuple[Citation, ...]]:
    """Find the citations of each sentence by speaker labels and source lines."""
    turns, plain = reading.turns, reading.plain
    starts = [start for start, _ in turns]
    rows: list[tuple[Citation, ...]] = []
    for sentence in reading.sentences:
        at = bisect_right(starts, sentence.start)
        spoken = 0 < at < len(starts)
        rows.append(_turn(plain, sentence, *turns[at - 1]) if spoken else ())
    # Under the article only: a line within it is a chart's. Outlets are credited for pictures.
    for i, sentence in reversed([*enumerate(reading.sentences)]):
        if line := source_line(plain, sentence):
            name = plain[line.start : line.end]
            for j, one in enumerate(reading.sentences[:i] if not registry.mentions(name) else ()):
                rows[j] = rows[j] or _cited(line, None, Place(one.start, one.end), SOURCE_LINE)
        if line or _ENDED.search(sentence.text):
            break
    return rows


def _cited(
    source: Place, cue: Place | None, content: Place | None, rule: str
) -> tuple[Citation, ...]:
    return (Citation(source, cue, (content,), SourceKind.NAMED, found_by=rule),) if content else ()


def _turn(plain: str, sentence: Sentence, start: int, end: int) -> tuple[Citation, ...]:
    """Return what is said under a speaker's label, which opens the sentence or precedes it."""
    if plain[start:end] == QUESTION:
        return ()
    opens = start >= sentence.start
    content = _stripped(plain, end if opens else sentence.start, sentence.end)
    return _cited(Place(start, end - 1), Place(end - 1, end) if opens else None, content, LABEL)


def _stripped(plain: str, start: int, end: int) -> Place | None:
    words = plain[start:end]
    start, end = end - len(words.lstrip()), start + len(words.rstrip())
    return Place(start, end) if start < end else None


def source_line(plain: str, sentence: Sentence) -> Place | None:
    """Return the name in a line such as "(Source: Ministry of Works)"; None in any other."""
    match = _SOURCE_LINE.fullmatch(plain, sentence.start, sentence.end)
    return None if match is None else Place(match.start("name"), match.end("name"))


def speaking(
    sentences: Sequence[Sentence], citations: Sequence[Sequence[_Found]]
) -> list[tuple[_Found, ...]]:
    """Keep the citations whose source speaks; headings, captions, bylines and credits don't.

    What stands in another sentence speaks where a cue hands over its words anywhere, a colon leads
    to them, they are quoted, or it signs a post.
    """
    starts = [sentence.start for sentence in sentences]
    cued = {one.source for row in citations for one in row if one.cue is not None}

    def speaks(i: int, one: _Found) -> bool:
        quoted = _quoted(sentences[i], one.content[0])
        if one.source is None:
            return one.cue is not None and not _quoted(sentences[i], one.cue)
        at = bisect_right(starts, one.source.start) - 1
        there = sentences[at].text
        if at == i or _POST.search(there):
            return True
        if at < i and (at or there.isupper()) and is_headline(there) and not _ENDED.search(there):
            return False
        leads = there.endswith((":", ",")) or there.startswith(":", one.source.end - starts[at])
        return leads or quoted or one.cue is not None or one.source in cued

    return [tuple(one for one in row if speaks(i, one)) for i, row in enumerate(citations)]


def _quoted(sentence: Sentence, place: Place) -> bool:
    start, end = place.start - sentence.start, place.end - sentence.start
    return any(a < end and start < b for a, b in sentence.quoted)


def run_on(
    sentences: Sequence[Sentence], citations: Sequence[Sequence[_Found]]
) -> list[tuple[_Found, ...]]:
    """Give quoted sentences without a citation that of their quotation's speaker.

    It gets the sentence's content and no cue.
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
    sentences: Sequence[Sentence], rows: Sequence[Sequence[_Found]], i: int
) -> Iterator[_Found]:
    """Yield the citations whose source may speak a sentence's quotation, the likeliest first."""
    for j in _around(sentences, i):
        for one in rows[j]:
            # The speaker stands outside the marks, whoever is cited within them.
            if one.source is not None and not _quoted(sentences[j], one.source):
                yield one
    # A new quotation directly after somebody's words continues them.
    for one in reversed(rows[i - 1] if i and sentences[i].quoted[0][0] == 0 else ()):
        if one.source is not None and (one.cue is not None or sentences[i - 1].quoted):
            yield one


def _around(sentences: Sequence[Sentence], i: int) -> Iterator[int]:
    """Yield the sentences of the quotation that runs through a sentence, those before it first."""
    for step in (-1, 1):
        for j in range(i + step, i + step * _LONGEST_QUOTATION, step):
            low = min(j, j - step)
            if not 0 <= j < len(sentences) or not _continues(*sentences[low : low + 2]):
                break
            yield j


def _continues(one: Sentence, following: Sentence) -> bool:
    """Return whether a quotation runs from one sentence into the next: no mark closes it."""
    if not one.quoted or not following.quoted or one.quoted[-1][1] < len(one.text.rstrip()):
        return False
    start, end = one.quoted[-1]
    last = fold(one.text[start:end]).rstrip()
    return len(last) > 1 and last[-1] not in "\"'"


def quoted_elsewhere(text: str, sentences: Sequence[Sentence]) -> Iterator[int]:
    """Yield the rows that are quoted by what stands beside them.

    They are a paragraph that a colon introduces, where its first sentence is quoted or cites a
    source before the colon; and a tag that was split from its quotation ('"Why?" | Orr asked.').
    """
    block = False
    for i, (before, one) in enumerate(pairwise(sentences), 1):
        if "\n" in text[before.end : one.start]:
            whole = one.voice is Voice.QUOTED and not one.quoted
            led = before.text.rstrip().endswith(":")
            block = led and (whole or _speaks(before, one))
        tag = before.voice is Voice.QUOTED and not one.quoted and not one.citations
        if block or (tag and _speaks(one, before)):
            yield i


def _speaks(there: Sentence, one: Sentence) -> bool:
    """Return whether a source of a sentence stands in another."""
    sources = (citation.source for citation in one.citations)
    return any(source and there.start <= source.start < there.end for source in sources)


def same_quotation(sentences: Sequence[Sentence], i: int, tag: int) -> bool:
    """Return whether a sentence lies in the quotation that another one tags or interrupts.

    '"No," TASS said. "Never."': an outlet's channel holds for the whole quotation, but not for a
    later one of the same speaker.
    """
    whole = sentences[i].quoted == ((0, len(sentences[i].text)),)
    after = tag == i - 1 and whole and bool(sentences[tag].quoted)
    return after or tag in _around(sentences, i)
