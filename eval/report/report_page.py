"""The report as one page that works offline: no script, no request, plots in the page itself."""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from classifier.taxonomy import BY_NAME
from classifier.values import printable
from eval.compare import METHOD, Headline
from eval.figures import LEVEL, RECALLS, UNDEFINED, Change, Estimate, cell, figure
from eval.figures import estimate_in_words as estimate
from eval.report import plots
from eval.report.report import Report, blocks
from eval.report.report_sections import SECTIONS

FOREST = "average_precision"
"""The figure of the forest plots: one for all signals, and free of thresholds."""
_METRICS = {
    "f1": "F1",
    "macro_f1": "macro-F1",
    "average_precision": "average precision",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure and its numbers, for who can't see it."""

    title: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def to_html(report: Report) -> str:
    """Lay a report out as one HTML page.

    Parameters
    ----------
    report : Report

    Returns
    -------
    str
        A complete document; encode it as UTF-8. It holds sentences of the corpora.

    Raises
    ------
    FramescopeError
        When matplotlib is missing.
    """
    style = _asset("report.css")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_asset),
    )
    environment.filters |= {
        "printable": printable,
        "figure": figure,
        "estimate": estimate,
        "chance": chance,
        "size": size,
        "cell": lambda value: printable(cell(value)),
        "metric": lambda name: _METRICS.get(name, name),
        "label": lambda name: BY_NAME[name].label,
    }
    return environment.get_template("report.html").render(
        report=report,
        forests=[_forest(report, at) for at in range(len(list(blocks(report))))],
        curves=[_curves(report, at) for at in range(len(report.curves))],
        cost=_cost(report),
        method=METHOD,
        titles={name: one.title for name, one in SECTIONS.items()},
        level=f"{100 * LEVEL:.0f}%",
        style=style,
        style_digest=_digest(style),
    )


def chance(p: float) -> str:
    """Write a p-value; a small one as a bound."""
    return "<0.001" if p < 0.001 else figure(p)


def size(count: int | None) -> str:
    """Write a number of bytes in megabytes."""
    return UNDEFINED if count is None else f"{count / 1e6:,.1f} MB"


def _forest(report: Report, at: int) -> Plot:
    title, rows = list(blocks(report))[at]
    a, b = report.names
    differences = {}
    for row in rows:
        found = row.differences[FOREST]
        differences[BY_NAME[row.signal].label] = Change(
            found.value, found.interval.low, found.interval.high
        )
    words = f"Difference in average precision, {b} less {a}: {title}"
    return Plot(
        words,
        plots.forest(f"plot-forest{at}", words, differences, a, b),
        ("signal", "n", "difference"),
        tuple(
            (name, f"{row.n:,}", estimate(difference))
            for row, (name, difference) in zip(rows, differences.items(), strict=True)
        ),
    )


def _curves(report: Report, at: int) -> tuple[Plot, tuple[str, ...], list[tuple[str, ...]]]:
    """Give a benchmark's plot with the reliability numbers, and the table of precision."""
    one = report.curves[at]
    words = f"Reliability and precision-recall of {one.benchmark.name}"
    svg = plots.curves(
        f"plot-curves{at}", words, one.reliability, one.ranking, one.share, report.names
    )
    rows: list[tuple[str, ...]] = []
    for name, curve in zip(report.names, one.reliability, strict=True):
        if curve is None or not len(curve.count):
            rows.append((name, UNDEFINED, UNDEFINED, UNDEFINED))
            continue
        rows += [
            (name, f"{n:,}", figure(score), estimate(Estimate(share, low, high)))
            for n, score, share, low, high in zip(
                curve.count, curve.score, curve.share, curve.share_low, curve.share_high,
                strict=True,
            )
        ]  # fmt: skip
    plot = Plot(words, svg, ("model", "n", "mean score", "share of yes"), tuple(rows))
    ranking = [
        (
            name,
            *(UNDEFINED if curve is None else figure(curve.at(recall)) for recall in RECALLS),
        )
        for name, curve in zip(report.names, one.ranking, strict=True)
    ]
    return plot, ("model", *(f"{recall:.1f}" for recall in RECALLS)), ranking


def _cost(report: Report) -> Plot:
    points = []
    for cost in report.comparison.costs:
        both = [one for one in report.headline if one.row.corpus == cost.corpus]
        points.append(plots.Cost(cost.corpus, cost.a, cost.b, _mean(both, "a"), _mean(both, "b")))
    words = "Quality against seconds for 1,000 sentences"
    return Plot(
        words,
        plots.costs("plot-cost", words, points, report.names),
        ("corpus", *(f"{what}, {n}" for n in report.names for what in ("seconds", "mean figure"))),
        tuple(
            (
                point.corpus, figure(point.seconds_a, 2), figure(point.quality_a),
                figure(point.seconds_b, 2), figure(point.quality_b),
            )
            for point in points
        ),
    )  # fmt: skip


def _mean(lines: list[Headline], model: str) -> float:
    """Average the main figures of the benchmarks on which both models have one."""
    pairs = [(one.a.value, one.b.value) for one in lines if one.a is not None and one.b is not None]
    defined = [pair for pair in pairs if not any(map(math.isnan, pair))]
    if not defined:
        return math.nan
    return sum(pair["ab".index(model)] for pair in defined) / len(defined)


def _asset(name: str) -> str:
    return files("eval.report").joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
