"""Articles and labels out to an annotation tool's folder, and the labels of its export back in."""

from framescope.training.annotation import json_tools, spreadsheet
from framescope.training.annotation.exchange import Format, export, import_labels

FORMATS: dict[str, Format] = {  # by the name of the tool
    "label-studio": json_tools.LABEL_STUDIO,
    "doccano": json_tools.DOCCANO,
    "prodigy": json_tools.PRODIGY,
    "csv": spreadsheet.FORMAT,
}
