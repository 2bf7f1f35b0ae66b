"""A report in, and out what somebody reads: the terminal, JSON, JSON Lines, or one HTML page."""

from framescope.classifier.reports.document import dumps, spans, to_json, to_line
from framescope.classifier.reports.html import environment_of, style, to_html
from framescope.classifier.reports.outlets import print_answer, print_problems
from framescope.classifier.reports.rows import need_pandas, row, to_frame, to_records
from framescope.classifier.reports.terminal import print_report
