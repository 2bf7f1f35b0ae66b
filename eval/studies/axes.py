"""What each kind of split costs: sentences at random, then whole articles, outlets, topics, years.

A bundle can't be retrained for every split in minutes, so **these are stand-ins** of the two
families of models, refitted on the same rows (`eval.studies.surrogates`). What they lose from one
split to the next is what that kind of split costs a model of the family; their figures are not
those of a bundle, and lie below them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.errors import SignalError
from framescope.classifier.models import Reader
from framescope.eval.metrics import (
    Cell,
    Change,
    Estimate,
    Interval,
    Section,
    Table,
    estimates,
    single_figure,
)
from framescope.eval.metrics import resample_figures as resample
from framescope.eval.metrics import table as laid_out
from framescope.eval.rows import BENCHMARKS, Benchmark, Bools, Evaluation, Single
from framescope.eval.studies.surrogates import (
    FOLDS,
    MOST_ROWS,
    Features,
    SplitRows,
    embeddings,
    fitted,
    gather,
    out_of_fold,
    words,
)
from framescope.training.data import TEST, UNSEEN, Examples, Text
from numpy.typing import NDArray

RANDOM, ARTICLE, OUTLET, TOPIC, TIME = "random", "article", "outlet", "topic", "time"
AXES: tuple[str, ...] = (RANDOM, ARTICLE, OUTLET, TOPIC, TIME)
THRESHOLD = 0.5
"""Of the stand-ins, which weigh both answers alike."""


@dataclass(frozen=True, slots=True)
class SplitCost:
    """One stand-in on one axis.

    ``n``, ``groups``: rows judged, and what was kept whole among them: sentences, articles,
    outlets, topics; for time, the articles judged. ``figure``: over the scores of all five folds
    together; time has one: the earlier four fifths teach, the rest is judged. ``drop``: random less
    this axis, on the same rows; NaN for random itself. Intervals are 95%, groups resampled, of a
    drop both on the same draws.
    """

    axis: str
    stand_in: str
    n: int
    groups: int
    figure: float
    interval: Interval
    drop: float
    drop_interval: Interval


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of one signal of a corpus.

    ``n``, ``of_all``: SplitRows that were used, and that there are. ``digest``: of the rows and
    labels. ``costs``: by axis, then by stand-in.
    """

    corpus: str
    signal: str
    metric: str
    n: int
    of_all: int
    digest: str
    costs: tuple[SplitCost, ...]


def chosen(corpora: Sequence[str], signals: Sequence[str] | None) -> list[tuple[str, str]]:
    """Choose what is measured: the signals asked for, or the main one of each corpus.

    The main one is that for which a figure is published, else ``biased_language``, else the first
    benchmark's.
    """
    found = []
    for corpus in corpora:
        here = [one for one in BENCHMARKS if one.corpus == corpus]
        names = list(dict.fromkeys(one.signal for one in here))
        published = [one.signal for one in here if one.published is not None]
        biased = [name for name in names if name == "biased_language"]
        main = [*published, *biased, *names][:1]
        found += [
            (corpus, name)
            for name in (main if signals is None else names)
            if signals is None or name in signals
        ]
    return found


def metric_of(corpus: str, signal: str) -> str:
    """Give the main metric of a benchmark; average precision where there is none."""
    named = [o.metric for o in BENCHMARKS if (o.corpus, o.signal) == (corpus, signal)]
    return named[0] if named else "average_precision"


def measure(
    rows: SplitRows, stand_ins: Mapping[str, Features], *, draws: int = 1000, seed: int = 0
) -> Axes:
    """Refit every stand-in on every axis: by name, what each reads of the rows."""
    metric = metric_of(rows.corpus, rows.signal)
    # Scores at random on rows that an axis leaves some of out, computed once for each such set.
    at_random: dict[tuple[str, bytes], Single] = {}
    costs = tuple(
        _cost(axis, name, rows, features, at_random, metric, draws, seed)
        for axis in AXES
        for name, features in stand_ins.items()
    )
    return Axes(rows.corpus, rows.signal, metric, len(rows), rows.of_all, rows.digest(), costs)


def _cost(
    axis: str,
    name: str,
    rows: SplitRows,
    features: Features,
    at_random: dict[tuple[str, bytes], Single],
    metric: str,
    draws: int,
    seed: int,
) -> SplitCost:
    """Measure a stand-in on one axis, beside itself on random folds of the same rows."""
    known, groups = _groups(axis, rows)
    truth, own = rows.truth[known], features.of(known)
    later = _later(groups) if axis == TIME else np.ones(len(known), np.bool_)
    tested = np.flatnonzero(later)
    # What is drawn again is what was kept whole; on the axis of time, the articles.
    drawn = rows.article[known][tested] if axis == TIME else groups[tested]
    n_groups = len(np.unique(drawn))
    key = name, known.tobytes()
    if key not in at_random:
        at_random[key] = out_of_fold(own, truth, None, seed=seed)
    before = after = at_random[key]
    if axis == TIME:
        after = np.full(len(known), math.nan, np.float32)
        if later.any():
            after[tested] = fitted(own, truth, np.flatnonzero(~later), tested)
    elif axis != RANDOM and n_groups == len(known):
        after = np.full(len(known), math.nan, np.float32)  # random folds, under another name
    elif axis != RANDOM:
        after = out_of_fold(own, truth, groups, seed=seed)
    truth, before, after = truth[tested], before[tested], after[tested]
    unknown = Interval(math.nan, math.nan)
    cost = SplitCost(axis, name, len(truth), n_groups, math.nan, unknown, math.nan, unknown)
    if not len(truth) or np.isnan(after).any():
        return cost
    beside = None if axis == RANDOM or np.isnan(before).any() else (before, THRESHOLD)
    found = resample(
        truth, (after, THRESHOLD), beside, drawn, draws=draws, seed=seed, names=(metric,)
    )
    figure = single_figure(metric, truth, after, THRESHOLD)
    cost = replace(cost, figure=figure, interval=found.a[metric])
    if beside is None:
        return cost
    drop = single_figure(metric, truth, *beside) - figure
    return replace(cost, drop=drop, drop_interval=found.difference[metric])


