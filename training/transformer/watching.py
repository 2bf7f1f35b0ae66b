"""How a training watches itself on articles that it learns nothing of, and when it stops."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from framescope.classifier.errors import TrainingError
from framescope.classifier.models import Tokens
from framescope.training.data import Examples
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

MOST = 4000
"""Sentences that are watched, at most: a look at them is to cost little of an epoch."""


@dataclass(frozen=True)
class Watched:
    """Rows that nothing is learned of, with the tokens of each."""

    rows: Examples
    tokens: Sequence[Tokens]

    def loss(self, logits: Tensor, weights: Mapping[str, float]) -> float:
        """Mean over corpora of the mean loss of the cells that each annotates.

        Parameters
        ----------
        logits : Tensor, shape (n_rows, n_signals)
        weights : mapping of str to float
            Of each signal; 1 for those not named.
        """
        labels = torch.from_numpy(self.rows.labels)
        known = ~torch.isnan(labels)
        cells = bce(logits, torch.nan_to_num(labels), reduction="none") * known
        cells *= torch.tensor([weights.get(signal, 1.0) for signal in self.rows.signals])
        corpora = self.rows.corpus
        of = [torch.from_numpy(corpora == name) for name in sorted(set(corpora.tolist()))]
        means = [cells[rows].sum() / known[rows].sum() for rows in of if known[rows].any()]
        return float(torch.stack(means).mean()) if means else math.nan


def held_out_rows(examples: Examples, seed: int) -> Examples:
    """Choose validation rows, whole articles, up to `MOST`.

    Raises `TrainingError` when there are none.
    """
    rows = examples.where(examples.part == "validation")
    if not len(rows):
        raise TrainingError(
            "no validation rows to stop early by; set patience to 0, or label more articles"
        )
    if len(rows) <= MOST:
        return rows
    names, counts = np.unique(rows.article, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    taken = order[: np.searchsorted(np.cumsum(counts[order]), MOST) + 1]
    return rows.where(np.isin(rows.article, names[taken]))


@dataclass(frozen=True)
class Best:
    """The best epoch so far.

    Attributes
    ----------
    loss : float
        On held-out rows.
    since : int
        Epochs since then.
    weights : mapping of str to Tensor or None
        The network's; None before the first epoch's end.
    """

    loss: float = math.inf
    since: int = 0
    weights: Mapping[str, Tensor] | None = None

    def with_epoch(self, loss: float, network: nn.Module) -> Best:
        """Give what is the best after one more epoch."""
        if loss < self.loss:
            state = network.state_dict()
            return Best(loss, 0, {name: value.cpu().clone() for name, value in state.items()})
        return Best(self.loss, self.since + 1, self.weights)

    def given_up(self, patience: int) -> bool:
        """Whether so many epochs in a row were no better."""
        return 0 < patience <= self.since
