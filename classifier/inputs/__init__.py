"""An input becomes articles, and an article sentences.

In: a file, an address, standard input, or lines of the exchange format. Out: `Article` values, or
`Skipped` with the reason; or first an input's `RawRecord` values, which are read elsewhere.
`split_sentences` gives an article's sentences, the same in training and in serving.
"""

from framescope.classifier.inputs.citation_labels import read as read_citations
from framescope.classifier.inputs.decoding import detect_language
from framescope.classifier.inputs.exchange import from_record, to_record
from framescope.classifier.inputs.given import Input, articles, of_table, several
from framescope.classifier.inputs.headers import is_headline
from framescope.classifier.inputs.headers import own_name as own_name_of_page
from framescope.classifier.inputs.listing import ListedFile, read_list
from framescope.classifier.inputs.listing import listed as list_inputs
from framescope.classifier.inputs.listing import size_of as size_of_inputs
from framescope.classifier.inputs.raw import RawRecord
from framescope.classifier.inputs.reading import Options as InputOptions
from framescope.classifier.inputs.reading import read as read_input
from framescope.classifier.inputs.reading import split as split_input
from framescope.classifier.inputs.records import read_lines
from framescope.classifier.inputs.republication import layers as republication_layers
from framescope.classifier.inputs.republication import same_outlet
from framescope.classifier.inputs.sentences import split as split_sentences
