"""Two bundles on the same held-out rows: their figures, and how sure each difference is."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Any, NamedTuple

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import SignalError
from framescope.classifier.taxonomy import in_order
from framescope.eval.metrics import METRICS, holm, resample_figures, single_figure
from framescope.eval.rows import MAIN_METRIC, Evaluation, Sample, is_positive, rows_of
from framescope.eval.sections import Cell, Change, Estimate, Row, Section, Table, table
from framescope.training.resampling import LEVEL, Interval

Progress = Callable[[str, int, int], None]  # what is scored, how many are done, of how many


@dataclass(frozen=True, slots=True)
class Difference(Change):
    """``b - a``; ``p`` is two-sided, and not corrected for the number of figures."""

    p: float = math.nan


class Compared(NamedTuple):
    """One signal on one part of one corpus."""

    corpus: str
    part: str
    signal: str
    n: int  # rows with a label: sentences, or articles for an article-level signal
    n_groups: int
    positives: int
    always_yes_f1: float
    a: Mapping[str, float] | None  # the figures of `METRICS`; None without the signal
    b: Mapping[str, float] | None
    differences: Mapping[str, Difference]  # empty unless both models give the signal
    intervals_a: Mapping[str, Interval]
    intervals_b: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall-clock seconds of each bundle for 1,000 sentences of a corpus, after a warm-up."""

    corpus: str
    sentences: int
    a: float
    b: float


