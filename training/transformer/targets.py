"""What a training reads and learns: the order of rows, labels and a teacher's outputs as tensors.

With labels and distillation targets goes the loss against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from framescope.classifier.errors import TrainingError
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
from framescope.training.transformer.citations import KIND_WEIGHT, ROLE_WEIGHT
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
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
        """Return the loss of a batch; the gain, of shape (n_tags,), is the network's."""
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
            known = torch.cat([self.marked[r].expand(end - at, -1) for _, r, at, end in places])
            if known.any():
                mean = bce(given[known], wanted[known])
                loss = loss + self.tag_weight * mean * len(places) / len(rows)
        return loss


def pool(
    votes: Tensor, tags: Tensor, gain: Tensor, places: NDArray[np.int64], columns: Sequence[int]
) -> Tensor:
    """Return the logits of sentences, (n_sentences, n_signals), as `TransformerModel` does."""
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
class TargetShard:
    """A teacher's outputs for some articles, as a file keeps them.

    Row r's tokens are those from `first[r]` to `first[r + 1]`, of what has shape (n_tokens, ...).
    """

    logits: NDArray[np.float16]
    first: NDArray[np.int64]
    ids: NDArray[np.int32]
    tags: NDArray[np.float16]
    roles: NDArray[np.float16]
    kinds: NDArray[np.float16]

    @classmethod
    def read(cls, path: Path, identity: str) -> TargetShard | None:
        """Read a file; None when it isn't there, or is of others."""
        if not path.is_file():
            return None
        names = ("logits", "first", "ids", "tags", "roles", "kinds")
        try:
            with safe_open(path, "np") as file:
                if (file.metadata() or {}).get("identity") != identity or not set(
                    file.keys()
                ).issuperset(names):
                    return None
                return cls(*(file.get_tensor(name) for name in names))
        except (SafetensorError, OSError) as error:
            raise TrainingError(f"{path}: damaged ({error}); delete it to have it again") from None


@dataclass(frozen=True)
class DistillationTargets:
    """Rows without labels and a teacher's outputs for them."""

    rows: Examples
    shards: Sequence[TargetShard]
    identity: str


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
        shards = self.targets.shards
        self.places = [(shard, row) for shard in shards for row in range(len(shard.logits))]
        self.logits = torch.from_numpy(np.concatenate([shard.logits for shard in shards]))
        self.alike = [
            np.array_equal(own.ids, self._of(at, "ids"))
            for at, own in enumerate(self.tokens[self.start :])
        ]

    def _of(self, at: int, name: str) -> NDArray[Any]:
        shard, row = self.places[at]
        found: NDArray[Any] = getattr(shard, name)[shard.first[row] : shard.first[row + 1]]
        return found

    def loss(self, outputs: Sequence[Tensor], gain: Tensor, batch: Batch) -> Tensor | None:
        """Return the loss of a batch; None where it has no row with targets."""
        chosen = batch.places[:, 1] >= self.start
        if not chosen.any():
            return None
        places = batch.places[chosen]
        rows = places[:, 1] - self.start
        votes, tags, *cited = outputs
        logits = pool(votes, tags, gain, places, self.columns)
        wanted = torch.sigmoid(self.logits[rows].float())
        loss = (bce(logits, wanted, reduction="none") * self.weights).sum() / len(rows)
        alike = [
            (b, row - self.start, first, end)
            for b, row, first, end in places.tolist()
            if self.alike[row - self.start] and end > first
        ]
        if alike:
            loss = loss + self._of_tokens(tags, cited, alike)
        return self.settings.taught_weight * loss * (len(rows) / len(batch.places))

    def _of_tokens(
        self, tags: Tensor, cited: Sequence[Tensor], places: Sequence[tuple[int, int, int, int]]
    ) -> Tensor:
        def ours(values: Tensor) -> Tensor:
            return torch.cat([values[b, start:end] for b, _, start, end in places])

        def theirs(name: str) -> Tensor:
            found = np.concatenate([self._of(at, name) for _, at, _, _ in places])
            return torch.from_numpy(found.astype(np.float32))

        loss = self.settings.tag_weight * bce(ours(tags), torch.sigmoid(theirs("tags")))
        roles = theirs("roles")
        if cited and roles.shape[1]:
            shape = len(roles), len(ROLES), len(TAGS)
            given, wanted = ours(cited[0]).reshape(shape), roles.reshape(shape)
            of_roles = cross_entropy(given.flatten(0, 1), softmax(wanted, -1).flatten(0, 1))
            of_kinds = _of_kinds(ours(cited[2]), theirs("kinds"), wanted)
            of_both = ROLE_WEIGHT * of_roles + KIND_WEIGHT * of_kinds
            loss = loss + self.settings.citation_weight * of_both
        return loss


def _of_kinds(given: Tensor, theirs: Tensor, roles: Tensor) -> Tensor:
    """Return the loss of kinds; a token counts as surely as the teacher takes it for a source."""
    exclusive, outside = len(SourceKind), TAGS.index("outside")
    loss = given.new_zeros(())
    for at, role in enumerate(SPEAKING):
        sure = 1 - softmax(roles[:, ROLES.index(role)], -1)[:, outside]
        columns = slice(at * len(KINDS), (at + 1) * len(KINDS))
        own, wanted = given[:, columns], theirs[:, columns]
        names = softmax(wanted[:, :exclusive], -1)
        each = cross_entropy(own[:, :exclusive], names, reduction="none")
        on_top = bce(own[:, exclusive:], torch.sigmoid(wanted[:, exclusive:]), reduction="none")
        loss = loss + (sure * (each + on_top.mean(-1))).sum() / sure.sum().clamp(min=1.0)
    return loss
