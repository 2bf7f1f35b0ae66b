"""What rules find in an article: quotations, outlets, citations by its form, and who sources are.

In: an article and a registry of outlets. Out: its sentences with all of these; and, for citations
that a model found, their resolved sources. The registry comes as an argument (`Outlets`).
"""

from framescope.classifier.attribution.names import (
    HE,
    IT,
    PERSONAL,
    PRONOUNS,
    SHE,
    THEY,
    Entity,
    Names,
    gender_of,
)
from framescope.classifier.attribution.outlets import own_outlets
from framescope.classifier.attribution.phrases import (
    Phrase,
    Shape,
    places,
    terms,
    word_list,
    word_set,
    words_of,
)
from framescope.classifier.attribution.reading import begin, cited, read
from framescope.classifier.attribution.reading import resolve as resolve_citations
from framescope.classifier.attribution.rules import LABEL, RUN_ON, quoted_elsewhere, run_on
from framescope.classifier.attribution.sources import Refer, classify
