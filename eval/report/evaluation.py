"""The evaluation report of two bundles: gathered once, laid out as a page and as JSON."""

import html
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier.records import printable
from framescope.classifier.taxonomy import BY_NAME
from framescope.eval import metrics, sections, studies
from framescope.eval.compare import comparison as compare
from framescope.eval.compare.footprint import METHOD, Footprint, measure_footprint
from framescope.eval.compare.slices import Axis, Error, slice_figures, worst_errors
from framescope.eval.rows import BENCHMARK_BY_NAME, MAIN_METRIC, Benchmark, Evaluation, Sample
from framescope.eval.sections import UNDEFINED, Estimate, Plot, Row, Section, Table, table
from framescope.eval.suite import DRAWS, measure_suite
from framescope.training.resampling import LEVEL

SCHEMA_VERSION = 4
SLICED = {
    "claim", "attributed", "vague_source", "unsourced_assertion", "biased_language", "subjective",
    "any_technique", "hyperpartisan",
}  # fmt: skip
"""The signals that are cut into slices; all where none of these is measured."""
ERRORS = 20
_OF_BENCHMARKS = ("unit", "split", "metric", "published", "ceiling")
_FIGURES = (
    "Ranking: average precision (AP), at any threshold. Flags: precision, recall and F1 at each "
    "bundle's own. AP or F1 is better or worse where its interval leaves out 0 and its p is below "
    "0.05 once corrected for the number of comparisons (Holm)."
)
_METRICS = {**metrics.METRICS, MAIN_METRIC: "average precision"}

Measure = Callable[[Evaluation], Section | None]  # None where there is nothing to measure it on


class Details(NamedTuple):
    """A benchmark's share of yes, its curves for each model that gives the signal, its slices."""

    benchmark: Benchmark
    share: float
    reliability: Sequence[metrics.ReliabilityCurve | None]
    ranking: Sequence[metrics.PrecisionRecall | None]
    axes: Sequence[Axis]


@dataclass(frozen=True, slots=True)
class Errors:
    """The worst errors of a signal over its benchmarks, and whose they are."""

    signal: str
    model: str
    other: str | None
    worst: tuple[Error, ...]


class EvaluationReport(NamedTuple):
    """The values of the report; ``verdict``: whether to ship the second model, and why."""

    comparison: compare.Comparison
    names: Sequence[str]
    changes: Sequence[compare.SignalChange]
    verdict: str
    headline: Sequence[tuple[Benchmark, compare.Compared]]
    details: Sequence[Details]
    errors: Sequence[Errors]
    footprints: Sequence[Footprint]
    sections: Mapping[str, Section | None]


def _missed(of: Evaluation) -> Section | None:
    suite = measure_suite(of.bundles[1], draws=min(of.draws, DRAWS), seed=of.seed)
    missed = tuple(one for one in suite.results if one.passed is False)
    return suite._replace(results=missed).section() if missed else None


SECTIONS: Mapping[str, tuple[str, Measure]] = {
    "marks": ("What readers see", studies.section_of_marks),
    "techniques": ("Persuasion techniques", studies.section_of_techniques),
    "controls": ("Controls", lambda evaluation: (studies.study_controls(evaluation) or (None,))[0]),
    "sourcing": ("Who says what", studies.section_of_sourcing),
    "languages": ("By language", studies.section_of_languages),
    "robustness": ("Behaviour: what is missed", _missed),
}
"""Headings and measures, by the names of `eval.commands.judge.SectionName`."""


