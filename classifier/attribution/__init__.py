"""What the rules know of an article: what is quoted, who is cited where the form says so, as what.

In: an article, its sentences, and whatever answers for outlets' names. Out: the sentences with what
stands in quotation marks, the outlets they name and the citations that need no model; and for
citations that somebody else found, who their sources are. Nothing of the registry but what it is
asked.
"""

from framescope.classifier.attribution.lexicon import places as lexicon_places
from framescope.classifier.attribution.lexicon import terms as lexicon_terms
from framescope.classifier.attribution.lexicon import word_list, word_set
from framescope.classifier.attribution.outlets import own_outlets
from framescope.classifier.attribution.reading import begin, cited, read
from framescope.classifier.attribution.resolve import resolve as resolve_citations
from framescope.classifier.attribution.rules import LABEL, RUN_ON, run_on
