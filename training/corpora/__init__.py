"""The labelled corpora: a card, a reader and a mapping of labels for each.

In: the folder of a public corpus, or the house corpus. Out: articles with labels, in the exchange
format's terms. `catalogue` is the table of corpora. No text of others is in here.
"""

from framescope.training.corpora.articles import HOUSE_CARD, read_exchange
from framescope.training.corpora.catalogue import ADDED, CORPORA, KNOWN, PUBLIC, SHIPPED
from framescope.training.corpora.catalogue import find as find_corpus
from framescope.training.corpora.corpus import (
    HOUSE_ENVIRONMENT,
    Card,
    Corpus,
    State,
    by_article,
    by_block,
    given_folder,
    house_folder,
    root_folder,
)
from framescope.training.corpora.polnear import CARD as POLNEAR
from framescope.training.corpora.polnear import texts as polnear_texts
from framescope.training.corpora.standoff import (
    ALLSIDES_FILE,
    TEXTS,
    articles_folder,
    labels_file,
    read_allsides,
)
from framescope.training.corpora.standoff import SHORT as SHORT_STANDOFF
from framescope.training.corpora.standoff import digest as text_digest
from framescope.training.corpora.standoff import join as join_text
from framescope.training.corpora.standoff import labels as standoff_labels
from framescope.training.corpora.standoff import read as read_standoff
