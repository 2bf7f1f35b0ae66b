"""Raw citations: spans, and which of them belong together, read from the encoder's outputs.

Of every token the encoder says whether it begins or continues a span of each role; the kind of
source that it speaks of; and questions and answers, whose products link spans.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from framescope.classifier.models.evidence import whole_words
from framescope.classifier.models.passages import Tokens
from framescope.classifier.models.speakers import Links
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Span = tuple[int, int]

ROLES = ("source", "cue", "content", "nested")  # "nested" is a content within another
TAGS = ("begins", "inside", "outside")
LINKED = ("source", "cue", "antecedent")  # what a content is linked to, and, last, a source
LINK_SIZE = 64
KINDS = ("named", "unnamed", "vague", "government", "state_media")
SPEAKING = LINKED[:2]  # the spans that speak of a source's kind
ROLE_COLUMNS = len(ROLES) * len(TAGS)
LINK_COLUMNS = 2 * len(LINKED) * LINK_SIZE  # questions for each of `LINKED`, then their answers
KIND_COLUMNS = len(SPEAKING) * len(KINDS)
CITED = ("roles", "links", "kinds")  # the encoder's outputs for citations
CITED_COLUMNS = (ROLE_COLUMNS, LINK_COLUMNS, KIND_COLUMNS)

_BEGINS, _INSIDE, _OUTSIDE = map(TAGS.index, ("begins", "inside", "outside"))
_LAYERS = ("content", "nested")
_BRIDGED = 2  # tokens between two pieces of one content: a slip of the tagger
_BESIDE = 4  # tokens between a source and its cue within a content: "he later said"
# Added to the logits of tags: an extra span is scored later, a missing one is lost.
_LEAN = np.array([0.7, 0.7, 0.0], np.float32)


@dataclass(frozen=True, slots=True)
class RowSpan:
    """Characters of a row's sentence."""

    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RawCitation:
    """A citation as the encoder marks it; its content lies in one row."""

    content: tuple[RowSpan, ...]
    source: RowSpan | None
    cue: RowSpan | None
    nested: bool
    carried: bool  # whether the source is that of the sentence before
    marked: float  # the probability that the content is one
    linked: float  # and that the source belongs to it
    cued: float  # and the cue
    kinds: Floats  # log-odds in the order of `KINDS`


@dataclass(frozen=True, slots=True)
class PassageOutputs:
    """The encoder's outputs for one passage."""

    places: Sequence[tuple[int, int, int]]  # its rows with their first and end token
    roles: Floats  # shape (n_tokens, columns), as the others, without padding
    links: Floats
    kinds: Floats

    def speaker_links(self, tokens: Sequence[Tokens]) -> dict[int, Links]:
        """Return what a source finds the words by that name it, by row, apart from the batch."""
        number = LINKED.index("antecedent")
        asked = _part(self.links, number, LINK_SIZE).copy()
        answers = _part(self.links, len(LINKED) + number, LINK_SIZE).copy()
        return {
            row: Links(tokens[row].offsets, asked[start:end], answers[start:end], answers[0])
            for row, start, end in self.places
        }

    def tags(self, role: str) -> Floats:
        """Return the logits of a role's tags, shape (n_tokens, 3)."""
        return _part(self.roles, ROLES.index(role), len(TAGS))


def _part(columns: Floats, number: int, size: int) -> Floats:
    found: Floats = columns[:, number * size : (number + 1) * size]
    return found


def runs(tags: Sequence[int]) -> list[Span]:
    """Return the spans of a sequence of tags; one may begin with "inside"."""
    found: list[Span] = []
    start: int | None = None
    for at, tag in enumerate((*tags, _OUTSIDE)):
        if start is not None and tag != _INSIDE:
            found.append((start, at))
            start = None
        if tag == _BEGINS or (tag == _INSIDE and start is None):
            start = at
    return found


