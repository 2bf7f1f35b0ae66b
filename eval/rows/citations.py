"""What a bundle says of who is cited in rows: its model's own word, else that of the rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.values import Citation
from eval.rows.scored import blocks
from training.data import Examples

RULES = "the rules"
Read = Callable[[int, int], None]
"""Told how many sentences have been read, and of how many."""


class CitedRows(NamedTuple):
    """Whole articles, sentence by sentence, and who was found to be cited in each sentence.

    ``by``: the bundle's name, or `RULES`.
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
        Whole articles, as `whole_articles` gives them. Where the model says nothing of citations,
        what the rules found of them stands on their sentences.
    done : callable, optional
        Told how far it is.
    """
    sentences = rows.sentences
    # One sentence tells whether the model has a word on citations; the rules need no second look.
    if not hasattr(bundle.model.predict(sentences[:1]), "citations"):
        return CitedRows(rows, tuple(sentence.citations for sentence in sentences), RULES)
    found: list[tuple[Citation, ...]] = []
    for block in blocks(sentences):
        found += getattr(bundle.model.predict(block), "citations")  # noqa: B009 - not of all models
        done(len(found), len(sentences))
    return CitedRows(rows, tuple(found), bundle.name)


def whole_articles(rows: Examples, wanted: NDArray[np.bool_]) -> Examples:
    """Give every sentence of the articles that have a wanted one, article by article, in order."""
    kept = np.flatnonzero(np.isin(rows.article, rows.article[wanted]))
    index = np.array([rows.sentences[row].index for row in kept], np.intp)
    return rows.where(kept[np.lexsort((index, rows.article[kept]))])
