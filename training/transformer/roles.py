"""Who says what, learned: the heads on top of the encoder, and the labels they are held to.

Spans are tagged; a content is linked to its source and its cue by a softmax over the tokens of its
passage, whose first stands for "none here". The outputs are laid out as `classifier.models.roles`
reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import torch
from framescope.classifier.models import (
    KIND_COLUMNS,
    KINDS,
    LINK_COLUMNS,
    LINK_SIZE,
    LINKED,
    ROLE_COLUMNS,
    ROLES,
    SPEAKING,
    TAGS,
    Batch,
    Tokens,
)
from framescope.classifier.records import SourceKind
from framescope.training.data import Examples, Mark
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cross_entropy, log_softmax

_IGNORED = -100  # what cross_entropy passes over
_OUTSIDE = TAGS.index("outside")
_NOWHERE = -1e9  # a logit of what can't be
Span = tuple[int, int]


#: Corpora that mark who says what in a wider sense than the guidelines, whose kinds of source were
#: typed by rules, and in which nobody marked what "he" goes back to: how much each of these counts.
WIDER = {"polnear": 0.5}


@dataclass(frozen=True, slots=True)
class CitationWeights:
    """What each loss counts beside that of the signals."""

    role: float = 3.0
    link: float = 0.5
    kind: float = 0.3


class CitationHeads(nn.Module):
    """Linear heads of every token, in the columns of `classifier.models.roles`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.role = nn.Linear(hidden, ROLE_COLUMNS)
        self.link = nn.Linear(hidden, LINK_COLUMNS)
        self.kind = nn.Linear(hidden, KIND_COLUMNS)
        for head in (self.role, self.link, self.kind):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)
        with torch.no_grad():
            # Most tokens lie outside.
            self.role.bias.copy_(torch.tensor([-3.0, -2.0, 0.0] * len(ROLES)))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give roles, links and kinds: (n_passages, n_tokens, columns) each."""
        return self.role(hidden), self.link(hidden), self.kind(hidden)


@dataclass(frozen=True, slots=True)
class _Link:
    """Words in a batch that look for others, and where these lie in their passage."""

    passage: int
    words: Span
    role: int
    target: Span | None
    weight: float


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a citation's source is, and where its words lie."""

    passage: int
    source: Span | None
    cue: Span | None
    kind: SourceKind
    on_top: tuple[float, float]
    weight: float


class CitationTargets:
    """The citations of training rows in terms of their tokens, and the loss against them."""

    def __init__(self, train: Examples, tokens: Sequence[Tokens], weights: CitationWeights) -> None:
        self.weights = weights
        self.citations = train.citations
        self.tokens = tokens
        self.index = [sentence.index for sentence in train.sentences]
        self.weight = [WIDER.get(corpus, 1.0) for corpus in train.corpus.tolist()]

    def loss(self, outputs: tuple[Tensor, Tensor, Tensor], batch: Batch) -> Tensor | None:
        """The loss of a batch; None where no row of it is annotated.

        The outputs are those of `CitationHeads`.
        """
        role, link, kind = outputs
        places = {row: (b, start, end) for b, row, start, end in batch.places.tolist()}
        annotated = [row for row in places if self.citations[row] is not None]
        if not annotated:
            return None
        passages = _Passages(places, self.index)
        # Every row counts the same, whatever share of a batch is annotated.
        share = len(annotated) / len(places)
        loss = self.weights.role * self._of_roles(role, passages, annotated)
        links = [found for row in annotated for found in self._links(passages, row)]
        if links:
            loss = loss + self.weights.link * _of_links(link, links, torch.from_numpy(batch.mask))
        kinds = [found for row in annotated for found in self._kinds(passages, row)]
        if kinds:
            loss = loss + self.weights.kind * _of_kinds(kind, kinds)
        return loss * share

    def _of_roles(self, logits: Tensor, passages: _Passages, annotated: Sequence[int]) -> Tensor:
        """The tagging loss."""
        wanted = torch.full((*logits.shape[:2], len(ROLES)), _IGNORED)
        weights = torch.zeros(*logits.shape[:2], len(ROLES))
        for row in annotated:
            b, start, end = passages.places[row]
            wanted[b, start:end] = _OUTSIDE
            weights[b, start:end] = self.weight[row]
        for row in annotated:
            for role, spans in self._spans(passages, row).items():
                column = ROLES.index(role)
                for b, start, end in spans:
                    wanted[b, start, column] = TAGS.index("begins")
                    wanted[b, start + 1 : end, column] = TAGS.index("inside")
        each = cross_entropy(
            logits.reshape(-1, len(TAGS)),
            wanted.reshape(-1),
            ignore_index=_IGNORED,
            reduction="none",
        )
        loss: Tensor = (each * weights.reshape(-1)).sum() / (weights > 0).sum()
        return loss

    def _spans(self, passages: _Passages, row: int) -> Mapping[str, list[tuple[int, int, int]]]:
        """Find the spans to tag: of contents that share words the longer is the outer one."""
        found: dict[str, list[tuple[int, int, int]]] = {role: [] for role in ROLES}
        contents = []
        for one in self.citations[row] or ():
            for role, mark in (("source", one.source), ("cue", one.cue)):
                place = self._place(passages, row, mark)
                if place is not None:
                    found[role].append(place)
            contents += [p for m in one.content if (p := self._place(passages, row, m))]
        taken: dict[str, set[int]] = {"content": set(), "nested": set()}
        for b, start, end in sorted(contents, key=lambda place: place[1] - place[2]):
            layer = next(
                (name for name in taken if taken[name].isdisjoint(range(start, end))), None
            )
            if layer is not None:
                taken[layer].update(range(start, end))
                found[layer].append((b, start, end))
        return found

    def _place(
        self, passages: _Passages, row: int, mark: Mark | None
    ) -> tuple[int, int, int] | None:
        """Find the tokens of a mark: the passage, the first and the end; None where not here."""
        if mark is None:
            return None
        other = passages.row(row, mark.sentence)
        if other is None:
            return None
        b, start, end = passages.places[other]
        inside = [
            at
            for at, (first, last) in enumerate(self.tokens[other].offsets[: end - start])
            if first < mark.end and mark.start < last
        ]
        return (b, start + inside[0], start + inside[-1] + 1) if inside else None

    def _links(self, passages: _Passages, row: int) -> Iterator[_Link]:
        weight = self.weight[row]
        for one in self.citations[row] or ():
            source, cue, antecedent = (
                self._place(passages, row, mark) for mark in (one.source, one.cue, one.antecedent)
            )
            for mark in one.content:
                content = self._place(passages, row, mark)
                if content is None:
                    continue
                for role, target in enumerate((source, cue)):
                    yield _Link(content[0], content[1:], role, target and target[1:], weight)
            if source is not None and weight == 1.0:
                role, target = LINKED.index("antecedent"), antecedent
                yield _Link(source[0], source[1:], role, target and target[1:], weight)

    def _kinds(self, passages: _Passages, row: int) -> Iterator[_Kind]:
        for one in self.citations[row] or ():
            if one.kind is None:
                continue
            source, cue = (self._place(passages, row, mark) for mark in (one.source, one.cue))
            if one.source is not None and source is None:
                continue  # it stands in another passage
            place = source or cue
            if place is not None:
                on_top = float(one.government), float(one.state_media)
                spans = source and source[1:], cue and cue[1:]
                yield _Kind(place[0], *spans, one.kind, on_top, self.weight[row])


