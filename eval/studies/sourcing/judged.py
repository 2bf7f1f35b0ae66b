"""Articles to judge by: in each sentence who is cited by the annotators, and who was found to be.

Both are put in the offsets of the article, as one value, so that what follows asks of neither where
it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from framescope.classifier.records import Citation, Place, Sentence, SourceKind
from framescope.eval.rows import CitedRows
from framescope.training.data import Mark, RowCitation

Pieces = tuple[Place, ...]
"""Characters that belong together, in order and apart."""
ROLES = ("source", "cue", "content")
# What an annotator may put on either side of an edge: space, quotation marks, punctuation.
_EDGE = r"[\s\"'“”„‟‘’‚‛«»‹›`´.,;:!?…()\[\]{}*_–—-]+"
_EDGES = re.compile(rf"^{_EDGE}|{_EDGE}$")


@dataclass(frozen=True, slots=True)
class JudgedCitation:
    """One citation, marked or found.

    ``source``: also where it stands in another sentence. ``kind``: None where not annotated.
    ``name``: what a reader would look up; empty for what is marked.
    """

    source: Place | None
    cue: Place | None
    content: Pieces
    kind: SourceKind | None
    government: bool = False
    state_media: bool = False
    antecedent: Place | None = None
    name: str = ""

    def pieces(self, role: str) -> Pieces:
        """Give the places of a role; none where the citation has none."""
        if role == "content":
            return self.content
        place: Place | None = getattr(self, role)
        return () if place is None else (place,)

    @property
    def named_at(self) -> Pieces:
        """Where its source stands, and where that is named."""
        return tuple(place for place in (self.source, self.antecedent) if place is not None)


class JudgedSentence(NamedTuple):
    """The citations of one annotated sentence."""

    marked: tuple[JudgedCitation, ...]
    found: tuple[JudgedCitation, ...]


@dataclass(frozen=True, slots=True)
class JudgedArticle:
    """An article's annotated sentences of one part.

    ``text``: holds every sentence at its offsets, and nothing else.
    """

    id: str
    corpus: str
    part: str
    outlet: str
    text: str
    sentences: tuple[JudgedSentence, ...]

    def trimmed(self, pieces: Iterable[Place]) -> Pieces:
        """Take space, quotation marks and punctuation off the edges of places.

        A place that holds nothing else, such as the colon of a headline, stays whole.
        """
        return tuple(found for place in pieces if (found := self._trimmed(place)))

    def _trimmed(self, place: Place) -> Place | None:
        words = self.text[place.start : place.end]
        inner = _EDGES.sub("", words) or words.strip()
        if not inner:
            return None
        start = place.start + words.index(inner)
        return Place(start, start + len(inner))


def articles_of(cited: CitedRows, parts: Sequence[str]) -> list[JudgedArticle]:
    """Lay out the articles with an annotated sentence of these parts.

    Parameters
    ----------
    cited : CitedRows
    parts : sequence of str
        An article of several parts, some sentences removed say, is one of each.
    """
    return list(_articles(cited, parts))


def _articles(cited: CitedRows, parts: Sequence[str]) -> Iterator[JudgedArticle]:
    rows = cited.rows
    for name, numbers in groupby(range(len(rows)), lambda row: str(rows.article[row])):
        own = list(numbers)
        starts = {rows.sentences[row].index: rows.sentences[row].start for row in own}
        text = ""
        for part in parts:
            judged = tuple(
                JudgedSentence(
                    tuple(_of_marked(one, starts) for one in marked),
                    tuple(_of_found(one) for one in cited.found[row]),
                )
                for row in own
                if rows.part[row] == part and (marked := rows.citations[row]) is not None
            )
            if judged:
                text = text or _text([rows.sentences[row] for row in own])
                corpus, outlet = str(rows.corpus[own[0]]), str(rows.outlet[own[0]])
                yield JudgedArticle(name, corpus, part, outlet, text, judged)


def _text(sentences: Sequence[Sentence]) -> str:
    """Put sentences where they stand in their article, with spaces between them."""
    text = ""
    for sentence in sentences:
        text = text.ljust(sentence.start) + sentence.text
    return text


def _of_marked(one: RowCitation, starts: Mapping[int, int]) -> JudgedCitation:
    def place(mark: Mark | None) -> Place | None:
        if mark is None:
            return None
        return Place(starts[mark.sentence] + mark.start, starts[mark.sentence] + mark.end)

    return JudgedCitation(
        place(one.source),
        place(one.cue),
        tuple(found for mark in one.content if (found := place(mark))),
        one.kind,
        one.government,
        one.state_media,
        place(one.antecedent),
    )


def _of_found(one: Citation) -> JudgedCitation:
    return JudgedCitation(
        one.source,
        one.cue,
        one.content,
        one.kind,
        one.government,
        one.state_media,
        one.antecedent,
        one.name,
    )
