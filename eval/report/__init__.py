"""Sections in; out: terminal, Markdown, JSON and HTML, by one layout."""

from framescope.eval.report.evaluation import SECTIONS, build_report, report_to_html, report_to_json
from framescope.eval.report.layout import (
    json_text,
    markdown_table,
    plain,
    section_to_markdown,
    sections_to_html,
    show_section,
)
