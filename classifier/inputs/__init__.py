"""An input becomes articles, or `Skipped` with the reason; and an article becomes sentences."""

from framescope.classifier.inputs.exchange import read_citations, read_lines, read_record, to_record
from framescope.classifier.inputs.fields import RawRecord
from framescope.classifier.inputs.files import (
    InputOptions,
    ListedFile,
    has_changed,
    identity,
    list_inputs,
    read_list,
    size_of_inputs,
)
from framescope.classifier.inputs.normal import Original, legible, normalise_articles, restore
from framescope.classifier.inputs.page import is_headline, iso_date
from framescope.classifier.inputs.page import own_name as own_name_of_page
from framescope.classifier.inputs.reading import (
    Input,
    read_frame,
    read_input,
    read_inputs,
    read_value,
    read_values,
    split_input,
)
from framescope.classifier.inputs.republication import layers as republication_layers
from framescope.classifier.inputs.republication import same_outlet
from framescope.classifier.inputs.sentences import detect_language, most_of
from framescope.classifier.inputs.sentences import split as split_sentences
