"""The measured part of a model card, written from the figures of the gate."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from framescope.classifier.bundles import CARD, MANIFEST
from framescope.classifier.errors import BundleError
from framescope.eval.metrics import METRICS, Cell, Estimate, table
from framescope.eval.release.gate import Measured
from framescope.eval.report import markdown_table
from framescope.eval.rows import BENCHMARK_BY_NAME as BY_NAME

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"
_HEAD = """## How good it is

On rows that nothing was trained, tuned or calibrated on, with 95% intervals over
resamples of whole groups. Published figures are of other rows unless it says so; a
ceiling is how far annotators agree. Written by `framescope eval gate --update`.
"""
_LABELS = {metric.name: metric.label for metric in METRICS}

Record = Mapping[str, Any]


def records(found: Iterable[Measured]) -> list[dict[str, Any]]:
    """Return what a manifest holds under ``metrics``; what is undefined is null."""
    return [
        {
            "benchmark": one.benchmark.name,
            "rows": one.digest,
            "n": one.n,
            "groups": one.groups,
            "positives": one.positives,
            "metric": one.benchmark.metric,
            "value": _rounded(one.figure.value),
            "low": _rounded(one.figure.low),
            "high": _rounded(one.figure.high),
        }
        for one in found
    ]


def section(metrics: Sequence[Record]) -> str:
    """Return the section of the card, between the marks by which it is found again."""
    columns = ("benchmark", "n", "groups", "positive", "figure", "value (95% interval)")
    rows = table("", (*columns, "beside it"), map(_line, metrics))
    return "\n".join((BEGIN, _HEAD, markdown_table(rows), END))


def write(folder: Path, found: Iterable[Measured]) -> None:
    """Write figures into a bundle's manifest and its card.

    Raises
    ------
    BundleError
        When the card or the manifest can't be read or written.
    """
    manifest, card = folder / MANIFEST, folder / CARD
    metrics = records(found)
    try:
        record = json.loads(manifest.read_text(encoding="utf-8"))
        text = card.read_text(encoding="utf-8")
        card.write_text(with_section(text, section(metrics)), encoding="utf-8")
        body = json.dumps(record | {"metrics": metrics}, indent=2, ensure_ascii=False)
        manifest.write_text(body + "\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: its card can't be written ({error})") from None


def with_section(card: str, written: str) -> str:
    """Replace the section of a card, or put it before what the model can't do."""
    before, begin, rest = card.partition(BEGIN)
    if begin:
        return before + written + rest.partition(END)[2]
    before, heading, rest = card.partition("## What it can't do")
    return f"{before}{written}\n\n{heading}{rest}"


def _line(record: Record) -> tuple[Cell, ...]:
    benchmark = BY_NAME.get(record["benchmark"])
    beside = []
    if benchmark and benchmark.published:
        rows = "these rows" if benchmark.published.same_split else "other rows"
        beside.append(f"{benchmark.published.value:g} {benchmark.published.metric} ({rows})")
    if benchmark and benchmark.ceiling:
        beside.append(f"{benchmark.ceiling.measure} {benchmark.ceiling.value:.2f}")
    value, low, high = (record[key] for key in ("value", "low", "high"))
    return (
        f"`{record['benchmark']}`", record["n"], record["groups"], record["positives"],
        _LABELS[record["metric"]], value if low is None else Estimate(value, low, high),
        "; ".join(beside),
    )  # fmt: skip


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
