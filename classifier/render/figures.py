"""How numbers are written, in every output."""

from __future__ import annotations

import math

from classifier.errors import BundleError

DECIMALS = 4


def rounded(value: float) -> float:
    """Round a score for a machine to read.

    Raises `BundleError` when it is not a finite number: JSON has no word for that, and a model that
    gives one is damaged.
    """
    if not math.isfinite(value):
        raise BundleError(
            "the model gives a score that is not a number; its bundle is damaged: "
            "train it again, or choose another with --model"
        )
    return round(float(value), DECIMALS)


def score(value: float) -> str:
    """Write a probability for a person to read: two decimals, and never a certainty."""
    if value > 0.99:
        return ">0.99"
    if value < 0.01:
        return "<0.01"
    return f"{value:.2f}"


def percent(part: int, whole: int) -> str:
    """Write a share as whole per cent; a dash where there is nothing to have a share of."""
    return f"{100 * part / whole:.0f}%" if whole else "–"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun, which takes a plain s in the plural."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
