"""A report as one self-contained page that asks the network for nothing.

The template, the style and the script lie beside this module; the page's own policy allows these
two inline parts by their digests and refuses every other script, style, image and request.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files

from framescope.classifier import __version__
from framescope.classifier.records import ArticleReport, BatchReport, Voice, printable, shortened
from framescope.classifier.reports import figures
from framescope.classifier.reports.brief import in_brief, is_loaded
from framescope.classifier.reports.figures import Summary, summarise
from framescope.classifier.reports.layout import (
    CITED,
    FURNITURE,
    MAX_EXCERPT,
    UNSOURCED,
    Asked,
    MarkKind,
    SentenceMark,
    TextLine,
    assertions,
    carries,
    imprint,
    kind,
    marks,
    opens_with_title,
    paragraphs,
    segments,
    title,
)
from framescope.classifier.reports.sources import (
    APART,
    SCALE,
    CardView,
    address,
    card,
    published_by,
)
from framescope.classifier.reports.sourcing import KEY, Cited, SourcingMap, cited_in, sourcing_map
from framescope.classifier.taxonomy import BY_NAME, NAMES, Family
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

_HERE = "framescope.classifier.reports"
_SHOWN_FAMILIES = (Family.FRAMING, Family.SOURCING, Family.CONTENT)


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a sentence, the signals they are evidence for, their families, and their part."""

    text: str
    signals: tuple[str, ...]
    families: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence as the page shows it; ``number`` is 0 for text outside any sentence."""

    number: int
    voice: Voice
    pieces: tuple[Piece, ...]
    loud: tuple[SentenceMark, ...] = ()
    quiet: tuple[SentenceMark, ...] = ()
    cited: tuple[Cited, ...] = ()

    @property
    def also(self) -> tuple[SentenceMark, ...]:
        """The quiet reasons that are shown by name alone."""
        return tuple(mark for mark in self.quiet if mark.kind.name != CITED)

    @property
    def marks(self) -> tuple[SentenceMark, ...]:
        """Every reason, those that draw the eye first."""
        return self.loud + self.quiet

    @property
    def families(self) -> tuple[str, ...]:
        """Families to highlight the sentence with when the page opens."""
        return _families(mark.kind for mark in self.loud)

    @property
    def excerpt(self) -> str:
        """The first words, to find the sentence by."""
        return shortened("".join(piece.text for piece in self.pieces), MAX_EXCERPT)


@dataclass(frozen=True, slots=True)
class VoiceRow:
    """A row of the table by voice: a number and a share for own, reported, quoted and all."""

    label: str
    cells: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ArticleVerdict:
    """An article-level signal's decision."""

    kind: MarkKind
    score: str
    threshold: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """An article as the page shows it."""

    report: ArticleReport
    title: str
    headline: Shown | None  # the title as a scored sentence, where the text opens with it
    paragraphs: tuple[tuple[Shown, ...], ...]
    summary: Summary
    rows: tuple[VoiceRow, ...]
    absent: tuple[str, ...]  # labels of the signals that no sentence carries
    verdicts: tuple[ArticleVerdict, ...]
    card: CardView | None
    map: SourcingMap | None
    brief: str
    asked: tuple[Asked, ...]  # assertions that an editor would ask a source for, the surest first
    loaded: int  # sentences that are loaded

    @property
    def scored(self) -> bool:
        """Whether there are scores to show."""
        return self.report.note is None

    @property
    def marked(self) -> tuple[Shown, ...]:
        """The sentences with any reason to show, in order."""
        headline = (self.headline,) if self.headline else ()
        lines = (*headline, *(line for paragraph in self.paragraphs for line in paragraph))
        return tuple(line for line in lines if line.marks)


