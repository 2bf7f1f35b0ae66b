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
    distinct_lines,
    printable,
    shortened,
)
from framescope.classifier.reports import figures
from framescope.classifier.reports.figures import ASSERTION, is_unsourced_own_claim
from framescope.classifier.taxonomy import BY_NAME, Family, Level, Signal, in_order

MAX_TITLE = 140
MAX_QUOTE = 200
MAX_EXCERPT = 90
MAX_WORDS = 5
MAX_WORD_LENGTH = 90

UNSOURCED = "unsourced_own_claim"
CITED = "cited"
FURNITURE = "furniture"
#: Marks that are no signals of a model: they follow from several, or are shown without a score.
_OWN_KINDS = {
    name: Signal(name, label, family, Level.SENTENCE, meaning, "")
    for name, label, family, meaning in (
        (UNSOURCED, "own claim, no source", Family.SOURCING,
         "a claim in the article's own voice, and nobody else is named as its source"),
        (CITED, "cited source", Family.SOURCING,
         "somebody is cited; with who, by which words, and where the name comes from"),
        (FURNITURE, "not part of the article", Family.CONTENT,
         "belongs to the page around the article: nothing else is said of it"),
    )
}  # fmt: skip
#: Named beside other marks, but no reason to mark a sentence: they hold for many sentences of an
#: ordinary article. That a sentence holds some technique only tells where it is known which.
QUIET = frozenset(_OWN_KINDS) | {
    "content", "claim", "attributed", "named_source", "government_attribution", "quoted",
    "reported", "any_technique",
}  # fmt: skip


def kind(name: str) -> Signal:
    """Return the kind of mark called ``name``: a signal, or one of those above."""
    return _OWN_KINDS[name] if name in _OWN_KINDS else BY_NAME[name]


# --- the article ----------------------------------------------------------------------------------


def title(article: Article) -> str:
    """Return the title to show: the article's, else its first line, else its id; printable."""
    first_line = next((line for line in article.text.splitlines() if line.strip()), "")
    return shortened(article.title or first_line or article.id, MAX_TITLE)


def opens_with_title(report: ArticleReport) -> bool:
    """Whether the first sentence is the title, so that a page needn't print it twice."""
    if not report.sentences:
        return False
    first = report.sentences[0].text
    return len(first) <= MAX_TITLE and printable(first).strip() == title(report.article)


def publisher(article: Article) -> str:
    """Return who published the article, as the page itself says; ``unknown`` where it doesn't."""
    known = (article.outlet, article.site_name)
    names = distinct_lines(printable(name).strip() for name in known if name)
    if not names:
        return "unknown"
    return f"{names[0]} ({names[1]})" if len(names) > 1 else names[0]


def imprint(article: Article) -> tuple[str, ...]:
    """Return what else is known of the publication: author, date; printable."""
    author = f"by {printable(article.author).strip()}" if article.author else ""
    date = printable(article.date).strip() if article.date else ""
    return tuple(part for part in (author, date) if part)


def carries(report: ArticleReport, part: Republication) -> str:
    """Say whose article is carried, in which sentences, and by which words one knows.

    The words are left to the source card where there is one.
    """
    numbers = [
        number
        for number, sentence in enumerate(report.sentences, start=1)
        if _overlap(part, sentence)
    ]
    line = f"carries {shortened(part.outlet, MAX_TITLE)}'s article"
    if report.source is None:
        line += f" (“{shortened(part.evidence, MAX_QUOTE)}”)"
    if not numbers:
        return line
    if len(numbers) == 1:
        return f"{line}, sentence {numbers[0]}"
    return f"{line}, sentences {numbers[0]}–{numbers[-1]}"


# --- paragraphs -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextLine:
    """A sentence in its paragraph, or text of the article that belongs to no sentence."""

    number: int  # the sentence's place in the article, from 1; 0 for text outside any sentence
    report: SentenceReport | None
    text: str  # the characters, as they are


