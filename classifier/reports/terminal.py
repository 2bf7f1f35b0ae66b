"""A report in a terminal: readable at 80 columns, and without colour.

Article text is only ever put into `rich.text.Text`, which reads no markup in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from framescope.classifier import __version__
from framescope.classifier.records import ArticleReport, BatchReport, Skipped, Voice, printable
from framescope.classifier.reports import figures
from framescope.classifier.reports.brief import in_brief
from framescope.classifier.reports.figures import ASSERTION, Summary, summarise
from framescope.classifier.reports.layout import (
    CITED,
    UNSOURCED,
    MarkKind,
    SentenceMark,
    TextLine,
    assertions,
    carries,
    imprint,
    is_marked,
    kind,
    marks,
    paragraphs,
    segments,
    title,
)
from framescope.classifier.reports.sources import APART, published_by, warning
from framescope.classifier.reports.sourcing import cited_in, in_words
from framescope.classifier.reports.terminal_sources import ADDRESS, print_card, print_map
from framescope.classifier.taxonomy import BY_NAME, NAMES, Family
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Colours a terminal's own theme defines, so they are legible on a light and a dark background.
_FAMILY_STYLE = {
    Family.FRAMING: "red",
    Family.SOURCING: "magenta",
    Family.CONTENT: "cyan",
    Family.ARTICLE: "red",
}
_VOICE_MARK = {Voice.OWN: " ", Voice.REPORTED: "R", Voice.QUOTED: "Q"}
_FLAGGED, _ASKED = ">", "?"
_MOST_WORDS = 3  # stretches of words shown for a reason
_MOST_ASKED = 5
_KEY = (
    f"{_FLAGGED} marked   {_ASKED} only: {kind(ASSERTION).label}   "
    "R reported   Q quoted   no letter: own voice"
)


def print_report(report: BatchReport, console: Console, *, legend: bool = False) -> None:
    """Print a report.

    Parameters
    ----------
    report : BatchReport
    console : rich.console.Console
        Where to; its width and colours are kept to.
    legend : bool
        Whether to explain the marks.
    """
    total = len(report.articles)
    if not total:
        console.print(Text("No article was scored."))
    for number, article in enumerate(report.articles, start=1):
        _print_article(article, report.thresholds, f"article {number} of {total}", console)
    if legend and any(article.note is None for article in report.articles):
        _print_legend(report, console)
    _print_foot(report, console, legend=legend)
    _print_skipped(report.skipped, console)


def _print_article(
    report: ArticleReport, thresholds: Mapping[str, float], place: str, console: Console
) -> None:
    console.rule(Text(place, style="dim"), align="left", style="dim")
    if said := warning(report):
        console.print(Text(said, style="bold red"))
    console.print(Text(title(report.article), style="bold"))
    for line in _origin(report):
        console.print(line, soft_wrap=ADDRESS.fullmatch(line.plain) is not None)
    console.print(Text(in_brief(report), style="italic"))
    console.print()
    console.print(_text_of(report, thresholds))
    console.print()
    print_card(report, console)
    print_map(report, console)
    if report.note is None:
        _print_asked(report, console)
        summary = summarise(report)
        console.print(_by_voice(summary))
        for line in _counts(report, summary, thresholds):
            console.print(line)
        console.print()


def _print_asked(report: ArticleReport, console: Console) -> None:
    """Print the assertions that an editor would ask a source for, the surest first."""
    found = assertions(report)
    if not found:
        return
    console.print(Text("what an editor would ask a source for", style="bold"))
    rows = Table.grid(padding=(0, 1))
    rows.add_column(justify="right", style="dim")
    rows.add_column(style="dim")
    rows.add_column(overflow="fold")
    for one in found[:_MOST_ASKED]:
        rows.add_row(Text(str(one.number)), figures.score(one.score), Text(one.excerpt))
    console.print(rows)
    if left := found[_MOST_ASKED:]:
        console.print(Text(f"and {figures.counted(len(left), 'more assertion')}", style="dim"))
    console.print()


def _origin(report: ArticleReport) -> Iterator[Text]:
    article = report.article
    yield Text(" · ".join((f"Publisher: {published_by(report)}", *imprint(article))))
    if article.origin is not None and article.origin.input != article.url:
        yield Text(printable(str(article.origin)), style="dim", overflow="fold")
    if article.url:
        yield Text(printable(article.url), style="dim", overflow="fold")
    for part in article.republications:
        yield Text(carries(report, part), style="italic")


def _text_of(report: ArticleReport, thresholds: Mapping[str, float]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)  # marked or not
    table.add_column(justify="right", style="dim")  # the sentence's number
    table.add_column(width=1)  # its voice
    table.add_column(overflow="fold")
    for index, paragraph in enumerate(paragraphs(report)):
        if index:
            table.add_row()
        for line in paragraph:
            _add_line(table, line, report, thresholds)
    return table


def _add_line(
    table: Table, line: TextLine, report: ArticleReport, thresholds: Mapping[str, float]
) -> None:
    if line.report is None:
        table.add_row("", "", "", Text(printable(line.text).strip(), style="dim"))
        return
    voice = _VOICE_MARK[line.report.sentence.voice] if report.note is None else ""
    marked = is_marked(line.report)
    text = Text(style="bold" if marked else "")
    for segment in segments(line.report):
        style = _evidence_style(segment.signals) if marked else ""
        text.append(printable(segment.text), style=style)
    found = marks(line.report, thresholds) if marked else ()
    table.add_row(_gutter(found), Text(str(line.number)), voice, text)
    for reason in _reasons(found):
        table.add_row("", "", "", reason)
    # Most sentences of an article cite somebody: the rest are found by the map's numbers.
    for cited in cited_in(report, line.report) if marked else ():
        table.add_row("", "", "", Text("└ says: ").append(in_words(cited), "dim"))


def _gutter(found: Sequence[SentenceMark]) -> Text:
    loud = [mark.kind.name for mark in found if not mark.quiet]
    if not loud:
        return Text()
    if loud == [ASSERTION]:
        return Text(_ASKED, style=f"bold {_FAMILY_STYLE[Family.SOURCING]}")
    return Text(_FLAGGED, style=f"bold {_FAMILY_STYLE[Family.FRAMING]}")


def _evidence_style(signals: Sequence[str]) -> str:
    return f"underline {_FAMILY_STYLE[BY_NAME[signals[0]].family]}" if signals else ""


def _reasons(found: Sequence[SentenceMark]) -> Iterator[Text]:
    """A line for each reason with its words; those that don't mark by themselves share the last."""
    for mark in found:
        if not mark.quiet:
            words = ", ".join(f"“{word}”" for word in mark.words[:_MOST_WORDS])
            yield Text("└ ").append(_named(mark)).append(f"  {words}" if words else "", "dim")
    quiet = [_named(mark) for mark in found if mark.quiet and mark.kind.name != CITED]
    if quiet:
        yield Text("└ ").append(Text(" · ").join(quiet))


