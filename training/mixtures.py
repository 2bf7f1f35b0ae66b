"""The recipes by name: on which corpora a model is trained, for how long, with which seed.

Light enough to import for a command's help.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Of splits and of trainings. Nothing speaks for 13 but that the shipped bundles carry it, and the
# split they must be judged on with it.
DEFAULT_SEED = 13


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
    shipped_only : bool
        Take what ships with the code, and need no folder of corpora.
    epochs : int
        Of the transformer.
    """

    meaning: str
    shipped_only: bool
    epochs: int


MIXTURES: Mapping[Recipe, Mixture] = {
    Recipe.DEFAULT: Mixture("every corpus: what the shipped bundles are made of", False, 3),
    Recipe.HOUSE: Mixture(
        # Few rows: more epochs, so that the encoder makes about a thousand steps.
        "only what ships with the code, from a fresh clone",
        True,
        8,
    ),
}
