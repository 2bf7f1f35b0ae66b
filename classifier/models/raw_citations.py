"""Raw citations, read from the encoder's outputs, and whom their sources refer to.

Of every token the encoder says whether it begins or continues a span of each role; the kind of
source that it speaks of; and questions and answers, whose products link spans. For "she", "the
minister" or "who" every earlier speaker is a candidate, weighed by a conditional logit; below a
fitted probability nobody is chosen, and the source stays as it stands.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import accumulate
from math import log1p, sqrt
from operator import itemgetter
from typing import Any

import numpy as np
from framescope.classifier import attribution
from framescope.classifier.attribution import Entity, Names, Phrase, Shape
from framescope.classifier.attribution.names import IT, PERSONAL, THEY
from framescope.classifier.languages import in_english
from framescope.classifier.models.evidence import whole_words
from framescope.classifier.models.passages import Tokens
from framescope.classifier.records import Place, Sentence
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
            # Neither a source nor a cue stands between.
            tags = (self.outputs.tags(role)[last:start].argmax(axis=1) for role in SPEAKING)
            if start - last <= _BRIDGED and all((one == _OUTSIDE).all() for one in tags):
                joined[-1] = joined[-1][0], end
            else:
                joined.append((start, end))
        return joined

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
        links, number = self.outputs.links, LINKED.index(role)
        asked = _mean(_part(links[span[0] : span[1]], number, LINK_SIZE))
        scores = _part(links, len(LINKED) + number, LINK_SIZE) @ asked / sqrt(LINK_SIZE)
        chances: Floats = np.exp(scores - scores.max())
        chances /= chances.sum()
        none = float(chances[0])
        if inside is not None:  # a cue of another sentence is none
            none = 1.0 - float(chances[inside[0] : inside[1]].sum())
        best, likeliest = None, none
        for start, end in candidates:
            chance = float(chances[start:end].sum())
            if chance > likeliest:
                best, likeliest = (start, end), chance
        return best, likeliest

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


CLASSES = ("person", "other", "described")  # a pronoun for one person; another; a description
FEATURES = (
    "link", "link: best", "near", "near: best", "same sentence", "sentence before", "far",
    "passed by others", "last speaker", "cited", "named", "in the headline", "subject",
    "after a preposition", "only within quotation marks", "adjacent", "gender agrees",
    "gender differs", "kind agrees", "kind differs", "same noun", "same title", "other people",
    "only described",
)  # fmt: skip
NOBODY = ("nobody", "nobody: definite", "nobody: person", "nobody: plural", "nobody: candidates")
_MOST, _RECENT = 24, 200  # candidates, and mentions: the last ones
_REACH = 12  # sentences back, to which the encoder's link is asked for
_SURE = 8.0  # log-odds of a link, beyond which more says nothing
_CLAUSE = re.compile(
    r"(?:^|[.!?:\n,]\s|\b(?:that|and|but|as|while|when)\s)(?:[\w.'-]+\s){0,4}$", re.MULTILINE
)
_VERB = re.compile(r",|\s(?:who|is|was|has|had|will|would|did|does|also|[a-z]+(?:ed|s|aid|old))\b")
_PREPOSITION = re.compile(
    r"\b(?:to|told|with|of|by|for|from|at|against|about|on|in)\s(?:[\w.'-]+\s){0,3}$"
)
_Mentioned = tuple[list[Place], Entity]  # an earlier speaker, and where it is mentioned
_BEFORE = 60  # characters before a name that tell its position


@dataclass(frozen=True, slots=True)
class Links:
    """What the encoder says of a row's tokens, by which a source finds the words that name it."""

    offsets: Sequence[tuple[int, int]]  # of each token, in characters of the sentence
    questions: Floats  # shape (n_tokens, `LINK_SIZE`)
    answers: Floats
    nobody: Floats  # shape (`LINK_SIZE`,): the answer for none

    def tokens(self, start: int, end: int) -> slice:
        """Return the tokens of some characters."""
        own = [i for i, (a, b) in enumerate(self.offsets) if a < end and start < b]
        return slice(own[0], own[-1] + 1) if own else slice(0)


