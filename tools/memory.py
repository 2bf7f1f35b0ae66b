"""How much memory a batch takes, of few articles and of many: ``python tests/memory.py``.

No test, for it takes a quarter of an hour. Articles are made by shuffling sentences of real ones,
with a seed. It ends with an error when the peak of many is more than a tenth above that of few, or
above the most that is meant.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
from framescope.classifier.inputs import list_inputs, split_input, split_sentences

COMMAND = (sys.executable, "-m", "framescope")
FEW, MANY = 10_000, 100_000
MOST = 1_500  # MB
WITHIN = 1.10  # times the peak of few
SENTENCES = 12  # an article
POOL = 2_000  # real articles whose sentences are taken
TICK = 0.5  # seconds


def sentences(articles: Path) -> list[str]:
    found: list[str] = []
    for file in list_inputs([str(articles)], include=["*.jsonl*"]):
        records = islice(split_input(file.name), POOL)
        for article in (one for raw in records for one in raw.articles()):
            found += [sentence.text for sentence in split_sentences(article)]
    return found


def made(pool: list[str], count: int) -> Iterator[str]:
    draw = random.Random(20)
    for number in range(count):
        text = " ".join(draw.choices(pool, k=SENTENCES))
        yield json.dumps({"id": str(number), "text": text}) + "\n"


def peak(inputs: Path, output: Path, model: str) -> tuple[float, float]:
    """Run a batch; give its processes' largest memory together, in MB, and its seconds."""
    line = [*COMMAND, "batch", str(inputs), "--output", str(output), "-m", model, "--quiet"]
    start, largest = time.perf_counter(), 0.0
    process = subprocess.Popen(line)
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        largest = max(largest, together(watched))
        time.sleep(TICK)
    if process.returncode:
        raise SystemExit(f"the batch ended with {process.returncode}")
    return largest, time.perf_counter() - start


def together(process: psutil.Process) -> float:
    """Proportional memory of a process and its children: what they share is counted once."""
    total = 0.0
    try:
        for one in [process, *process.children(recursive=True)]:
            total += one.memory_full_info().pss / 1e6
    except psutil.NoSuchProcess:
        return 0.0
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "articles", type=Path, nargs="?", default=os.environ.get("FRAMESCOPE_ARTICLES"),
        help="a folder with articles as JSONL; else FRAMESCOPE_ARTICLES",
    )  # fmt: skip
    parser.add_argument("--model", default="baseline")
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--many", type=int, default=MANY)
    given = parser.parse_args()
    if given.articles is None:
        print("memory: no articles given, FRAMESCOPE_ARTICLES is not set; left out")
        return
    pool = sentences(Path(given.articles))
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        for count in (given.few, given.many):
            inputs = Path(name) / f"{count}.jsonl"
            with inputs.open("w", encoding="utf-8") as file:
                file.writelines(made(pool, count))
            found, seconds = peak(inputs, Path(name) / f"run-{count}", given.model)
            peaks.append(found)
            print(f"{count:,} articles: peak {found:,.0f} MB, {count / seconds:.1f} a second")
    if peaks[1] > WITHIN * peaks[0] or peaks[1] > MOST:
        raise SystemExit(f"memory: grows, or is more than {MOST:,} MB")


if __name__ == "__main__":
    main()