class PassageReader:
    """Reads the raw citations of one passage; its spans are tokens of the passage."""

    def __init__(
        self, outputs: PassageOutputs, tokens: Sequence[Tokens], sentences: Sequence[Sentence]
    ) -> None:
        self.outputs, self.tokens, self.sentences = outputs, tokens, sentences
        self._row_of = {at: row for row, start, end in outputs.places for at in range(start, end)}
        self._first = {row: start for row, start, _ in outputs.places}
        self._spans = {role: self._spans_of(role) for role in ROLES}
        self._sources = [span for row in self._spans["source"].values() for span in row]
        self._outer: list[tuple[Span, Span | None]] = []  # contents so far, with their sources

    def read(self) -> Iterator[tuple[int, list[RawCitation]]]:
        """Yield each row with its citations, in the order of their contents."""
        for row, start, end in self.outputs.places:
            found = [one for layer in _LAYERS for one in self._of_layer(layer, row, (start, end))]
            found += self._of_cues_within(row, found)
            yield row, sorted(found, key=lambda one: one.content[0].start)

    def _spans_of(self, role: str) -> dict[int, list[Span]]:
        tags = (self.outputs.tags(role) + _LEAN).argmax(axis=1)
        found = {}
        for row, start, end in self.outputs.places:
            spans = [(start + a, start + b) for a, b in runs(tags[start:end].tolist())]
            found[row] = self._bridged(spans) if role in _LAYERS else spans
        return found

    def _bridged(self, spans: Sequence[Span]) -> list[Span]:
        joined: list[Span] = []
        for start, end in spans:
            last = joined[-1][1] if joined else start - _BRIDGED - 1
            if start - last <= _BRIDGED and not self._separated(last, start):
                joined[-1] = joined[-1][0], end
            else:
                joined.append((start, end))
        return joined

    def _separated(self, start: int, end: int) -> bool:
        """Return whether a source or a cue stands between two pieces."""
        tags = (self.outputs.tags(role)[start:end].argmax(axis=1) for role in SPEAKING)
        return any((found != _OUTSIDE).any() for found in tags)

    def _of_layer(self, layer: str, row: int, inside: Span) -> list[RawCitation]:
        pieces: dict[object, list[RawCitation]] = {}
        for span in self._spans[layer][row]:
            source, linked = self._find("source", span, self._speakers(layer, span))
            cue, cued = self._find("cue", span, self._spans["cue"][row], inside)
            chances = self._marked(layer, span), linked, cued
            one = self._citation(span, source, cue, layer == "nested", chances)
            pieces.setdefault(cue or ("alone", span), []).append(one)
            if layer == "content":
                self._outer.append((span, source))
        return [_joined(group) for group in pieces.values()]

    def _of_cues_within(self, row: int, found: Sequence[RawCitation]) -> Iterator[RawCitation]:
        """Yield a citation for each cue in a content without a tagged content: what follows it."""
        used = {one.cue for one in found}
        for outer, _ in self._outer:
            for cue in self._spans["cue"][row]:
                if not (outer[0] <= cue[0] and cue[1] < outer[1]) or self._words(cue) in used:
                    continue
                before = [s for s in self._sources if outer[0] <= s[0] and s[1] <= cue[0]]
                if not before or cue[0] - before[-1][1] > _BESIDE:
                    continue
                chances = self._marked("cue", cue), self._marked("source", before[-1]), 0.5
                yield self._citation((cue[1], outer[1]), before[-1], cue, True, chances)

    def _citation(
        self,
        content: Span,
        source: Span | None,
        cue: Span | None,
        nested: bool,
        chances: tuple[float, float, float],
    ) -> RawCitation:
        """Return a citation; the chances are that it is one, of its source and of its cue."""
        kinds = np.zeros(len(KINDS), np.float32)
        for number, span in enumerate((source, cue)):
            if span is not None:
                own = _part(self.outputs.kinds[span[0] : span[1]], number, len(KINDS))
                kinds += _mean(own)
        said, cited = (span and self._words(span) for span in (source, cue))
        return RawCitation((self._words(content),), said, cited, nested, False, *chances, kinds)

    def _speakers(self, layer: str, span: Span) -> Sequence[Span]:
        """Return the sources a content may have; within another one, not that one's source."""
        if layer == "content":
            return self._sources
        for outer, speaker in self._outer:
            if outer[0] < span[1] and span[0] < outer[1]:
                within = [s for s in self._sources if outer[0] <= s[0] and s[1] <= outer[1]]
                shorter = span[1] - span[0] < outer[1] - outer[0]
                others = [s for s in self._sources if s != speaker]
                return (within if shorter else []) or others
        return self._sources

    def _find(
        self, role: str, span: Span, candidates: Sequence[Span], inside: Span | None = None
    ) -> tuple[Span | None, float]:
        """Return the candidate to which a span is linked, None for none, and the probability."""
        chances = self._chances(role, span)
        none = float(chances[0])
        if inside is not None:  # a cue of another sentence is none
            none = 1.0 - float(chances[inside[0] : inside[1]].sum())
        best, likeliest = None, none
        for start, end in candidates:
            chance = float(chances[start:end].sum())
            if chance > likeliest:
                best, likeliest = (start, end), chance
        return best, likeliest

    def _chances(self, role: str, span: Span) -> Floats:
        links, number = self.outputs.links, LINKED.index(role)
        asked = _mean(_part(links[span[0] : span[1]], number, LINK_SIZE))
        scores = _part(links, len(LINKED) + number, LINK_SIZE) @ asked / sqrt(LINK_SIZE)
        chances: Floats = np.exp(scores - scores.max())
        chances /= chances.sum()
        return chances

    def _marked(self, role: str, span: Span) -> float:
        tags = self.outputs.tags(role)[span[0] : span[1]]
        odds = np.exp(tags - tags.max(axis=1, keepdims=True))
        return float(1.0 - (odds[:, _OUTSIDE] / odds.sum(axis=1)).mean())

    def _words(self, span: Span) -> RowSpan:
        row = self._row_of[span[0]]
        offsets, first = self.tokens[row].offsets, self._first[row]
        start, end = offsets[span[0] - first][0], offsets[span[1] - 1 - first][1]
        return RowSpan(row, *whole_words(self.sentences[row].text, start, end))


def _mean(rows: Floats) -> Floats:
    """Return ``rows.mean(axis=0)``, without its overhead."""
    total: Floats = np.add.reduce(rows, axis=0)
    total /= np.float32(len(rows))
    return total


def _joined(pieces: Sequence[RawCitation]) -> RawCitation:
    """Join the pieces of a content that its cue interrupts."""
    surest = max(pieces, key=lambda one: one.linked)
    content = tuple(words for one in pieces for words in one.content)
    return replace(surest, content=content, marked=min(one.marked for one in pieces))


def carried(
    rows: Sequence[Sequence[RawCitation]], sentences: Sequence[Sentence]
) -> list[list[RawCitation]]:
    """Give citations without source and cue the source of the sentence before, in an article."""
    result: list[list[RawCitation]] = []  # a passage may begin in the middle of a quotation
    last: RawCitation | None = None
    for row, (found, sentence) in enumerate(zip(rows, sentences, strict=True)):
        if row and sentences[row - 1].article_id != sentence.article_id:
            last = None
        kept = [
            replace(one, source=last.source, kinds=last.kinds, carried=True)
            if one.source is None and one.cue is None and last is not None
            else one
            for one in found
        ]  # fmt: skip
        result.append(kept)
        last = next((one for one in reversed(kept) if one.source is not None), None)
    return result
