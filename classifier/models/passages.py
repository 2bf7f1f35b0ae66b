"""Sentences packed into passages: how the transformer reads an article, in training and serving.

Neighbouring sentences of one article are encoded together, so that each sees the others; each
sentence is then pooled from its own tokens.

And what else goes into the exported graph and comes out of it: word embeddings, and the heads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.models.placeholders import Reader, Reading
from framescope.classifier.models.stored import read_json
from framescope.classifier.records import Sentence, fold
from numpy.typing import NDArray
from tokenizers import Tokenizer

LANE = 16
"""Numbers of 32 bits that the widest instructions take at once.

Of passages padded to a multiple of it, the runtime works nothing off one by one at a row's end, by
other instructions with another rounding: it is faster, and what a passage gives is the same to the
bit, whatever else is in its batch and however far that is padded.
"""

# Half of a pair, which the tokenizer refuses; its stand-in is of the same length.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Tokens:
    """A sentence's tokens, without special ones."""

    ids: list[int]
    # characters of each token, as offsets into the sentence; those of a placeholder's tokens are
    # the whole name
    offsets: list[tuple[int, int]]


@dataclass(frozen=True)
class Passage:
    """Consecutive sentences of one article that are encoded together."""

    rows: tuple[int, ...]  # which of the sequence's sentences it holds, in order
    length: int  # number of tokens, special ones included


@dataclass(frozen=True)
class Batch:
    """Padded arrays for the encoder."""

    # ids and mask: shape (n_passages, n_tokens): token ids and attention mask
    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    # shape (n_sentences, 4): where each sentence lies: passage, row of the sequence, first token,
    # end token. A sentence without tokens (a lone control character, say) has first == end.
    places: NDArray[np.int64]


