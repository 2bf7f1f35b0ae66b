"""The command `framescope drift`: options, and one call."""

from __future__ import annotations


def drift() -> None:
    """Say whether what comes in has changed, against another run or a bundle (extra: batch)."""
