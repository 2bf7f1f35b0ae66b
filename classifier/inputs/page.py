"""The plain text of a saved page -> the articles on it, without what the page wraps around them.

A text that holds one article and nothing else comes through unchanged, to the character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from framescope.classifier.inputs import furniture, headers, republication
from framescope.classifier.inputs.furniture import LineKind
from framescope.classifier.inputs.headers import PageLine
from framescope.classifier.inputs.normal import legible
from framescope.classifier.records import Article, Imprint, count_words

# Not str.splitlines, which also splits at characters that stand inside a line of prose.
_NEWLINE = re.compile(r"\r\n|\r|\n")

_MIN_WORDS = 25  # of an article among several: less is a headline that links to one
_LINK_WORDS = 25
_MAX_LINKS = 12
_HEAD_LINES = 6  # lines at an article's head in which its author and date stand
_SEEN_WORDS = 40  # of an article before its readers comment
_MENU = [LineKind.WEAK] * 3  # words of a menu in a row that make one
_SAVED = {LineKind.FURNITURE, LineKind.AGO, LineKind.RELATED, LineKind.COMMENTS}


def articles(text: str, stem: str, publisher: str | None = None) -> list[Article]:
    """Find the articles of a page.

    The first article has ``stem`` as its id, further ones get ``-2``, ``-3``; there is none where
    nothing on the page is article. The headline is the first line of an article's text, which is
    ``text`` itself where nothing had to be taken out.
    """
    page = _read(text)
    parts = [_clean(part) for part in _parts(page)]
    _gather(parts, page, publisher)
    kept = [part for part in parts if part.words >= _MIN_WORDS] or [p for p in parts if p.lines][:1]
    if kept and len(parts) == 1 and not parts[0].changed:
        return [_article(text, parts[0], stem, publisher)]
    return [
        _article(part.text, part, stem if number == 1 else f"{stem}-{number}", publisher)
        for number, part in enumerate(kept, start=1)
    ]


@dataclass(slots=True)
class _Part:
    """One article of a page while it is being cleaned."""

    lines: list[PageLine]
    outlet: str | None = None
    author: str | None = None
    date: str | None = None
    changed: bool = False
    header: str | None = None
    credits: tuple[str, ...] = ()
    footnotes: tuple[str, ...] = ()
    gatherer: tuple[str | None, str | None] = None, None  # the page's name, and its source

    @property
    def words(self) -> int:
        return _words(self.lines)

    @property
    def text(self) -> str:
        rest = ("\n" * (1 + bool(line.blanks)) + line.text for line in self.lines[1:])
        return self.lines[0].text + "".join(rest)


def _read(text: str) -> list[PageLine]:
    lines: list[PageLine] = []
    blanks = 0
    for raw in _NEWLINE.split(text):
        if line := raw.strip():
            lines.append(PageLine(line, furniture.kind(legible(line)), blanks))
            blanks = 0
        else:
            blanks += 1
    return lines


def _parts(page: Sequence[PageLine]) -> Iterator[_Part]:
    found = headers.find(page)
    starts = [header.start for header in found] + [len(page)]
    if starts[0]:
        yield _Part(_until(page[: starts[0]]) if found else list(page))
    for header, end in zip(found, starts[1:], strict=True):
        above = page[header.start].text if header.outlet else None
        lines = _until(page[header.body : end])
        yield _Part(lines, header.outlet, date=header.date, changed=True, header=above)


def _until(lines: Sequence[PageLine]) -> list[PageLine]:
    """Take off the drawn rule between an article and the next."""
    end = len(lines)
    while end and lines[end - 1].kind is LineKind.RULE:
        end -= 1
    return list(lines[:end])


def _gather(parts: Sequence[_Part], page: Sequence[PageLine], publisher: str | None) -> None:
    """Note the page's own name where it gathers the articles of other outlets.

    What the page says once, in one article's furniture, holds for all of its articles.
    """
    outlets = [part.outlet for part in parts if part.outlet]
    named = (
        (name, line.text)
        for line in page
        if line.kind is not LineKind.TEXT and (name := headers.own_name(line.text))
    )
    found = (publisher, publisher) if publisher else next(named, None)
    if found and not all(republication.same_outlet(outlet, found[0]) for outlet in outlets):
        for part in parts:
            part.gatherer = found


def _clean(part: _Part) -> _Part:
    """Take out what isn't article, and note what it said about the article."""
    whole = list(part.lines)
    part.credits = headers.credits(line.text for line in whole if line.kind is LineKind.FURNITURE)
    dropped = {LineKind.FURNITURE, LineKind.AGO}
    if part.changed or _was_saved(whole):
        dropped |= {LineKind.WEAK, LineKind.TIME, LineKind.RULE}
    _read_head(part)
    lines = [line for line in _outside_zones(part.lines) if line.kind not in dropped]
    body = _without_footnotes(lines)
    part.footnotes = tuple(line.text for line in lines[len(body) :][: headers.MAX_LINES])
    part.lines = []
    for index, line in enumerate(body):
        text = furniture.strip_marks(line.text)
        if index < _HEAD_LINES:
            text, author = furniture.strip_lead(text)
            part.author = part.author or author
        if text:
            part.lines.append(replace(line, text=text))
    part.changed = part.changed or part.lines != whole
    return part


