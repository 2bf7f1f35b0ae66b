"""brat: a text and a standoff file an article.

Format: "brat standoff format" and "annotation configuration", brat.nlplab.org/standoff.html and
configuration.html: ``T`` text-bound annotations in code points, whose pieces between line ends are
discontinuous since release 1.3, ``A`` attributes, ``R`` relations and ``#`` notes. A mark that
begins or ends with a line end has its exact place in a note, since brat's pieces can't reach there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from framescope.classifier import taxonomy
from framescope.classifier.records import Article, MarkedCitation, Place
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.inception import slug
from framescope.training.annotation.marking import FLAGS, YES, Marked, Marking, MarkRole, to_marking
from framescope.training.annotation.scheme import KINDS, Scheme, guidance
from framescope.training.annotation.task import AnnotationError, Assignment, Labelling
from framescope.training.annotation.tool import README, File, Gathered, Returned, Tool

TITLE = "brat"
_ARTICLE, _LINK, _PLACE, _BY = "Article", "OfOneCitation", "Place", "Annotator"
_NAMES: dict[MarkRole, str] = {
    role: role.value.title() for role in MarkRole if role is not MarkRole.SPAN
}
_ROLES = {name: role for role, name in _NAMES.items()}
_BREAKS = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_TEXT_BOUND = re.compile(r"(T\S*)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)", re.DOTALL)
_ATTRIBUTE = re.compile(r"[AM]\S*\t(\S+) (T\S*)(?: (\S+))?")
_RELATION = re.compile(r"R\S*\t(\S+) Arg1:(T\S*) Arg2:(T\S*)\s*")
_NOTE = re.compile(r"#\S*\t(\S+) (\S+)\t(.*)", re.DOTALL)

_STEPS = """\
1. Put this folder into brat's data folder. `annotation.conf` has the labels, `visual.conf` how they
   are shown; nothing else is needed.
2. Label in brat. Link the parts of a citation with its content by *OfOneCitation*.
3. Run `framescope annotate import FOLDER --from brat --annotator NAME --output labels.jsonl`: brat
   keeps no record of who labelled.
"""


# --- out ------------------------------------------------------------------------------------------


def write(tasks: Sequence[Assignment], scheme: Scheme) -> dict[str, bytes]:
    """Write both files of each article, the configuration, and what to do with them."""
    files = {"annotation.conf": _configuration(scheme), "visual.conf": _visual(scheme)}
    named = names(tasks)
    for task in tasks:
        name = named[task.article.id]
        files[name] = task.article.text.encode()
        files[name.removesuffix(".txt") + ".ann"] = _standoff(task).encode()
    return {**files, README: guidance(scheme, _STEPS)}


def names(tasks: Sequence[Assignment]) -> dict[str, str]:
    """Give the name of each article's text, by id."""
    return {
        task.article.id: f"{number:05}-{slug(task.article.id)}.txt"
        for number, task in enumerate(tasks, start=1)
    }


def losses(labelling: Labelling, text: str) -> tuple[Labelling, list[str]]:
    """Leave out marks on nothing but line ends, which brat shows nowhere."""
    spans = tuple(one for one in labelling.spans if text[one.start : one.end].strip("\n"))
    lost = ["a span on nothing but line ends"] * (len(labelling.spans) - len(spans))
    units = []
    for unit in labelling.units:
        kept = None
        if unit.citations is not None:
            kept = tuple(
                one
                for one in unit.citations
                if all(text[place.start : place.end].strip("\n") for place in _places(one))
            )
            lost += ["a citation on nothing but line ends"] * (len(unit.citations) - len(kept))
        if not text[unit.start : unit.end].strip("\n") and (unit.labels or unit.voice):
            lost.append("the labels of a sentence of nothing but line ends")
            units.append(replace(unit, labels={}, voice=None, citations=None))
        else:
            units.append(replace(unit, citations=kept))
    return replace(labelling, spans=spans, units=tuple(units)), lost


def _places(one: MarkedCitation) -> list[Place]:
    alone = (one.source, one.cue, one.antecedent)
    return [*one.content, *(place for place in alone if place is not None)]


