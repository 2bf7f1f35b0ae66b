"""The report's contents: one comparison, and everything that is read off the same scores.

`eval.report.report_page` lays it out as a page and writes it down as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.taxonomy import BY_NAME as SIGNALS
from classifier.values import Sentence
from eval.compare import HELD_OUT, Axis, Comparison, Error, Footprint, Headline, Pool, Progress, Row
from eval.compare import compare_models as compare
from eval.compare import headline_of as headline
from eval.compare import measure_footprint as footprint
from eval.compare import slice_figures as slices
from eval.compare import worst_errors as worst
from eval.figures import PrecisionRecall, ReliabilityCurve, Section, is_positive
from eval.figures import precision_recall_of as precision_recall
from eval.figures import reliability_of as reliability_curve
from eval.rows import BENCHMARKS, Benchmark, Judged, Scored, articles_of, rows_of
from training.data import Examples

MAIN: tuple[str, ...] = (
    "claim", "attributed", "vague_source", "unsourced_assertion", "biased_language", "subjective",
    "any_technique", "hyperpartisan",
)  # fmt: skip
"""The signals that are cut into slices unless others are asked for."""
ERRORS = 20
Measure = Callable[[Judged], Section | None]
"""Measures a section of the report; None where there is nothing to measure it on."""


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The curves of a benchmark, of each model; None for one that doesn't give the signal."""

    benchmark: Benchmark
    share: float
    reliability: tuple[ReliabilityCurve | None, ReliabilityCurve | None]
    ranking: tuple[PrecisionRecall | None, PrecisionRecall | None]


