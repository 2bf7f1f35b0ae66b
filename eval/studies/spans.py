"""Labelled spans of many articles as columns, and the figures of the shared tasks on propaganda.

**Partial overlap.** A predicted span seldom has the very borders of the gold one, so each earns the
share of its characters that the other side covers. With

    C(s, t, h) = |s ∩ t| / h * δ(l(s), l(t))

precision is the sum of C(s, t, |s|) over all pairs, divided by the number of predicted spans;
recall that of C(s, t, |t|), divided by the number of gold spans; F1 their harmonic mean. Pairs are
of one article, sums run over all articles. Two tasks share the formula:

- span identification (subtask SI of SemEval-2020 task 11; Da San Martino et al., 2020,
  doi:10.18653/v1/2020.semeval-1.186): δ is always 1, whatever the technique;
- fragments with their technique (FLC; Da San Martino et al., 2019, doi:10.18653/v1/D19-1565): δ is
  1 where both have one technique, otherwise 0.

Spans of one side that share a character (in FLC: and their technique) are merged first; otherwise
a character would be counted twice, and precision could exceed 1. Spans that merely touch stay two.
One thing differs from the papers: they set precision to 0 without predictions and recall to 0
without gold spans. Here both are NaN, which is printed as undefined.

**The fourteen techniques.** Technique classification (subtask TC of SemEval-2020 task 11) takes the
gold spans as given and asks for their technique. A span marked with several techniques is several
rows with one place; labels of one place are matched in any order, as many as agree. With as many
labels predicted as there are gold ones, micro-F1 is accuracy. An article has a technique when one
of its sentences does. F1 of a technique without gold labels is NaN and left out of the macro mean,
which says over how many techniques it runs; its false alarms count in micro-F1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.eval.rows import Bools, Floats, is_positive
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Labelled spans of many articles, as columns.

    ``article`` of shape (n,): the article's id. ``start``, ``end`` of shape (n,): offsets of
    characters, end-exclusive. ``label`` of shape (n,): a technique; empty where it doesn't matter.
    Raises `ValueError` when columns differ in length, or a span is empty or begins before the text.
    """

    article: Names
    start: Ints
    end: Ints
    label: Names

    def __post_init__(self) -> None:
        lengths = {len(self.article), len(self.start), len(self.end), len(self.label)}
        if len(lengths) != 1:
            raise ValueError(f"columns of spans differ in length: {sorted(lengths)}")
        if np.any(self.start < 0) or np.any(self.end <= self.start):
            raise ValueError("a span is empty, or begins before its text")

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, int, int, str]]) -> Spans:
        """Make them of rows: the article's id, start, end, label."""
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        kinds = (np.str_, np.int64, np.int64, np.str_)
        return cls(*(np.array(c, kind) for c, kind in zip(columns, kinds, strict=True)))

    def __add__(self, other: Spans) -> Spans:
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return Spans(*map(np.concatenate, pairs))


def merge(spans: Spans, *, labelled: bool = False) -> Spans:
    """Merge what overlaps in an article; where labels count, only spans of one label.

    The result is sorted by article, label and start; labels that don't count are empty in it.
    """
    if not labelled:
        spans = Spans(spans.article, spans.start, spans.end, np.full(len(spans), "", np.str_))
    if not len(spans):
        return spans
    start, end, line = _on_one_line(spans)
    order = np.argsort(start)
    # A line ends before the next begins: the furthest end so far is of this line, or left of it.
    reach = np.maximum.accumulate(end[order])
    opens = np.concatenate([[True], start[order][1:] >= reach[:-1]])
    first = np.flatnonzero(opens)
    last = np.append(first[1:], len(order)) - 1
    kept = order[first]
    return Spans(
        spans.article[kept], spans.start[kept], reach[last] - line[kept], spans.label[kept]
    )


def cover(spans: Spans, other: Spans) -> tuple[Floats, Floats]:
    """Share of each span's characters that the other side covers: of ``spans``, and of ``other``.

    Both as `merge` gives them. Only spans of one article and one label cover each other.
    """
    start, end, _ = _on_one_line(spans + other)
    n = len(spans)
    ours, theirs = (start[:n], end[:n]), (start[n:], end[n:])
    return _shares(ours, theirs), _shares(theirs, ours)


