"""What each kind of split costs: sentences at random, then whole articles, outlets, topics, years.

A bundle can't be retrained for every split in minutes, so **these are stand-ins** of the two
families of models, refitted on the same rows (`eval.studies.stand_ins`). What they lose from one split to
the next is what that kind of split costs a model of the family; their figures are not those of a
bundle, and lie below them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifier.models import Reader, form_of
from classifier.taxonomy import BY_NAME, Level
from eval.figures import Interval, single_figure
from eval.figures import resample_figures as resample
from eval.rows import BENCHMARKS, Bools, Single, is_positive
from eval.studies.stand_ins import FOLDS, Features, fitted, out_of_fold
from eval.studies.topics import OWN_TOPICS, topics, wholes
from training.data import Examples, Text

RANDOM, ARTICLE, OUTLET, TOPIC, TIME = "random", "article", "outlet", "topic", "time"
AXES: tuple[str, ...] = (RANDOM, ARTICLE, OUTLET, TOPIC, TIME)
MOST_ROWS = 6_000
"""SplitRows of a corpus; of larger ones whole articles are drawn by the seed."""
THRESHOLD = 0.5
"""Of the stand-ins, which weigh both answers alike."""


@dataclass(frozen=True)
class SplitRows:
    """The labelled rows of one signal of a corpus.

    Attributes
    ----------
    corpus, signal : str
    texts : tuple of str
        As models read them, outlets' names taken out; whole articles for an article-level signal.
    truth : ndarray of bool, shape (n,)
    article, outlet, date : ndarray of str, shape (n,)
        Outlet and date are empty where unknown.
    topic : ndarray of str, shape (n,)
    of_all : int
        How many there are without the cap.
    """

    corpus: str
    signal: str
    texts: tuple[str, ...]
    truth: Bools
    article: Text
    outlet: Text
    date: Text
    topic: Text
    of_all: int

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class SplitCost:
    """One stand-in on one axis.

    Attributes
    ----------
    axis, stand_in : str
    n, groups : int
        Rows judged, and what was kept whole among them: sentences, articles, outlets, topics; for
        time, the articles judged.
    figure : float
        Over the scores of all five folds together. Time has one: the earlier four fifths teach,
        the rest is judged.
    interval : Interval
        95%, groups resampled.
    drop : float
        Random less this axis, on the same rows; NaN for random itself.
    drop_interval : Interval
        95%, groups resampled, both on the same draws.
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

    Attributes
    ----------
    corpus, signal, metric : str
    n, of_all : int
        SplitRows that were used, and that there are.
    digest : str
        Of the rows and labels.
    costs : tuple of SplitCost
        By axis, then by stand-in.
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


def gather(
    examples: Examples,
    corpus: str,
    signal: str,
    reader: Reader,
    dates: Mapping[str, str | None],
    *,
    seed: int = 0,
) -> SplitRows:
    """Gather the labelled rows, capped, in the form a model reads.

    Parameters
    ----------
    examples : Examples
    corpus, signal : str
    reader : Reader
        Takes outlets' names out.
    dates : mapping of str to str or None
        By article, as the examples name it.
    seed : int
        Of the articles that are drawn, and of the topics.

    Raises
    ------
    SignalError
        When no corpus labels the signal.
    """
    rows = examples.where((examples.corpus == corpus) & ~np.isnan(examples.column(signal)))
    article = wholes(rows)
    # The sentences of each row: itself, or all of the article for an article-level signal.
    parts = [[row] for row in range(len(rows))]
    if BY_NAME[signal].level is Level.ARTICLE and len(rows):
        _, first, inverse = np.unique(rows.article, return_index=True, return_inverse=True)
        order = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])
        parts, article = [own.tolist() for own in order], rows.article[first]
    of_all = len(parts)
    kept = _capped(article, seed)
    texts = [
        " ".join(reader.read(rows.sentences[row]).form(form_of(signal)).text for row in parts[at])
        for at in kept
    ]
    rows, article = rows.where(np.array([parts[at][0] for at in kept], np.intp)), article[kept]
    own = corpus in OWN_TOPICS
    dated = [dates.get(str(name)) or "" for name in rows.article]
    return SplitRows(
        corpus,
        signal,
        tuple(texts),
        is_positive(rows.column(signal)),
        article,
        rows.outlet,
        np.array(dated, np.str_),
        rows.group if own else topics(texts, article, seed=seed).astype(np.str_),
        of_all,
    )


