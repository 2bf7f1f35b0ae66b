"""Articles and labels out to an annotation tool's folder, and the labels of its export back in."""

from framescope.training.annotation import doccano, label_studio, prodigy, spreadsheet
from framescope.training.annotation.exchange import Format, export, import_labels

FORMATS: dict[str, Format] = {
    "label-studio": label_studio.FORMAT,
    "doccano": doccano.FORMAT,
    "prodigy": prodigy.FORMAT,
    "csv": spreadsheet.FORMAT,
}
"""By the name of the tool."""
