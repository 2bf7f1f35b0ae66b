"""A batch of damaged inputs: no crash, no hang, and for each its row: articles, or an error."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import batches
import framescope.classifier.batch.run  # noqa: F401
import mutator
import pytest
from framescope.classifier import batch
from framescope.classifier.batch.job import Job
from framescope.classifier.batch.stages import Setup

SEED = 31
SHARED = os.environ.get("FRAMESCOPE_SHARED")
BYTES = 2_000_000_000
"""Of memory, that the children of a run may take, the largest of them."""


def names_of(folder: Path, inputs: Any) -> list[str]:
    """Write inputs, and name them."""
    folder.mkdir()
    found = []
    for name, data in inputs:
        (folder / name).write_bytes(data)
        found.append(str(folder / name))
    return found


def own_page(number: int) -> dict[str, bytes]:
    """A page made up, in the kinds of files there may be of it."""
    rng = random.Random(number)
    text = "\n\n".join(batches.text(rng, 4) for _ in range(4))
    paragraphs = "".join(f"<p>{part}</p>" for part in text.split("\n\n"))
    head = f'<head><title>The ferry of Karst, part {number}</title><meta charset="utf-8"></head>'
    page = f"<!DOCTYPE html><html>{head}<body><article>{paragraphs}</article></body></html>"
    return mutator.sound(page, text)


def check_all_told(run: Path, names: list[str]) -> Counter[str]:
    """See that each input has its row, and no error is a defect of the program's."""
    batches.check_whole(run, names)
    found = batches.rows(run, "inputs")
    assert {row["input"] for row in found} == set(names)
    for row in found:
        error = row["error"] or ""
        assert row["stage"] in (None, "read", "time"), (row["input"], error)
        assert "please report" not in error, (row["input"], error)
        assert len(error) < 700
    return Counter(row["input"] for row in found if row["articles"])


def test_each_damaged_input_has_its_row(small_bundle, tmp_path):
    inputs = list(mutator.damaged(len(mutator.DAMAGES), SEED, own_page))
    heavy = re.compile(r"bomb|zip_often|too_long|one_long_word|pictures")  # the slow test has them
    names = names_of(tmp_path / "in", [one for one in inputs if not heavy.search(one[0])])
    setup = Setup(str(small_bundle), max_seconds=20.0)
    summary = batch.run.run(Job(names, tmp_path / "run", setup, workers=2, quiet=True))
    good = check_all_told(tmp_path / "run", names)
    assert len(good) > 15
    assert summary["scored"] > 25


def shared_page(number: int) -> dict[str, bytes]:
    """A saved page, in the kinds of files there may be of it."""
    pages = sorted(Path(SHARED or "").glob("inputs/pages/*.html"))
    page = pages[number * 7 % len(pages)].read_text("utf-8", errors="replace")
    text = re.sub(r"\s*\n\s*", "\n\n", re.sub(r"(?s)<script.*?</script>|<[^>]*>", " ", page))
    return mutator.sound(page, text[:20_000])


@pytest.mark.slow
@pytest.mark.skipif(not SHARED, reason="needs real pages: set FRAMESCOPE_SHARED")
def test_each_of_a_thousand_damaged_inputs_has_its_row(tmp_path):
    names = names_of(tmp_path / "in", mutator.damaged(1000, SEED, shared_page))
    setup = Setup("baseline", max_characters=100_000, max_seconds=10.0)
    job = Job(names, tmp_path / "run", setup, workers=2, quiet=True)
    with batches.Peak() as peak:
        summary = batch.run.run(job)
    good = check_all_told(tmp_path / "run", names)
    assert len(good) > 400
    assert summary["failures"].get("time", 0) < 10
    assert peak.bytes < BYTES
