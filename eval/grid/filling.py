"""A run of many bundles over many benchmarks: begun, gone on with, added to, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from framescope.classifier import __version__, bundles
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError, StoppedError
from framescope.eval.compare import Progress
from framescope.eval.grid.asked import GridBenchmark, GridBundle, GridError, refuse_overlap
from framescope.eval.grid.judging import Judge, Rows
from framescope.eval.grid.kept import GridCell, GridFolder, GridManifest
from framescope.eval.grid.standings import Standings, standings_of
from framescope.eval.grid.tabled import write_standings

_Entry = TypeVar("_Entry", GridBundle, GridBenchmark)
_DRAWS, _SEED = 2000, 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run is asked to hold.

    Attributes
    ----------
    folder : pathlib.Path
    bundles, benchmarks : tuple
        None asked for: those of the run that is gone on with.
    resume, add : bool
        Go on with a run; let it have more than it had.
    draws, seed : int or None
        None: as the run has it, or 2,000 and 0.
    allow_other_split : bool
    corpora : pathlib.Path or None
        The folder of corpora.
    """

    folder: Path
    bundles: tuple[GridBundle, ...] = ()
    benchmarks: tuple[GridBenchmark, ...] = ()
    resume: bool = False
    add: bool = False
    draws: int | None = None
    seed: int | None = None
    allow_other_split: bool = False
    corpora: Path | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """How a run ended; ``computed``: cells that weren't there before, or had failed."""

    standings: Standings
    computed: int


Failed = Callable[[GridCell], None]
"""Told of a cell that failed."""


def fill(wanted: Wanted, progress: Progress, failed: Failed) -> Filled:
    """Compute the cells of a run that aren't there, and write what came of all.

    A cell that failed before is tried again; one that fails is recorded, and the others go on.

    Raises
    ------
    GridError
        When the run can't begin or go on: it is there already, or isn't; what was computed was
        computed of something else; another process is at it.
    StoppedError
        When it is interrupted: what was computed is kept.
    """
    folder = GridFolder(wanted.folder)
    if (wanted.resume or wanted.add) and not folder.exists():
        folder.manifest()  # which says what is wrong
    if not (folder.exists() or (wanted.bundles and wanted.benchmarks)):
        raise GridError(f"{folder.path}: a new run needs --models and --benchmarks; name some")
    with folder.locked():
        manifest = _planned(wanted, folder)
        folder.write_manifest(manifest)
        try:
            computed = _computed(manifest, folder, progress, failed)
        except KeyboardInterrupt as error:
            done = sum(folder.cell(*one) is not None for one in manifest.cells)
            raise StoppedError(
                f"stopped with {done} of {len(manifest.cells)} cells computed; go on with: "
                f"framescope eval batch --output {wanted.folder} --resume",
                getattr(error, "status", 130),
            ) from error
        found = standings_of(manifest, folder)
        write_standings(found, folder)
    return Filled(found, computed)


def _planned(wanted: Wanted, folder: GridFolder) -> GridManifest:
    """Say what the run holds: what it had, and what is asked for now."""
    if not folder.exists():
        if any(folder.path.iterdir()):
            raise GridError(f"{folder.path}: holds other things; give another --output")
        new = GridManifest(
            (),
            (),
            _DRAWS if wanted.draws is None else wanted.draws,
            _SEED if wanted.seed is None else wanted.seed,
            wanted.allow_other_split,
            None if wanted.corpora is None else str(wanted.corpora.resolve()),
            __version__,
        )
        return _looked_at(replace(new, bundles=wanted.bundles, benchmarks=wanted.benchmarks))
    if not (wanted.resume or wanted.add):
        raise GridError(
            f"{folder.path}: is a run already; go on with it by --resume, give it more by --add, "
            "or give another --output"
        )
    old = folder.manifest()
    _refuse_other_options(wanted, old, folder)
    if wanted.corpora is not None:
        old = replace(old, corpora=str(wanted.corpora.resolve()))
    planned = replace(
        old,
        bundles=_joined(old.bundles, wanted.bundles, wanted, old, folder),
        benchmarks=_joined(old.benchmarks, wanted.benchmarks, wanted, old, folder),
    )
    refuse_overlap(planned.benchmarks)
    now = _looked_at(planned)
    _refuse_changed(planned, now, folder)
    kept = {(bundle.key, benchmark.key) for bundle, benchmark in now.cells}
    for bundle, benchmark in old.cells:
        if (bundle.key, benchmark.key) not in kept:
            folder.forget(bundle, benchmark)
    return now


def _refuse_other_options(wanted: Wanted, old: GridManifest, folder: GridFolder) -> None:
    differing = [
        f"{name} {was}, now {now}"
        for name, was, now in (
            ("--draws", old.draws, wanted.draws),
            ("--seed", old.seed, wanted.seed),
            ("--allow-other-split", old.allow_other_split, wanted.allow_other_split or None),
            ("framescope", old.framescope, __version__),
        )
        if now is not None and was != now
    ]
    if differing:
        raise GridError(
            f"{folder.path}: was computed otherwise: {'; '.join(differing)}; "
            "type what it was computed with, or give another --output"
        )


