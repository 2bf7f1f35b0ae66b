"""Labels of an article as annotation tools have them: marks with answers, and links between marks.

A citation is one mark per part, with links from the first piece of its content to the others. All
offsets are code points of the article's text; `fit` converts those of tools that count UTF-16
units, as JavaScript does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from itertools import accumulate
from typing import Any

from framescope.classifier import taxonomy
from framescope.classifier.errors import FramescopeError, InputError
from framescope.classifier.inputs import split_sentences, to_record
from framescope.classifier.inputs.exchange import read_record
from framescope.classifier.records import Article, MarkedCitation, SourceKind, Unit

VOICE, LOOKED = "voice", "citations"
"""Questions about a sentence beside its signals; the second: whether citations were looked for."""
YES, NO = "yes", "no"
FLAGS = ("government", "state_media")


class AnnotationError(FramescopeError):
    """Labels that a tool can't hold, or a tool's file that can't be read."""


class Role(StrEnum):
    """What a mark is."""

    SENTENCE = "sentence"
    SPAN = "span"
    SOURCE = "source"
    CUE = "cue"
    CONTENT = "content"
    ANTECEDENT = "antecedent"


_UNSEEN = re.compile(r"\\[nr]|[\s\u200b\ufeff]+")

PARTS = (Role.SOURCE, Role.CUE, Role.ANTECEDENT)
"""The parts of a citation that are linked to its content."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Marked characters.

    `signal` is that of a span. `answers` of a sentence are signals, `VOICE` and `LOOKED`, of a
    content its kind and `FLAGS`. `words` are the marked text, where the tool's file has it.
    """

    id: str
    role: Role
    start: int
    end: int
    signal: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    words: str | None = None

    def __str__(self) -> str:
        """Name it in a message."""
        return f"{self.signal or self.role} {self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class Marking:
    """Labels as marks, links between their ids, and answers about the whole article."""

    marks: tuple[Mark, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)


def bare(article: Article) -> Article:
    """Return an article with its sentences as units, split where it has none, and no label."""
    units = tuple(Unit(u.start, u.end) for u in article.units or split_sentences(article))
    return replace(article, units=units, spans=(), labels={}, origin=None)


def is_labelled(article: Article) -> bool:
    """Whether an article carries any label."""
    return bool(article.spans or article.labels) or any(
        unit.labels or unit.voice or unit.citations is not None for unit in article.units or ()
    )


# Labels to marks


def to_marking(article: Article) -> Marking:
    """Return every sentence as a mark, then spans, then the parts of citations."""
    units = article.units or ()
    marks = [
        Mark(f"s{at}", Role.SENTENCE, unit.start, unit.end, answers=answers_of(unit))
        for at, unit in enumerate(units)
    ]
    marks += [
        Mark(f"p{at}", Role.SPAN, span.start, span.end, span.signal)
        for at, span in enumerate(article.spans)
    ]
    links = []
    for at, citation in enumerate(one for unit in units for one in unit.citations or ()):
        parts = _parts(citation, f"c{at}")
        marks += parts
        links += [(parts[0].id, part.id) for part in parts[1:]]
    return Marking(tuple(marks), tuple(links), answers_of(Unit(0, 0, article.labels)))


def answers_of(unit: Unit) -> dict[str, str]:
    """Return the answers to what is asked of a sentence, as far as it is annotated."""
    words = {0.0: NO, 1.0: YES}
    answers = {name: words.get(value) or repr(float(value)) for name, value in unit.labels.items()}
    if unit.voice is not None:
        answers[VOICE] = unit.voice.value
    if unit.citations is not None:
        answers[LOOKED] = YES
    return answers


def _parts(citation: MarkedCitation, name: str) -> list[Mark]:
    answers = {} if citation.kind is None else {"kind": citation.kind.value}
    answers |= {flag: YES for flag in FLAGS if getattr(citation, flag)}
    places = [(Role.CONTENT, place) for place in citation.content]
    places += [(role, place) for role in PARTS if (place := getattr(citation, role)) is not None]
    return [
        Mark(f"{name}.{at}", role, place.start, place.end, answers=answers if at == 0 else {})
        for at, (role, place) in enumerate(places)
    ]


# Marks to labels


def from_marking(marking: Marking, article: Article, where: str) -> Article:
    """Return an article with the labels of a marking, in the order of the text.

    Raise `AnnotationError`, beginning with `where`, for whatever the exchange format doesn't allow.
    """
    try:
        return in_text_order(read_record(_record(marking, article), ""))
    except InputError as error:
        raise AnnotationError(f"{where}: {error.reason}") from None
    except ValueError as error:
        raise AnnotationError(f"{where}: {error}") from None


