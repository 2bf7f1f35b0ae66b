"""Two kinds of tasks of one article: its sentences, to be answered, and its whole text, to mark.

For tools whose marks are a place and a label, and answer nothing: doccano, Prodigy, potato. What
is asked of the article itself is asked where its sentences are, of a task that is the whole text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framescope.classifier.records import Article, Place
from framescope.training.annotation.fitting import Region, fitted
from framescope.training.annotation.marking import Marked, Marking, MarkRole, to_marking
from framescope.training.annotation.task import AnnotationError, Assignment, Labelling, parsed
from framescope.training.annotation.tool import Gathered, carried, needed
from framescope.training.annotation.wording import read_label

SENTENCES, MARKS = "sentences", "marks"
"""The two streams, and the names of their files."""
SENTENCE, WHOLE = "sentence", "article"
"""What a task of the first is about."""


@dataclass(frozen=True, slots=True)
class Questioned:
    """A text with questions: a sentence, or the whole article.

    Attributes
    ----------
    key : str
        ``ID`` or ``ID#2``: unique in the stream.
    place : Place
        In the article.
    text : str
    answers : mapping of str to str
    """

    key: str
    place: Place
    text: str
    answers: Mapping[str, str]
    whole: bool = False

    def about(self, article: Article) -> dict[str, Any]:
        """Give what its task carries, so that it finds its way back."""
        place = {"start": self.place.start, "end": self.place.end}
        return {"article": article.id, "of": WHOLE if self.whole else SENTENCE, **place}


def asked(task: Assignment, labelling: Labelling, *, of_article: bool) -> Iterator[Questioned]:
    """Give the texts of an article that are asked about, the article itself last."""
    text, marking = task.article.text, to_marking(labelling)
    for index, mark in enumerate(mark for mark in marking.marks if mark.role is MarkRole.SENTENCE):
        place = Place(mark.start, mark.end)
        name = f"{task.article.id}#{index}"
        yield Questioned(name, place, text[place.start : place.end], mark.answers)
    if of_article:
        whole = Place(0, len(text))
        yield Questioned(f"{task.article.id}#all", whole, text, marking.answers, whole=True)


def marked(labelling: Labelling) -> Marking:
    """Give the marks of the other stream: spans, and the parts of citations."""
    marking = to_marking(labelling)
    marks = tuple(mark for mark in marking.marks if mark.role is not MarkRole.SENTENCE)
    return Marking(marks, marking.links, by=labelling.by)


def answered(
    record: Mapping[str, Any], answers: Mapping[str, str], given: Gathered, where: str, tool: str
) -> tuple[Article, Marking, str]:
    """Read an answered text: its article, what it says, and which part of the article it is.

    Raises
    ------
    AnnotationError
        When the article isn't at hand, or the text is another.
    """
    article = given.article(needed(record, "article", str, where, tool), where)
    start, end = (needed(record, key, int, where, tool) for key in ("start", "end"))
    text = record.get("text")
    if isinstance(text, str) and text.strip() != article.text[start:end].strip():
        raise AnnotationError(
            f"{where}: its text is not that of '{article.id}' at {start}-{end}; "
            "annotate and import the articles that were exported"
        )
    part = f"{needed(record, 'of', str, where, tool)} {start}-{end}"
    if part.startswith(WHOLE):
        return article, Marking(answers=answers), part
    mark = Marked(part, MarkRole.SENTENCE, start, end, "", answers, name="the sentence")
    return article, Marking((mark,)), part


def about_article(article: Article) -> dict[str, Any]:
    """Give what a task of the whole text carries: all of the article but its text."""
    return {key: value for key, value in carried(article).items() if key != "text"}


def whole_article(
    record: Mapping[str, Any], text: str, given: Gathered, name: str, where: str
) -> tuple[Article, str | None]:
    """Give the article of a task of the whole text, and the text as shown where it differs.

    One that was not made by an export of ours is called `name`.
    """
    about = record.get("article")
    if isinstance(about, str) and about.startswith("{"):
        about = parsed(about, where)
    if not isinstance(about, Mapping):
        return Article(name, text), None
    known = given.articles.get(str(about.get("id")))
    if known is not None:
        return known, None if known.text == text else text
    return given.article({**about, "text": text}, where), None


def places_of(
    spans: Sequence[tuple[str, Any, int, int, str | None]],
    article: Article,
    where: str,
    shown: str | None = None,
) -> tuple[Marked, ...]:
    """Read marks that are a place and a label.

    Parameters
    ----------
    spans : sequence of (str, object, int, int, str or None)
        Id, label, start, end in the tool's own count, and the words where the tool gives them.
    article, where, shown
        As of `annotation.formats.fitting.fitted`.
    """
    regions = [Region(start, end, words, f"mark {name}") for name, _, start, end, words in spans]
    places = fitted(article.text, regions, where, shown)
    found = []
    for (name, label, *_), place in zip(spans, places, strict=True):
        role, signal, answers = read_label(label, f"{where}, mark {name}")
        found.append(
            Marked(name, role, place.start, place.end, signal, answers, name=f"mark {name}")
        )
    return tuple(found)
