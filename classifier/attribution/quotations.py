"""Where an article's quotations begin and end, in every style of quotation mark.

Marks open and close by their shape and their neighbours. A quotation that isn't closed in its
paragraph continues if the next paragraph opens with a mark again, as long quotations do, or if the
next mark closes it. A transcript's speaker labels, and a colon after a verb of speech, open
quotations too.
"""

import re
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

_COLON = re.compile(r":(?=\s|$)")
_SAID_COLON = re.compile(
    r"\b(?:said|says|wrote|writes|added|tweeted|posted|follows|reads?)(?: [\w'-]+){0,4}:$"
)
_CLAUSE_END = re.compile(r"[.;!?\n]\s")
_SAID_WITHIN = 90  # characters between the verb of speech and the colon
_PAIRED_WITHIN = 40  # marks after a single one, for the mark that closes it

# What closes a quotation that was opened by the mark. Languages close „ with both “ and ”.
_PAIRS = {
    '"': '"”“″＂', "“": '”"', "”": "”", "„": '“”"', "‟": "”", "＂": "＂", "″": '"″',
    "''": "''", "``": "''", "«": "»", "»": "«", "「": "」", "『": "』", "‹": "›",
    "'": "'’", "‘": "’'", "‚": "‘’",
}  # fmt: skip
_MARK = re.compile(r"''|``|[\"“”„‟″＂«»‹›「」『』'‘’‚]")
_SINGLE = frozenset("'‘’‚")
_BEFORE_OPENING = frozenset(" \t\n\r\u00a0([{—–-/\"'“‘«„:")
_ELISION = re.compile(r"(?:em|til|twas|tis|cause|round|bout|n|\d0s|\d\ds)\b", re.IGNORECASE)
_LABEL = re.compile(
    r"(?P<name>(?:(?:Mr|Mrs|Ms|Dr)\.? )?[A-Z](?:[\w'’.-]+(?: [A-Z][\w'’.-]*){0,3})?)"
    r"(?: \([^)]{1,40}\))?:(?=\s)"
)
_LEAST_CHANGES = 2  # of the speaker
_ADDRESS = re.compile(r"\?|\b(?:I|me|[Mm]y|[Ww]e|us|[Oo]ur|[Yy]ou|[Yy]our)\b")
_ROLES = word_set("q a question answer interviewer reporter host moderator anchor speaker")
Span = tuple[int, int]


