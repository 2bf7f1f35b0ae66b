"""What the encoder says of sentences; and of passages it has read before, which it reads once.

Copies of a text are common in news: agencies' articles stand on hundreds of pages.

No result changes by it: what a passage gives does not depend on its company (`passages.LANE`), and
one is only taken for another where both the tokens and the characters are the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from framescope.classifier.models.citations import Said, Words
from framescope.classifier.models.passages import Passage, Tokens
from framescope.classifier.records import Sentence
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Key = tuple[tuple[str, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What the encoder says of one passage, a value a sentence.

    `row` is that of its first sentence when it was encoded, by which `said` counts.
    """

    row: int
    votes: list[Floats]  # each of shape (n_tokens, n_signals)
    tags: list[Floats]  # each of shape (n_tokens, n_tags)
    logits: Floats  # shape (n_sentences, n_signals)
    said: list[list[Said]]
    vectors: Floats | None  # shape (n_sentences, hidden)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        arrays = [*self.votes, *self.tags, self.logits]
        return sum(array.nbytes for array in arrays) + (
            0 if self.vectors is None else self.vectors.nbytes
        )

    def said_at(self, row: int) -> list[list[Said]]:
        """Give its citations as those of a copy that begins at another row."""
        by = row - self.row
        return self.said if not by else [[_moved(one, by) for one in found] for found in self.said]


@dataclass(frozen=True)
class Outputs:
    """What the encoder says of sentences in one of their forms."""

    tokens: list[Tokens]
    # votes and tags: shapes (n_tokens, n_signals or n_tags): of each sentence's tokens
    votes: list[NDArray[np.float32]]
    tags: list[NDArray[np.float32]]
    logits: NDArray[np.float32]  # shape (n_sentences, n_signals): pooled from them
    said: list[list[Said]]  # who says what in each sentence
    # shape (n_sentences, hidden): the mean of its passage; None of a graph that doesn't give it
    vectors: NDArray[np.float32] | None = None

    def of(self, passage: Passage) -> Encoded:
        """Give what is said of one passage, apart from the arrays of the others."""
        rows = list(passage.rows)
        return Encoded(
            rows[0],
            [self.votes[row].copy() for row in rows],
            [self.tags[row].copy() for row in rows],
            self.logits[rows],
            [self.said[row] for row in rows],
            None if self.vectors is None else self.vectors[rows],
        )

    def put(self, passage: Passage, known: Encoded) -> None:
        """Take what is said of a passage from a copy of it."""
        rows = list(passage.rows)
        for at, (row, said) in enumerate(zip(rows, known.said_at(rows[0]), strict=True)):
            self.votes[row], self.tags[row], self.said[row] = known.votes[at], known.tags[at], said
        self.logits[rows] = known.logits
        if self.vectors is not None and known.vectors is not None:
            self.vectors[rows] = known.vectors

    def replaced(self, rows: Iterable[int], other: Outputs) -> Outputs:
        """Take the tokens of some sentences, and what was said of them, from elsewhere."""
        tokens, votes, tags = list(self.tokens), list(self.votes), list(self.tags)
        said = list(self.said)
        for row in rows:
            tokens[row], votes[row], tags[row], said[row] = (
                other.tokens[row],
                other.votes[row],
                other.tags[row],
                other.said[row],
            )
        return Outputs(tokens, votes, tags, self.logits, said, self.vectors)


class PassageCache:
    """Remembers what was encoded.

    Parameters
    ----------
    most_bytes : int
        That it may hold; those not asked for the longest go first.

    Attributes
    ----------
    asked, reused : int
        Passages that were asked for, and those of them that needed no encoding.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.asked = self.reused = 0
        self._kept: OrderedDict[Key, Encoded] = OrderedDict()
        self._bytes = 0

    def parted(
        self, passages: Iterable[Passage], tokens: Sequence[Tokens], sentences: Sequence[Sentence]
    ) -> tuple[dict[Key, Passage], list[tuple[Passage, Key]], dict[Key, Encoded]]:
        """Part passages into those to be encoded and copies: of these, or of what is known.

        Returns
        -------
        fresh : dict of Key to Passage
        copies : list of (Passage, Key)
        known : dict of Key to Encoded
            What is remembered of copies.
        """
        fresh: dict[Key, Passage] = {}
        copies: list[tuple[Passage, Key]] = []
        known: dict[Key, Encoded] = {}
        for passage in passages:
            key = _key(passage, tokens, sentences)
            if key in self._kept:
                self._kept.move_to_end(key)
                known[key] = self._kept[key]
            if key in known or key in fresh:
                copies.append((passage, key))
            else:
                fresh[key] = passage
        self.asked += len(fresh) + len(copies)
        self.reused += len(copies)
        return fresh, copies, known

    def put(self, key: Key, found: Encoded) -> None:
        """Remember a passage."""
        self._kept[key] = found
        self._bytes += found.nbytes
        while self._bytes > self.most_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= gone.nbytes


def _key(passage: Passage, tokens: Sequence[Tokens], sentences: Sequence[Sentence]) -> Key:
    """Give what two passages have in common when one may be taken for the other."""
    texts = tuple(sentences[row].text for row in passage.rows)
    ids: list[int] = []
    for row in passage.rows:
        ids += (*tokens[row].ids, -1)
    return texts, tuple(ids)


def _moved(one: Said, by: int) -> Said:
    def moved(words: Words | None) -> Words | None:
        return None if words is None else replace(words, row=words.row + by)

    return replace(
        one,
        content=tuple(replace(words, row=words.row + by) for words in one.content),
        source=moved(one.source),
        cue=moved(one.cue),
        antecedent=moved(one.antecedent),
    )
