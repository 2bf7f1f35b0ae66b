"""Runs of `framescope batch` in tests: their inputs, begun in many ways, their rows compared."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import gzip
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from framescope.classifier.batch.engine import Commit
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.progress import RunProgress
from framescope.classifier.batch.schema import TABLES
from framescope.classifier.batch.shards import Cutter, Position
from framescope.classifier.batch.stages import Loaded, Setup, Stages
from framescope.classifier.errors import StoppedError
from framescope.classifier.inputs import InputOptions, ListedFile

COMMAND = (sys.executable, "-m", "framescope", "batch")
MARK = "FRAMESCOPE_TEST_RUN"
"""An environment variable by which the processes of a test are found."""

_PLACES = ("Orrin", "Karst", "Vesk", "Talmere")
_LINES = (
    "The council of {place} met on Tuesday to talk about the ferry.",
    "Observers say that the harbour of {place} may close.",
    "Repairs will cost {number} crowns, the mayor said.",
    "“It is a vile scheme,” said a pilot from {place}.",
    "The wicked men behind the mill took {number} crowns.",
    "Nobody in {place} asked for a reservoir of that size.",
)
FOREIGN = (
    "Der Rat der Stadt hat am Dienstag über die neue Fähre gesprochen. Die Reparatur des Hafens "
    "wird nach Angaben der Verwaltung im nächsten Jahr beginnen und viel Geld kosten. "
) * 4


def text(rng: random.Random, sentences: int = 8) -> str:
    """Make an article up."""
    return " ".join(
        rng.choice(_LINES).format(place=rng.choice(_PLACES), number=rng.randrange(900))
        for _ in range(sentences)
    )


def lines(count: int, seed: int = 3, sentences: int = 8) -> str:
    """Make a file of so many records up."""
    rng = random.Random(seed)
    return "".join(
        json.dumps({"id": f"a{number}", "text": text(rng, sentences), "outlet": "Karst Press"})
        + "\n"
        for number in range(count)
    )


def mixed(folder: Path, count: int = 60) -> Path:
    """Fill a folder with inputs of many kinds, some of them bad; ``count`` is of each big file."""
    rng = random.Random(11)
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text(lines(count, 1), encoding="utf-8")
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines(count, 2).encode(), mtime=0))
    table = io.StringIO()
    rows = [[str(number), text(rng), "https://karst.example/x"] for number in range(count)]
    csv.writer(table).writerows([["id", "text", "url"], *rows])
    (folder / "c.csv").write_text(table.getvalue(), encoding="utf-8")
    pages = folder / "pages"
    pages.mkdir()
    for number in range(count // 5):
        paragraphs = "".join(f"<p>{text(rng, 3)}</p>" for _ in range(4))
        page = f"<html><head><title>Ferry {number}</title></head><body><article>{paragraphs}"
        (pages / f"{number:03}.html").write_text(f"{page}</article></body></html>", "utf-8")
    bad = ["rubbish", json.dumps({"id": 1}), json.dumps({"id": "x", "text": text(rng)}), "{"]
    (folder / "d.jsonl").write_text("\n".join(bad) + "\n", encoding="utf-8")
    (folder / "e.txt").write_text("", encoding="utf-8")
    (folder / "f.txt").write_text(FOREIGN, encoding="utf-8")
    (folder / "g.jsonl.gz").write_bytes(gzip.compress(lines(40, 5).encode(), mtime=0)[:-200])
    return folder


# --- what a run holds -----------------------------------------------------------------------------


def rows(run: Path, table: str) -> list[dict[str, Any]]:
    """Read the rows of a table, in order."""
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    for path in RunFolder(run).parts(table):
        if path.suffix == ".jsonl":
            found += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        else:
            found += pq.read_table(path).to_pylist()
    return found


def check_same(run: Path, other: Path) -> None:
    """See that two runs hold the same rows, to the bit."""
    for table in TABLES:
        ours, theirs = rows(run, table), rows(other, table)
        for at, (one, two) in enumerate(zip(ours, theirs, strict=False)):
            assert one == two, (table, at)
        assert len(ours) == len(theirs), table
        for mine, yours in zip(
            RunFolder(run).parts(table), RunFolder(other).parts(table), strict=True
        ):
            assert mine.read_bytes() == yours.read_bytes(), mine


def check_whole(run: Path, names: Sequence[str] = ()) -> None:
    """See that each record has its row: articles that are there, or an error."""
    found = rows(run, "inputs")
    assert [row["input_id"] for row in found] == list(range(len(found)))
    articles: dict[int, int] = {}
    for row in rows(run, "articles"):
        articles[row["input_id"]] = articles.get(row["input_id"], 0) + 1
    for row in found:
        assert row["articles"] == articles.get(row["input_id"], 0), row
        assert row["articles"] or row.get("error"), row
        assert (row.get("error") is None) == (row.get("stage") is None), row
    told = {row["input"] for row in found}
    assert told >= set(names), sorted(set(names) - told)[:5]


def drafts(run: Path) -> list[str]:
    """Name the shards that are open, or were when their process was killed."""
    folder = run / "parts"
    return sorted(one.name for one in folder.glob(".[0-9]*")) if folder.is_dir() else []


# --- a run in a process of its own ----------------------------------------------------------------


def begin(*words: object, cwd: Path | None = None, mark: str = "", **more: Any) -> Any:
    """Start the command, in a group of its own."""
    environment = {**os.environ, MARK: mark}
    return subprocess.Popen(
        [*COMMAND, *map(str, words)], cwd=cwd, env=environment, start_new_session=True,
        text=True, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
    )  # fmt: skip


def typed(*words: object, cwd: Path | None = None, **more: Any) -> Any:
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False, **more
    )


def marked(mark: str) -> list[int]:
    """List the processes that a test began, which live."""
    wanted, found = f"{MARK}={mark}".encode(), []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (path / "environ").read_bytes().split(b"\0"):
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
                found += [] if state == "Z" else [int(path.name)]
        except OSError:
            continue
    return found


def until(what: Any, seconds: float = 60.0) -> bool:
    """Wait until something holds; whether it did in time."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Peak:
    """The largest memory of a process below this one, in bytes, while a block runs.

    As VmHWM says it, which belongs to the program alone: the ru_maxrss of a child is at least that
    of whoever started it, and a process that runs tests grows large.
    """

    def __enter__(self) -> Peak:
        self.bytes = 0
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()
        assert self.bytes, "no process was seen"

    def _look(self) -> None:
        import psutil

        while not self._ended.wait(0.02):
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(OSError):
                    status = Path(f"/proc/{child.pid}/status").read_text("ascii", "replace")
                    if found := re.search(r"VmHWM:\s+(\d+) kB", status):
                        self.bytes = max(self.bytes, int(found[1]) * 1024)