def _configuration(scheme: Scheme) -> bytes:
    of_sentence = ", ".join(f"{one.name}" for one in scheme.of_sentences)
    contents = _NAMES[MarkRole.CONTENT]
    parts = "|".join(_NAMES[role] for role in scheme.roles)
    lines = [f"# framescope; a sentence answers: {of_sentence}", "[entities]", _ARTICLE]
    lines += [_NAMES[MarkRole.SENTENCE], *(_NAMES[role] for role in scheme.roles)]
    for one in scheme.techniques:
        lines += [f"# {one.name}: {one.meaning}", one.name]
    lines += ["", "[relations]"]
    if scheme.citations:
        lines.append(f"{_LINK} Arg1:{contents}, Arg2:{parts}")
    lines += ["<OVERLAP> Arg1:<ENTITY>, Arg2:<ENTITY>, <OVL-TYPE>:<ANY>"]
    lines += ["", "[events]", "", "[attributes]"]
    for entity, asked in (
        (_NAMES[MarkRole.SENTENCE], scheme.of_sentences),
        (_ARTICLE, scheme.of_article),
    ):
        for question in asked:
            lines += [f"# {question.name}: {question.meaning}"]
            lines += [f"{question.name} Arg:{entity}, Value:{'|'.join(question.answers)}"]
    if scheme.citations:
        lines += [f"# {kind}: {meaning}" for kind, meaning in KINDS.items()]
        lines += [f"kind Arg:{contents}, Value:{'|'.join(KINDS)}"]
        lines += [f"{flag} Arg:{contents}, Value:yes|no" for flag in FLAGS]
    return ("\n".join(lines) + "\n").encode()


def _visual(scheme: Scheme) -> bytes:
    lines = ["[labels]"]
    lines += [f"{_NAMES[role]} | {role.value}" for role in (MarkRole.SENTENCE, *scheme.roles)]
    lines += [f"{one.name} | {one.label}" for one in scheme.techniques]
    lines += ["", "[drawing]", "SPAN_DEFAULT fgColor:black, bgColor:lightgreen, borderColor:darken"]
    lines += [
        f"{_NAMES[MarkRole.SENTENCE]} bgColor:#eeeeee",
        f"{_NAMES[MarkRole.SOURCE]} bgColor:#c7ddf7",
    ]
    lines += [
        f"{_NAMES[MarkRole.CUE]} bgColor:#ffd580",
        f"{_NAMES[MarkRole.CONTENT]} bgColor:#c1e7c1",
    ]
    lines += ["ARC_DEFAULT color:black, arrowHead:triangle-5"]
    return ("\n".join(lines) + "\n").encode()


