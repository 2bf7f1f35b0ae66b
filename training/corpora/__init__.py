"""The labelled corpora: one module a corpus, with its card, its reader and its mapping of labels.

In: the folder of a public corpus, or what ships. Out: articles with labels in the exchange
format's terms. Nothing here holds any text of others. `catalogue` is the one table of them.
"""

from training.corpora.allsides import FILE as ALLSIDES_FILE
from training.corpora.allsides import read as read_allsides
from training.corpora.catalogue import (
    ADDED,
    CORPORA,
    KNOWN,
    PUBLIC,
    SHIPPED,
    given_folder,
    root_folder,
)
from training.corpora.catalogue import find as find_corpus
from training.corpora.corpus import (
    HOUSE_ENVIRONMENT,
    Card,
    Corpus,
    State,
    by_article,
    by_block,
    house_folder,
)
from training.corpora.exchange import read as read_exchange
from training.corpora.house import CARD as HOUSE_CARD
from training.corpora.polnear import CARD as POLNEAR
from training.corpora.polnear import texts as polnear_texts
from training.corpora.standoff import SHORT as SHORT_STANDOFF
from training.corpora.standoff import TEXTS, articles_folder, labels_file
from training.corpora.standoff import digest as text_digest
from training.corpora.standoff import join as join_text
from training.corpora.standoff import labels as standoff_labels
from training.corpora.standoff import read as read_standoff
