"""The labelled corpora: one module a corpus, with its card and its reader, and one table of them.

``load(name, root)`` gives a `datasets.Dataset` of articles, ``articles(dataset)`` the articles
back. Nothing here holds any text of others: the public corpora are read from a folder the user
names. The house corpus ships in the folder ``corpus`` of the repository.
"""

from training.corpora.card import Card
from training.corpora.corpus import HOUSE, Corpus, State
from training.corpora.registry import CORPORA, KNOWN, PUBLIC, SHIPPED, find, root_folder, state
from training.corpora.rows import articles, load

__all__ = [
    "CORPORA",
    "HOUSE",
    "KNOWN",
    "PUBLIC",
    "SHIPPED",
    "Card",
    "Corpus",
    "State",
    "articles",
    "find",
    "load",
    "root_folder",
    "state",
]
