"""What a bundle takes: bytes on disk, and memory at the most while it scores.

Memory is measured in a process of its own that does nothing else, started anew: the process that
judges holds the corpora and both models. As a program, ``python -m eval.compare.footprint BUNDLE``
reads sentences from standard input and prints the peak in bytes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framescope.classifier.records import Sentence

SENTENCES = 1000
"""Sentences that the process scores, at most."""

METHOD = (
    "peak resident memory of a fresh process that loads the bundle and scores at most "
    f"{SENTENCES:,} sentences: VmHWM of /proc where there is one, else ru_maxrss of "
    "resource.getrusage"
)


@dataclass(frozen=True, slots=True)
class Footprint:
    """A bundle's size and memory, in bytes; None where it can't be told."""

    disk: int | None
    memory: int | None


def footprint(path: Path, sentences: Sequence[Sentence]) -> Footprint:
    """Measure a bundle.

    Parameters
    ----------
    path : pathlib.Path
        Its folder; nothing can be told of one that isn't there.
    sentences : sequence of Sentence
        What to score, article by article.
    """
    if not path.is_dir():
        return Footprint(None, None)
    return Footprint(disk_size(path), peak_memory(path, sentences))


def disk_size(path: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def peak_memory(path: Path, sentences: Sequence[Sentence]) -> int | None:
    """Score in a fresh process, and ask what memory it needed; None where that fails."""
    given = [(s.text, s.start, s.end, s.article_id, s.index) for s in sentences[:SENTENCES]]
    # Run as a file and not as a module of this room, whose door opens on all of the harness.
    code = f"import runpy; runpy.run_path({__file__!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path.absolute())],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=Path(__file__).resolve().parents[2],
        check=False,
    )
    lines = done.stdout.split()
    return int(lines[-1]) if done.returncode == 0 and lines and lines[-1].isdigit() else None


def own_peak() -> int | None:
    """Peak of this process, in bytes.

    Linux hands the ru_maxrss of whoever started a process on to it, so that a small process of a
    large one seems large. VmHWM belongs to the program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main() -> None:
    from framescope.classifier import bundles

    model = bundles.load(sys.argv[1]).model
    model.predict_proba([Sentence(*fields) for fields in json.load(sys.stdin)])
    print(own_peak() or "unknown")


if __name__ == "__main__":
    _main()
