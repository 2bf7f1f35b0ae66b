"""A block of n-gram features: which n-grams, what each is worth, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Unit = Literal["word", "char"]

# Punctuation counts as words: quotation marks, "?" and "!" say much about voice and framing.
TOKEN = r"\w+|[^\w\s]"


@dataclass(frozen=True, eq=False)
class Chunks:
    """Texts cut into what stands between white space, in small letters.

    Attributes
    ----------
    distinct : list of str
        Those that differ, as they come: sums of floats depend on the order of the n-grams.
    numbers : ndarray of int, shape (n_chunks,)
        All of them in order, text after text, as numbers of ``distinct``.
    rows : ndarray of int, shape (n_chunks,)
        The text of each.
    first : ndarray of int, shape (n_texts,)
        Where each text's chunks begin.
    """

    distinct: list[str]
    numbers: NDArray[np.intp]
    rows: NDArray[np.intp]
    first: NDArray[np.intp]

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
    """Where the n-grams of one length stand in texts; for characters, those of all lengths.

    Attributes
    ----------
    columns : ndarray of int32, shape (n,)
        Which term of the block each is.
    chunks : ndarray of int32, shape (n, n_reached)
        The `Chunks` that each reaches into, in order; one twice, where it reaches into it twice.
    """

    columns: NDArray[np.int32]
    chunks: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Ngrams:
    """A fixed vocabulary of n-grams, weighed by TF-IDF.

    A text's features are ``1 + ln(tf)`` times ``idf``, scaled to length 1 (Salton and Buckley,
    1988, in scikit-learn's form).

    Attributes
    ----------
    unit : {"word", "char"}
        Character n-grams stay within what stands between white space, padded by a space each side.
    shortest, longest : int
        Lengths of the n-grams.
    terms : tuple of str
        The vocabulary, in the order of the columns.
    idf : ndarray of float32, shape (n_terms,)
    """

    unit: Unit
    shortest: int
    longest: int
    terms: tuple[str, ...]
    idf: NDArray[np.float32]

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
