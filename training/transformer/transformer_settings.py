"""How a transformer is fine-tuned: the settings, and the file they are read from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from classifier.errors import TrainingError
from classifier.taxonomy import in_order
from training import DEFAULT_SEED
from training.corpora import find_corpus as find

# Small corpora of a task of their own are read more often, large and easy ones less.
_SHARES = {
    **{"ptc": 1.35, "babe": 1.25, "newssd": 1.25, "polnear": 1.1, "wikiweasel": 0.6},
    **{"claimbuster": 0.5, "hyperpartisan": 0.5, "standoff": 1.4},
}
# What one corpus labels many times over must not drown out the other signals. What only the real
# articles and the written ones label counts more, as their share is held down for the sake of what
# PolNeAR labels in another sense.
_WEIGHTS = {
    **{"hyperpartisan": 0.5, "named_source": 0.5, "unnamed_source": 0.5},
    **{"quoted": 0.3, "reported": 0.3, "unsourced_assertion": 1.25},
}


@dataclass(frozen=True)
class Settings:
    """How a transformer is fine-tuned. The defaults are those of the shipped bundle.

    What was tried to find them stands in ``docs/training.md``.

    Attributes
    ----------
    epochs : int
    learning_rate, head_learning_rate : float
        Peak rates of the encoder and of the heads; linear warm-up, then linear decay to zero.
    warmup : float
        Share of the steps.
    weight_decay : float
    batch_tokens : int
        Tokens of a batch, padding included.
    max_tokens : int
        Longest passage.
    context : bool
        Encode passages of several sentences; else single sentences.
    freeze_embeddings : bool
    shares : mapping of str to float
        How much of each corpus an epoch holds; 1 for those not named.
    weights : mapping of str to float
        Weight of each signal in the loss; 1 for those not named.
    tag_weight : float
        Weight of the token-level loss.
    seed : int
    """

    epochs: int = 3
    learning_rate: float = 1e-4
    head_learning_rate: float = 2e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    batch_tokens: int = 1024
    max_tokens: int = 192
    context: bool = True
    freeze_embeddings: bool = True
    shares: Mapping[str, float] = field(default_factory=_SHARES.copy)
    weights: Mapping[str, float] = field(default_factory=_WEIGHTS.copy)
    tag_weight: float = 1.0
    seed: int = DEFAULT_SEED


def read_settings(
    path: Path | None, given: Mapping[str, Any], recipe: Mapping[str, Any] | None = None
) -> Settings:
    """Settings from the recipe, from a JSON file, and from options; what comes later wins.

    Raises
    ------
    TrainingError
        When the file can't be read, names a setting that doesn't exist, or gives one a value of
        another kind.
    SignalError, CorpusError
        When ``weights`` or ``shares`` name what doesn't exist.
    """
    record: dict[str, Any] = {}
    if path is not None:
        try:
            record = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{path}: no JSON object of settings ({error})") from None
    defaults = asdict(Settings())
    for name in record.keys() - defaults.keys():
        known = ", ".join(sorted(defaults))
        raise TrainingError(f"{path}: unknown setting '{name}'; known: {known}")
    for name, value in {**(recipe or {}), **record, **given}.items():
        if not _fits(value, defaults[name]):
            source = f"--{name.replace('_', '-')}" if name in given else f"{path}: '{name}'"
            wanted = _WANTED[type(defaults[name])]
            raise TrainingError(f"{source} is {json.dumps(value)}; it must be {wanted}")
    settings = Settings(**{**(recipe or {}), **record, **given})
    in_order(settings.weights)
    for corpus in settings.shares:
        find(corpus)
    return settings


_WANTED = {
    bool: "true or false",
    int: "a whole number, not negative",
    float: "a number, not negative",
    dict: "an object of names and numbers, none negative",
}


def _fits(value: object, default: object) -> bool:
    """Whether a value is of the kind of a setting's default."""
    if isinstance(default, dict):
        return isinstance(value, Mapping) and all(_fits(v, 1.0) for v in value.values())
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    kind = (int, float) if isinstance(default, float) else int
    return isinstance(value, kind) and 0 <= value < float("inf")
