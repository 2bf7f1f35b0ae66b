"""Who says what, read off the encoder's outputs: spans, and which belong to one another.

Each content looks for the source and the cue that belong to it among the spans of its passage. What
finds no source goes on with whoever spoke just before: the passage may begin in the middle of a
quotation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from framescope.classifier.models.passages import Tokens
from framescope.classifier.models.roles import (
    KINDS,
    LINK_SIZE,
    LINKED,
    SPEAKING,
    TAGS,
    answers,
    kinds_of,
    questions,
    runs,
    tags_of,
)
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Span = tuple[int, int]

_LAYERS = ("content", "nested")
_BRIDGED = 2
"""Tokens between two pieces of one content that are taken in: a slip of the tagger, not a tag."""
_BESIDE = 4
"""Tokens between a source and its cue within a content: "he later said"."""
_GROWN = 0.3
"""Of the likeliest word's chance, that of the words beside it which name a source with it."""
#: Added to the logits of tags: a span too many is told by its chance, one too few is lost.
_LEAN = np.array([0.7, 0.7, 0.0], np.float32)
_LEAST = 1e-6  # a chance below which no logarithm is taken


@dataclass(frozen=True, slots=True)
class Words:
    """Characters of the text of a row's sentence."""

    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Said:
    """A citation as the encoder marks it; its content lies in one row.

    `marked`, `linked` and `cued` are chances: that the content is one, that the source is its, that
    the cue is. `kinds`, shape (5,), are log-odds in the order of `KINDS`.
    """

    content: tuple[Words, ...]
    source: Words | None
    cue: Words | None
    antecedent: Words | None
    nested: bool
    carried: bool
    marked: float
    linked: float
    cued: float
    kinds: Floats


@dataclass(frozen=True, slots=True)
class PassageOutputs:
    """What the encoder says of one passage.

    `places` are its rows with their first and end token; `roles`, `links` and `kinds` have shapes
    (n_tokens, columns), padding left out.
    """

    places: Sequence[tuple[int, int, int]]
    roles: Floats
    links: Floats
    kinds: Floats


