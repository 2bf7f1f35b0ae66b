"""A run on disk: a folder whose files are there whole or not at all.

RUN/
manifest.json   what was asked for: bundles, benchmarks, their digests, options
cells/*.json    a bundle on a benchmark: its record, or why there is none
cells/*.npz     the scores behind it, row by row
table.json      what came of all cells; table.md and index.html say the same
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from framescope.eval.grid.asked import GridBenchmark, GridBundle, GridError
from framescope.eval.metrics import Interval
from framescope.eval.report import json_text
from framescope.eval.rows import Bools, Given, Single, is_positive
from numpy.typing import NDArray

FORMAT = 1
"""Of the folder; a newer one is refused."""
_MANIFEST = "manifest.json"
_CELLS = "cells"


@dataclass(frozen=True, slots=True)
class GridManifest:
    """What was asked for.

    ``draws``, ``seed``: of the resampling. ``corpora``: the folder of corpora, None where none is
    needed. ``framescope``: the version that computes.
    """

    bundles: tuple[GridBundle, ...]
    benchmarks: tuple[GridBenchmark, ...]
    draws: int
    seed: int
    allow_other_split: bool
    corpora: str | None
    framescope: str

    @property
    def cells(self) -> list[tuple[GridBundle, GridBenchmark]]:
        """Every bundle on every benchmark, bundle by bundle."""
        return [(bundle, benchmark) for bundle in self.bundles for benchmark in self.benchmarks]


@dataclass(frozen=True, slots=True)
class GridFigures:
    """One signal on one part: what `framescope eval run` says of one bundle there.

    ``figures``, ``intervals``: by the names of `eval.metrics.METRICS`; NaN where undefined.
    """

    part: str
    signal: str
    n: int
    n_groups: int
    positives: int
    figures: Mapping[str, float]
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class GridCell:
    """A bundle on a benchmark.

    Attributes
    ----------
    bundle, benchmark : str
        Their names.
    why : str
        Why it failed; empty where it did not, and nothing else is set where it did.
    digest : str
        Of the bundle, as `classifier.bundles.Bundle` has it.
    data : str
        What it was judged by, as the signature of `framescope eval run` names it.
    rows : mapping of str to str
        SHA-256 of each part's rows, labels and groups.
    figures : tuple of GridFigures
        Of each labelled signal that the bundle gives.
    sentences : int
        How many were scored: whole articles, rows of no label among them.
    seconds : float
        Wall-clock, for all of them, after a warm-up.
    disk, memory : int or None
        Bytes that the bundle takes, and that a process that scores with it needs at the most;
        None where it wasn't measured here.
    draws, seed : int
        Of the resampling.
    framescope, code, runtime : str
        The version; SHA-256 of the code that scores and judges; and the library and the processor's
        instructions that computed.
    scores : str
        SHA-256 of the file of scores.
    """

    bundle: str
    benchmark: str
    why: str = ""
    digest: str = ""
    data: str = ""
    rows: Mapping[str, str] = field(default_factory=dict)
    figures: tuple[GridFigures, ...] = ()
    sentences: int = 0
    seconds: float = math.nan
    disk: int | None = None
    memory: int | None = None
    draws: int = 0
    seed: int = 0
    framescope: str = ""
    code: str = ""
    runtime: str = ""
    scores: str = ""

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> GridCell:
        """Read what was written; what is undefined is null there."""
        figures = tuple(
            GridFigures(
                **{
                    **one,
                    "figures": {name: _number(value) for name, value in one["figures"].items()},
                    "intervals": {
                        name: Interval(_number(found["low"]), _number(found["high"]))
                        for name, found in one["intervals"].items()
                    },
                }
            )
            for one in record["figures"]
        )
        return cls(**{**record, "figures": figures, "seconds": _number(record["seconds"])})


@dataclass(frozen=True, slots=True, eq=False)
class RowScores:
    """The judged rows of a cell, n of them, and what the bundle says of each.

    Attributes
    ----------
    signals : ndarray of str, shape (k,)
    thresholds : ndarray of float64, shape (k,)
    part : ndarray of str, shape (n,)
    group : ndarray of int64, shape (n,)
        What is resampled whole, numbered in the order of their names.
    labels : ndarray of float32, shape (n, k)
        NaN where the row isn't judged by the signal.
    proba : ndarray of float32, shape (n, k)
    """

    signals: NDArray[np.str_]
    thresholds: NDArray[np.float64]
    part: NDArray[np.str_]
    group: NDArray[np.int64]
    labels: Single
    proba: Single

    def of(self, part: str, signal: str) -> tuple[Bools, NDArray[np.int64], Given]:
        """Give the truth and the groups of a signal's rows, and the scores; in the rows' order."""
        column = self.signals.tolist().index(signal)
        kept = (self.part == part) & ~np.isnan(self.labels[:, column])
        given = Given(self.proba[kept, column], float(self.thresholds[column]))
        return is_positive(self.labels[kept, column]), self.group[kept], given


class GridFolder:
    """A run's folder.

    Parameters
    ----------
    path : pathlib.Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether a run was begun there."""
        return (self.path / _MANIFEST).is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep other processes from writing into it.

        Raises
        ------
        GridError
            When another does, or it can't be made.
        """
        import fcntl

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            number = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            reason = f"can't be made ({error.strerror}); give another --output"
            raise GridError(f"{self.path}: {reason}") from None
        try:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                reason = "another process is computing it; wait for it, or give another --output"
                raise GridError(f"{self.path}: {reason}") from None
            yield
        finally:
            os.close(number)

    def manifest(self) -> GridManifest:
        """Read what was asked for.

        Raises
        ------
        GridError
            When there is no run, a damaged one, or one of a newer format.
        """
        path = self.path / _MANIFEST
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            newer = record.pop("format") > FORMAT
        except FileNotFoundError:
            reason = "holds no run; leave out --resume and --add to begin one"
            raise GridError(f"{self.path}: {reason}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise GridError(f"{path}: can't be read ({error}); give another --output") from None
        if newer:
            said = record.get("framescope")
            raise GridError(f"{path}: of framescope {said}, which is newer; upgrade to go on")
        try:
            bundles = tuple(GridBundle(**one) for one in record.pop("bundles"))
            benchmarks = tuple(map(GridBenchmark.of_record, record.pop("benchmarks")))
            return GridManifest(bundles, benchmarks, **record)
        except (KeyError, TypeError, AttributeError) as error:
            raise GridError(f"{path}: is damaged ({error}); give another --output") from None

    def write_manifest(self, manifest: GridManifest) -> None:
        """Write what is asked for."""
        self.write_text(_MANIFEST, json_text({"format": FORMAT, **asdict(manifest)}))

    def cell(self, bundle: GridBundle, benchmark: GridBenchmark) -> GridCell | None:
        """Read a cell; None where it wasn't computed, or isn't whole."""
        path = self._place(bundle, benchmark)
        try:
            cell = GridCell.of_record(json.loads(path.read_text(encoding="utf-8")))
            whole = cell.why or cell.scores == _digest(path.with_suffix(".npz").read_bytes())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return cell if whole else None

    def scores(self, bundle: GridBundle, benchmark: GridBenchmark) -> RowScores:
        """Read the scores of a cell that did not fail."""
        with np.load(
            self._place(bundle, benchmark).with_suffix(".npz"), allow_pickle=False
        ) as arrays:
            return RowScores(**{name: arrays[name] for name in RowScores.__slots__})

    def write_cell(
        self,
        bundle: GridBundle,
        benchmark: GridBenchmark,
        cell: GridCell,
        scores: RowScores | None = None,
    ) -> None:
        """Write a cell: its scores first, since its record is what says that it is there."""
        path = self._place(bundle, benchmark)
        path.parent.mkdir(exist_ok=True)
        digest = ""
        if scores is not None:
            arrays = {name: getattr(scores, name) for name in RowScores.__slots__}
            file = path.with_suffix(".npz")
            _write(file, lambda to: np.savez(to, **arrays))
            digest = _digest(file.read_bytes())
        text = json_text({**asdict(cell), "scores": digest})
        _write(path, lambda to: to.write(text.encode()))

    def forget(self, bundle: GridBundle, benchmark: GridBenchmark) -> None:
        """Delete a cell."""
        for suffix in (".json", ".npz"):
            self._place(bundle, benchmark).with_suffix(suffix).unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder."""
        _write(self.path / name, lambda to: to.write(text.encode()))

    def _place(self, bundle: GridBundle, benchmark: GridBenchmark) -> Path:
        # Names for people; what tells two cells apart is the end.
        said = "-".join(re.sub(r"\W+", "-", one.name)[:40] for one in (bundle, benchmark))
        return self.path / _CELLS / f"{said}-{_digest(_key(bundle, benchmark))[:12]}.json"


def _key(*of: GridBundle | GridBenchmark) -> bytes:
    keys: Sequence[str] = [one.key for one in of]
    return "\0".join(keys).encode(errors="surrogateescape")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file so that it is there whole, whatever happens."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