def paragraphs(report: ArticleReport) -> Iterator[tuple[TextLine, ...]]:
    """Yield the article's paragraphs; a line break between two sentences starts a new one.

    Text between sentences that isn't blank comes as a line of its own.
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


def _lines(report: ArticleReport) -> Iterator[TextLine | None]:
    """Yield sentences and the text between them, and None where a line break parts them."""
    text, position = report.article.text, 0
    for number, scored in enumerate(report.sentences, start=1):
        yield from _between(text[position : scored.start])
        yield TextLine(number, scored, text[scored.start : scored.end])
        position = scored.end
    yield from _between(text[position:])


def _between(text: str) -> Iterator[TextLine | None]:
    for index, piece in enumerate(text.split("\n")):
        if index:
            yield None
        if piece.strip():
            yield TextLine(0, None, piece.strip())


# --- marks ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SentenceMark:
    """One reason why a sentence is marked."""

    kind: Signal
    detail: str  # the numbers behind it, in words
    words: tuple[str, ...] = ()  # the article's words that speak for it, strongest first; printable
    # the probability and where the decision falls; None where several signals decide
    score: float | None = None
    threshold: float | None = None

    @property
    def quiet(self) -> bool:
        """Whether it is named after the others, and marks no sentence by itself."""
        return self.kind.name in QUIET


def marks(report: SentenceReport, thresholds: Mapping[str, float]) -> tuple[SentenceMark, ...]:
    """Return the reasons to mark a sentence: those that draw the eye first, then the quiet ones."""
    if "content" in report.scores and "content" not in report.flags:
        return (SentenceMark(kind(FURNITURE), figures.score(report.scores["content"])),)
    named = (name for name in report.flags if name != "content")
    found = [_of_signal(report, name, thresholds.get(name)) for name in named]
    if is_unsourced_own_claim(report):
        behind = ("claim", "attributed")
        numbers = ", ".join(f"{name} {figures.score(report.scores[name])}" for name in behind)
        found.append(SentenceMark(kind(UNSOURCED), numbers))
    if report.citations:
        found.append(SentenceMark(kind(CITED), ""))
    return tuple(sorted(found, key=lambda mark: mark.quiet))


def is_marked(report: SentenceReport) -> bool:
    """Whether a sentence draws the eye: by any flag that isn't quiet."""
    return not QUIET.issuperset(report.flags)


@dataclass(frozen=True, slots=True)
class Asked:
    """An assertion that an editor would ask a source for."""

    number: int  # of its sentence, from 1
    score: float
    excerpt: str


def assertions(report: ArticleReport) -> tuple[Asked, ...]:
    """Return the assertions that an editor would ask a source for, the most probable first."""
    found = [
        Asked(number, one.scores[ASSERTION], shortened(one.text, MAX_EXCERPT))
        for number, one in enumerate(report.sentences, start=1)
        if ASSERTION in one.flags
    ]
    return tuple(sorted(found, key=lambda one: (-one.score, one.number)))


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a sentence: the signals it is evidence for, in taxonomy order, and its part."""

    text: str
    signals: tuple[str, ...]
    role: str = ""  # ``source`` or ``cue`` within the words that name a source or attribute to it


def segments(report: SentenceReport) -> tuple[Segment, ...]:
    """Cut a sentence where evidence, a source or a cue begins or ends; joined, they are it.

    Evidence of several signals may overlap; what lies outside the sentence is left out.
    """
    start, end = report.start, report.end
    roles = [
        (place, role)
        for citation in report.citations
        for place, role in ((citation.source, "source"), (citation.cue, "cue"))
        if place is not None and _overlap(place, report)
    ]
    spans = [span for span in report.evidence if _overlap(span, report)]
    edges = {start, end}
    places: list[Span | Place] = [*spans, *(place for place, _ in roles)]
    for place in places:
        edges |= {max(place.start, start), min(place.end, end)}
    cut: list[Segment] = []
    for left, right in pairwise(sorted(edges)):
        text = report.text[left - start : right - start]
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
    return SentenceMark(kind(name), detail.strip(), _words(report, name), score, threshold)


def _words(report: SentenceReport, signal: str) -> tuple[str, ...]:
    """Return the evidence for a signal as words: each once, and none that another contains."""
    spans = [one for one in report.evidence if one.signal == signal and _overlap(one, report)]
    texts = (
        report.text[max(span.start - report.start, 0) : span.end - report.start]
        for span in spans
        if not any(_contains(other, span) for other in spans)
    )
    return distinct_lines(shortened(text, MAX_WORD_LENGTH) for text in texts)[:MAX_WORDS]


def _overlap(part: Span | Place | Republication, sentence: SentenceReport) -> bool:
    return part.start < sentence.end and sentence.start < part.end


def _contains(outer: Span, inner: Span) -> bool:
    larger = outer.end - outer.start > inner.end - inner.start
    return larger and outer.start <= inner.start and inner.end <= outer.end
