"""Citations by their places in the texts of rows, which move when a text is rewritten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from framescope.classifier.records import MarkedCitation, Place, Sentence, SourceKind

Edits = Sequence[tuple[int, int, int]]
"""What was rewritten of a sentence: start and end of the old words, and the length of the new."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Characters of the sentence that has the number ``sentence`` in its article."""

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
    """Return the citations of the article's sentence of that number; None if not annotated.

    A place that runs over several sentences is reduced to the one that holds most of it.
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
    overlaps = (
        (sentence, max(place.start, sentence.start), min(place.end, sentence.end))
        for sentence in sentences
    )
    sentence, start, end = max(overlaps, key=lambda one: one[2] - one[1])
    if start >= end:
        return None
    return Mark(sentence.index, start - sentence.start, end - sentence.start)


def moved(
    citations: tuple[RowCitation, ...] | None, edits: Mapping[int, Edits]
) -> tuple[RowCitation, ...] | None:
    """Move a row's citations with the words they mark; `edits` are by number of the sentence."""
    if not citations or not edits:
        return citations

    def follow(mark: Mark) -> Mark:
        return Mark(mark.sentence, *shifted(mark.start, mark.end, edits.get(mark.sentence, ())))

    return tuple(
        replace(
            one,
            source=one.source and follow(one.source),
            cue=one.cue and follow(one.cue),
            content=tuple(map(follow, one.content)),
            antecedent=one.antecedent and follow(one.antecedent),
        )
        for one in citations
    )


def rewrite(sentence: Sentence, found: Sequence[tuple[int, int, str]]) -> tuple[Sentence, Edits]:
    """Write other words at some ranges of a sentence's text, given in order.

    Quotations move with their words; names of outlets have to be looked for again.
    """
    text, pieces, done = sentence.text, list[str](), 0
    for start, end, words in found:
        pieces += [text[done:start], words]
        done = end
    edits = [(start, end, len(words)) for start, end, words in found]
    quoted = tuple(shifted(start, end, edits) for start, end in sentence.quoted)
    written = "".join([*pieces, text[done:]])
    return replace(sentence, text=written, mentions=None, quoted=quoted), edits


def shifted(start: int, end: int, edits: Edits) -> tuple[int, int]:
    """Return where a range of the old text is in the new; it grows over words cut by an edit."""

    def place(old: int, *, last: bool) -> int:
        shift = 0
        for begin, stop, length in edits:
            if old >= stop:
                shift += length - (stop - begin)
            elif old > begin:
                return begin + shift + (length if last else 0)
            else:
                break
        return old + shift

    return place(start, last=False), place(end, last=True)