def _on_one_line(spans: Spans) -> tuple[Ints, Ints, Ints]:
    """Lay articles (and labels) one behind the other, so that only spans of one can overlap.

    Gives starts, ends, and the place where each span's line begins.
    """
    _, article = np.unique(spans.article, return_inverse=True)
    labels, label = np.unique(spans.label, return_inverse=True)
    width = int(spans.end.max()) + 1 if len(spans) else 1
    line = (article * len(labels) + label).astype(np.int64) * width
    return spans.start + line, spans.end + line, line


def _shares(spans: tuple[Ints, Ints], other: tuple[Ints, Ints]) -> Floats:
    """Share of each span that disjoint others cover: Σ over t of |s ∩ t| / |s|."""
    order = np.argsort(other[0])
    starts, ends = other[0][order], other[1][order]
    before = np.concatenate([[0], np.cumsum(ends - starts)])

    def covered_up_to(place: Ints) -> Ints:
        begun = np.searchsorted(starts, place, side="left")
        if not len(ends):
            return np.zeros(len(place), np.int64)
        beyond = np.maximum(ends[np.maximum(begun - 1, 0)] - place, 0)
        covered: Ints = before[begun] - np.where(begun > 0, beyond, 0)
        return covered

    start, end = spans
    shares: Floats = (covered_up_to(end) - covered_up_to(start)) / (end - start)
    return shares


def sums_by_article(
    predicted: Spans, gold: Spans, articles: ArrayLike, *, labelled: bool = False
) -> Floats:
    """Give the sums that the figures are made of, by article, so that articles can be resampled.

    ``predicted``, ``gold``: merged here. Spans of every label count. ``articles`` of shape (m,):
    ids, without repetition; those without any span too. Spans of others are left out. ``labelled``:
    whether overlap counts between spans of one technique only. Gives shape (m, 4): covered shares
    of the predicted spans, predicted spans, covered shares of the gold spans, gold spans. Sums of
    rows, weighted or not, are what `of_sums` takes.
    """
    names = np.asarray(articles, np.str_)
    order = np.argsort(names)
    columns: list[Floats] = []
    sides = merge(predicted, labelled=labelled), merge(gold, labelled=labelled)
    for spans, share in zip(sides, cover(*sides), strict=True):
        known = np.isin(spans.article, names)
        row = order[np.searchsorted(names, spans.article[known], sorter=order)]
        for weights in (share[known], np.ones(len(row))):
            columns.append(np.bincount(row, weights, len(names)).astype(np.float64))
    return np.stack(columns, axis=1)


