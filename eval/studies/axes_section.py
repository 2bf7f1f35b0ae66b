"""The axes as tables: what an unseen outlet costs the bundles, and each split two stand-ins."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from classifier.models import Reader
from eval.figures import Cell, Change, Estimate, Section, Table
from eval.figures import resample_figures as resample
from eval.figures import single_figure as figure
from eval.figures import table as laid_out
from eval.rows import Benchmark, Evaluation
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


def section(evaluation: Evaluation) -> Section | None:
    """Measure the drop of both bundles, and the axes of every corpus' main signal."""
    pairs = [(one.corpus, one.signal) for one in evaluation.benchmarks]
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
    draws = min(evaluation.draws, DRAWS)
    found = list(
        refitted(evaluation.examples, asked, evaluation.dates, draws=draws, seed=evaluation.seed)
    )
    both = _bundles(evaluation)
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


def _bundles(evaluation: Evaluation) -> Table:
    """Put the figures on known outlets beside those on unseen ones, for both bundles."""
    names = {one.name for one in evaluation.benchmarks}
    return laid_out(
        "What an unseen outlet costs the bundles",
        ("signal", "figure", "model", "test", "unseen outlet", "drop"),
        (
            row
            for one in evaluation.benchmarks
            if one.part == TEST and f"{one.corpus}/{UNSEEN}/{one.signal}" in names
            for row in _drops(evaluation, one)
        ),
    )


def _drops(evaluation: Evaluation, benchmark: Benchmark) -> Iterator[tuple[Cell, ...]]:
    corpus, signal, metric = benchmark.corpus, benchmark.signal, benchmark.metric
    scored = evaluation.articles(corpus, (TEST, UNSEEN), (signal,))
    samples = [scored.sample(part, signal) for part in (TEST, UNSEEN)]
    for place, name in enumerate(evaluation.names):
        values = []
        for sample in samples:
            if (given := sample.given[place]) is None:
                continue
            drawn = resample(
                sample.truth, given, None, sample.groups,
                draws=min(evaluation.draws, DRAWS), seed=evaluation.seed, names=(metric,),
            )  # fmt: skip
            value = figure(metric, sample.truth, *given)
            values.append(Estimate.of(value, drawn.a[metric]))
        if values:
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
