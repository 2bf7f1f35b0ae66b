"""An article as it is laid out: its paragraphs, what draws the eye in them, numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain, groupby, pairwise
from typing import Annotated, NamedTuple

from framescope.classifier import records
from framescope.classifier.inputs import iso_date
from framescope.classifier.languages import LANGUAGES, name_of
from framescope.classifier.records import NOBODY, distinct_lines, printable, shortened
from framescope.classifier.taxonomy import BY_NAME, Family, Level, Signal, in_order

Thresholds = Mapping[str, float]
MAX_TITLE = 140
MAX_QUOTE = 200
MAX_EXCERPT = 90
MAX_WORDS = 3  # spans that speak for a signal, the strongest: more would mark all of a sentence

ASSERTION = "unsourced_assertion"  # what an editor would ask a source for
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


def score_in_words(value: float) -> str:
    """Write a probability for a person to read: two decimals, and never a certainty."""
    return ">0.99" if value > 0.99 else "<0.01" if value < 0.01 else f"{value:.2f}"


def percent(part: int, whole: int) -> str:
    """Write a share as whole per cent; a dash where there is nothing to have a share of."""
    return f"{100 * part / whole:.0f}%" if whole else "–"


class VoiceCounts(NamedTuple):
    """Sentences counted by whose words they are; None where that isn't known of each."""

    own: int | None
    reported: int | None
    quoted: int | None
    total: Annotated[int, "Sentences in any voice."]

    def shares(self, of: VoiceCounts) -> Iterator[tuple[int, str]]:
        """Return the counts by voice, where that is known, and in all, each with its share."""
        voices = () if of.own is None else ("own", "reported", "quoted")
        for voice in (*voices, "total"):
            part = getattr(self, voice)
            yield part, percent(part, getattr(of, voice))


def count_voices(sentences: Iterable[records.SentenceReport]) -> VoiceCounts:
    """Count sentences by voice."""
    voices = [one.voice for one in sentences]
    own, reported, quoted = (None if None in voices else voices.count(v) for v in records.Voice)
    return VoiceCounts(own, reported, quoted, len(voices))


def title(article: records.Article) -> str:
    """Return the title to show: the article's, else its first line, else its id; printable."""
    first_line = next((line for line in article.text.splitlines() if line.strip()), "")
    return shortened(article.title or first_line or article.id, MAX_TITLE)


def imprint(report: records.ArticleReport) -> tuple[str, ...]:
    """Return what else is known of an article: author, date, language, another model; printable."""
    article = report.article
    author = f"by {printable(article.author).strip()}" if article.author else ""
    date = printable(article.date).strip() if article.date else ""
    language = printable(name_of(article.lang)) if article.lang else ""
    model = f"scored by {printable(report.model or '')}" if report.thresholds is not None else ""
    return tuple(part for part in (author, date, language, model) if part)


def day(date: str) -> str:
    """Return the day of a date as ISO 8601 has it, or the date itself where it can't be read."""
    try:
        return datetime.fromisoformat(date.strip().replace("/", "-")).date().isoformat()
    except ValueError:
        return iso_date(date) or printable(date).strip()


def carries(report: records.ArticleReport, part: records.Republication) -> str:
    """Say whose article is carried, in which sentences, and, without a card, by which words."""
    numbers = [n for n, one in enumerate(report.sentences, start=1) if _overlap(part, one)]
    line = f"carries {shortened(part.outlet, MAX_TITLE)}'s article"
    if report.source is None:
        line += f" (“{shortened(part.evidence, MAX_QUOTE)}”)"
    if len(numbers) > 1:
        return f"{line}, sentences {numbers[0]}–{numbers[-1]}"
    return f"{line}, sentence {numbers[0]}" if numbers else line


def is_own_claim(report: records.SentenceReport) -> bool:
    """Whether a sentence claims something in the own voice; a republished article has its own."""
    voice = report.sentence.inner_voice or report.voice
    return voice is records.Voice.OWN and "claim" in report.flags


def is_unsourced_own_claim(report: records.SentenceReport) -> bool:
    """Whether a sentence is an own claim without a source; wider than ``unsourced_assertion``."""
    return is_own_claim(report) and NOBODY in report.rests_on


class SentenceMark(NamedTuple):
    """One reason why a sentence is marked."""

    kind: Signal
    detail: str  # the numbers behind it, in words
    words: tuple[str, ...] = ()  # the article's words that speak for it, strongest first; printable
    # the probability and where the decision falls; None where several signals decide
    score: float | None = None
    threshold: float | None = None
    again: str = ""  # numbers of other sentences with these words

    @property
    def quiet(self) -> bool:
        """Whether it is named after the others, and marks no sentence by itself."""
        return self.kind.name in QUIET


def marks(report: records.SentenceReport, thresholds: Thresholds) -> tuple[SentenceMark, ...]:
    """Return the reasons to mark a sentence: those that draw the eye first, then the quiet ones."""
    scores = report.scores
    if "content" in scores and "content" not in report.flags:
        return (SentenceMark(kind(FURNITURE), score_in_words(scores["content"])),)
    found = [
        _of_signal(report, name, thresholds.get(name)) for name in report.flags if name != "content"
    ]
    if is_unsourced_own_claim(report):
        behind = (f"{name} {score_in_words(scores[name])}" for name in ("claim", "attributed"))
        found.append(SentenceMark(kind(UNSOURCED), ", ".join(behind)))
    if report.citations:
        found.append(SentenceMark(kind(CITED), ""))
    return tuple(sorted(found, key=lambda mark: mark.quiet))


