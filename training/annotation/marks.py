"""Labels of an article as annotation tools have them: marks with answers, and links between marks.

A citation is one mark per part, with links from the first piece of its content to the others.
Offsets are code points of the text; `fit` converts those of tools that count UTF-16 units.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from enum import StrEnum
from importlib.resources import files
from itertools import accumulate, product
from typing import Any, NamedTuple

from framescope.classifier import taxonomy
from framescope.classifier.errors import InputError
from framescope.classifier.inputs import split_sentences, to_record
from framescope.classifier.inputs.exchange import read_record
from framescope.classifier.records import Article, MarkedCitation, SourceKind, Unit, Voice
from framescope.classifier.taxonomy import Level
from framescope.training.labels.reading import label_sets

VOICE, LOOKED = "voice", "citations"  # asked beside signals; the second: whether they were marked
YES, NO = "yes", "no"
ON_TOP = {
    "government": "a present office-holder or body of a state, at any level",
    "state_media": "an outlet that a state owns and controls editorially",
}
FLAGS = tuple(ON_TOP)


class Role(StrEnum):
    """What a mark is."""

    SENTENCE = "sentence"
    SPAN = "span"
    SOURCE = "source"
    CUE = "cue"
    CONTENT = "content"
    ANTECEDENT = "antecedent"


PARTS = (Role.SOURCE, Role.CUE, Role.ANTECEDENT)  # of a citation, linked to its content
_UNITS = "; are its offsets UTF-16 units? export code points"
# Browsers leave out spaces, and Label Studio writes line breaks as a backslash and an "n".
_UNSEEN = re.compile(r"\\[nr]|[\s\u200b\ufeff]+")


@dataclass(frozen=True, slots=True)
class Mark:
    """Marked characters; `signal` is that of a span, `words` what the tool's file says they are."""

    id: str
    role: Role
    start: int
    end: int
    signal: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)  # of sentences and contents
    words: str | None = None

    def __str__(self) -> str:
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


