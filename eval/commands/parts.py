"""The parts of the split that anything is judged by, as options name them."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A part of the corpora that a model may be judged by."""

    TEST = "test"
    UNSEEN_OUTLET = "unseen_outlet"
    VALIDATION = "validation"
