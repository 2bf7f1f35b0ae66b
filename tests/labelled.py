"""Records of the exchange format whose sentences are labelled, and files of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def record(
    name: str, *sentences: tuple[str, Mapping[str, float]], between: str = " ", **more: Any
) -> dict[str, Any]:
    """An article of sentences with their labels."""
    items, start = [], 0
    for text, labels in sentences:
        items.append({"start": start, "end": start + len(text), "labels": dict(labels)})
        start += len(text) + len(between)
    text = between.join(text for text, _ in sentences)
    return {"id": name, "text": text, "sentences": items, **more}


def written(path: Path, *records: Mapping[str, Any] | str) -> Path:
    """Write records, or lines that are none."""
    lines = (one if isinstance(one, str) else json.dumps(one) for one in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path
