"""The state of a training on disk, its optimiser, and the best epoch so far."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from framescope.classifier.errors import TrainingError
from framescope.classifier.files import replacing
from framescope.training.recipes import TransformerSettings
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer


def adamw(network: nn.Module, settings: TransformerSettings) -> AdamW:
    """Make the optimiser; weight decay is for the encoder's matrices alone."""
    trained = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    encoder = [p for name, p in trained if name.startswith("encoder.")]
    heads = [p for name, p in trained if not name.startswith("encoder.")]
    rate, head_rate = settings.learning_rate, settings.head_learning_rate
    return AdamW(
        [
            {"params": [p for p in encoder if p.ndim > 1], "lr": rate},
            {"params": [p for p in encoder if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
            {"params": heads, "lr": head_rate, "weight_decay": 0.0},
        ],
        weight_decay=settings.weight_decay,
        fused=True,
    )


def pace(step: int, steps: int, warmup: float) -> float:
    """Return the share of the peak rate: linear warm-up over a share of the steps, then decay."""
    warm = max(1.0, warmup * steps)
    return min((step + 1) / warm, (steps - step) / max(1.0, steps - warm))


def seed_step(seed: int, step: int) -> None:
    """Seed dropout by step, so that a resumed training draws what an unbroken one would have."""
    # A prime above any number of steps, so that no two seeds share a stream.
    torch.manual_seed(seed * 1_000_003 + step)


@dataclass(frozen=True)
class Best:
    """The weights of the epoch with the least held-out loss, and the epochs since then."""

    loss: float = math.inf
    since: int = 0
    weights: Mapping[str, Tensor] | None = None

    def with_epoch(self, loss: float, network: nn.Module) -> Best:
        """Return the best after one more epoch."""
        if loss < self.loss:
            state = network.state_dict()
            return Best(loss, 0, {name: value.cpu().clone() for name, value in state.items()})
        return Best(self.loss, self.since + 1, self.weights)

    def given_up(self, patience: int) -> bool:
        """Return True if so many epochs in a row were no better."""
        return 0 < patience <= self.since


@dataclass(frozen=True)
class Standing:
    """How far a training is: the steps done, the running mean of the loss, the best epoch."""

    step: int = 0
    loss: float = 0.0
    best: Best = Best()


@dataclass(frozen=True)
class Checkpoint:
    """A folder with the checkpoint of one training, which `run` identifies (settings, data)."""

    folder: Path
    run: dict[str, Any]

    @property
    def _path(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def save(self, standing: Standing, network: nn.Module, optimizer: Optimizer) -> None:
        """Write atomically: an interrupted write leaves the one before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        best, step, run = standing.best, str(standing.step), json.dumps(self.run, sort_keys=True)
        metadata = {"step": step, "run": run, "loss": json.dumps(standing.loss)}
        tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
        # Keyed by parameter: one that took no part (a pooler, say) has no state.
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
        if best.weights is not None:
            tensors |= {f"best.{name}": value for name, value in best.weights.items()}
            metadata["best"] = json.dumps([best.loss, best.since])
        with replacing(self._path) as draft:
            save_file({k: v.contiguous().clone() for k, v in tensors.items()}, draft, metadata)

    def restore(self, network: nn.Module, optimizer: Optimizer) -> Standing:
        """Restore a training; at its beginning where there is no checkpoint.

        Raises `TrainingError` when the checkpoint is damaged, or of other settings or data.
        """
        if not self._path.is_file():
            return Standing()
        try:
            with safe_open(self._path, "pt") as file:
                metadata = dict(file.metadata() or {})
            step, run = int(metadata["step"]), json.loads(metadata["run"])
            tensors = load_file(self._path)
            if run != json.loads(json.dumps(self.run)):
                raise TrainingError(
                    f"{self._path}: a checkpoint of a run with other settings or data; "
                    "delete it, or choose another --output"
                )
            states: dict[int, dict[str, Tensor]] = {}
            for name, value in _part(tensors, "optimizer.").items():
                index, key = name.split(".", 1)
                states.setdefault(int(index), {})[key] = value
            network.load_state_dict(_part(tensors, "network."))
            optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
            best = Best()
            if "best" in metadata:
                loss, since = json.loads(metadata["best"])
                best = Best(float(loss), int(since), _part(tensors, "best."))
            return Standing(step, float(json.loads(metadata.get("loss", "0.0"))), best)
        except (SafetensorError, ValueError, KeyError, OSError, RuntimeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error).splitlines()[0]
            raise TrainingError(
                f"{self._path}: damaged checkpoint ({reason}); delete it to start anew"
            ) from None

    def discard(self) -> None:
        """Delete the checkpoint of a finished training, and its folder if that is empty then."""
        self._path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