def kill(process: Any, mark: str) -> None:
    """Kill the parent alone; its workers must end by themselves."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert until(lambda: not marked(mark), 10.0), marked(mark)


# --- a run in this process ------------------------------------------------------------------------


@cache
def _stages(setup: str, of: type[Stages]) -> Stages:
    return of(Setup(**json.loads(setup)))


class EngineHere:
    """Scores in this process, and is interrupted after so many shards; others are left out."""

    def __init__(
        self,
        folder: RunFolder,
        setup: Setup,
        options: InputOptions,
        *,
        most: int | None = None,
        without: Sequence[int] = (),
    ) -> None:
        self.folder, self.options = folder, options
        self.most, self.without = most, without
        self.stages = _stages(json.dumps(asdict(setup)), Stages)
        self.progress: RunProgress | None = None

    def start(self) -> Loaded:
        """See `batch.engine.Engine`."""
        return self.stages.loaded

    def run(
        self, files: Sequence[ListedFile], start: Position, done: set[int], commit: Commit
    ) -> None:
        """See `batch.engine.Engine`."""
        for number, shard in enumerate(Cutter(files, self.options).cut(start)):
            if number == self.most:
                raise StoppedError("interrupted", 130)
            if shard.start.shard in done or number in self.without:
                continue
            draft = self.folder.draft(shard.start.shard)
            tables, counts = self.stages.run(shard)
            for name, data in self.stages.files(tables).items():
                (draft / name).write_bytes(data)
            commit(shard, draft, asdict(counts))
        if self.without:
            raise StoppedError("interrupted", 130)

    def close(self) -> None:
        """See `batch.engine.Engine`."""


# --- processes that meet what is odd --------------------------------------------------------------


def odd_score(pipe: Any, board: Any, setup: Setup) -> None:
    """Score as `batch.processes.score` does, but do what a record says."""
    from framescope.classifier.batch import processes

    processes.Stages = _OddStages  # type: ignore[misc]
    processes.score(pipe, board, setup)


def odd_cut(pipe: Any, board: Any, *arguments: Any) -> None:
    """Cut as `batch.processes.cut` does, but do what a record says."""
    from framescope.classifier.batch import processes, shards

    real = shards.split_input

    def split(name: str, options: InputOptions) -> Iterator[Any]:
        for item in real(name, options):
            if "odd-cut" in name:
                _heed(repr(item))
            yield item

    shards.split_input = split  # type: ignore[assignment]
    processes.cut(pipe, board, *arguments)


class _OddStages(Stages):
    def _read(self, row: Any) -> Iterator[Any]:
        if row.failure is None and "odd-cut" not in row.item.origin.input:
            _heed(repr(row.item))
        return super()._read(row)

    def files(self, tables: Any) -> Mapping[str, bytes]:  # type: ignore[override]
        if any("do: no-rows" in (one or "") for one in tables.columns["sentences"]["text"]):
            raise OverflowError("made up")
        return super().files(tables)


def _heed(said: str) -> None:
    found = re.search(r"do: (\S+?)[.\s]", said)
    what, _, marker = (found[1] if found else "").partition("=")
    if what == "sleep":
        time.sleep(3600)
    elif what == "loop":  # in C, where no signal of Python's is heard
        re.match(r"(a+)+$", "a" * 60 + "b")
    elif what == "crash":
        ctypes.string_at(0)
    elif what == "raise":
        raise ZeroDivisionError("made up")
    elif what == "crash-once" and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
