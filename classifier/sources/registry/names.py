"""Names of outlets: looked up one by one, and found in running text.

Two strictnesses, since a name that is asked for is meant and one that is met may not be. Asked
for, a name of several words matches in any case; met, it needs its capitals. One that is all
capitals matches only so ("RT", never "rt"), and an ambiguous one ("Mirror") is never taken for the
outlet when met.

Where one stands as a word of its own is told script by script. Latin and most others divide words
by what is no letter. Han, kana and Thai don't divide them; Korean puts particles behind a name,
Arabic and Hebrew one-letter words before it, and Russian and Ukrainian decline it. An address is no
running text: "Reuters" in ``x.org/Reuters`` is no mention.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from classifier.attribution import lexicon_places as places
from classifier.sources.registry.folding import PARAGRAPH, Folded, normal, normals

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick


_CHUNK = 1 << 16  # characters searched at once, which bounds what a line of names can take
_ENDINGS = (" News Agency", " Newspaper", " Magazine")  # written small too: "Xinhua news agency"
_LONG = 5  # letters from which a word in capitals is the name and no abbreviation


class Names:
    """Names, and the outlets that are called so.

    `names` are an outlet's id, a name, and whether it is ambiguous.
    """

    def __init__(self, names: Iterable[tuple[str, str, bool]]) -> None:
        rows = list(names)
        normal = normals([name for _, name, _ in rows])
        self._rows = [
            (id, name, ambiguous) for (id, _, ambiguous), name in zip(rows, normal, strict=True)
        ]

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

    def folded(self) -> dict[str, list[str]]:
        """Every name in lower case and without "the", and the ids of the outlets called so."""
        return {key: sorted({id for _, id in rows}) for key, rows in self._called.items()}

    def is_ambiguous(self, name: str) -> bool:
        """Whether a name means other things too, in any case."""
        return _without_article(normal(name).casefold()) in self._ambiguous

    @cached_property
    def _ambiguous(self) -> frozenset[str]:
        return frozenset(
            _without_article(name.casefold()) for _, name, ambiguous in self._rows if ambiguous
        )

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

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._patterns[0]))

    def found(self, text: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Give names in running text, leftmost and longest: start, end, ids.

        The text may be of any length.
        """
        patterns, ids = self._patterns
        if not patterns:
            return
        place = Folded(text)
        context = _Context(place.text)
        end = 0
        for start, stop, pattern in self._matches(place.text):
            if start >= end and (last := context.end(start, stop)) is not None:
                end = last
                yield place.origin(start), place.origin(last - 1) + 1, ids[pattern]

    def _matches(self, text: str) -> Iterator[tuple[int, int, int]]:
        """Give all matches by start, the longest first."""
        overlap = self._longest
        for begin in range(0, len(text), _CHUNK):
            part = text[begin : begin + _CHUNK + overlap]
            matches = self._automaton.find_matches_as_indexes(part, overlapping=True)
            # Those that start in the overlap are the next part's.
            yield from sorted(
                ((begin + s, begin + e, p) for p, s, e in matches if s < _CHUNK),
                key=lambda match: (match[0], -match[1]),
            )


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
    if given.startswith("Al-") and asked.startswith("al-"):  # the Arabic article, in either case
        return True
    return asked.isupper() or asked[0] == given[0]


def _variants(name: str) -> Iterator[str]:
    """Give the forms in which a name is met in running text."""
    upper = name.upper()
    if upper == name:  # an abbreviation, or a script without capitals
        if not name.replace(" ", "").isdecimal():  # "360" is a figure first of all
            yield name
        return
    yield name
    bare = _without_article(name)
    several = " " in bare
    if bare is not name:
        if bare[0].isupper():
            yield f"the {bare}"
        if several:
            yield bare
    if several:
        yield " ".join([word[:1].upper() + word[1:] for word in bare.split(" ")])
        for ending in _ENDINGS:
            rest = bare.removesuffix(ending)
            if rest != bare and rest.lower() not in places("people"):  # "the Iraqi news agency"
                yield rest + ending.lower()
    if several or len(bare) >= _LONG:
        yield upper


