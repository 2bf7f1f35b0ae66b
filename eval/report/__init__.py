"""Sections in, out what somebody reads: one layout for terminal, Markdown, JSON and HTML."""

from framescope.eval.report.contents import MAIN
from framescope.eval.report.contents import build as build_report
from framescope.eval.report.contents import chosen as chosen_sections
from framescope.eval.report.layout import markdown_table
from framescope.eval.report.layout import show as show_section
from framescope.eval.report.layout import to_json as json_text
from framescope.eval.report.layout import to_markdown as section_to_markdown
from framescope.eval.report.report_page import to_html as report_to_html
from framescope.eval.report.report_page import to_json
from framescope.eval.report.sections_page import to_html as sections_to_html