def _record(marking: Marking, article: Article) -> dict[str, Any]:
    length = len(article.text)
    for mark in marking.marks:
        if not 0 <= mark.start < mark.end <= length:
            raise ValueError(
                f"{mark} is not inside the text (0-{length}); are its offsets UTF-16 units? "
                "export code points"
            )
    places = {(unit.start, unit.end): dict[str, str]() for unit in article.units or ()}
    for mark in marking.marks:
        if mark.role is Role.SENTENCE:
            if (answers := places.get((mark.start, mark.end))) is None:
                raise ValueError(f"{mark} isn't the article's; leave sentences as exported")
            _add_answers(answers, mark)
    sentences = [_sentence(*place, answers) for place, answers in places.items()]
    for first, citation in _citations(marking):
        start, end = citation["content"][0]["start"], citation["content"][-1]["end"]
        inside = [one for one in sentences if one["start"] <= start and end <= one["end"]]
        if not inside:
            raise ValueError(f"{first} lies in no single sentence; mark it within its sentence")
        inside[0].setdefault("citations", []).append(citation)
    spans = [
        {"start": mark.start, "end": mark.end, "signal": mark.signal}
        for mark in marking.marks
        if mark.role is Role.SPAN
    ]
    labels = {name: _label(value) for name, value in marking.answers.items()}
    return {**to_record(article), "sentences": sentences, "spans": spans, "labels": labels}


def _add_answers(known: dict[str, str], mark: Mark) -> None:
    for name, value in mark.answers.items():
        if known.setdefault(name, value) != value:
            raise ValueError(
                f"{mark}: '{name}' is answered {known[name]} and {value}; keep one of them in the "
                "tool, and export it again"
            )


def _sentence(start: int, end: int, answers: dict[str, str]) -> dict[str, Any]:
    sentence: dict[str, Any] = {"start": start, "end": end, "voice": answers.pop(VOICE, None)}
    looked = answers.pop(LOOKED, NO)
    if looked not in (YES, NO):
        raise ValueError(f"sentence {start}-{end}: '{LOOKED}' must be yes or no, not '{looked}'")
    if looked == YES:
        sentence["citations"] = []
    return {**sentence, "labels": {name: _label(value) for name, value in answers.items()}}


def _label(value: str) -> object:
    """Return a label as a number, or as it stands, for the exchange format to refuse."""
    try:
        return float({YES: 1, NO: 0}.get(value, value))
    except ValueError:
        return value


def _citations(marking: Marking) -> Iterator[tuple[Mark, dict[str, Any]]]:
    """Yield the first mark of each content, and its citation as the exchange format has it."""
    marks = {mark.id: mark for mark in marking.marks}
    linked: dict[str, set[str]] = defaultdict(set)
    for one, other in marking.links:
        if missing := {one, other} - marks.keys():
            raise ValueError(f"a link leads to a mark that isn't there ('{min(missing)}')")
        linked[one].add(other)
        linked[other].add(one)
    of_role = {role: {m.id for m in marks.values() if m.role is role} for role in Role}
    used: set[str] = set()
    for first in (mark for mark in marks.values() if mark.role is Role.CONTENT):
        if first.id in used:
            continue
        pieces, todo = {first.id}, [first.id]
        while todo:
            more = linked[todo.pop()] & of_role[Role.CONTENT] - pieces
            pieces |= more
            todo += more
        near = set().union(*(linked[name] for name in pieces)) - pieces
        # The antecedent of "he" may be linked to the content or to the source.
        for source in near & of_role[Role.SOURCE]:
            near |= linked[source] & of_role[Role.ANTECEDENT]
        used |= near | pieces
        yield first, _citation(first, [marks[n] for n in pieces], [marks[n] for n in near])
    for mark in marks.values():
        if mark.role in PARTS and mark.id not in used:
            raise ValueError(f"{mark} is linked to no content; link it to what it hands over")


def _citation(first: Mark, pieces: Sequence[Mark], near: Sequence[Mark]) -> dict[str, Any]:
    answers: dict[str, str] = {}
    for piece in pieces:
        _add_answers(answers, piece)
    if unknown := answers.keys() - {"kind", *FLAGS}:
        raise ValueError(f"{first}: '{min(unknown)}' is not asked of a content")
    citation: dict[str, Any] = {
        name: {YES: True, NO: False}.get(value, value) for name, value in answers.items()
    }
    places = sorted((piece.start, piece.end) for piece in pieces)
    citation["content"] = [{"start": start, "end": end} for start, end in places]
    for part in near:
        if part.role not in PARTS:
            raise ValueError(f"{part} is linked to a content; link sources, cues, contents")
        place = {"start": part.start, "end": part.end}
        if citation.setdefault(part.role.value, place) != place:
            what = f"two marks of '{part.role}'; mark the content again for the other"
            raise ValueError(f"{first} is linked to {what}")
    return citation


def in_text_order(article: Article) -> Article:
    """Sort spans and citations by their places, each once: tools may change their order."""
    spans = {(one.start, one.end, one.signal): one for one in article.spans}
    units = tuple(
        unit
        if unit.citations is None
        else replace(unit, citations=tuple(sorted(set(unit.citations), key=_order)))
        for unit in article.units or ()
    )
    return replace(article, units=units, spans=tuple(spans[key] for key in sorted(spans)))


