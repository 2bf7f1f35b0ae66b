"""A report in, and out what somebody reads: the terminal, JSON, JSON Lines, or one HTML page."""

from classifier.render.document import dumps, spans, to_json, to_line
from classifier.render.html import environment_of, style, to_html
from classifier.render.outlets import print_answer, print_problems
from classifier.render.rows import need_pandas, row, to_frame, to_records
from classifier.render.terminal import print_report
