"""The axes as tables: what an unseen outlet costs the bundles, and each split two stand-ins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from classifier.models import Reader
from eval.figures import Cell, Change, Estimate, Section, Table, is_positive
from eval.figures import all_metrics as figures
from eval.figures import resample_figures as resample
from eval.figures import table as laid_out
from eval.rows import Benchmark, Judged, articles_of, rows_of
from eval.studies.axes import MOST_ROWS, Axes, chosen, gather, measure
from eval.studies.stand_ins import Features, embeddings, words
from training.data import TEST, UNSEEN, Examples

DRAWS = 1000
NOTE = (
    "Stand-ins, no bundle: TF-IDF of 1-2 words, and the mean of the default encoder's word "
    "embeddings, each with a logistic regression that is refitted for every fold. Drop: random "
    "folds less this axis, on the same rows; 95% intervals resample the groups. "
    f"At most {MOST_ROWS:,} rows of a corpus, whole articles drawn by the seed. "
    "* marks an interval that leaves out 0."
)
NO_EMBEDDINGS = " No embeddings: the shipped transformer has none that were left as they were."


def section(judged: Judged) -> Section | None:
    """Measure the drop of both bundles, and the axes of every corpus' main signal."""
    pairs = [(one.corpus, one.signal) for one in judged.benchmarks]
    corpora = list(dict.fromkeys(corpus for corpus, _ in pairs))
    asked = [pair for pair in chosen(corpora, None) if pair in pairs]
    # A corpus that no benchmark describes, a user's own, has its first signal measured.
    described = {corpus for corpus, _ in asked}
    asked += [
        next(pair for pair in pairs if pair[0] == corpus)
        for corpus in corpora
        if corpus not in described
    ]
    if not asked:
        return None
    draws = min(judged.draws, DRAWS)
    found = list(refitted(judged.examples, asked, judged.dates, draws=draws, seed=judged.seed))
    both = _bundles(judged)
    tables = (both, table(found)) if both.rows else (table(found),)
    return Section(
        "Of the bundles themselves: test holds out articles of outlets that training knows, the "
        "other part outlets that it doesn't; they are other rows, so the drop is a difference "
        "between two samples (its interval: MOVER, Zou & Donner, 2008). " + note(found),
        tables,
    )


def refitted(
    examples: Examples,
    pairs: Sequence[tuple[str, str]],
    dates: Mapping[str, str | None],
    *,
    draws: int,
    seed: int,
) -> Iterator[Axes]:
    """Refit the stand-ins on every axis, for each signal of a corpus.

    Parameters
    ----------
    examples : Examples
    pairs : sequence of (str, str)
        Corpus and signal.
    dates : mapping of str to str or None
        By article, as the examples name it.
    draws, seed : int
    """
    reader = Reader.of()
    for corpus, signal in pairs:
        rows = gather(examples, corpus, signal, reader, dates, seed=seed)
        stand_ins: dict[str, Features] = {"words": words(rows.texts)}
        if (embedded := embeddings(rows.texts)) is not None:
            stand_ins["embeddings"] = embedded
        yield measure(rows, stand_ins, draws=draws, seed=seed)


def note(found: Sequence[Axes]) -> str:
    """Say what the stand-ins are, and which is missing."""
    there = any(cost.stand_in == "embeddings" for one in found for cost in one.costs)
    return NOTE + ("" if there or not found else NO_EMBEDDINGS)


def table(found: Sequence[Axes]) -> Table:
    """Lay out the axes of the stand-ins."""
    columns = ("signal", "figure", "stand-in", "axis", "n", "groups", "value", "drop")
    return laid_out(
        "What each split costs (stand-ins)",
        columns,
        (
            (
                f"{one.corpus}/{one.signal}", one.metric, cost.stand_in, cost.axis, cost.n,
                cost.groups, Estimate.of(cost.figure, cost.interval),
                "" if cost.axis == "random" else Change.of(cost.drop, cost.drop_interval),
            )
            for one in found
            for cost in sorted(one.costs, key=lambda cost: cost.stand_in, reverse=True)
        ),
    )  # fmt: skip


def _bundles(judged: Judged) -> Table:
    """Put the figures on known outlets beside those on unseen ones, for both bundles."""
    names = {one.name for one in judged.benchmarks}
    return laid_out(
        "What an unseen outlet costs the bundles",
        ("signal", "figure", "model", "test", "unseen outlet", "drop"),
        (
            row
            for one in judged.benchmarks
            if one.part == TEST and f"{one.corpus}/{UNSEEN}/{one.signal}" in names
            for row in _drops(judged, one)
        ),
    )


def _drops(judged: Judged, benchmark: Benchmark) -> Iterator[tuple[Cell, ...]]:
    corpus, signal, metric = benchmark.corpus, benchmark.signal, benchmark.metric
    rows = articles_of(judged.examples, corpus, (TEST, UNSEEN), (signal,))
    truth = is_positive(rows.column(signal))
    for name, scored in zip(judged.names, judged.score(rows), strict=True):
        column = scored.column(signal)
        if column is None:
            continue
        values = []
        for part in (TEST, UNSEEN):
            at = rows_of(rows, part, signal)
            given = column[at], scored.thresholds[signal]
            drawn = resample(
                truth[at], given, None, rows.group[at],
                draws=min(judged.draws, DRAWS), seed=judged.seed,
            )  # fmt: skip
            value = figures(truth[at], *given)[metric]
            values.append(Estimate.of(value, drawn.a[metric]))
        yield f"{corpus}/{signal}", metric, name, *values, drop(*values)


def drop(known: Estimate, unseen: Estimate) -> Change:
    """Give ``known - unseen`` of two independent samples, with an interval from theirs.

    The method of variance estimates recovery (MOVER): Zou & Donner (2008), "Construction of
    confidence limits about effect measures", doi:10.1002/sim.3095.
    """
    value = known.value - unseen.value
    low = value - math.hypot(known.value - known.low, unseen.high - unseen.value)
    high = value + math.hypot(known.high - known.value, unseen.value - unseen.low)
    return Change(value, low, high)