def of_sums(sums: Floats) -> Floats:
    """Give precision, recall and F1 of sums.

    ``sums`` of shape (..., 4): sums over articles of the rows of `sums_by_article`. Gives shape
    (..., 3): precision is NaN without predicted spans, recall and F1 without gold ones; F1 is 0
    where there are some and nothing of them was found.
    """
    found, predicted, covered, gold = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    precision = _ratio(found, predicted)
    recall = _ratio(covered, gold)
    # Nothing predicted, or nothing met: F1 is 0, though its parts are 0/0.
    total = np.nan_to_num(precision) + recall
    f1 = np.where(total > 0, _ratio(2 * np.nan_to_num(precision) * recall, total), 0.0)
    return np.stack([precision, recall, np.where(gold > 0, f1, np.nan)], axis=-1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN where there is nothing to divide by."""
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio


@dataclass(frozen=True, slots=True)
class TechniqueFigures:
    """F1 of several labels at once.

    ``micro_f1``: of all labels pooled. ``macro_f1``: mean over the techniques with gold labels,
    unweighted; ``averaged`` says how many. Both, and the F1 of a technique, are NaN without gold
    labels. ``units``: what was judged: places of spans, or articles with a known label.
    """

    micro_f1: float
    macro_f1: float
    by_technique: Mapping[str, float]
    gold: Mapping[str, int]
    averaged: int
    units: int


def classification(
    predicted: Spans, gold: Spans, techniques: Sequence[str] = TECHNIQUES
) -> TechniqueFigures:
    """Technique classification (TC): figures of the labels given to the gold spans.

    ``predicted``: a row for each predicted label, at the place of a gold span. A place without any
    has missed its gold labels. ``gold``: a row for each gold label. Not merged: spans may overlap,
    each is judged by itself. Raises `ValueError` when a prediction is at the place of no gold span,
    or a label is none of the techniques.
    """
    names = np.array(techniques, np.str_)
    label = np.concatenate([gold.label, predicted.label])
    if not np.isin(label, names).all():
        strange = sorted(set(label.tolist()) - set(techniques))
        raise ValueError(f"labels that are none of the techniques: {', '.join(strange)}")
    order = np.argsort(names)
    column = order[np.searchsorted(names, label, sorter=order)]
    place = _places(gold, predicted)
    n_places = int(place.max()) + 1 if len(place) else 0
    n = len(gold)
    there = np.bincount(place[:n], minlength=n_places) > 0
    if not there.all():
        raise ValueError(f"{int((~there).sum())} predicted places are those of no gold span")
    size = n_places * len(names)
    cell = place * len(names) + column
    given, wanted = (
        np.bincount(cells, minlength=size).reshape(n_places, len(names))
        for cells in (cell[n:], cell[:n])
    )
    hits = np.minimum(given, wanted)
    hits, flags, labels = (cells.sum(axis=0) for cells in (hits, given, wanted))
    return _figures(hits, flags, labels, techniques, n_places)


def of_articles(values: ArrayLike, article: ArrayLike) -> tuple[Names, Floats]:
    """Labels of articles from those of their sentences: ids, sorted, and a row of labels for each.

    ``values``: a row a sentence, labels, of which one half counts as yes, or flags; NaN where not
    known. A label is 1 where a sentence has the technique, 0 where none has, NaN where none of
    those known has and some are not known: the technique may be in those.
    """
    matrix = np.asarray(values, np.float64)
    names, row = np.unique(np.asarray(article, np.str_), return_inverse=True)
    has = np.zeros((len(names), matrix.shape[1]), np.bool_)
    unknown = np.zeros_like(has)
    np.logical_or.at(has, row, is_positive(matrix))
    np.logical_or.at(unknown, row, np.isnan(matrix))
    return names, np.where(has, 1.0, np.where(unknown, np.nan, 0.0))


def article_figures(
    truth: Floats, flagged: Bools, techniques: Sequence[str] = TECHNIQUES
) -> TechniqueFigures:
    """Figures of the techniques found in whole articles, as `of_articles` gives them.

    NaN is not judged. Raises `ValueError` when shapes differ.
    """
    if truth.shape != flagged.shape or truth.shape[1:] != (len(techniques),):
        raise ValueError(f"shapes differ: {truth.shape}, {flagged.shape}, {len(techniques)} labels")
    known = ~np.isnan(truth)
    positive = known & is_positive(truth)
    given = known & flagged
    units = int(known.any(axis=1).sum())
    hits, flags, wanted = (cells.sum(axis=0) for cells in (positive & given, given, positive))
    return _figures(hits, flags, wanted, techniques, units)


def _places(gold: Spans, predicted: Spans) -> NDArray[np.intp]:
    """Number the places (article, start, end) of both, gold ones first in the result."""
    both = gold + predicted
    _, article = np.unique(both.article, return_inverse=True)
    rows = np.stack([article, both.start, both.end], axis=1)
    _, place = np.unique(rows, axis=0, return_inverse=True)
    numbers: NDArray[np.intp] = place.reshape(-1)
    return numbers


def _figures(
    hits: NDArray[np.intp],
    given: NDArray[np.intp],
    wanted: NDArray[np.intp],
    techniques: Sequence[str],
    units: int,
) -> TechniqueFigures:
    """F1 = 2 hits / (given + wanted), of each technique and of their sums."""
    by_technique = np.full(len(techniques), np.nan)
    np.divide(2 * hits, given + wanted, out=by_technique, where=wanted > 0)
    defined = by_technique[wanted > 0]
    total = int(wanted.sum())
    return TechniqueFigures(
        micro_f1=float(2 * hits.sum() / (given.sum() + total)) if total else float("nan"),
        macro_f1=float(defined.mean()) if len(defined) else float("nan"),
        by_technique=dict(zip(techniques, by_technique.tolist(), strict=True)),
        gold=dict(zip(techniques, wanted.tolist(), strict=True)),
        averaged=len(defined),
        units=units,
    )
