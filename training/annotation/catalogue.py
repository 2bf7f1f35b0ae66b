"""The tools that articles can be sent to, by name."""

from __future__ import annotations

from difflib import get_close_matches

from framescope.training.annotation import (
    brat,
    doccano,
    inception,
    label_studio,
    potato,
    prodigy,
    spreadsheet,
)
from framescope.training.annotation.task import AnnotationError
from framescope.training.annotation.tool import Tool

TOOLS: dict[str, Tool] = {
    module.TOOL.name: module.TOOL
    for module in (label_studio, doccano, prodigy, potato, inception, brat, spreadsheet)
}


def tool_named(name: str) -> Tool:
    """Give a tool by its name, or refuse it with the nearest in an `AnnotationError`."""
    if name not in TOOLS:
        close = get_close_matches(name.lower(), TOOLS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(TOOLS)}"
        raise AnnotationError(f"no annotation tool is called '{name}'; {hint}")
    return TOOLS[name]
