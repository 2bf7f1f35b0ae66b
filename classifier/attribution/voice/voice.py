"""Whose words each sentence is: own, reported or quoted (annotation guidelines, section 2).

Rules, no model. Quotations are followed over the whole article, by `voice.quotations`; verbs of
speech come from `words.cues`. A sentence is

* ``quoted`` when its predicate stands inside quotation marks: at least half of its words outside
  the attribution ("she said") are quoted, or a quoted clause of its own hangs on a verb of speech;
* ``reported`` when a cue hands its content to somebody else, or only a term of it is quoted;
* ``own`` otherwise. The author's questions are own.

Measured on the development part of PolNeAR (84 articles, 3,367 sentences), where a sentence that
any attribution's content touches should not be own: precision 0.966, recall 0.697, F1 0.810. Most
of what is missed there are thoughts, plans and deeds ("plans to release", "voted against"), which
that corpus counts as attributions and the guidelines' voice doesn't.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from classifier.attribution.words.cues import attributes, quoting_verb
from classifier.values import ArticleReading, Sentence, Voice, fold

#: The share of quoted words, outside the attribution, from which a sentence is quoted.
QUOTED_SHARE = 0.5
# This and the rest are judgements on the shape of English sentences.
_TERM_WORDS = 4  # a quotation of so many words without a verb is a term: "the 'reform'"
_TERM_SAID = 2  # ... or so few, where nothing else was said: 'He called it "a farce"'
_CLAUSE_WORDS = 4  # of a quoted clause that makes its sentence quoted, however much is around it
_TAG_WORDS = 12  # after a quotation, with a verb of speech: who said it, to whom, where and when
_RECIPIENT_WORDS = 5  # between a verb of speech and its quotation: "told reporters in Amaro"
_TAG_WITHIN = 80  # characters behind a quotation in which its verb of speech stands
_SHORT_WORD = 3  # letters of a title's words that need no capital: "of", "the"

# A Chinese or Japanese character counts as a word.
_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]|[^\W_]+(?:['.-][^\W_]+)*")
_FINITE = re.compile(
    r"\b(?:am|is|are|was|were|has|have|had|will|would|can|could|must|should|shall|may|might|do"
    r"|does|did|won't|can't|cannot|don't|go|goes|went|let|need|needs|want|wants|know|knows|made"
    r"|make|makes|take|took|came|come|comes|get|got|gets|stop|stand|stands|said|says|\w+n't"
    r"|\w+'(?:re|ll|ve|m|d)|(?:he|she|it|that|there|what|who)'s|\w{3,}ed)\b"
)
_SPOKEN_END = re.compile(r"[,.!?…-]$")
_HANDS_OVER = re.compile(r"(?::|,|\b(?:that|as|because|if|whether|how|is|was|and|but))?\s*$")


def assign(reading: ArticleReading) -> tuple[Sentence, ...]:
    """Give each sentence of an article its voice.

    Parameters
    ----------
    reading : ArticleReading
        As `classifier.attribution.reading.begin` makes it.

    Returns
    -------
    tuple of Sentence
        The same sentences with their voice.
    """
    return tuple(
        replace(sentence, voice=voice)
        for sentence, voice in zip(reading.sentences, voices(reading), strict=True)
    )


def voices(reading: ArticleReading) -> Iterator[Voice]:
    """Give the voice of each sentence of an article.

    A voice given by the article's own units is kept; every sentence of a republished part is
    quoted.
    """
    article = reading.article
    given = {
        (unit.start, unit.end): unit.voice for unit in article.units or () if unit.voice is not None
    }
    quoted = _Ranges(reading.quotations)
    carried = _Ranges([(part.start, part.end) for part in article.republications])
    for s in reading.sentences:
        yield given.get((s.start, s.end)) or _voice(s, reading.plain, quoted, carried)


class _Ranges:
    """Ranges of an article in order, asked which of them a sentence meets."""

    def __init__(self, ranges: Sequence[tuple[int, int]]) -> None:
        self.ranges = sorted(ranges)
        self._starts = [start for start, _ in self.ranges]

    def within(self, sentence: Sentence) -> list[tuple[int, int]]:
        """Parts of the sentence that lie in a range, as offsets into its text."""
        found = []
        at = max(bisect_right(self._starts, sentence.start) - 1, 0)
        for start, end in self.ranges[at : bisect_right(self._starts, sentence.end)]:
            left, right = max(start, sentence.start), min(end, sentence.end)
            if left < right:
                found.append((left - sentence.start, right - sentence.start))
        return found


def _voice(sentence: Sentence, plain: str, quoted: _Ranges, carried: _Ranges) -> Voice:
    if carried.ranges and carried.within(sentence):
        return Voice.QUOTED
    text = plain[sentence.start : sentence.end].lower()
    inside = quoted.within(sentence)
    parts = _Parts.of(text, inside) if inside else None
    if parts and _is_quoted(parts, sentence.text):
        return Voice.QUOTED
    if text.rstrip("\"')] ").endswith("?"):
        return Voice.OWN
    return Voice.REPORTED if attributes(parts.outside if parts else text) else Voice.OWN


@dataclass(frozen=True, slots=True)
class _Parts:
    """A sentence taken apart: the quotations, and the words before, between and after them."""

    quotes: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    gaps: tuple[str, ...]  # one more than there are quotations

    @classmethod
    def of(cls, text: str, spans: list[tuple[int, int]]) -> _Parts:
        edges = [0, *(edge for span in spans for edge in span), len(text)]
        gaps = tuple(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))
        return cls(tuple(text[a:b] for a, b in spans), tuple(spans), gaps)

    @property
    def outside(self) -> str:
        return ' "" '.join(self.gaps)


def _is_quoted(parts: _Parts, original: str) -> bool:
    unquoted = [len(_WORD.findall(gap)) for gap in parts.gaps]
    if not any(unquoted):
        return True
    quotes = [
        quote
        for quote, gap, (start, end) in zip(parts.quotes, parts.gaps, parts.spans, strict=False)
        if gap.rstrip().endswith(":") or not _is_title(original[start:end])
    ]
    words = sum(len(_WORD.findall(quote)) for quote in quotes)
    if not words:
        return False
    verbs = [quoting_verb(gap) for gap in parts.gaps]
    content = sum(
        _content_words(gap, verb, first=i == 0)
        for i, (gap, verb) in enumerate(zip(parts.gaps, verbs, strict=True))
    )
    spoken = any(_SPOKEN_END.search(quote.rstrip("\"' ")) for quote in quotes)
    clause = any(_FINITE.search(quote) for quote in quotes)
    if words >= QUOTED_SHARE * (words + content):
        # A few words without a verb are a term ("the 'reform'"), unless they are all that was said.
        return (
            clause
            or words > _TERM_WORDS
            or (not content and any(verbs) and (spoken or words > _TERM_SAID))
        )
    return clause and words >= _CLAUSE_WORDS and _attached(parts.gaps, spoken)


def _content_words(gap: str, verb: re.Match[str] | None, *, first: bool) -> int:
    """Words of the content, that is without the attribution: "she told reporters in Amaro"."""
    if verb is None:
        return len(_WORD.findall(gap))
    if not first:
        return max(len(_WORD.findall(gap)) - _TAG_WORDS, 0)
    # Before the quotation, what follows the verb is content, unless it says to whom and when.
    after = gap[verb.end() :]
    return 0 if _HANDS_OVER.fullmatch(after) or ":" in after else len(_WORD.findall(after))


def _attached(gaps: tuple[str, ...], spoken: bool) -> bool:
    before = quoting_verb(gaps[0])
    if before and len(_WORD.findall(gaps[0][before.end() :])) <= _RECIPIENT_WORDS:
        return True
    return spoken and any(
        (verb := quoting_verb(gap)) and verb.start() < _TAG_WITHIN for gap in gaps[1:]
    )


def _is_title(quote: str) -> bool:
    """Whether a quotation names a work: "The Long Night at Pier Seven"."""
    words = [word for word in _WORD.findall(fold(quote)) if len(word) > _SHORT_WORD]
    return (
        len(words) > 1
        and all(word[0].isupper() for word in words)
        and not _SPOKEN_END.search(quote.rstrip("\"'”’» "))
    )
