"""A grid of bundles by benchmarks on disk.

RUN/
manifest.json   what was asked for: bundles, benchmarks, their digests, options
cells/*         a bundle on a benchmark: what it took, or why it failed; its scores, row by row
table.*         the comparison of all cells; index.html shows the same
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from framescope.classifier.bundles import MANIFEST, digest, resolve
from framescope.classifier.errors import BundleError, FramescopeError
from framescope.classifier.files import LockedError, atomic_write, locked
from framescope.eval.rows import FILE_PART, HELD_OUT, Bools, Scores, Single, is_positive
from framescope.eval.sections import json_text
from framescope.training.corpora import KNOWN, find_corpus
from framescope.training.data import VALIDATION
from numpy.typing import NDArray

_FORMAT = 4
PARTS = (*HELD_OUT, VALIDATION)
_MANIFEST_FILE, _LOCK = "manifest.json", ".lock"


@dataclass(frozen=True, slots=True)
class Entry:
    """A bundle or a benchmark."""

    name: str
    path: str | None = None  # a bundle's folder, or a labelled file
    corpus: str | None = None  # of another benchmark
    parts: tuple[str, ...] = ()  # empty for a bundle
    digest: str | None = None  # SHA-256 of manifest, file or corpus; None while there is none

    @property
    def key(self) -> str:
        """Identifies the entry, whatever it is called."""
        return self.path or f"{self.corpus}/{'+'.join(self.parts)}"

    @property
    def ships(self) -> bool:
        """Whether no folder of corpora is needed."""
        return self.corpus is None or find_corpus(self.corpus).shipped

    def current(self, corpora: str | None) -> Self:
        """Return the entry with its present digest; `corpora`: the folder of corpora."""
        if self.path is not None:
            path = Path(self.path) if self.parts else Path(self.path, MANIFEST)
            return replace(self, digest=digest(path) if path.is_file() else None)
        corpus = find_corpus(self.corpus or "")
        place = corpus.place(None if corpora is None else Path(corpora))
        here = place is not None and not corpus.lacks(place)
        return replace(self, digest=corpus.digest(place) if place and here else None)


Place = tuple[Entry, Entry]  # a bundle and a benchmark


def parse_bundles(words: Iterable[str]) -> tuple[Entry, ...]:
    """Return bundles by their names or folders; a missing one is an error when it is loaded."""
    found: dict[str, Entry] = {}
    for word in words:
        folder = Path(word)
        with suppress(BundleError):
            folder = resolve(word)
        path = folder.resolve()
        name = path.name if folder == Path(word) else word
        found.setdefault(str(path), Entry(name, str(path)))
    return _named_apart(found)


def parse_benchmarks(words: Iterable[str]) -> tuple[Entry, ...]:
    """Return benchmarks: corpora, parts (``babe/test+validation``), files; ``corpora`` for all."""
    found: dict[str, Entry] = {}
    for word in (one for given in words for one in (KNOWN if given == "corpora" else (given,))):
        corpus, _, named = word.partition("/")
        parts = tuple(dict.fromkeys(named.split("+"))) if named else HELD_OUT
        if corpus in KNOWN and set(parts) <= set(PARTS):
            name = corpus if parts == HELD_OUT else f"{corpus}/{'+'.join(parts)}"
            found.setdefault(name, Entry(name, corpus=corpus, parts=parts))
        else:
            path = Path(word).resolve()
            found.setdefault(str(path), Entry(path.name, str(path), parts=(FILE_PART,)))
    return _named_apart(found)


def _named_apart(found: Mapping[str, Entry]) -> tuple[Entry, ...]:
    names = [one.name for one in found.values()]
    return tuple(
        one if names.count(one.name) == 1 else replace(one, name=key) for key, one in found.items()
    )


@dataclass(frozen=True, slots=True)
class GridManifest:
    """What was asked for; benchmarks may share no rows, which would count twice."""

    bundles: tuple[Entry, ...]
    benchmarks: tuple[Entry, ...]
    draws: int
    seed: int
    allow_seen: bool
    corpora: str | None
    framescope: str  # the version that computes

    def __post_init__(self) -> None:
        """Raise `FramescopeError` when two benchmarks share rows."""
        seen: dict[tuple[str, str], str] = {}
        for one in self.benchmarks:
            for part in one.parts if one.corpus else ():
                other = seen.setdefault((str(one.corpus), part), one.name)
                if other != one.name:
                    why = f"shares rows with {other}; give one of the two"
                    raise FramescopeError(f"{one.name}: {why}")

    @property
    def places(self) -> list[Place]:
        """Every bundle on every benchmark, bundle by bundle."""
        return [(bundle, benchmark) for bundle in self.bundles for benchmark in self.benchmarks]


@dataclass(frozen=True, slots=True)
class GridCell:
    """A bundle on a benchmark."""

    bundle: str
    benchmark: str
    why: str = ""  # it failed: then nothing else is set
    digest: str = ""  # of the bundle, as `framescope eval` writes it
    data: str = ""  # of the rows, likewise
    rows: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by part
    sentences: int = 0
    seconds: float | None = None
    disk: int | None = None  # bytes; None where measured in another cell
    memory: int | None = None  # likewise
    runtime: str = ""
    scores: str = ""  # SHA-256 of their file


class RowScores(NamedTuple):
    """The n labelled rows of a cell with k signals: NaN where a row has no label of a signal."""

    signals: NDArray[np.str_]
    thresholds: Single
    part: NDArray[np.str_]
    group: NDArray[np.int64]
    labels: Single
    proba: Single

    def of(self, part: str, signal: str) -> tuple[Bools, NDArray[np.int64], Scores]:
        """Return truth, groups and scores of a signal's rows; none where it has none."""
        column = self.signals.tolist().index(signal)
        kept = (self.part == part) & ~np.isnan(self.labels[:, column])
        given = Scores(self.proba[kept, column], self.thresholds[kept, column])
        return is_positive(self.labels[kept, column]), self.group[kept], given


