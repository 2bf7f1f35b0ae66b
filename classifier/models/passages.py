"""Sentences packed into passages: how the transformer reads an article, in training and scoring.

Neighbouring sentences of an article are encoded together, so that each sees the others; each is
then pooled from its own tokens. And the files beside the exported graph: word embeddings and heads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.models.base import Reader, Reading, read_json
from framescope.classifier.records import Sentence, fold
from numpy.typing import NDArray
from tokenizers import Tokenizer

EMBEDDINGS = "embeddings.npz"
HEADS = "heads.json"

# Passages are padded to a multiple of this: the 32-bit numbers of the widest instructions. Without
# remainders, which are rounded otherwise, a passage gives the same bits in any batch.
LANE = 16
_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a pair, which the tokenizer refuses


@dataclass(frozen=True)
class Tokens:
    """A sentence's tokens, without special ones."""

    ids: list[int]
    offsets: list[tuple[int, int]]  # in the sentence; of a placeholder's tokens the whole name


@dataclass(frozen=True)
class Passage:
    """Consecutive sentences of an article that are encoded together."""

    rows: tuple[int, ...]  # of the sequence of sentences
    length: int  # tokens, with special ones


@dataclass(frozen=True)
class Batch:
    """Padded arrays for the encoder."""

    ids: NDArray[np.int64]  # shape (n_passages, n_tokens)
    mask: NDArray[np.int64]
    # shape (n_sentences, 4): passage, row of the sequence, first token and end token, which are the
    # same for a sentence without tokens (a single control character, say)
    places: NDArray[np.int64]


@dataclass(eq=False)
class Packer:
    """Tokenises sentences and packs them into passages of at most `max_tokens`."""

    tokenizer: Tokenizer
    max_tokens: int = 256
    context: bool = True  # False: every sentence is a passage
    reader: Reader = field(default_factory=Reader)

    def __post_init__(self) -> None:
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        # Whatever the model family calls them ([CLS] and [SEP], <s> and </s>).
        self._first, self._last = self.tokenizer.encode("").ids

    def tokenize_both(
        self, sentences: Sequence[Sentence]
    ) -> tuple[list[Tokens], list[Tokens], list[int]]:
        """Return the tokens of the neutral and the typed forms, and the rows whose forms differ."""
        readings = [self.reader.read(sentence) for sentence in sentences]
        differing = [row for row, one in enumerate(readings) if one.typed is not one.neutral]
        neutral = self._tokens([reading.neutral for reading in readings])
        read = self._tokens([readings[row].typed for row in differing])
        typed = dict(zip(differing, read, strict=True))
        return neutral, [typed.get(row, one) for row, one in enumerate(neutral)], differing

    def _tokens(self, readings: Sequence[Reading]) -> list[Tokens]:
        room = self.max_tokens - 2
        texts = [_SURROGATE.sub("\ufffd", fold(reading.text)) for reading in readings]
        encodings = self.tokenizer.encode_batch(texts, add_special_tokens=False)
        tokens = []
        for text, found, reading in zip(texts, encodings, readings, strict=True):
            places = (_without_space(text, *place) for place in found.offsets[:room])
            tokens.append(Tokens(found.ids[:room], [reading.original(*one) for one in places]))
        return tokens

    def pack(self, sentences: Sequence[Sentence], tokens: Sequence[Tokens]) -> list[Passage]:
        """Fill passages greedily with consecutive sentences of one article."""
        passages: list[Passage] = []
        rows: list[int] = []
        length = 1
        for row, sentence in enumerate(sentences):
            size, last = len(tokens[row].ids) + 1, sentences[rows[-1] if rows else row]
            follows = last.article_id == sentence.article_id and last.index + 1 == sentence.index
            fits = self.context and follows and length + size <= self.max_tokens
            if rows and not fits:
                passages.append(Passage(tuple(rows), length))
                rows, length = [], 1
            rows.append(row)
            length += size
        return [*passages, Passage(tuple(rows), length)] if rows else passages

    def batch(self, passages: Sequence[Passage], tokens: Sequence[Tokens]) -> Batch:
        """Pad passages to the longest of them, and that to a multiple of `LANE`."""
        shape = len(passages), _padded(max(p.length for p in passages))
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        places = []
        for b, passage in enumerate(passages):
            line = [self._first]
            for row in passage.rows:
                places.append((b, row, len(line), len(line) + len(tokens[row].ids)))
                line += (*tokens[row].ids, self._last)  # or the encoder blends neighbours
            ids[b, : len(line)] = line
            mask[b, : len(line)] = 1
        return Batch(ids, mask, np.array(places, np.int64))


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave out the white space that a token begins with, as those of SentencePiece do."""
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _padded(length: int) -> int:
    return -(-length // LANE) * LANE


def by_length(passages: Iterable[Passage], budget: int) -> Iterator[list[Passage]]:
    """Yield batches of similar length, shortest first, of at most `budget` padded tokens."""
    batch: list[Passage] = []
    for passage in sorted(passages, key=lambda p: p.length):
        if batch and _padded(passage.length) * (len(batch) + 1) > budget:
            yield batch
            batch = []
        batch.append(passage)
    if batch:
        yield batch


@dataclass(frozen=True)
class Embeddings:
    """Word embeddings as int8, with a scale per word."""

    table: NDArray[np.int8]  # shape (n_words, hidden)
    scale: NDArray[np.float32]  # shape (n_words,)

    @classmethod
    def quantise(cls, weights: NDArray[np.float32]) -> Embeddings:
        """Round each word's embedding to 255 symmetric steps of its own."""
        scale = (np.abs(weights).max(axis=1) / 127.0).astype(np.float32)
        scale[scale == 0] = 1.0
        return cls(np.rint(weights / scale[:, None]).astype(np.int8), scale)

    def look_up(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the embeddings of token ids, on one more axis."""
        found: NDArray[np.float32] = self.table[ids] * self.scale[ids][..., None]
        return found


@dataclass(frozen=True)
class Heads:
    """What the exported graph's outputs mean."""

    signals: tuple[str, ...]  # columns of the votes
    tags: tuple[str, ...]  # columns of the tags: the signals with spans
    gain: tuple[float, ...]  # per tag: how much a sentence's strongest one adds to its logit
    tag_thresholds: tuple[float, ...]  # per tag: the logit from which a token lies in a span
    max_tokens: int
    context: bool
    placeholders: bool = False  # whether it was trained with them
    fusion: Mapping[str, Any] | None = None  # a `CitationScorer`, if the graph finds citations
    articles: Mapping[str, Any] | None = None  # an `ArticleStage`; else sentences are averaged
    tag_gap: int = 0  # tokens that don't divide a span
    span_scores: tuple[float, ...] = ()  # weights of `log_odds_of_span`

    def save(self, folder: Path) -> None:
        """Write `HEADS` into a folder."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / HEADS).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """Read `HEADS`."""
        record: dict[str, Any] = read_json(folder / HEADS)
        return cls(**{name: _frozen(value) for name, value in record.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
