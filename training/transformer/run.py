"""A training run: its settings, the file they are read from, and where it stands on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from classifier.errors import TrainingError
from classifier.taxonomy import in_order
from training import DEFAULT_SEED
from training.corpora import find_corpus as find

# Small corpora of a task of their own are read more often, large and easy ones less.
_SHARES = {
    "ptc": 1.35, "babe": 1.25, "newssd": 1.25, "polnear": 1.1, "wikiweasel": 0.6,
    "claimbuster": 0.5, "hyperpartisan": 0.5, "standoff": 1.4,
}  # fmt: skip
# What one corpus labels many times over must not drown out the other signals. What only the real
# articles and the written ones label counts more, as their share is held down for the sake of what
# PolNeAR labels in another sense.
_WEIGHTS = {
    "hyperpartisan": 0.5, "named_source": 0.5, "unnamed_source": 0.5,
    "quoted": 0.3, "reported": 0.3, "unsourced_assertion": 1.25,
}  # fmt: skip


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
    dropout : float
        In the encoder's layers.
    shares : mapping of str to float
        How much of each corpus an epoch holds; 1 for those not named.
    weights : mapping of str to float
        Weight of each signal in the loss; 1 for those not named.
    tag_weight : float
        Weight of the token-level loss.
    citation_weight : float
        Weight of the loss of who says what; 0 learns none of it.
    taught_weight : float
        Weight of what a teacher says of rows without labels.
    taught_passes : float
        How often each of these rows is read, in all epochs together.
    hidden_weight : float
        Weight of the likeness of a token's vector to the teacher's.
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
    dropout: float = 0.0
    shares: Mapping[str, float] = field(default_factory=_SHARES.copy)
    weights: Mapping[str, float] = field(default_factory=_WEIGHTS.copy)
    tag_weight: float = 1.0
    citation_weight: float = 3.0
    taught_weight: float = 1.0
    taught_passes: float = 1.0
    hidden_weight: float = 0.0
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


# --- checkpoints, so that a run can be interrupted and resumed ------------------------------------


@dataclass(frozen=True)
class Checkpoint:
    """A folder with one checkpoint, replaced as training goes on.

    `run` says what the run is (settings, data): a checkpoint of another run is refused.
    """

    folder: Path
    run: dict[str, Any]

    @property
    def _path(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def save(self, step: int, network: nn.Module, optimizer: Optimizer) -> None:
        """Write atomically: an interrupted write leaves the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        # Keyed by parameter: one that took no part (a pooler, say) has no state.
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        metadata = {"step": str(step), "run": json.dumps(self.run, sort_keys=True)}
        draft = self._path.with_suffix(".part")
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, draft, metadata)
        draft.replace(self._path)

    def restore(self, network: nn.Module, optimizer: Optimizer) -> int:
        """Put a run back where it stood.

        Gives the number of steps done; 0 when there is no checkpoint. Raises `TrainingError` when
        the checkpoint is damaged, or belongs to a run with other settings or data.
        """
        if not self._path.is_file():
            return 0
        try:
            with safe_open(self._path, "pt") as file:
                metadata = dict(file.metadata() or {})
            step, run = int(metadata["step"]), json.loads(metadata["run"])
            tensors = load_file(self._path)
        except (SafetensorError, ValueError, KeyError, OSError) as error:
            raise self._damaged(error) from None
        if run != json.loads(json.dumps(self.run)):
            raise TrainingError(
                f"{self._path}: a checkpoint of a run with other settings or data; "
                "delete it, or choose another --output"
            )
        states: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimizer.").items():
            index, key = name.split(".", 1)
            states.setdefault(int(index), {})[key] = value
        try:
            network.load_state_dict(_part(tensors, "network."))
            optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
        except (RuntimeError, ValueError, KeyError) as error:
            raise self._damaged(error) from None
        return step

    def _damaged(self, error: Exception) -> TrainingError:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
        return TrainingError(
            f"{self._path}: damaged checkpoint ({reason}); delete it to start anew"
        )

    def discard(self) -> None:
        """Delete the checkpoint of a run that is done."""
        self._path.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def seed_step(seed: int, step: int) -> None:
    """Seed dropout by step, so that a resumed run draws what an unbroken one would have."""
    # A prime above any number of steps, so that no two seeds share a stream.
    torch.manual_seed(seed * 1_000_003 + step)


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
