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
    """The table ``[transformer]`` of a recipe.

    Attributes
    ----------
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
    tag_weight, citation_weight : float
        Weights of the losses of tokens in spans and of citations; 0 learns none of the latter.
    taught_weight : float
        Weight of the distillation targets.
    taught_passes : float
        How often each unlabelled row is read, in all epochs together.
    hidden_weight : float
        Weight of the cosine distance of a token's vector to the teacher's.
    patience : int
        Epochs in a row without a lower loss on held-out articles, after which training stops; the
        weights are then those of the best epoch. 0: all epochs, and the last one's weights.
    """

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

    Attributes
    ----------
    epochs : int
        0 leaves the encoder as it is.
    shares : dict of str to float
        How much of each corpus an epoch holds: 0.5 half of its articles, 2 all of them twice; 1
        unless named.
    weights : dict of str to float
        Weight of each signal in the loss; 1 unless named.
    seed : int
    """

    epochs: Annotated[int, Field(ge=0)] = 3
    shares: Weights = Field(default_factory=dict)
    weights: Weights = Field(default_factory=dict)
    seed: Seed = DEFAULT_SEED


class BaselineSettings(Table):
    """How the baseline is fitted.

    Attributes
    ----------
    mixes, strengths : list
        The grid, simpler first: mixes of n-grams and inverse strengths of the penalty. 30 and 100
        were no better than 10.
    folds : int
        Of the cross-validation, which holds whole groups out.
    least : int
        Training rows that an n-gram must occur in.
    most_words, most_characters : int
        Sizes of the two vocabularies; they decide the bundle's size.
    """

    mixes: list[Mix] = Field(
        default=["words", "characters", "words over characters", "both"], min_length=1
    )
    strengths: list[Annotated[float, Field(gt=0)]] = Field(
        default=[0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0], min_length=1
    )
    folds: Annotated[int, Field(ge=2)] = 3
    least: Count = 3
    most_words: Count = 36_000
    most_characters: Count = 24_000
