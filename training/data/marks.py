"""Who is cited in a row, by places in the texts of rows: what moves when a text is rewritten.

An article's offsets hold only as long as its words do. Rows may be read with other names in them
(`training.data.swaps`), so a place here is of a sentence and its own text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from framescope.classifier.records import MarkedCitation, Place, Sentence, SourceKind

Edits = Sequence[tuple[int, int, int]]
"""What was rewritten of a sentence: start and end of the old words, and the length of the new."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters of a sentence of the article, of number ``sentence`` in it."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RowCitation:
    """A `MarkedCitation` of one row; all of the content lies in that row."""

    source: Mark | None
    cue: Mark | None
    content: tuple[Mark, ...]
    kind: SourceKind | None
    government: bool
    state_media: bool
    antecedent: Mark | None


def of_sentence(
    marked: Sequence[MarkedCitation] | None, number: int, sentences: Sequence[Sentence]
) -> tuple[RowCitation, ...] | None:
    """Return the citations of an article's sentence; None where it is not annotated.

    `number` says which of the article's sentences it is. A place that runs over several sentences
    is that in the one which holds the most of it.
    """
    if marked is None:
        return None
    own = sentences[number : number + 1]
    return tuple(
        RowCitation(
            _mark(one.source, sentences),
            _mark(one.cue, own),
            tuple(mark for place in one.content if (mark := _mark(place, own))),
            one.kind,
            one.government,
            one.state_media,
            _mark(one.antecedent, sentences),
        )
        for one in marked
    )


def _mark(place: Place | None, sentences: Sequence[Sentence]) -> Mark | None:
    if place is None:
        return None
    best: Mark | None = None
    for sentence in sentences:
        start, end = max(place.start, sentence.start), min(place.end, sentence.end)
        if start < end and (best is None or end - start > best.end - best.start):
            best = Mark(sentence.index, start - sentence.start, end - sentence.start)
    return best


def moved(
    citations: tuple[RowCitation, ...] | None, edits: Mapping[int, Edits]
) -> tuple[RowCitation, ...] | None:
    """Move the places of a row's citations with the words they mark.

    `edits` are those of the article's sentences, by their number.
    """
    if not citations or not edits:
        return citations

    def follow(mark: Mark | None) -> Mark | None:
        return mark and _followed(mark, edits.get(mark.sentence, ()))

    return tuple(
        RowCitation(
            follow(one.source),
            follow(one.cue),
            tuple(_followed(mark, edits.get(mark.sentence, ())) for mark in one.content),
            one.kind,
            one.government,
            one.state_media,
            follow(one.antecedent),
        )
        for one in citations
    )


def rewritten(sentence: Sentence, text: str, edits: Edits) -> Sentence:
    """Return a sentence another text, in which what was quoted still is.

    `edits` lead from its own text to the other. The names in it are to be looked for anew: some
    are gone, and others may be outlets'.
    """
    quoted = tuple(
        (shifted(start, edits, last=False), shifted(end, edits, last=True))
        for start, end in sentence.quoted
    )
    return replace(sentence, text=text, mentions=None, quoted=quoted)


def _followed(mark: Mark, edits: Edits) -> Mark:
    start, end = (shifted(at, edits, last=at == mark.end) for at in (mark.start, mark.end))
    return Mark(mark.sentence, start, end)


def shifted(place: int, edits: Edits, *, last: bool) -> int:
    """Find where a place of the old text is in the new; one within edited words goes to an edge.

    `last` says that it is the end of a range, which goes to the far edge.
    """
    shift = 0
    for start, end, length in edits:
        if place >= end:
            shift += length - (end - start)
        elif place > start:
            return start + shift + (length if last else 0)
        else:
            break
    return place + shift
