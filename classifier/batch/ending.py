"""What is looked at when a batch has ended: that nothing is missing, and what it holds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.schema import MANY


def status(summary: Mapping[str, Any]) -> int:
    """Give the exit status: 0, 1 where some records failed, 2 where nothing was scored.

    An article that the model can't read, by its language, is no failure.
    """
    if not summary["scored"]:
        return 2
    return 1 if summary["errors"] else 0


def report(summary: Mapping[str, Any], path: Path) -> str:
    """Say on a few lines what was done, and what to do with it."""
    parts = [f"{summary['scored']:,} of {_many(summary['articles'], 'article')} scored"]
    if summary["noted"]:
        parts.append(f"{summary['noted']:,} not scored (the column note says why)")
    if summary["errors"]:
        said = ", ".join(f"{count:,} {stage}" for stage, count in summary["failures"].items())
        parts.append(f"{_many(summary['errors'], 'record')} failed ({said})")
    copies = f"{summary['equal_texts']:,} have the words of another; "
    if summary["passages"]:
        share = summary["reused"] / summary["passages"]
        copies += f"{summary['reused']:,} of {summary['passages']:,} passages ({share:.1%}) reused"
    run = shlex.quote(str(path))
    return "\n".join(
        f"framescope: {line}"
        for line in (
            f"{'; '.join(parts)}, in {summary['seconds']:,} s",
            copies.removesuffix("; "),
            f"ask it: framescope query {run}; see it: framescope overview {run} -o page.html",
        )
        if line
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def failures(folder: RunFolder) -> dict[str, int]:
    """Count a run's errors by their stage."""
    found: dict[str, int] = {}
    for (stage,) in _columns(folder, "inputs", "stage"):
        if stage is not None:
            found[stage] = found.get(stage, 0) + 1
    return dict(sorted(found.items()))


def check_whole(folder: RunFolder, records: Mapping[int, Mapping[str, Any]]) -> None:
    """See that every input record has its row: none is missing, none is there twice."""
    expected = 0
    for shard, record in sorted(records.items()):
        if record["input_id"] != expected:
            reason = f"begins at record {record['input_id']:,}, and {expected:,} come before it"
            raise RunError(f"{folder.shard(shard)}: {reason}; delete it and go on with --resume")
        expected += record["counts"]["records"]
    odd = f"{folder.path}: a record has no row, or two, or neither article nor error"
    rows = _columns(folder, "inputs", "input_id", "articles", "error")
    articles = _columns(folder, "articles", "article_id")
    for at, (input_id, count, error) in enumerate(rows):
        if input_id != at or not (count or error):
            raise RunError(f"{odd} (number {at:,}); please report it")
        for number in range(count or 0):
            if next(articles, None) != (input_id * MANY + number,):
                raise RunError(f"{odd} (number {at:,}); please report it")
        expected -= 1
    if expected or next(articles, None) is not None:
        raise RunError(f"{odd}; please report it")


def _columns(folder: RunFolder, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
    """Read columns of a table, part by part."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in folder.parts(table):
        try:
            if path.suffix == ".jsonl":
                with path.open(encoding="utf-8") as lines:
                    rows = [tuple(map(json.loads(line).get, names)) for line in lines]
            else:
                read = pq.read_table(path, columns=list(names))
                rows = list(zip(*(read.column(n).to_pylist() for n in names), strict=True))
        except (OSError, ValueError, pa.ArrowException) as error:
            reason = f"can't be read ({' '.join(str(error).split())[:200]})"
            remedy = f"delete {path.parent}, and go on with --resume"
            raise RunError(f"{path}: {reason}; {remedy}") from None
        yield from rows


def equal_texts(folder: RunFolder) -> int:
    """Count the articles whose words an earlier one has."""
    # Eight bytes of each: of millions there is no room for all, and none is likely to be met twice.
    found = (int(digest[:16], 16) for (digest,) in _columns(folder, "articles", "text_digest"))
    digests = np.fromiter(found, np.uint64)
    return int(len(digests) - len(np.unique(digests)))
