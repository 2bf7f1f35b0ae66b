"""The source card and the sourcing map of an article, in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

from framescope.classifier.records import ArticleReport, printable
from framescope.classifier.reports import figures
from framescope.classifier.reports.sources import SCALE, CardView, Proof, Step, card
from framescope.classifier.reports.sourcing import KEY, SourceRow, SourcingMap, sourcing_map
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

ADDRESS = re.compile(r"https?://\S+$")
"""What stays whole at the end of a line, however long it is."""

_LABEL = 8  # characters of a label of the card, and a space
_MOST_ROWS = 12
_MOST_NUMBERS = 20
_BAR = {"named": "█", "unnamed": "▒", "vague": "░", "untold": "-", "none": "·"}
_BAR_WIDTH = 60


def print_card(report: ArticleReport, console: Console) -> None:
    """Print an article's source card; nothing where no source was looked up."""
    found = card(report)
    if found is None:
        return
    for label, lines in (
        ("", _warned(found)),
        ("source", _published(found)),
        ("control", _control(found)),
        ("record", _record(found)),
        ("article", _shown(found, sourcing_map(report))),
    ):
        for number, line in enumerate(lines):
            _print_beside("" if number else label, line, console)
    console.print()


def _print_beside(label: str, line: Text, console: Console) -> None:
    """Print a line of the card beside its label; an address stays whole, however long it is."""
    head, room = Text(f"{label:<{_LABEL}}", style="dim"), max(console.width - _LABEL, 20)
    address = ADDRESS.search(line.plain)
    tail = None
    if address is not None and len(address[0]) > room:
        line, tail = line[: address.start()], line[address.start() :]
    for part in line.wrap(console, room):
        console.print(head + part)
        head = Text(" " * _LABEL)
    if tail is not None:
        console.print(head + tail, soft_wrap=True)


def print_map(report: ArticleReport, console: Console) -> None:
    """Print who an article stands on: a bar, and a table of its sources."""
    found = sourcing_map(report)
    if found is None:
        return
    console.print(Text("who the article stands on, in sentences", style="bold"))
    console.print(Text(_bar(found, min(_BAR_WIDTH, console.width)), style="blue"))
    key = "  ".join(f"{_BAR[group]} {KEY[group]} {found.counts[group]}" for group in found.groups)
    console.print(Text(key))
    if found.powers:
        console.print(Text(found.powers))
    console.print()
    if found.rows:
        console.print(_table(found))
        left = found.rows[_MOST_ROWS:]
        if left:
            console.print(Text(f"and {figures.counted(len(left), 'more source')}", style="dim"))
        console.print()


def _published(found: CardView) -> Iterator[Text]:
    if not found.steps:
        yield Text("unknown: nothing says who published it")
    for step in found.steps:
        yield _step(step)
    if found.imprint:
        yield Text(found.imprint, style="dim")
    if found.claimed:
        yield Text(found.claimed, style="dim")


def _warned(found: CardView) -> Iterator[Text]:
    if found.warning:
        yield Text(found.warning, style="bold red")


def _step(step: Step) -> Text:
    line = Text(step.name, style="bold").append(f": {step.did}, {step.basis}", "not bold")
    if step.words:
        line.append(f" “{step.words}”", "not bold dim")
    if step.sentence:
        line.append(f" (sentence {step.sentence})", "not bold dim")
    return line


def _control(found: CardView) -> Iterator[Text]:
    if found.about:
        yield Text(f"{found.about}: {found.kind}")
    for fact in found.control:
        line = Text(f"{fact.label}: {fact.said}" if fact.label else fact.said)
        yield line if fact.proof is None else line.append("; ").append_text(_proof(fact.proof))
    if found.uncontrolled:
        yield Text(found.uncontrolled)


def _record(found: CardView) -> Iterator[Text]:
    if found.estimate:
        yield Text(found.estimate, style="bold").append(f", {found.interval}; {SCALE}", "not bold")
    elif found.rated:
        yield Text(found.rated, style="bold")
    else:
        yield Text("unscored", style="bold").append(f": {found.reason}", "not bold")
    for finding in found.findings:
        yield Text(f"{finding.said}: ").append_text(_proof(finding.proof))
    if found.shift:
        yield Text(found.shift)


def _shown(found: CardView, map: SourcingMap | None) -> Iterator[Text]:
    if map is not None:
        yield Text(map.words)
    yield from (Text(line) for line in found.evidence)


def _proof(proof: Proof) -> Text:
    return Text(f"{proof.source} {proof.url}" if proof.url else proof.source, style="dim")


def _bar(found: SourcingMap, width: int) -> str:
    """Draw the bar in characters that differ without colour."""
    drawn, done, seen = "", 0, 0
    for group, character in _BAR.items():
        seen += found.counts[group]
        until = round(width * seen / found.total)
        drawn += character * (until - done)
        done = until
    return drawn


def _table(found: SourcingMap) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("source", overflow="fold", ratio=None)
    table.add_column("kind", overflow="fold")
    table.add_column("sentences", justify="right")
    table.add_column("which", overflow="fold")
    for row in found.rows[:_MOST_ROWS]:
        count = f"{len(row.sentences)} {row.share(found.total):>4}"
        table.add_row(Text(printable(row.label)), Text(", ".join(row.tags)), count, _numbers(row))
    return table


def _numbers(row: SourceRow) -> Text:
    shown = ", ".join(map(str, row.sentences[:_MOST_NUMBERS]))
    return Text(f"{shown}, …" if len(row.sentences) > _MOST_NUMBERS else shown)
