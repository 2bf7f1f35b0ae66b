"""The words that tell what kind of source a phrase is: offices, bodies, nouns, places, leaders.

Own lists, read from the tables in ``data``: ``terms.tsv`` (a class and a term a row, lower case),
``places.tsv`` (states, capitals, regions, and the names of peoples), ``leaders.tsv`` (heads of
state and government, foreign ministers and their spokespeople, with the months they came to office
and left it, empty while they hold it), ``candidates.tsv`` (holders of other offices who ran for
president or vice-president, with the months in which they did), ``lists.tsv`` (a longer list that
belongs to one rule a row). To teach the rules a word, add it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from functools import cache
from pathlib import Path

PLACES = ("people", "state", "capital", "region")
_DATA = Path(__file__).with_name("data")


def word_set(text: str) -> frozenset[str]:
    """Give the words of a line, for the short lists that belong to one rule."""
    return frozenset(text.split())


def rows(name: str) -> list[list[str]]:
    """Read a table's rows, without its header."""
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:] if line]


@cache
def word_list(name: str) -> frozenset[str]:
    """Give the words of a row of ``lists.tsv``."""
    return word_set(dict(rows("lists.tsv"))[name])


class Terms:
    """Terms of one class, of one word or several, looked for in lower-case words."""

    def __init__(self, terms: Set[str]) -> None:
        self.all = terms
        self._longest: dict[str, int] = {}  # words of the longest term, by the first of them
        for term in terms:
            first, size = term.partition(" ")[0], term.count(" ") + 1
            self._longest[first] = max(size, self._longest.get(first, 0))

    def __contains__(self, term: object) -> bool:
        return term in self.all

    def at(self, words: tuple[str, ...], start: int) -> int:
        """Give the number of words of the longest term that begins at ``start``; 0 for none."""
        longest = self._longest.get(words[start], 0) if start < len(words) else 0
        sizes = range(min(longest, len(words) - start), 0, -1)
        return next((n for n in sizes if " ".join(words[start : start + n]) in self.all), 0)

    def within(self, words: tuple[str, ...]) -> bool:
        """Whether any term stands among the words."""
        return any(self.at(words, i) for i in range(len(words)))

    def ends(self, words: tuple[str, ...]) -> bool:
        """Whether the words end with a term."""
        return any(self.at(words, i) == len(words) - i for i in range(len(words)))


@cache
def terms(name: str) -> Terms:
    """Give the terms of a class of ``terms.tsv``; `KeyError` when there is no such class."""
    return Terms(_classes()[name])


@cache
def places(kind: str) -> Terms:
    """Give the names of ``places.tsv`` of a kind: state, capital, region or people; lower case."""
    return Terms({name.lower() for name, one in rows("places.tsv") if one == kind})


@cache
def _classes() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, term in rows("terms.tsv"):
        found.setdefault(kind, set()).add(term)
    return found


def is_any(word: str, *classes: str) -> bool:
    """Whether a word is a term of one of these classes."""
    return any(word in terms(name) for name in classes)


def is_place(name: str) -> bool:
    """Whether a name is that of a state, a capital, a region or a people."""
    return any(name.lower() in places(kind) for kind in PLACES)


@cache
def _held(table: str) -> dict[str, list[tuple[str, str]]]:
    """Give the months of those of a table, by name, short name and, where it has one, office."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, short, *office, _country, since, until in rows(table):
        for key in {name.lower(), short.lower(), *map(str.lower, office)} - {""}:
            found[key].append((since, until))
    return dict(found)


def leads(name: str, date: str | None) -> bool:
    """Whether a name is that of somebody in office on a date; on no date, who still is."""
    return any(
        since <= (date or since)[:7] and (not until or bool(date and date[:7] <= until))
        for since, until in _held("leaders.tsv").get(name.lower(), ())
    )


def campaigns(name: str, date: str | None) -> bool:
    """Whether a name is that of an office-holder who ran for president or vice-president then.

    Middle names and initials make no difference. "Vermont senator" is a name too, and on no date
    nobody runs.
    """
    words = name.lower().split()
    keys = {" ".join(words), " ".join(words[:: len(words) - 1] if len(words) > 2 else words)}
    held = (months for key in keys for months in _held("candidates.tsv").get(key, ()))
    return any(since <= (date or "")[:7] <= (until or "9") for since, until in held)
