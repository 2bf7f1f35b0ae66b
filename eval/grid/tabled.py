"""The table of a run: as JSON, as Markdown, on a page, and in short for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from framescope.eval.compare import METHOD
from framescope.eval.grid.kept import GridFolder
from framescope.eval.grid.standings import FigureLine, Standing, Standings
from framescope.eval.metrics import LEVEL, Cell, Estimate, Section, Table, table
from framescope.eval.report import json_text, section_to_markdown, sections_to_html

SCHEMA_VERSION = 1
_NOTHING = "–"


def write_standings(found: Standings, folder: GridFolder) -> None:
    """Write ``table.json``, ``table.md`` and ``index.html``."""
    sections = sections_of(found)
    title = (
        f"{_counted(found.manifest.bundles, 'bundle')} on "
        f"{_counted(found.manifest.benchmarks, 'benchmark')}"
    )
    lead = (
        f"Intervals are {LEVEL:.0%}, from resampling whole groups of rows "
        f"{found.manifest.draws:,} times; differences are a bundle's figure less the best "
        "bundle's, on the same draws."
    )
    folder.write_text("table.json", json_text(record_of(found)))
    whole = Section(
        "\n\n".join(one.note for one in sections.values()),
        tuple(one for section in sections.values() for one in section.tables),
        signature=found.signature,
    )
    folder.write_text("table.md", f"# {title}\n\n{lead}\n\n{section_to_markdown(whole)}")
    folder.write_text("index.html", sections_to_html(title, lead, sections, found.signature))


def _counted(of: Sequence[object], what: str) -> str:
    return f"{len(of)} {what}" if len(of) == 1 else f"{len(of)} {what}s"


def sections_of(found: Standings) -> dict[str, Section]:
    """Lay the standings out, by the headings of the page."""
    ranked = sum(one.rank is not None for one in found.bundles)
    sections = {
        "Best first": Section(
            _ranked_by(found), (_ranking(found), *([_differences(found)] if ranked > 1 else []))
        ),
        "Cost beside quality": Section(_cost_note(found), (_costs(found),)),
        "Every figure": Section(
            "The main figure of each signal; figures and their differences are those that "
            "`framescope eval run` gives. Differences are not corrected for their number; a star "
            "marks one whose interval leaves out 0.",
            tuple(
                _figures(name, list(lines))
                for name, lines in groupby(found.lines, lambda line: line.column)
            ),
        ),
    }
    if found.failed:
        rows = ((one.bundle, one.benchmark, one.why) for one in found.failed)
        count = f"{len(found.failed)} of {len(found.cells)} cells failed"
        note = f"{count}; they are tried again with --resume."
        sections["What failed"] = Section(note, (table(count, ("bundle", "on", "why"), rows),))
    return sections


def brief_of(found: Standings) -> Section:
    """Say who is best, in what a terminal holds."""
    rows = (
        (
            _rank(one), one.bundle.name, _estimate(one.mean), _change(found, one),
            one.per_thousand,
        )
        for one in found.bundles
    )  # fmt: skip
    columns = ("rank", "bundle", "mean", "less the best", "s per 1,000")
    return Section(
        _ranked_by(found),
        (table("Best first", columns, rows, interval_digits=2),),
        signature=found.signature,
    )


def _ranked_by(found: Standings) -> str:
    others = [one.name for one in found.columns if one.name not in found.common]
    if not found.common:
        return "Not ranked: there is no benchmark on which every bundle has a figure."
    said = (
        f"Ranked by the mean over {', '.join(found.common)}, which weigh the same. Each is the "
        "mean of the main figures (average precision; F1 or macro-F1 of some corpora) of the "
        "signals that all bundles give."
    )
    if others:
        said += f" Not in the mean, since a bundle has no figure there: {', '.join(others)}."
    return said


def _ranking(found: Standings) -> Table:
    names = [one.name for one in found.columns]
    return table(
        "Best first",
        ("rank", "bundle", "mean", *names),
        (
            (
                _rank(one), one.bundle.name, _estimate(one.mean),
                *(_estimate(one.columns.get(name)) for name in names),
            )
            for one in found.bundles
        ),
    )  # fmt: skip


def _differences(found: Standings) -> Table:
    names = [one.name for one in found.columns]
    best, *others = (one for one in found.bundles if one.rank)
    return table(
        f"Less {best.bundle.name}, the best",
        ("bundle", "mean", *names),
        (
            (
                one.bundle.name, _change(found, one),
                *(one.differences.get(name, _NOTHING) for name in names),
            )
            for one in others
        ),
        note="Paired: every bundle is measured on the same draws. A star marks a difference whose "
        "interval leaves out 0.",
    )  # fmt: skip


def _costs(found: Standings) -> Table:
    return table(
        "What a bundle gives, and what it takes",
        (
            "bundle", "mean", "megabytes on disk", "megabytes of memory at the peak",
            "seconds for 1,000 sentences", "sentences a second", "seconds in all",
        ),
        (
            (
                one.bundle.name,
                _estimate(one.mean),
                *(None if size is None else size / 1e6 for size in (one.disk, one.memory)),
                one.per_thousand,
                round(one.sentences / one.seconds) if one.seconds > 0 else None,
                one.seconds if one.sentences else None,
            )
            for one in found.bundles
        ),
        digits=2,
    )  # fmt: skip


def _cost_note(found: Standings) -> str:
    done = [one for one in found.cells if not one.why]
    runtimes = sorted({f"{one.bundle}: {one.runtime}" for one in done})
    said = (
        "Seconds are wall-clock time of scoring, after a warm-up, with whatever else the machine "
        f"was doing. Memory: {METHOD}. Computed with: {'; '.join(runtimes) or 'nothing'}."
    )
    states = len({one.code for one in done})
    if states > 1:
        said += f" By {states} states of the code: what differs may be the code's doing."
    return said


def _figures(name: str, lines: list[FigureLine]) -> Table:
    return table(
        name,
        ("signal", "figure", "n", "groups", "positive", "bundle", "value", "less the best"),
        (
            (
                line.found.signal, line.metric, line.found.n, line.found.n_groups,
                line.found.positives, line.bundle, line.value, line.difference or _NOTHING,
            )
            for line in lines
        ),
        heads=5,
    )  # fmt: skip


def _rank(one: Standing) -> str:
    return _NOTHING if one.rank is None else str(one.rank)


def _estimate(value: Estimate | None) -> Cell:
    return _NOTHING if value is None else value


def _change(found: Standings, one: Standing) -> Cell:
    if one.difference is not None:
        return one.difference
    return "the best" if one.rank == 1 and len(found.bundles) > 1 else _NOTHING


def record_of(found: Standings) -> dict[str, Any]:
    """Give every figure, undefined ones as NaN."""
    manifest = found.manifest
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": found.signature,
        "resampling": {"draws": manifest.draws, "seed": manifest.seed, "level": LEVEL},
        "ranked_by": list(found.common),
        "bundles": [_bundle_record(found, one) for one in found.bundles],
        "benchmarks": [
            {
                "name": column.name,
                "benchmark": column.benchmark.name,
                "part": column.part,
                "signals_in_the_mean": list(column.signals),
                "figures": [_line_record(x) for x in found.lines if x.column == column.name],
            }
            for column in found.columns
        ],
        "cells": len(found.cells),
        "failed": [
            {"bundle": one.bundle, "benchmark": one.benchmark, "why": one.why}
            for one in found.failed
        ],
    }


def _bundle_record(found: Standings, one: Standing) -> Mapping[str, Any]:
    cells = [cell for cell in found.cells if cell.bundle == one.bundle.name]
    done = [cell for cell in cells if not cell.why]
    return {
        "rank": one.rank,
        "name": one.bundle.name,
        "digest": done[0].digest if done else None,
        "mean": one.mean,
        "difference": one.difference,
        "benchmarks": {
            name: {"mean": value, "difference": one.differences.get(name)}
            for name, value in one.columns.items()
        },
        "cost": {
            "bytes": one.disk,
            "peak_memory": one.memory,
            "sentences": one.sentences,
            "seconds": one.seconds,
            "seconds_per_1000_sentences": one.per_thousand,
            "runtimes": sorted({cell.runtime for cell in done}),
        },
        "cells_failed": len(cells) - len(done),
    }


def _line_record(line: FigureLine) -> Mapping[str, Any]:
    return {
        "signal": line.found.signal,
        "metric": line.metric,
        "n": line.found.n,
        "n_groups": line.found.n_groups,
        "positives": line.found.positives,
        "bundle": line.bundle,
        "value": line.value.value,
        "low": line.value.low,
        "high": line.value.high,
        "difference": None
        if line.difference is None
        else {
            "value": line.difference.value,
            "low": line.difference.low,
            "high": line.difference.high,
            "p": line.p,
        },
    }
