"""The corpora in one ordered table, and the folder they are looked for in."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from framescope.classifier.errors import CorpusError
from framescope.training.corpora import (
    babe,
    claimbuster,
    exchange,
    house,
    hyperpartisan,
    newssd,
    polnear,
    ptc,
    standoff,
    wikiweasel,
)
from framescope.training.corpora.corpus import Corpus, Shipped, State

ENVIRONMENT = "FRAMESCOPE_CORPORA"

_PUBLIC = tuple(
    Corpus(module.CARD, module.read)
    for module in (ptc, babe, polnear, newssd, hyperpartisan, wikiweasel, claimbuster)
)
# The parts of a split are drawn in this order: what comes later leaves those before as they were.
_TABLE = (
    *_PUBLIC,
    Shipped(house.CARD, exchange.read),
    standoff.StandOff(standoff.CARD, standoff.read),
    Corpus(exchange.CARD, exchange.read),
)

CORPORA: dict[str, Corpus] = {corpus.card.name: corpus for corpus in _TABLE}

ADDED = "added"
"""The corpus of the files that a user adds to a recipe: named one by one, never looked for."""

_ADDED = Corpus(
    replace(
        exchange.CARD,
        name=ADDED,
        title="Your own labelled articles, added",
        folder=ADDED,
        url="your own files; name them with --add FILE",
    ),
    exchange.read,
)

PUBLIC: tuple[str, ...] = tuple(corpus.card.name for corpus in _PUBLIC)
"""Those that others made, and that the public obtains elsewhere."""

KNOWN: tuple[str, ...] = (*PUBLIC, house.CARD.name, standoff.CARD.name)
"""What is trained on and judged by unless said otherwise: everything but the user's own files."""

SHIPPED: tuple[str, ...] = tuple(c.card.name for c in _TABLE if isinstance(c, Shipped))
"""Those that a clone of the repository holds whole."""


def find(name: str) -> Corpus:
    """Look a corpus up by name.

    Raises
    ------
    CorpusError
        When there is none of that name.
    """
    if name == ADDED:
        return _ADDED
    try:
        return CORPORA[name]
    except KeyError:
        raise CorpusError(f"unknown corpus '{name}'; known: {', '.join(CORPORA)}") from None


def given_folder(option: Path | None) -> Path | None:
    """Find the folder of corpora; None where none is named, by option or environment variable.

    Raises
    ------
    CorpusError
        When the folder isn't there.
    """
    named = option is not None or os.environ.get(ENVIRONMENT)
    return root_folder(option) if named else None


def root_folder(option: Path | None = None) -> Path:
    """Find the folder that holds the corpora: the option, else the environment variable.

    Raises
    ------
    CorpusError
        When neither is given, or the folder isn't there.
    """
    given = option if option is not None else os.environ.get(ENVIRONMENT) or None
    if given is None:
        raise CorpusError(
            f"no folder of corpora; pass --corpora DIR or set {ENVIRONMENT} (see docs/corpora.md)"
        )
    root = Path(given)
    if not root.is_dir():
        raise CorpusError(f"{root}: no such folder; pass --corpora DIR or set {ENVIRONMENT}")
    return root


def state(name: str, root: Path | None) -> State:
    """Return True if a corpus is there, and whether its files are those the card pins."""
    return find(name).state(root)
