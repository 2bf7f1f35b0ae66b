"""The languages that articles may be in: one table, ``languages.tsv``, in the order of reports."""

from collections.abc import Mapping
from dataclasses import dataclass
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


def _languages() -> dict[str, Language]:
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {
        code: Language(
            code,
            name,
            own_name,
            cast(Direction, direction),
            ordinals == "yes",
            dialogue,
            *(frozenset(listed.split()) for listed in lists),
        )
        for code, name, own_name, direction, ordinals, dialogue, *lists in rows
    }


ENGLISH = "en"
LANGUAGES: Mapping[str, Language] = _languages()
"""By code. An article in any other language is not scored."""


def name_of(code: str) -> str:
    """Return a language's English name; of one that isn't in the table its code in quotes."""
    return LANGUAGES[code].name if code in LANGUAGES else f"'{code}'"


def code_of(word: str) -> str:
    """Return the code of a language that is given by its code or its English name."""
    asked = word.strip().casefold()
    return next((c for c, one in LANGUAGES.items() if one.name.casefold() == asked), asked)
