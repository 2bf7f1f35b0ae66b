"""An article as a page sets it: who published it, and its sentences in paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from classifier.values import (
    Article,
    ArticleReport,
    Republication,
    SentenceReport,
    printable,
    shortened,
)
from classifier.values import distinct_lines as distinct

MAX_TITLE = 140
MAX_QUOTE = 200


@dataclass(frozen=True, slots=True)
class TextLine:
    """A sentence in its paragraph, or text of the article that belongs to no sentence.

    Attributes
    ----------
    number : int
        The sentence's place in the article, from 1; 0 for text outside any sentence.
    report : SentenceReport or None
        None for text outside any sentence.
    text : str
        The characters, as they are.
    """

    number: int
    report: SentenceReport | None
    text: str


Paragraph = tuple[TextLine, ...]


def paragraphs(report: ArticleReport) -> Iterator[Paragraph]:
    """Yield the article's paragraphs; a line break between two sentences starts a new one.

    Nothing of the article is lost: text between sentences that isn't blank comes as a line of its
    own.
    """
    paragraph: list[TextLine] = []
    for line in _lines(report):
        if line is not None:
            paragraph.append(line)
        elif paragraph:
            yield tuple(paragraph)
            paragraph = []
    if paragraph:
        yield tuple(paragraph)


def title(article: Article) -> str:
    """Return the title to show: the article's, else its first line, else its id; printable."""
    first_line = next((line for line in article.text.splitlines() if line.strip()), "")
    return shortened(article.title or first_line or article.id, MAX_TITLE)


def opens_with_title(report: ArticleReport) -> bool:
    """Whether the first sentence is the title, so that a page needn't print it twice."""
    if not report.sentences:
        return False
    first = report.sentences[0].sentence.text
    return len(first) <= MAX_TITLE and printable(first).strip() == title(report.article)


def publisher(article: Article) -> str:
    """Return who published the article, as the page itself says; ``unknown`` where it doesn't."""
    given = (article.outlet, article.site_name)
    names = distinct(printable(name).strip() for name in given if name)
    if not names:
        return "unknown"
    first, *others = names
    return f"{first} ({others[0]})" if others else first


def imprint(article: Article) -> tuple[str, ...]:
    """Return what else is known of the publication: author, date; printable."""
    author = f"by {printable(article.author).strip()}" if article.author else ""
    date = printable(article.date).strip() if article.date else ""
    return tuple(part for part in (author, date) if part)


def carries(report: ArticleReport, part: Republication) -> str:
    """Say whose article is carried, in which sentences, and by which words one knows.

    The words are left to the source card where there is one.
    """
    where = [
        number
        for number, sentence in enumerate(report.sentences, start=1)
        if sentence.sentence.start < part.end and sentence.sentence.end > part.start
    ]
    outlet = shortened(part.outlet, MAX_TITLE)
    line = f"carries {outlet}'s article"
    if report.source is None:
        line += f" (“{shortened(part.evidence, MAX_QUOTE)}”)"
    if not where:
        return line
    if len(where) == 1:
        return f"{line}, sentence {where[0]}"
    return f"{line}, sentences {where[0]}–{where[-1]}"


def _lines(report: ArticleReport) -> Iterator[TextLine | None]:
    """Yield sentences and the text between them, and None where a line break parts them."""
    text = report.article.text
    position = 0
    for number, scored in enumerate(report.sentences, start=1):
        start, end = scored.sentence.start, scored.sentence.end
        yield from _between(text[position:start])
        yield TextLine(number, scored, text[start:end])
        position = end
    yield from _between(text[position:])


def _between(text: str) -> Iterator[TextLine | None]:
    for index, piece in enumerate(text.split("\n")):
        if index:
            yield None
        if piece.strip():
            yield TextLine(0, None, piece.strip())