_OPEN = re.compile(
    "[\u0e00-\u0eff\u1780-\u17ff\u3040-\u309f\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_KATAKANA = re.compile("[\u30a0-\u30ff]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_UNSPACED = re.compile(f"{_OPEN.pattern}|{_KATAKANA.pattern}|{_HANGUL.pattern}")
# And, so, in, to, like; before a name of several words only, since a short name so prefixed is as
# likely another word. Yeh and kaf as `classifier.sources.registry.folding` has them.
_PREFIX = re.compile("(?<!\\w)(?:[وف]?[بلک]?|[ושכ]?[הבלמכש]?)\\Z")
_PARTICLE = re.compile(
    "(?:이라고|에서|에게|으로|라고|처럼|까지|부터|보다|은|는|이|가|을|를|의|에|와|과|도|로|만|측|발|등|및){1,2}"
    "(?![\uac00-\ud7a3A-Za-z0-9])"
)
_DECLINED = re.compile("(?:ом|ем|ові|а|у|е|і)(?!\\w)")
_STEM = re.compile("[а-яёіїєґ]*[бвгджзйклмнпрстфхцчшщ]", re.IGNORECASE)
_SHORTEST_DECLINED = 6
# 新华社 is an agency and 新华社区 a neighbourhood.
_CONTINUES = {"社": "区區"}

_ADDRESS = re.compile(r"(?:://|www\.|[\w.+-]@\w|\.[a-z]{2,24}[:/?#])[!-~]*", re.IGNORECASE)
_IN_ADDRESSES = frozenset("./\\:=&?%~+")
_JOINTS = frozenset("-_")  # of a compound, when a word goes on behind
_TAGS = frozenset("@#")
_BLANK = frozenset((" ", PARAGRAPH))


class _Context:
    """A text, and what of it can be a name.

    The text is as `classifier.sources.registry.folding` has it: spaces, hyphens and apostrophes are
    ASCII.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._word = (0, 0)  # the last stretch without a space that was looked at
        self._addresses: list[tuple[int, int]] = []

    def end(self, start: int, stop: int) -> int | None:
        """Where a name ends that is written from start to stop.

        It is ``stop``, or a little further when the name is declined; None when the characters are
        a part of something else.
        """
        text = self.text
        before = text[start - 1] if start else " "
        after = text[stop] if stop < len(text) else " "
        if before in _BLANK and after in _BLANK:
            return stop
        if not self._begins(start, stop, before):
            return None
        end = self._ends(start, stop, after)
        if end is not None and (before in _IN_ADDRESSES or after in _IN_ADDRESSES):
            return None if self._in_address(start) else end
        return end

    def _begins(self, start: int, stop: int, before: str) -> bool:
        text = self.text
        first = text[start]
        if before in _TAGS:
            return False
        if before in _JOINTS:
            return start < 2 or not text[start - 2].isalnum()
        if not before.isalnum() or _OPEN.match(first):
            return True
        if _KATAKANA.match(first):
            return _KATAKANA.match(before) is None
        if _HANGUL.match(first):
            return False
        if " " in text[start:stop] and not first.isascii():
            return _PREFIX.search(text, max(0, start - 3), start) is not None
        return _UNSPACED.match(before) is not None

    def _ends(self, start: int, stop: int, after: str) -> int | None:
        text = self.text
        following = text[stop + 1] if stop + 1 < len(text) else " "
        last = text[stop - 1]
        if after == "@" or after in _JOINTS:
            return None if following.isalnum() else stop
        if after == ".":  # a host, or a full stop that lacks its space
            return None if following.islower() or following.isdecimal() else stop
        if not after.isalnum():
            return None if _is_mark(after) and not _ARABIC.match(last) else stop
        if _OPEN.match(last):
            return None if after in _CONTINUES.get(last, "") else stop
        if _KATAKANA.match(last):
            return None if _KATAKANA.match(after) else stop
        if _HANGUL.match(last):
            return stop if _PARTICLE.match(text, stop) else None
        if _UNSPACED.match(after):
            return stop
        if stop - start >= _SHORTEST_DECLINED and _STEM.fullmatch(text, start, stop):
            ending = None if text[start:stop].isupper() else _DECLINED.match(text, stop)
            return ending.end() if ending else None
        return None

    def _in_address(self, start: int) -> bool:
        if not self._word[0] <= start < self._word[1]:
            end = self.text.find(" ", start)
            self._word = (self.text.rfind(" ", 0, start) + 1, len(self.text) if end < 0 else end)
            self._addresses = [match.span() for match in _ADDRESS.finditer(self.text, *self._word)]
        at = bisect_right(self._addresses, start, key=lambda span: span[0]) - 1
        return at >= 0 and start < self._addresses[at][1]


def _is_mark(character: str) -> bool:
    """Whether it is a sign on the letter before it, as a vowel of Devanagari is."""
    if character.isascii():
        return False
    from unicodedata import category

    return category(character)[0] == "M"