def _order(one: MarkedCitation) -> tuple[Any, ...]:
    content = [(place.start, place.end) for place in one.content]
    parts = [(p.start, p.end) if p else (-1, -1) for p in (one.source, one.cue, one.antecedent)]
    return content, parts, one.kind or "", one.government, one.state_media


# Offsets


def fit(marks: Sequence[Mark], text: str, where: str) -> tuple[Mark, ...]:
    """Return marks with offsets that count code points of `text`.

    The marked words decide what a tool counts: all marks are read in one way, or each by the way
    in which its words stand there exactly. Browsers leave out spaces and, in Label Studio, write
    line breaks as a backslash and an ``n``, so that neither count. Raise `AnnotationError`,
    beginning with `where`, for a mark that fits in no way.
    """
    sizes = (2 if ord(char) > 0xFFFF else 1 for char in text)
    units = {offset: at for at, offset in enumerate(accumulate(sizes, initial=0))}
    proven = any(mark.words is not None for mark in marks)
    ways = [{at: at for at in units.values()}, *([units] if proven else ())]
    for unseen in (False, True):
        for way in ways:
            placed = [_placed(mark, text, way, unseen=unseen) for mark in marks]
            if None not in placed:
                return tuple(mark for mark in placed if mark is not None)
    return tuple(_alone(mark, text, ways, where) for mark in marks)


def _placed(mark: Mark, text: str, way: Mapping[int, int], *, unseen: bool = False) -> Mark | None:
    start, end = way.get(mark.start, -1), way.get(mark.end, -1)
    words, given = text[start:end], mark.words
    if unseen and given is not None:
        words, given = _UNSEEN.sub("", words), _UNSEEN.sub("", given)
    fits = 0 <= start < end and given in (None, words)
    return replace(mark, start=start, end=end, words=None) if fits else None


def _alone(mark: Mark, text: str, ways: Sequence[Mapping[int, int]], where: str) -> Mark:
    for way in ways if mark.words else ways[:1]:
        if (placed := _placed(mark, text, way)) is not None:
            return placed
    if mark.words is None:
        reason = "is not inside the text; are its offsets UTF-16 units? export code points"
    else:
        words = " ".join(mark.words.split())
        words = words if len(words) <= 40 else words[:39] + "…"
        reason = (
            f"doesn't mark '{words}', neither in code points nor in UTF-16 units; is the text the "
            "one that was exported?"
        )
    raise AnnotationError(f"{where}: {mark} {reason}")


# Labels of tools whose marks have no answers


def flat(answers: Mapping[str, str]) -> list[str]:
    """Return answers as labels: ``claim: yes``."""
    return [f"{question}: {answer}" for question, answer in answers.items()]


def unflat(labels: Iterable[Any], where: str) -> dict[str, str]:
    """Return such labels as answers; raise `AnnotationError` where two contradict each other."""
    answers: dict[str, str] = {}
    for label in labels:
        question, _, answer = label.partition(": ") if isinstance(label, str) else ("", "", "")
        if not question or not answer:
            raise AnnotationError(f"{where}: unknown label '{label}'; write it as 'claim: yes'")
        if answers.setdefault(question, answer) != answer:
            both = f"{answers[question]} and {answer}"
            raise AnnotationError(f"{where}: '{question}' is answered {both}; keep one")
    return answers


def mark_label(mark: Mark) -> str:
    """Return the label of a mark: its role or signal; a content's answers stand in its own."""
    if mark.role is Role.SPAN:  # "content" is a signal too
        return f"{Role.SPAN} {mark.signal}" if mark.signal in list(Role) else mark.signal
    flags = [flag for flag in FLAGS if mark.answers.get(flag) == YES]
    return " ".join([mark.role, *filter(None, [mark.answers.get("kind")]), *flags])


def content_labels() -> dict[str, dict[str, str]]:
    """Return the labels that a content may have, with the answers that they stand for."""
    labels = {}
    for kind in ("", *SourceKind):
        for flags in ((), FLAGS[:1], FLAGS[1:], FLAGS):
            answers = {"kind": kind.value} if kind else {}
            name = " ".join([Role.CONTENT, *answers.values(), *flags])
            labels[name] = answers | dict.fromkeys(flags, YES)
    return labels


def labelled_mark(name: str, label: str, start: int, end: int, where: str) -> Mark:
    """Return the mark that a label of `mark_label` stands for."""
    if label in PARTS:
        return Mark(name, Role(label), start, end)
    if (answers := content_labels().get(label)) is not None:
        return Mark(name, Role.CONTENT, start, end, answers=answers)
    signal = label.removeprefix(f"{Role.SPAN} ")
    if signal not in taxonomy.NAMES:
        close = get_close_matches(label, [*taxonomy.NAMES, *PARTS, Role.CONTENT], n=1)
        hint = f"did you mean {close[0]}?" if close else "framescope signals lists those known"
        raise AnnotationError(f"{where}: unknown label '{label}'; {hint}")
    return Mark(name, Role.SPAN, start, end, signal)