def _named(mark: SentenceMark) -> Text:
    score = "" if mark.score is None else f" {figures.score(mark.score)}"
    style = "dim" if mark.quiet else _FAMILY_STYLE[mark.kind.family]
    return Text(mark.kind.label + score, style=style)


def _by_voice(summary: Summary) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("")
    for voice in ("own voice", "reported", "quoted", "all"):
        table.add_column(voice, justify="right")
    whole = summary.sentences
    table.add_row("sentences", *(Text(str(number)) for number, _ in whole.shares(whole)))
    for name, tally in summary.flagged.items():
        if tally.total:
            style = _FAMILY_STYLE[BY_NAME[name].family]
            label = Text(BY_NAME[name].label, style=style)
            shares = tally.shares(whole)
            table.add_row(label, *(Text(f"{part} {share:>4}") for part, share in shares))
    return table


def _counts(
    report: ArticleReport, summary: Summary, thresholds: Mapping[str, float]
) -> Iterator[Text]:
    counts = [figures.counted(summary.sentences.total, "sentence")]
    if summary.claims is not None:
        counts.append(figures.counted(summary.claims, "claim"))
    if summary.attributed is not None:
        counts.append(f"{summary.attributed} attributed")
    yield Text(" · ".join(counts))
    for name, value in report.scores.items():
        decision = "flagged" if name in report.flags else "not flagged"
        line = f"{BY_NAME[name].label}: {figures.score(value)}, {decision}"
        if name in thresholds:
            line += f" (threshold {figures.score(thresholds[name])})"
        yield Text(line, style=_FAMILY_STYLE[Family.ARTICLE] if name in report.flags else "")


def _print_legend(report: BatchReport, console: Console) -> None:
    console.rule(Text("what the marks mean", style="dim"), align="left", style="dim")
    console.print(Text(_KEY))
    console.print(Text("shares are of the sentences in that voice; a mark says how a sentence is "
                       "worded or sourced, not whether it is true"))  # fmt: skip
    if any(article.source is not None for article in report.articles):
        console.print(Text(APART))
    console.print()
    table = Table.grid(padding=(0, 2))
    table.add_column(max_width=30)
    table.add_column()
    for met in _kinds_met(report):
        table.add_row(Text(met.label, style=_FAMILY_STYLE[met.family]), Text(met.meaning))
    console.print(table)
    console.print()


def _print_foot(report: BatchReport, console: Console, *, legend: bool) -> None:
    """Say what it was computed with, and where the marks are explained."""
    computed = f" ({printable(report.runtime)})" if report.runtime else ""
    digest = f", {report.digest[:12]}" if report.digest else ""
    line = f"model: {printable(report.model)}{digest}{computed}; framescope {__version__}"
    console.print(Text(line, style="dim"))
    if not legend and any(article.note is None for article in report.articles):
        console.print(Text("what the marks mean: --legend", style="dim"))


def _kinds_met(report: BatchReport) -> list[MarkKind]:
    met = {name for article in report.articles for name in article.flags}
    for article in report.articles:
        for sentence in article.sentences:
            met |= {mark.kind.name for mark in marks(sentence, report.thresholds)}
    return [kind(name) for name in (UNSOURCED, *NAMES) if name in met]


def _print_skipped(skipped: Sequence[Skipped], console: Console) -> None:
    if not skipped:
        return
    console.print()
    console.rule(Text("not read", style="dim"), align="left", style="dim")
    for item in skipped:
        console.print(Text(f"{printable(item.source)}: {printable(item.reason)}"))
