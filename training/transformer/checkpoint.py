"""Where a training run stands, on disk, so that it can be interrupted and resumed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from classifier.errors import TrainingError


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
