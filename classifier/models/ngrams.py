"""N-grams of the baseline: which there are, what each is worth, where and how often they stand.

They are counted in sentences, in either of their forms, and in articles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from framescope.classifier.models.placeholders import Reader, Reading, TextForm
from framescope.classifier.records import Sentence, fold
from numpy.typing import NDArray

Unit = Literal["word", "char"]

# Punctuation counts as words: quotation marks, "?" and "!" say much about voice and framing.
TOKEN = r"\w+|[^\w\s]"


@dataclass(frozen=True, eq=False)
class Chunks:
    """Texts cut into what stands between white space, in small letters."""

    # those that differ, as they come: sums of floats depend on the order of the n-grams
    distinct: list[str]
    # shape (n_chunks,): all of them in order, text after text, as numbers of ``distinct``
    numbers: NDArray[np.intp]
    rows: NDArray[np.intp]  # shape (n_chunks,): the text of each
    first: NDArray[np.intp]  # shape (n_texts,): where each text's chunks begin

    @classmethod
    def of(cls, texts: Sequence[str]) -> Chunks:
        """Cut texts."""
        cut = [text.lower().split() for text in texts]
        known: dict[str, int] = {}
        numbers = [known.setdefault(chunk, len(known)) for chunks in cut for chunk in chunks]
        sizes = np.array([len(chunks) for chunks in cut], np.intp)
        return cls(
            list(known),
            np.array(numbers, np.intp),
            np.repeat(np.arange(len(sizes)), sizes),
            np.cumsum(sizes) - sizes,
        )


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Where the n-grams of one length stand in texts; for characters, those of all lengths."""

    columns: NDArray[np.int32]  # shape (n,): which term of the block each is
    # shape (n, n_reached): the `Chunks` that each reaches into, in order; one twice, where it
    # reaches into it twice
    chunks: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Ngrams:
    """A fixed vocabulary of n-grams, weighed by TF-IDF.

    A text's features are ``1 + ln(tf)`` times ``idf``, scaled to length 1 (Salton and Buckley,
    1988, in scikit-learn's form).
    """

    # character n-grams stay within what stands between white space, padded by a space each side
    unit: Unit
    # shortest and longest: lengths of the n-grams
    shortest: int
    longest: int
    terms: tuple[str, ...]  # the vocabulary, in the order of the columns
    idf: NDArray[np.float32]  # shape (n_terms,)

    @classmethod
    def learn(
        cls, texts: Sequence[str], unit: Unit, shortest: int, longest: int, least: int, most: int
    ) -> Ngrams:
        """Take the vocabulary and the idf of some texts.

        Parameters
        ----------
        texts : sequence of str
        unit, shortest, longest
            As the attributes.
        least : int
            Texts an n-gram must occur in.
        most : int
            Size of the vocabulary: the most frequent are kept.

        Raises
        ------
        ValueError
            When no n-gram occurs in ``least`` texts.
        """
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        counter = CountVectorizer(
            analyzer="char_wb" if unit == "char" else "word",
            ngram_range=(shortest, longest),
            token_pattern=TOKEN if unit == "word" else None,
            preprocessor=str.lower,
            min_df=least,
            max_features=most,
        )
        counts = counter.fit_transform(texts)
        idf = TfidfTransformer().fit(counts).idf_.astype(np.float32)
        return cls(unit, shortest, longest, tuple(counter.get_feature_names_out()), idf)

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def index(self) -> dict[str, int]:
        """The column of each term."""
        return {term: column for column, term in enumerate(self.terms)}

    def read(self, texts: Chunks) -> tuple[Any, list[Occurrences]]:
        """Find the terms in texts.

        Returns
        -------
        sparse matrix, shape (n_texts, n_terms)
            How often each occurs.
        list of Occurrences
            Where they stand.
        """
        return self._characters(texts) if self.unit == "char" else self._words(texts)

    def _words(self, texts: Chunks) -> tuple[Any, list[Occurrences]]:
        find = self.index.get
        pieces = [re.findall(TOKEN, chunk) for chunk in texts.distinct]
        tokens = [token for number in texts.numbers.tolist() for token in pieces[number]]
        sizes = np.array([len(piece) for piece in pieces], np.intp)[texts.numbers]
        chunk = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        occurrences = []
        for length in range(self.shortest, self.longest + 1):
            following = zip(*(tokens[first:] for first in range(length)), strict=False)
            columns = np.array([find(" ".join(words), -1) for words in following], np.int32)
            reached = np.stack([chunk[at : at + len(columns)] for at in range(length)], axis=1)
            # An n-gram ends with its text.
            inside = texts.rows[reached[:, 0]] == texts.rows[reached[:, -1]]
            found = (columns >= 0) & inside
            occurrences.append(Occurrences(columns[found], reached[found]))
        columns = np.concatenate([one.columns for one in occurrences])
        rows = texts.rows[np.concatenate([one.chunks[:, 0] for one in occurrences])]
        return _counted(rows, columns, (len(texts.first), len(self))), occurrences

    def _characters(self, texts: Chunks) -> tuple[Any, list[Occurrences]]:
        # Character n-grams stay within a chunk, so each distinct chunk is cut up once.
        find = self.index.get
        cut = [
            [column for term in self._cut(f" {chunk} ") if (column := find(term)) is not None]
            for chunk in texts.distinct
        ]
        sizes = np.array([len(columns) for columns in cut], np.intp)
        columns = np.array([column for own in cut for column in own], np.int32)
        of_chunks = _counted(np.repeat(np.arange(len(cut)), sizes), columns, (len(cut), len(self)))
        counts = _counted(texts.rows, texts.numbers, (len(texts.first), len(cut))) @ of_chunks
        taken = sizes[texts.numbers]
        chunk = np.repeat(np.arange(len(taken), dtype=np.int32), taken)
        # Each chunk's columns, from where those of its like begin.
        begin = (np.cumsum(sizes) - sizes)[texts.numbers] - (np.cumsum(taken) - taken)
        at = begin[chunk] + np.arange(len(chunk))
        return counts, [Occurrences(columns[at], chunk[:, None])]

    def _cut(self, padded: str) -> Iterator[str]:
        """Give a padded chunk's n-grams; one that is shorter than they is one, once."""
        size = len(padded)
        for length in range(self.shortest, min(self.longest, max(size, self.shortest)) + 1):
            for at in range(max(size - length, 0) + 1):
                yield padded[at : at + length]


