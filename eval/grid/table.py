"""The comparison of a grid: the best bundle first, its lead, and what each bundle costs.

It is computed from the scores that cells keep: no model is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from framescope.classifier.taxonomy import in_order
from framescope.eval.compare import METHOD, Difference
from framescope.eval.grid.folder import Entry, GridCell, GridFolder, GridManifest, RowScores
from framescope.eval.metrics import (
    LEVEL,
    Cell,
    Change,
    Estimate,
    MeanPart,
    Section,
    mean_of_figures,
    mean_of_means,
    resample_figures,
    single_figure,
    table,
)
from framescope.eval.report import json_text, section_to_markdown, sections_to_html
from framescope.eval.rows import BENCHMARK_BY_NAME

SCHEMA_VERSION = 1
_OWN_METRIC = "average_precision"  # of rows that no benchmark describes: it needs no threshold


@dataclass(frozen=True, slots=True)
class Figure:
    """A bundle's main figure of a signal; ``difference``: from the best bundle's."""

    signal: str
    metric: str
    n: int
    n_groups: int
    positives: int
    bundle: str
    value: float
    low: float
    high: float
    difference: Difference | None


@dataclass(frozen=True, slots=True)
class Column:
    """A part of a benchmark.

    ``signals_in_the_mean``: those that all bundles judged on it have. ``figures``: signal by
    signal, the best bundle first.
    """

    name: str
    benchmark: str
    part: str
    signals_in_the_mean: tuple[str, ...]
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A bundle's mean over the columns that all bundles have, and by column.

    ``rank``: 1 is the best; None when every cell failed, or bundles have no column in common.
    ``difference``, and that of ``benchmarks``: from the best bundle.
    """

    rank: int | None
    name: str
    digest: str | None
    mean: Estimate | None
    difference: Change | None
    benchmarks: Mapping[str, Mapping[str, Estimate | None]]
    cost: Mapping[str, Any]
    cells_failed: int


@dataclass(frozen=True, slots=True)
class Standings:
    """The comparison; ``common``: names of the columns by whose mean bundles are ranked."""

    manifest: GridManifest
    bundles: tuple[Standing, ...]
    columns: tuple[Column, ...]
    common: tuple[str, ...]
    cells: tuple[GridCell, ...]

    @property
    def failed(self) -> tuple[GridCell, ...]:
        """The cells that failed."""
        return tuple(one for one in self.cells if one.why)

    @property
    def signature(self) -> str:
        """One line; two runs with the same one have the same figures, costs excepted."""
        done, manifest = [one for one in self.cells if not one.why], self.manifest
        data = ", ".join(sorted({f"{one.benchmark} {one.data}" for one in done})) or "no data"
        bundles = ", ".join(sorted({f"{one.bundle} {one.digest[:12]}" for one in done}))
        return (
            f"framescope {manifest.framescope} | {data} | {bundles or 'no bundle'} | "
            f"draws {manifest.draws}, seed {manifest.seed}"
        )


