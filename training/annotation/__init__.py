"""Articles and labels out to an annotation tool's folder, and the labels of its export back in."""

from framescope.training.annotation import jsonl, label_studio, spreadsheet
from framescope.training.annotation.exchange import Format, export, import_labels

FORMATS: dict[str, Format] = {
    "label-studio": label_studio.FORMAT,
    "doccano": jsonl.DOCCANO,
    "prodigy": jsonl.PRODIGY,
    "csv": spreadsheet.FORMAT,
}
"""By the name of the tool."""