def build_report(
    evaluation: Evaluation,
    signals: Sequence[str] | None = None,
    genres: Mapping[str, str] | None = None,
    sections: Mapping[str, Measure] | None = None,
    progress: compare.Progress = lambda name, done, total: None,
) -> EvaluationReport:
    """Compare two bundles, and gather the values of the report; each row is scored once."""
    a, b = evaluation.bundles
    comparison = compare.compare_models(evaluation, signals, progress)
    changes, headline = compare.changes_of(comparison.rows), _benchmarks_of(comparison)
    evaluation = replace(evaluation, benchmarks=tuple(benchmark for benchmark, _ in headline))
    chosen = {one.signal for one in evaluation.benchmarks}
    cut, details = chosen & SLICED or chosen, []
    samples = defaultdict[str, list[Sample]](list)
    for one, sample in evaluation.samples(evaluation.benchmarks):
        samples[one.signal].append(sample)
        resampling = one.metric, genres or {}, evaluation.draws, evaluation.seed
        axes = slice_figures(sample, *resampling) if one.signal in cut else ()
        truth, scores = sample.truth, sample.scores
        reliability = [of and metrics.reliability_curve(truth, of.proba) for of in scores]
        ranking = [of and metrics.precision_recall(truth, of.proba) for of in scores]
        details.append(Details(one, float(truth.mean()), reliability, ranking, axes))
    further: dict[str, Section | None] = {}
    for name, measure in (sections or {}).items():
        progress(name, 0, 0)
        further[name] = measure(evaluation)
    errors = []
    for signal in (name for name in BY_NAME if name in samples):
        whose = int(signal in b.signals)  # those of a where b doesn't give the signal
        other = evaluation.names[0] if whose and signal in a.signals else None
        worst = worst_errors(samples[signal], whose, ERRORS)
        errors.append(Errors(signal, evaluation.names[whose], other, worst))
    progress("memory", 0, 0)
    sentences = next(iter(samples.values()))[0].rows.sentences
    footprints = [measure_footprint(one.path, sentences) for one in (a, b)]
    verdict = compare.decision_of(comparison, changes)
    return EvaluationReport(
        comparison, evaluation.names, changes, verdict, headline, details, errors, footprints,
        further,
    )  # fmt: skip


def to_json(report: EvaluationReport) -> str:
    """Write every figure of the page; errors by their places, without the texts of others."""

    def sides(values: Iterable[Any]) -> dict[str, Any]:
        return dict(zip("ab", values, strict=True))

    record = {
        "schema_version": SCHEMA_VERSION,
        "signature": report.comparison.signature,
        "names": sides(report.names),
        "verdict": report.verdict,
        "changes": [one.record() for one in report.changes],
        "headline": [
            {
                "benchmark": one.name,
                **{name: getattr(one, name) for name in _OF_BENCHMARKS},
                **{name: getattr(row, name) for name in ("n", "n_groups", "positives")},
                **dict(zip(("a", "b", "difference"), _main_figures(one, row), strict=True)),
            }
            for one, row in report.headline
        ],
        "curves": [
            {
                "benchmark": one.benchmark.name,
                "share": one.share,
                "reliability": sides(one.reliability),
                "precision_at_recall": sides(
                    curve and [[recall, curve.at(recall)] for recall in metrics.RECALLS]
                    for curve in one.ranking
                ),
            }
            for one in report.details
        ],
        "cost": {**sides(report.footprints), "unit": "bytes", "method_of_memory": METHOD},
        "slices": [
            {"benchmark": one.benchmark.name, "metric": one.benchmark.metric, "axes": one.axes}
            for one in report.details
            if one.axes
        ],
        "errors": report.errors,
        "sections": report.sections,
        "comparison": compare.record_of_comparison(report.comparison),
    }
    return sections.json_text(record)


def to_html(report: EvaluationReport) -> str:
    """Lay a report out as one HTML page, which holds sentences of the corpora."""
    titled = {name: (SECTIONS[name][0], found) for name, found in report.sections.items()}
    titled |= {
        "curves": ("Reliability and precision-recall", _curves(report)),
        "cost": ("Cost", _cost(report)),
        "slices": ("Slices", Section(_SLICES, tuple(_slices(report)))),
    }
    shown = {
        name: one for name, one in titled.items() if one[1] and (one[1].tables or one[1].plots)
    }
    described = [
        (one, row, *_main_figures(one, row))
        for one, row in report.headline
        if one.name in BENCHMARK_BY_NAME
    ]
    figures = compare.table_of_changes(report.changes, report.names)
    return sections.page(
        "report.html", report=report, figures=Section(_FIGURES, (figures,)), described=described,
        sections=shown, level=f"{100 * LEVEL:.0f}%", metrics=_METRICS, signals=BY_NAME,
    )  # fmt: skip


