"""Reports in; out comes what somebody reads: the terminal, JSON, JSON Lines, rows, an HTML page."""

from framescope.classifier.reports.document import (
    dumps,
    need_pandas,
    report_schema,
    row,
    spans,
    to_frame,
    to_json,
    to_line,
    to_records,
)
from framescope.classifier.reports.html import environment_of, style, to_html
from framescope.classifier.reports.terminal import print_answer, print_problems, print_report