def _of_signal(report: records.SentenceReport, name: str, threshold: float | None) -> SentenceMark:
    score = report.scores.get(name)
    detail = "" if score is None else score_in_words(score)
    if threshold is not None:
        detail += f" (threshold {score_in_words(threshold)})"
    again = ", ".join(str(at + 1) for at in report.repeats if name == "repetition")
    return SentenceMark(kind(name), detail.strip(), _words(report, name), score, threshold, again)


def _spans(report: records.SentenceReport, signals: Iterable[str]) -> list[records.Span]:
    """Return the strongest evidence for each signal."""
    spans = [one for one in report.evidence if _overlap(one, report)]
    found = ([one for one in spans if one.signal == signal][:MAX_WORDS] for signal in signals)
    return [*chain.from_iterable(found)]


def _words(report: records.SentenceReport, signal: str) -> tuple[str, ...]:
    """Return the evidence for a signal as words, each once."""
    start = report.start
    found = [(max(one.start - start, 0), one.end - start) for one in _spans(report, [signal])]
    return distinct_lines(shortened(report.text[a:b], MAX_EXCERPT) for a, b in found)


def assertions(report: records.ArticleReport) -> list[tuple[int, str, str]]:
    """Return number, score and words of what lacks a source for an editor, most probable first."""
    found = [pair for pair in enumerate(report.sentences, start=1) if ASSERTION in pair[1].flags]
    return [
        (number, score_in_words(one.scores[ASSERTION]), shortened(one.text, MAX_EXCERPT))
        for number, one in sorted(found, key=lambda pair: -pair[1].scores[ASSERTION])
    ]


class Segment(NamedTuple):
    """A stretch of a sentence: the signals it is evidence for, in taxonomy order, and its part."""

    text: str
    signals: tuple[str, ...]
    role: str = ""  # ``source`` or ``cue`` within the words that name a source or attribute to it

    @property
    def families(self) -> tuple[str, ...]:
        """The families of its signals."""
        return tuple(dict.fromkeys(kind(name).family.value for name in self.signals))


def segments(report: records.SentenceReport) -> tuple[Segment, ...]:
    """Cut a sentence where evidence, a source or a cue begins or ends; joined, they are it."""
    start, end = report.start, report.end
    roles = [
        (place, role)
        for citation in report.citations
        for place, role in ((citation.source, "source"), (citation.cue, "cue"))
        if place is not None and _overlap(place, report)
    ]
    spans = _spans(report, dict.fromkeys(span.signal for span in report.evidence))

    def found_at(edges: tuple[int, int]) -> tuple[tuple[str, ...], str]:
        left = edges[0]
        signals = in_order(span.signal for span in spans if span.start <= left < span.end)
        return signals, next((r for part, r in roles if part.start <= left < part.end), "")

    places: list[records.Span | records.Place] = [*spans, *(place for place, _ in roles)]
    edges = {start, end}.union(*({max(p.start, start), min(p.end, end)} for p in places))
    cut = []
    for (signals, role), group in groupby(pairwise(sorted(edges)), key=found_at):
        stretch = list(group)
        text = report.text[stretch[0][0] - start : stretch[-1][1] - start]
        cut.append(Segment(text, signals, role))
    return tuple(cut)


def _overlap(
    part: records.Span | records.Place | records.Republication, sentence: records.SentenceReport
) -> bool:
    return part.start < sentence.end and sentence.start < part.end


class TextLine(NamedTuple):
    """A sentence in its paragraph, or text of the article that belongs to no sentence."""

    number: int  # the sentence's place in the article, from 1; 0 for text outside any sentence
    report: records.SentenceReport | None
    text: str  # the characters, as they are
    marks: tuple[SentenceMark, ...] = ()  # those that draw the eye first

    @property
    def loud(self) -> list[SentenceMark]:
        """The marks that draw the eye."""
        return [mark for mark in self.marks if not mark.quiet]

    @property
    def also(self) -> list[SentenceMark]:
        """The quiet marks that are shown by name alone."""
        return [mark for mark in self.marks if mark.quiet and mark.kind.name != CITED]

    @property
    def families(self) -> tuple[str, ...]:
        """The families to highlight the sentence with when a page opens."""
        return tuple(dict.fromkeys(mark.kind.family.value for mark in self.loud))

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Its words, cut at evidence and citations."""
        return segments(self.report) if self.report else (Segment(self.text, ()),)


def paragraphs(
    report: records.ArticleReport, thresholds: Thresholds
) -> Iterator[tuple[TextLine, ...]]:
    """Yield the article's paragraphs, divided by line breaks, with the text outside sentences."""
    text, position, lines = report.article.text, 0, list[TextLine]()
    for number, one in enumerate((*report.sentences, None), start=1):
        between = text[position : one.start if one else None].split("\n")
        for index, piece in enumerate(map(str.strip, between)):
            if index and lines:
                yield tuple(lines)
                lines = []
            lines += [TextLine(0, None, piece)] if piece else []
        if one:
            found = marks(one, thresholds)
            lines.append(TextLine(number, one, text[one.start : one.end], found))
            position = one.end
    if lines:
        yield tuple(lines)


def language_of(paragraph: Iterable[TextLine]) -> str | None:
    """Return the language of a paragraph, where it is known."""
    return next((one.report.sentence.lang for one in paragraph if one.report is not None), None)


def direction(lang: str | None) -> str:
    """Return in which direction a language runs, as HTML has it."""
    return LANGUAGES[lang].direction if lang is not None and lang in LANGUAGES else "auto"