def to_html(report: BatchReport) -> str:
    """Write a report as one HTML page.

    Parameters
    ----------
    report : BatchReport

    Returns
    -------
    str
        A complete document; encode it as UTF-8.
    """
    environment = environment_of(_HERE)
    environment.filters["score"] = figures.score
    environment.globals |= {"publisher": published_by, "imprint": imprint, "carries": carries}
    environment.globals |= {"APART": APART, "SCALE": SCALE, "KEY": KEY}
    pages = [_page(article, report.thresholds) for article in report.articles]
    return environment.get_template("report.html").render(
        report=report,
        pages=pages,
        groups=_groups(pages),
        style=style(_HERE, "report.css", "sources.css"),
        script=asset(_HERE, "report.js"),
        link=lambda article: address(article.url),
        version=__version__,
        counted=figures.counted,
    )


def _page(report: ArticleReport, thresholds: Mapping[str, float]) -> ArticlePage:
    shown = [
        tuple(_shown(line, report, thresholds) for line in paragraph)
        for paragraph in paragraphs(report)
    ]
    headline = None
    if opens_with_title(report):
        headline, *rest = shown[0]
        shown[:1] = [tuple(rest)] if rest else []
    summary = summarise(report)
    return ArticlePage(
        report=report,
        title=title(report.article),
        headline=headline,
        paragraphs=tuple(shown),
        summary=summary,
        rows=tuple(_rows(summary)),
        absent=tuple(BY_NAME[name].label for name, tally in summary.flagged.items()
                     if not tally.total),
        verdicts=tuple(_verdicts(report, thresholds)),
        card=card(report),
        map=sourcing_map(report),
        brief=in_brief(report),
        asked=assertions(report),
        loaded=sum(map(is_loaded, report.sentences)),
    )  # fmt: skip


def _shown(line: TextLine, report: ArticleReport, thresholds: Mapping[str, float]) -> Shown:
    if line.report is None:
        return Shown(0, Voice.OWN, (Piece(printable(line.text), (), ()),))
    found = marks(line.report, thresholds)
    return Shown(
        line.number,
        line.report.sentence.voice,
        tuple(
            Piece(printable(cut.text), cut.signals, _families(map(kind, cut.signals)), cut.role)
            for cut in segments(line.report)
        ),
        loud=tuple(mark for mark in found if not mark.quiet),
        quiet=tuple(mark for mark in found if mark.quiet),
        cited=cited_in(report, line.report),
    )


def _families(kinds: Iterable[MarkKind]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(kind.family.value for kind in kinds))


def _rows(summary: Summary) -> Iterable[VoiceRow]:
    for name, tally in summary.flagged.items():
        if tally.total:
            yield VoiceRow(BY_NAME[name].label, tuple(tally.shares(summary.sentences)))


def _verdicts(report: ArticleReport, thresholds: Mapping[str, float]) -> Iterable[ArticleVerdict]:
    for name, value in report.scores.items():
        threshold = figures.score(thresholds[name]) if name in thresholds else ""
        yield ArticleVerdict(kind(name), figures.score(value), threshold, name in report.flags)


def _groups(pages: Iterable[ArticlePage]) -> list[tuple[str, list[tuple[MarkKind, int]]]]:
    """Return the kinds of mark on the page by family, each with how many sentences carry it."""
    met = Counter(mark.kind.name for page in pages for line in page.marked for mark in line.marks)
    order = (UNSOURCED, CITED, FURNITURE, *NAMES)
    kinds = [(kind(name), met[name]) for name in order if name in met]
    groups = [(family.value, [pair for pair in kinds if pair[0].family is family])
              for family in _SHOWN_FAMILIES]  # fmt: skip
    return [group for group in groups if group[1]]


def environment_of(package: str) -> Environment:
    """Give an environment for pages: the templates of a package, and ``page.html`` below them.

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
    """Put the style sheets of a package behind the one that all pages share."""
    return "".join((asset(_HERE, "base.css"), *(asset(package, name) for name in names)))


def asset(package: str, name: str) -> str:
    """Read a template, style sheet or script that lies beside a package's modules."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