@dataclass(frozen=True)
class SpeakerScorer:
    """The fitted weights of `FEATURES` and `NOBODY` for each of `CLASSES`, and the thresholds."""

    weights: Mapping[str, tuple[float, ...]]
    thresholds: Mapping[str, float]

    def chances(self, asked: Asked) -> NDArray[np.float64]:
        """Return the probability of each candidate and, last, of nobody."""
        line = np.asarray(self.weights[asked.kind])
        at = len(FEATURES)
        odds = np.append(asked.features @ line[:at], asked.nobody @ line[at:])
        chances = np.exp(odds - odds.max())
        found: NDArray[np.float64] = chances / chances.sum()
        return found

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> SpeakerScorer:
        """Read a record; raise `ValueError` where it is of other features."""
        if list(record["features"]) != [*FEATURES, *NOBODY] or set(record["weights"]) != {*CLASSES}:
            raise ValueError("the choice of speakers is of other features")
        weights = {kind: tuple(map(float, line)) for kind, line in record["weights"].items()}
        return cls(weights, {kind: float(record["thresholds"][kind]) for kind in CLASSES})

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {"features": [*FEATURES, *NOBODY], **asdict(self)}


@dataclass(frozen=True, slots=True)
class Asked:
    """A source that names nobody, its candidates and what speaks for each."""

    kind: str  # one of `CLASSES`
    candidates: Sequence[Entity]
    features: NDArray[np.float64]  # shape (n_candidates, n_features)
    nobody: NDArray[np.float64]


@dataclass(eq=False)
class Referents:
    """Finds whom the sources of one article refer to."""

    plain: str
    sentences: Sequence[Sentence]
    links: Sequence[Links] | None
    scorer: SpeakerScorer | None

    def __post_init__(self) -> None:
        self._position = cache(self._position_of)
        self._answers = cache(self._answers_of)
        self._starts = [one.start for one in self.sentences]
        self._quoted = [(x.start + a, x.start + b) for x in self.sentences for a, b in x.quoted]

    def __call__(
        self, place: Place, phrase: Phrase, earlier: Sequence[Entity], names: Names
    ) -> Entity | None:
        """Return whom a source refers to, if it is sure; ``earlier`` are those cited so far."""
        if self.scorer is None:
            return None
        asked = self.ask(place, phrase, earlier, names)
        chances = self.scorer.chances(asked)[:-1]
        best = max(zip(chances, asked.candidates, strict=True), key=itemgetter(0), default=None)
        return best[1] if best and best[0] >= self.scorer.thresholds[asked.kind] else None

    def ask(self, place: Place, phrase: Phrase, earlier: Sequence[Entity], names: Names) -> Asked:
        """List the candidates of a source, with what speaks for them."""
        row, lines = self._row(place.start), []
        said = in_english(self.plain[place.start : place.end], self.sentences[row].lang)
        words = attribution.words_of(said)
        pronoun = words[0] if len(words) == 1 and words[0] in attribution.PRONOUNS else ""
        kind = "person" if pronoun in PERSONAL else "other" if pronoun else "described"
        gender = attribution.gender_of(words)
        before: list[_Mentioned] = []
        at = bisect_left(names.mentions, place.start, key=lambda pair: pair[0].start)
        recent = (one for _, one in names.mentions[max(0, at - _RECENT) : at])
        for one in {id(one): one for one in (*recent, *earlier[-_MOST:])}.values():
            end = bisect_right(one.mentions, place.start - 1, key=lambda mention: mention.start)
            if end and not _never(pronoun, phrase.shape, one):
                before.append((one.mentions[:end], one))
        before.sort(key=lambda pair: pair[0][-1].start)
        before = before[-_MOST:]
        links = self._links(place, row, before)
        persons = (not one.is_thing for _, one in reversed(before))
        after = [*accumulate(persons, initial=0)][-2::-1]
        for number, (mentions, one) in enumerate(before):
            at, subject, preposition, inside = self._position(mentions[-1])
            gap = max(place.start - mentions[-1].end, 0)
            agrees, differs = _kinds_agree(pronoun, phrase, one)
            lines.append([
                links[number], 0.0, -log1p(gap), 0.0, at == row, at == row - 1, row - at > 5,
                min(after[number], 4), bool(earlier) and earlier[-1] is one, log1p(one.cited),
                log1p(len(mentions)), self._row(mentions[0].start) == 0, subject, preposition,
                inside and not self._is_quoted(place.start), gap <= 3,
                bool(gender) and gender == one.gender,
                bool(gender and one.gender) and gender != one.gender, agrees, differs,
                *_described(phrase, one, bool(pronoun)), not one.name,
            ])  # fmt: skip
        features = np.array(lines, np.float64).reshape(-1, len(FEATURES))
        for name in ("link", "near"):
            column = features[:, FEATURES.index(name)]
            features[:, FEATURES.index(f"{name}: best")] = column == column.max(initial=-np.inf)
        plural = pronoun in THEY or (not pronoun and phrase.shape is Shape.PEOPLE)
        nobody = [
            1.0, not pronoun and phrase.determiner in {"the", "this", "that", "his"},
            not pronoun and phrase.shape is Shape.PERSON, plural, log1p(len(before)),
        ]  # fmt: skip
        entities = [one for _, one in before]
        return Asked(kind, entities, features, np.array(nobody, np.float64))

    def _row(self, at: int) -> int:
        return max(bisect_right(self._starts, at) - 1, 0)

    def _is_quoted(self, at: int) -> bool:
        number = bisect_right(self._quoted, (at, len(self.plain)))
        return number > 0 and at < self._quoted[number - 1][1]

    def _position_of(self, place: Place) -> tuple[int, bool, bool, bool]:
        """Return a name's row, whether it is a subject, follows a preposition, and is quoted."""
        lead = self.plain[max(0, place.start - _BEFORE) : place.start]
        subject = bool(_CLAUSE.search(lead) and _VERB.match(self.plain, place.end))
        after = _PREPOSITION.search(lead) is not None
        return self._row(place.start), subject, after, self._is_quoted(place.start)

    def _answers_of(self, place: Place) -> tuple[int, Floats]:
        row = self._row(place.start)
        own, start = (self.links or ())[row], self._starts[row]
        return row, own.answers[own.tokens(place.start - start, place.end - start)]

    def _links(self, place: Place, row: int, before: Sequence[_Mentioned]) -> list[float]:
        """Return the log-odds that the encoder links a source to a speaker rather than to none."""
        if self.links is None:
            return [0.0] * len(before)
        own, start = self.links[row], self._starts[row]
        asked = own.questions[own.tokens(place.start - start, place.end - start)]
        question = asked.sum(axis=0) / (max(len(asked), 1) * np.sqrt(len(own.nobody)))
        none = float(question @ own.nobody)
        found = []
        for mentions, _ in before:
            best = -_SURE
            for mention in mentions[-_REACH:]:
                at, named = self._answers(mention)
                if row - at <= _REACH and len(named):
                    best = max(best, float((named @ question).max()) - none)
            found.append(min(best, _SURE))
        return found