def standings(manifest: GridManifest, folder: GridFolder) -> Standings:
    """Compare the bundles of a grid."""
    done = folder.finished(manifest)
    judged = [one for one in manifest.bundles if any(one == bundle for bundle, _ in done)]
    rows = {
        (bundle, _column_name(benchmark, part)): found
        for bundle, benchmark in done
        for part in benchmark.parts
        if (found := _main_rows(benchmark, part, folder.scores((bundle, benchmark))))
    }
    columns = []
    for benchmark in manifest.benchmarks:
        for part in benchmark.parts:
            name = _column_name(benchmark, part)
            given = [rows[one, name] for one in judged if (one, name) in rows]
            shared = (
                signal
                for signal in in_order({signal for own in given for signal in own})
                if all(signal in own and not math.isnan(_value(own[signal])) for own in given)
            )
            if given:
                columns.append(Column(name, benchmark.name, part, tuple(shared)))
    means = {
        (bundle, column.name): mean_of_figures(
            [own[s] for s in column.signals_in_the_mean], manifest.draws, manifest.seed
        )
        for column in columns
        for bundle in judged
        if column.signals_in_the_mean and (own := rows.get((bundle, column.name)))
    }
    common = [c.name for c in columns if all((bundle, c.name) in means for bundle in judged)]
    overall = {
        bundle: mean_of_means([means[bundle, name] for name in common], manifest.seed)
        for bundle in judged
        if common
    }
    judged.sort(key=lambda one: (-overall[one].value if one in overall else 0.0, one.name))
    best = judged[0] if overall else None
    ranked = []
    for rank, bundle in enumerate([*judged, *(b for b in manifest.bundles if b not in judged)], 1):
        mine = {c.name: m for c in columns if (m := means.get((bundle, c.name)))}
        mean, cells = overall.get(bundle), [c for (one, _), c in done.items() if one == bundle]
        other = best if bundle != best else None
        ranked.append(Standing(
            rank if mean else None,
            bundle.name,
            cells[0].digest if cells else None,
            mean.estimate() if mean else None,
            mean.less(overall[other]) if mean and other else None,
            {name: {"mean": one.estimate(),
                    "difference": one.less(means[other, name])
                    if other and (other, name) in means else None}
             for name, one in mine.items()},
            _cost(cells),
            len(manifest.benchmarks) - len(cells),
        ))  # fmt: skip
    cells = [cell for place in manifest.places if (cell := folder.cell(place)) is not None]
    with_figures = []
    for column in columns:
        judgements = {one: rows[one, column.name] for one in judged if (one, column.name) in rows}
        figures = _figures(manifest, judgements, best)
        with_figures.append(replace(column, figures=tuple(figures)))
    return Standings(manifest, tuple(ranked), tuple(with_figures), tuple(common), tuple(cells))


def _column_name(benchmark: Entry, part: str) -> str:
    return f"{benchmark.corpus}/{part}" if benchmark.corpus else benchmark.name


def _main_rows(benchmark: Entry, part: str, scores: RowScores) -> dict[str, MeanPart]:
    """Return metric and rows of each signal of the known benchmarks, or else of each label."""
    known = {
        signal: BENCHMARK_BY_NAME[name].metric
        for signal in scores.signals.tolist()
        if (name := f"{benchmark.corpus}/{part}/{signal}") in BENCHMARK_BY_NAME
    }
    metrics = known or dict.fromkeys(scores.signals.tolist(), _OWN_METRIC)
    rows = {s: MeanPart(metric, *scores.of(part, s)) for s, metric in metrics.items()}
    return {signal: one for signal, one in rows.items() if len(one.truth)}


def _value(one: MeanPart) -> float:
    return single_figure(one.metric, one.truth, *one.scores)


def _figures(
    manifest: GridManifest, rows: Mapping[Entry, Mapping[str, MeanPart]], best: Entry | None
) -> Iterator[Figure]:
    for signal in in_order({signal for own in rows.values() for signal in own}):
        for bundle, own in rows.items():
            if signal not in own:
                continue
            one, other = own[signal], None
            if best is not None and bundle != best:
                other = rows.get(best, {}).get(signal)
            drawn = resample_figures(
                one.truth, None if other is None else other.scores, one.scores, one.group,
                draws=manifest.draws, seed=manifest.seed, names=(one.metric,),
            )  # fmt: skip
            value, ends, difference = _value(one), drawn.b[one.metric], None
            if other is not None:
                difference = Difference.of(value - _value(other), drawn.difference[one.metric])
                difference = replace(difference, p=drawn.p[one.metric])
            yield Figure(
                signal, one.metric, len(one.truth), len(np.unique(one.group)),
                int(one.truth.sum()), bundle.name, value, ends.low, ends.high, difference,
            )  # fmt: skip


def _cost(cells: Sequence[GridCell]) -> dict[str, Any]:
    sentences = sum(one.sentences for one in cells)
    seconds = math.fsum(one.seconds or 0.0 for one in cells)
    return {
        "bytes": next((one.disk for one in cells if one.disk is not None), None),
        "peak_memory": next((one.memory for one in cells if one.memory is not None), None),
        "sentences": sentences,
        "seconds": seconds,
        "seconds_per_1000_sentences": 1000 * seconds / sentences if sentences else math.nan,
        "runtimes": sorted({one.runtime for one in cells}),
    }


# --- as files -------------------------------------------------------------------------------------


