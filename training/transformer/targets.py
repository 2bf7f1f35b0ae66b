"""What a training reads and learns: the order of rows, labels and a teacher's outputs as tensors.

With labels and distillation targets goes the loss against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from framescope.classifier.models import (
    KINDS,
    ROLES,
    SPEAKING,
    TAGS,
    Batch,
    Packer,
    Passage,
    Tokens,
    by_length,
)
from framescope.classifier.records import Sentence, SourceKind, Span
from framescope.classifier.taxonomy import TECHNIQUES
from framescope.training.data import Examples
from framescope.training.recipes import TransformerSettings
from framescope.training.transformer.citations import KIND_WEIGHT, ROLE_WEIGHT, on_device
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy, softmax

# Batches are cut from passages sorted by length within this many batches: little padding, and
# still other neighbours in every epoch.
_WINDOW = 32


@dataclass(frozen=True)
class Schedule:
    """The batches of every epoch, a pure function of the seed; `budget` counts padding too."""

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
            kept = rows[np.isin(self.examples.article[rows], again)].tolist()
            # Passages of varying size, so that a sentence stands at another place in each epoch
            # and the network meets short contexts as well as long ones.
            size = int(rng.integers(self.packer.max_tokens // 2, self.packer.max_tokens + 1))
            packer = Packer(self.packer.tokenizer, size, self.packer.context)
            sentences = [self.examples.sentences[row] for row in kept]
            packed = packer.pack(sentences, [self.tokens[row] for row in kept])
            chosen += [Passage(tuple(kept[i] for i in p.rows), p.length) for p in packed]
        return chosen


class Targets:
    """The labels of training rows as tensors, and the loss against them.

    The binary cross-entropy of annotated cells, weighted by signal and averaged over sentences, and
    of tokens, for the spans that a row's corpus marks. A label between 0 and 1, on which annotators
    differ, is the target as it is, also of the tokens of a span.
    """

    def __init__(
        self,
        train: Examples,
        tokens: Sequence[Tokens],
        tags: Sequence[str],
        weights: Mapping[str, float],
        tag_weight: float,
    ) -> None:
        self.labels = train.labels
        self.weights = torch.tensor([weights.get(signal, 1.0) for signal in train.signals])
        self.tag_columns = [train.signals.index(tag) for tag in tags]
        self.tag_weight = tag_weight
        self.marked = known = marked(train, tags)
        labels = np.nan_to_num(train.labels[:, self.tag_columns], nan=1.0)
        labels = np.where(known, labels, 1.0)
        rows = zip(train.sentences, tokens, train.spans, labels, known, strict=True)
        #: By row the label of each token in a span, of rows whose corpus marks some.
        self.tags = {
            row: (in_spans(sentence, of, spans, tags) * label).astype(np.float32)
            for row, (sentence, of, spans, label, marks) in enumerate(rows)
            if marks.any()
        }

    def loss(self, votes: Tensor, tags: Tensor, gain: Tensor, batch: Batch) -> Tensor:
        """Return the loss of a batch; the gain, of shape (n_tags,), is the network's."""
        rows = batch.places[:, 1]
        logits = pool(votes, tags, gain, batch.places, self.tag_columns)
        labels = on_device(votes, self.labels[rows])
        cells = bce(logits, torch.nan_to_num(labels), reduction="none") * ~torch.isnan(labels)
        loss = (cells * self.weights.to(votes.device)).sum() / len(rows)
        places = batch.places[[row in self.tags for row in rows.tolist()]]
        if len(places):
            known = np.repeat(self.marked[places[:, 1]], places[:, 3] - places[:, 2], axis=0)
            wanted = np.concatenate([self.tags[row] for row in places[:, 1].tolist()])[known]
            if len(wanted):
                given = at(tags, tokens_of(places, tags)[0]).flatten()
                given = given.index_select(0, on_device(tags, np.flatnonzero(known)))
                mean = bce(given, on_device(tags, wanted))
                loss = loss + self.tag_weight * mean * len(places) / len(rows)
        return loss


