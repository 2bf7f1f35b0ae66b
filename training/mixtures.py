"""The recipes by name: on which corpora a model is trained, and for how long.

Light enough to import for a command's help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Recipe(StrEnum):
    """A named mixture of corpora."""

    DEFAULT = "default"
    HOUSE = "house"


@dataclass(frozen=True, slots=True)
class Mixture:
    """What a recipe takes.

    Attributes
    ----------
    meaning : str
    corpora : tuple of str
        Empty for all that the project knows: the public ones, and those of its own.
    epochs : int
        Of the transformer.
    """

    meaning: str
    corpora: tuple[str, ...]
    epochs: int


MIXTURES: Mapping[Recipe, Mixture] = {
    Recipe.DEFAULT: Mixture("every corpus: what the shipped bundles are made of", (), 3),
    Recipe.HOUSE: Mixture(
        # Few rows: more epochs, so that the encoder makes about a thousand steps.
        "only what ships with the code, from a fresh clone",
        ("house",),
        8,
    ),
}
