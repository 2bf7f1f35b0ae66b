"""Names of outlets: looked up one by one, and found in running text.

Two strictnesses, since a name that is asked for is meant and one that is met may not be. Asked
for, a name of several words matches in any case; met, it needs its capitals. One that is all
capitals matches only so ("RT", never "rt"), and an ambiguous one ("Mirror") is never taken for the
outlet when met.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from classifier.sources.boundaries import Context

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

# One character for one, so that offsets stay. Dashes stay apart from hyphens: "AP-style" is no
# mention of AP and "Kyiv\u2014AP" is one.
_FOLD = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u02b9\u0060\u00b4\uff07", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\uff02", '"'),
    **dict.fromkeys("\u2010\u2011\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2012\u2013\u2014\u2015", "\u2014"),
    **dict.fromkeys("\t\n\r\v\f\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    "\u200c": " ",  # Persian writes compounds with it or with a space
    "\u064a": "\u06cc",  # Arabic yeh and kaf, as Persian and Kurdish have them
    "\u0649": "\u06cc",
    "\u0643": "\u06a9",
}
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_IS_FULL_WIDTH = re.compile("[\uff01-\uff5e]")
_INVISIBLE = "\u00ad\u200b\u200d\u200e\u200f\u2060\ufeff"
# What takes another number of characters: offsets are mapped around it.
_RESIZED = re.compile(f"  +|[{_INVISIBLE}]+|\\w[\u0300-\u036f\u0653-\u0655]+")
_CHUNK = 1 << 16  # characters searched at once, which bounds what a line of names can take
_LONG = 5  # letters from which a word in capitals is the name and no abbreviation


def normal(name: str) -> str:
    """A name in the form in which names are compared; case is kept.

    NFKC, one space for any white space, and straight quotation marks and hyphens.
    """
    if not name.isascii():
        name = _folded(unicodedata.normalize("NFKC", name))
        name = re.sub(f"[{_INVISIBLE}]", "", name)
    return " ".join(name.split())


class Names:
    """Names, and the outlets that are called so.

    Parameters
    ----------
    names : iterable of (str, str, bool)
        Outlet's id, name, and whether it is ambiguous.
    """

    def __init__(self, names: Iterable[tuple[str, str, bool]]) -> None:
        self._rows = [(id, normal(name), ambiguous) for id, name, ambiguous in names]

    @cached_property
    def _called(self) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for id, name, _ in self._rows:
            found[_without_article(name.casefold())].append((name, id))
        return dict(found)

    def called(self, name: str) -> list[str]:
        """Ids of the outlets that a name is asked for, in order; see the module for case."""
        name = normal(name)
        found = self._ids(name)
        if not found and (bare := _without_possessive(name)) != name:
            found = self._ids(bare)
        return found

    def _ids(self, name: str) -> list[str]:
        rows = self._called.get(_without_article(name.casefold()))
        if rows is None:
            return []
        asked = _without_article(name)
        exact = {id for given, id in rows if _without_article(given) == asked}
        return sorted(
            exact or {id for given, id in rows if _may_be(asked, _without_article(given))}
        )

    def close(self) -> dict[str, set[str]]:
        """Every name, case folded, and the ids of the outlets called so."""
        return {key: {id for _, id in rows} for key, rows in self._called.items()}

    @cached_property
    def _patterns(self) -> tuple[list[str], list[tuple[str, ...]]]:
        """What is searched for in running text, and whom each means."""
        ambiguous = {_without_article(name) for _, name, doubtful in self._rows if doubtful}
        found: dict[str, set[str]] = defaultdict(set)
        for id, name, _ in self._rows:
            if _without_article(name) not in ambiguous:
                for variant in _variants(name):
                    found[variant].add(id)
        return list(found), [tuple(sorted(ids)) for ids in found.values()]

    @cached_property
    def _automaton(self) -> AhoCorasick:
        from ahocorasick_rs import AhoCorasick, MatchKind

        # All matches, not the leftmost-longest alone: "Mehr News" in "Mehr Newsletter" is none,
        # and must not hide the "Mehr" in it.
        return AhoCorasick(self._patterns[0], matchkind=MatchKind.Standard, store_patterns=False)

    def found(self, text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Give names in running text, leftmost and longest: start, end, ids.

        Parameters
        ----------
        text : str
            Of any length.
        """
        patterns, ids = self._patterns
        if not patterns:
            return
        place = _Folded(text)
        context = Context(place.text)
        end = 0
        for start, stop, pattern in self._matches(place.text):
            if start >= end and context.allows(start, stop):
                end = stop
                yield place.origin(start), place.origin(stop - 1) + 1, ids[pattern]

    def _matches(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Give all matches by start, the longest first."""
        overlap = max(map(len, self._patterns[0]))
        for begin in range(0, len(text), _CHUNK):
            part = text[begin : begin + _CHUNK + overlap]
            matches = self._automaton.find_matches_as_indexes(part, overlapping=True)
            # Those that start in the overlap are the next part's.
            yield from sorted(
                ((begin + s, begin + e, p) for p, s, e in matches if s < _CHUNK),
                key=lambda match: (match[0], -match[1]),
            )


class _Folded:
    """A text in which names can be searched, and where each of its characters came from."""

    def __init__(self, text: str) -> None:
        text = _folded(text)
        self._at: list[int] = [0]  # where runs of unmoved characters begin here
        self._from: list[int] = [0]  # and in the original
        if text.isascii() and "  " not in text:
            self.text = text
            return
        pieces: list[str] = []
        done = length = 0
        for match in _RESIZED.finditer(text):
            new = match[0]
            if new[0] == " ":
                continue_ = " "
            elif new[0] in _INVISIBLE:
                continue_ = ""
            else:
                continue_ = unicodedata.normalize("NFC", new)
            if len(continue_) == len(new):
                continue
            pieces += (text[done : match.start()], continue_)
            length += match.start() - done + len(continue_)
            done = match.end()
            self._at.append(length)
            self._from.append(done)
        pieces.append(text[done:])
        self.text = "".join(pieces)

    def origin(self, offset: int) -> int:
        """Where a character of the folded text stands in the original."""
        run = bisect_right(self._at, offset) - 1
        return self._from[run] + offset - self._at[run]


def _folded(text: str) -> str:
    for old, new in _FOLD.items():
        if old in text:
            text = text.replace(old, new)
    if not text.isascii() and _IS_FULL_WIDTH.search(text):
        text = text.translate(_FULL_WIDTH)
    return text


def _without_article(name: str) -> str:
    return name[4:] if name[:4] in ("the ", "The ", "THE ") and len(name) > 4 else name


def _without_possessive(name: str) -> str:
    for ending in ("'s", "'S", "'"):
        if name.endswith(ending):
            return name[: -len(ending)]
    return name


def _is_abbreviation(name: str) -> bool:
    return " " not in name and name.isupper()


def _may_be(asked: str, given: str) -> bool:
    """Whether a name asked for is the one given; they differ in case alone."""
    if " " in given or asked == given or not given[0].isascii():
        return True
    if _is_abbreviation(given):  # "Tass" and "Irna", as many papers write them; never "tass"
        return len(given) >= 4 and asked.istitle()
    return asked.isupper() or asked[0] == given[0]


def _variants(name: str) -> Iterator[str]:
    """Give the forms in which a name is met in running text."""
    bare = _without_article(name)
    yield from _capitalised(bare, name)
    if " " in bare and bare != name:
        yield from _capitalised(bare, bare)


def _capitalised(bare: str, name: str) -> Iterator[str]:
    yield name
    if bare != name:
        yield f"the {bare}"
    if _is_abbreviation(bare):
        return
    if " " in bare:
        yield " ".join(word[:1].upper() + word[1:] for word in name.split(" "))
    if " " in bare or len(bare) >= _LONG:
        yield name.upper()
