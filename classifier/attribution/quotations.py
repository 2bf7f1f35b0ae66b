"""Where an article's quotations begin and end, in every style of quotation mark, and who speaks.

Marks open and close by their shape and their neighbours. A quotation that isn't closed in its
paragraph continues if the next paragraph opens with a mark again, as long quotations do, or if the
next mark closes it. A transcript's speaker labels, the signature of an embedded post and, in some
languages, dashes before speech show quotations too.

Labels and a quotation that runs on give citations by their form: no sentence needs to be
understood. Who the sources are is left to `sources.resolve`.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple, TypeVar

from framescope.classifier import records
from framescope.classifier.attribution.phrases import word_set
from framescope.classifier.inputs.dialogue import QUESTIONS, after_dashes
from framescope.classifier.inputs.page import is_headline
from framescope.classifier.languages import ENGLISH
from framescope.classifier.records import Citation, Place, Sentence, SourceKind

_Found = TypeVar("_Found", Citation, records.MarkedCitation)

LABEL, RUN_ON = "speaker label", "running quotation"

_OPENS, _CLOSES, _EITHER = "opens", "closes", "either"
_GAP = 500  # characters of white space at most
_NESTED_WITHIN = 40  # marks after one within a quotation, for those that close both

# What closes a quotation that was opened by the mark. Languages close „ with both “ and ”.
_PAIRS = {
    '"': '"”“″＂', "“": '”"', "”": "”", "„": '“”"', "‟": "”", "＂": "＂", "″": '"″', "ʺ": '"ʺ',
    "''": "''", "``": "''", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›",
    "'": "'’", "‘": "’'", "‚": "‘’",
}  # fmt: skip
_ENGLISH = (ENGLISH, None)
_CARELESS = {"“": "“", "”": "“"}  # how some write them in other languages than English
_MARK = re.compile(r"''|``|[\"“”„‟″ʺ＂«»‹›「」『』'‘’‚]")
_SINGLE = frozenset("'‘’‚")
_BEFORE_OPENING = frozenset(" \t\n\r\u00a0([{—–-/\"'“‘«„:")
_BEFORE_SPEECH = frozenset(["", *".!?:,؟،。！？：，"])
_ELISION = re.compile(r"(?:em|til|twas|tis|cause|round|bout|n|\d0s|\d\ds)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"(?P<name>(?:(?:Mr|Mrs|Ms|Dr)\.? )?[A-Z](?:[\w'’.-]+(?: [A-Z][\w'’.-]*){0,3})?)"
    r"(?: \([^)]{1,40}\))?:(?=\s)"
)
# The same in other languages: a name of any script, what follows it, and any colon.
_LABEL_OF_OTHERS = re.compile(r"(?P<name>[^\W\d_][^,(（\n:：]{0,40})[^\n:：]{0,60}?[:：](?!//|\d)")
_LEAST_CHANGES = 2  # of the speaker
_LONGEST_TURN = 6  # sentences on average
_ADDRESS = re.compile(r"\?|\b(?:I|me|[Mm]y|[Ww]e|us|[Oo]ur|[Yy]ou|[Yy]our)\b")
_ROLES = word_set("q a question answer interviewer reporter host moderator anchor speaker")
# "— Ada Quill (@quill) May 3, 2026" after an embedded post.
_SIGNED = re.compile(r"[—–-] ?[^\n—]{1,60}\(@\w{1,20}\)(?: [A-Z][a-z]+ \d{1,2}, \d{4})?")
_LONGEST_POST = 400  # characters, with links and signature

_POST = re.compile(r"@\w|twitter|tweet", re.IGNORECASE)  # who posts signs the post
_ENDED = re.compile(r"[.!?][\"'”’»)\]]{0,3}\Z")
_LEAST_QUOTED = 3  # words of a quotation whose speaker is looked for elsewhere; fewer are a term
_LONGEST_QUOTATION = 12  # sentences

_QUESTION = "Q:"  # the label of an interviewer, who speaks for the article's own outlet

Span = tuple[int, int]


def find(text: str, sentences: Sequence[Sentence]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Find the quotations of an article, and the speaker labels of a transcript.

    Line breaks between sentences end paragraphs. Quotations are in order, with their outermost
    marks, and don't overlap; labels include their colons. The questions of an interview are none.
    """
    paragraphs = _paragraphs(text, sentences)
    turns = _turns(text, sentences, paragraphs) or _turns_of_others(text, sentences)
    labels = ((a, b[0]) for a, b in pairwise(turns) if text[slice(*a)] not in ("", _QUESTION))
    spoken = [(label[0], end) for label, end in labels]
    spoken += after_dashes(text, sentences, {one.start: one.end for one in paragraphs})
    found = sorted(_marked(text, paragraphs) + spoken + _posts(text, paragraphs))
    return _merged(found), tuple(turns)


