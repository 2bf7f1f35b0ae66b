"""Names of outlets: looked up one by one, and found in running text.

Two strictnesses, since a name that is asked for is meant and one that is met may not be. Asked
for, a name of several words matches in any case; met, it needs its capitals. One that is all
capitals matches only so ("RT", never "rt"), and an ambiguous one ("Mirror") is never taken for the
outlet when met.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from classifier.attribution import lexicon_places as places
from classifier.sources.registry.boundaries import Context
from classifier.sources.registry.folding import Folded, normal, normals

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
        context = Context(place.text)
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
