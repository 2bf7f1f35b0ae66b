"""The table of corpora."""

from framescope.classifier.errors import CorpusError
from framescope.classifier.taxonomy import NAMES
from framescope.training.corpora import polnear, standoff
from framescope.training.corpora.articles import (
    EXCHANGE,
    FRAMED,
    HOUSE_CARD,
    HYPERPARTISAN,
    PTC,
    read_exchange,
)
from framescope.training.corpora.coreference import GAP, GUM
from framescope.training.corpora.corpus import Card, Corpus
from framescope.training.corpora.sentences import BABE, CLAIMBUSTER, NEWSSD, WIKIWEASEL

_POLNEAR = Corpus(polnear.CARD, polnear.read)
# The parts of a split are drawn in this order: a corpus leaves those before it as they are.
_PUBLIC = (PTC, BABE, _POLNEAR, NEWSSD, HYPERPARTISAN, WIKIWEASEL, CLAIMBUSTER)
_OURS = (
    Corpus(HOUSE_CARD, read_exchange, shipped=True),
    standoff.StandOff(standoff.CARD, standoff.read),
    standoff.StandOff(Card.of("judged", signals=("content", *FRAMED)), standoff.read_judged),
    standoff.StandOff(Card.of("techniques", signals=FRAMED), standoff.read_techniques),
)
_COREFERENCE = (GAP, GUM)

_ALL = (*_PUBLIC, *_OURS, *_COREFERENCE)

CORPORA: dict[str, Corpus] = {one.card.name: one for one in (*_ALL, EXCHANGE)}

PUBLIC: tuple[str, ...] = tuple(one.card.name for one in (*_PUBLIC, *_COREFERENCE))
"""Those that the public obtains elsewhere."""

KNOWN: tuple[str, ...] = tuple(one.card.name for one in _ALL)
"""Those that models are trained on and judged by: all but the user's own files."""

SHIPPED: tuple[str, ...] = (HOUSE_CARD.name,)
"""Those that a clone of the repository holds whole."""

ADDED = "added"
"""The corpus of files that a user adds to a recipe: named one by one, never looked for."""


def find(name: str) -> Corpus:
    """Return a corpus by name. Raise `CorpusError` if there is none."""
    if name == ADDED:
        return Corpus(Card.of(ADDED, signals=NAMES), read_exchange)
    if name not in CORPORA:
        raise CorpusError(f"unknown corpus '{name}'; known: {', '.join(CORPORA)}")
    return CORPORA[name]