@dataclass(frozen=True, slots=True)
class Sliced:
    """A benchmark's slices."""

    benchmark: Benchmark
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class Errors:
    """The worst errors of a signal over its benchmarks, and whose they are."""

    signal: str
    model: str
    other: str
    worst: tuple[Error, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything on the page.

    Attributes
    ----------
    comparison : Comparison
    names : tuple of str
        What to call the two models, told apart.
    headline : tuple of Headline
    unmeasured : tuple of str
        Benchmarks with no row here: another corpus, part or signal than was asked for.
    curves, slices, errors : tuple
    footprints : tuple of Footprint
        Of the two bundles.
    sections : mapping of str to Section or None
        By the names of `eval.report.report_sections.SECTIONS`; None where not measured.
    """

    comparison: Comparison
    names: tuple[str, str]
    headline: tuple[Headline, ...]
    unmeasured: tuple[str, ...]
    curves: tuple[Curves, ...]
    slices: tuple[Sliced, ...]
    errors: tuple[Errors, ...]
    footprints: tuple[Footprint, Footprint]
    sections: Mapping[str, Section | None] = field(default_factory=dict)


def build(
    a: Bundle,
    b: Bundle,
    examples: Examples,
    *,
    data: str = "as given",
    parts: Sequence[str] = HELD_OUT,
    signals: Sequence[str] | None = None,
    sliced: Sequence[str] = MAIN,
    genres: Mapping[str, str] | None = None,
    draws: int,
    seed: int,
    n_errors: int = ERRORS,
    sections: Mapping[str, Measure] | None = None,
    dates: Mapping[str, str | None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Compare two bundles, and gather what the report shows; each scores every row once.

    Parameters
    ----------
    a, b, examples, data, parts, signals, draws, seed, progress
        As of `eval.compare.compare.compare`.
    sliced : sequence of str
        Signals to cut into slices; all where none of these is a benchmark's.
    genres : mapping of str to str, optional
        See `eval.compare.slices.genres_of`.
    n_errors : int
        Errors shown of each signal.
    sections : mapping of str to callable, optional
        What else to measure, by its name; see `eval.report.report_sections`.
    dates : mapping of str to str or None, optional
        When articles appeared, as the examples name them.
    """
    judged = Judged.of(a, b, examples, parts, draws, seed)
    comparison = compare(
        *judged.bundles, examples,
        data=data, parts=parts, signals=signals, draws=draws, seed=seed, progress=progress,
    )  # fmt: skip
    names = judged.names
    table = headline(comparison, names)
    benchmarks = tuple(one.benchmark for one in table)
    judged = replace(judged, benchmarks=benchmarks, dates=dates or {})
    shown = tuple(dict.fromkeys(row.signal for row in comparison.rows))
    chosen = {one.benchmark.signal for one in table}
    cut = chosen & set(sliced) or chosen
    found_curves, found_slices = [], []
    pools: dict[tuple[str, str, str], list[Pool]] = {}
    sentences: tuple[Sentence, ...] = ()
    for corpus in dict.fromkeys(row.corpus for row in comparison.rows):
        rows = articles_of(examples, corpus, parts, shown)
        scored = judged.score(rows)
        sentences = sentences or rows.sentences
        for one in (line for line in table if line.row.corpus == corpus):
            at = rows_of(rows, one.row.part, one.row.signal)
            found_curves.append(_curves(one.benchmark, rows, at, scored))
            key, pool = _pool(rows, at, one.row.signal, scored, names)
            pools.setdefault(key, []).append(pool)
            if one.row.signal in cut:
                axes = slices(
                    rows, at, one.row.signal, one.benchmark.metric, *scored,
                    genres=genres or {}, draws=draws, seed=seed,
                )  # fmt: skip
                found_slices.append(Sliced(one.benchmark, axes))
    measured = {one.name for one in benchmarks}
    found_sections: dict[str, Section | None] = {}
    for name, measure_section in (sections or {}).items():
        if progress is not None:
            progress(name, 0, 0)
        found_sections[name] = measure_section(judged)
    return Report(
        comparison=comparison,
        names=names,
        headline=table,
        unmeasured=tuple(one.name for one in BENCHMARKS if one.name not in measured),
        curves=tuple(found_curves),
        slices=tuple(found_slices),
        errors=tuple(
            Errors(signal, model, other, worst(signal, pools[signal, model, other], n_errors))
            for signal in SIGNALS
            for (of, model, other) in pools
            if of == signal
        ),
        footprints=(footprint(a.path, sentences), footprint(b.path, sentences)),
        sections=found_sections,
    )


def _curves(
    benchmark: Benchmark, rows: Examples, judged: NDArray[np.intp], scored: tuple[Scored, Scored]
) -> Curves:
    truth = is_positive(rows.column(benchmark.signal)[judged])
    columns = [
        None if (column := one.column(benchmark.signal)) is None else column[judged]
        for one in scored
    ]
    a, b = (None if column is None else reliability_curve(truth, column) for column in columns)
    c, d = (None if column is None else precision_recall(truth, column) for column in columns)
    return Curves(benchmark, float(truth.mean()), (a, b), (c, d))


def _pool(
    rows: Examples,
    judged: NDArray[np.intp],
    signal: str,
    scored: tuple[Scored, Scored],
    names: tuple[str, str],
) -> tuple[tuple[str, str, str], Pool]:
    """Gather the rows of b, or of a where b doesn't give the signal."""
    a, b = (one.column(signal) for one in scored)
    if b is None:
        assert a is not None  # or the row would not be there
        return (signal, names[0], ""), Pool(rows, judged, a[judged])
    if a is None:
        return (signal, names[1], ""), Pool(rows, judged, b[judged])
    return (signal, names[1], names[0]), Pool(rows, judged, b[judged], a[judged])


def blocks(report: Report) -> Iterator[tuple[str, list[Row]]]:
    """Give the rows of each part of each corpus that both models have, for the forest plots."""
    found: dict[str, list[Row]] = {}
    for row in report.comparison.rows:
        if row.differences:
            found.setdefault(f"{row.corpus}, {row.part}", []).append(row)
    yield from found.items()