@dataclass(slots=True)
class _Paragraph:
    start: int
    end: int
    last: int  # start of its last sentence
    lang: str | None


def _paragraphs(text: str, sentences: Sequence[Sentence]) -> list[_Paragraph]:
    paragraphs: list[_Paragraph] = []
    for one in sentences:
        gap = text[paragraphs[-1].end : one.start] if paragraphs else "\n"
        if len(gap.splitlines()) > 1 or gap.endswith(("\n", "\r", "\u2028", "\u2029")):
            paragraphs.append(_Paragraph(one.start, one.end, one.start, one.lang))
        else:
            paragraphs[-1].end, paragraphs[-1].last = one.end, one.start
    return paragraphs


class _Mark(NamedTuple):
    start: int
    end: int
    char: str
    role: str


def _role(text: str, match: re.Match[str], start: int, end: int) -> str | None:
    """Return whether a mark can open or close a quotation; None for an apostrophe."""
    char = match[0]
    before = text[match.start() - 1] if match.start() > start else " "
    after = text[match.end()] if match.end() < end else " "
    can_open = before in _BEFORE_OPENING and not after.isspace()
    can_close = not before.isspace() and not after.isalnum()
    if char in _SINGLE:
        if can_open and char != "’":
            return None if char == "'" and _ELISION.match(text, match.end()) else _OPENS
        return _CLOSES if can_close and char not in "‘‚" else None
    if char in "“„「『‹``":
        # German closes with the mark that English opens with.
        return _EITHER if char == "“" and can_close and not can_open else _OPENS
    if char in "”」』›":
        return _EITHER if char == "”" and can_open and not can_close else _CLOSES
    # French puts spaces inside guillemets; German and Danish turn them round.
    if char in "«»" or not (can_open or can_close):
        return _EITHER
    return _CLOSES if can_close else _OPENS


def _marked(text: str, paragraphs: list[_Paragraph]) -> list[Span]:
    marks = [
        [
            _Mark(*match.span(), match[0], role)
            for match in _MARK.finditer(text, p.start, p.end)
            if (role := _role(text, match, p.start, p.end))
        ]
        for p in paragraphs
    ]
    found: list[Span] = []
    held: str | None = None  # the mark of a quotation that continues from the last paragraph
    for n, paragraph in enumerate(paragraphs):
        here, at = marks[n], 0
        never_closed: set[str] = set()
        while held or at < len(here):
            if held:
                opener, start, held = held, paragraph.start, None
            else:
                start, _, opener, role = here[at]
                at += 1
                if opener in never_closed or (role == _CLOSES and opener not in "»«"):
                    continue
            before = text[max(paragraph.start, start - _GAP) : start].rstrip()[-1:]
            careless = _CARELESS.get(opener, "") if paragraph.lang not in _ENGLISH else ""
            closers = _PAIRS[opener] + careless
            if closing := _closing(text, opener, closers, here, at):
                found.append((start, here[closing - 1].end))
                at = closing
            elif opener in _SINGLE and before:
                never_closed.add(opener)
            elif _goes_on(opener, marks[n + 1 : n + 3], paragraphs[n + 1 : n + 3]):
                found.append((start, paragraph.end))
                held = opener
                break
            elif opener not in _SINGLE and (before in _BEFORE_SPEECH or start >= paragraph.last):
                # It begins a sentence, or is in the last one: it ends with the paragraph.
                found.append((start, paragraph.end))
                break
            else:
                never_closed.add(opener)
    return found


