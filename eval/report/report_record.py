"""The report as JSON: every figure of the page, and none of the corpora's text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np

from eval.compare import METHOD, Error, Headline
from eval.figures import RECALLS
from eval.report.report import Curves, Report
from eval.report.table import to_json as comparison_to_json

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
            "a": asdict(a),
            "b": asdict(b),
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
        "comparison": json.loads(comparison_to_json(report.comparison)),
    }
    return json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


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


def _plain(value: Any) -> Any:
    """Turn values into what JSON can say; NaN becomes null."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None if isinstance(value, float) and math.isnan(value) else value
    return [_plain(item) for item in value]
