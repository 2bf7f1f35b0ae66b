"""The report as JSON: every figure of the page, and none of the corpora's text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from eval.compare import METHOD, Error, Headline
from eval.figures import RECALLS
from eval.report import layout, table
from eval.report.report import Curves, Report

SCHEMA_VERSION = 2


def to_json(report: Report) -> str:
    """Every figure of the page, undefined ones as null.

    Errors are given by their places: the texts are others', and stay out of a file that is shared.
    """
    a, b = report.footprints
    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": report.comparison.signature,
        "names": {"a": report.names[0], "b": report.names[1]},
        "headline": [_headline_record(one) for one in report.headline],
        "unmeasured": report.unmeasured,
        "curves": [_curves_record(one) for one in report.curves],
        "cost": {
            "a": a,
            "b": b,
            "unit": "bytes",
            "method_of_memory": METHOD,
        },
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
        "comparison": table.record(report.comparison),
    }
    return layout.to_json(record)


def _headline_record(one: Headline) -> dict[str, Any]:
    benchmark = one.benchmark
    return {
        "benchmark": benchmark.name,
        "unit": benchmark.unit,
        "split": benchmark.split,
        "metric": benchmark.metric,
        "published": benchmark.published,
        "ceiling": benchmark.ceiling,
        "n": one.row.n,
        "n_groups": one.row.n_groups,
        "positives": one.row.positives,
        "a": one.a,
        "b": one.b,
        "difference": one.difference,
        "p": one.p,
        "p_corrected": one.p_corrected,
        "words": one.words,
    }


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