def _counted(rows: NDArray[Any], columns: NDArray[Any], shape: tuple[int, int]) -> Any:
    """Count pairs of a row and a column: sparse, each row's columns in order."""
    from scipy.sparse import csr_matrix

    cells = np.sort(rows * shape[1] + columns)
    begin = np.flatnonzero(np.diff(cells, prepend=-1))
    rows, columns = np.divmod(cells[begin], max(shape[1], 1))
    ends = np.cumsum(np.bincount(rows, minlength=shape[0]))
    return csr_matrix(
        (np.diff(begin, append=len(cells)), columns, np.concatenate([[0], ends])), shape=shape
    )


_BATCH = 4096  # texts counted at once: bounds memory, whatever their number


@dataclass(frozen=True, eq=False)
class BothForms:
    """What is read of sentences in both of their forms, those that are alike once."""

    # first the neutral form of each sentence, then the typed ones that differ
    readings: list[Reading]
    texts: list[str]  # as n-grams are cut from them
    # shape (n_sentences,): which of them is each sentence in that form
    rows: dict[TextForm, NDArray[np.intp]]

    @classmethod
    def of(cls, reader: Reader, sentences: Sequence[Sentence]) -> BothForms:
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
    """Where the n-grams of all blocks stand in texts."""

    chunks: Chunks  # the texts
    found: list[Occurrences]  # block after block, with columns of the whole
    counts: Any  # shape (n_texts, n_features): how often each occurs in each text

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
    """The sentences of a sequence, added up by article."""

    # shape (n_sentences,): the article each sentence belongs to, a row of ``counts``
    rows: NDArray[np.intp]
    size: int  # how many articles there are
    counts: Any = None  # shape (size, n_features): None until something is added

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
