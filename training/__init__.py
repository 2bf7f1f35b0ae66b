"""Labelled corpora in, a model bundle out."""

from __future__ import annotations

from enum import StrEnum

# Of splits and of trainings. Nothing speaks for 13 but that the shipped bundles carry it, and the
# split they must be judged on with it.
DEFAULT_SEED = 13


class Track(StrEnum):
    """Whose format the curves of a training are written in besides; for a command's help."""

    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"
