"""What goes into the transformer's exported graph, and what its outputs mean."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    # what each of the rules' findings adds to a signal's logit: a row a signal, a column each of
    # `FINDINGS`. Empty: nothing.
    findings: tuple[tuple[float, ...], ...] = ()

    def save(self, folder: Path) -> None:
        """Write ``heads.json``."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / HEADS).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """Read ``heads.json``."""
        record: dict[str, Any] = json.loads((folder / HEADS).read_text(encoding="utf-8"))
        return cls(**{name: _frozen(value) for name, value in record.items()})


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