def to_marking(article: Article) -> Marking:
    """Return every sentence as a mark, then spans, then the parts of citations."""
    units = article.units or ()
    marks = [
        Mark(f"s{at}", Role.SENTENCE, unit.start, unit.end, answers=answers_of(unit))
        for at, unit in enumerate(units)
    ]
    marks += [
        Mark(f"p{at}", Role.SPAN, s.start, s.end, s.signal) for at, s in enumerate(article.spans)
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
    voice = {} if unit.voice is None else {VOICE: unit.voice.value}
    return answers | voice | ({} if unit.citations is None else {LOOKED: YES})


def _parts(citation: MarkedCitation, name: str) -> list[Mark]:
    answers = {} if citation.kind is None else {"kind": citation.kind.value}
    answers |= {flag: YES for flag in FLAGS if getattr(citation, flag)}
    places = [(Role.CONTENT, place) for place in citation.content]
    places += [(role, place) for role in PARTS if (place := getattr(citation, role)) is not None]
    return [
        Mark(f"{name}.{at}", role, place.start, place.end, answers=answers if at == 0 else {})
        for at, (role, place) in enumerate(places)
    ]


def from_marking(marking: Marking, article: Article, where: str) -> Article:
    """Return an article with the labels of a marking; raise `InputError` where one is wrong."""
    try:
        return in_text_order(read_record(_record(marking, article), ""))
    except (InputError, ValueError) as error:
        raise InputError(where, str(getattr(error, "reason", error))) from None


def _record(marking: Marking, article: Article) -> dict[str, Any]:
    length = len(article.text)
    places = {(unit.start, unit.end): dict[str, str]() for unit in article.units or ()}
    for mark in marking.marks:
        if not 0 <= mark.start < mark.end <= length:
            raise ValueError(f"{mark} is not inside the text (0-{length}){_UNITS}")
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
    marked = (mark for mark in marking.marks if mark.role is Role.SPAN)
    spans = [{"start": one.start, "end": one.end, "signal": one.signal} for one in marked]
    labels = {name: _label(value) for name, value in marking.answers.items()}
    return {**to_record(article), "sentences": sentences, "spans": spans, "labels": labels}


def _add_answers(known: dict[str, str], mark: Mark) -> None:
    for name, value in mark.answers.items():
        if known.setdefault(name, value) != value:
            both = f"'{name}' is answered {known[name]} and {value}"
            raise ValueError(f"{mark}: {both}; keep one of them in the tool, and export it again")


def _sentence(start: int, end: int, answers: dict[str, str]) -> dict[str, Any]:
    sentence: dict[str, Any] = {"start": start, "end": end, "voice": answers.pop(VOICE, None)}
    looked = answers.pop(LOOKED, NO)
    if looked not in (YES, NO):
        raise ValueError(f"sentence {start}-{end}: '{LOOKED}' must be yes or no, not '{looked}'")
    sentence |= {"citations": []} if looked == YES else {}
    return {**sentence, "labels": {name: _label(value) for name, value in answers.items()}}


def _label(value: str) -> object:
    """Return a label as a number, or as it stands, for the exchange format to refuse."""
    with suppress(ValueError):
        return float({YES: 1, NO: 0}.get(value, value))
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
    for first in marks.values():
        if first.role is not Role.CONTENT or first.id in used:
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
    yes_no = {YES: True, NO: False}
    citation: dict[str, Any] = {name: yes_no.get(value, value) for name, value in answers.items()}
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

    def key(citation: MarkedCitation) -> tuple[list[tuple[int, int]], str]:
        return [(place.start, place.end) for place in citation.content], str(citation)

    units = tuple(
        replace(unit, citations=unit.citations and tuple(sorted({*unit.citations}, key=key)))
        for unit in article.units or ()
    )
    return replace(article, units=units, spans=tuple(spans[place] for place in sorted(spans)))


def fit(marks: Sequence[Mark], text: str, where: str) -> tuple[Mark, ...]:
    """Return marks with offsets that count code points of `text`, or raise `InputError`."""
    sizes = (2 if ord(char) > 0xFFFF else 1 for char in text)
    units = {offset: at for at, offset in enumerate(accumulate(sizes, initial=0))}
    proven = any(mark.words is not None for mark in marks)
    ways = [{at: at for at in units.values()}, *([units] if proven else ())]
    for unseen, way in product((False, True), ways):
        placed = [_placed(mark, text, way, unseen=unseen) for mark in marks]
        if None not in placed:
            return tuple(filter(None, placed))
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
        raise InputError(where, f"{mark} is not inside the text{_UNITS}")
    words = " ".join(mark.words.split())
    words = words if len(words) <= 40 else words[:39] + "…"
    what = f"{mark} doesn't mark '{words}', neither in code points nor in UTF-16 units"
    raise InputError(where, f"{what}; is the text the one that was exported?")


def flat(answers: Mapping[str, str]) -> list[str]:
    """Return answers as labels: ``claim: yes``."""
    return [f"{question}: {answer}" for question, answer in answers.items()]


def unflat(labels: Iterable[Any], where: str) -> dict[str, str]:
    """Return such labels as answers; raise `InputError` where two contradict each other."""
    answers: dict[str, str] = {}
    for label in labels:
        question, _, answer = label.partition(": ") if isinstance(label, str) else ("", "", "")
        if not question or not answer:
            raise InputError(where, f"unknown label '{label}'; write it as 'claim: yes'")
        if answers.setdefault(question, answer) != answer:
            both = f"{answers[question]} and {answer}"
            raise InputError(where, f"'{question}' is answered {both}; keep one")
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
    for kind, flags in product(("", *SourceKind), ((), FLAGS[:1], FLAGS[1:], FLAGS)):
        answers = {"kind": str(kind)} if kind else {}
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
        raise InputError(where, f"unknown label '{label}'; {hint}")
    return Mark(name, Role.SPAN, start, end, signal)


SENTENCE = "a sentence of the article, as it was split; answer its questions"
_PARTS = {
    Role.SOURCE: "who stands behind it: the whole noun phrase, or the pronoun that is there",
    Role.CUE: "the shortest words that hand over: 'said', 'according to', 'reportedly'",
    Role.CONTENT: "all that is handed over, with its quotation marks; link its parts to it",
    Role.ANTECEDENT: "the nearest earlier words that name the source, of 'he' and the like",
}
KINDS = {
    SourceKind.NAMED: "can be looked up by the name, here or given before",
    SourceKind.UNNAMED: "could be counted, but isn't named: 'two officials'",
    SourceKind.VAGUE: "nobody in particular: 'critics say', 'is believed to'",
}
_VOICES = {
    Voice.OWN: "the article itself asserts it",
    Voice.REPORTED: "indirect speech: the content is somebody else's, and the sentence says so",
    Voice.QUOTED: "direct speech: the words that carry the statement stand in quotation marks",
}
_GUIDANCE = """
## What the labels mean

Label what the text does, not whether you agree with it, and not from the outlet's name.
A question that you leave unanswered is *not annotated*, which is not the same as no.
In full: docs/annotation-guidelines.md of framescope.
"""


class Question(NamedTuple):
    """A question, the answers offered, and what "yes" or each of them means."""

    name: str
    answers: tuple[str, ...]
    meaning: str

    @property
    def flat(self) -> list[str]:
        """The answers as labels of tools that have no questions."""
        return [label for answer in self.answers for label in flat({self.name: answer})]


class Questions(NamedTuple):
    """What is asked of sentences and of the article, and what is marked: spans by signal, parts."""

    of_sentences: tuple[Question, ...]
    of_article: tuple[Question, ...]
    spans: Mapping[str, str]
    parts: Mapping[Role, str]

    def asks(self, name: str, sentence: int = 0) -> bool:
        """Whether a signal is asked for; sentence -1 is the article."""
        return any(one.name == name for one in (self.of_sentences, self.of_article)[sentence < 0])

    def limit(self, article: Article | None, *, soft: bool) -> tuple[Article | None, int]:
        """Leave out labels that aren't asked for and, unless `soft`, count and drop soft ones."""
        if article is None:
            return None, 0
        units = article.units or ()
        asked = [
            {name: value for name, value in labels.items() if self.asks(name, at)}
            for at, labels in enumerate(label_sets(article), start=-1)
        ]
        kept = [{n: v for n, v in one.items() if soft or v in (0, 1)} for one in asked]
        limited = tuple(
            replace(unit, labels=labels, citations=unit.citations if self.parts else None)
            for unit, labels in zip(units, kept[1:], strict=True)
        )
        spans = tuple(span for span in article.spans if span.signal in self.spans)
        lost = sum(map(len, asked)) - sum(map(len, kept))
        return replace(article, units=limited, spans=spans, labels=kept[0]), lost

    def guidance(self, tool: str) -> bytes:
        """Return the page for annotators, as Markdown: the steps in the tool, the definitions."""
        steps = files("framescope.training.annotation").joinpath(f"{tool}.md").read_text("utf-8")
        cited = {role.value: meaning for role, meaning in _PARTS.items()}
        cited |= {f"kind {kind}": meaning for kind, meaning in KINDS.items()} | ON_TOP
        tables: dict[str, Mapping[str, str]] = {
            "of a sentence": {one.name: one.meaning for one in self.of_sentences},
            "of the article": {one.name: one.meaning for one in self.of_article},
            "marked words": self.spans,
            "who says what": cited if self.parts else {},
        }
        page = f"# Labelling for framescope\n\n{steps.strip()}\n{_GUIDANCE}"
        for title, rows in tables.items():
            page += f"\n| {title} | |\n| --- | --- |\n" if rows else ""
            page += "".join(f"| `{name}` | {meaning} |\n" for name, meaning in rows.items())
        return page.encode()


def questions_for(
    labelled: Sequence[Article], signals: Sequence[str] | None = None, *, citations: bool = True
) -> Questions:
    """Return what is asked: some signals or all, also at the levels where articles carry them."""
    chosen = [taxonomy.BY_NAME[name] for name in taxonomy.in_order(signals or taxonomy.NAMES)]
    of_units = {name for one in labelled for unit in one.units or () for name in unit.labels}
    of_articles = {name for one in labelled for name in one.labels}
    marked = {span.signal for one in labelled for span in one.spans}
    asked = {one: Question(one.name, (YES, NO), one.meaning) for one in chosen}
    voices = "; ".join(f"{voice}: {meaning}" for voice, meaning in _VOICES.items())
    of_sentences = [
        *(q for s, q in asked.items() if s.level is not Level.ARTICLE or s.name in of_units),
        Question(VOICE, tuple(_VOICES), f"whose words these are. {voices}"),
    ]
    if citations:
        meaning = "whether who is cited in this sentence has been looked for, and marked if anybody"
        of_sentences.append(Question(LOOKED, (YES, NO), meaning))
    of_article = (q for s, q in asked.items() if s.level is Level.ARTICLE or s.name in of_articles)
    spans = {s.name: s.meaning for s in chosen if s.level is Level.SPAN or s.name in marked}
    return Questions(tuple(of_sentences), tuple(of_article), spans, _PARTS if citations else {})
