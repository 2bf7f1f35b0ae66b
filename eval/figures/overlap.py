"""How well spans are found: the partial-overlap measures of the propaganda shared tasks.

A predicted span seldom has the very borders of the gold one, so each earns the share of its
characters that the other side covers. With

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from classifier.taxonomy import TECHNIQUES
from eval.figures.metrics import Floats
from eval.figures.spans import Spans, cover, merge


@dataclass(frozen=True, slots=True)
class SpanFigures:
    """Partial-overlap figures.

    Attributes
    ----------
    precision : float
        NaN without predicted spans.
    recall : float
        NaN without gold spans.
    f1 : float
        NaN without gold spans; 0 where there are some and nothing of them was found.
    predicted, gold : int
        Numbers of spans, once merged.
    """

    precision: float
    recall: float
    f1: float
    predicted: int
    gold: int


@dataclass(frozen=True, slots=True)
class FineGrainedFigures:
    """Figures of spans with their technique (FLC).

    Attributes
    ----------
    overall : SpanFigures
        Over the spans of all techniques.
    by_technique : mapping of str to SpanFigures
    """

    overall: SpanFigures
    by_technique: Mapping[str, SpanFigures]


def identification(predicted: Spans, gold: Spans) -> SpanFigures:
    """Span identification (SI): were the right characters marked, whatever the technique.

    Every span counts; leave out those that are no technique's with `Spans.only`.

    Parameters
    ----------
    predicted, gold : Spans
        Merged here.

    Returns
    -------
    SpanFigures
    """
    return _figures(*_covered(predicted, gold, labelled=False))


def fine_grained(
    predicted: Spans, gold: Spans, techniques: Sequence[str] = TECHNIQUES
) -> FineGrainedFigures:
    """Fragments with their technique (FLC): only overlap of one technique counts.

    Parameters
    ----------
    predicted, gold : Spans
        Merged here, by technique. Spans of other labels are left out.
    techniques : sequence of str

    Returns
    -------
    FineGrainedFigures
    """
    ours, theirs = _covered(predicted.only(techniques), gold.only(techniques), labelled=True)
    return FineGrainedFigures(
        _figures(ours, theirs),
        {
            name: _figures(
                (ours[0].only([name]), ours[1][ours[0].label == name]),
                (theirs[0].only([name]), theirs[1][theirs[0].label == name]),
            )
            for name in techniques
        },
    )


def sums_by_article(
    predicted: Spans, gold: Spans, articles: ArrayLike, *, labelled: bool = False
) -> Floats:
    """Give the sums that the figures are made of, by article, so that articles can be resampled.

    Parameters
    ----------
    predicted, gold : Spans
        Merged here. Spans of every label count: leave out the others with `Spans.only`.
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
        NaN as in `SpanFigures`.
    """
    found, predicted, covered, gold = np.moveaxis(np.asarray(sums, np.float64), -1, 0)
    precision = _ratio(found, predicted)
    recall = _ratio(covered, gold)
    # Nothing predicted, or nothing met: F1 is 0, though its parts are 0/0.
    total = np.nan_to_num(precision) + recall
    f1 = np.where(total > 0, _ratio(2 * np.nan_to_num(precision) * recall, total), 0.0)
    return np.stack([precision, recall, np.where(gold > 0, f1, np.nan)], axis=-1)


_Covered = tuple[Spans, Floats]  # merged spans, and the covered share of each


def _figures(predicted: _Covered, gold: _Covered) -> SpanFigures:
    sums = [predicted[1].sum(), len(predicted[0]), gold[1].sum(), len(gold[0])]
    precision, recall, f1 = of_sums(np.array(sums)).tolist()
    return SpanFigures(precision, recall, f1, len(predicted[0]), len(gold[0]))


def _covered(predicted: Spans, gold: Spans, *, labelled: bool) -> tuple[_Covered, _Covered]:
    ours, theirs = merge(predicted, labelled=labelled), merge(gold, labelled=labelled)
    our_shares, their_shares = cover(ours, theirs)
    return (ours, our_shares), (theirs, their_shares)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """``part / whole``; NaN where there is nothing to divide by."""
    ratio: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return ratio