class _Passages:
    """Where the rows of a batch lie."""

    def __init__(self, places: Mapping[int, tuple[int, int, int]], index: Sequence[int]) -> None:
        self.places = places
        self._rows = {(b, index[row]): row for row, (b, _, _) in places.items()}
        self._index = index

    def row(self, row: int, sentence: int) -> int | None:
        """Find the row of an article's sentence in the passage of another of its rows."""
        return self._rows.get((self.places[row][0], sentence))


def _mean(values: Tensor, passages: Tensor, spans: Sequence[Span]) -> Tensor:
    """Average tokens over spans: (n_passages, n_tokens, k) -> (n_spans, k)."""
    sums = torch.cat([values.new_zeros(len(values), 1, values.shape[-1]), values.cumsum(1)], 1)
    start, end = torch.tensor(spans).T
    total = sums[passages, end] - sums[passages, start]
    mean: Tensor = total / (end - start).clamp(min=1)[:, None]
    return mean


def _of_links(link: Tensor, links: Sequence[_Link], mask: Tensor) -> Tensor:
    """How unlikely the tokens are that words should find; the first token is for none."""
    passages = torch.tensor([one.passage for one in links])
    role = torch.tensor([one.role for one in links])
    size, n = LINK_SIZE, len(LINKED)
    asked = _mean(link[..., : n * size], passages, [one.words for one in links])
    asked = asked.reshape(len(links), n, size)[torch.arange(len(links)), role]
    answered = link[..., n * size :].reshape(*link.shape[:2], n, size)
    scores = torch.einsum("ns,nts->nt", asked, answered[passages, :, role]) / sqrt(size)
    chances = log_softmax(scores.masked_fill(mask[passages] == 0, _NOWHERE), -1)
    right = torch.zeros_like(chances, dtype=torch.bool)
    for number, one in enumerate(links):
        start, end = one.target or (0, 1)
        right[number, start:end] = True
    each = -torch.logsumexp(chances.masked_fill(~right, _NOWHERE), -1)
    loss: Tensor = (each * torch.tensor([one.weight for one in links])).mean()
    return loss


def _of_kinds(kind: Tensor, kinds: Sequence[_Kind]) -> Tensor:
    n = len(KINDS)
    passages = torch.tensor([one.passage for one in kinds])
    logits = torch.zeros(len(kinds), n)
    for at, role in enumerate(SPEAKING):
        spans = [getattr(one, role) for one in kinds]
        held = torch.tensor([[float(span is not None)] for span in spans])
        mean = _mean(kind[..., at * n : (at + 1) * n], passages, [s or (0, 1) for s in spans])
        logits = logits + mean * held
    names = [KINDS.index(one.kind.value) for one in kinds]
    exclusive = len(SourceKind)
    on_top = torch.tensor([one.on_top for one in kinds])
    each = cross_entropy(logits[:, :exclusive], torch.tensor(names), reduction="none")
    each = each + bce(logits[:, exclusive:], on_top, reduction="none").mean(-1)
    loss: Tensor = (each * torch.tensor([one.weight for one in kinds])).mean()
    return loss
