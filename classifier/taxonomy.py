"""The signals: one ordered table, the only place where a label is named and explained.

Meanings are those of the project's annotation guidelines. The fourteen techniques are those of the
Propaganda Techniques Corpus as merged for SemEval-2020 task 11 (Da San Martino et al., 2020).
Adding a signal is one row of ``taxonomy.tsv``, and the corpora that label it; every bundle has its
columns in the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from classifier.errors import SignalError


class Family(StrEnum):
    """Which question a signal answers. Results of different families are never merged."""

    CONTENT = "content"
    SOURCING = "sourcing"
    FRAMING = "framing"
    ARTICLE = "article"


class Level(StrEnum):
    """The unit a signal is a property of."""

    SENTENCE = "sentence"
    SPAN = "span"  # marked by characters; the sentence label is 1 when any of a span lies in it
    ARTICLE = "article"


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the taxonomy.

    Attributes
    ----------
    name : str
        The identifier used in files and options.
    label : str
        What a reader sees.
    family : Family
    level : Level
    meaning : str
        One line, shown in reports.
    origin : str
        Where the definition comes from.
    """

    name: str
    label: str
    family: Family
    level: Level
    meaning: str
    origin: str


def _signals() -> tuple[Signal, ...]:
    lines = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return tuple(
        Signal(name, label, Family(family), Level(level), meaning, origin)
        for name, label, family, level, meaning, origin in rows
    )


SIGNALS: tuple[Signal, ...] = _signals()
BY_NAME: dict[str, Signal] = {signal.name: signal for signal in SIGNALS}
NAMES: tuple[str, ...] = tuple(BY_NAME)
TECHNIQUES: tuple[str, ...] = tuple(
    s.name for s in SIGNALS if s.level is Level.SPAN and s.name != "any_technique"
)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort signal names into taxonomy order, without repeats.

    Raises
    ------
    SignalError
        When a name is not in the taxonomy; the closest one is suggested.
    """
    wanted = set(names)
    for name in sorted(wanted - BY_NAME.keys()):
        close = get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {close[0]}?" if close else "known signals: " + ", ".join(NAMES)
        raise SignalError(f"unknown signal '{name}'; {hint}")
    return tuple(name for name in NAMES if name in wanted)