def _benchmarks_of(comparison: compare.Comparison) -> list[tuple[Benchmark, compare.Compared]]:
    """Return the benchmarks of a comparison, in their order; a user's own rows are one each."""
    described = {one.corpus for one in BENCHMARK_BY_NAME.values()}
    found = []
    for row in comparison.rows:
        own = Benchmark(row.corpus, row.part, row.signal, "as given", MAIN_METRIC)
        found.append((BENCHMARK_BY_NAME.get(own.name, own), row))
    # Rows of a part that no benchmark is on stand for one only where there are no others.
    places = {name: at for at, name in enumerate(BENCHMARK_BY_NAME)}
    known = [one for one in found if one[0].name in places or one[1].corpus not in described]
    return sorted(known or found, key=lambda one: places.get(one[0].name, len(places)))


def _main_figures(one: Benchmark, row: compare.Compared) -> Iterator[Estimate | None]:
    for figures, intervals in ((row.a, row.intervals_a), (row.b, row.intervals_b)):
        values = figures and (figures[one.metric], *intervals.get(one.metric, ()))
        yield Estimate(*values) if values else None
    yield row.differences.get(one.metric)


def _curves(report: EvaluationReport) -> Section:
    a, b = report.names
    drawn = []
    for at, one in enumerate(report.details):
        words = f"Reliability and precision-recall of {one.benchmark.name}"
        svg = plot_of(f"plot-curves{at}", words, one, report.names)
        drawn.append(Plot(words, svg, tuple(_numbers_of(one, report.names))))
    note = (
        "Left: the share of yes among sentences with about this score; on the diagonal scores are "
        "probabilities. Bins hold equally many rows. Right: the precision at each recall; the "
        f"level line is a ranking without skill. {a}: dashed, circles; {b}: solid, squares."
    )
    return Section(note, plots=tuple(drawn))


def _numbers_of(one: Details, names: Sequence[str]) -> Iterator[Table]:
    bins = list[Row]()
    for model, curve in zip(names, one.reliability, strict=True):
        if curve is None:
            bins.append((model, None, None, None))
            continue
        columns = curve.count, curve.score, curve.share, curve.share_low, curve.share_high
        for n, score, *share in zip(*(own.tolist() for own in columns), strict=True):
            bins.append((model, n, score, Estimate(*share)))
    ranks = (
        (model, *(curve and curve.at(recall) for recall in metrics.RECALLS))
        for model, curve in zip(names, one.ranking, strict=True)
    )
    heads = ("model", "n", "mean score", "share of yes")
    yield table("Reliability, by bins of equal mass", heads, bins)
    yield table("Precision at each recall", ("model", *map(str, metrics.RECALLS)), ranks)


def _cost(report: EvaluationReport) -> Section:
    costs = ((one.corpus, one.a, one.b) for one in report.comparison.costs)
    times = table("Seconds for 1,000 sentences", ("corpus", *report.names), costs)
    columns = ("model", "megabytes on disk", "megabytes of memory at the peak")
    rows = (
        (name, *(size and size / 1e6 for size in (one.disk, one.memory)))
        for name, one in zip(report.names, report.footprints, strict=True)
    )
    sizes = table("Size of the bundles", columns, rows, digits=1)
    seconds = "Seconds are wall-clock time on this machine, other work on it included."
    return Section(f"{seconds} Memory: {METHOD}.", (times, sizes))


_SLICES = (
    "The main figure on parts of a benchmark's rows. Voice is by the labels `quoted` and "
    "`reported`; the position is the sentence's in its article. Many slices are shown and none is "
    "tested: read the intervals."
)