def tokens_of(places: NDArray[np.int64], values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tokens of some sentences, numbered over all passages, and the sentence of each."""
    sizes = places[:, 3] - places[:, 2]
    sentence = np.repeat(np.arange(len(places)), sizes)
    first = places[:, 0] * values.shape[1] + places[:, 2] - np.cumsum(sizes) + sizes
    tokens = np.arange(len(sentence)) + first[sentence]
    return on_device(values, tokens), on_device(values, sentence)


def at(values: Tensor, tokens: Tensor) -> Tensor:
    """Return values, (n_passages, n_tokens, k), of the tokens of these numbers."""
    return values.flatten(0, 1).index_select(0, tokens)


def pool(
    votes: Tensor, tags: Tensor, gain: Tensor, places: NDArray[np.int64], columns: Sequence[int]
) -> Tensor:
    """Return the logits of sentences, (n_sentences, n_signals), as `TransformerModel` does."""
    tokens, sentence = tokens_of(places, votes)
    sizes = on_device(votes, np.maximum(places[:, 3] - places[:, 2], 1))
    sums = votes.new_zeros(len(places), votes.shape[-1])
    logits = sums.index_add(0, sentence, at(votes, tokens)) / sizes[:, None]
    if columns:
        of_tokens = at(tags, tokens)
        strongest = tags.new_zeros(len(places), tags.shape[-1]).scatter_reduce(
            0, sentence[:, None].expand_as(of_tokens), of_tokens, "amax", include_self=False
        )
        logits = logits.index_add(1, on_device(votes, list(columns)), strongest * gain)
    return logits


def marked(examples: Examples, tags: Sequence[str]) -> NDArray[np.bool_]:
    """Return of which signals each row's spans are known, shape (n, n_tags).

    Those labelled 0, and those labelled 1 of which the row has a span: a corpus may say that a
    sentence has a technique without saying where. A label below a half that isn't 0 is neither:
    somebody marked a span there that isn't kept.
    """
    found = np.zeros((len(examples), len(tags)), np.bool_)
    for column, tag in enumerate(tags):
        labels = examples.column(tag)
        has_span = [any(tag in _tags_of(span) for span in spans) for spans in examples.spans]
        found[:, column] = (labels == 0) | ((labels >= 0.5) & np.array(has_span, np.bool_))
    return found


def _tags_of(span: Span) -> tuple[str, ...]:
    """Return a span's signal, and of a technique ``any_technique`` as well."""
    return (span.signal, *(("any_technique",) if span.signal in TECHNIQUES else ()))


def in_spans(
    sentence: Sentence, tokens: Tokens, spans: Sequence[Span], tags: Sequence[str]
) -> NDArray[np.bool_]:
    """Return which tokens lie in a span of which signal, shape (n_tokens, n_tags)."""
    marks = np.zeros((len(tokens.ids), len(tags)), np.bool_)
    for span in spans:
        columns = [i for i, tag in enumerate(tags) if tag in _tags_of(span)]
        for position, (start, end) in enumerate(tokens.offsets):
            if sentence.start + start < span.end and span.start < sentence.start + end:
                marks[position, columns] = True
    return marks


@dataclass(frozen=True)
class DistillationTargets:
    """Rows without labels and a teacher's outputs: ``logits`` of rows, and of their tokens others.

    Row r's tokens are those from ``first`` [r] to [r + 1]. What is `ignored` isn't learned, since
    labels say more or the teacher knows nothing: of each row signals, and last its citations.
    """

    rows: Examples
    outputs: Mapping[str, NDArray[Any]]
    identity: str
    ignored: NDArray[np.bool_] | None = None  # shape (n_rows, n_signals + 1)


@dataclass(eq=False)
class DistillationLoss:
    """The loss of a student against distillation targets, whose rows begin at `start`.

    Tokens count only in sentences that the student reads as its teacher did.
    """

    targets: DistillationTargets
    start: int
    tokens: Sequence[Tokens]
    columns: Sequence[int]
    weights: Tensor
    settings: TransformerSettings

    def __post_init__(self) -> None:
        logits, first, ids = (self.targets.outputs[name] for name in ("logits", "first", "ids"))
        self.learned = np.ones((len(logits), logits.shape[1] + 1), np.float32)
        if self.targets.ignored is not None:
            self.learned[self.targets.ignored] = 0
        pairs = zip(self.tokens[self.start :], pairwise(first), strict=True)
        self.alike = np.array(
            [len(own.ids) > 0 and np.array_equal(own.ids, ids[a:b]) for own, (a, b) in pairs]
        )

    def loss(self, outputs: Sequence[Tensor], gain: Tensor, batch: Batch) -> Tensor | None:
        """Return the loss of a batch; None where it has no row with targets."""
        chosen = batch.places[:, 1] >= self.start
        if not chosen.any():
            return None
        places = batch.places[chosen] - (0, self.start, 0, 0)
        rows = places[:, 1]
        votes, tags, *cited = outputs
        logits = pool(votes, tags, gain, places, self.columns)
        wanted = torch.sigmoid(on_device(votes, self.targets.outputs["logits"][rows]).float())
        learned = on_device(votes, self.learned[rows, :-1])
        cells = bce(logits, wanted, reduction="none") * learned
        loss = (cells * self.weights.to(votes.device)).sum() / len(rows)
        alike = places[self.alike[rows]]
        if len(alike):
            loss = loss + self._of_tokens(tags, cited, alike)
        return self.settings.taught_weight * loss * (len(rows) / len(batch.places))

    def _of_tokens(
        self, tags: Tensor, cited: Sequence[Tensor], places: NDArray[np.int64]
    ) -> Tensor:
        outputs = self.targets.outputs

        def theirs(name: str, rows: NDArray[np.int64]) -> Tensor:
            tokens = [np.arange(*outputs["first"][row : row + 2]) for row in rows]
            return on_device(tags, outputs[name][np.concatenate(tokens)]).float()

        rows = places[:, 1]
        every, sentence = tokens_of(places, tags)
        learned = on_device(tags, self.learned[rows][:, self.columns])[sentence]
        mean = bce(at(tags, every), torch.sigmoid(theirs("tags", rows)), weight=learned)
        loss = self.settings.tag_weight * mean
        places = places[self.learned[rows, -1] > 0]
        if len(places) and cited and outputs["roles"].shape[1]:
            rows = places[:, 1]
            tokens, _ = tokens_of(places, tags)
            roles = theirs("roles", rows).reshape(len(tokens), len(ROLES), len(TAGS))
            wanted = softmax(roles, -1).flatten(0, 1)
            of_roles = cross_entropy(at(cited[0], tokens).reshape(wanted.shape), wanted)
            of_kinds = _of_kinds(at(cited[2], tokens), theirs("kinds", rows), roles)
            of_both = ROLE_WEIGHT * of_roles + KIND_WEIGHT * of_kinds
            loss = loss + self.settings.citation_weight * of_both * (len(tokens) / len(every))
        return loss


def _of_kinds(given: Tensor, theirs: Tensor, roles: Tensor) -> Tensor:
    """Return the loss of kinds; a token counts as surely as the teacher takes it for a source."""
    exclusive, outside = len(SourceKind), TAGS.index("outside")
    loss = given.new_zeros(())
    for number, role in enumerate(SPEAKING):
        sure = 1 - softmax(roles[:, ROLES.index(role)], -1)[:, outside]
        columns = slice(number * len(KINDS), (number + 1) * len(KINDS))
        own, wanted = given[:, columns], theirs[:, columns]
        names = softmax(wanted[:, :exclusive], -1)
        each = cross_entropy(own[:, :exclusive], names, reduction="none")
        on_top = bce(own[:, exclusive:], torch.sigmoid(wanted[:, exclusive:]), reduction="none")
        loss = loss + (sure * (each + on_top.mean(-1))).sum() / sure.sum().clamp(min=1.0)
    return loss