class _Standoff:
    """Numbers the lines of a standoff file."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[str] = []
        self.counts: dict[str, int] = {}

    def add(self, kind: str, rest: str) -> str:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        name = f"{kind}{self.counts[kind]}"
        self.lines.append(f"{name}\t{rest}\n")
        return name

    def mark(self, label: str, start: int, end: int) -> str | None:
        """Write a mark; None where there is nothing but line ends."""
        pieces = [
            (start + found.start(), start + found.end())
            for found in re.finditer(r"[^\n]+", self.text[start:end])
        ]
        if not pieces:
            return None
        places = ";".join(f"{first} {last}" for first, last in pieces)
        words = " ".join(_BREAKS.sub(" ", self.text[first:last]) for first, last in pieces)
        name = self.add("T", f"{label} {places}\t{words}")
        if (pieces[0][0], pieces[-1][1]) != (start, end):
            self.add("#", f"{_PLACE} {name}\t{start} {end}")
        return name


def _standoff(task: Assignment) -> str:
    text, begun = task.article.text, task.begun
    marking, out = to_marking(begun), _Standoff(text)
    whole = next((found.span() for found in re.finditer(r"\S+", text)), None)
    if whole is not None and (marking.answers or (begun.by is not None and task.labelled)):
        name = out.mark(_ARTICLE, *whole)
        for question, answer in marking.answers.items():
            out.add("A", f"{question} {name} {answer}")
        if begun.by is not None and task.labelled:
            out.add("#", f"{_BY} {name}\t{_BREAKS.sub(' ', begun.by)}")
    names: dict[str, str] = {}
    for mark in marking.marks:
        label = mark.signal if mark.role is MarkRole.SPAN else _NAMES[mark.role]
        name = out.mark(label, mark.start, mark.end)
        if name is not None:
            names[mark.id] = name
            for question, answer in mark.answers.items():
                out.add("A", f"{question} {name} {answer}")
    for one, other in marking.links:
        out.add("R", f"{_LINK} Arg1:{names[one]} Arg2:{names[other]}")
    return "".join(out.lines)


# --- in -------------------------------------------------------------------------------------------


def read(given: Gathered) -> list[Returned]:
    """Read standoff files with the texts beside them; one without any is of no annotation yet."""
    texts = {file.name: file for file in given.files if file.base.endswith(".txt")}
    found: list[Returned] = []
    for file in given.of(".ann"):
        beside = texts.get(file.name.removesuffix(".ann") + ".txt")
        if beside is None:
            raise AnnotationError(f"{file.name}: has no .txt beside it; give brat's whole folder")
        text = beside.article_text()
        if not text.strip():
            raise AnnotationError(f"{beside.name}: a task without text; take it out of the folder")
        article = given.articles.get(given.ids.get(beside.base, ""), Article(file.stem, text))
        shown = None if article.text == text else text
        marking = _marking(file, article, shown)
        found.append(Returned(article, marking, "", file.name))
    return found


@dataclass
class _Lines:
    """What the lines of a standoff file say, before it is held against the text."""

    bound: dict[str, tuple[str, int, int, str]] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)
    exact: dict[str, tuple[int, int]] = field(default_factory=dict)
    by: str | None = None

    def take(self, line: str, where: str) -> None:
        """Read one line."""
        if found := _TEXT_BOUND.fullmatch(line):
            name, label, places, words = found.groups()
            ends = [int(at) for piece in places.split(";") for at in piece.split(" ")]
            self.bound[name] = (label, ends[0], ends[-1], words)
        elif found := _ATTRIBUTE.fullmatch(line):
            question, name, given = found.groups()
            answer = given or YES
            known = self.answers.setdefault(name, {}).setdefault(question, answer)
            if known != answer:
                raise AnnotationError(
                    f"{where}: '{question}' is answered {known} and {answer}; keep one of them"
                )
        elif found := _RELATION.fullmatch(line):
            self.links.append((found[2], found[3]))
        elif line.startswith("#"):
            found = _NOTE.fullmatch(line)
            if found is not None and found[1] == _PLACE:
                self.exact[found[2]] = _pair(found[3], where)
            elif found is not None and found[1] == _BY:
                self.by = found[3]
        else:
            raise AnnotationError(
                f"{where}: no line of brat's standoff format that framescope asks for; "
                "use the annotation.conf that was exported"
            )


def _marking(file: File, article: Article, shown: str | None) -> Marking:
    lines = _Lines()
    for number, line in enumerate(file.text().split("\n"), start=1):
        if line.strip():
            lines.take(line.removesuffix("\r"), f"{file.name}, line {number}")
    for name in (*lines.answers, *(end for link in lines.links for end in link), *lines.exact):
        if name not in lines.bound:
            raise AnnotationError(f"{file.name}: speaks of '{name}', which isn't there")
    regions = [
        Region(*lines.exact.get(name, (start, end)), None if name in lines.exact else words, name)
        for name, (_, start, end, words) in lines.bound.items()
    ]
    places = fitted(article.text, regions, file.name, shown)
    marks: list[Marked] = []
    of_article: dict[str, str] = {}
    for (name, (label, *_)), place in zip(lines.bound.items(), places, strict=True):
        answers = lines.answers.get(name, {})
        if label == _ARTICLE:
            of_article |= answers
            continue
        role = _ROLES.get(label, MarkRole.SPAN)
        if role is MarkRole.SPAN and label not in taxonomy.NAMES:
            close = get_close_matches(label, [*taxonomy.NAMES, *_ROLES], n=1)
            hint = f"did you mean {close[0]}?" if close else "framescope signals lists those known"
            raise AnnotationError(f"{file.name}, {name}: unknown label '{label}'; {hint}")
        signal = label if role is MarkRole.SPAN else ""
        marks.append(Marked(name, role, place.start, place.end, signal, answers, name=name))
    return Marking(tuple(marks), tuple(lines.links), of_article, by=lines.by)


def _pair(words: str, where: str) -> tuple[int, int]:
    found = words.split()
    if len(found) != 2 or not all(one.isdigit() for one in found):
        raise AnnotationError(f"{where}: a note on a place that is none; take the note out")
    return int(found[0]), int(found[1])


TOOL = Tool(
    "brat",
    TITLE,
    write,
    read,
    lacks=("marks on nothing but line ends", "who labelled: it keeps no names"),
    losses=losses,
    names=names,
)
