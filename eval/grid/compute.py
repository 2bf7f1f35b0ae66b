"""The cells of a grid are computed one after the other; a run that was stopped is resumed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle, load
from framescope.classifier.errors import FramescopeError, InputError, SignalError, StoppedError
from framescope.eval.compare import Footprint, Progress, measure_footprint
from framescope.eval.grid.folder import (
    PARTS,
    Entry,
    GridCell,
    GridError,
    GridFolder,
    GridManifest,
    RowScores,
    refuse_overlap,
)
from framescope.eval.grid.table import Standings, standings, write_table
from framescope.eval.rows import (
    Evaluation,
    HeldOut,
    Sample,
    ScoredRows,
    held_out_of_corpora,
    held_out_of_files,
)
from framescope.training.corpora import KNOWN
from framescope.training.data import Examples

_DRAWS = 2000


def compute_grid(
    path: Path,
    bundles: Sequence[Entry],
    benchmarks: Sequence[Entry],
    *,
    resume: bool = False,
    draws: int | None = None,
    seed: int | None = None,
    allow_other_split: bool = False,
    corpora: Path | None = None,
    progress: Progress,
    failed: Callable[[GridCell], None],
) -> tuple[Standings, int]:
    """Compute the cells that are missing or have failed, and write the table of all.

    On resuming, new bundles and benchmarks are added; ``draws`` and ``seed`` are those of the run
    unless given, at first 2,000 and 0. ``failed`` is told of a cell that failed; the others are
    computed all the same.

    Returns
    -------
    tuple of Standings and int
        The comparison, and how many cells were computed now.

    Raises
    ------
    GridError
        When the run exists already, or doesn't; a bundle, benchmark or option differs from what
        cells were computed with; or another process is computing it.
    StoppedError
        When it is interrupted; computed cells are kept.
    """
    folder = GridFolder(path)
    if resume and not folder.exists():
        folder.manifest()  # says what is wrong
    if not folder.exists() and not (bundles and benchmarks):
        raise GridError(f"{path}: a new run needs --models and --benchmarks; name some")
    if folder.exists() and not resume:
        raise GridError(
            f"{path}: is a run already; resume or extend it with --resume, or give another --output"
        )
    with folder.locked():
        manifest = GridManifest(
            tuple(bundles), tuple(benchmarks), draws or _DRAWS, seed or 0, allow_other_split,
            None if corpora is None else str(corpora.resolve()), __version__,
        )  # fmt: skip
        if folder.exists():
            old = folder.manifest()
            _refuse_other_options(folder, old, draws, seed, allow_other_split)
            manifest = _extended(folder, old, manifest)
        manifest = replace(
            manifest,
            bundles=tuple(one.current(manifest.corpora) for one in manifest.bundles),
            benchmarks=tuple(one.current(manifest.corpora) for one in manifest.benchmarks),
        )
        folder.write_manifest(manifest)
        try:
            computed = _compute_cells(manifest, folder, progress, failed)
        except KeyboardInterrupt as error:
            done = sum(folder.cell(place) is not None for place in manifest.places)
            raise StoppedError(
                f"stopped with {done} of {len(manifest.places)} cells computed; resume with: "
                f"framescope eval batch --output {path} --resume",
                getattr(error, "status", 130),
            ) from error
        found = standings(manifest, folder)
        write_table(found, folder)
    return found, computed


def _refuse_other_options(
    folder: GridFolder, old: GridManifest, draws: int | None, seed: int | None, other_split: bool
) -> None:
    differing = [
        f"{name} {was}, now {now}"
        for name, was, now in (
            ("--draws", old.draws, draws),
            ("--seed", old.seed, seed),
            ("--allow-other-split", old.allow_other_split, other_split or None),
            ("framescope", old.framescope, __version__),
        )
        if now is not None and was != now
    ]
    if differing:
        raise GridError(
            f"{folder.path}: was computed with other options: {'; '.join(differing)}; "
            "type the same ones, or give another --output"
        )


def _extended(folder: GridFolder, old: GridManifest, new: GridManifest) -> GridManifest:
    """Add to a run; what failed everywhere and is not named again is dropped."""
    corpora = new.corpora or old.corpora
    done = dict.fromkeys(one for place in folder.finished(old) for one in place)
    for was in done:
        now = was.current(corpora)
        if now.digest is None:
            raise GridError(
                f"{was.key}: is no longer there, and the run {folder.path} has it; "
                "put it back, or give another --output"
            )
        if now.digest != was.digest:
            raise GridError(
                f"{was.name}: has changed since the run {folder.path} was computed "
                f"({str(was.digest)[:12]}, now {now.digest[:12]}); "
                "put it back, or give another --output"
            )
    extended = replace(
        old,
        bundles=_joined(old.bundles, new.bundles, done),
        benchmarks=_joined(old.benchmarks, new.benchmarks, done),
        corpora=corpora,
    )
    refuse_overlap(extended.benchmarks)
    for place in set(old.places) - set(extended.places):
        folder.forget(place)
    return extended


def _joined(
    old: Sequence[Entry], new: Sequence[Entry], done: Collection[Entry]
) -> tuple[Entry, ...]:
    named, known, names = ({one.key for one in new}, {one.key for one in old},
                           {one.name for one in old})  # fmt: skip
    kept = (one for one in old if not new or one in done or one.key in named)
    added = (one for one in new if one.key not in known)
    return *kept, *(replace(one, name=one.key) if one.name in names else one for one in added)


def _compute_cells(
    manifest: GridManifest,
    folder: GridFolder,
    progress: Progress,
    failed: Callable[[GridCell], None],
) -> int:
    rows, places, computed = _Rows(manifest), manifest.places, 0
    finished = folder.finished(manifest)
    loaded: tuple[Entry, Bundle | str] | None = None
    for number, place in enumerate(places):
        if place in finished:
            continue
        bundle, benchmark = place
        progress(f"{bundle.name} on {benchmark.name}", number, len(places))
        if loaded is None or loaded[0] != bundle:
            loaded = bundle, _loaded(bundle)
        cell, scores = GridCell(bundle.name, benchmark.name), None
        try:
            if isinstance(loaded[1], str):
                cell = replace(cell, why=loaded[1])
            else:
                read = rows.read(benchmark, loaded[1])
                measured = any(one == bundle for one, _ in finished)
                others = (found.rows for (_, one), found in finished.items() if one == benchmark)
                cell, scores = compute_cell(
                    cell, benchmark, loaded[1], read, next(others, {}), footprint=not measured
                )
        except Exception as error:  # a defect of one cell must not end the others
            cell = replace(cell, why=_reason(error))
        folder.write_cell(place, cell, scores)
        computed += 1
        if cell.why:
            failed(cell)
        else:
            finished[place] = cell
    progress("all", len(places), len(places))
    return computed


def _loaded(bundle: Entry) -> Bundle | str:
    """Load a bundle; return why where that fails."""
    try:
        return load(str(bundle.path))
    except Exception as error:  # as of a cell
        return _reason(error)


def _reason(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, FramescopeError) else f"{type(error).__name__}: {said}"


@dataclass
class _Rows:
    """The rows of benchmarks; of each folder the last ones read are kept: corpora are large."""

    manifest: GridManifest
    _kept: dict[str, tuple[str, HeldOut]] = field(default_factory=dict)

    def read(self, benchmark: Entry, bundle: Bundle) -> HeldOut:
        """Read what a bundle is judged by; raises a `FramescopeError` when that can't be done."""
        if benchmark.path is not None:
            path = Path(benchmark.path)
            if not path.is_file():
                known = f"{', '.join(KNOWN)}, with or without /{' or /'.join(PARTS)}"
                reason = f"no such file, and no corpus; give a labelled file, or one of {known}"
                raise InputError(path, reason)
            return self._cached(benchmark.path, "", lambda: held_out_of_files([path]))
        if not benchmark.ships and self.manifest.corpora is None:
            raise GridError(
                f"{benchmark.name}: no folder of corpora; pass --corpora DIR or set "
                "FRAMESCOPE_CORPORA"
            )
        root = None if benchmark.ships else Path(str(self.manifest.corpora))
        allowed = self.manifest.allow_other_split
        bundles = [*([self._reference()] if allowed else []), bundle]
        # Bundles of one split and the same corpora are judged by the same rows.
        corpora = sorted(str(one.get("name")) for one in bundle.manifest.get("corpora", ()))
        key = f"{bundle.manifest.get('split')} {corpora}"
        if allowed:
            key = " ".join(one.digest for one in bundles)
        return self._cached(
            str(root), key, lambda: held_out_of_corpora(root, bundles, allow_other_split=allowed)
        )

    def _cached(self, place: str, key: str, read: Callable[[], HeldOut]) -> HeldOut:
        kept = self._kept.get(place)
        if kept is None or kept[0] != key:
            self._kept.pop(place, None)
            kept = self._kept[place] = key, read()
        return kept[1]

    def _reference(self) -> Bundle:
        """Load the first bundle that can be loaded: its split is used where any is allowed."""
        found = (_loaded(one) for one in self.manifest.bundles)
        return next(one for one in found if not isinstance(one, str))