def _slices(report: EvaluationReport) -> Iterator[Table]:
    for of, axis in ((one.benchmark, axis) for one in report.details for axis in one.axes):
        caption = f"{of.name}, {_METRICS[of.metric]}, by {axis.name}"
        rows = (
            (printable(part.value).replace("_", " "), part.n, part.n_groups, part.positives,
             part.a, part.b)
            for part in axis.slices
        )  # fmt: skip
        yield table(caption, (axis.name, "n", "groups", "yes", *report.names), rows)


INK, RULE, A, B = "#010101", "#020202", "#030303", "#040404"
_COLOURS = {INK: "currentColor", RULE: "var(--axis)", A: "var(--model-a)", B: "var(--model-b)"}
_LINES = ((A, "o", "none", "--"), (B, "s", B, "-"))  # of each model: colour, marker, its face, line
_POINTS = 200  # of a precision-recall curve: more can't be seen at this size
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "framescope", "font.size": 10,
    "text.parse_math": False,  # a file may have a dollar sign in its name
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), INK),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), RULE),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
}  # fmt: skip
# The properties of inline styles that attributes can express.
_ATTRIBUTES = frozenset({
    "fill", "fill-opacity", "font-size", "opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width",
    "text-anchor",
})  # fmt: skip


def plot_of(name: str, title: str, details: Details, labels: Sequence[str]) -> str:
    """Draw the curves of two models: SVG by matplotlib, in the colours of the page it stands in."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_SETTINGS):
        figure = Figure(figsize=(6.8, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color=RULE, linewidth=1)
        right.axhline(details.share, color=RULE, linewidth=1)  # the precision without skill
        for curve, rank, label, (colour, marker, face, line) in zip(
            details.reliability, details.ranking, labels, _LINES, strict=True
        ):
            look: dict[str, Any] = {"color": colour, "linestyle": line, "label": label}
            if curve is not None:
                bars = [curve.share - curve.share_low, curve.share_high - curve.share]
                left.errorbar(
                    curve.score, curve.share, yerr=bars, marker=marker, markerfacecolor=face,
                    markersize=5, linewidth=1.3, elinewidth=0.8, **look,
                )  # fmt: skip
            if rank is not None and (n := len(rank.recall)):
                kept = np.unique(np.linspace(0, n - 1, min(n, _POINTS)).round().astype(np.intp))
                right.plot(rank.recall[kept], rank.precision[kept], linewidth=1.5, **look)
        for axes, x, y in ((left, "mean score", "share of yes"), (right, "recall", "precision")):
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=x, ylabel=y)
            if axes.get_legend_handles_labels()[1]:
                axes.legend(fontsize=9)
            else:
                axes.text(0.5, 0.5, UNDEFINED, ha="center", va="center", transform=axes.transAxes)
        return _svg(figure, name, title)


def _svg(figure: Any, name: str, title: str) -> str:
    """Return a figure as an element for a page that has two themes and forbids inline styles."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'style="([^"]*)"', _attributes, text)
    text = re.sub(r'(\bid="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    text = text.replace("xlink:href", "href")
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    (box,) = re.findall(r'^<svg[^>]*?viewBox="([^"]*)"', text)
    element = f'<svg class="plot" role="img" aria-labelledby="{name}-title" viewBox="{box}">'
    heading = f'<title id="{name}-title">{html.escape(title)}</title>'
    return element + heading + text[text.index(">") + 1 :].strip()


def _attributes(style: re.Match[str]) -> str:
    found = dict(re.findall(r"([\w-]+):\s*([^;]*[^;\s])", style[1]))
    if "font" in found:  # "9px 'DejaVu Sans', ...": the page has a family of its own
        size = re.search(r"[\d.]+px", found["font"])
        # Text without a colour of its own would be black in both themes.
        found = {"fill": "currentColor", **found, "font-size": size[0] if size else "10px"}
    return " ".join(f'{key}="{value}"' for key, value in found.items() if key in _ATTRIBUTES)
