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


def _languages() -> dict[str, Language]:
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {
        code: Language(code, name, own_name, cast(Direction, direction))
        for code, name, own_name, direction in rows
    }


LANGUAGES: Mapping[str, Language] = _languages()
"""By code. An article in any other language is not scored."""
