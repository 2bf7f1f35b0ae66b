"""The folder of a public corpus, or the house corpus, in; out: articles with labels, and a card."""

from framescope.classifier.errors import CorpusError
from framescope.classifier.taxonomy import NAMES
from framescope.training.corpora import articles, polnear, standoff
from framescope.training.corpora.articles import Corpus, given_folder, house_folder, read_exchange
from framescope.training.corpora.languages import HOUSE_LANGUAGES, LANGUAGES

POLNEAR, polnear_texts = polnear.CARD, polnear.texts
labels_file, standoff_labels = standoff.labels_file, standoff.labels
# The parts of a split are drawn in this order: a corpus leaves those before it as they are.
_PUBLIC: tuple[Corpus, ...] = (articles.PTC, articles.BABE, Corpus(POLNEAR, polnear.read))
_PUBLIC += (articles.NEWSSD, articles.HYPERPARTISAN, articles.WIKIWEASEL, articles.CLAIMBUSTER)
_HOUSE = Corpus(articles.HOUSE_CARD, read_exchange, shipped=True)
_OURS = (_HOUSE, standoff.STANDOFF, standoff.JUDGED, standoff.TECHNIQUES)
_COREFERENCE = (articles.GAP, articles.GUM)
_ENGLISH = (*_PUBLIC, *_OURS, *_COREFERENCE)
_ALL = (*_ENGLISH, *LANGUAGES, HOUSE_LANGUAGES)

CORPORA: dict[str, Corpus] = {one.card.name: one for one in (*_ALL, articles.EXCHANGE)}
# Those that the public obtains elsewhere; that models are trained on and judged by: all but the
# user's own files; of these the English ones; and of those what a clone of the repository holds.
PUBLIC: tuple[str, ...] = tuple(one.card.name for one in (*_PUBLIC, *_COREFERENCE, *LANGUAGES))
KNOWN: tuple[str, ...] = tuple(one.card.name for one in _ALL)
ENGLISH: tuple[str, ...] = tuple(one.card.name for one in _ENGLISH)
SHIPPED: tuple[str, ...] = (articles.HOUSE_CARD.name,)
ADDED = "added"  # the corpus of files that a user adds to a recipe: named, never looked for


def find_corpus(name: str) -> Corpus:
    """Return a corpus by name. Raise `CorpusError` if there is none."""
    if name == ADDED:
        return Corpus(articles.Card.of(ADDED, signals=NAMES), read_exchange)
    if name not in CORPORA:
        raise CorpusError(f"unknown corpus '{name}'; known: {', '.join(CORPORA)}")
    return CORPORA[name]
