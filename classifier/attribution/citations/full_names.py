"""Fuller forms of a surname in an article, with the titles that stand beside them.

"Poor said" goes back to "Foreign Minister Ana Poor" even where that is no source itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from classifier.attribution.words.lexicon import matches, terms, word_set
from classifier.attribution.words.phrases import parse, words_of
from classifier.attribution.words.source_phrase import Phrase
from classifier.values import Place

# A run of capitals: a full name, as a text gives it before it goes on by surname alone.
# A full stop within a name follows a title or an initial; any other ends a sentence.
_SHORT = (
    r"(?:Mrs?|Ms|Dr|Prof|Adm|Amb|Gen|Brig|Cmdr|Col|Lt|Maj|Capt|Sgt|Sens?|Reps?|Gov|Del|Rev|Hon|St"
    r"|(?:[A-Z]\.)*[A-Z])\."
)
_OFFICE = r"(?:Secretary|Minister|Director) of (?:the )?[A-Z][\w'-]+"
RUN = re.compile(
    # A capital of the sentence's own is no name's.
    r"(?!(?:After|Although|And|As|At|Because|Before|But|Despite|Even|For|From|Having|However|If|In"
    r"|Like|Meanwhile|Nor|On|Or|Since|So|Still|Then|Though|Under|Unlike|When|While|With|Yet)\b)"
    rf"(?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]*)"
    r"(?:[ ](?:de|van|von|bin|der|la|al|el|of)\b){0,2}"
    rf"(?:[ ](?:{_SHORT}|{_OFFICE}|[A-Z][\w'-]+|al-[A-Z][\w'-]+)){{1,5}}"
)
_CAPITAL = re.compile(r"[A-Z]")
_SEAT = re.compile(r"\s?\((?:R|D|I|Rep|Dem|Ind)\b[^()\n]{0,24}\)|,\s[RDI]-[A-Z][\w.]*")
_TITLE_WITHIN = 40  # characters before a name
_TITLE_BEFORE = re.compile(r"(?:[a-z][\w'-]*\s){0,4}$")
_APPOSITION = re.compile(r",\s(?:an?\s|the\s|[A-Z][\w.]*'s\s)?[^,.;:\"\n]{3,90}(?=,)")
# What says of somebody that an office is no longer, or not yet, held.
_LEFT = word_set("former ex onetime one-time retired late candidate nominee hopeful")


class FullNames:
    """The full names of an article.

    Parameters
    ----------
    plain : str
        The article, folded.
    """

    def __init__(self, plain: str) -> None:
        self._plain = plain
        self._full: dict[str, list[tuple[int, str]]] | None = None

    def before(self, phrase: Phrase, place: Place) -> str:
        """Find a fuller form of a name before it, with its title: "foreign minister Ana Poor"."""
        runs = [(at, run) for at, run in self._runs(phrase.name) if at < place.start]
        for at, run in runs[:6]:
            words = self._with_title(at, run)
            if holds_title(words):
                return words
        return runs[0][1] if runs and runs[0][1] != phrase.name else ""

    def titled(self, phrase: Phrase, place: Place) -> str:
        """Find the full name of an earlier source with a title; empty where it has lost that.

        A surname's bearer is the one of that name, where the article has only one.
        """
        found, names = "", set()
        for at, run in self._runs(phrase.name):
            words = self._with_title(at, run)
            other = parse(words)
            if " " not in other.name or not may_be_one(phrase, other):
                continue
            names.add(words_of(other.name)[0])
            if _LEFT & set(words_of(words)):
                return ""
            if not found and at < place.start and holds_title(words):
                found = words
        return found if len(names) == 1 else ""

    def _runs(self, name: str) -> list[tuple[int, str]]:
        """Find the runs of capitals that end in a surname, and where they begin, in order."""
        if self._full is None:
            self._full = {}
            capitals = (match.start() for match in _CAPITAL.finditer(self._plain))
            for match in matches(RUN, self._plain, capitals):
                key = last_word(match.group())
                if key:
                    self._full.setdefault(key, []).append((match.start(), match.group()))
        return self._full.get(last_word(name), [])

    def _with_title(self, at: int, run: str) -> str:
        """Give a run with what says of it who it is, before it and behind it."""
        title = _TITLE_BEFORE.search(self._plain, max(0, at - _TITLE_WITHIN), at)
        words = (title.group() if title and holds_title(title.group()) else "") + run
        end = at + len(run)
        seat = _SEAT.match(self._plain, end)
        if seat:
            return words + " (" + seat.group().strip(" ,()") + ")"
        after = _APPOSITION.match(self._plain, end)
        return words + (after.group() if after and holds_title(after.group()) else "")


def holds_title(words: str) -> bool:
    """Whether words say which office somebody holds, held or runs for."""
    lower = words_of(words)
    if _SEAT.search(words):
        return True
    return terms("office").within(lower) or "candidate" in lower or "former" in lower


@lru_cache(maxsize=1 << 12)
def last_word(name: str) -> str:
    """Give the surname by which a person is spoken of, in lower case; empty for no name."""
    words = [word for word in words_of(name) if word not in {"jr.", "jr", "sr", "sr.", "iii"}]
    return words[-1] if words else ""


def may_be_one(phrase: Phrase, other: Phrase) -> bool:
    """Whether two phrases with one surname can be one person: no two first names."""
    here, there = words_of(phrase.name), words_of(other.name)
    if len(here) > 1 and len(there) > 1:
        return here[0] == there[0] or (here[0][0] == there[0][0] and "." in here[0] + there[0])
    return True