def find(
    plain: str, text: str, sentences: Sequence[Sentence]
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Find the quotations of an article, and the speaker labels of a transcript.

    Line breaks between sentences end paragraphs. Quotations are in order, with their outermost
    marks, and don't overlap; labels include their colons.
    """
    paragraphs = _paragraphs(text, sentences)
    turns = _turns(text, paragraphs)
    spoken = [
        (p.start, p.end) for p in paragraphs if turns and turns[0][0] <= p.start < turns[-1][0]
    ]
    found = _marked(text, paragraphs) + spoken + _after_colons(plain, text, paragraphs)
    return _merged(sorted(found)), tuple(turns)


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
        if char in "‘‚":
            return _OPENS if can_open else None
        if char == "’":
            return _CLOSES if can_close else None
        return _OPENS if can_open else _CLOSES if can_close else None
    if char in "“„「『‹``":
        # German closes with the mark that English opens with.
        return _EITHER if char == "“" and can_close and not can_open else _OPENS
    if char in "”」』›":
        return _CLOSES
    if char in "«»":
        # French puts spaces inside them; German and Danish turn them round.
        return _EITHER
    return _OPENS if can_open and not can_close else _CLOSES if can_close else _EITHER


def _marked(text: str, paragraphs: list[_Paragraph]) -> list[Span]:
    found: list[Span] = []
    marks = [
        [
            _Mark(*match.span(), match[0], role)
            for match in _MARK.finditer(text, p.start, p.end)
            if (role := _role(text, match, p.start, p.end))
        ]
        for p in paragraphs
    ]
    held: str | None = None  # the mark of a quotation that continues from the last paragraph
    for i, paragraph in enumerate(paragraphs):
        never_closed: set[str] = set()
        at = 0
        while True:
            ranges, opened, at = _scan(text, paragraph, marks[i], at, held, never_closed)
            found.extend(ranges)
            held = None
            if opened is None:
                break
            opener, start = opened
            if _goes_on(opener, marks[i + 1 : i + 3], paragraphs[i + 1 : i + 3]):
                found.append((start, paragraph.end))
                held = opener
                break
            # Never closed: the quotation ends with the paragraph if it begins with it, or with its
            # last sentence; otherwise the mark is ignored, and the rest is scanned again.
            if opener not in _SINGLE and (start == paragraph.start or start >= paragraph.last):
                found.append((start, paragraph.end))
                break
            never_closed.add(opener)
    return found


def _scan(
    text: str, paragraph: _Paragraph, marks: list[_Mark], at: int, held: str | None, never: set[str]
) -> tuple[list[Span], tuple[str, int] | None, int]:
    """Scan the marks of a paragraph from the `at`-th on, except those that `never` close.

    Return the closed ranges, the mark and the start of a quotation that is left open, and the
    number of the mark after the one that opened it.
    """
    ranges: list[Span] = []
    opener, start = held, paragraph.start
    for i, mark in enumerate(marks[at:], at):
        if opener is None:
            if mark.char in never or (mark.role == _CLOSES and mark.char not in "»«"):
                continue
            # Without a closing mark a single one must begin its paragraph.
            if mark.char in _SINGLE and mark.start != paragraph.start:
                later = marks[i + 1 : i + _PAIRED_WITHIN]
                if not any(m.role == _CLOSES and m.char in _PAIRS[mark.char] for m in later):
                    continue
            opener, start, at = mark.char, mark.start, i + 1
        elif mark.char in _PAIRS[opener] and mark.role != _OPENS:
            if opener in _SINGLE and _is_possessive(text, mark, marks[i + 1 : i + 2]):
                continue
            ranges.append((start, mark.end))
            opener = None
    return ranges, None if opener is None else (opener, start), at


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


def _turns(text: str, paragraphs: list[_Paragraph]) -> list[Span]:
    """Return the labels of a transcript or an interview, and an empty span where it ends.

    Its speakers take turns and address each other, and the article names one of them in full, or
    by a role. The labels of a table or of a test do not.
    """
    found = [
        (i, label)
        for i, p in enumerate(paragraphs)
        if (label := _LABEL.match(text, p.start, p.end))
    ]
    names = [[_bare(word) for word in label["name"].split()] for _, label in found]
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
        (name[-1], i, label)
        for name, (i, label) in zip(names, found, strict=True)
        if (label["name"].isupper() or counts[name[-1]] > 1)
        and (name[-1] in _ROLES or not common.issuperset({*name, *fuller[name[-1]]}))
    ]
    said = [_ADDRESS.search(text, label.end(), paragraphs[i].end) for _, i, label in turns]
    changes = sum(one[0] != other[0] for one, other in pairwise(turns))
    named = any(key in _ROLES or fuller[key] for key, *_ in turns)
    if changes < _LEAST_CHANGES or not named or 2 * said.count(None) > len(said):
        return []
    longest = max(other[1] - one[1] for one, other in pairwise(turns))
    end = paragraphs[min(turns[-1][1] + longest, len(paragraphs)) - 1].end
    return [*(label.span() for *_, label in turns), (end, end)]


def _bare(word: str) -> str:
    return word.strip(".,:;!?()'\"’“”").casefold()


def _after_colons(plain: str, text: str, paragraphs: list[_Paragraph]) -> list[Span]:
    """Find what follows "she wrote:" without marks: the paragraph's rest, or the next one."""
    ranges = []
    for i, paragraph in enumerate(paragraphs):
        for match in _COLON.finditer(text, paragraph.start, paragraph.end):
            colon = match.end()
            before = plain[max(paragraph.start, colon - _SAID_WITHIN) : colon]
            if not _SAID_COLON.search(_CLAUSE_END.split(before)[-1]):
                continue
            rest = text[colon : paragraph.end].strip()
            if rest and not _MARK.match(rest):
                ranges.append((colon, paragraph.end))
            elif not rest and i + 1 < len(paragraphs):
                ranges.append((paragraphs[i + 1].start, paragraphs[i + 1].end))
            break
    return ranges


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
    clipped: list[tuple[Span, ...]] = []
    at = 0
    for sentence in sentences:
        while at < len(ranges) and ranges[at][1] <= sentence.start:
            at += 1
        last = at
        while last < len(ranges) and ranges[last][0] < sentence.end:
            last += 1
        start, size = sentence.start, len(sentence.text)
        clipped.append(tuple((max(a - start, 0), min(b - start, size)) for a, b in ranges[at:last]))
    return clipped
