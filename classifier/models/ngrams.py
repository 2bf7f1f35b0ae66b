"""A block of n-gram features: which n-grams, what each is worth, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from classifier.models.evidence import CHUNK

Unit = Literal["word", "char"]

# Punctuation counts as words: quotation marks, "?" and "!" say much about voice and framing.
TOKEN = r"\w+|[^\w\s]"


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
        from sklearn.feature_extraction.text import TfidfTransformer

        counter = _counter(unit, shortest, longest, min_df=least, max_features=most)
        counts = counter.fit_transform(texts)
        idf = TfidfTransformer().fit(counts).idf_.astype(np.float32)
        return cls(unit, shortest, longest, tuple(counter.get_feature_names_out()), idf)

    def __len__(self) -> int:
        return len(self.terms)

    @cached_property
    def index(self) -> dict[str, int]:
        """The column of each term."""
        return {term: column for column, term in enumerate(self.terms)}

    @cached_property
    def _vectorizer(self) -> Any:
        return _counter(self.unit, self.shortest, self.longest, vocabulary=self.index)

    @cached_property
    def _analyze(self) -> Any:
        return self._vectorizer.build_analyzer()

    def counts(self, texts: Sequence[str]) -> Any:
        """Occurrences of each term, a sparse matrix of shape (n_texts, n_terms)."""
        if self.unit == "word":
            return self._vectorizer.transform(texts)
        return self._counts_by_chunk(texts)

    def _counts_by_chunk(self, texts: Sequence[str]) -> Any:
        # Character n-grams stay within a chunk, so each distinct chunk is cut up once: the same
        # counts as from the texts themselves, three times faster on a large batch.
        from scipy.sparse import csr_matrix
        from sklearn.feature_extraction.text import CountVectorizer

        chunker = CountVectorizer(token_pattern=CHUNK, preprocessor=str.lower)
        if not any(text.strip() for text in texts):  # which scikit-learn refuses
            return csr_matrix((len(texts), len(self)), dtype=np.int64)
        chunks = chunker.fit_transform(texts)
        return chunks @ self._vectorizer.transform(chunker.get_feature_names_out())

    def weigh(self, counts: Any) -> Any:
        """TF-IDF of counts: sparse, float32, of the same shape; rows of length 1 (or all zero)."""
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        weighed = csr_matrix(counts, dtype=np.float32, copy=True)
        np.log(weighed.data, out=weighed.data)
        weighed.data += 1
        weighed.data *= self.idf[weighed.indices]
        return normalize(weighed, copy=False)

    def occurrences(self, text: str) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Every occurrence of a term in a text: its column, and the chunks it reaches into.

        Chunks are what stands between white space, counted from 0. A text's occurrences add up to
        its `counts`.
        """
        text = text.lower()
        if self.unit == "char":
            for number, chunk in enumerate(re.findall(CHUNK, text)):
                for term in self._analyze(chunk):
                    if (column := self.index.get(term)) is not None:
                        yield column, (number,)
            return
        tokens = [
            (token, number)
            for number, chunk in enumerate(re.findall(CHUNK, text))
            for token in re.findall(TOKEN, chunk)
        ]
        for length in range(self.shortest, self.longest + 1):
            for first in range(len(tokens) - length + 1):
                words, numbers = zip(*tokens[first : first + length], strict=True)
                if (column := self.index.get(" ".join(words))) is not None:
                    yield column, numbers


def _counter(unit: Unit, shortest: int, longest: int, **options: Any) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(
        analyzer="char_wb" if unit == "char" else "word",
        ngram_range=(shortest, longest),
        token_pattern=TOKEN if unit == "word" else None,
        preprocessor=str.lower,
        **options,
    )
