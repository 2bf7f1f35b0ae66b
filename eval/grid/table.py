"""The comparison of a grid, from the scores that cells keep: no model is loaded."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from framescope.classifier.files import atomic_write
from framescope.classifier.taxonomy import in_order
from framescope.eval import metrics, sections
from framescope.eval.compare.comparison import Difference
from framescope.eval.compare.footprint import METHOD
from framescope.eval.grid.folder import Entry, GridCell, GridFolder, GridManifest, RowScores
from framescope.eval.metrics import DrawnMean, MeanPart, mean_of_figures
from framescope.eval.rows import BENCHMARK_BY_NAME, MAIN_METRIC
from framescope.eval.sections import Cell, Estimate, Section, json_text, table
from framescope.training.resampling import LEVEL

SCHEMA_VERSION = 1
Record = dict[str, Any]


def mean_of_means(means: Sequence[DrawnMean], seed: int) -> DrawnMean:
    """Average the means of several benchmarks, which weigh the same."""
    value, n_groups = float(np.mean([one.value for one in means])), min(m.n_groups for m in means)
    if not all(len(one.draws) for one in means):
        return DrawnMean(value, np.empty(0), n_groups)
    # Benchmarks have no article in common: the draws of each are shuffled, always alike.
    rngs = (np.random.default_rng([seed, place]) for place in range(len(means)))
    shuffled = [rng.permutation(one.draws) for rng, one in zip(rngs, means, strict=True)]
    return DrawnMean(value, np.mean(shuffled, axis=0), n_groups)


_Rows = Mapping[str, MeanPart]  # of a bundle on a column: metric, labels and scores by signal


def standings(manifest: GridManifest, folder: GridFolder) -> Record:
    """Compare the bundles of a grid by their means over the columns that all of them have."""
    done = folder.finished(manifest)
    judged = [one for one in manifest.bundles if any(one == bundle for bundle, _ in done)]
    columns: list[Record] = []
    rows: dict[str, dict[Entry, _Rows]] = {}
    means: dict[Entry, dict[str, DrawnMean]] = {one: {} for one in manifest.bundles}
    for benchmark, part in ((one, part) for one in manifest.benchmarks for part in one.parts):
        name = f"{benchmark.corpus}/{part}" if benchmark.corpus else benchmark.name
        places = [(one, benchmark) for one in judged if (one, benchmark) in done]
        read = {place[0]: _main_rows(benchmark, part, folder.scores(place)) for place in places}
        here = {one: found for one, found in read.items() if found}
        if not here:
            continue
        shared = [
            signal
            for signal in in_order({signal for own in here.values() for signal in own})
            if all(signal in own and not math.isnan(own[signal].value) for own in here.values())
        ]
        rows[name] = here
        columns.append({"name": name, "benchmark": benchmark.name, "part": part,
                        "signals_in_the_mean": shared})  # fmt: skip
        for one, own in here.items() if shared else ():
            figures = [own[signal] for signal in shared]
            means[one][name] = mean_of_figures(figures, manifest.draws, manifest.seed)
    common = [name for name in rows if all(name in means[one] for one in judged)]
    asked = judged if common else ()
    overall = {one: mean_of_means([means[one][n] for n in common], manifest.seed) for one in asked}
    judged.sort(key=lambda one: (-overall[one].value if one in overall else 0.0, one.name))
    best = judged[0] if overall else None
    behind = {one: overall[one].less(overall[best]) for one in judged[1:] if best}
    wide = {one: overall[one].less(overall[best], len(behind)) for one in behind if best}
    tied = [one for one, gap in wide.items() if not (gap.low > 0 or gap.high < 0)]
    for column in columns:
        known = rows[column["name"]]
        here = {one: known[one] for one in judged if one in known}
        column["figures"] = list(_figures(manifest, here, best))

    def standing(bundle: Entry) -> Record:
        mean, cells = overall.get(bundle), [c for (one, _), c in done.items() if one == bundle]
        first = means[best] if best and bundle != best else {}
        return {
            # Equal bundles share a rank.
            "rank": mean and 1 + sum(one.value > mean.value for one in overall.values()),
            "name": bundle.name,
            "digest": cells[0].digest if cells else None,
            "mean": mean and mean.estimate(),
            "difference": behind.get(bundle),
            "tied": bundle in tied,
            "benchmarks": {
                name: {"mean": one.estimate(),
                       "difference": one.less(first[name]) if name in first else None}
                for name, one in means[bundle].items()
            },
            "cost": _cost(cells),
            "cells_failed": len(manifest.benchmarks) - len(cells),
        }  # fmt: skip

    order = [*judged, *(one for one in manifest.bundles if one not in judged)]
    cells = [cell for place in manifest.places if (cell := folder.cell(place)) is not None]
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": _signature(manifest, [one for one in cells if not one.why]),
        "resampling": {"draws": manifest.draws, "seed": manifest.seed, "level": LEVEL},
        "ranked_by": common,
        "bundles": [standing(bundle) for bundle in order],
        "benchmarks": columns,
        "cells": len(cells),
        "failed": [
            {name: getattr(one, name) for name in ("bundle", "benchmark", "why")}
            for one in cells
            if one.why
        ],
    }


def _signature(manifest: GridManifest, done: Sequence[GridCell]) -> str:
    """Return one line; two runs with the same one have the same figures, costs excepted."""
    data = ", ".join(sorted({f"{one.benchmark} {one.data}" for one in done})) or "no data"
    bundles = ", ".join(sorted({f"{one.bundle} {one.digest[:12]}" for one in done}))
    return (
        f"framescope {manifest.framescope} | {data} | {bundles or 'no bundle'} | "
        f"draws {manifest.draws}, seed {manifest.seed}"
    )


def _main_rows(benchmark: Entry, part: str, scores: RowScores) -> _Rows:
    """Return metric and rows of each signal of the known benchmarks, or else of each label."""
    known = {
        signal: BENCHMARK_BY_NAME[name].metric
        for signal in scores.signals.tolist()
        if (name := f"{benchmark.corpus}/{part}/{signal}") in BENCHMARK_BY_NAME
    }
    wanted = known or dict.fromkeys(scores.signals.tolist(), MAIN_METRIC)
    rows = {s: MeanPart(metric, *scores.of(part, s)) for s, metric in wanted.items()}
    return {signal: one for signal, one in rows.items() if len(one.truth)}


def _figures(
    manifest: GridManifest, rows: Mapping[Entry, _Rows], best: Entry | None
) -> Iterator[Record]:
    """Yield the figures signal by signal, the best bundle first."""
    for signal in in_order({signal for own in rows.values() for signal in own}):
        for bundle, one in ((b, own[signal]) for b, own in rows.items() if signal in own):
            other = rows.get(best, {}).get(signal) if best and bundle != best else None
            name, given = one.metric, (one.truth, other and other.scores, one.scores, one.group)
            drawn = metrics.resample_figures(
                *given, draws=manifest.draws, seed=manifest.seed, names=(name,)
            )
            between = other and Difference(
                one.value - other.value, *drawn.difference[name], drawn.p[name]
            )
            yield {
                "signal": signal, "metric": name, "n": len(one.truth),
                "n_groups": len(np.unique(one.group)), "positives": int(one.truth.sum()),
                "bundle": bundle.name, "value": one.value, **drawn.b[name]._asdict(),
                "difference": between,
            }  # fmt: skip


def _cost(cells: Sequence[GridCell]) -> Record:
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


def write_table(found: Record, manifest: GridManifest, folder: GridFolder) -> None:
    """Write ``table.json``, ``table.md`` and ``index.html``."""
    parts, signature = _sections(found), found["signature"]
    title = f"{len(manifest.bundles)} bundles on {len(manifest.benchmarks)} benchmarks"
    lead = (
        f"Intervals are {LEVEL:.0%}, from resampling whole groups of rows "
        f"{manifest.draws:,} times; differences are a bundle's figure minus the best bundle's, on "
        "the same draws. A star marks a difference whose interval excludes 0."
    )
    note = "\n\n".join(one.note for one in parts.values())
    tables = tuple(one for section in parts.values() for one in section.tables)
    text = sections.section_to_markdown(Section(note, tables, signature=signature))
    atomic_write(folder.path / "table.json", json_text(found))
    atomic_write(folder.path / "table.md", f"# {title}\n\n{lead}\n\n{text}")
    page = sections.sections_to_html(title, lead, parts, signature)
    atomic_write(folder.path / "index.html", page)


def ranking(found: Record, columns: Sequence[str] = ()) -> Section:
    """Return the bundles, the best first, with their means by the columns named."""
    note = "Not ranked: there is no benchmark on which every bundle has a figure."
    if common := found["ranked_by"]:
        tied = ", ".join(one["name"] for one in found["bundles"] if one["tied"]) or "none"
        note = (
            f"Ranked by the mean over {', '.join(common)}, with equal weights. Each is the "
            "mean of the main figures (average precision; F1 or macro-F1 of some corpora) of the "
            "signals that all bundles have. Not told apart from the best (corrected for their "
            f"number, Bonferroni): {tied}."
        )
        if others := [one["name"] for one in found["benchmarks"] if one["name"] not in common]:
            note += f" Not in the mean, since a bundle has no figure there: {', '.join(others)}."
    rows = (
        (str(one["rank"] or "–"), one["name"], _or_none(one["mean"]),
         "the best" if one["rank"] == 1 else _or_none(one["difference"]),
         *(_or_none(one["benchmarks"].get(name, {}).get("mean")) for name in columns),
         one["cost"]["seconds_per_1000_sentences"],
         *(size and size / 1e6 for size in (one["cost"]["bytes"], one["cost"]["peak_memory"])))
        for one in found["bundles"]
    )  # fmt: skip
    headings = ("rank", "bundle", "mean", "minus the best", *columns, "s per 1,000", "MB on disk",
                "MB of memory")  # fmt: skip
    tables = (table("Best first", headings, rows, interval_digits=2),)
    return Section(note, tables, signature=found["signature"])


def _sections(found: Record) -> dict[str, Section]:
    names = [one["name"] for one in found["benchmarks"]]
    first = ranking(found, names)
    rows = (
        (one["name"], *(_or_none(one["benchmarks"].get(n, {}).get("difference")) for n in names))
        for one in found["bundles"]
        if one["difference"] is not None
    )
    differences = table("Minus the best bundle", ("bundle", *names), rows)
    runtimes = sorted(f"{o['name']}: {r}" for o in found["bundles"] for r in o["cost"]["runtimes"])
    note = (
        f"{first.note} Seconds for 1,000 sentences: wall-clock time of scoring, after a warm-up, "
        f"with whatever else the machine was doing. Memory: {METHOD}. Computed with: "
        f"{'; '.join(runtimes) or 'nothing'}."
    )
    columns = ("signal", "figure", "n", "groups", "positive", "bundle", "value", "minus the best")
    counts = ("signal", "metric", "n", "n_groups", "positives", "bundle")
    figures = (
        table(
            column["name"], columns,
            ((*(one[key] for key in counts), Estimate(one["value"], one["low"], one["high"]),
              _or_none(one["difference"]))
             for one in column["figures"]),
            heads=5,
        )
        for column in found["benchmarks"]
    )  # fmt: skip
    every = "The main figure of each signal, as `framescope eval` computes it. Differences are not "
    every += "corrected for their number."
    sections = {
        "Best first": Section(note, (*first.tables, differences)),
        "Every figure": Section(every, tuple(figures)),
    }
    if failed := found["failed"]:
        count = f"{len(failed)} of {found['cells']} cells failed"
        lines = ((one["bundle"], one["benchmark"], one["why"]) for one in failed)
        tables = (table(count, ("bundle", "on", "why"), lines),)
        sections["Failures"] = Section(f"{count}; they are tried again with --resume.", tables)
    return sections


def _or_none(value: Cell) -> Cell:
    return "–" if value is None else value
