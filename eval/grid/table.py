"""The comparison of a grid: the best bundle first, its lead, and what each bundle costs.

It is computed from the scores that cells keep: no model is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from framescope.eval.compare import METHOD, Difference
from framescope.eval.grid.folder import Entry, GridCell, GridFolder, GridManifest, Place, RowScores
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
    scores = {place: folder.scores(place) for place in done}
    judged = [one for one in manifest.bundles if any(one == bundle for bundle, _ in done)]
    columns = list(_columns(manifest, scores))
    means = {
        (bundle, column.name): mean_of_figures(
            [MeanPart(_metric(benchmark, column.part, signal), *rows.of(column.part, signal))
             for signal in column.signals_in_the_mean],
            manifest.draws, manifest.seed,
        )
        for column, benchmark in columns
        for bundle in judged
        if column.signals_in_the_mean and (rows := scores.get((bundle, benchmark)))
    }  # fmt: skip
    common = [c.name for c, _ in columns if all((bundle, c.name) in means for bundle in judged)]
    overall = {
        bundle: mean_of_means([means[bundle, name] for name in common], manifest.seed)
        for bundle in judged
        if common
    }
    judged.sort(key=lambda one: (-overall[one].value if one in overall else 0.0, one.name))
    best = judged[0] if overall else None
    found = []
    for rank, bundle in enumerate([*judged, *(b for b in manifest.bundles if b not in judged)], 1):
        own = {c.name: m for c, _ in columns if (m := means.get((bundle, c.name)))}
        mean, cells = overall.get(bundle), [c for (one, _), c in done.items() if one == bundle]
        other = best if bundle != best else None
        found.append(Standing(
            rank if mean else None,
            bundle.name,
            cells[0].digest if cells else None,
            mean.estimate() if mean else None,
            mean.less(overall[other]) if mean and other else None,
            {name: {"mean": one.estimate(),
                    "difference": one.less(means[other, name])
                    if other and (other, name) in means else None}
             for name, one in own.items()},
            _cost(cells),
            len(manifest.benchmarks) - len(cells),
        ))  # fmt: skip
    cells = [cell for place in manifest.places if (cell := folder.cell(place)) is not None]
    with_figures = (
        replace(column, figures=tuple(_figures(manifest, column, benchmark, judged, scores, best)))
        for column, benchmark in columns
    )
    return Standings(manifest, tuple(found), tuple(with_figures), tuple(common), tuple(cells))


def _metric(benchmark: Entry, part: str, signal: str) -> str:
    known = BENCHMARK_BY_NAME.get(f"{benchmark.corpus}/{part}/{signal}")
    return known.metric if known else _OWN_METRIC


def _main_signals(benchmark: Entry, part: str, scores: RowScores) -> list[str]:
    """Return the signals of the known benchmarks, or else all that are labelled."""
    found = [one for one in scores.signals.tolist() if len(scores.of(part, one)[0])]
    known = [one for one in found if f"{benchmark.corpus}/{part}/{one}" in BENCHMARK_BY_NAME]
    return known or found


def _columns(
    manifest: GridManifest, scores: Mapping[Place, RowScores]
) -> Iterator[tuple[Column, Entry]]:
    for benchmark in manifest.benchmarks:
        for part in benchmark.parts:
            defined = []
            for (_, other), own in scores.items():
                if other == benchmark:
                    rows = {one: own.of(part, one) for one in _main_signals(other, part, own)}
                    defined.append([
                        one for one, (truth, _, given) in rows.items()
                        if not math.isnan(
                            single_figure(_metric(benchmark, part, one), truth, *given)
                        )
                    ])  # fmt: skip
            if any(defined):
                name = f"{benchmark.corpus}/{part}" if benchmark.corpus else benchmark.name
                common = (s for s in defined[0] if all(s in others for others in defined))
                yield Column(name, benchmark.name, part, tuple(common)), benchmark


def _figures(
    manifest: GridManifest,
    column: Column,
    benchmark: Entry,
    judged: Sequence[Entry],
    scores: Mapping[Place, RowScores],
    best: Entry | None,
) -> Iterator[Figure]:
    part = column.part
    rows = {
        (signal, bundle): kept.of(part, signal)
        for bundle in judged
        if (kept := scores.get((bundle, benchmark)))
        for signal in _main_signals(benchmark, part, kept)
    }
    for signal in dict.fromkeys(signal for signal, _ in rows):
        metric = _metric(benchmark, part, signal)
        for bundle in (one for one in judged if (signal, one) in rows):
            truth, groups, given = rows[signal, bundle]
            other = rows.get((signal, best)) if best and bundle != best else None
            drawn = resample_figures(
                truth, other[2] if other else None, given, groups,
                draws=manifest.draws, seed=manifest.seed, names=(metric,),
            )  # fmt: skip
            value, ends = single_figure(metric, truth, *given), drawn.b[metric]
            difference = None
            if other is not None:
                gap = value - single_figure(metric, truth, *other[2])
                difference = Difference.of(gap, drawn.difference[metric])
                difference = replace(difference, p=drawn.p[metric])
            yield Figure(
                signal, metric, len(truth), len(np.unique(groups)), int(truth.sum()), bundle.name,
                value, ends.low, ends.high, difference,
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
         one.cost["seconds_per_1000_sentences"])
        for one in found.bundles
    )  # fmt: skip
    headings = ("rank", "bundle", "mean", "minus the best", *columns, "s per 1,000")
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
    sections = {
        "Best first": replace(first, tables=(*first.tables, differences), signature=""),
        "Cost and quality": _costs(found),
        "Every figure": Section(
            "The main figure of each signal, as `framescope eval run` computes it. Differences are "
            "not corrected for their number.",
            tuple(
                table(
                    column.name,
                    ("signal", "figure", "n", "groups", "positive", "bundle", "value",
                     "minus the best"),
                    (
                        (one.signal, one.metric, one.n, one.n_groups, one.positives, one.bundle,
                         Estimate(one.value, one.low, one.high), _or_none(one.difference))
                        for one in column.figures
                    ),
                    heads=5,
                )
                for column in found.columns
            ),
        ),
    }  # fmt: skip
    if found.failed:
        count = f"{len(found.failed)} of {len(found.cells)} cells failed"
        lines = ((one.bundle, one.benchmark, one.why) for one in found.failed)
        tables = (table(count, ("bundle", "on", "why"), lines),)
        sections["Failures"] = Section(f"{count}; they are tried again with --resume.", tables)
    return sections


def _costs(found: Standings) -> Section:
    def megabytes(size: int | None) -> float | None:
        return None if size is None else size / 1e6

    columns = ("bundle", "mean", "megabytes on disk", "megabytes of memory at the peak",
               "seconds for 1,000 sentences", "seconds in all")  # fmt: skip
    rows = (
        (one.name, _or_none(one.mean), megabytes(one.cost["bytes"]),
         megabytes(one.cost["peak_memory"]), one.cost["seconds_per_1000_sentences"],
         one.cost["seconds"])
        for one in found.bundles
    )  # fmt: skip
    runtimes = sorted({f"{one.bundle}: {one.runtime}" for one in found.cells if not one.why})
    return Section(
        "Seconds are wall-clock time of scoring, after a warm-up, with whatever else the machine "
        f"was doing. Memory: {METHOD}. Computed with: {'; '.join(runtimes) or 'nothing'}.",
        (table("What a bundle gives, and what it takes", columns, rows, digits=2),),
    )


def _or_none(value: Cell) -> Cell:
    return "–" if value is None else value
