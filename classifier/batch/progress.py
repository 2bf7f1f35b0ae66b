"""How far a run is: a line for people, and `progress.json` for programs."""

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
from rich.filesize import decimal

_MINUTE = 60.0  # seconds over which the rate is taken
_WRITTEN = 2.0  # seconds between two states of the file


class RunProgress:
    """Watches a run.

    Parameters
    ----------
    folder : RunFolder
    counts : Counts
        What was done before; the run adds to it.
    total : int or None
        Bytes of the inputs; None if unknown.
    read : int
        Bytes of them that were done before.
    shards : int
        Shards that were done before.
    quiet : bool
        Print nothing.
    """

    def __init__(
        self,
        folder: RunFolder,
        counts: Counts,
        total: int | None,
        read: int,
        *,
        shards: int = 0,
        quiet: bool,
    ) -> None:
        self.folder, self.counts, self.total, self.read = folder, counts, total, read
        self.shards, self.quiet = shards, quiet
        self._begun = time.monotonic()
        self._first = read
        self._past: deque[tuple[float, int]] = deque([(self._begun, counts.articles)])
        self._written = self._told = 0.0
        self._bar: Any = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the progress during a block: a bar on a terminal, else a line a minute."""
        self._told = time.monotonic()
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = BarColumn(bar_width=20), TextColumn("{task.fields[line]}")
        with Progress(*columns, console=Console(stderr=True), transient=True) as self._bar:
            self._bar.add_task("", total=self.total, line="loading the model")
            yield

    def tell(self, line: str) -> None:
        """Print a line beside the progress."""
        if self.quiet:
            return
        line = f"framescope: {printable(line)}"
        with suppress(OSError):  # its reader is gone; the run isn't
            if self._bar is not None:
                self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                print(line, file=sys.stderr, flush=True)

    def update(self, *, state: str = "running", force: bool = False) -> None:
        """Take note of what was done by now."""
        now = time.monotonic()
        self._past.append((now, self.counts.articles))
        while len(self._past) > 2 and self._past[1][0] <= now - _MINUTE:
            self._past.popleft()
        if force or now - self._written > _WRITTEN:
            self.folder.write(PROGRESS, self.record(state), durable=False)
            self._written = now
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self.read, line=self._line())
        elif not self.quiet and now - self._told > _MINUTE:
            self.tell(self._line())
            self._told = now

    @property
    def rate(self) -> float:
        """Articles a second, over the last minute."""
        first, last = self._past[0], self._past[-1]
        return (last[1] - first[1]) / max(last[0] - first[0], 1e-9)

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes, at the pace so far; None if unknown."""
        done, elapsed = self.read - self._first, time.monotonic() - self._begun
        if not self.total or done <= 0:
            return None
        return max(self.total - self.read, 0) * elapsed / done

    def record(self, state: str) -> dict[str, Any]:
        """Return the content of the file.

        Parameters
        ----------
        state : str
            ``running``, ``interrupted``, ``stopped`` or ``finished``.
        """
        return {
            "state": state,
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

    def _line(self) -> str:
        counts, share = self.counts, ""
        if self.total:
            share = f" of {decimal(self.total)} ({self.read / self.total:.0%})"
        left = "" if self.left is None else f", {_duration(self.left)} left"
        return (
            f"{counts.articles:,} articles, {decimal(self.read)}{share}, "
            f"{self.rate:,.1f} articles/s{left}, {counts.errors:,} failed"
        )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"
