"""A labelling as annotation tools have it: marked characters with answers, and links between them.

All tools mark characters; most let marks answer questions and be linked. So a labelling becomes
marks, answers and links once, here, and a format only writes these down. A citation is a mark for
each of its parts, and links from the first piece of its content to the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from typing import NoReturn

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError, SignalError
from framescope.classifier.inputs import from_record
from framescope.classifier.records import (
    Article,
    MarkedCitation,
    Place,
    SourceKind,
    Span,
    Unit,
    Voice,
)
from framescope.training.annotation.task import AnnotationError, Labelling, in_one_order, record_of

VOICE, LOOKED = "voice", "citations"
"""What is asked of a sentence beside its signals; the second, whether citations were looked for."""
YES, NO = "yes", "no"
FLAGS = ("government", "state_media")


class MarkRole(StrEnum):
    """What a mark is."""

    SENTENCE = "sentence"
    SPAN = "span"
    SOURCE = "source"
    CUE = "cue"
    CONTENT = "content"
    ANTECEDENT = "antecedent"


@dataclass(frozen=True, slots=True)
class Marked:
    """Marked characters.

    Attributes
    ----------
    id : str
        Unique among the marks of a marking.
    role : MarkRole
    start, end : int
        Code points of the article's text.
    signal : str
        Of a span.
    answers : mapping of str to str
        Of a sentence: signals, `VOICE`, `LOOKED`. Of a content: ``kind`` and the flags on top.
    scores : mapping of str to float
        By answer, where a model gave it; a span's own under ``""``.
    name : str
        What the tool's file calls it, for messages.
    """

    id: str
    role: MarkRole
    start: int
    end: int
    signal: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    name: str = ""

    @property
    def called(self) -> str:
        """What a message calls it."""
        return self.name or f"{self.role} {self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Marking:
    """A labelling, as marks.

    Attributes
    ----------
    marks : tuple of Marked
    links : tuple of (str, str)
        Ids of marks that belong to one citation.
    answers : mapping of str to str
        Of the whole article.
    scores : mapping of str to float
        By answer.
    by : str or None
    """

    marks: tuple[Marked, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    by: str | None = None


# --- out ------------------------------------------------------------------------------------------


def to_marking(labelling: Labelling) -> Marking:
    """Write a labelling as marks: every sentence, then spans, then the parts of citations."""
    marks: list[Marked] = []
    links: list[tuple[str, str]] = []
    scored: dict[int, dict[str, float]] = defaultdict(dict)
    for (at, signal), value in labelling.scores.items():
        scored[at][signal] = value
    for index, unit in enumerate(labelling.units):
        scores = scored[index]
        marks.append(
            Marked(
                f"s{index}", MarkRole.SENTENCE, unit.start, unit.end, "", answers_of(unit), scores
            )
        )
    for number, span in enumerate(labelling.spans):
        score = {} if span.score is None else {"": span.score}
        marks.append(
            Marked(f"p{number}", MarkRole.SPAN, span.start, span.end, span.signal, scores=score)
        )
    cited = (one for unit in labelling.units for one in unit.citations or ())
    for number, citation in enumerate(cited):
        parts = _parts(citation, f"c{number}")
        marks += parts
        links += [(parts[0].id, part.id) for part in parts[1:]]
    return Marking(
        tuple(marks),
        tuple(links),
        {name: _answer(value) for name, value in labelling.labels.items()},
        scored[-1],
        labelling.by,
    )


def answers_of(unit: Unit) -> dict[str, str]:
    """Give what is said of a sentence: nothing of what isn't annotated."""
    answers = {name: _answer(value) for name, value in unit.labels.items()}
    if unit.voice is not None:
        answers[VOICE] = unit.voice.value
    if unit.citations is not None:
        answers[LOOKED] = YES
    return answers


def _answer(value: float) -> str:
    return {0.0: NO, 1.0: YES}.get(float(value)) or repr(float(value))


def _parts(citation: MarkedCitation, name: str) -> list[Marked]:
    """Give the marks of a citation, the first piece of its content first, with its answers."""
    answers = {} if citation.kind is None else {"kind": citation.kind.value}
    answers |= {flag: YES for flag in FLAGS if getattr(citation, flag)}
    found = [(MarkRole.CONTENT, place) for place in citation.content]
    alone = (
        (MarkRole.SOURCE, citation.source),
        (MarkRole.CUE, citation.cue),
        (MarkRole.ANTECEDENT, citation.antecedent),
    )
    found += [(role, place) for role, place in alone if place is not None]
    return [
        Marked(f"{name}.{at}", role, place.start, place.end, answers=answers if at == 0 else {})
        for at, (role, place) in enumerate(found)
    ]


