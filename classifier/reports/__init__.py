"""Reports in; out comes what somebody reads: the terminal, JSON, JSON Lines, rows, an HTML page."""

from framescope.classifier.reports.document import (
    dumps,
    environment_of,
    need_pandas,
    report_schema,
    row,
    spans,
    style,
    to_csv,
    to_frame,
    to_html,
    to_json,
    to_line,
    to_records,
)
from framescope.classifier.reports.terminal import (
    print_answer,
    print_article,
    print_end,
    print_flaws,
)
