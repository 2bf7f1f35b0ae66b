"""Where a name in running text begins and ends as a word of its own, script by script."""

from __future__ import annotations

import re


class Context:
    """A text whose stretches are asked after."""

    def __init__(self, text: str) -> None:
        self.text = text

    def allows(self, start: int, end: int) -> bool:
        """Whether the characters from start to end can be a name and not a part of a word."""
        text = self.text
        before = text[start - 1] if start else " "
        after = text[end] if end < len(text) else " "
        return not (before.isalnum() or after.isalnum())
