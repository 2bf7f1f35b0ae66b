"""The fourteen techniques: which label a span has, and which techniques an article uses.

Technique classification (subtask TC of SemEval-2020 task 11; Da San Martino et al., 2020,
doi:10.18653/v1/2020.semeval-1.186) takes the gold spans as given and asks for their technique. A
span marked with several techniques is several rows with one place; labels of one place are matched
in any order, as many as agree. With as many labels predicted as there are gold ones, micro-F1 is
accuracy.

At the level of articles an article has a technique when one of its sentences does.

F1 of a technique without gold labels is NaN and left out of the macro mean, which says over how
many techniques it runs; its false alarms count in micro-F1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from classifier.taxonomy import TECHNIQUES
from eval.figures.spans import Names, Spans
from eval.rows import Bools, Floats, is_positive


@dataclass(frozen=True, slots=True)
class TechniqueFigures:
    """F1 of several labels at once.

    Attributes
    ----------
    micro_f1 : float
        Of all labels pooled; NaN without gold labels.
    macro_f1 : float
        Mean over the techniques with gold labels, unweighted; NaN without any.
    by_technique : mapping of str to float
        F1 of each; NaN without gold labels.
    gold : mapping of str to int
        Number of gold labels of each.
    averaged : int
        Over how many techniques the macro mean runs.
    units : int
        What was judged: places of spans, or articles with at least one known label.
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

    Parameters
    ----------
    predicted : Spans
        A row for each predicted label, at the place of a gold span. A place without any has missed
        its gold labels.
    gold : Spans
        A row for each gold label. Not merged: spans may overlap, each is judged by itself.
    techniques : sequence of str

    Returns
    -------
    TechniqueFigures

    Raises
    ------
    ValueError
        When a prediction is at the place of no gold span, or a label is none of the techniques.
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
    return _figures(
        np.minimum(given, wanted).sum(axis=0),
        given.sum(axis=0),
        wanted.sum(axis=0),
        techniques,
        n_places,
    )


def of_articles(values: ArrayLike, article: ArrayLike) -> tuple[Names, Floats]:
    """Labels of articles from those of their sentences.

    Parameters
    ----------
    values : array_like, shape (n, k)
        A row a sentence: labels, of which one half counts as yes, or flags. NaN where it is not
        known.
    article : array_like of str, shape (n,)
        The article of each sentence.

    Returns
    -------
    names : ndarray of str, shape (m,)
        Ids of the articles, sorted.
    labels : ndarray of float64, shape (m, k)
        1 where a sentence has the technique, 0 where none has, NaN where none of those known has
        and some are not known: the technique may be in those.
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
    """Figures of the techniques found in whole articles.

    Parameters
    ----------
    truth : ndarray of float64, shape (m, k)
        As `of_articles` gives them: 1, 0, or NaN, which is not judged.
    flagged : ndarray of bool, shape (m, k)
        Whether the model flags a sentence of the article.
    techniques : sequence of str, length k

    Returns
    -------
    TechniqueFigures

    Raises
    ------
    ValueError
        When shapes differ.
    """
    if truth.shape != flagged.shape or truth.shape[1:] != (len(techniques),):
        raise ValueError(f"shapes differ: {truth.shape}, {flagged.shape}, {len(techniques)} labels")
    known = ~np.isnan(truth)
    positive = known & is_positive(truth)
    given = known & flagged
    return _figures(
        (positive & given).sum(axis=0),
        given.sum(axis=0),
        positive.sum(axis=0),
        techniques,
        int(known.any(axis=1).sum()),
    )


def _places(gold: Spans, predicted: Spans) -> NDArray[np.intp]:
    """Number the places (article, start, end) of both, gold ones first in the result."""
    _, article = np.unique(np.concatenate([gold.article, predicted.article]), return_inverse=True)
    start = np.concatenate([gold.start, predicted.start])
    end = np.concatenate([gold.end, predicted.end])
    rows = np.stack([article, start, end], axis=1)
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
