"""Reports in; out comes what somebody reads: the terminal, JSON, JSON Lines, rows, an HTML page."""

from framescope.classifier.reports.document import report_schema, to_csv, to_html, to_json, to_line
from framescope.classifier.reports.terminal import print_article, print_end