def _closing(text: str, opener: str, closers: str, marks: list[_Mark], at: int) -> int:
    """Return the number of the mark that closes a quotation, counted from 1; 0 if none does."""
    inner = 0  # quotations that are open within this one, in the same marks
    for i in range(at, len(marks)):
        mark = marks[i]
        behind = opener == "„" and not text[mark.end : mark.end + 1].isalnum()
        if mark.char in closers and (mark.role != _OPENS or behind):
            if opener in _SINGLE and _is_possessive(text, mark, marks[i + 1 : i + 2]):
                continue
            if not inner:
                return i + 1
            inner -= 1
        elif mark.char == opener == "“":
            later = [m.char for m in marks[i + 1 : i + _NESTED_WITHIN] if m.char in "“”"]
            inner += later[:2] == ["”", "”"]
    return 0


def _is_possessive(text: str, mark: _Mark, following: list[_Mark]) -> bool:
    """Return whether a mark is that of "the dockers' pay" in a quotation that closes later."""
    inside = text[mark.start - 1] == "s" and text[mark.end : mark.end + 1] == " "
    goes_on = inside and text[mark.end + 1 : mark.end + 2].islower()
    return goes_on and any(m.role == _CLOSES and m.char in _SINGLE for m in following)


def _goes_on(opener: str, marks: list[list[_Mark]], paragraphs: list[_Paragraph]) -> bool:
    for here, paragraph in zip(marks, paragraphs, strict=True):
        if not here:
            continue
        same = [m for m in here if m.char == opener or m.char in _PAIRS[opener]]
        if same and same[0].start == paragraph.start:
            return same[0].role != _CLOSES
        return bool(same) and same[0].role == _CLOSES and opener not in _SINGLE
    return False


def _turns(text: str, sentences: Sequence[Sentence], paragraphs: list[_Paragraph]) -> list[Span]:
    """Return the labels of a transcript or an interview, and an empty span where it ends.

    Its speakers take turns and address each other, and the article names one of them in full, or
    by a role. The labels of a table or of a test do not.
    """
    found = [label for s in sentences if (label := _LABEL.match(text, s.start, s.end))]
    names = [[_bare(word) for word in label["name"].split()] for label in found]
    counts = Counter(name[-1] for name in names)
    if len(names) == len(counts):
        return []
    common = {_bare(word) for word in text.split() if word.islower()}
    fuller = defaultdict[str, set[str]](set)  # what stands beside a name, in capitals
    for before, word in pairwise(text.split()):
        if before[0].isupper() and word[0].isupper() and before[-1] not in ",:;!?)":
            pair = {_bare(before), _bare(word)}
            for key in (*pair, f"{before[0]}{word[0]}".casefold()):
                fuller[key] |= pair - {key}
    for name in names:
        fuller[name[-1]].update(name[:-1])
    turns = [
        (name[-1], label)
        for name, label in zip(names, found, strict=True)
        if (label["name"].isupper() or counts[name[-1]] > 1)
        and (name[-1] in _ROLES or not common.issuperset({*name, *fuller[name[-1]]}))
    ]
    starts = [paragraph.start for paragraph in paragraphs]
    at = [bisect_right(starts, label.start()) for _, label in turns]  # counted from 1
    said = [
        _ADDRESS.search(text, label.end(), paragraphs[i - 1].end)
        for (_, label), i in zip(turns, at, strict=True)
    ]
    changes = sum(one[0] != other[0] for one, other in pairwise(turns))
    named = any(key in _ROLES or fuller[key] for key, _ in turns)
    if changes < _LEAST_CHANGES or not named or 2 * said.count(None) > len(said):
        return []
    longest = max(other - one for one, other in pairwise(at))
    end = paragraphs[min(at[-1] + max(longest, 1), len(paragraphs) + 1) - 2].end
    return [*(label.span() for _, label in turns), (end, end)]


