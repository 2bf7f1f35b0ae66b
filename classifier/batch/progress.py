"""How far a run is: a line for whoever watches, and a file for what does."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from framescope.classifier.batch.folder import PROGRESS, RunFolder
from framescope.classifier.batch.stages import Counts
from framescope.classifier.records import printable

_MINUTE = 60.0  # seconds, of which the rate is told
_WRITTEN = 2.0  # seconds between two states of the file
_SHOWN = 0.5


class RunProgress:
    """Watches a run.

    Parameters
    ----------
    folder : RunFolder
    counts : Counts
        What was done before; it is kept up to date by whoever runs.
    total : int or None
        Bytes of the inputs; None where that isn't known.
    read : int
        Bytes of them that were done before.
    quiet : bool
        Say nothing.
    """

    def __init__(
        self,
        folder: RunFolder,
        counts: Counts,
        total: int | None,
        read: int,
        *,
        quiet: bool,
    ) -> None:
        self.folder, self.counts, self.total, self.read = folder, counts, total, read
        self.quiet = quiet
        self.shards = 0
        self._begun = time.monotonic()
        self._first = read
        self._past: deque[tuple[float, int, int]] = deque([(self._begun, counts.articles, read)])
        self._written = self._said = 0.0
        self._live: Any = None

    @contextmanager
    def shown(self) -> Iterator[RunProgress]:
        """Show it while something runs: a bar on a terminal, else a line a minute."""
        if self.quiet or not sys.stderr.isatty():
            self._said = time.monotonic()
            yield self
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = BarColumn(bar_width=20), TextColumn("{task.fields[line]}")
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._live = bar, bar.add_task("", total=self.total, line="loading the model")
            yield self

    def tell(self, line: str) -> None:
        """Say a line beside it."""
        if self.quiet:
            return
        said = f"framescope: {printable(line)}"
        with suppress(OSError):  # whoever read it is gone; the run isn't
            if self._live is not None:
                self._live[0].console.print(said, markup=False, highlight=False, soft_wrap=True)
            else:
                print(said, file=sys.stderr, flush=True)

    def update(self, *, state: str = "running", force: bool = False) -> None:
        """Take note of what was done by now."""
        now = time.monotonic()
        self._past.append((now, self.counts.articles, self.read))
        while len(self._past) > 2 and self._past[1][0] <= now - _MINUTE:
            self._past.popleft()
        if force or now - self._written > _WRITTEN:
            self._write(self.record(state))
            self._written = now
        if self._live is not None:
            bar, task = self._live
            bar.update(task, completed=self.read, line=self.line())
        elif not self.quiet and now - self._said > _MINUTE:
            self.tell(self.line())
            self._said = now

    @property
    def rate(self) -> float:
        """Articles a second, over the last minute."""
        first, last = self._past[0], self._past[-1]
        return (last[1] - first[1]) / max(last[0] - first[0], 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes, at the pace so far; None where that can't be told."""
        done, elapsed = self.read - self._first, time.monotonic() - self._begun
        if not self.total or done <= 0:
            return None
        return max(self.total - self.read, 0) * elapsed / done

    def record(self, state: str) -> dict[str, Any]:
        """Give it as the file holds it."""
        return {
            "state": state,  # running, interrupted, stopped, finished
            "process": os.getpid(),
            "updated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.monotonic() - self._begun, 1),
            **asdict(self.counts),
            "shards": self.shards,
            "bytes_done": self.read,
            "bytes_total": self.total,
            "articles_per_second": round(self.rate, 2),
            "seconds_left": None if self.left is None else round(self.left),
        }

    def line(self) -> str:
        """Give it as a person reads it."""
        parts = [f"{self.counts.articles:,} articles"]
        if self.total:
            share = self.read / self.total
            parts.append(f"{in_bytes(self.read)} of {in_bytes(self.total)} ({share:.0%})")
        else:
            parts.append(in_bytes(self.read))
        parts.append(f"{self.rate:,.1f} articles/s")
        if self.left is not None:
            parts.append(f"{duration(self.left)} left")
        parts.append(f"{self.counts.errors:,} failed")
        return ", ".join(parts)

    def _write(self, record: dict[str, Any]) -> None:
        self.folder.write(PROGRESS, record, lasting=False)


def duration(seconds: float) -> str:
    """Say a time as people do: 45 s, 12 min, 3 h 20 min."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


def in_bytes(count: float) -> str:
    """Say how much that is: 812 B, 1.5 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