def _joined(
    old: Sequence[_Entry],
    given: Sequence[_Entry],
    wanted: Wanted,
    manifest: GridManifest,
    folder: GridFolder,
) -> tuple[_Entry, ...]:
    """Put what is asked for behind what the run has; what nothing came of may be left out."""
    known, asked = {one.key for one in old}, {one.key for one in given}
    more: list[_Entry] = [one for one in given if one.key not in known]
    if wanted.add or not given:
        joined = list(old)
        joined += [_named_apart(one, old) for one in more]
        return tuple(joined)
    names = ", ".join(one.name for one in more)
    if more:
        raise GridError(
            f"{folder.path}: lacks {names}; put it into the run with --add, or leave it out"
        )
    done = {
        key
        for bundle, benchmark in manifest.cells
        if (cell := folder.cell(bundle, benchmark)) is not None and not cell.why
        for key in (bundle.key, benchmark.key)
    }
    lost = ", ".join(one.name for one in old if one.key in done - asked)
    if lost:
        raise GridError(
            f"{folder.path}: also has {lost}; name it too, or leave --models and --benchmarks out"
        )
    return tuple(one for one in old if one.key in asked)


def _named_apart(entry: _Entry, old: Sequence[_Entry]) -> _Entry:
    return replace(entry, name=entry.key) if entry.name in {one.name for one in old} else entry


def _looked_at(manifest: GridManifest) -> GridManifest:
    """Take the digests that all has now."""
    corpora = None if manifest.corpora is None else Path(manifest.corpora)
    return replace(
        manifest,
        bundles=tuple(one.looked_at(corpora) for one in manifest.bundles),
        benchmarks=tuple(one.looked_at(corpora) for one in manifest.benchmarks),
    )


def _refuse_changed(old: GridManifest, now: GridManifest, folder: GridFolder) -> None:
    """Refuse what isn't any more what cells were computed of."""
    for (bundle, benchmark), present in zip(old.cells, now.cells, strict=True):
        cell = folder.cell(bundle, benchmark)
        pairs: list[tuple[GridBundle | GridBenchmark, GridBundle | GridBenchmark]] = [
            (bundle, present[0]),
            (benchmark, present[1]),
        ]
        for was, one in pairs:
            if cell is None or cell.why or was.digest == one.digest:
                continue
            if one.digest is None:
                raise GridError(
                    f"{one.key}: is no longer there, and the run {folder.path} has it; "
                    "put it back, or give another --output"
                )
            raise GridError(
                f"{one.name}: has changed since the run {folder.path} was computed "
                f"({str(was.digest)[:12]}, now {one.digest[:12]}); "
                "put it back, or give another --output"
            )


def _computed(
    manifest: GridManifest, folder: GridFolder, progress: Progress, failed: Failed
) -> int:
    """Compute what isn't there; how many cells that were."""

    @cache
    def reference() -> Bundle:
        """Give the first bundle that can be loaded: its split is taken where any is allowed."""
        for one in manifest.bundles[:-1]:
            try:
                return bundles.load(one.path)
            except FramescopeError:
                continue
        return bundles.load(manifest.bundles[-1].path)

    corpora = None if manifest.corpora is None else Path(manifest.corpora)
    rows = Rows(manifest, corpora, reference)
    total, computed = len(manifest.cells), 0
    for at, bundle in enumerate(manifest.bundles):
        kept = [folder.cell(bundle, benchmark) for benchmark in manifest.benchmarks]
        if all(cell is not None and not cell.why for cell in kept):
            continue
        judge: Judge | str
        try:
            measured = any(cell is not None and cell.disk is not None for cell in kept)
            judge = Judge(bundles.load(bundle.path), manifest, measured)
        except Exception as error:  # whatever is wrong with one, the others go on
            judge = _reason(error)
        for place, (benchmark, cell) in enumerate(zip(manifest.benchmarks, kept, strict=True)):
            if cell is not None and not cell.why:
                continue
            number = at * len(manifest.benchmarks) + place
            what = f"{bundle.name} on {benchmark.name}"
            progress(what, number, total)
            found, scores = GridCell(bundle.name, benchmark.name), None
            if isinstance(judge, str):
                found = replace(found, why=judge)
            else:
                said = _Counted(what, number, total, progress)
                expected = _rows_before(manifest, folder, benchmark)
                try:
                    read = rows.of(benchmark, judge.bundle)
                    found, scores = judge.cell(bundle.name, benchmark, read, expected, said)
                except Exception as error:
                    found = replace(found, why=_reason(error))
            folder.write_cell(bundle, benchmark, found, scores)
            computed += 1
            if found.why:
                failed(found)
    progress("all", total, total)
    return computed


def _rows_before(
    manifest: GridManifest, folder: GridFolder, benchmark: GridBenchmark
) -> dict[str, str]:
    """Give the digests of the rows that other bundles were judged by; none before any was."""
    for bundle in manifest.bundles:
        cell = folder.cell(bundle, benchmark)
        if cell is not None and not cell.why:
            return dict(cell.rows)
    return {}


class _Counted:
    """Says how many sentences of a cell were scored."""

    def __init__(self, what: str, number: int, total: int, progress: Progress) -> None:
        self.what, self.number, self.total, self.progress = what, number, total, progress
        self.scored = 0

    def __call__(self, n: int) -> None:
        self.scored += n
        self.progress(f"{self.what}, {self.scored:,} sentences", self.number, self.total)


def _reason(error: Exception) -> str:
    """Say in a line why a cell failed; of a defect also what kind it is."""
    said = " ".join(str(error).split())
    if isinstance(error, FramescopeError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
