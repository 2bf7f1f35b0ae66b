"""Sections on a page of their own, one below the other, for whatever has no report."""

from __future__ import annotations

from collections.abc import Mapping

from framescope.classifier.reports import style
from framescope.eval.metrics import Section
from framescope.eval.report import layout


def to_html(title: str, lead: str, sections: Mapping[str, Section], signature: str) -> str:
    """Lay sections out as one HTML page that works offline.

    Parameters
    ----------
    title : str
    lead : str
        What was done, in a sentence below the title.
    sections : mapping of str to Section
        By their headings.
    signature : str
        Names what was measured on what.

    Returns
    -------
    str
        A complete document; encode it as UTF-8.
    """
    return (
        layout.environment()
        .get_template("sections.html")
        .render(
            title=title,
            lead=lead,
            sections=sections,
            signature=signature,
            style=style("framescope.eval.report", "report.css"),
            script="",
        )
    )