class Packer:
    """Tokenises sentences and packs them.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
    max_tokens : int
        Most tokens of a passage, special ones included; a longer sentence is cut there.
    context : bool
        Pack neighbours together; else every sentence is a passage of its own.
    reader : Reader, optional
        What gives it its text; by default it reads sentences as they are.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        max_tokens: int = 256,
        context: bool = True,
        reader: Reader | None = None,
    ) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # Whatever the model family calls them ([CLS] and [SEP], <s> and </s>).
        self._first, self._last = tokenizer.encode("").ids
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.context = context
        self.reader = reader or Reader()

    def tokenize_both(
        self, sentences: Sequence[Sentence]
    ) -> tuple[list[Tokens], list[Tokens], list[int]]:
        """Tokens of each sentence in both of its forms, cut to what a passage can hold.

        Returns
        -------
        neutral, typed : list of Tokens
            Of every sentence; the same, where the forms are alike.
        differing : list of int
            The sentences whose forms differ.
        """
        readings = [self.reader.read(sentence) for sentence in sentences]
        differing = [row for row, reading in enumerate(readings) if reading.differ]
        neutral = self._tokens([reading.neutral for reading in readings])
        typed = list(neutral)
        read = self._tokens([readings[row].typed for row in differing])
        for row, found in zip(differing, read, strict=True):
            typed[row] = found
        return neutral, typed, differing

    def _tokens(self, readings: Sequence[Reading]) -> list[Tokens]:
        room = self.max_tokens - 2
        texts = [_SURROGATE.sub("\ufffd", fold(reading.text)) for reading in readings]
        encodings = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        return [
            Tokens(
                e.ids[:room],
                [reading.original(*place) for place in e.offsets[:room]]
                if reading.names
                else e.offsets[:room],
            )
            for e, reading in zip(encodings, readings, strict=True)
        ]

    def pack(self, sentences: Sequence[Sentence], tokens: Sequence[Tokens]) -> list[Passage]:
        """Fill passages greedily with consecutive sentences of one article.

        Each sentence is closed by the separator: without these marks the encoder blends neighbours
        into one another.
        """
        passages: list[Passage] = []
        rows: list[int] = []
        length = 1
        for row, sentence in enumerate(sentences):
            size = len(tokens[row].ids) + 1
            if rows and not (
                self._follows(sentences[rows[-1]], sentence) and length + size <= self.max_tokens
            ):
                passages.append(Passage(tuple(rows), length))
                rows, length = [], 1
            rows.append(row)
            length += size
        if rows:
            passages.append(Passage(tuple(rows), length))
        return passages

    def batch(self, passages: Sequence[Passage], tokens: Sequence[Tokens]) -> Batch:
        """Pad passages to the longest of them, and that to a multiple of `LANE`."""
        shape = len(passages), padded(max(p.length for p in passages))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        places = []
        for b, passage in enumerate(passages):
            line = [self._first]
            for row in passage.rows:
                places.append((b, row, len(line), len(line) + len(tokens[row].ids)))
                line += tokens[row].ids
                line.append(self._last)
            ids[b, : len(line)] = line
            mask[b, : len(line)] = 1
        return Batch(ids, mask, np.array(places, np.int64))

    def _follows(self, last: Sentence, sentence: Sentence) -> bool:
        return (
            self.context
            and last.article_id == sentence.article_id
            and last.index + 1 == sentence.index
        )


def with_rows(passages: Sequence[Passage], rows: Iterable[int]) -> list[Passage]:
    """Keep the passages that hold any of some rows."""
    wanted = set(rows)
    return [passage for passage in passages if not wanted.isdisjoint(passage.rows)]


def padded(length: int) -> int:
    """Give the length to which a passage is padded at least: the next multiple of `LANE`."""
    return -(-length // LANE) * LANE


def by_length(passages: Iterable[Passage], budget: int) -> Iterator[list[Passage]]:
    """Batches of similar length, shortest first, of at most ``budget`` tokens when padded."""
    batch: list[Passage] = []
    for passage in sorted(passages, key=lambda p: p.length):
        if batch and padded(passage.length) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(passage)
    if batch:
        yield batch


EMBEDDINGS = "embeddings.npz"


@dataclass(frozen=True)
class Embeddings:
    """Word embeddings as int8, a scale a word."""

    table: NDArray[np.int8]  # shape (n_words, hidden)
    scale: NDArray[np.float32]  # shape (n_words,)

    @classmethod
    def quantise(cls, weights: NDArray[np.float32]) -> Embeddings:
        """Round each word's embedding to 255 symmetric steps of its own."""
        scale = (np.abs(weights).max(axis=1) / 127.0).astype(np.float32)
        scale[scale == 0] = 1.0
        return cls(np.rint(weights / scale[:, None]).astype(np.int8), scale)

    def look_up(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Embeddings of token ids, of the ids' shape with one more axis."""
        found: NDArray[np.float32] = self.table[ids] * self.scale[ids][..., None]
        return found


HEADS = "heads.json"


@dataclass(frozen=True)
class Heads:
    """What the exported graph's outputs mean."""

    signals: tuple[str, ...]  # columns of the votes
    tags: tuple[str, ...]  # columns of the tags: the span signals
    gain: tuple[float, ...]  # what a sentence's strongest tag adds to its logit, a factor a tag
    # the logit from which a token counts as lying in a span, a tag
    tag_thresholds: tuple[float, ...]
    max_tokens: int
    context: bool  # how sentences are packed, see `Packer`
    # whether it was trained with placeholders in the place of outlets' names
    placeholders: bool = False
    # how votes, citations and what is known of sources are put together (`fusion.Fusion`), as its
    # record; None where the graph gives no citations
    fusion: Mapping[str, Any] | None = None
    # how an article is told from its sentences (`articles.ArticleStage`), as its record; None: by
    # the mean of what each says of it
    articles: Mapping[str, Any] | None = None
    tag_gap: int = 0  # tokens outside, between two stretches of a tag, that one span takes in
    # what its strongest token's logit and its sentence's log-odds weigh in a span's, and an
    # intercept; empty: that of the strongest token
    span_scores: tuple[float, ...] = ()

    def save(self, folder: Path) -> None:
        """Write ``heads.json``."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / HEADS).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """Read ``heads.json``."""
        record: dict[str, Any] = read_json(folder / HEADS)
        return cls(**{name: _frozen(value) for name, value in record.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
