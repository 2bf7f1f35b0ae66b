r"""Places as a tool counts them -> places of the article's text, or a refusal.

A tool may count UTF-16 units (JavaScript, Java), read a Windows line end as one character, or take
spaces off the ends. Which of these it did is never guessed: the words that it marked decide, where
its file has them, and the text that it shows, where it has that.

Label Studio's frontend, read at release 1.23 (``libs/editor``): offsets are code points since
``charsToCodePoints`` came, UTF-16 units before; each of ``\r`` and ``\n`` is a line break of
its own; the words it saves are what the browser shows, where spaces may be missing, with line
breaks written as a backslash and an ``n``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from framescope.classifier.records import Place
from framescope.training.annotation.task import AnnotationError

_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_UNSEEN = re.compile(r"\\[nr]|[\s\u200b\ufeff]+")


@dataclass(frozen=True)
class Region:
    """What a tool marked: its own offsets, the words, where it gives them, and a name for it."""

    start: int
    end: int
    words: str | None
    name: str


@dataclass(frozen=True)
class _Shown:
    """The text as a tool may have shown it, and where each of its characters stands in ours."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    @cached_property
    def units(self) -> dict[int, int]:
        """By the UTF-16 unit at which a character begins, or the text ends: its index."""
        at, found = 0, {}
        for index, char in enumerate(self.text):
            found[at] = index
            at += 2 if ord(char) > 0xFFFF else 1
        found[at] = len(self.text)
        return found

    def within(self, start: int, end: int, *, utf16: bool) -> tuple[int, int] | None:
        """Give the characters that a tool's offsets mean; None when they mean none."""
        if utf16:
            first, last = self.units.get(start), self.units.get(end)
            if first is None or last is None:
                return None
            start, end = first, last
        return (start, end) if 0 <= start < end <= len(self.text) else None

    def place(self, found: tuple[int, int]) -> Place:
        start, end = found
        return Place(self.starts[start], self.ends[end - 1])


def _all_shown(text: str) -> Iterator[_Shown]:
    """Give every text that a tool may have shown, the article's own first."""
    plain = _Shown(text, range(len(text)), range(1, len(text) + 1))
    yield plain
    several = [plain]
    if "\r" in text:
        cuts = [(found.start(), found.end()) for found in _LINE_ENDS.finditer(text)]
        several.append(_joined(text, cuts))
        yield several[-1]
    if text != text.strip():
        for shown in several:
            first = len(shown.text) - len(shown.text.lstrip())
            last = len(shown.text.rstrip())
            starts, ends = shown.starts[first:], shown.ends[first:]
            yield _Shown(shown.text[first:], starts, ends)
            if last > first:
                cut = last - first
                yield _Shown(shown.text[first:last], starts[:cut], ends[:cut])


def _joined(text: str, cuts: Sequence[tuple[int, int]]) -> _Shown:
    """Write every line end as one character."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end in [*cuts, (len(text), len(text))]:
        chars += text[at:start]
        starts += range(at, start)
        ends += range(at + 1, start + 1)
        if end > start:
            chars.append("\n")
            starts.append(start)
            ends.append(end)
        at = end
    return _Shown("".join(chars), starts, ends)


def fitted(
    text: str, regions: Sequence[Region], where: str, shown: str | None = None
) -> list[Place]:
    """Find the places that a tool's regions mean.

    Parameters
    ----------
    text : str
        The article's.
    regions : sequence of Region
        All that the tool gives for it.
    where : str
        The task, for messages.
    shown : str or None
        The text as the tool's own file has it, where that is not the article's to the character.

    Returns
    -------
    list of Place
        One each, in code points of `text`. All are read in one way, the first of these by which
        every region has its words: code points; UTF-16 units; the same with Windows line ends as
        one character, and with the spaces around the text taken off. Where no one way fits all,
        each region is read by the first by which its words stand there exactly.

    Raises
    ------
    AnnotationError
        When the tool's text is another, or a region fits in no way: the task and the region.
    """
    ways = list(_all_shown(text))
    if shown is not None:
        ways = [way for way in ways if way.text == shown]
        if not ways:
            raise AnnotationError(
                f"{where}: its text is not that of the article; annotate and import the articles "
                "that were exported"
            )
    for alike in (_same, _seen_the_same):
        for way in ways:
            for utf16 in (False, True):
                found = [way.within(one.start, one.end, utf16=utf16) for one in regions]
                if all(
                    at is not None and (one.words is None or alike(way.text[slice(*at)], one.words))
                    for at, one in zip(found, regions, strict=True)
                ):
                    if utf16 and not any(one.words is not None for one in regions):
                        continue  # nothing speaks for it
                    return [way.place(at) for at in found if at is not None]
    return [_alone(one, ways, where) for one in regions]


def _alone(region: Region, ways: Sequence[_Shown], where: str) -> Place:
    for way in ways if region.words else ():
        for utf16 in (False, True):
            found = way.within(region.start, region.end, utf16=utf16)
            if found is not None and way.text[slice(*found)] == region.words:
                return way.place(found)
    for way in ways[:1] if region.words is None else ():
        found = way.within(region.start, region.end, utf16=False)
        if found is not None:
            return way.place(found)
    at = f"{region.name} {region.start}-{region.end}"
    if region.words is None:
        raise AnnotationError(
            f"{where}: {at} is not inside the text; are its offsets UTF-16 units? "
            "export code points, as Python counts"
        )
    raise AnnotationError(
        f"{where}: {at} doesn't mark '{_brief(region.words)}', neither in code points nor in "
        "UTF-16 units; is the text the one that was exported?"
    )


def _same(one: str, words: str) -> bool:
    return one == words


def _seen_the_same(one: str, words: str) -> bool:
    """Whether a browser shows two texts alike: white space and line breaks apart."""
    return _UNSEEN.sub("", one) == _UNSEEN.sub("", words)


def _brief(words: str) -> str:
    words = " ".join(words.split())
    return words if len(words) <= 40 else words[:39] + "…"
