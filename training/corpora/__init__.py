"""The labelled corpora: one module a corpus, with its card and its reader, and one table of them.

``load(name, root)`` gives a `datasets.Dataset` of articles, ``articles(dataset)`` the articles
back. Nothing here holds any text: the corpora are read from a folder the user names.
"""

from training.corpora.card import Card
from training.corpora.registry import (
    CORPORA,
    PUBLIC,
    Corpus,
    State,
    articles,
    find,
    load,
    root_folder,
    state,
)

__all__ = [
    "CORPORA",
    "PUBLIC",
    "Card",
    "Corpus",
    "State",
    "articles",
    "find",
    "load",
    "root_folder",
    "state",
]
