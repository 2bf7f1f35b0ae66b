"""What rules find in an article: quotations, outlets, citations by its form, and who sources are.

In: an article and a registry of outlets. Out: its sentences with all of these; and, for citations
that a model found, their resolved sources. The registry comes as an argument.
"""

from framescope.classifier.attribution.names import PRONOUNS, Entity, Names, gender_of
from framescope.classifier.attribution.phrases import Phrase, Shape, places, word_set, words_of
from framescope.classifier.attribution.quotations import RUN_ON, quoted_elsewhere, run_on, speaking
from framescope.classifier.attribution.sources import begin, cited, classify, own_outlets, read
from framescope.classifier.attribution.sources import resolve as resolve_citations
