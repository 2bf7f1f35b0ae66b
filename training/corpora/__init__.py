"""The labelled corpora: one module a corpus, with its card, its reader and its mapping of labels.

In: the folder of a public corpus, or what ships. Out: articles with labels in the exchange
format's terms. Nothing here holds any text of others. `catalogue` is the one table of them.
"""

from framescope.training.corpora.allsides import FILE as ALLSIDES_FILE
from framescope.training.corpora.allsides import read as read_allsides
from framescope.training.corpora.catalogue import (
    ADDED,
    CORPORA,
    KNOWN,
    PUBLIC,
    SHIPPED,
    given_folder,
    root_folder,
)
from framescope.training.corpora.catalogue import find as find_corpus
from framescope.training.corpora.corpus import (
    HOUSE_ENVIRONMENT,
    Card,
    Corpus,
    State,
    by_article,
    by_block,
    house_folder,
)
from framescope.training.corpora.exchange import read as read_exchange
from framescope.training.corpora.house import CARD as HOUSE_CARD
from framescope.training.corpora.polnear import CARD as POLNEAR
from framescope.training.corpora.polnear import texts as polnear_texts
from framescope.training.corpora.standoff import SHORT as SHORT_STANDOFF
from framescope.training.corpora.standoff import TEXTS, articles_folder, labels_file
from framescope.training.corpora.standoff import digest as text_digest
from framescope.training.corpora.standoff import join as join_text
from framescope.training.corpora.standoff import labels as standoff_labels
from framescope.training.corpora.standoff import read as read_standoff
