"""A report as one self-contained page that asks the network for nothing.

The template, the style and the script lie beside this module; the page's own policy allows these
two inline parts by their digests and refuses every other script, style, image and request.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib.resources import files
from itertools import chain
from typing import Any

from framescope.classifier import __version__
from framescope.classifier.records import ArticleReport, BatchReport, counted, printable, shortened
from framescope.classifier.reports import layout, sources, sourcing
from framescope.classifier.taxonomy import BY_NAME, NAMES, Family, Signal
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

_HERE = "framescope.classifier.reports"


def to_html(report: BatchReport) -> str:
    """Write a report as one HTML page: a complete document, to be encoded as UTF-8."""
    environment = environment_of(_HERE)
    environment.filters |= {"score": layout.score_in_words, "shortened": shortened}
    environment.globals |= {
        "publisher": sources.published_by, "imprint": layout.imprint, "carries": layout.carries,
        "cited_in": sourcing.cited_in, "counted": counted, "quiet": layout.QUIET,
        "signals": BY_NAME, "version": __version__, "APART": sources.APART, "SCALE": sources.SCALE,
        "KEY": sourcing.KEY, "proof_of": sources.proof,
    }  # fmt: skip
    pages = [_page(article, report.thresholds) for article in report.articles]
    return environment.get_template("report.html").render(
        report=report,
        pages=pages,
        groups=_groups(pages),
        style=style(_HERE, "report.css", "sources.css"),
        script=_asset(_HERE, "report.js"),
        link=lambda article: sources.address(article.url),
    )


def _page(report: ArticleReport, thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return an article as the page shows it."""
    paragraphs = list(layout.paragraphs(report, thresholds))
    lines = list(chain(*paragraphs))
    headline = None  # the title as a scored sentence, where the text opens with it
    if layout.opens_with_title(report):
        headline, *rest = paragraphs[0]
        paragraphs[:1] = [tuple(rest)] if rest else []
    summary = sourcing.summarise(report)
    return {
        "report": report,
        "scored": report.note is None,
        "title": layout.title(report.article),
        "headline": headline,
        "paragraphs": paragraphs,
        "marked": [line for line in lines if line.marks],
        "summary": summary,
        "found": [name for name, tally in summary.flagged.items() if tally.total],
        "absent": [BY_NAME[name].label for name, n in summary.flagged.items() if not n.total],
        "loaded": sum(map(sourcing.is_loaded, report.sentences)),
        "card": sources.card(report),
        "map": sourcing.sourcing_map(report),
        "asked": layout.assertions(report),
    }


def _groups(pages: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[tuple[Signal, int]]]]:
    """Return the kinds of mark on the page by family, each with how many sentences carry it."""
    lines = (line for page in pages for line in page["marked"])
    met = Counter(mark.kind.name for line in lines for mark in line.marks)
    order = (layout.UNSOURCED, layout.CITED, layout.FURNITURE, *NAMES)
    kinds = [(layout.kind(name), met[name]) for name in order if name in met]
    groups = (
        (family.value, [pair for pair in kinds if pair[0].family is family])
        for family in (Family.FRAMING, Family.SOURCING, Family.CONTENT)
    )
    return [group for group in groups if group[1]]


def environment_of(package: str) -> Environment:
    """Return an environment for pages: the templates of a package, and ``page.html`` below them."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(_HERE, "")]),
    )
    environment.filters |= {"printable": printable, "digest": _digest}
    return environment


def style(package: str, *names: str) -> str:
    """Return the style sheets of a package behind the one that all pages share."""
    return "".join((_asset(_HERE, "base.css"), *(_asset(package, name) for name in names)))


def _asset(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