def _groups(axis: str, rows: SplitRows) -> tuple[NDArray[np.intp], Text]:
    """Give the rows that an axis can place, and what stays whole on it."""
    of = {
        RANDOM: np.arange(len(rows)).astype(np.str_),
        ARTICLE: rows.article,
        OUTLET: rows.outlet,
        TOPIC: rows.topic,
        TIME: rows.date,
    }[axis]
    known = np.flatnonzero(of != "")
    return known, of[known]


def _later(dates: Text) -> Bools:
    """Mark the later fifth of the rows; a date is not divided. None where there are few dates."""
    if len(np.unique(dates)) < FOLDS:
        return np.zeros(len(dates), np.bool_)
    ordered = np.sort(dates)
    later: Bools = dates > ordered[int(len(dates) * (FOLDS - 1) / FOLDS) - 1]
    return later


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
    found = list(refitted(evaluation.examples, asked, evaluation.dates, draws, evaluation.seed))
    both = _bundles(evaluation)
    return Section(
        "Of the bundles themselves: test holds out articles of outlets that training knows, the "
        "other part outlets that it doesn't; they are other rows, so the drop is a difference "
        "between two samples (its interval: MOVER, Zou & Donner, 2008). " + note(found),
        (both, table(found)) if both.rows else (table(found),),
    )


def study(
    root: Path | None,
    corpora: Sequence[str] | None,
    signals: Sequence[str] | None,
    *,
    draws: int,
    seed: int,
) -> tuple[Section, dict[str, Any]]:
    """Measure what splits cost on corpora, without any bundle.

    Parameters
    ----------
    root : pathlib.Path or None
        The folder of corpora; None for those that ship.
    corpora, signals : sequence of str or None
        Only these; else every corpus, and the main signal of each.
    draws, seed : int

    Returns
    -------
    Section
    dict
        What JSON holds.

    Raises
    ------
    SignalError
        When there is no such benchmark.
    CorpusError
        When a corpus is missing, or can't be read.
    """
    from framescope.training.corpora import KNOWN, SHIPPED
    from framescope.training.data import articles_of_rows, build_examples, load_rows

    pairs = chosen(corpora or (SHIPPED if root is None else KNOWN), signals)
    if not pairs:
        raise SignalError("no benchmark of these corpora and signals; leave an option out")
    found: list[Axes] = []
    for name in dict.fromkeys(name for name, _ in pairs):
        examples = build_examples(root, [name])
        dates = {f"{name}/{one.id}": one.date for one in articles_of_rows(load_rows(name, root))}
        here = [pair for pair in pairs if pair[0] == name]
        found += refitted(examples, here, dates, draws, seed)
    digest = ",".join(one.digest[:6] for one in found)
    said = f"framescope {__version__} | rows {digest} | draws {draws} | seed {seed}"
    record = {"signature": said, "notes": [note(found)], "axes": found}
    return Section(note(found), (table(found),), signature=said), record


def refitted(
    examples: Examples,
    pairs: Iterable[tuple[str, str]],
    dates: Mapping[str, str | None],
    draws: int,
    seed: int,
) -> Iterator[Axes]:
    """Refit the stand-ins on every axis, for each signal of a corpus."""
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
    draws, seed = min(evaluation.draws, DRAWS), evaluation.seed
    known, unseen = (
        estimates(metric, scored.sample(part, signal), draws, seed) for part in (TEST, UNSEEN)
    )
    for name, one, other in zip(evaluation.names, known, unseen, strict=True):
        if one is not None and other is not None:
            yield f"{corpus}/{signal}", metric, name, one, other, drop(one, other)


def drop(known: Estimate, unseen: Estimate) -> Change:
    """Give ``known - unseen`` of two independent samples, with an interval from theirs.

    The method of variance estimates recovery (MOVER): Zou & Donner (2008), "Construction of
    confidence limits about effect measures", doi:10.1002/sim.3095.
    """
    value = known.value - unseen.value
    low = value - math.hypot(known.value - known.low, unseen.high - unseen.value)
    high = value + math.hypot(known.high - known.value, unseen.value - unseen.low)
    return Change(value, low, high)
