"""Distillation targets: a teacher's outputs for rows without labels, and the loss against them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import KINDS, ROLES, SPEAKING, TAGS, Batch, Tokens
from framescope.classifier.records import SourceKind
from framescope.training.data import Examples
from framescope.training.recipes import TransformerSettings
from framescope.training.transformer.citations import KIND_WEIGHT, ROLE_WEIGHT
from framescope.training.transformer.targets import pool
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import cosine_similarity, cross_entropy, softmax


@dataclass(frozen=True)
class TargetShard:
    """A teacher's outputs for some articles; vectors are read from the file when they are needed.

    Row r's tokens are those from `first[r]` to `first[r + 1]`. Logits have shape (n_rows,
    n_signals), the others (n_tokens, ...), without columns where the teacher doesn't give them.
    """

    path: Path
    logits: NDArray[np.float16]
    first: NDArray[np.int64]
    ids: NDArray[np.int32]
    tags: NDArray[np.float16]
    roles: NDArray[np.float16]
    kinds: NDArray[np.float16]

    @classmethod
    def read(cls, path: Path, identity: str, *, vectors: bool) -> TargetShard | None:
        """Read a file; None when it isn't there, is of others, or lacks vectors that are needed.

        Raises `TrainingError` when it is damaged.
        """
        if not path.is_file():
            return None
        names = ("logits", "first", "ids", "tags", "roles", "kinds")
        try:
            with safe_open(path, "np") as file:
                whole = {*names, *(("hidden",) if vectors else ())} <= set(file.keys())
                if (file.metadata() or {}).get("identity") != identity or not whole:
                    return None
                return cls(path, *(file.get_tensor(name) for name in names))
        except (SafetensorError, OSError) as error:
            raise TrainingError(f"{path}: damaged ({error}); delete it to have it again") from None

    def vectors(self, row: int) -> Tensor:
        """Read a row's vectors, shape (n_tokens, hidden)."""
        with safe_open(self.path, "np") as file:
            start, end = self.first[row : row + 2].tolist()
            return torch.from_numpy(file.get_slice("hidden")[start:end].astype(np.float32))


@dataclass(frozen=True)
class DistillationTargets:
    """Rows without labels, and a teacher's outputs for them, in their order.

    `width` is the size of the teacher's vectors, `identity` a SHA-256 of the teacher and the rows.
    """

    rows: Examples
    shards: Sequence[TargetShard]
    width: int
    identity: str


class DistillationLoss:
    """The loss of a student against distillation targets.

    The binary cross-entropy with the teacher's probabilities, weighted by signal as labels are; of
    tokens, that of their tags, the cross-entropy of their roles, of sources and cues their kinds,
    and the cosine distance of their vectors. Tokens count only in sentences that the student reads
    as its teacher did.

    `tokens` are of all rows of the student, among which those with targets start at `start`;
    `columns` are those of the span signals, and `weights` those of all signals.
    """

    def __init__(
        self,
        targets: DistillationTargets,
        start: int,
        tokens: Sequence[Tokens],
        columns: Sequence[int],
        weights: Tensor,
        settings: TransformerSettings,
    ) -> None:
        self.start = start
        self.columns = columns
        self.weights = weights
        self.settings = settings
        self.places = [(shard, row) for shard in targets.shards for row in range(len(shard.logits))]
        self.logits = torch.from_numpy(np.concatenate([s.logits for s in targets.shards]))
        self.alike = [
            np.array_equal(tokens[start + at].ids, self._of(at, "ids"))
            for at in range(len(self.places))
        ]

    def _of(self, at: int, name: str) -> NDArray[Any]:
        """Return one row's part of an array of tokens."""
        shard, row = self.places[at]
        found: NDArray[Any] = getattr(shard, name)[shard.first[row] : shard.first[row + 1]]
        return found

    def loss(
        self, outputs: Sequence[Tensor], gain: Tensor, bridged: Tensor | None, batch: Batch
    ) -> Tensor | None:
        """Return the loss of a batch; None where it has no row with targets.

        `outputs` are the network's, and `bridged` its vectors mapped to the teacher's, where these
        are learned.
        """
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
            loss = loss + self._of_tokens(tags, cited, bridged, alike)
        return self.settings.taught_weight * loss * (len(rows) / len(batch.places))

    def _of_tokens(
        self,
        tags: Tensor,
        cited: Sequence[Tensor],
        bridged: Tensor | None,
        places: Sequence[tuple[int, int, int, int]],
    ) -> Tensor:
        """Return the loss of the tokens of some rows, each with its passage, first and end."""

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
            each = cross_entropy(given.flatten(0, 1), softmax(wanted, -1).flatten(0, 1))
            of_kinds = _of_kinds(ours(cited[2]), theirs("kinds"), wanted)
            said = ROLE_WEIGHT * each + KIND_WEIGHT * of_kinds
            loss = loss + self.settings.citation_weight * said
        if bridged is not None:
            vectors = torch.cat(
                [self.places[at][0].vectors(self.places[at][1]) for _, at, _, _ in places]
            )
            near = cosine_similarity(ours(bridged).float(), vectors, dim=-1)
            loss = loss + self.settings.hidden_weight * (1 - near).mean()
        return loss


def _of_kinds(given: Tensor, theirs: Tensor, roles: Tensor) -> Tensor:
    """Return the loss of the kinds that tokens of sources and cues speak for.

    `given` and `theirs` have shape (n_tokens, n_columns), `roles` (n_tokens, n_roles, n_tags); each
    token counts as surely as the teacher takes it for one of a source, or of a cue.
    """
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
