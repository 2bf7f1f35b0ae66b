"""A training run: its settings, its pace, and where it stands on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from framescope.classifier.errors import TrainingError
from framescope.training import DEFAULT_SEED
from framescope.training.transformer.watching import Best
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer


@dataclass(frozen=True)
class Settings:
    """How a transformer is fine-tuned.

    The defaults are those of the shipped bundle, with the shares and weights of its recipe
    (``training/recipes/default.toml``).

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
    patience : int
        Epochs in a row without a lower loss on held-out articles, after which training stops; the
        network is then the one of the best epoch. 0: all epochs, and the last one's.
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
    shares: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    tag_weight: float = 1.0
    citation_weight: float = 3.0
    taught_weight: float = 1.0
    taught_passes: float = 1.0
    hidden_weight: float = 0.0
    patience: int = 0
    seed: int = DEFAULT_SEED


def adamw(network: nn.Module, settings: Settings) -> AdamW:
    """Make the optimiser: the encoder at its rate, what lies on top of it at the heads' rate.

    Weight decay is for the encoder's matrices alone; frozen parameters take no part.
    """
    plain, decayed, heads = [], [], []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if not name.startswith("encoder."):
            heads.append(parameter)
        elif parameter.ndim > 1:
            decayed.append(parameter)
        else:
            plain.append(parameter)
    return AdamW(
        [
            {"params": decayed, "lr": settings.learning_rate},
            {"params": plain, "lr": settings.learning_rate, "weight_decay": 0.0},
            {"params": heads, "lr": settings.head_learning_rate, "weight_decay": 0.0},
        ],
        weight_decay=settings.weight_decay,
        fused=True,
    )


def pace(step: int, steps: int, warmup: float) -> float:
    """Share of the peak rate at a step: linear warm-up over a share of them, linear decay to 0."""
    warm = max(1.0, warmup * steps)
    return min((step + 1) / warm, (steps - step) / max(1.0, steps - warm))


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

    def save(
        self,
        step: int,
        network: nn.Module,
        optimizer: Optimizer,
        best: Best | None = None,
        loss: float = 0.0,
    ) -> None:
        """Write atomically: an interrupted write leaves the one before.

        `loss` is the running mean, with which the curve goes on.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        # Keyed by parameter: one that took no part (a pooler, say) has no state.
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        metadata = {"step": str(step), "run": json.dumps(self.run, sort_keys=True)}
        metadata["loss"] = json.dumps(loss)
        if best is not None and best.weights is not None:
            tensors |= {f"best.{name}": value for name, value in best.weights.items()}
            metadata["best"] = json.dumps([best.loss, best.since])
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

    def best(self) -> Best:
        """Give the best epoch before, as far as there is one; after `restore`."""
        if not self._path.is_file():
            return Best()
        with safe_open(self._path, "pt") as file:
            kept = (file.metadata() or {}).get("best")
        if kept is None:
            return Best()
        loss, since = json.loads(kept)
        return Best(float(loss), int(since), _part(load_file(self._path), "best."))

    def loss(self) -> float:
        """Give the running mean of the loss; 0 where there is no checkpoint."""
        if not self._path.is_file():
            return 0.0
        with safe_open(self._path, "pt") as file:
            return float(json.loads((file.metadata() or {}).get("loss", "0.0")))

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
