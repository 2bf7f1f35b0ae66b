"""Changes of a text that a reader would hardly notice: typing, scanning, quotes, case, spaces.

Each is a function of a text and a random source, and changes no meaning. The random source is
seeded by whoever calls, so that a text always changes in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

Change = Callable[[str, Random], str]

WORDS_A_TYPO = 10
"""One word in so many is mistyped, at least one a text."""
CHARACTERS_A_MISREADING = 60
"""One character in so many is misread, at least one a text."""

_LONG_WORD = re.compile(r"[A-Za-z]{5,}")
# What optical character recognition takes for each other in newspaper print.
_MISREAD = {"rn": "m", "m": "rn", "cl": "d", "l": "1", "O": "0", "h": "b", "e": "c", "I": "l"}
_MISREADABLE = re.compile("|".join(sorted(_MISREAD, key=len, reverse=True)))
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})
_OPENING = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))([\"'])")
_CURLED = {'"': ("“", "”"), "'": ("‘", "’")}


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Two forms of a text that ought to be read alike.

    Attributes
    ----------
    name : str
    after : callable
        Writes the changed form.
    before : callable
        Writes the form it is compared with; the text as it is unless given.
    headline_only : bool
        Whether only an article's headline is changed.
    """

    name: str
    after: Change
    before: Change = lambda text, random: text
    headline_only: bool = False


def typos(text: str, random: Random) -> str:
    """Swap two neighbouring letters within some longer words, never the first or the last one."""
    words = [
        match
        for match in _LONG_WORD.finditer(text)
        if any(a != b for a, b in zip(match.group()[1:-2], match.group()[2:-1], strict=True))
    ]
    count = min(len(words), max(1, len(text.split()) // WORDS_A_TYPO))
    letters = list(text)
    for match in random.sample(words, count):
        at = random.choice(
            [i for i in range(match.start() + 1, match.end() - 2) if text[i] != text[i + 1]]
        )
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return "".join(letters)


def misreadings(text: str, random: Random) -> str:
    """Misread some letters as a scanner does: "rn" for "m", "1" for "l"."""
    found = list(_MISREADABLE.finditer(text))
    count = min(len(found), max(1, len(text) // CHARACTERS_A_MISREADING))
    for match in sorted(random.sample(found, count), key=lambda m: -m.start()):
        text = text[: match.start()] + _MISREAD[match.group()] + text[match.end() :]
    return text


def straight_quotes(text: str, random: Random) -> str:
    """Write every quotation mark and apostrophe as a typewriter does."""
    return text.translate(_STRAIGHT)


def curly_quotes(text: str, random: Random) -> str:
    """Write every quotation mark and apostrophe as a printer does."""
    text = _OPENING.sub(lambda match: _CURLED[match.group(1)][0], straight_quotes(text, random))
    for straight, (_, closing) in _CURLED.items():
        text = text.replace(straight, closing)
    return text


def capitals(text: str, random: Random) -> str:
    """Write everything in capitals."""
    return text.upper()


def double_spaces(text: str, random: Random) -> str:
    """Double the spaces after full stops, and some between words."""
    return re.sub(
        r"(?<=\S) (?=\S)",
        lambda match: (
            "  " if text[match.start() - 1] in ".!?" or random.random() < 0.2 else match.group()
        ),
        text,
    )


PERTURBATIONS: tuple[Perturbation, ...] = (
    Perturbation("typos", typos),
    Perturbation("misreadings", misreadings),
    Perturbation("quotation marks", curly_quotes, before=straight_quotes),
    Perturbation("headline in capitals", capitals, headline_only=True),
    Perturbation("double spaces", double_spaces),
)
