"""The report as one page that works offline, and as JSON without any text of the corpora.

The page has no script, asks for nothing, and holds its plots itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from framescope.classifier.records import printable
from framescope.classifier.reports import style
from framescope.classifier.taxonomy import BY_NAME
from framescope.eval.compare import METHOD, Error, Headline, verdict_of
from framescope.eval.compare import record_of_comparison as comparison_record
from framescope.eval.metrics import LEVEL, RECALLS, Cell, Estimate, Plot, Section, Table, table
from framescope.eval.report import layout, plots
from framescope.eval.report.contents import SECTIONS, Curves, EvaluationReport, blocks

SCHEMA_VERSION = 2
FOREST = "average_precision"
"""The figure of the forest plots: one for all signals, and free of thresholds."""
_METRICS = {"f1": "F1", "macro_f1": "macro-F1", "average_precision": "average precision"}
_TITLES = {
    "forest": "Differences by signal",
    "curves": "Reliability and precision-recall",
    "cost": "Cost against quality",
    "slices": "Slices",
    **{name: title for name, (title, _) in SECTIONS.items()},
}


def to_html(report: EvaluationReport) -> str:
    """Lay a report out as one HTML page.

    Parameters
    ----------
    report : EvaluationReport

    Returns
    -------
    str
        A complete document; encode it as UTF-8. It holds sentences of the corpora.

    Raises
    ------
    FramescopeError
        When matplotlib is missing.
    """
    environment = layout.environment()
    environment.filters |= {"chance": chance, "metric": metric, "label": label}
    sections = {
        "forest": forest(report),
        "curves": curves(report),
        "cost": cost(report),
        "slices": slices(report),
        **report.sections,
    }
    return environment.get_template("report.html").render(
        report=report,
        sections=sections,
        verdict=verdict_of(report.headline, report.names),
        titles=_TITLES,
        level=f"{100 * LEVEL:.0f}%",
        style=style("framescope.eval.report", "report.css"),
        script="",
    )


def to_json(report: EvaluationReport) -> str:
    """Every figure of the page, undefined ones as null.

    Errors are given by their places: the texts are others', and stay out of a file that is shared.
    """
    a, b = report.footprints
    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": report.comparison.signature,
        "names": {"a": report.names[0], "b": report.names[1]},
        "verdict": verdict_of(report.headline, report.names),
        "headline": [_headline_record(one) for one in report.headline],
        "unmeasured": report.unmeasured,
        "curves": [_curves_record(one) for one in report.curves],
        "cost": {"a": a, "b": b, "unit": "bytes", "method_of_memory": METHOD},
        "slices": [
            {"benchmark": one.benchmark.name, "metric": one.benchmark.metric, "axes": one.axes}
            for one in report.slices
        ],
        "errors": [
            {
                "signal": one.signal,
                "model": one.model,
                "other": one.other or None,
                "worst": [_placed(error) for error in one.worst],
            }
            for one in report.errors
        ],
        "sections": report.sections,
        "comparison": comparison_record(report.comparison),
    }
    return layout.to_json(record)


def _headline_record(one: Headline) -> dict[str, Any]:
    taken = (
        (one.benchmark, ("unit", "split", "metric", "published", "ceiling")),
        (one.row, ("n", "n_groups", "positives")),
        (one, ("a", "b", "difference", "p", "p_corrected", "words", "outcome")),
    )
    named = {name: getattr(of, name) for of, names in taken for name in names}
    return {"benchmark": one.benchmark.name, **named}


def _curves_record(one: Curves) -> dict[str, Any]:
    return {
        "benchmark": one.benchmark.name,
        "share": one.share,
        "reliability": dict(zip("ab", one.reliability, strict=True)),
        "precision_at_recall": {
            model: None if curve is None else [[r, curve.at(r)] for r in RECALLS]
            for model, curve in zip("ab", one.ranking, strict=True)
        },
    }


def _placed(error: Error) -> dict[str, Any]:
    record = asdict(error)
    for text in ("before", "text", "after"):
        del record[text]
    return record


def chance(p: float) -> str:
    """Write a p-value; a small one as a bound."""
    return "<0.001" if p < 0.001 else layout.figure(p)


def metric(name: str) -> str:
    """Write out what a figure is called."""
    return _METRICS.get(name, name)


def label(signal: str) -> str:
    """Give a signal's name to show."""
    return BY_NAME[signal].label


