"""Where an article's quotations begin and end, in every style of quotation mark.

Marks open and close by their shape and their neighbours. A quotation that isn't closed in its
paragraph continues if the next paragraph opens with a mark again, as long quotations do, or if the
next mark closes it. A transcript's speaker labels and the signature of an embedded post show
quotations too.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from framescope.classifier.attribution.phrases import word_set
from framescope.classifier.records import Sentence

_OPENS = "start"
_CLOSES = "end"
_EITHER = "either"

_NESTED_WITHIN = 40  # marks after one within a quotation, for those that close both

# What closes a quotation that was opened by the mark. Languages close „ with both “ and ”.
_PAIRS = {
    '"': '"”“″＂', "“": '”"', "”": "”", "„": '“”"', "‟": "”", "＂": "＂", "″": '"″',
    "''": "''", "``": "''", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›",
    "'": "'’", "‘": "’'", "‚": "‘’",
}  # fmt: skip
_MARK = re.compile(r"''|``|[\"“”„‟″＂«»‹›「」『』'‘’‚]")
_SINGLE = frozenset("'‘’‚")
_BEFORE_OPENING = frozenset(" \t\n\r\u00a0([{—–-/\"'“‘«„:")
_BEFORE_SPEECH = frozenset(["", *".!?:,"])
_ELISION = re.compile(r"(?:em|til|twas|tis|cause|round|bout|n|\d0s|\d\ds)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"(?P<name>(?:(?:Mr|Mrs|Ms|Dr)\.? )?[A-Z](?:[\w'’.-]+(?: [A-Z][\w'’.-]*){0,3})?)"
    r"(?: \([^)]{1,40}\))?:(?=\s)"
)
_LEAST_CHANGES = 2  # of the speaker
_ADDRESS = re.compile(r"\?|\b(?:I|me|[Mm]y|[Ww]e|us|[Oo]ur|[Yy]ou|[Yy]our)\b")
_ROLES = word_set("q a question answer interviewer reporter host moderator anchor speaker")
# "— Ada Quill (@quill) May 3, 2026" after an embedded post.
_SIGNED = re.compile(r"[—–-] ?[^\n—]{1,60}\(@\w{1,20}\)(?: [A-Z][a-z]+ \d{1,2}, \d{4})?")
_LONGEST_POST = 400  # characters, with links and signature

QUESTION = "Q:"
"""The label of an interviewer who speaks for the article's own outlet."""

Span = tuple[int, int]


def find(text: str, sentences: Sequence[Sentence]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Find the quotations of an article, and the speaker labels of a transcript.

    Line breaks between sentences end paragraphs. Quotations are in order, with their outermost
    marks, and don't overlap; labels include their colons. The questions of an interview are none.
    """
    paragraphs = _paragraphs(text, sentences)
    turns = _turns(text, sentences, paragraphs)
    spoken = [(one[0], other[0]) for one, other in pairwise(turns) if text[slice(*one)] != QUESTION]
    found = sorted(_marked(text, paragraphs) + spoken + _posts(text, paragraphs))
    return _merged(found), tuple(turns)


@dataclass(slots=True)
class _Paragraph:
    start: int
    end: int
    last: int  # start of its last sentence


def _paragraphs(text: str, sentences: Sequence[Sentence]) -> list[_Paragraph]:
    paragraphs: list[_Paragraph] = []
    for sentence in sentences:
        gap = text[paragraphs[-1].end : sentence.start] if paragraphs else "\n"
        if len(gap.splitlines()) > 1 or gap.endswith(("\n", "\r", "\u2028", "\u2029")):
            paragraphs.append(_Paragraph(sentence.start, sentence.end, sentence.start))
        else:
            paragraphs[-1].end, paragraphs[-1].last = sentence.end, sentence.start
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
        if char in "'’" and can_open and _ELISION.match(text, match.end()):
            return None
        if can_open and char != "’":
            return _OPENS
        return _CLOSES if can_close and char not in "‘‚" else None
    if char in "“„「『‹``":
        # German closes with the mark that English opens with.
        return _EITHER if char == "“" and can_close and not can_open else _OPENS
    if char in "”」』›":
        return _EITHER if char == "”" and can_open and not can_close else _CLOSES
    if char in "«»":
        # French puts spaces inside them; German and Danish turn them round.
        return _EITHER
    return _OPENS if can_open and not can_close else _CLOSES if can_close else _EITHER


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
            before = text[paragraph.start : start].rstrip()[-1:]
            if closing := _closing(text, opener, here, at):
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


def _closing(text: str, opener: str, marks: list[_Mark], at: int) -> int:
    """Return the number of the mark that closes a quotation, counted from 1; 0 if none does."""
    inner = 0  # quotations that are open within this one, in the same marks
    for i in range(at, len(marks)):
        mark = marks[i]
        if mark.char in _PAIRS[opener] and mark.role != _OPENS:
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
    common, fuller = set[str](), defaultdict[str, set[str]](set)
    for before, word in pairwise(("", *text.split())):
        if word.islower():
            common.add(_bare(word))
        elif before[:1].isupper() and word[0].isupper() and before[-1] not in ",:;!?)":
            for key in (_bare(before), _bare(word), f"{before[0]}{word[0]}".casefold()):
                fuller[key] |= {_bare(before), _bare(word)} - {key}
    for name in names:
        fuller[name[-1]].update(name[:-1])
    turns = [
        (name[-1], label)
        for name, label in zip(names, found, strict=True)
        if (label["name"].isupper() or counts[name[-1]] > 1)
        and (name[-1] in _ROLES or not common.issuperset({*name, *fuller[name[-1]]}))
    ]
    starts = [paragraph.start for paragraph in paragraphs]
    at = [bisect_right(starts, label.start()) for _, label in turns]
    stops = [paragraphs[i - 1].end for i in at]
    said = [
        _ADDRESS.search(text, label.end(), stop)
        for (_, label), stop in zip(turns, stops, strict=True)
    ]
    changes = sum(one[0] != other[0] for one, other in pairwise(turns))
    named = any(key in _ROLES or fuller[key] for key, _ in turns)
    if changes < _LEAST_CHANGES or not named or 2 * said.count(None) > len(said):
        return []
    longest = max(other - one for one, other in pairwise(at))
    end = paragraphs[min(at[-1] + max(longest, 1), len(paragraphs) + 1) - 2].end
    return [*(label.span() for _, label in turns), (end, end)]


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
