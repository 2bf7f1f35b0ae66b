"""An input becomes articles, and an article sentences.

In: a file, an address, standard input, or lines of the exchange format. Out: `Article` values, or
`Skipped` with the reason; or first an input's `RawRecord` values, which are read elsewhere.
`split_sentences` gives an article's sentences, the same in training and in serving.
"""

from framescope.classifier.pages.citation_labels import read as read_citations
from framescope.classifier.pages.decoding import detect_language
from framescope.classifier.pages.exchange import from_record, to_record
from framescope.classifier.pages.given import Input, articles, of_table, several
from framescope.classifier.pages.headers import is_headline
from framescope.classifier.pages.headers import own_name as own_name_of_page
from framescope.classifier.pages.inputs import Options as InputOptions
from framescope.classifier.pages.inputs import read as read_input
from framescope.classifier.pages.inputs import split as split_input
from framescope.classifier.pages.listing import ListedFile, read_list
from framescope.classifier.pages.listing import listed as list_inputs
from framescope.classifier.pages.listing import size_of as size_of_inputs
from framescope.classifier.pages.raw import RawRecord
from framescope.classifier.pages.records import read_lines
from framescope.classifier.pages.republication import layers as republication_layers
from framescope.classifier.pages.republication import same_outlet
from framescope.classifier.pages.sentences import split as split_sentences