def forest(report: EvaluationReport) -> Section:
    """Draw the differences of every signal that both models give."""
    a, b = report.names
    drawn = []
    for at, (title, rows) in enumerate(blocks(report)):
        differences = {label(row.signal): row.differences[FOREST] for row in rows}
        words = f"Difference in average precision, {b} less {a}: {title}"
        numbers = table(
            words,
            ("signal", "n", "difference"),
            ((name, row.n, d) for row, (name, d) in zip(rows, differences.items(), strict=True)),
        )
        svg = plots.forest(f"plot-forest{at}", words, differences, a, b)
        drawn.append(Plot(words, svg, (numbers,), small=True))
    none = "" if drawn else " No signal is given by both models."
    return Section(
        "Every signal that both models give, with its interval, not corrected for their number; a "
        f"star marks one without 0. Right of the line {b} is better.{none}",
        plots=tuple(drawn),
    )


def curves(report: EvaluationReport) -> Section:
    """Draw the reliability and precision-recall curves of every benchmark."""
    a, b = report.names
    return Section(
        "Left: of the sentences with about this score, how many are a yes; on the diagonal scores "
        "can be taken at their word. Bins hold equally many rows. Right: the precision at each "
        f"recall; the level line is a ranking without skill. {a}: dashed, circles; {b}: solid, "
        "squares.",
        plots=tuple(
            _curves(one, f"plot-curves{at}", report.names) for at, one in enumerate(report.curves)
        ),
    )


def _curves(one: Curves, name: str, models: tuple[str, str]) -> Plot:
    words = f"Reliability and precision-recall of {one.benchmark.name}"

    def bins() -> Iterator[tuple[Cell, ...]]:
        for model, curve in zip(models, one.reliability, strict=True):
            if curve is None or not len(curve.count):
                yield model, None, None, None
                continue
            shares = zip(curve.share, curve.share_low, curve.share_high, strict=True)
            for n, score, share in zip(curve.count, curve.score, shares, strict=True):
                yield model, int(n), float(score), Estimate(*map(float, share))

    columns = ("model", "n", "mean score", "share of yes")
    ranking = (
        (model, *(None if curve is None else curve.at(recall) for recall in RECALLS))
        for model, curve in zip(models, one.ranking, strict=True)
    )
    return Plot(
        words,
        plots.curves(name, words, one.reliability, one.ranking, one.share, models),
        (
            table("Reliability, by bins of equal mass", columns, bins()),
            table("Precision at each recall", ("model", *map(str, RECALLS)), ranking),
        ),
        small=True,
    )


def cost(report: EvaluationReport) -> Section:
    """Draw what the models take beside what they give."""
    points = []
    for one in report.comparison.costs:
        lines = [line for line in report.headline if line.row.corpus == one.corpus]
        points.append(
            plots.CostPoint(one.corpus, one.a, one.b, _mean(lines, "a"), _mean(lines, "b"))
        )
    words = "Quality against seconds for 1,000 sentences"
    seconds = table(
        "Seconds for 1,000 sentences, and the mean of the main figures that both models have",
        ("corpus", *(f"{what}, {n}" for n in report.names for what in ("seconds", "mean figure"))),
        ((p.corpus, p.seconds_a, p.quality_a, p.seconds_b, p.quality_b) for p in points),
    )
    takes = table(
        "What a bundle takes",
        ("model", "megabytes on disk", "megabytes of memory at the peak"),
        (
            (name, *(None if size is None else size / 1e6 for size in (taken.disk, taken.memory)))
            for name, taken in zip(report.names, report.footprints, strict=True)
        ),
        digits=1,
    )
    return Section(
        "Seconds are wall-clock time on this machine, with whatever else it was doing. Memory: "
        f"{METHOD}.",
        (takes,),
        (Plot(words, plots.costs("plot-cost", words, points, report.names), (seconds,)),),
    )


def _mean(lines: list[Headline], model: str) -> float:
    """Average the main figures of the benchmarks on which both models have one."""
    pairs = [(one.a.value, one.b.value) for one in lines if one.a is not None and one.b is not None]
    defined = [pair for pair in pairs if not any(map(math.isnan, pair))]
    if not defined:
        return math.nan
    return sum(pair["ab".index(model)] for pair in defined) / len(defined)


def slices(report: EvaluationReport) -> Section:
    """Give the main figure on parts of each benchmark's rows."""

    def tables() -> Iterator[Table]:
        for one in report.slices:
            for axis in one.axes:
                yield table(
                    f"{one.benchmark.name}, {metric(one.benchmark.metric)}, by {axis.name}",
                    (axis.name, "n", "groups", "yes", *report.names),
                    (
                        (
                            printable(part.value).replace("_", " "), part.n, part.n_groups,
                            part.positives, part.a, part.b,
                        )
                        for part in axis.slices
                    ),
                    note="" if axis.slices else "The corpus doesn't tell, or all rows are alike.",
                )  # fmt: skip

    return Section(
        "The main figure on parts of a benchmark's rows. Voice is by the labels `quoted` and "
        "`reported`; the position is the sentence's in its article. Many slices are shown and none "
        "is tested: read the intervals.",
        tuple(tables()),
    )
