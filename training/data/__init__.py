"""Corpora in, out what models are fitted on and judged by: the label matrix with its holes.

Rows of sentences, the split by article and outlet, near-duplicates, and the swaps of training.
"""

from framescope.training.data.added import Added
from framescope.training.data.duplicates import (
    SENTENCE_THRESHOLD,
    SENTENCE_WORDS,
    same_words,
    shingles,
    similar_pairs,
)
from framescope.training.data.examples import Examples, Text, with_citations
from framescope.training.data.examples import build as build_examples
from framescope.training.data.examples import of_articles as examples_of_articles
from framescope.training.data.marks import Mark, RowCitation, rewritten
from framescope.training.data.mixture import Data, load_data
from framescope.training.data.rows import articles as articles_of_rows
from framescope.training.data.rows import load as load_rows
from framescope.training.data.splits import (
    PARTS,
    REMOVED,
    TEST,
    TRAIN,
    UNSEEN,
    VALIDATION,
)
from framescope.training.data.splits import assign as assign_parts
from framescope.training.data.swaps import SIGNAL as SWAPPED_SIGNAL
from framescope.training.data.swaps import Swap, behind
from framescope.training.data.unlabelled import UNLABELLED
from framescope.training.data.unlabelled import choose as choose_unlabelled
from framescope.training.data.unlabelled import ordinary as ordinary_articles