@dataclass(frozen=True)
class GridFolder:
    """The folder of a grid."""

    path: Path

    def exists(self) -> bool:
        """Whether the folder holds a grid."""
        return (self.path / _MANIFEST_FILE).is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder, and keep other processes from writing into it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            others = {one.name for one in self.path.iterdir()} - {_LOCK}
        except OSError as error:
            raise self._refused(f"can't be made ({error.strerror});") from None
        if others and not self.exists():
            raise self._refused("holds other things;")
        try:
            with locked(self.path / _LOCK):
                yield
        except LockedError:
            raise self._refused("another process is computing it; wait for it, or") from None

    def _refused(self, why: str, name: str = "") -> FramescopeError:
        return FramescopeError(f"{self.path / name}: {why} give another --output")

    def manifest(self) -> GridManifest:
        """Read the manifest; raises `FramescopeError` when there is none that can be read."""
        try:
            record = json.loads((self.path / _MANIFEST_FILE).read_text(encoding="utf-8"))
            if record.pop("format") != _FORMAT:
                version = record.get("framescope")
                raise self._refused(f"was written by framescope {version};", _MANIFEST_FILE)
            bundles, benchmarks = (
                tuple(Entry(**{**one, "parts": tuple(one["parts"])}) for one in record.pop(name))
                for name in ("bundles", "benchmarks")
            )
            return GridManifest(bundles, benchmarks, **record)
        except FileNotFoundError:
            reason = "holds no run; leave --resume out to begin one"
            raise FramescopeError(f"{self.path}: {reason}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._refused(f"is damaged ({error});", _MANIFEST_FILE) from None

    def write_manifest(self, manifest: GridManifest) -> GridManifest:
        """Write a manifest with the present digests, and return it."""
        bundles, benchmarks = (
            tuple(one.current(manifest.corpora) for one in entries)
            for entries in (manifest.bundles, manifest.benchmarks)
        )
        found = replace(manifest, bundles=bundles, benchmarks=benchmarks)
        atomic_write(self.path / _MANIFEST_FILE, json_text({"format": _FORMAT, **asdict(found)}))
        return found

    def cell(self, place: Place) -> GridCell | None:
        """Read a cell; None where it was not computed, or its files are not whole."""
        path = self._file(place)
        with suppress(OSError, ValueError, TypeError):
            cell = GridCell(**json.loads(path.read_text(encoding="utf-8")))
            if cell.why or cell.scores == digest(path.with_suffix(".npz")):
                return cell
        return None

    def finished(self, manifest: GridManifest) -> dict[Place, GridCell]:
        """Read the cells that were computed and did not fail."""
        cells = ((place, self.cell(place)) for place in manifest.places)
        return {place: cell for place, cell in cells if cell is not None and not cell.why}

    def scores(self, place: Place) -> RowScores:
        """Read the scores of a cell that did not fail."""
        with np.load(self._file(place).with_suffix(".npz")) as arrays:
            return RowScores(**arrays)

    def write_cell(self, place: Place, cell: GridCell, scores: RowScores | None = None) -> None:
        """Write a cell: its scores first, since the record says that it is there."""
        path = self._file(place)
        path.parent.mkdir(exist_ok=True)
        if scores is not None:
            buffer = io.BytesIO()
            np.savez(buffer, **scores._asdict())
            atomic_write(path.with_suffix(".npz"), buffer.getvalue())
            cell = replace(cell, scores=digest(path.with_suffix(".npz")))
        atomic_write(path, json_text(asdict(cell)))

    def forget(self, place: Place) -> None:
        """Delete a cell."""
        for suffix in (".json", ".npz"):
            self._file(place).with_suffix(suffix).unlink(missing_ok=True)

    def _file(self, place: Place) -> Path:
        # Names are for people; the end tells two cells apart.
        name = "-".join(re.sub(r"\W+", "-", one.name)[:40] for one in place)
        key = "\0".join(one.key for one in place).encode(errors="surrogateescape")
        return self.path / "cells" / f"{name}-{hashlib.sha256(key).hexdigest()[:12]}.json"
