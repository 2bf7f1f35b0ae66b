"""How often the n-grams of the baseline occur: in sentences, in either form, and in articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.models.ngrams import Ngrams
from classifier.models.placeholders import Form, Reader, Reading
from classifier.values import Sentence, fold


@dataclass(frozen=True, eq=False)
class Counts:
    """The n-grams of sentences in both of their forms, those that are alike counted once.

    Attributes
    ----------
    each : sparse matrix, shape (n_texts, n_features)
        Occurrences in every text that is read.
    rows : dict of Form to ndarray of int, shape (n_sentences,)
        Which row of ``each`` is each sentence in that form.
    """

    each: Any
    rows: dict[Form, NDArray[np.intp]]

    @classmethod
    def of(cls, blocks: Sequence[Ngrams], reader: Reader, sentences: Sequence[Sentence]) -> Counts:
        """Read sentences and count."""
        texts = [read(reader, sentence, Form.NEUTRAL).text for sentence in sentences]
        neutral = np.arange(len(texts))
        typed = neutral.copy()
        for row, sentence in enumerate(sentences):
            text = read(reader, sentence, Form.TYPED).text
            if text != texts[row]:
                typed[row] = len(texts)
                texts.append(text)
        return cls(count(blocks, texts), {Form.TYPED: typed, Form.NEUTRAL: neutral})

    def in_form(self, form: Form) -> Any:
        """Occurrences in each sentence, sparse, shape (n_sentences, n_features)."""
        return self.each[self.rows[form]]


def read(reader: Reader, sentence: Sentence, form: Form) -> Reading:
    """Give the text of a sentence as n-grams are cut from it."""
    reading = reader.read(sentence.text, form)
    return Reading(fold(reading.text), reading.names)


def count(blocks: Sequence[Ngrams], texts: Sequence[str]) -> Any:
    """Occurrences of every n-gram in each text, sparse, shape (n_texts, n_features)."""
    from scipy.sparse import hstack

    return hstack([block.counts(texts) for block in blocks], format="csr")


def weigh(blocks: Sequence[Ngrams], counts: Any) -> Any:
    """TF-IDF of the output of `count` (or of sums of its rows), block by block."""
    from scipy.sparse import hstack

    ends = np.cumsum([len(block) for block in blocks])
    parts = [
        block.weigh(counts[:, end - len(block) : end])
        for block, end in zip(blocks, ends, strict=True)
    ]
    return hstack(parts, format="csr")


@dataclass
class Articles:
    """The sentences of a sequence, added up by article.

    Attributes
    ----------
    rows : ndarray of int, shape (n_sentences,)
        The article each sentence belongs to, a row of ``counts``.
    size : int
        How many articles there are.
    counts : sparse matrix, shape (size, n_features), or None
        None until something is added.
    """

    rows: NDArray[np.intp]
    size: int
    counts: Any = None

    @classmethod
    def of(cls, sentences: Sequence[Sentence]) -> Articles:
        """Number the articles of a sequence; nothing is counted yet."""
        numbers: dict[str, int] = {}
        rows = [numbers.setdefault(s.article_id, len(numbers)) for s in sentences]
        return cls(np.array(rows, dtype=np.intp), len(numbers))

    def add(self, counts: Any, rows: slice) -> None:
        """Add the counts of some of the sentences."""
        pooled = pool(counts, self.rows[rows], self.size)
        self.counts = pooled if self.counts is None else self.counts + pooled


def pool(counts: Any, rows: NDArray[np.intp], size: int) -> Any:
    """Add up the rows of a sparse matrix that belong to the same of ``size`` articles."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(rows), dtype=counts.dtype)
    return csr_matrix((ones, (rows, np.arange(len(rows)))), shape=(size, len(rows))) @ counts