def write_table(found: Standings, folder: GridFolder) -> None:
    """Write ``table.json``, ``table.md`` and ``index.html``."""
    manifest, sections = found.manifest, _sections(found)
    title = f"{len(manifest.bundles)} bundles on {len(manifest.benchmarks)} benchmarks"
    lead = (
        f"Intervals are {LEVEL:.0%}, from resampling whole groups of rows {manifest.draws:,} "
        "times; differences are a bundle's figure minus the best bundle's, on the same draws. A "
        "star marks a difference whose interval excludes 0."
    )
    whole = Section(
        "\n\n".join(one.note for one in sections.values()),
        tuple(one for section in sections.values() for one in section.tables),
        signature=found.signature,
    )
    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": found.signature,
        "resampling": {"draws": manifest.draws, "seed": manifest.seed, "level": LEVEL},
        "ranked_by": found.common,
        "bundles": found.bundles,
        "benchmarks": found.columns,
        "cells": len(found.cells),
        "failed": [
            {"bundle": one.bundle, "benchmark": one.benchmark, "why": one.why}
            for one in found.failed
        ],
    }
    folder.write("table.json", json_text(record))
    folder.write("table.md", f"# {title}\n\n{lead}\n\n{section_to_markdown(whole)}")
    folder.write("index.html", sections_to_html(title, lead, sections, found.signature))


def ranking(found: Standings, columns: Sequence[str] = ()) -> Section:
    """Return the bundles, the best first, with their means by the columns named."""
    if not found.common:
        note = "Not ranked: there is no benchmark on which every bundle has a figure."
    else:
        note = (
            f"Ranked by the mean over {', '.join(found.common)}, with equal weights. Each is the "
            "mean of the main figures (average precision; F1 or macro-F1 of some corpora) of the "
            "signals that all bundles have."
        )
        if others := [one.name for one in found.columns if one.name not in found.common]:
            note += f" Not in the mean, since a bundle has no figure there: {', '.join(others)}."
    rows = (
        (str(one.rank or "–"), one.name, _or_none(one.mean),
         "the best" if one.rank == 1 else _or_none(one.difference),
         *(_or_none(one.benchmarks.get(name, {}).get("mean")) for name in columns),
         one.cost["seconds_per_1000_sentences"],
         *(size and size / 1e6 for size in (one.cost["bytes"], one.cost["peak_memory"])))
        for one in found.bundles
    )  # fmt: skip
    headings = ("rank", "bundle", "mean", "minus the best", *columns, "s per 1,000", "MB on disk",
                "MB of memory")  # fmt: skip
    tables = (table("Best first", headings, rows, interval_digits=2),)
    return Section(note, tables, signature=found.signature)


def _sections(found: Standings) -> dict[str, Section]:
    names = [one.name for one in found.columns]
    first = ranking(found, names)
    rows = (
        (one.name, *(_or_none(one.benchmarks.get(name, {}).get("difference")) for name in names))
        for one in found.bundles
        if one.difference is not None
    )
    differences = table("Minus the best bundle", ("bundle", *names), rows)
    runtimes = sorted({f"{one.bundle}: {one.runtime}" for one in found.cells if not one.why})
    note = (
        f"{first.note} Seconds for 1,000 sentences: wall-clock time of scoring, after a warm-up, "
        f"with whatever else the machine was doing. Memory: {METHOD}. Computed with: "
        f"{'; '.join(runtimes) or 'nothing'}."
    )
    columns = ("signal", "figure", "n", "groups", "positive", "bundle", "value", "minus the best")
    figures = (
        table(
            column.name, columns,
            ((one.signal, one.metric, one.n, one.n_groups, one.positives, one.bundle,
              Estimate(one.value, one.low, one.high), _or_none(one.difference))
             for one in column.figures),
            heads=5,
        )
        for column in found.columns
    )  # fmt: skip
    sections = {
        "Best first": Section(note, (*first.tables, differences)),
        "Every figure": Section(
            "The main figure of each signal, as `framescope eval run` computes it. Differences are "
            "not corrected for their number.",
            tuple(figures),
        ),
    }
    if found.failed:
        count = f"{len(found.failed)} of {len(found.cells)} cells failed"
        lines = ((one.bundle, one.benchmark, one.why) for one in found.failed)
        tables = (table(count, ("bundle", "on", "why"), lines),)
        sections["Failures"] = Section(f"{count}; they are tried again with --resume.", tables)
    return sections


def _or_none(value: Cell) -> Cell:
    return "–" if value is None else value
