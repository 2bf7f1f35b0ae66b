"""Who is cited in rows, as a bundle's model has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Citation
from framescope.eval.rows.scored import blocks
from framescope.training.data import Examples
from numpy.typing import NDArray

Read = Callable[[int, int], None]
"""Told how many sentences have been read, and of how many."""


class CitedRows(NamedTuple):
    """Whole articles, sentence by sentence, and who was found to be cited in each sentence.

    ``by``: the bundle's name.
    """

    rows: Examples
    found: tuple[tuple[Citation, ...], ...]
    by: str


def citations_of(bundle: Bundle, rows: Examples, done: Read = lambda n, total: None) -> CitedRows:
    """Find who is cited in rows.

    Parameters
    ----------
    bundle : Bundle
    rows : Examples
        Whole articles, as `whole_articles` gives them.
    done : callable, optional
        Told how far it is.
    """
    found: list[tuple[Citation, ...]] = []
    for block in blocks(rows.sentences):
        found += bundle.model.predict(block).citations
        done(len(found), len(rows))
    return CitedRows(rows, tuple(found), bundle.name)


def whole_articles(rows: Examples, wanted: NDArray[np.bool_]) -> Examples:
    """Give every sentence of the articles that have a wanted one, article by article, in order."""
    kept = np.flatnonzero(np.isin(rows.article, rows.article[wanted]))
    index = np.array([rows.sentences[row].index for row in kept], np.intp)
    return rows.where(kept[np.lexsort((index, rows.article[kept]))])
