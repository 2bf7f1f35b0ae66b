"""Labelled spans of many articles as columns, and how well predicted ones find the gold ones.

The measures are those of partial overlap of the propaganda shared tasks. A predicted span seldom
has the very borders of the gold one, so each earns the share of its characters that the other side
covers. With

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
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.rows import Floats

Ints = NDArray[np.int64]
Names = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Labelled spans of many articles, as columns.

    Attributes
    ----------
    article : ndarray of str, shape (n,)
        The article's id.
    start, end : ndarray of int64, shape (n,)
        Offsets of characters, end-exclusive.
    label : ndarray of str, shape (n,)
        A technique; empty where it doesn't matter.

    Raises
    ------
    ValueError
        When columns differ in length, or a span is empty or begins before the text.
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
        article, start, end, label = columns
        return cls(
            np.array(article, np.str_),
            np.array(start, np.int64),
            np.array(end, np.int64),
            np.array(label, np.str_),
        )


def merge(spans: Spans, *, labelled: bool = False) -> Spans:
    """Merge what overlaps in an article.

    Parameters
    ----------
    spans : Spans
    labelled : bool
        Merge only spans of one label. Otherwise labels are ignored, and empty in the result.

    Returns
    -------
    Spans
        Disjoint in each article (and label), sorted by article, label and start.
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
    """Share of each span's characters that the other side covers.

    Parameters
    ----------
    spans, other : Spans
        Both as `merge` gives them. Only spans of one article and one label cover each other.

    Returns
    -------
    tuple of ndarray of float64, shapes (n,) and (m,)
        The shares of ``spans`` and those of ``other``.
    """
    both = Spans(
        np.concatenate([spans.article, other.article]),
        np.concatenate([spans.start, other.start]),
        np.concatenate([spans.end, other.end]),
        np.concatenate([spans.label, other.label]),
    )
    start, end, _ = _on_one_line(both)
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

    Parameters
    ----------
    predicted, gold : Spans
        Merged here. Spans of every label count.
    articles : array_like of str, shape (m,)
        Ids, without repetition; those without any span too. Spans of others are left out.
    labelled : bool
        Whether overlap counts between spans of one technique only.

    Returns
    -------
    ndarray of float64, shape (m, 4)
        Covered shares of the predicted spans, predicted spans, covered shares of the gold spans,
        gold spans. Sums of rows, weighted or not, are what `of_sums` takes.
    """
    names = np.asarray(articles, np.str_)
    order = np.argsort(names)
    columns: list[Floats] = []
    for spans, share in _covered(predicted, gold, labelled=labelled):
        known = np.isin(spans.article, names)
        row = order[np.searchsorted(names, spans.article[known], sorter=order)]
        for weights in (share[known], np.ones(len(row))):
            columns.append(np.bincount(row, weights, len(names)).astype(np.float64))
    return np.stack(columns, axis=1)


def of_sums(sums: Floats) -> Floats:
    """Give precision, recall and F1 of sums.

    Parameters
    ----------
    sums : ndarray of float64, shape (..., 4)
        Sums over articles of the rows of `sums_by_article`.

    Returns
    -------
    ndarray of float64, shape (..., 3)
        Precision is NaN without predicted spans, recall and F1 without gold ones; F1 is 0 where
        there are some and nothing of them was found.
    """
    found, predicted, covered, gold = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    precision = _ratio(found, predicted)
    recall = _ratio(covered, gold)
    # Nothing predicted, or nothing met: F1 is 0, though its parts are 0/0.
    total = np.nan_to_num(precision) + recall
    f1 = np.where(total > 0, _ratio(2 * np.nan_to_num(precision) * recall, total), 0.0)
    return np.stack([precision, recall, np.where(gold > 0, f1, np.nan)], axis=-1)


_Covered = tuple[Spans, Floats]  # merged spans, and the covered share of each


def _covered(predicted: Spans, gold: Spans, *, labelled: bool) -> tuple[_Covered, _Covered]:
    ours, theirs = merge(predicted, labelled=labelled), merge(gold, labelled=labelled)
    our_shares, their_shares = cover(ours, theirs)
    return (ours, our_shares), (theirs, their_shares)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN where there is nothing to divide by."""
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio
