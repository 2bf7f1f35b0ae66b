"""Runs of `framescope batch` in tests: their inputs, ways to run them, their rows compared."""

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
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.batch import engines, stages
from framescope.classifier.batch.folder import RunFolder
from framescope.classifier.batch.schema import TABLES
from framescope.classifier.batch.stages import Setup, Stages

COMMAND = (sys.executable, "-m", "framescope", "batch")
MARK = "FRAMESCOPE_TEST_RUN"
"""An environment variable by which the processes of a test are found."""
HANGING = 10
"""The record at which a file hangs that is called so."""

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
    return " ".join(
        rng.choice(_LINES).format(place=rng.choice(_PLACES), number=rng.randrange(900))
        for _ in range(sentences)
    )


def lines(count: int, seed: int = 3) -> str:
    rng = random.Random(seed)
    return "".join(
        json.dumps({"id": f"a{number}", "text": text(rng), "outlet": "Karst Press"}) + "\n"
        for number in range(count)
    )


def mixed(folder: Path, count: int) -> Path:
    """Fill a folder with inputs of many kinds, some of them bad; `count` is of each big file."""
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


def rows(run: Path, table: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    found: list[dict[str, Any]] = []
    for path in RunFolder(run).parts(table):
        if path.suffix == ".jsonl":
            found += [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        else:
            found += pq.read_table(path).to_pylist()
    return found


def check_same(run: Path, other: Path) -> None:
    """Check that two runs hold the same files of rows, byte by byte."""
    ours, theirs = RunFolder(run), RunFolder(other)
    assert ours.committed() == theirs.committed()
    for table in TABLES:
        for mine, yours in zip(ours.parts(table), theirs.parts(table), strict=True):
            assert mine.read_bytes() == yours.read_bytes(), mine
    assert ours.manifest()["finished"]


def check_whole(run: Path, names: list[str] | None = None) -> None:
    """Check that each record has its row: articles that are there, or an error."""
    found = rows(run, "inputs")
    assert [row["input_id"] for row in found] == list(range(len(found)))
    articles = [row["input_id"] for row in rows(run, "articles")]
    assert articles == [row["input_id"] for row in found for _ in range(row["articles"])]
    for row in found:
        assert row["articles"] or row.get("error"), row
        assert (row.get("error") is None) == (row.get("stage") is None), row
    assert {row["input"] for row in found} >= set(names or ())


class ProcessHere:
    """In the place of `engines.WorkerProcess`: calls functions in this process."""

    def __init__(self, initializer: Any, *arguments: object) -> None:
        self._begin = initializer, arguments
        self._stopped = False

    def call(self, function: Any, *arguments: object, timeout: float | None = None) -> Any:
        """Begin once, and call."""
        if self._stopped:
            raise CancelledError
        initializer, given = self._begin
        initializer(*given)
        self._begin = (lambda: None), ()
        return function(*arguments)

    def stop(self) -> None:
        """Refuse further calls."""
        self._stopped = True

    close = stop


_BEGIN = {"begin_scoring": engines.begin_scoring, "begin_reading": engines.begin_reading}


@contextmanager
def in_process() -> Iterator[None]:
    """Read and score in this process."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {"WorkerProcess": ProcessHere, "Stages": stages_here, **_BEGIN}.items():
            patched.setattr(engines, name, value)
        yield


def stages_here(setup: Setup) -> Stages:
    return _stages(json.dumps(vars(setup)))


@cache
def _stages(setup: str) -> Stages:
    return Stages(Setup(**json.loads(setup)))


def begin(*words: object, at: tuple[str, int, int] = ("", 0, 0)) -> Any:
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    command = [sys.executable, "-m", "signalled", *map(str, at), "batch", *map(str, words)]
    tests = str(Path(__file__).parent)
    process = subprocess.Popen(
        command, env={**os.environ, MARK: mark, "PYTHONPATH": tests}, start_new_session=True,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.mark = mark  # type: ignore[attr-defined]
    return process


def end(process: Any) -> Any:
    """Wait until the command has ended, and all processes that it began."""
    process.out, process.err = process.communicate(timeout=300)
    until = time.monotonic() + 60
    while (left := marked(process.mark)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not left
    assert "Traceback" not in process.err, process.err[-2000:]
    return process


def marked(mark: str) -> list[int]:
    wanted, found = f"{MARK}={mark}".encode(), []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (path / "environ").read_bytes().split(b"\0"):
                state = (path / "stat").read_text().rpartition(")")[2].split()[0]
                found += [] if state == "Z" else [int(path.name)]
    return found


class PatientProcess(engines.WorkerProcess):
    """Has no limit but where a record hangs, which does so however fast the machine is."""

    def call(self, function: Any, *arguments: object, timeout: float | None = None) -> Any:
        """Call with a short limit if the call ends in no other way."""
        hangs = "do: loop" in repr(arguments)
        if function is engines.read_some:
            name, record, most = arguments
            hangs = "hang" in str(name) and (record == HANGING or most != 1)
        return super().call(function, *arguments, timeout=1.0 if hangs else None)


def begin_odd_scoring(setup: Setup) -> None:
    """Begin as `engines.begin_scoring` does, but do what a record says when it is read."""
    engines.Stages = _OddStages  # type: ignore[misc]
    engines.begin_scoring(setup)


def begin_odd_reading(*arguments: Any) -> None:
    """Begin as `engines.begin_reading` does, but do what a record says when it is met."""
    real = stages.split_input

    def split(name: str, options: Any) -> Iterator[Any]:
        for item in real(name, options):
            if "odd" in name:
                _heed(repr(item))
            yield item

    stages.split_input = split  # type: ignore[assignment]
    engines.begin_reading(*arguments)


class _OddStages(Stages):
    def _read(self, row: Any) -> Iterator[Any]:
        if "odd" not in row.item.origin.input:
            _heed(repr(row.item))
        return super()._read(row)

    def files(self, tables: Any) -> dict[str, bytes]:
        if any("do: no-rows" in (one or "") for one in tables.columns["sentences"]["text"]):
            raise OverflowError("made up")
        return super().files(tables)


def _heed(said: str) -> None:
    found = re.search(r"do: (\S+?)[.\s]", said)
    what, _, marker = (found[1] if found else "").partition("=")
    if what == "loop":  # in C, where no signal of Python's is heard
        re.match(r"(a+)+$", "a" * 60 + "b")
    elif what == "crash":
        ctypes.string_at(0)
    elif what == "raise":
        raise ZeroDivisionError("made up")
    elif what == "crash-once" and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)


def die(*_: object) -> None:
    os._exit(9)