def compute_cell(
    cell: GridCell,
    benchmark: Entry,
    bundle: Bundle,
    rows: HeldOut,
    expected: Mapping[str, str],
    *,
    footprint: bool,
) -> tuple[GridCell, RowScores]:
    """Score a bundle on a benchmark; `cell` has the names.

    ``expected``: digests of the rows that other bundles were judged by; empty for the first.
    ``footprint``: whether to measure the bundle's size and memory. Raises a `FramescopeError` when
    no row is labelled with a signal of the bundle, or the rows are not the expected ones.
    """
    if not len(rows.examples):
        raise SignalError(f"{benchmark.path or benchmark.name}: holds no article; give another")
    corpus, parts = benchmark.corpus or str(rows.examples.corpus[0]), benchmark.parts
    digests = {part: _rows_digest(rows.examples, corpus, part) for part in parts}
    if expected and digests != expected:
        seed = (bundle.manifest.get("split") or {}).get("seed")
        raise GridError(
            f"{bundle.path}: would be judged on {benchmark.name} by other rows than the bundles "
            f"before it (its split has seed {seed}); judge it in a run of its own"
        )
    evaluation = Evaluation((bundle,), rows.examples, rows.signature, parts)
    scored = evaluation.articles(corpus, parts, bundle.signals)
    samples = [scored.sample(part, signal) for part in parts for signal in bundle.signals]
    if not any(map(len, samples)):
        raise SignalError(
            f"{benchmark.name}: no row of part {' or '.join(parts)} is labelled with "
            f"a signal that {bundle.name} gives: {', '.join(bundle.signals)}"
        )
    takes = Footprint(None, None)
    if footprint:
        takes = measure_footprint(bundle.path, scored.rows.sentences)
    cell = replace(
        cell, digest=bundle.digest, data=rows.signature, rows=digests, sentences=len(scored),
        seconds=scored.seconds[0] * len(scored) / 1000, disk=takes.disk, memory=takes.memory,
        runtime=bundle.runtime,
    )  # fmt: skip
    return cell, _row_scores(scored, [one for one in samples if len(one)], bundle, corpus)