class PassageReader:
    """Reads the citations off one passage."""

    def __init__(
        self, outputs: PassageOutputs, tokens: Sequence[Tokens], sentences: Sequence[Sentence]
    ) -> None:
        self.outputs, self.tokens, self.sentences = outputs, tokens, sentences
        self._row_of = {at: row for row, start, end in outputs.places for at in range(start, end)}
        self._first = {row: start for row, start, _ in outputs.places}
        spans = {role: self._spans(role) for role in ("source", "cue", *_LAYERS)}
        self._sources = [span for row in spans["source"].values() for span in row]
        self._outer: list[tuple[Span, Span | None]] = []  # contents read so far, and their sources
        self._cues, self._layers = spans["cue"], {name: spans[name] for name in _LAYERS}

    def read(self) -> Iterator[tuple[int, list[Said]]]:
        """Give each row's citations, in the order of their contents."""
        for row, start, end in self.outputs.places:
            found = [one for layer in _LAYERS for one in self._of_layer(layer, row, (start, end))]
            found += self._of_cues_within(row, found)
            yield row, sorted(found, key=lambda one: one.content[0].start)

    def _spans(self, role: str) -> dict[int, list[Span]]:
        """Find a role's spans, by row, in tokens of the passage."""
        tags = (tags_of(self.outputs.roles, role) + _LEAN).argmax(axis=1)
        found = {}
        for row, start, end in self.outputs.places:
            spans = [(start + a, start + b) for a, b in runs(tags[start:end].tolist())]
            found[row] = self._bridged(spans) if role in _LAYERS else spans
        return found

    def _bridged(self, spans: Sequence[Span]) -> list[Span]:
        joined: list[Span] = []
        for start, end in spans:
            if (
                joined
                and start - joined[-1][1] <= _BRIDGED
                and not self._separated(joined[-1][1], start)
            ):
                joined[-1] = joined[-1][0], end
            else:
                joined.append((start, end))
        return joined

    def _separated(self, start: int, end: int) -> bool:
        """Whether a source or a cue stands between two pieces."""
        outside = TAGS.index("outside")
        return any(
            (tags_of(self.outputs.roles[start:end], role).argmax(axis=1) != outside).any()
            for role in SPEAKING
        )

    def _of_layer(self, layer: str, row: int, inside: Span) -> list[Said]:
        pieces: dict[object, list[Said]] = {}
        for span in self._layers[layer][row]:
            source, linked = self._find("source", span, self._speakers(layer, span))
            cue, cued = self._find("cue", span, self._cues[row], inside)
            antecedent = None if source is None else self._antecedent(source)
            one = Said(
                (self._words(span),),
                None if source is None else self._words(source),
                None if cue is None else self._words(cue),
                antecedent,
                nested=layer == "nested",
                carried=False,
                marked=self._marked(layer, span),
                linked=linked,
                cued=cued,
                kinds=self._kinds(source, cue),
            )
            pieces.setdefault(cue or ("alone", span), []).append(one)
            if layer == "content":
                self._outer.append((span, source))
        return [_joined(group) for group in pieces.values()]

    def _of_cues_within(self, row: int, found: Sequence[Said]) -> Iterator[Said]:
        """Cite whom a cue within a content hands over from, where no content was tagged for it.

        What is handed over is then what follows the cue, to the end of the outer content.
        """
        used = {one.cue for one in found}
        for outer, _ in self._outer:
            for cue in self._cues[row]:
                if not (outer[0] <= cue[0] and cue[1] < outer[1]) or self._words(cue) in used:
                    continue
                before = [s for s in self._sources if outer[0] <= s[0] and s[1] <= cue[0]]
                if not before or cue[0] - before[-1][1] > _BESIDE:
                    continue
                source, content = before[-1], (cue[1], outer[1])
                yield Said(
                    (self._words(content),),
                    self._words(source),
                    self._words(cue),
                    self._antecedent(source),
                    nested=True,
                    carried=False,
                    marked=self._marked("cue", cue),
                    linked=self._marked("source", source),
                    cued=0.5,
                    kinds=self._kinds(source, cue),
                )

    def _speakers(self, layer: str, span: Span) -> Sequence[Span]:
        """Give the sources that a content may have.

        Who is cited within what somebody says is named there; of two who say the same each is
        somebody else.
        """
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
        """Find which of some spans a span looks for, and the chance; None where it is none."""
        chances = self._chances(role, span)
        none = float(chances[0])
        if inside is not None:  # what stands in another sentence is none here either
            none = 1.0 - float(chances[inside[0] : inside[1]].sum())
        best, likeliest = None, none
        for start, end in candidates:
            chance = float(chances[start:end].sum())
            if chance > likeliest:
                best, likeliest = (start, end), chance
        return best, likeliest

    def _chances(self, role: str, span: Span) -> Floats:
        links = self.outputs.links
        asked = _mean(questions(links[span[0] : span[1]], role))
        scores = answers(links, role) @ asked / sqrt(LINK_SIZE)
        chances: Floats = np.exp(scores - scores.max())
        chances /= chances.sum()
        return chances

    def _antecedent(self, source: Span) -> Words | None:
        """Find the words of the passage, before it, that name a source."""
        chances = self._chances(LINKED[-1], source)
        found, _ = self._find(LINKED[-1], source, [s for s in self._sources if s[1] <= source[0]])
        if found is None:
            best = int(chances.argmax())
            if best == 0 or best not in self._row_of or best >= source[0]:
                return None
            start, end = best, best + 1
            near = [at for at, row in self._row_of.items() if row == self._row_of[best]]
            while start > near[0] and chances[start - 1] >= _GROWN * chances[best]:
                start -= 1
            while end <= near[-1] and chances[end] >= _GROWN * chances[best]:
                end += 1
            found = start, end
        return self._words(found)

    def _marked(self, layer: str, span: Span) -> float:
        tags = tags_of(self.outputs.roles[span[0] : span[1]], layer)
        odds = np.exp(tags - tags.max(axis=1, keepdims=True))
        outside = odds[:, TAGS.index("outside")] / odds.sum(axis=1)
        return float(1.0 - outside.mean())

    def _kinds(self, source: Span | None, cue: Span | None) -> Floats:
        total = np.zeros(len(KINDS), np.float32)
        for role, span in zip(SPEAKING, (source, cue), strict=True):
            if span is not None:
                total += _mean(kinds_of(self.outputs.kinds[span[0] : span[1]], role))
        return total

    def _words(self, span: Span) -> Words:
        """Give the characters of a run of tokens, widened to whole words."""
        row = self._row_of[span[0]]
        offsets, text = self.tokens[row].offsets, self.sentences[row].text
        first = self._first[row]
        start, end = offsets[span[0] - first][0], offsets[span[1] - 1 - first][1]
        while 0 < start < len(text) and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while 0 < end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            end += 1
        return Words(row, start, end)


def _mean(rows: Floats) -> Floats:
    """Give what ``rows.mean(axis=0)`` does, without what that looks into first."""
    total: Floats = np.add.reduce(rows, axis=0)
    total /= np.float32(len(rows))
    return total


def _joined(pieces: Sequence[Said]) -> Said:
    """Put together the pieces of a content that its tag interrupts."""
    surest = max(pieces, key=lambda one: one.linked)
    content = tuple(words for one in pieces for words in one.content)
    return replace(surest, content=content, marked=min(one.marked for one in pieces))


def carried(rows: Sequence[Sequence[Said]], sentences: Sequence[Sentence]) -> list[list[Said]]:
    """Give those without source and cue the source of the sentence before, in the same article."""
    result: list[list[Said]] = []
    last: Said | None = None
    for row, (found, sentence) in enumerate(zip(rows, sentences, strict=True)):
        if row and sentences[row - 1].article_id != sentence.article_id:
            last = None
        kept = [
            replace(one, source=last.source, antecedent=last.antecedent, kinds=last.kinds,
                    carried=True)
            if one.source is None and one.cue is None and last is not None
            else one
            for one in found
        ]  # fmt: skip
        result.append(kept)
        last = next((one for one in reversed(kept) if one.source is not None), None)
    return result


def log_odds(chance: float) -> float:
    """Give a chance's log-odds, kept finite."""
    return float(np.log(max(chance, _LEAST) / max(1.0 - chance, _LEAST)))
