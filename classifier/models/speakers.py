"""Whom a source that names nobody refers to: a choice among the article's speakers, or nobody.

For "she", "the minister" or "who" every earlier speaker is a candidate, weighed by a conditional
logit. Below a fitted probability nobody is chosen: the source stays as it stands.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import accumulate
from math import log1p
from operator import itemgetter
from typing import Any

import numpy as np
from framescope.classifier import attribution
from framescope.classifier.attribution import Entity, Names, Phrase, Shape
from framescope.classifier.attribution.names import IT, PERSONAL, THEY
from framescope.classifier.languages import in_english
from framescope.classifier.records import Place, Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float32]

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
_BEGINS = re.compile(
    r"(?:^|[.!?:\n,]\s|\b(?:that|and|but|as|while|when)\s)(?:[\w.'-]+\s){0,4}$", re.MULTILINE
)
_VERB = re.compile(r",|\s(?:who|is|was|has|had|will|would|did|does|also|[a-z]+(?:ed|s|aid|old))\b")
_PREPOSITION = re.compile(
    r"\b(?:to|told|with|of|by|for|from|at|against|about|on|in)\s(?:[\w.'-]+\s){0,3}$"
)
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
        before: list[tuple[list[Place], Entity]] = []
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
        subject = bool(_BEGINS.search(lead) and _VERB.match(self.plain, place.end))
        after = _PREPOSITION.search(lead) is not None
        return self._row(place.start), subject, after, self._is_quoted(place.start)

    def _answers_of(self, place: Place) -> tuple[int, Floats]:
        row = self._row(place.start)
        own, start = (self.links or ())[row], self._starts[row]
        return row, own.answers[own.tokens(place.start - start, place.end - start)]

    def _links(
        self, place: Place, row: int, before: Sequence[tuple[list[Place], Entity]]
    ) -> list[float]:
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
