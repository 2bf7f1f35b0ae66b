"""What the outputs of the transformer's exported graph mean."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HEADS = "heads.json"


@dataclass(frozen=True)
class Heads:
    """What the exported graph's outputs mean.

    Attributes
    ----------
    signals : tuple of str
        Columns of the votes.
    tags : tuple of str
        Columns of the tags: the span signals.
    gain : tuple of float
        What a sentence's strongest tag adds to its logit, a factor a tag.
    tag_thresholds : tuple of float
        The logit from which a token counts as lying in a span, a tag.
    max_tokens : int
    context : bool
        How sentences are packed, see `Packer`.
    placeholders : bool
        Whether it was trained with placeholders in the place of outlets' names.
    findings : tuple of tuple of float
        What each of the rules' findings adds to a signal's logit: a row a signal, a column each of
        `FINDINGS`. Empty: nothing.
    """

    signals: tuple[str, ...]
    tags: tuple[str, ...]
    gain: tuple[float, ...]
    tag_thresholds: tuple[float, ...]
    max_tokens: int
    context: bool
    placeholders: bool = False
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