def _turns_of_others(text: str, sentences: Sequence[Sentence]) -> list[Span]:
    """Return the labels of a transcript in another language: names that take turns, and ask.

    Of two, one who asks at most turns speaks for the outlet, and has empty ones.
    """
    found = [
        (_bare(label["name"]), label.span(), n)
        for n, one in enumerate(sentences)
        if one.lang not in _ENGLISH and (label := _LABEL_OF_OTHERS.match(text, one.start, one.end))
    ]
    counts = Counter(name for name, _, _ in found)
    turns = [turn for turn in found if counts[turn[0]] > 1]
    changes = sum(one[0] != other[0] for one, other in pairwise(turns))
    if changes <= _LEAST_CHANGES:
        return []
    first, last = turns[0][2], turns[-1][2]
    turns = [turn for turn in found if first <= turn[2] <= last]
    said = sentences[first : last + 1]
    if len(said) > _LONGEST_TURN * len(turns) or not any(s.text[-1] in QUESTIONS for s in said):
        return []
    ends = pairwise([*turns, ("", (0, 0), last + 1)])
    asked = Counter(a[0] for a, b in ends if sentences[b[2] - 1].text[-1] in QUESTIONS)
    asks = [name for name in asked if 2 * asked[name] >= counts[name] > 1]
    interview = len({name for name, _, _ in turns}) == 2 and len(asks) == 1
    end = _paragraphs(text, sentences[last:])[0].end
    spans = [(a, a if interview and name in asks else b) for name, (a, b), _ in turns]
    return [*spans, (end, end)]


def _bare(word: str) -> str:
    return word.strip(".,:;!?()'\"’“”").casefold()


def _posts(text: str, paragraphs: list[_Paragraph]) -> list[Span]:
    """Find embedded posts: a signature's paragraph, or the one before where it stands alone."""
    found = []
    for i, paragraph in enumerate(paragraphs):
        start = paragraph.start
        for signed in _SIGNED.finditer(text, paragraph.start, paragraph.end):
            if i and not text[start : signed.start()].strip() and start == paragraph.start:
                start = paragraphs[i - 1].start
            if signed.end() - start <= _LONGEST_POST:
                found.append((start, signed.end()))
            start = signed.end()
    return found


