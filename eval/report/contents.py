"""The report's contents: one comparison, everything read off the same scores, and further sections.

`eval.report.report_page` lays it out as a page and writes it down as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import BY_NAME as SIGNALS
from framescope.eval.compare import Axis, Compared, Comparison, Error, Footprint, Headline, Progress
from framescope.eval.compare import compare_models as compare
from framescope.eval.compare import headline_of as headline
from framescope.eval.compare import measure_footprint as footprint
from framescope.eval.compare import slice_figures as slices
from framescope.eval.compare import worst_errors as worst
from framescope.eval.metrics import (
    PrecisionRecall,
    ReliabilityCurve,
    Section,
    precision_recall,
    reliability_curve,
)
from framescope.eval.rows import BENCHMARKS, Benchmark, Evaluation, Sample
from framescope.eval.studies import (
    section_of_controls,
    section_of_sourcing,
    section_of_techniques,
)
from framescope.eval.suite import DRAWS, measure_suite

MAIN: tuple[str, ...] = (
    "claim", "attributed", "vague_source", "unsourced_assertion", "biased_language", "subjective",
    "any_technique", "hyperpartisan",
)  # fmt: skip
"""The signals that are cut into slices unless others are asked for."""
ERRORS = 20
Measure = Callable[[Evaluation], Section | None]
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
class EvaluationReport:
    """Everything on the page.

    ``names``: what to call the two models, told apart. ``unmeasured``: benchmarks with no row here:
    another corpus, part or signal than was asked for. ``footprints``: of the two bundles.
    ``sections``: by the names of `eval.report.contents.SECTIONS`; None where not measured.
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
    evaluation: Evaluation,
    *,
    signals: Sequence[str] | None = None,
    sliced: Sequence[str] = MAIN,
    genres: Mapping[str, str] | None = None,
    n_errors: int = ERRORS,
    sections: Mapping[str, Measure] | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Compare two bundles, and gather what the report shows; each scores every row once.

    Parameters
    ----------
    evaluation : Evaluation
        Of bundles a and b.
    signals, progress
        As of `eval.compare.comparison.compare`.
    sliced : sequence of str
        Signals to cut into slices; all where none of these is a benchmark's.
    genres : mapping of str to str, optional
        See `eval.compare.slices.genres_of`.
    n_errors : int
        Errors shown of each signal.
    sections : mapping of str to callable, optional
        What else to measure, by its name; see `eval.report.contents`.
    """
    a, b = evaluation.bundles
    first, second = evaluation.names
    comparison = compare(evaluation, signals, progress)
    table = headline(comparison, (first, second))
    benchmarks = tuple(one.benchmark for one in table)
    evaluation = replace(evaluation, benchmarks=benchmarks)
    shown = tuple(dict.fromkeys(row.signal for row in comparison.rows))
    chosen = {one.signal for one in benchmarks}
    cut = chosen & set(sliced) or chosen
    found_curves, found_slices = [], []
    pools: dict[str, list[Sample]] = {}
    sentences: tuple[Sentence, ...] = ()
    for corpus in dict.fromkeys(row.corpus for row in comparison.rows):
        scored = evaluation.articles(corpus, evaluation.parts, shown)
        sentences = sentences or scored.rows.sentences
        for benchmark in (one for one in benchmarks if one.corpus == corpus):
            sample = scored.sample(benchmark.part, benchmark.signal)
            found_curves.append(_curves(benchmark, sample))
            pools.setdefault(sample.signal, []).append(sample)
            if sample.signal in cut:
                axes = slices(
                    sample, benchmark.metric,
                    genres=genres or {}, draws=evaluation.draws, seed=evaluation.seed,
                )  # fmt: skip
                found_slices.append(Sliced(benchmark, axes))
    measured = {one.name for one in benchmarks}
    found_sections: dict[str, Section | None] = {}
    # Processes of their own tell the memory; they run beside the sections, one at a time.
    with ThreadPoolExecutor(max_workers=1) as beside:
        footprints = [beside.submit(footprint, one.path, sentences) for one in (a, b)]
        for name, measure_section in (sections or {}).items():
            if progress is not None:
                progress(name, 0, 0)
            found_sections[name] = measure_section(evaluation)
    found_errors = []
    for signal in (name for name in SIGNALS if name in pools):
        # Those of b, or of a where b doesn't give the signal.
        whose, other = (1, first) if signal in b.signals else (0, "")
        other = other if signal in a.signals else ""
        found = worst(pools[signal], whose, n_errors)
        found_errors.append(Errors(signal, (first, second)[whose], other, found))
    return EvaluationReport(
        comparison=comparison,
        names=(first, second),
        headline=table,
        unmeasured=tuple(one.name for one in BENCHMARKS if one.name not in measured),
        curves=tuple(found_curves),
        slices=tuple(found_slices),
        errors=tuple(found_errors),
        footprints=(footprints[0].result(), footprints[1].result()),
        sections=found_sections,
    )


def _curves(benchmark: Benchmark, sample: Sample) -> Curves:
    truth = sample.truth
    a, b = (given and reliability_curve(truth, given.proba) for given in sample.scores)
    c, d = (given and precision_recall(truth, given.proba) for given in sample.scores)
    return Curves(benchmark, float(truth.mean()), (a, b), (c, d))


def blocks(report: EvaluationReport) -> Iterator[tuple[str, list[Compared]]]:
    """Give the rows of each part of each corpus that both models have, for the forest plots."""
    found: dict[str, list[Compared]] = {}
    for row in report.comparison.rows:
        if row.differences:
            found.setdefault(f"{row.corpus}, {row.part}", []).append(row)
    yield from found.items()


def _behaviour(evaluation: Evaluation) -> Section:
    """Run the behavioural suite on the second bundle."""
    draws = min(evaluation.draws, DRAWS)
    return measure_suite(evaluation.bundles[1], draws=draws, seed=evaluation.seed).section()


#: Headings and measures, by the names that `eval.commands.options.SectionName` lets a user give.
SECTIONS: Mapping[str, tuple[str, Measure]] = {
    "techniques": ("Persuasion techniques", section_of_techniques),
    "controls": ("Controls", section_of_controls),
    "sourcing": ("Who says what", section_of_sourcing),
    "robustness": ("Behaviour", _behaviour),
}


def chosen(without: Collection[str]) -> dict[str, Measure]:
    """Choose the sections to measure: all but those named."""
    return {name: measure for name, (_, measure) in SECTIONS.items() if name not in without}
