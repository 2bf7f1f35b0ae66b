"""The command `framescope serve`: options, and one call."""

from __future__ import annotations


def serve() -> None:
    """Answer requests over HTTP."""
    raise NotImplementedError
