"""The keys of a recipe's file, and what each must be.

Those of the models are the settings that their modules name: a new one there is known here.
"""

from __future__ import annotations

import inspect
import json
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

#: The largest seed that every library takes.
MOST_SEED = 2**32 - 1


@dataclass(frozen=True)
class ValueRule:
    """What the value of a key must be, in words, and whether one is."""

    words: str
    fits: Callable[[object], bool]


Keys = Mapping[str, "ValueRule | Keys"]
"""Keys of a table; a table within it has keys of its own."""


def _is_whole(value: object, least: int, most: float = float("inf")) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: object, most: float = float("inf")) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and 0 <= value < float("inf") and value <= most  # type: ignore[operator]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _whole(least: int) -> ValueRule:
    return ValueRule(f"a whole number, at least {least}", lambda value: _is_whole(value, least))


def _list_of(words: str, fits: Callable[[object], bool], least: int = 1) -> ValueRule:
    return ValueRule(
        words,
        lambda value: (
            isinstance(value, list)
            and len(value) >= least
            and all(map(fits, value))
            and len({json.dumps(one) for one in value}) == len(value)
        ),
    )


TEXT = ValueRule("a text", _is_text)
TRUTH = ValueRule("true or false", lambda value: isinstance(value, bool))
NUMBER = ValueRule("a number, not negative", _is_number)
PART = ValueRule("a number from 0 to 1", lambda value: _is_number(value, 1))
SEED = ValueRule(f"a whole number from 0 to {MOST_SEED}", lambda v: _is_whole(v, 0, MOST_SEED))
NAME = ValueRule(
    "a name of letters, digits, dots, hyphens and underscores, at most 60",
    lambda value: isinstance(value, str) and re.fullmatch(r"[\w.-]{1,60}", value) is not None,
)
NAMES = _list_of("a list of names, each once and at least one", _is_text)
PATHS = _list_of("a list of files, each once", _is_text, 0)
NUMBERS = ValueRule(
    "a table of names and numbers, none negative",
    lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
)

# What of a setting its type doesn't say.
_CLOSER = {
    "epochs": _whole(1),
    "seed": SEED,
    "warmup": PART,
    "dropout": PART,
    "batch_tokens": _whole(1),
    "max_tokens": _whole(8),
    "folds": _whole(2),
    "least": _whole(1),
    "most_words": _whole(1),
    "most_characters": _whole(1),
}
# They stand at the top of the file: both models learn from them, or they are what is changed first.
AT_THE_TOP = ("epochs", "seed", "shares", "weights")


@cache
def known() -> Keys:
    """Give the keys of a recipe's file."""
    settings = _of_settings()
    return {
        "extends": TEXT,
        "name": NAME,
        "meaning": TEXT,
        "corpora": NAMES,
        "encoder": TEXT,
        "epochs": _CLOSER["epochs"],
        "seed": SEED,
        "split_seed": SEED,
        "shares": NUMBERS,
        "weights": NUMBERS,
        "transformer": {n: w for n, w in settings.items() if n not in AT_THE_TOP},
        "baseline": _of_baseline(),
        "teacher": {
            "encoder": TEXT,
            "texts": PATHS,
            "sentences": _whole(1),
            "settings": settings,
        },
    }


def _of_settings() -> dict[str, ValueRule]:
    """Read the transformer's settings off their types."""
    from framescope.training.transformer import Settings

    types_of = get_type_hints(Settings)
    return {f.name: _CLOSER.get(f.name) or _by_type(types_of[f.name]) for f in fields(Settings)}


def _by_type(kind: Any) -> ValueRule:
    if get_origin(kind) in (Union, types.UnionType):  # one that may be left out
        kind = next(one for one in get_args(kind) if one is not type(None))
    simple = {bool: TRUTH, int: _whole(0), float: NUMBER, str: TEXT}
    return simple.get(kind, NUMBERS)


def _of_baseline() -> dict[str, ValueRule]:
    """Read the baseline's settings off what its recipe takes."""
    from framescope.training.baseline import MIXES, BaselineRecipe

    given = inspect.signature(BaselineRecipe).parameters
    mixes = _list_of(f"a list of {', '.join(MIXES)}", lambda value: value in MIXES)
    above = _list_of("a list of numbers above 0", lambda v: _is_number(v) and v != 0)
    closer: dict[str, ValueRule] = {"mixes": mixes, "strengths": above, **_CLOSER}
    ours = ("mixes", "strengths", "folds", "least", "most_words", "most_characters")
    return {name: closer[name] for name in given if name in ours}


def dotted(keys: Keys, before: str = "") -> Iterator[str]:
    """Give every key with the tables it stands in, joined by dots."""
    for name, one in keys.items():
        yield f"{before}{name}"
        if not isinstance(one, ValueRule):
            yield from dotted(one, f"{before}{name}.")


def nearest(key: str, table: str) -> str:
    """Find the known key that was meant by one that stands in a table (``""``: at the top)."""

    def likeness(name: str) -> float:
        before, _, last = name.rpartition(".")
        return SequenceMatcher(None, key, last).ratio() + 0.1 * (before == table)

    ours = table.startswith("teacher.settings")  # else they stand in [transformer], as in no other
    every = (n for n in dotted(known()) if ours or not n.startswith("teacher.settings."))
    return max(every, key=likeness)
