"""An article as it is laid out: sentences in paragraphs, and what draws the eye in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from framescope.classifier.records import (
    Article,
    ArticleReport,
    Place,
    Republication,
    SentenceReport,
    Span,
    printable,
    shortened,
)
from framescope.classifier.records import distinct_lines as distinct
from framescope.classifier.reports import figures
from framescope.classifier.reports.figures import ASSERTION, is_unsourced_own_claim
from framescope.classifier.taxonomy import BY_NAME, Family, in_order

MAX_TITLE = 140
MAX_QUOTE = 200
MAX_EXCERPT = 90


@dataclass(frozen=True, slots=True)
class TextLine:
    """A sentence in its paragraph, or text of the article that belongs to no sentence."""

    number: int  # the sentence's place in the article, from 1; 0 for text outside any sentence
    report: SentenceReport | None  # None for text outside any sentence
    text: str  # the characters, as they are


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


# They hold for many sentences of an ordinary article: named beside the others, never marked alone.
# That a sentence holds some technique is only telling where it is known which.
QUIET = frozenset(
    ("content", "claim", "attributed", "named_source", "government_attribution", "quoted")
) | {"reported", "any_technique"}

# Not a signal of any model: it follows from two of them and the voice.
UNSOURCED = "unsourced_own_claim"
# Nor is this: who is cited. Shown with its words instead of a score.
CITED = "cited"
# A line that the model takes for the page's, and not the article's.
FURNITURE = "furniture"
_OWN_KINDS = {  # label, family, meaning, and whether it is quiet
    UNSOURCED: ("own claim, no source", Family.SOURCING,
        "a claim in the article's own voice, and nobody else is named as its source", True),
    CITED: ("cited source", Family.SOURCING,
        "somebody is cited; with who, by which words, and where the name comes from", True),
    FURNITURE: ("not part of the article", Family.CONTENT,
        "belongs to the page around the article: nothing else is said of it", True),
}  # fmt: skip

MAX_WORDS = 5
MAX_WORD_LENGTH = 90


@dataclass(frozen=True, slots=True)
class MarkKind:
    """A kind of mark: a signal, or what follows from several."""

    name: str
    label: str
    family: Family
    meaning: str
    quiet: bool  # named beside other marks, but no reason to mark a sentence


@dataclass(frozen=True, slots=True)
class SentenceMark:
    """One reason why a sentence is marked."""

    kind: MarkKind
    detail: str  # the numbers behind it, in words
    # named after the others: its kind is quiet, or a more precise mark says the same
    quiet: bool = False
    words: tuple[str, ...] = ()  # the article's words that speak for it, strongest first; printable
    # score and threshold: the probability and where the decision falls; None where several signals
    # decide
    score: float | None = None
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a sentence: the signals it is evidence for, in taxonomy order, and its part.

    ``role`` is ``source`` or ``cue`` within the words that name a source or hand over to it.
    """

    text: str
    signals: tuple[str, ...]
    role: str = ""


def kind(name: str) -> MarkKind:
    """Return the kind of mark called ``name``: a signal's, or one of those above."""
    if name in _OWN_KINDS:
        return MarkKind(name, *_OWN_KINDS[name])
    signal = BY_NAME[name]
    return MarkKind(name, signal.label, signal.family, signal.meaning, quiet=name in QUIET)


def marks(report: SentenceReport, thresholds: Mapping[str, float]) -> tuple[SentenceMark, ...]:
    """Return the reasons to mark a sentence: those that draw the eye first, then the quiet ones."""
    if "content" in report.scores and "content" not in report.flags:
        return (SentenceMark(kind(FURNITURE), figures.score(report.scores["content"]), quiet=True),)
    named = (name for name in report.flags if name != "content")
    found = [_of_signal(report, name, thresholds.get(name)) for name in named]
    if is_unsourced_own_claim(report):
        found.append(_unsourced(report))
    if report.citations:
        found.append(SentenceMark(kind(CITED), "", quiet=True))
    return tuple(sorted(found, key=lambda mark: mark.quiet))


def is_marked(report: SentenceReport) -> bool:
    """Whether a sentence draws the eye: by any flag that isn't quiet."""
    return any(name not in QUIET for name in report.flags)


@dataclass(frozen=True, slots=True)
class Asked:
    """An assertion that an editor would ask a source for."""

    number: int  # of its sentence, from 1
    score: float
    excerpt: str


def assertions(report: ArticleReport) -> tuple[Asked, ...]:
    """Return the assertions that an editor would ask a source for, the surest first."""
    found = [
        Asked(number, one.scores[ASSERTION], shortened(one.text, MAX_EXCERPT))
        for number, one in enumerate(report.sentences, start=1)
        if ASSERTION in one.flags
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.number)))


def segments(report: SentenceReport) -> tuple[Segment, ...]:
    """Cut a sentence where evidence, a source or a cue begins or ends; joined, they are it.

    Evidence of several signals may overlap; what lies outside the sentence is left out.
    """
    sentence = report.sentence
    roles = [
        (place, role)
        for citation in report.citations
        for place, role in ((citation.source, "source"), (citation.cue, "cue"))
        if place is not None and _inside(place, sentence.start, sentence.end)
    ]
    spans = [span for span in report.evidence if _inside(span, sentence.start, sentence.end)]
    edges = {sentence.start, sentence.end}
    places: list[Span | Place] = [*spans, *(place for place, _ in roles)]
    for place in places:
        edges |= {max(place.start, sentence.start), min(place.end, sentence.end)}
    cut: list[Segment] = []
    for left, right in pairwise(sorted(edges)):
        text = sentence.text[left - sentence.start : right - sentence.start]
        signals = in_order(span.signal for span in spans if span.start <= left < span.end)
        role = next((role for part, role in roles if part.start <= left < part.end), "")
        if cut and (cut[-1].signals, cut[-1].role) == (signals, role):
            cut[-1] = Segment(cut[-1].text + text, signals, role)
        else:
            cut.append(Segment(text, signals, role))
    return tuple(cut)


def _of_signal(report: SentenceReport, name: str, threshold: float | None) -> SentenceMark:
    score = report.scores.get(name)
    detail = "" if score is None else figures.score(score)
    if threshold is not None:
        detail += f" (threshold {figures.score(threshold)})"
    return SentenceMark(
        kind(name), detail.strip(), name in QUIET, _words(report, name), score, threshold
    )


def _unsourced(report: SentenceReport) -> SentenceMark:
    numbers = [f"{name} {figures.score(report.scores[name])}"
               for name in ("claim", "attributed") if name in report.scores]  # fmt: skip
    return SentenceMark(kind(UNSOURCED), ", ".join(numbers), quiet=True)


def _inside(span: Span | Place, start: int, end: int) -> bool:
    return span.start < end and span.end > start


def _words(report: SentenceReport, signal: str) -> tuple[str, ...]:
    """Return the evidence for a signal as words: each once, and none that another contains."""
    sentence = report.sentence
    spans = [span for span in report.evidence
             if span.signal == signal and _inside(span, sentence.start, sentence.end)]  # fmt: skip
    texts = (
        sentence.text[max(span.start - sentence.start, 0) : span.end - sentence.start]
        for span in spans
        if not any(_contains(other, span) for other in spans)
    )
    return distinct(shortened(text, MAX_WORD_LENGTH) for text in texts)[:MAX_WORDS]


def _contains(outer: Span, inner: Span) -> bool:
    larger = outer.end - outer.start > inner.end - inner.start
    return larger and outer.start <= inner.start and inner.end <= outer.end