def _merged(ranges: list[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for start, end in ranges:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def within(ranges: Sequence[Span], sentences: Sequence[Sentence]) -> list[tuple[Span, ...]]:
    """Return the parts of quotations in each sentence, as ranges of its text."""
    starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
    return [
        tuple(
            (max(start - one.start, 0), min(end, one.end) - one.start)
            for start, end in ranges[bisect_right(ends, one.start) : bisect_left(starts, one.end)]
        )
        for one in sentences
    ]


def labelled(reading: records.ArticleReading) -> list[tuple[Citation, ...]]:
    """Find the citations of each sentence by speaker labels, which open it or precede it."""
    turns, plain = reading.turns, reading.plain
    starts = [start for start, _ in turns]
    rows: list[tuple[Citation, ...]] = []
    for sentence in reading.sentences:
        at = bisect_right(starts, sentence.start)
        start, end = turns[at - 1] if 0 < at < len(starts) else (0, 0)  # the last is no label
        opens = start >= sentence.start
        words = plain[end if opens else sentence.start : sentence.end]
        said = Place(sentence.end - len(words.lstrip()), sentence.end)
        spoken = end > start and words.strip() and plain[start:end] != _QUESTION
        cue = Place(end - 1, end) if opens else None
        one = Citation(Place(start, end - 1), cue, (said,), SourceKind.NAMED, found_by=LABEL)
        rows.append((one,) if spoken else ())
    return rows


def speaking(
    sentences: Sequence[Sentence], citations: Sequence[Sequence[_Found]]
) -> list[tuple[_Found, ...]]:
    """Keep the citations whose source speaks; headings, captions, bylines and credits don't.

    What stands in another sentence speaks where a cue hands over its words anywhere, a colon leads
    to them, they are quoted, or it signs a post.
    """
    starts = [sentence.start for sentence in sentences]
    cued = {one.source for row in citations for one in row if one.cue is not None}

    def speaks(i: int, one: _Found) -> bool:
        if one.source is None:
            return one.cue is not None and not _quoted(sentences[i], one.cue)
        at = bisect_right(starts, one.source.start) - 1
        there = sentences[at].text
        if at == i or _POST.search(there):
            return True
        if at < i and (at or there.isupper()) and is_headline(there) and not _ENDED.search(there):
            return False
        leads = there.endswith((*":,：，،",)) or there.startswith(":", one.source.end - starts[at])
        handed = one.cue is not None or one.source in cued
        return leads or handed or _quoted(sentences[i], one.content[0])

    return [tuple(one for one in row if speaks(i, one)) for i, row in enumerate(citations)]


def _quoted(sentence: Sentence, place: Place) -> bool:
    start, end = place.start - sentence.start, place.end - sentence.start
    return any(a < end and start < b for a, b in sentence.quoted)


def run_on(
    sentences: Sequence[Sentence], citations: Sequence[Sequence[_Found]]
) -> list[tuple[_Found, ...]]:
    """Give quoted sentences without a citation that of their quotation's speaker.

    It gets the sentence's content and no cue.
    """
    rows = [tuple(row) for row in citations]
    for i, sentence in enumerate(sentences):
        words = sum(records.count_words(sentence.text[a:b]) for a, b in sentence.quoted)
        mostly = words >= _LEAST_QUOTED and 2 * words >= records.count_words(sentence.text)
        if not rows[i] and mostly:
            said = tuple(Place(sentence.start + a, sentence.start + b) for a, b in sentence.quoted)
            tag = next(_tags(sentences, rows, i), None)
            rows[i] = () if tag is None else (replace(tag, cue=None, content=said),)
    return rows


def _tags(
    sentences: Sequence[Sentence], rows: Sequence[Sequence[_Found]], i: int
) -> Iterator[_Found]:
    """Yield the citations whose source may speak a sentence's quotation, the likeliest first."""
    for j in _around(sentences, i):
        for one in rows[j]:
            # The speaker stands outside the marks, whoever is cited within them.
            if one.source is not None and not _quoted(sentences[j], one.source):
                yield one
    # A new quotation directly after somebody's words continues them.
    for one in reversed(rows[i - 1] if i and sentences[i].quoted[0][0] == 0 else ()):
        if one.source is not None and (one.cue is not None or sentences[i - 1].quoted):
            yield one


def _around(sentences: Sequence[Sentence], i: int) -> Iterator[int]:
    """Yield the sentences of the quotation that runs through a sentence, those before it first."""
    for step in (-1, 1):
        for j in range(i + step, i + step * _LONGEST_QUOTATION, step):
            low = min(j, j - step)
            if not 0 <= j < len(sentences) or not _continues(*sentences[low : low + 2]):
                break
            yield j


def _continues(one: Sentence, following: Sentence) -> bool:
    """Return whether a quotation runs from one sentence into the next: no mark closes it."""
    if not one.quoted or not following.quoted or one.quoted[-1][1] < len(one.text.rstrip()):
        return False
    start, end = one.quoted[-1]
    last = records.fold(one.text[start:end]).rstrip()
    return len(last) > 1 and last[-1] not in "\"'"


def quoted_elsewhere(text: str, sentences: Sequence[Sentence]) -> Iterator[int]:
    """Yield the rows that are quoted by what stands beside them.

    They are a paragraph that a colon introduces, where its first sentence is quoted or cites a
    source before the colon; and a tag that was split from its quotation ('"Why?" | Orr asked.').
    """
    block = False
    for i, (before, one) in enumerate(pairwise(sentences), 1):
        if "\n" in text[before.end : one.start]:
            whole = one.voice is records.Voice.QUOTED and not one.quoted
            led = before.text.rstrip().endswith((":", "："))
            block = led and (whole or _speaks(before, one))
        tag = before.voice is records.Voice.QUOTED and not one.quoted and not one.citations
        if block or (tag and _speaks(one, before)):
            yield i


def _speaks(there: Sentence, one: Sentence) -> bool:
    """Return whether a source of a sentence stands in another."""
    sources = (citation.source for citation in one.citations)
    return any(source and there.start <= source.start < there.end for source in sources)
