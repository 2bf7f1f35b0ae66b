"""Word lists by which rules tell what a source phrase is, read from the tables in ``data``.

``terms.tsv``: a class and a term per row, in lower case. ``places.tsv``: states, capitals, regions
and peoples. ``leaders.tsv``: heads of state and government, foreign ministers and spokespeople,
with the months of their terms (without an end while they hold it). ``candidates.tsv``: other
office-holders who ran for president or vice-president, with those months. ``lists.tsv``: longer
lists that belong to one rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from functools import cache
from pathlib import Path

PLACES = ("people", "state", "capital", "region")
_DATA = Path(__file__).with_name("data")


def word_set(text: str) -> frozenset[str]:
    """Return the words of a line."""
    return frozenset(text.split())


@cache
def _rows(name: str) -> list[list[str]]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:] if line]


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a row of ``lists.tsv``."""
    return word_set(dict(_rows("lists.tsv"))[name])


class Terms:
    """Terms of one or more words, to be found in lower-case words."""

    def __init__(self, terms: Set[str]) -> None:
        self.all = terms
        self._longest: dict[str, int] = {}  # words of the longest term, by its first word
        for term in terms:
            first, size = term.partition(" ")[0], term.count(" ") + 1
            self._longest[first] = max(size, self._longest.get(first, 0))

    def __contains__(self, term: object) -> bool:
        return term in self.all

    def at(self, words: tuple[str, ...], start: int) -> int:
        """Return the number of words of the longest term that begins at `start`; 0 for none."""
        longest = self._longest.get(words[start], 0) if start < len(words) else 0
        sizes = range(min(longest, len(words) - start), 0, -1)
        return next((n for n in sizes if " ".join(words[start : start + n]) in self.all), 0)

    def within(self, words: tuple[str, ...]) -> bool:
        """Return whether the words contain a term."""
        return any(self.at(words, i) for i in range(len(words)))

    def ends(self, words: tuple[str, ...]) -> bool:
        """Return whether the words end with a term."""
        return any(self.at(words, i) == len(words) - i for i in range(len(words)))


@cache
def terms(name: str) -> Terms:
    """Return a class of ``terms.tsv``."""
    return Terms({term for kind, term in _rows("terms.tsv") if kind == name})


@cache
def places(kind: str) -> Terms:
    """Return the names of a kind of place, one of `PLACES`, in lower case."""
    return Terms({name.lower() for name, one in _rows("places.tsv") if one == kind})


def is_any(word: str, *classes: str) -> bool:
    """Return whether a word is a term of one of these classes."""
    return any(word in terms(name) for name in classes)


def is_place(name: str) -> bool:
    """Return whether a name is that of a state, a capital, a region or a people."""
    return any(name.lower() in places(kind) for kind in PLACES)


@cache
def _months(table: str) -> dict[str, list[tuple[str, str]]]:
    """Return the first and last months in a table, by name, short name and office."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, short, *office, _country, since, until in _rows(table):
        for key in {name.lower(), short.lower(), *map(str.lower, office)} - {""}:
            found[key].append((since, until))
    return found


def leads(name: str, date: str | None) -> bool:
    """Return whether somebody of a name held an office on a date, or holds it if none is given."""
    return any(
        since <= (date or since)[:7] and (not until or bool(date and date[:7] <= until))
        for since, until in _months("leaders.tsv").get(name.lower(), ())
    )


def campaigns(name: str, date: str | None) -> bool:
    """Return whether an office-holder of a name, or "Vermont senator", was a candidate on a date.

    Middle names and initials make no difference. Without a date nobody is a candidate.
    """
    words = name.lower().split()
    keys = {" ".join(words), " ".join(words[:: len(words) - 1] if len(words) > 2 else words)}
    months = (found for key in keys for found in _months("candidates.tsv").get(key, ()))
    return any(since <= (date or "")[:7] <= (until or "9") for since, until in months)
