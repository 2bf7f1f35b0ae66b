"""The languages that articles may be in: one table, ``languages.tsv``, in the order of reports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table."""

    code: str  # ISO 639-1
    name: str  # in English
    own_name: str  # in the language itself
    direction: Direction
    ordinals: bool  # whether a full stop makes a number an ordinal
    # what parts direct speech after a dash from who speaks: a "comma" and a dash, a "bare" dash;
    # empty where no dash opens speech
    dialogue: str
    # words with a full stop that ends no sentence; those that end in # only before a number
    abbreviations: frozenset[str]
    function_words: frozenset[str]  # in small letters; English has its own (`models.evidence`)


def _rows(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()[1:]
    return [line.split("\t") for line in lines]


ENGLISH = "en"
LANGUAGES: Mapping[str, Language] = {
    code: Language(code, name, own, cast(Direction, runs), ordinals == "yes", dialogue, *words)
    for code, name, own, runs, ordinals, dialogue, *lists in _rows("languages.tsv")
    for words in [[frozenset(listed.split()) for listed in lists]]
}
"""By code. An article in any other language is not scored."""


@cache
def _pronouns() -> Mapping[tuple[str | None, str], str]:
    rows = _rows("pronouns.tsv")
    return {(code, one): english for code, english, own in rows for one in own.split()}


def in_english(words: str, language: str | None) -> str:
    """Return the English pronoun for one of another language; all other words as they are.

    Where a pronoun may stand for one or several, for people or things, that is "who".
    """
    return _pronouns().get((language, words.strip().lower()), words)


_HEAD_LAST = frozenset({"tr", "zh"})  # what describes a noun precedes it, commas included
_ASIDE = re.compile(r"\s?[(（\[].*|\s-+\s.*", re.DOTALL)


def called_in(language: str | None, words: str) -> str:
    """Return by what a source in another language than English is called; else nothing.

    That is what stands before a comma, or a name behind one: "la ministre, Ines Orvado".
    """
    if language in (None, ENGLISH):
        return ""
    whole = _ASIDE.sub("", words) or words
    first, *rest = [whole] if language in _HEAD_LAST else re.split(r"\s*[,،]\s*", whole)
    names = [one for one in (first, *rest) if " " in one and one.istitle()]
    best = first if names[:1] == [first] or not names else names[-1]
    if best.count('"') % 2:  # the comma stood within a quotation
        best = best.rpartition('"')[0]
    elif best.count('"') == 2 and best.startswith('"'):
        best = best.strip('" ')
    return best.strip()


def name_of(code: str) -> str:
    """Return a language's English name; of one that isn't in the table its code in quotes."""
    return LANGUAGES[code].name if code in LANGUAGES else f"'{code}'"


def code_of(word: str) -> str:
    """Return the code of a language that is given by its code or its English name."""
    asked = word.strip().casefold()
    return next((c for c, one in LANGUAGES.items() if one.name.casefold() == asked), asked)
