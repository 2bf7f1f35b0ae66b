"""What is looked at when a batch has ended: that nothing is missing, and what it holds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from batch.folder import RunError, RunFolder


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
    )


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def failures(folder: RunFolder) -> dict[str, int]:
    """Count a run's errors by their stage."""
    found: dict[str, int] = {}
    for stage in _column(folder, "inputs", "stage"):
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
    found = _column(folder, "inputs", "input_id")
    if any(at != value for at, value in enumerate(found)):
        raise RunError(f"{folder.path}: a record has no row, or two; please report it")


def _column(folder: RunFolder, table: str, name: str) -> Iterable[Any]:
    """Read a column of a table, part by part."""
    import pyarrow.parquet as pq

    for path in folder.parts(table):
        if path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as lines:
                yield from (json.loads(line).get(name) for line in lines)
        else:
            yield from pq.read_table(path, columns=[name]).column(0).to_pylist()


def equal_texts(folder: RunFolder) -> int:
    """Count the articles whose words an earlier one has."""
    digests = list(_column(folder, "articles", "text_digest"))
    return len(digests) - len(set(digests))
