"""The commands `framescope batch`, `query` and `overview`: options, and one call each."""

from __future__ import annotations


def batch() -> None:
    """Score many articles into a folder of tables."""
    raise NotImplementedError


def query() -> None:
    """Ask a run with SQL."""
    raise NotImplementedError


def overview() -> None:
    """Draw a run as a page."""
    raise NotImplementedError
