"""A comparison as a table in the terminal, in Markdown, and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from classifier.taxonomy import BY_NAME, Level
from eval.compare import Comparison, Cost, Difference, Row
from eval.figures import LEVEL, METRICS, Interval

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION = 2
UNDEFINED = "–"
PRINTED: tuple[str, ...] = ("f1", "macro_f1", "average_precision", "ece")
"""The figures of the tables; JSON has them all."""

_MARK = " *"
_MARGIN = 24  # columns before the first figure: "hyperpartisan, test" and some
_NAME = 12  # a model's name is cut to this in the terminal; the signature has it whole

_LEGEND = (
    "Differences are the second model's figure less the first's, with a 95% interval from "
    "resampling whole groups (articles, pages or outlets); * where it leaves out 0. "
    "ECE: lower is better. "
    f"{UNDEFINED}: undefined, or not given by that model."
)


def print_table(comparison: Comparison, console: Console) -> None:
    """Print a table for each part of each corpus; it fits 80 columns."""
    from rich.text import Text

    names = [_shortened(name) for name in _names(comparison)]
    widths = [max(len(name), 8) for name in names]
    for title, rows, cost in _blocks(comparison):
        head = f"{title:<{_MARGIN}}{_columns(names, widths)}  difference"
        console.print(Text(head, "bold underline"), soft_wrap=True)
        for row in rows:
            console.print(Text(row.signal, "bold"))
            console.print(Text(f"  {_counts(row)}", "dim"), soft_wrap=True)
            for label, a, b, difference in _lines(row):
                line = f"  {label:<{_MARGIN - 2}}{_columns((a, b), widths)}  {difference}"
                style = "bold" if difference.endswith(_MARK) else ""
                console.print(Text(line, style), soft_wrap=True)
        console.print(Text(_seconds(cost, *names)), "\n", sep="")
    console.print(Text(_LEGEND))
    console.print(Text(comparison.signature), style="dim", soft_wrap=True)


def _columns(values: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {value:>{width}}" for value, width in zip(values, widths, strict=True))


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def to_text(comparison: Comparison) -> str:
    """Write the tables as they look in the terminal, without colour, for a file."""
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    print_table(comparison, Console(file=text, width=100, highlight=False))
    return text.getvalue()


def to_markdown(comparison: Comparison) -> str:
    """Write the same tables for a document; counts stand beside each signal's first figure."""
    name_a, name_b = (name.replace("|", "\\|") for name in _names(comparison))
    parts = []
    for title, rows, cost in _blocks(comparison):
        parts += [f"### {title}", ""]
        parts += [
            f"| signal | n | positive | groups | always yes, F1 | figure | {name_a} | {name_b} | "
            "difference (95% interval) |",
            "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
        ]
        for row in rows:
            head = (row.signal, f"{row.n:,}", f"{row.positives:,}", f"{row.n_groups:,}")
            cells = [*head, _figure(row.always_yes_f1)]
            for line in _lines(row, intervals=True):
                parts.append("| " + " | ".join((*cells, *line)) + " |")
                cells = [""] * len(cells)
        parts += ["", _seconds(cost, name_a, name_b), ""]
    parts += [_LEGEND.replace("*", "\\*"), "", f"`{comparison.signature}`", ""]
    return "\n".join(parts)


def to_json(comparison: Comparison) -> str:
    """Every figure, undefined ones as null, and the signature."""
    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": comparison.signature,
        "data": comparison.data,
        "a": {"name": comparison.a.name, "digest": comparison.a.digest},
        "b": {"name": comparison.b.name, "digest": comparison.b.digest},
        "resampling": {"draws": comparison.draws, "seed": comparison.seed, "level": LEVEL},
        "seconds_per_1000_sentences": [
            {"corpus": c.corpus, "sentences": c.sentences, "a": c.a, "b": c.b}
            for c in comparison.costs
        ],
        "rows": [_record(row) for row in comparison.rows],
    }
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _record(row: Row) -> dict[str, Any]:
    return {
        "corpus": row.corpus,
        "part": row.part,
        "signal": row.signal,
        "n": row.n,
        "n_groups": row.n_groups,
        "positives": row.positives,
        "always_yes_f1": _or_null(row.always_yes_f1),
        "a": _figures_record(row.a),
        "b": _figures_record(row.b),
        "intervals_a": _intervals_record(row.intervals_a),
        "intervals_b": _intervals_record(row.intervals_b),
        "mcnemar": {
            "p": _or_null(row.mcnemar),
            "holm": _or_null(row.mcnemar_corrected),
        },
        "differences": {
            name: {
                "value": _or_null(difference.value),
                "low": _or_null(difference.interval.low),
                "high": _or_null(difference.interval.high),
                "p": _or_null(difference.p),
            }
            for name, difference in row.differences.items()
        }
        or None,
    }


def _figures_record(figures: Mapping[str, float] | None) -> dict[str, float | None] | None:
    if figures is None:
        return None
    return {name: _or_null(value) for name, value in figures.items()}


def _intervals_record(intervals: Mapping[str, Interval]) -> dict[str, list[float | None]]:
    return {name: [_or_null(i.low), _or_null(i.high)] for name, i in intervals.items()}


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _names(comparison: Comparison) -> tuple[str, str]:
    """Name the models, told apart where they have one name."""
    a, b = comparison.a.name, comparison.b.name
    return (a, b) if a != b else (f"{a} (a)", f"{b} (b)")


def _blocks(comparison: Comparison) -> Iterator[tuple[str, list[Row], Cost]]:
    """Group what is shown together: the rows of one part of one corpus."""
    costs = {cost.corpus: cost for cost in comparison.costs}
    for (corpus, part), rows in groupby(comparison.rows, key=lambda row: (row.corpus, row.part)):
        yield f"{corpus}, {part}", list(rows), costs[corpus]


def _counts(row: Row) -> str:
    unit = "articles" if BY_NAME[row.signal].level is Level.ARTICLE else "sentences"
    size = f"n {row.n:,} {unit} in {row.n_groups:,} groups"
    return f"{size}, {row.positives:,} positive; always yes: F1 {_figure(row.always_yes_f1)}"


def _lines(row: Row, *, intervals: bool = False) -> Iterator[tuple[str, str, str, str]]:
    """One figure a line: its name, both models', and their difference."""
    of_a, of_b = (row.intervals_a, row.intervals_b) if intervals else ({}, {})
    for metric in METRICS:
        if metric.name in PRINTED:
            yield (
                metric.label,
                _figure(row.a[metric.name] if row.a else math.nan) + _range(of_a.get(metric.name)),
                _figure(row.b[metric.name] if row.b else math.nan) + _range(of_b.get(metric.name)),
                _difference(row.differences.get(metric.name)),
            )


def _figure(value: float) -> str:
    return UNDEFINED if math.isnan(value) else f"{value:.3f}"


def _range(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return ""
    return f" ({max(interval.low, 0):.2f} to {interval.high:.2f})"


def _difference(difference: Difference | None) -> str:
    if difference is None or math.isnan(difference.value):
        return UNDEFINED
    value = f"{difference.value:+.3f}"
    low, high = difference.interval.low, difference.interval.high
    if math.isnan(low):
        return f"{value} [{UNDEFINED}]"
    return f"{value} [{low:+.3f}, {high:+.3f}]" + (_MARK if low > 0 or high < 0 else "")


def _seconds(cost: Cost, name_a: str, name_b: str) -> str:
    return (
        f"Seconds for 1,000 sentences: {name_a} {cost.a:.2f}, {name_b} {cost.b:.2f} "
        f"({cost.sentences:,} sentences of {cost.corpus} scored)"
    )