def _never(pronoun: str, shape: Shape, one: Entity) -> bool:
    """Return whether a source can't be somebody: a person is never "it", a body never "he"."""
    person, people = one.shape is Shape.PERSON, one.shape is Shape.PEOPLE
    if pronoun in PERSONAL or (not pronoun and shape is Shape.PERSON):
        return one.is_thing or people
    thing = not pronoun and shape in (Shape.ORGANISATION, Shape.STATE, Shape.DOCUMENT)
    return (thing or pronoun in IT) and (person or people) and not one.outlets


def _kinds_agree(pronoun: str, phrase: Phrase, one: Entity) -> tuple[bool, bool]:
    """Return whether kind and number agree, and whether they differ; neither where unknown."""
    person, people, thing = one.shape is Shape.PERSON, one.shape is Shape.PEOPLE, one.is_thing
    if pronoun:
        several = pronoun in THEY and (people or thing)
        return (person if pronoun in PERSONAL else thing if pronoun in IT else several), False
    if phrase.shape is Shape.PERSON:
        return person, thing or people
    if phrase.shape in (Shape.ORGANISATION, Shape.STATE):
        return thing, person or people
    known = phrase.shape is not Shape.UNKNOWN
    return known and one.shape is phrase.shape, known and person


def _described(phrase: Phrase, one: Entity, pronoun: bool) -> tuple[bool, bool, bool]:
    """Return whether a description has the noun, or a title, of a speaker, or another people."""
    if pronoun:
        return False, False, False
    said = one.titles.union(one.words)
    peoples = {word for word in phrase.modifiers if word in attribution.places("people")}
    noun = phrase.head in said or phrase.head.removesuffix("s") in said
    return noun, not said.isdisjoint(phrase.modifiers), bool(peoples - said)
