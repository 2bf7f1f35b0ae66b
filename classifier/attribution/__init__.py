"""What the rules know of an article: whose words each sentence is, who is cited, and as what.

In: an article, its sentences, and whatever answers for outlets' names. Out: the sentences with
their voice and citations. No model, and nothing of the registry but what it is asked.
"""

from classifier.attribution.citations.finder import find as find_citations
from classifier.attribution.reading import begin, cited, read
from classifier.attribution.words.lexicon import places as lexicon_places
from classifier.attribution.words.lexicon import terms as lexicon_terms
from classifier.attribution.words.lexicon import word_set
