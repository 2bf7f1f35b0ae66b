"""Labelled spans of many articles as columns: made, merged, and laid over one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.taxonomy import TECHNIQUES
from classifier.values import Span
from eval.figures.metrics import Floats

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

    @classmethod
    def of_articles(cls, articles: Iterable[tuple[str, Iterable[Span]]]) -> Spans:
        """Make them of pairs: an article's id and its spans."""
        return cls.of(
            (article, span.start, span.end, span.signal)
            for article, spans in articles
            for span in spans
        )

    def only(self, labels: Sequence[str] = TECHNIQUES) -> Spans:
        """Keep the spans with one of these labels: the fourteen techniques, unless given."""
        keep = np.isin(self.label, np.array(labels, np.str_))
        return Spans(self.article[keep], self.start[keep], self.end[keep], self.label[keep])


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
