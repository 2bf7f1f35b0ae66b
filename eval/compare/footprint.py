"""A bundle's size on disk, and its peak memory while it scores, in a process of its own.

As a program, this file reads sentences from standard input and prints the peak in bytes.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framescope.classifier.records import Sentence
from framescope.classifier.runtime import peak_memory

_SENTENCES = 1000
METHOD = (
    "peak resident memory of a fresh process that loads the bundle and scores at most "
    f"{_SENTENCES:,} sentences: VmHWM of /proc where there is one, else ru_maxrss of "
    "resource.getrusage"
)


@dataclass(frozen=True, slots=True)
class Footprint:
    """A bundle's size and peak memory, in bytes; None where unknown."""

    disk: int | None
    memory: int | None


def measure_footprint(path: Path, sentences: Sequence[Sentence]) -> Footprint:
    """Measure a bundle's folder, scoring these sentences, article by article."""
    if not path.is_dir():
        return Footprint(None, None)
    given = [(s.text, s.start, s.end, s.article_id, s.index) for s in sentences[:_SENTENCES]]
    # Run as a file: as a module of this package it would import the whole harness.
    code = f"import runpy; runpy.run_path({__file__!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path.absolute())],
        input=json.dumps(given), capture_output=True, encoding="utf-8", check=False,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    peak = "".join(done.stdout.split()[-1:])
    disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Footprint(disk, int(peak) if done.returncode == 0 and peak.isdigit() else None)


if __name__ == "__main__":
    from framescope.classifier import bundles

    bundles.load(sys.argv[1]).model.predict([Sentence(*fields) for fields in json.load(sys.stdin)])
    print(peak_memory() or "unknown")