def _was_saved(lines: Sequence[PageLine]) -> bool:
    """Whether a text shows that it was saved with its page around it."""
    kinds = [line.kind for line in lines]
    times = [line.text for line in lines if line.kind is LineKind.TIME]
    return (
        not _SAVED.isdisjoint(kinds)
        or sum(not headers.iso_date(time) for time in times) >= 2
        or any(kinds[at : at + len(_MENU)] == _MENU for at in range(len(kinds)))
    )


def _read_head(part: _Part) -> None:
    """Take the author and the date from the lines between the headline and the body."""
    kept: list[PageLine] = []
    seen = 0  # lines of text so far
    for line in part.lines:
        in_head = 0 < seen < _HEAD_LINES and len(part.lines) > seen + 1
        if in_head and line.kind is LineKind.BYLINE and part.author is None:
            part.author = headers.author(line.text)
            if not line.text.endswith(part.author):  # whose author: "By Ann Ray, Karst Press"
                part.credits = (line.text, *part.credits)
        elif in_head and line.kind is LineKind.TIME and headers.iso_date(line.text) and seen <= 3:
            part.date = part.date or headers.iso_date(line.text)
        else:
            if seen < _HEAD_LINES and line.kind is LineKind.FURNITURE and part.date is None:
                part.date = headers.iso_date(line.text)
            seen += line.kind is LineKind.TEXT
            kept.append(line)
    part.lines = kept


def _outside_zones(lines: Sequence[PageLine]) -> list[PageLine]:
    """Drop the links under "Related articles", and what readers write under "Comments"."""
    kept: list[PageLine] = []
    index = 0
    while index < len(lines):
        kind = lines[index].kind
        if kind is LineKind.COMMENTS and _is_thread(kept, lines[index + 1 :]):
            break
        if kind not in (LineKind.RELATED, LineKind.COMMENTS):
            kept.append(lines[index])
        index += 1
        if kind is LineKind.RELATED:
            index += _links(lines[index:])
    return kept


def _links(lines: Sequence[PageLine]) -> int:
    """Count the lines, from the first one on, that only link."""
    for count, line in enumerate(lines[:_MAX_LINKS]):
        prose = line.kind is LineKind.TEXT and (
            headers.ends_sentence(line.text) or len(line.text.split()) > _LINK_WORDS
        )
        if prose or line.kind is LineKind.COMMENTS:
            return count
    return min(len(lines), _MAX_LINKS)


def _is_thread(before: Sequence[PageLine], after: Sequence[PageLine]) -> bool:
    """Whether readers' comments follow, and not the article that a comment counter stands above."""
    if _words(before) < _SEEN_WORDS:
        return False
    return any(line.kind is LineKind.AGO for line in after[:3]) or _words(after) < _words(before)


def _without_footnotes(lines: Sequence[PageLine]) -> Sequence[PageLine]:
    """Drop footnotes at the end of a text whose marks stand in it."""
    end = len(lines)
    while end and furniture.is_footnote(lines[end - 1].text):
        end -= 1
    return lines[:end] if any(furniture.has_mark(line.text) for line in lines[:end]) else lines


def _words(lines: Sequence[PageLine]) -> int:
    return sum(count_words(line.text) for line in lines)


def _article(text: str, part: _Part, id_: str, publisher: str | None) -> Article:
    republications = republication.find(text, part.outlet or publisher)
    # The footnotes of a republished article give the address it stood at.
    lines = part.credits + (part.footnotes if republications else ())
    imprint = Imprint(lines, part.header, *part.gatherer)
    return Article(
        id=id_,
        text=text,
        title=_title(part.lines),
        outlet=part.outlet,
        author=part.author,
        date=part.date,
        republications=republications,
        imprint=None if imprint == Imprint() else imprint,
    )


def _title(lines: Sequence[PageLine]) -> str | None:
    """Return the first line, where it is a headline and not the start of a wrapped paragraph."""
    if len(lines) < 2 or not headers.is_headline(lines[0].text):
        return None
    wrapped = not lines[1].blanks and lines[1].text[:1].islower()
    return None if wrapped else lines[0].text