# --- in -------------------------------------------------------------------------------------------


def from_marking(marking: Marking, article: Article, where: str) -> Labelling:
    """Read a labelling from marks.

    Parameters
    ----------
    marking : Marking
    article : Article
        With the sentences that it was sent out with; where it has none, those that are marked.
    where : str
        What to call it when something is wrong.

    Returns
    -------
    Labelling
        In the order of the text.

    Raises
    ------
    AnnotationError
        For a mark that is no sentence of the article's, an unknown signal (with the nearest name),
        an answer that isn't offered, contradicting answers, parts of a citation without content or
        linked to two sources, and all that the exchange format refuses.
    """
    return _Reader(marking, article, where).labelling()


class _Reader:
    def __init__(self, marking: Marking, article: Article, where: str) -> None:
        self.marking, self.article, self.where = marking, article, where

    def _fail(self, reason: str) -> NoReturn:
        raise AnnotationError(f"{self.where}: {reason}")

    def labelling(self) -> Labelling:
        for mark in self.marking.marks:
            if not 0 <= mark.start < mark.end <= len(self.article.text):
                self._fail(
                    f"{mark.called} {mark.start}-{mark.end} is not inside the text "
                    f"(0-{len(self.article.text)}); are its offsets UTF-16 units? "
                    "export code points"
                )
        units = self._units()
        cited = self._cited(units)
        units = tuple(
            replace(unit, citations=tuple(cited[at])) if at in cited else unit
            for at, unit in enumerate(units)
        )
        spans = tuple(
            Span(mark.start, mark.end, self._signal(mark.signal, mark.called))
            for mark in self._of(MarkRole.SPAN)
        )
        labels = {
            self._signal(name, "the article"): self._label(value, name, "the article")
            for name, value in self.marking.answers.items()
        }
        found = in_one_order(Labelling(units, spans, labels, self.marking.by))
        self._hold_to_the_format(found)
        return found

    def _hold_to_the_format(self, found: Labelling) -> None:
        try:
            from_record(record_of(self.article, found), "", 0)
        except InputError as error:
            self._fail(error.reason)

    def _of(self, role: MarkRole) -> Iterator[Marked]:
        return (mark for mark in self.marking.marks if mark.role is role)

    def _units(self) -> tuple[Unit, ...]:
        places: dict[tuple[int, int], dict[str, str]] = {}
        for mark in self._of(MarkRole.SENTENCE):
            known = places.setdefault((mark.start, mark.end), {})
            for name, value in mark.answers.items():
                if known.setdefault(name, value) != value:
                    self._fail(
                        f"{mark.called}: '{name}' is answered {known[name]} and {value}; "
                        "keep one of them in the tool, and export it again"
                    )
        given = [(unit.start, unit.end) for unit in self.article.units or ()]
        for start, end in sorted(places) if given else ():
            if (start, end) not in given:
                self._fail(
                    f"{start}-{end} is marked as a sentence and is none of the article's; "
                    "leave sentences as they were exported"
                )
        return tuple(
            self._unit(start, end, places.get((start, end), {}))
            for start, end in given or sorted(places)
        )

    def _unit(self, start: int, end: int, answers: Mapping[str, str]) -> Unit:
        name = f"sentence {start}-{end}"
        labels, voice, looked = {}, None, False
        for question, value in answers.items():
            if question == VOICE:
                voice = Voice(self._one_of(value, [*Voice], f"{name}: 'voice'"))
            elif question == LOOKED:
                looked = self._one_of(value, [YES, NO], f"{name}: '{LOOKED}'") == YES
            else:
                labels[self._signal(question, name)] = self._label(value, question, name)
        return Unit(start, end, labels, voice, () if looked else None)

    def _signal(self, signal: str, name: str) -> str:
        try:
            taxonomy.in_order([signal])
        except SignalError as error:
            self._fail(f"{name}: {error}")
        return signal

    def _label(self, value: str, signal: str, name: str) -> float:
        if value in (YES, NO):
            return float(value == YES)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            self._one_of(value, [YES, NO], f"{name}: '{signal}'")
        return number

    def _one_of(self, value: str, known: Sequence[str], name: str) -> str:
        if value not in known:
            close = get_close_matches(value, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            self._fail(f"{name} must be one of {', '.join(known)}, not '{value}'{hint}")
        return value

    # --- citations ---

    def _cited(self, units: Sequence[Unit]) -> dict[int, list[MarkedCitation]]:
        """Read who is cited, by sentence."""
        marks = {mark.id: mark for mark in self.marking.marks}
        linked: dict[str, set[str]] = defaultdict(set)
        for one, other in self.marking.links:
            for name in (one, other):
                if name not in marks:
                    self._fail(f"a link leads to a mark that isn't there ('{name}')")
            linked[one].add(other)
            linked[other].add(one)
        cited: dict[int, list[MarkedCitation]] = defaultdict(list)
        used: set[str] = set()
        for mark in self._of(MarkRole.CONTENT):
            if mark.id in used:
                continue
            pieces = self._together(mark, marks, linked)
            citation, parts = self._citation(pieces, marks, linked)
            used |= parts
            cited[self._at(citation, units, mark)].append(citation)
        for mark in self.marking.marks:
            alone = (
                mark.role in (MarkRole.SOURCE, MarkRole.CUE, MarkRole.ANTECEDENT)
                and mark.id not in used
            )
            if alone:
                self._fail(
                    f"{mark.called} {mark.start}-{mark.end} is linked to no content; "
                    "link what is handed over to it"
                )
        return cited

    def _together(
        self, first: Marked, marks: Mapping[str, Marked], linked: Mapping[str, set[str]]
    ) -> list[Marked]:
        """Give all pieces of one content, in the order of the text."""
        found, todo = {first.id}, [first.id]
        while todo:
            for name in linked.get(todo.pop(), ()):
                if marks[name].role is MarkRole.CONTENT and name not in found:
                    found.add(name)
                    todo.append(name)
        return sorted((marks[name] for name in found), key=lambda mark: (mark.start, mark.end))

    def _citation(
        self, pieces: Sequence[Marked], marks: Mapping[str, Marked], linked: Mapping[str, set[str]]
    ) -> tuple[MarkedCitation, set[str]]:
        near = {name for piece in pieces for name in linked.get(piece.id, ())}
        # "he" may be led back to a name from the content or, as it is read, from the source.
        near |= {
            further
            for name in near
            if marks[name].role is MarkRole.SOURCE
            for further in linked.get(name, ())
            if marks[further].role is MarkRole.ANTECEDENT
        }
        places: dict[MarkRole, Place] = {}
        for name in sorted(near):
            mark = marks[name]
            place = Place(mark.start, mark.end)
            if mark.role in (MarkRole.SENTENCE, MarkRole.SPAN):
                self._fail(f"{mark.called} is linked to a content; link sources, cues, contents")
            if mark.role is not MarkRole.CONTENT and places.setdefault(mark.role, place) != place:
                at = f"{pieces[0].called} {pieces[0].start}-{pieces[0].end}"
                self._fail(
                    f"{at} is linked to two of '{mark.role}'; mark the content again for the other"
                )
        answers: dict[str, str] = {}
        for piece in pieces:
            for name, value in piece.answers.items():
                if answers.setdefault(name, value) != value:
                    self._fail(f"{piece.called}: '{name}' is answered {answers[name]} and {value}")
        citation = MarkedCitation(
            places.get(MarkRole.SOURCE),
            places.get(MarkRole.CUE),
            tuple(Place(piece.start, piece.end) for piece in pieces),
            self._kind(answers.pop("kind", None), pieces[0].called),
            government=self._flag(answers, "government", pieces[0].called),
            state_media=self._flag(answers, "state_media", pieces[0].called),
            antecedent=places.get(MarkRole.ANTECEDENT),
        )
        if answers:
            self._fail(f"{pieces[0].called}: '{next(iter(answers))}' is not asked of a content")
        return citation, near | {piece.id for piece in pieces}

    def _kind(self, value: str | None, name: str) -> SourceKind | None:
        if value is None:
            return None
        return SourceKind(self._one_of(value, [*SourceKind], f"{name}: 'kind'"))

    def _flag(self, answers: dict[str, str], flag: str, name: str) -> bool:
        return self._one_of(answers.pop(flag, NO), [YES, NO], f"{name}: '{flag}'") == YES

    def _at(self, citation: MarkedCitation, units: Sequence[Unit], mark: Marked) -> int:
        start, end = citation.content[0].start, citation.content[-1].end
        for at, unit in enumerate(units):
            if unit.start <= start and end <= unit.end:
                return at
        self._fail(
            f"{mark.called} {start}-{end} lies in no one sentence; a content stays in its sentence"
        )
