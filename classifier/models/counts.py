"""How often the n-grams of the baseline occur: in sentences, in either form, and in articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.models.ngrams import Chunks, Ngrams, Occurrences
from classifier.models.placeholders import Reader, Reading, TextForm
from classifier.values import Sentence, fold

_BATCH = 4096  # texts counted at once: bounds memory, whatever their number


@dataclass(frozen=True, eq=False)
class Texts:
    """What is read of sentences in both of their forms, those that are alike once.

    Attributes
    ----------
    readings : list of Reading
        First the neutral form of each sentence, then the typed ones that differ.
    texts : list of str
        As n-grams are cut from them.
    rows : dict of TextForm to ndarray of int, shape (n_sentences,)
        Which of them is each sentence in that form.
    """

    readings: list[Reading]
    texts: list[str]
    rows: dict[TextForm, NDArray[np.intp]]

    @classmethod
    def of(cls, reader: Reader, sentences: Sequence[Sentence]) -> Texts:
        """Read sentences."""
        both = [reader.read(sentence) for sentence in sentences]
        readings = [one.neutral for one in both]
        neutral = np.arange(len(both))
        typed = neutral.copy()
        for row, one in enumerate(both):
            if one.differ:
                typed[row] = len(readings)
                readings.append(one.typed)
        texts = [fold(reading.text) for reading in readings]
        return cls(readings, texts, {TextForm.TYPED: typed, TextForm.NEUTRAL: neutral})


def count(blocks: Sequence[Ngrams], texts: Sequence[str]) -> Any:
    """Occurrences of every n-gram in each text, sparse, shape (n_texts, n_features)."""
    from scipy.sparse import vstack

    starts = range(0, max(len(texts), 1), _BATCH)
    return vstack([Places.of(blocks, texts[at : at + _BATCH]).counts for at in starts], "csr")


@dataclass(frozen=True, eq=False)
class Places:
    """Where the n-grams of all blocks stand in texts.

    Attributes
    ----------
    chunks : Chunks
        The texts.
    found : list of Occurrences
        Block after block, with columns of the whole.
    counts : sparse matrix, shape (n_texts, n_features)
        How often each occurs in each text.
    """

    chunks: Chunks
    found: list[Occurrences]
    counts: Any

    @classmethod
    def of(cls, blocks: Sequence[Ngrams], texts: Sequence[str]) -> Places:
        """Find them."""
        from scipy.sparse import hstack

        chunks, found, parts, first = Chunks.of(texts), [], [], 0
        for block in blocks:
            counts, occurrences = block.read(chunks)
            parts.append(counts)
            found += [Occurrences(one.columns + np.int32(first), one.chunks) for one in occurrences]
            first += len(block)
        return cls(chunks, found, hstack(parts, format="csr"))

    def of_text(self, row: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Give every occurrence in a text, once for each chunk it reaches into.

        Returns
        -------
        columns, chunks, reached : ndarray of int, shape (n,)
            Its column, the chunk as counted in the text, and how many it reaches into.
        """
        columns, chunks, reached, ends = self._by_text
        inside = slice(ends[row], ends[row + 1])
        return columns[inside], chunks[inside] - self.chunks.first[row], reached[inside]

    @cached_property
    def _by_text(self) -> tuple[NDArray[Any], ...]:
        found = [(one.columns, one.chunks, one.chunks.shape[1]) for one in self.found]
        columns = np.concatenate([np.repeat(own, size) for own, _, size in found])
        chunks = np.concatenate([reached.ravel() for _, reached, _ in found])
        reached = np.repeat([size for *_, size in found], [own.size for _, own, _ in found])
        rows = self.chunks.rows[chunks]
        size = len(self.chunks.first)
        # Stable: sums of floats depend on the order of what is added up. Of a small type: such are
        # sorted without comparing.
        order = np.argsort(rows.astype(np.min_scalar_type(size)), kind="stable")
        ends = np.cumsum(np.bincount(rows, minlength=size))
        return columns[order], chunks[order], reached[order], np.concatenate([[0], ends])


def weigh(blocks: Sequence[Ngrams], counts: Any) -> Any:
    """TF-IDF of counts (or of sums of their rows): sparse, float32, of the same shape.

    ``1 + ln(tf)`` times ``idf``, each block's columns of a row scaled to length 1 (or all zero).
    """
    from scipy.sparse import csr_matrix

    data = np.log(counts.data.astype(np.float32))
    data += 1
    data *= np.concatenate([block.idf for block in blocks])[counts.indices]
    ends = np.cumsum([len(block) for block in blocks])
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    own = rows * len(blocks) + np.searchsorted(ends, counts.indices, side="right")
    lengths = np.sqrt(np.bincount(own, weights=data * data))
    data = (data / lengths[own]).astype(np.float32)
    order = np.argsort(own, kind="stable")  # block after block, as sums of counts are not
    return csr_matrix((data[order], counts.indices[order], counts.indptr), shape=counts.shape)


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
