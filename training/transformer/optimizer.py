"""How the network's weights are moved: AdamW, and the pace of its learning rates."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW

from training.transformer.transformer_settings import Settings


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
