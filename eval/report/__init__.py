"""Sections in, out what somebody reads: one layout for terminal, Markdown, JSON and HTML."""

from eval.report.report import MAIN
from eval.report.report import build as build_report
from eval.report.report_page import to_html as report_to_html
from eval.report.report_record import to_json as report_to_json
from eval.report.report_sections import chosen as chosen_sections
from eval.report.table import print_table, to_markdown, to_text
from eval.report.table import to_json as comparison_to_json

__all__ = [
    "MAIN",
    "build_report",
    "chosen_sections",
    "comparison_to_json",
    "print_table",
    "report_to_html",
    "report_to_json",
    "to_markdown",
    "to_text",
]