def _row_scores(
    scored: ScoredRows, samples: Sequence[Sample], bundle: Bundle, corpus: str
) -> RowScores:
    signals = list(dict.fromkeys(one.signal for one in samples))
    rows = np.unique(np.concatenate([one.chosen for one in samples]))
    labels, proba = np.full((2, len(rows), len(signals)), np.nan, np.float32)
    for one in samples:
        column, place = signals.index(one.signal), np.searchsorted(rows, one.chosen)
        (given,) = one.scores
        assert given is not None  # only signals of the bundle are asked for
        labels[place, column] = scored.rows.column(one.signal)[one.chosen]
        proba[place, column] = given.proba
    _, group = np.unique(scored.rows.group[rows], return_inverse=True)
    thresholds = [bundle.threshold(signal, corpus) for signal in signals]
    return RowScores(
        np.array(signals, np.str_), np.array(thresholds, np.float64), scored.rows.part[rows],
        group.astype(np.int64), labels, proba,
    )  # fmt: skip


def _rows_digest(examples: Examples, corpus: str, part: str) -> str:
    """Return the digest of a part's texts, labels and groups."""
    total = hashlib.sha256(" ".join(examples.signals).encode())
    for row in np.flatnonzero((examples.corpus == corpus) & (examples.part == part)):
        sentence = examples.sentences[row]
        line = f"{sentence.article_id}\t{examples.group[row]}\t{sentence.text}\n"
        total.update(line.encode(errors="surrogatepass"))
        total.update(examples.labels[row].tobytes())
    return total.hexdigest()
