"""Sections in, out what somebody reads: one layout for terminal, Markdown, JSON and HTML."""

from eval.report.contents import MAIN
from eval.report.contents import build as build_report
from eval.report.contents import chosen as chosen_sections
from eval.report.layout import markdown_table
from eval.report.layout import show as show_section
from eval.report.layout import to_json as json_text
from eval.report.layout import to_markdown as section_to_markdown
from eval.report.report_page import to_html as report_to_html
from eval.report.report_page import to_json
from eval.report.sections_page import to_html as sections_to_html