class Comparison(NamedTuple):
    """A comparison of an evaluation's two bundles; ``costs``: one for each corpus."""

    evaluation: Evaluation
    rows: Sequence[Compared]
    costs: Sequence[Seconds]

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures, seconds excepted."""
        of = self.evaluation
        bundles = " | ".join(f"{one.name} {one.digest[:12]}" for one in of.bundles)
        settings = f"draws {of.draws}, seed {of.seed}"
        return f"framescope {__version__} | data {of.data} | {bundles} | {settings}"


def compare_models(
    evaluation: Evaluation, signals: Sequence[str] | None = None, progress: Progress | None = None
) -> Comparison:
    """Score the held-out rows of every corpus with two bundles, and compare them by signal."""
    parts, given = evaluation.parts, in_order([s for of in evaluation.bundles for s in of.signals])
    wanted = given if signals is None else [one for one in in_order(signals) if one in given]
    corpora = [
        (corpus, n)
        for corpus in dict.fromkeys(evaluation.examples.corpus.tolist())
        if (n := len(evaluation.numbers(corpus, parts, wanted)))
    ]
    if not corpora:
        named = " or ".join(signals or ["a signal that one of them gives"])
        of = ", ".join(evaluation.examples.labelled().signals) or "nothing"
        reason = f"no row of part {' or '.join(parts)} is labelled with {named}"
        raise SignalError(f"nothing to compare: {reason}; labelled: {of}")
    total, done = 2 * sum(n for _, n in corpora), 0

    def step(bundle: Bundle, n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(f"{corpus}: {bundle.name}", done, total)

    found, costs = list[Compared](), list[Seconds]()
    for corpus, n in corpora:
        scored = evaluation.articles(corpus, parts, wanted, step)
        costs.append(Seconds(corpus, n, *scored.seconds))
        for part in parts:
            samples = [one for s in wanted if len(one := scored.sample(part, s))]
            found += [_compared(corpus, one, evaluation.draws, evaluation.seed) for one in samples]
    return Comparison(evaluation, found, costs)


def _compared(corpus: str, sample: Sample, draws: int, seed: int) -> Compared:
    truth, groups, (a, b) = sample.truth, sample.groups, sample.scores
    figures_a, figures_b = (
        one and {name: single_figure(name, truth, *one) for name in METRICS} for one in (a, b)
    )
    drawn = resample_figures(truth, a, b, groups, draws=draws, seed=seed)
    always_yes = single_figure("f1", truth, np.ones(len(truth), np.float32), 0.5)
    between = {
        name: Difference(figures_b[name] - figures_a[name], *interval, drawn.p[name])
        for name, interval in drawn.difference.items()
        if figures_a and figures_b
    }
    return Compared(
        corpus, sample.part, sample.signal, len(sample), len(np.unique(groups)), int(truth.sum()),
        always_yes, figures_a, figures_b, between, drawn.a, drawn.b,
    )  # fmt: skip


SCHEMA_VERSION = 3
_PRINTED = ("f1", "macro_f1", "average_precision", "debiased_error", "error_by_chance")
_LEGEND = (
    "Differences are the second model's figure less the first's, with a 95% interval from "
    "resampling whole groups (articles, pages or outlets); * where it leaves out 0. "
    "Calibration error: less the share of chance; one below its 95% by chance can't be shown. "
    "Undefined: also where a model doesn't give the signal. "
    "n: sentences, or articles for a signal of whole articles."
)


def section_of_comparison(comparison: Comparison, *, intervals: bool = True) -> Section:
    """Make a table for each part of each corpus; all ``intervals`` need over 80 columns."""
    a, b = comparison.evaluation.names
    costs = {cost.corpus: cost for cost in comparison.costs}
    columns = ["signal", "n", "positive", "groups", "always yes, F1", "figure", a, b]
    columns, tables = [*columns, "difference (95% interval)"], []
    for (corpus, part), rows in groupby(comparison.rows, lambda row: (row.corpus, row.part)):
        cost = costs[corpus]
        note = f"Seconds for 1,000 sentences: {a} {cost.a:.2f}, {b} {cost.b:.2f} "
        note += f"({cost.sentences:,} sentences of {corpus} scored)"
        lines = (line for row in rows for line in _figures_of(row, intervals))
        options = {"heads": 5, "note": note, "interval_digits": 2}
        tables.append(table(f"{corpus}, {part}", columns, lines, **options))
    return Section(_LEGEND, tuple(tables), signature=comparison.signature)


def _figures_of(row: Compared, intervals: bool) -> Iterator[Row]:
    head = (row.signal, row.n, row.positives, row.n_groups, row.always_yes_f1)
    for name in _PRINTED:
        cells: list[Cell] = []
        for figures, ranges in ((row.a, row.intervals_a), (row.b, row.intervals_b)):
            value = figures[name] if figures else math.nan
            low, high = ranges.get(name, Interval()) if intervals else Interval()
            # That of an error is widened to be symmetric, and none lies below 0.
            cells.append(value if math.isnan(low) else Estimate(value, max(low, 0), high))
        yield (*head, METRICS[name], *cells, row.differences.get(name))


def record_of_comparison(comparison: Comparison) -> dict[str, Any]:
    """Return every figure, and the signature, for JSON."""
    of = comparison.evaluation
    bundles = ({"name": bundle.name, "digest": bundle.digest} for bundle in of.bundles)
    return {
        "schema_version": SCHEMA_VERSION,
        "signature": comparison.signature,
        "data": of.data,
        **dict(zip("ab", bundles, strict=True)),
        "resampling": {"draws": of.draws, "seed": of.seed, "level": LEVEL},
        "seconds_per_1000_sentences": comparison.costs,
        "rows": [
            row._asdict() | {"differences": row.differences or None} for row in comparison.rows
        ],
    }


ALPHA = 0.05
DIGITS = 3  # figures are judged as they are shown
ALIKE, FEW, LOST, NEW = "no difference shown", "too few to tell", "lost", "new"
_FEWEST = 10  # positives, negatives and groups: of 10 groups the smallest p is 2 in 1,024
_NAMED = 3  # reasons of a decision that are written out


class SignalChange(NamedTuple):
    """A signal on one part of the rows: the second model's figures less the first's."""

    row: Compared
    ranking: Change  # of average precision
    flags: Change  # of F1 at each bundle's threshold
    ranking_p: float  # corrected for the number of comparisons, as is the other; NaN if undefined
    flags_p: float
    verdict: str

    @property
    def objection(self) -> str:
        """What speaks against the second model; empty when nothing does."""
        row, worse = self.row, self.verdict.startswith("worse")
        sizes = f"(n {row.n:,}, {row.n_groups} articles, {row.positives:,} yes)"
        return f"{self.words} {sizes}" if worse else ""

    @property
    def words(self) -> str:
        """The difference that decides."""
        of_flags = self.verdict.endswith("flags")
        name, one = ("F1 of the flags", self.flags) if of_flags else ("AP", self.ranking)
        rows = f"{self.row.signal}, {self.row.corpus} ({self.row.part})"
        return f"{rows}: {name} {one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"

    def record(self) -> dict[str, Any]:
        """Return every figure."""
        row, ranking, flags = self.row, self.ranking, self.flags
        return {
            "rows": row.corpus, "part": row.part, "signal": row.signal, "n": row.n,
            "articles": row.n_groups, "positives": row.positives,
            "current": _ap(row.a), "candidate": _ap(row.b), "difference": ranking.value,
            "low": ranking.low, "high": ranking.high, "p": self.ranking_p, "flags": flags.value,
            "flags_low": flags.low, "flags_high": flags.high, "flags_p": self.flags_p,
            "verdict": self.verdict,
        }  # fmt: skip


def _ap(figures: Mapping[str, float] | None) -> float:
    return math.nan if figures is None else round(figures["average_precision"], DIGITS)


def changes_of(rows: Sequence[Compared]) -> tuple[SignalChange, ...]:
    """Read off comparisons what differs; p are corrected for all of them together (Holm)."""
    names, undefined = (MAIN_METRIC, "f1"), Difference(math.nan)
    pairs = [[row.differences.get(name, undefined) for name in names] for row in rows]
    few = [
        math.isnan(ranking.low) or not _tell(row.positives, row.n, row.n_groups)
        for row, (ranking, _) in zip(rows, pairs, strict=True)
    ]
    told = np.where(np.array(few)[:, None], math.nan, [[of.p for of in pair] for pair in pairs])
    corrected = [holm(column.tolist()) for column in told.T]
    found = []
    for row, pair, untold, p_ranking, p_flags in zip(rows, pairs, few, *corrected, strict=True):
        ranking, flags = (
            Change(*(round(x, DIGITS) + 0.0 for x in (one.value, one.low, one.high)))
            for one in pair
        )
        ranks, flagged = _way(ranking, p_ranking), _way(flags, p_flags)
        first, second = math.isnan(_ap(row.a)), math.isnan(_ap(row.b))  # undefined
        holds = {
            LOST: second > first and math.isnan(ranking.value),
            NEW: first > second and math.isnan(ranking.value),
            FEW: untold or first,
            "worse ranking": ranks < 0,
            "worse flags": flagged < 0,
            "better ranking": ranks > 0,
            "better flags": flagged > 0,
            ALIKE: True,
        }
        verdict = next(name for name, one in holds.items() if one)
        ps = round(p_ranking, 6), round(p_flags, 6)
        found.append(SignalChange(row, ranking, flags, *ps, verdict))
    return tuple(found)


def _way(difference: Change, p: float) -> int:
    """Return 1 or -1 where a difference is sure by its interval and a corrected p, else 0."""
    return (difference.low > 0) - (difference.high < 0) if p < ALPHA else 0


def table_of_changes(changes: Sequence[SignalChange], names: Sequence[str]) -> Table:
    """Show how two models rank and flag, a line for each signal of each part."""
    columns = (
        "rows", "signal", "n", "yes", "AP", "AP, difference", "precision", "recall", "F1",
        "F1, difference", "verdict",
    )  # fmt: skip
    lines = (
        (f"{row.corpus}, {row.part}", row.signal, row.n, row.positives, _both(row, MAIN_METRIC),
         one.ranking, _both(row, "precision"), _both(row, "recall"), _both(row, "f1"), one.flags,
         one.verdict)
        for one in changes
        for row in [one.row]
    )  # fmt: skip
    return table(" → ".join(names), columns, lines)


def _both(row: Compared, name: str) -> str:
    values = (math.nan if figures is None else figures[name] for figures in (row.a, row.b))
    return " → ".join("–" if math.isnan(one) else f"{one:.3f}" for one in values)


def _tell(positives: int, n: int, groups: int) -> bool:
    return min(positives, n - positives, groups) >= _FEWEST


def count_tests(evaluation: Evaluation) -> int:
    """Count the comparisons that there are labels enough for; nothing is scored."""
    (a, b), examples, count = evaluation.bundles, evaluation.examples, 0
    given = [signal for signal in a.signals if signal in b.signals]
    for corpus in dict.fromkeys(examples.corpus.tolist()):
        rows = examples.where(examples.corpus == corpus)
        for part, signal in product(evaluation.parts, given):
            if len(chosen := rows_of(rows, part, signal)):
                positives = int(is_positive(rows.column(signal)[chosen]).sum())
                count += _tell(positives, len(chosen), len(np.unique(rows.group[chosen])))
    return count


def draws_needed(tests: int) -> int:
    """Return the fewest draws with which one of so many p can be below `ALPHA` once corrected."""
    return math.ceil(round(tests / ALPHA, 6))  # the smallest p is 1 in the draws and one


def decision_of(comparison: Comparison, changes: Sequence[SignalChange]) -> str:
    """Return whether to ship the second model, and why, in a line: ranking and flags decide."""
    (a, b), draws = comparison.evaluation.names, comparison.evaluation.draws
    lost = {f"{one.row.signal}: no longer given": None for one in changes if one.verdict == LOST}
    tests = sum(not math.isnan(one.flags_p) for one in changes)
    better = [one for one in changes if one.verdict.startswith("better")]
    gained = [one.words for one in sorted(better, key=lambda one: -one.ranking.value)]
    for row in (one.row for one in changes if one.verdict == NEW):
        low, said = row.intervals_b.get(MAIN_METRIC, Interval()).low, f"{row.signal}: new"
        if low > row.positives / row.n and said not in gained:  # it ranks better than by chance
            gained.append(said)
    if worse := [*lost, *(one.objection for one in changes if one.objection)]:
        return f"Don't ship {b}, because it is worse than {a}: {_listed(worse)}."
    if draws < (needed := draws_needed(tests)):
        why = f"{draws} draws are too few for {tests} comparisons: --draws {needed}"
        return f"Don't ship {b} yet, because a worse signal would not show; {why}."
    if gained:
        why = "it is better and neither ranks nor flags worse"
        return f"Ship {b}, because {why}: {_listed(gained)}."
    few = sum(one.verdict == FEW for one in changes)
    why = f"{len(changes)} compared, {few} with too few labels to tell"
    return f"Don't ship {b}, because nothing shows that it is better than {a} ({why})."


def _listed(reasons: Sequence[str]) -> str:
    more = len(reasons) - _NAMED
    return "; ".join([*reasons[:_NAMED], *([f"and {more} more"] if more > 0 else [])])
