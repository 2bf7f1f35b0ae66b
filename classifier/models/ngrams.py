"""N-grams of the baseline: the vocabulary, its weights, and how often they occur in texts."""

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
_BATCH = 4096  # texts counted at once, which bounds memory


@dataclass(frozen=True, eq=False)
class Ngrams:
    """A fixed vocabulary of n-grams of `shortest` to `longest` words or characters, with its idf.

    Character n-grams stay within a chunk: what stands between white space, padded by a space on
    each side.
    """

    unit: Unit
    shortest: int
    longest: int
    terms: tuple[str, ...]  # in the order of the columns
    idf: NDArray[np.float32]  # shape (n_terms,)

    @classmethod
    def learn(
        cls, texts: Sequence[str], unit: Unit, shortest: int, longest: int, least: int, most: int
    ) -> Ngrams:
        """Learn the `most` frequent n-grams that occur in at least `least` texts, and their idf.

        Raises
        ------
        ValueError
            When no n-gram occurs in so many texts.
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
    def _column(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.terms)}

    def count(self, distinct: Sequence[str], texts: Sequence[Sequence[int]]) -> Any:
        """Return how often each term occurs in texts, given as numbers of `distinct` chunks."""
        rows: list[int] = []
        columns: list[int] = []
        if self.unit == "char":  # each distinct chunk is cut once
            for number, chunk in enumerate(distinct):
                found = [column for column, _ in self.occurrences([chunk])]
                columns += found
                rows += [number] * len(found)
            in_chunks = _counted(rows, columns, (len(distinct), len(self)))
            rows = [row for row, numbers in enumerate(texts) for _ in numbers]
            numbers = [number for numbers in texts for number in numbers]
            return _counted(rows, numbers, (len(texts), len(distinct))) @ in_chunks
        find = self._column.get
        pieces = [re.findall(TOKEN, chunk) for chunk in distinct]
        for row, chunks in enumerate(texts):
            tokens = [token for number in chunks for token in pieces[number]]
            for length in range(self.shortest, self.longest + 1):
                grams = zip(*(tokens[first:] for first in range(length)), strict=False)
                found = [c for gram in grams if (c := find(" ".join(gram))) is not None]
                columns += found
                rows += [row] * len(found)
        return _counted(rows, columns, (len(texts), len(self)))

    def occurrences(self, chunks: Sequence[str]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Yield the column of each term in a text, and the chunks of its characters or words."""
        find = self._column.get
        if self.unit == "char":
            for number, chunk in enumerate(chunks):
                padded = f" {chunk} "
                size = len(padded)
                # A chunk that is shorter than all n-grams is one n-gram.
                for length in range(self.shortest, min(self.longest, max(size, self.shortest)) + 1):
                    for at in range(max(size - length, 0) + 1):
                        if (column := find(padded[at : at + length])) is not None:
                            yield column, (number,)
            return
        tokens = [(word, n) for n, chunk in enumerate(chunks) for word in re.findall(TOKEN, chunk)]
        for length in range(self.shortest, self.longest + 1):
            for at in range(len(tokens) - length + 1):
                gram = tokens[at : at + length]
                if (column := find(" ".join(word for word, _ in gram))) is not None:
                    yield column, tuple(number for _, number in gram)


def _counted(rows: Sequence[int], columns: Sequence[int], shape: tuple[int, int]) -> Any:
    """Count pairs of a row and a column: sparse, each row's columns in order."""
    from scipy.sparse import csr_matrix

    cells = np.sort(np.array(rows, np.intp) * shape[1] + np.array(columns, np.intp))
    begin = np.flatnonzero(np.diff(cells, prepend=-1))
    row, column = np.divmod(cells[begin], max(shape[1], 1))
    ends = np.cumsum(np.bincount(row, minlength=shape[0]))
    return csr_matrix(
        (np.diff(begin, append=len(cells)), column, np.concatenate([[0], ends])), shape=shape
    )


def count_together(blocks: Sequence[Ngrams], texts: Sequence[str]) -> Any:
    """Return how often every n-gram occurs in each text, sparse, shape (n_texts, n_features)."""
    from scipy.sparse import hstack

    known: dict[str, int] = {}
    cut = [[known.setdefault(chunk, len(known)) for chunk in text.lower().split()]
           for text in texts]  # fmt: skip
    return hstack([block.count(list(known), cut) for block in blocks], format="csr")


def count(blocks: Sequence[Ngrams], texts: Sequence[str]) -> Any:
    """Return what `count_together` does, for any number of texts."""
    from scipy.sparse import vstack

    starts = range(0, max(len(texts), 1), _BATCH)
    return vstack([count_together(blocks, texts[at : at + _BATCH]) for at in starts], "csr")


def weigh(blocks: Sequence[Ngrams], counts: Any) -> Any:
    """Return the TF-IDF of counts, or of sums of their rows: sparse, float32, of the same shape.

    ``1 + ln(tf)`` times ``idf``, each block of a row scaled to length 1 (Salton and Buckley, 1988,
    in scikit-learn's form).
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


def pool(counts: Any, rows: NDArray[np.intp], size: int) -> Any:
    """Add up the rows of a sparse matrix that belong to the same of `size` articles."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(rows), dtype=counts.dtype)
    return csr_matrix((ones, (rows, np.arange(len(rows)))), shape=(size, len(rows))) @ counts


@dataclass(frozen=True, eq=False)
class BothForms:
    """Sentences in both forms: the neutral form of each, then the typed forms that differ."""

    readings: list[Reading]
    texts: list[str]  # from which n-grams are cut
    rows: dict[TextForm, NDArray[np.intp]]  # which text is each sentence in that form

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
