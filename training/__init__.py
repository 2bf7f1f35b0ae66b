"""Labelled corpora in, a model bundle out."""

from enum import StrEnum

DEFAULT_SEED = 13  # of splits and trainings: the one that the shipped bundles were made with


class Track(StrEnum):
    """Another format that the curves of a training are written in."""

    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"
