"""What can be set about a training; the defaults are those of the bundles that ship."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from framescope.classifier.validation import Checked
from framescope.training import DEFAULT_SEED
from pydantic import Field

Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Weights = dict[str, Weight]
Mix = Literal["words", "characters", "words over characters", "both"]

#: How a base-size teacher is fine-tuned, where that differs from a student.
TEACHING: dict[str, Any] = {
    "epochs": 1,
    "learning_rate": 5e-5,
    "head_learning_rate": 1e-3,
    "freeze_embeddings": False,
}


class Table(Checked):
    """Base of a recipe and its tables."""

    def changed(self, **values: Any) -> Self:
        """Return a copy with other values; None leaves a value as it is."""
        return self.model_copy(update={k: v for k, v in values.items() if v is not None})


class TransformerTable(Table):
    """The table ``[transformer]`` of a recipe; docs/training.md explains each setting."""

    learning_rate: Weight = 1e-4
    head_learning_rate: Weight = 2e-3
    warmup: Share = 0.06
    weight_decay: Weight = 0.01
    batch_tokens: Count = 1024
    max_tokens: Annotated[int, Field(ge=8)] = 192
    context: bool = True
    freeze_embeddings: bool = True
    dropout: Share = 0.0
    tag_weight: Weight = 1.0
    citation_weight: Weight = 3.0
    taught_weight: Weight = 1.0
    taught_passes: Weight = 1.0
    hidden_weight: Weight = 0.0
    patience: Annotated[int, Field(ge=0)] = 0


class TransformerSettings(TransformerTable):
    """How a transformer is fine-tuned.

    `shares` are how much of each corpus an epoch holds, `weights` those of each signal in the loss;
    both are 1 unless named.
    """

    epochs: Annotated[int, Field(ge=0)] = 3
    shares: Weights = Field(default_factory=dict)
    weights: Weights = Field(default_factory=dict)
    seed: Seed = DEFAULT_SEED


class BaselineSettings(Table):
    """How the baseline is fitted: the grid, simpler first, its folds and its vocabularies."""

    mixes: list[Mix] = Field(
        default=["words", "characters", "words over characters", "both"], min_length=1
    )
    # 30 and 100 were no better than 10.
    strengths: list[Annotated[float, Field(gt=0)]] = Field(
        default=[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0], min_length=1
    )
    folds: Annotated[int, Field(ge=2)] = 3
    least: Count = 3
    most_words: Count = 36_000
    most_characters: Count = 24_000
