"""Corpora in; out: the label matrix that models are fitted on and judged by, with its parts."""

from framescope.training.data.examples import Examples, Mark, RowCitation, Text, with_citations
from framescope.training.data.examples import build as build_examples
from framescope.training.data.examples import load as load_articles
from framescope.training.data.examples import of_articles as examples_of_articles
from framescope.training.data.mixture import UNLABELLED, Added, Data, load_data
from framescope.training.data.mixture import choose as choose_unlabelled
from framescope.training.data.mixture import ordinary as ordinary_articles
from framescope.training.data.splits import PARTS, REMOVED, TEST, TRAIN, UNSEEN, VALIDATION
from framescope.training.data.splits import assign as assign_parts
