"""The order in which rows are read, and their labels as tensors with the loss against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from framescope.classifier.models import Batch, Packer, Passage, Tokens, by_length
from framescope.classifier.records import Sentence, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.training.data import Examples
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce

# Batches are cut from passages sorted by length within this many batches: little padding, and
# still other neighbours in every epoch.
_WINDOW = 32


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch, a pure function of the seed.

    `examples` are the training rows, with the `tokens` of each. `shares` say how much of each
    corpus an epoch holds, 1 unless named; `budget` is the tokens of a batch, padding included.
    """

    examples: Examples
    packer: Packer
    tokens: Sequence[Tokens]
    shares: Mapping[str, float]
    budget: int
    seed: int

    def epoch(self, number: int) -> list[list[Passage]]:
        """Return the batches of one epoch, in order."""
        rng = np.random.default_rng((self.seed, number))
        corpora = sorted(set(self.examples.corpus.tolist()))
        passages = [p for corpus in corpora for p in self._sample(corpus, number, rng)]
        shuffled = [passages[i] for i in rng.permutation(len(passages))]
        batches: list[list[Passage]] = []
        mean = sum(p.length for p in shuffled) / max(len(shuffled), 1)
        window = max(1, int(_WINDOW * self.budget / max(mean, 1.0)))
        for start in range(0, len(shuffled), window):
            batches += by_length(shuffled[start : start + window], self.budget)
        return [batches[i] for i in rng.permutation(len(batches))]

    def _sample(self, corpus: str, number: int, rng: np.random.Generator) -> list[Passage]:
        """Pack a share of a corpus' articles; those that one epoch leaves out, the next takes."""
        rows = np.flatnonzero(self.examples.corpus == corpus)
        articles = np.array(sorted(set(self.examples.article[rows].tolist())))
        order = np.random.default_rng(self.seed).permutation(articles)
        count = round(len(order) * self.shares.get(corpus, 1.0))
        turn = np.arange(number * count, (number + 1) * count)
        chosen: list[Passage] = []
        for start in range(0, count, len(order)):
            again = order[turn[start : start + len(order)] % len(order)]
            chosen += self._pack(rows, set(again.tolist()), rng)
        return chosen

    def _pack(
        self, rows: NDArray[np.int64], articles: set[str], rng: np.random.Generator
    ) -> list[Passage]:
        kept = [int(row) for row in rows if self.examples.article[row] in articles]
        # Passages of varying size, so that a sentence stands at another place in each epoch and
        # the network meets short contexts as well as long ones.
        size = int(rng.integers(self.packer.max_tokens // 2, self.packer.max_tokens + 1))
        packer = Packer(self.packer.tokenizer, size, self.packer.context)
        sentences = [self.examples.sentences[row] for row in kept]
        packed = packer.pack(sentences, [self.tokens[row] for row in kept])
        return [Passage(tuple(kept[i] for i in p.rows), p.length) for p in packed]


class Targets:
    """The labels of training rows as tensors, and the loss against them.

    The loss is the binary cross-entropy of the cells that are annotated, weighted by signal and
    averaged over sentences; plus, for the spans a row's corpus marks, that of its tokens. A label
    between 0 and 1, on which annotators differ, is the target as it is, also of the tokens of a
    span in such a sentence.

    `tokens` are those of each row, `tags` the span signals; `weights` are by signal, 1 unless
    named.
    """

    def __init__(
        self,
        train: Examples,
        tokens: Sequence[Tokens],
        tags: Sequence[str],
        weights: Mapping[str, float],
        tag_weight: float,
    ) -> None:
        self.labels = torch.from_numpy(train.labels)
        self.weights = torch.tensor([weights.get(signal, 1.0) for signal in train.signals])
        self.tag_columns = [train.signals.index(tag) for tag in tags]
        self.tag_weight = tag_weight
        known = marked(train, tags)
        self.marked = torch.from_numpy(known)
        labels = np.nan_to_num(train.labels[:, self.tag_columns], nan=1.0)
        labels = np.where(known, labels, 1.0)
        rows = zip(train.sentences, tokens, train.spans, labels, known, strict=True)
        #: By row the label of each token in a span; None where the row's corpus marks none.
        self.tags = [
            torch.from_numpy((in_spans(sentence, of, spans, tags) * label).astype(np.float32))
            if marks.any()
            else None
            for sentence, of, spans, label, marks in rows
        ]

    def loss(self, votes: Tensor, tags: Tensor, gain: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch.

        Votes and tags have shapes (n_passages, n_tokens, n_signals or n_tags), the gain (n_tags,).
        """
        rows = torch.from_numpy(batch.places[:, 1])
        logits = pool(votes, tags, gain, batch.places, self.tag_columns)
        labels = self.labels[rows]
        known = ~torch.isnan(labels)
        cells = bce(logits, torch.nan_to_num(labels), reduction="none")
        loss = (cells * known * self.weights).sum() / len(rows)
        places = [place for place in batch.places if self.tags[place[1]] is not None]
        if places:
            wanted = torch.cat([self.tags[row] for _, row, _, _ in places])
            given = torch.cat([tags[b, start:end] for b, _, start, end in places])
            known = torch.cat(
                [self.marked[r].expand(end - start, -1) for _, r, start, end in places]
            )
            if known.any():
                mean = bce(given[known], wanted[known])
                loss = loss + self.tag_weight * mean * len(places) / len(rows)
        return loss


def pool(
    votes: Tensor, tags: Tensor, gain: Tensor, places: NDArray[np.int64], columns: Sequence[int]
) -> Tensor:
    """Return the logits of sentences, shape (n_sentences, n_signals).

    The mean vote of a sentence's tokens plus its strongest tag, as `TransformerModel` computes them
    in numpy.
    """
    sizes = torch.from_numpy(places[:, 3] - places[:, 2])
    sentence = torch.repeat_interleave(torch.arange(len(places)), sizes)
    flat_votes = torch.cat([votes[b, start:end] for b, _, start, end in places])
    flat_tags = torch.cat([tags[b, start:end] for b, _, start, end in places])
    logits = votes.new_zeros(len(places), votes.shape[-1]).index_add(0, sentence, flat_votes)
    logits = logits / sizes.clamp(min=1)[:, None]
    if columns:
        index = sentence[:, None].expand_as(flat_tags)
        strongest = flat_tags.new_zeros(len(places), flat_tags.shape[-1]).scatter_reduce(
            0, index, flat_tags, "amax", include_self=False
        )
        logits = logits.index_add(1, torch.tensor(list(columns)), strongest * gain)
    return logits


def marked(examples: Examples, tags: Sequence[str]) -> NDArray[np.bool_]:
    """Return of which signals each row's spans are known, shape (n, n_tags).

    Those that are labelled 0, and those labelled 1 of which the row has a span: a corpus may say
    that a sentence has a technique without saying where. A label between 0 and a half is neither:
    somebody marked a span there that isn't kept.
    """
    found = np.zeros((len(examples), len(tags)), np.bool_)
    for column, tag in enumerate(tags):
        labels = examples.column(tag)
        has_span = [any(tag in _tags_of(span) for span in spans) for spans in examples.spans]
        found[:, column] = (labels == 0) | ((labels >= 0.5) & np.array(has_span, np.bool_))
    return found


def _tags_of(span: Span) -> tuple[str, ...]:
    """Return the tags of a span: one of a user's own signal is no technique."""
    return (span.signal, *(("any_technique",) if span.signal in TECHNIQUES else ()))


def in_spans(
    sentence: Sentence, tokens: Tokens, spans: Sequence[Span], tags: Sequence[str]
) -> NDArray[np.bool_]:
    """Return which tokens lie in a span of which signal, shape (n_tokens, n_tags).

    A span of any technique counts for ``any_technique`` as well.
    """
    marks = np.zeros((len(tokens.ids), len(tags)), np.bool_)
    for span in spans:
        columns = [i for i, tag in enumerate(tags) if tag in _tags_of(span)]
        for position, (start, end) in enumerate(tokens.offsets):
            if sentence.start + start < span.end and span.start < sentence.start + end:
                marks[position, columns] = True
    return marks
