"""An input becomes articles, and an article sentences.

In: a file, an address, standard input, or lines of the exchange format. Out: `Article` values, or
`Skipped` with the reason; or first an input's `RawRecord` values, which are read elsewhere.
`split_sentences` gives an article's sentences, the same in training and in serving.
"""

from classifier.pages.citation_labels import read as read_citations
from classifier.pages.decoding import detect_language
from classifier.pages.exchange import from_record, to_record
from classifier.pages.given import Input, articles, of_table, several
from classifier.pages.headers import is_headline
from classifier.pages.headers import own_name as own_name_of_page
from classifier.pages.inputs import Options as InputOptions
from classifier.pages.inputs import read as read_input
from classifier.pages.inputs import split as split_input
from classifier.pages.listing import ListedFile, read_list
from classifier.pages.listing import listed as list_inputs
from classifier.pages.listing import size_of as size_of_inputs
from classifier.pages.raw import RawRecord
from classifier.pages.records import read_lines
from classifier.pages.republication import layers as republication_layers
from classifier.pages.republication import same_outlet
from classifier.pages.sentences import split as split_sentences