def _capped(article: Text, seed: int) -> NDArray[np.intp]:
    """Draw whole articles until the next one would be too many rows; rows in their order."""
    names, index, counts = np.unique(article, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = order[np.cumsum(counts[order]) <= MOST_ROWS]
    rows: NDArray[np.intp] = np.flatnonzero(np.isin(index, taken))
    return rows


def measure(
    rows: SplitRows, stand_ins: Mapping[str, Features], *, draws: int = 1000, seed: int = 0
) -> Axes:
    """Refit every stand-in on every axis.

    Parameters
    ----------
    rows : SplitRows
    stand_ins : mapping of str to Features
        By name: what each reads of the rows.
    draws : int
        Resamples of groups.
    seed : int
        Of the folds and of the draws.
    """
    metric = metric_of(rows.corpus, rows.signal)
    # Scores at random on rows that an axis leaves some of out, computed once for each such set.
    at_random: dict[tuple[str, bytes], Single] = {}
    costs = [
        cost
        for axis in AXES
        for cost in _costs(axis, rows, stand_ins, at_random, metric, draws, seed)
    ]
    return Axes(
        rows.corpus, rows.signal, metric, len(rows), rows.of_all, _digest(rows), tuple(costs)
    )


def _costs(
    axis: str,
    rows: SplitRows,
    stand_ins: Mapping[str, Features],
    at_random: dict[tuple[str, bytes], Single],
    metric: str,
    draws: int,
    seed: int,
) -> Iterator[SplitCost]:
    """Measure every stand-in on one axis, beside itself on random folds of the same rows."""
    known, groups = _groups(axis, rows)
    truth = rows.truth[known]
    later = _later(groups) if axis == TIME else np.ones(len(known), np.bool_)
    tested = np.flatnonzero(later)
    # What is drawn again is what was kept whole; on the axis of time, the articles.
    drawn = rows.article[known][tested] if axis == TIME else groups[tested]
    n_groups = len(np.unique(drawn))
    for name, features in stand_ins.items():
        own = features.of(known)
        key = name, known.tobytes()
        if key not in at_random:
            at_random[key] = out_of_fold(own, truth, None, seed=seed)
        before = at_random[key]
        if axis == RANDOM:
            after = before
        elif axis == TIME:
            after = np.full(len(known), math.nan, np.float32)
            if later.any():
                after[tested] = fitted(own, truth, np.flatnonzero(~later), tested)
        elif n_groups == len(known):
            after = np.full(len(known), math.nan, np.float32)  # random folds, under another name
        else:
            after = out_of_fold(own, truth, groups, seed=seed)
        yield _cost(
            axis, name, n_groups, truth[tested], before[tested], after[tested], drawn, metric,
            draws, seed,
        )  # fmt: skip


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


def _cost(
    axis: str,
    name: str,
    n_groups: int,
    truth: Bools,
    before: Single,
    after: Single,
    drawn: Text,
    metric: str,
    draws: int,
    seed: int,
) -> SplitCost:
    unknown = Interval(math.nan, math.nan)
    empty = SplitCost(axis, name, len(truth), n_groups, math.nan, unknown, math.nan, unknown)
    if not len(truth) or np.isnan(after).any():
        return empty
    figure = single_figure(metric, truth, after, THRESHOLD)
    both = axis != RANDOM and not np.isnan(before).any()
    at_random = (before, THRESHOLD) if both else None
    found = resample(
        truth, (after, THRESHOLD), at_random, drawn, draws=draws, seed=seed, names=(metric,)
    )
    cost = replace(empty, figure=figure, interval=found.a[metric])
    if not both:
        return cost
    drop = single_figure(metric, truth, before, THRESHOLD) - figure
    return replace(cost, drop=drop, drop_interval=found.difference[metric])


def _digest(rows: SplitRows) -> str:
    total = hashlib.sha256()
    for name, text, label in zip(rows.article, rows.texts, rows.truth, strict=True):
        total.update(f"{name}\t{text}\t{int(label)}\n".encode())
    return total.hexdigest()[:16]
