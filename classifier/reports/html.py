"""A report as one self-contained page that asks the network for nothing.

The template, the style and the script lie beside this module; the page's own policy allows these
two inline parts by their digests and refuses every other script, style, image and request.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

from framescope.classifier import __version__
from framescope.classifier.records import (
    ArticleReport,
    BatchReport,
    Voice,
    counted,
    printable,
    shortened,
)
from framescope.classifier.reports import figures, layout, sources, sourcing
from framescope.classifier.reports.summary import Summary, is_loaded, summarise
from framescope.classifier.taxonomy import BY_NAME, NAMES, Family, Signal
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

_HERE = "framescope.classifier.reports"
_SHOWN_FAMILIES = (Family.FRAMING, Family.SOURCING, Family.CONTENT)


class _Piece(NamedTuple):
    """Words of a sentence, the signals they are evidence for, their families, and their part."""

    text: str
    signals: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence as the page shows it; ``number`` is 0 for text outside any sentence."""

    number: int
    voice: Voice
    pieces: tuple[_Piece, ...]
    marks: tuple[layout.SentenceMark, ...] = ()  # those that draw the eye first
    cited: tuple[sourcing.Cited, ...] = ()

    @property
    def loud(self) -> list[layout.SentenceMark]:
        return [mark for mark in self.marks if not mark.quiet]

    @property
    def also(self) -> list[layout.SentenceMark]:
        """The quiet reasons that are shown by name alone."""
        return [mark for mark in self.marks if mark.quiet and mark.kind.name != layout.CITED]

    @property
    def families(self) -> tuple[str, ...]:
        """The families to highlight the sentence with when the page opens."""
        return _families(mark.kind for mark in self.loud)

    @property
    def excerpt(self) -> str:
        return shortened("".join(piece.text for piece in self.pieces), layout.MAX_EXCERPT)


@dataclass(frozen=True, slots=True)
class _Page:
    """An article as the page shows it."""

    report: ArticleReport
    title: str
    headline: _Line | None  # the title as a scored sentence, where the text opens with it
    paragraphs: Sequence[Sequence[_Line]]
    summary: Summary
    card: sources.CardView | None
    map: sourcing.SourcingMap | None
    asked: tuple[layout.Asked, ...]

    @property
    def scored(self) -> bool:
        return self.report.note is None

    @property
    def marked(self) -> list[_Line]:
        headline = (self.headline,) if self.headline else ()
        lines = (*headline, *(line for paragraph in self.paragraphs for line in paragraph))
        return [line for line in lines if line.marks]

    @property
    def found(self) -> list[str]:
        return [name for name, tally in self.summary.flagged.items() if tally.total]

    @property
    def absent(self) -> list[str]:
        """The labels of the signals that no sentence carries."""
        return [BY_NAME[name].label for name in self.summary.flagged if name not in self.found]

    @property
    def loaded(self) -> int:
        return sum(map(is_loaded, self.report.sentences))


def to_html(report: BatchReport) -> str:
    """Write a report as one HTML page: a complete document, to be encoded as UTF-8."""
    environment = environment_of(_HERE)
    environment.filters["score"] = figures.score
    environment.globals |= {
        "publisher": sources.published_by, "imprint": layout.imprint, "carries": layout.carries,
        "counted": counted, "quiet": layout.QUIET, "signals": BY_NAME, "version": __version__,
        "APART": sources.APART, "SCALE": sources.SCALE, "KEY": sourcing.KEY,
    }  # fmt: skip
    pages = [_page(article, report.thresholds) for article in report.articles]
    return environment.get_template("report.html").render(
        report=report,
        pages=pages,
        groups=_groups(pages),
        style=style(_HERE, "report.css", "sources.css"),
        script=asset(_HERE, "report.js"),
        link=lambda article: sources.address(article.url),
    )


def _page(report: ArticleReport, thresholds: Mapping[str, float]) -> _Page:
    shown = [
        [_line(line, report, thresholds) for line in paragraph]
        for paragraph in layout.paragraphs(report)
    ]
    headline = None
    if layout.opens_with_title(report):
        headline, *rest = shown[0]
        shown[:1] = [rest] if rest else []
    return _Page(
        report,
        layout.title(report.article),
        headline,
        shown,
        summarise(report),
        sources.card(report),
        sourcing.sourcing_map(report),
        layout.assertions(report),
    )


def _line(line: layout.TextLine, report: ArticleReport, thresholds: Mapping[str, float]) -> _Line:
    if line.report is None:
        return _Line(0, Voice.OWN, (_Piece(printable(line.text)),))
    pieces = (
        _Piece(printable(cut.text), cut.signals, _families(map(layout.kind, cut.signals)), cut.role)
        for cut in layout.segments(line.report)
    )
    return _Line(
        line.number,
        line.report.voice,
        tuple(pieces),
        layout.marks(line.report, thresholds),
        sourcing.cited_in(report, line.report),
    )


def _families(kinds: Iterable[Signal]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.family.value for kind in kinds))


def _groups(pages: Iterable[_Page]) -> list[tuple[str, list[tuple[Signal, int]]]]:
    """Return the kinds of mark on the page by family, each with how many sentences carry it."""
    met = Counter(mark.kind.name for page in pages for line in page.marked for mark in line.marks)
    order = (layout.UNSOURCED, layout.CITED, layout.FURNITURE, *NAMES)
    kinds = [(layout.kind(name), met[name]) for name in order if name in met]
    groups = [
        (family.value, [pair for pair in kinds if pair[0].family is family])
        for family in _SHOWN_FAMILIES
    ]
    return [group for group in groups if group[1]]


def environment_of(package: str) -> Environment:
    """Return an environment for pages: the templates of a package, and ``page.html`` below them.

    Such a page is given a ``style`` and a ``script``, which may be empty.
    """
    loaders = [PackageLoader(name, "") for name in dict.fromkeys((package, _HERE))]
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=ChoiceLoader(loaders),
    )
    environment.filters |= {"printable": printable, "digest": _digest}
    return environment


def style(package: str, *names: str) -> str:
    """Return the style sheets of a package behind the one that all pages share."""
    return "".join((asset(_HERE, "base.css"), *(asset(package, name) for name in names)))


def asset(package: str, name: str) -> str:
    """Read a template, style sheet or script that lies beside a package's modules."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
