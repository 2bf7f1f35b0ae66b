"""The cells of a grid are computed one after the other; a run that was stopped is resumed."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle, load
from framescope.classifier.errors import FramescopeError, InputError, SignalError, StoppedError
from framescope.classifier.output import tell
from framescope.eval import rows as held_out
from framescope.eval.compare.comparison import Progress
from framescope.eval.compare.footprint import Footprint, measure_footprint
from framescope.eval.grid.folder import PARTS, Entry, GridCell, GridFolder, GridManifest, RowScores
from framescope.eval.grid.table import Record, standings, write_table
from framescope.eval.rows import Evaluation, HeldOut
from framescope.training.corpora import ADDED, KNOWN
from framescope.training.data import Examples

_DRAWS = 2000


def compute_grid(
    path: Path,
    bundles: Sequence[Entry],
    benchmarks: Sequence[Entry],
    *,
    resume: bool,
    draws: int | None,
    seed: int | None,
    allow_seen: bool,
    corpora: Path | None,
    progress: Progress,
) -> tuple[Record, int]:
    """Compute the cells that are missing or failed; return the comparison, and their number."""
    folder = GridFolder(path)
    if resume and not folder.exists():
        folder.manifest()  # says what is wrong
    if not folder.exists() and not (bundles and benchmarks):
        raise FramescopeError(f"{path}: a new run needs --models and --benchmarks; name some")
    if folder.exists() and not resume:
        remedy = "resume or extend it with --resume, or give another --output"
        raise FramescopeError(f"{path}: is a run already; {remedy}")
    manifest = GridManifest(
        tuple(bundles), tuple(benchmarks), draws or _DRAWS, seed or 0, allow_seen,
        None if corpora is None else str(corpora.resolve()), __version__,
    )  # fmt: skip
    with folder.locked():
        if folder.exists():
            manifest = _extended(folder, manifest, draws, seed)
        manifest = folder.write_manifest(manifest)
        try:
            computed = _compute_cells(manifest, folder, progress)
        except KeyboardInterrupt as error:
            done = sum(folder.cell(place) is not None for place in manifest.places)
            stopped = f"stopped with {done} of {len(manifest.places)} cells computed"
            remedy = f"resume with: framescope eval batch --output {path} --resume"
            status = getattr(error, "status", 130)
            raise StoppedError(f"{stopped}; {remedy}", status) from error
        found = standings(manifest, folder)
        write_table(found, manifest, folder)
    return found, computed


def _extended(
    folder: GridFolder, new: GridManifest, draws: int | None, seed: int | None
) -> GridManifest:
    """Add to a run of the same options; what failed everywhere and isn't named again is dropped."""
    old = folder.manifest()
    differing = [
        f"{name} {was}, now {now}"
        for name, was, now in (
            ("--draws", old.draws, draws), ("--seed", old.seed, seed),
            ("--allow-seen", old.allow_seen, new.allow_seen or None),
            ("framescope", old.framescope, __version__),
        )
        if now is not None and was != now
    ]  # fmt: skip
    if differing:
        reason = f"was computed with other options: {'; '.join(differing)}"
        remedy = "type the same ones, or give another --output"
        raise FramescopeError(f"{folder.path}: {reason}; {remedy}")
    corpora = new.corpora or old.corpora
    done = dict.fromkeys(one for place in folder.finished(old) for one in place)
    for was in done:
        now = was.current(corpora).digest
        if now == was.digest:
            continue
        if now is None:
            why = f"{was.key}: is no longer there, and the run {folder.path} has it"
        else:
            why = f"{was.name}: has changed since the run {folder.path} was computed "
            why += f"({str(was.digest)[:12]}, now {now[:12]})"
        raise FramescopeError(f"{why}; put it back, or give another --output")
    bundles = _joined(old.bundles, new.bundles, done)
    benchmarks = _joined(old.benchmarks, new.benchmarks, done)
    extended = replace(old, bundles=bundles, benchmarks=benchmarks, corpora=corpora)
    for place in set(old.places) - set(extended.places):
        folder.forget(place)
    return extended


def _joined(
    old: Sequence[Entry], new: Sequence[Entry], done: Collection[Entry]
) -> tuple[Entry, ...]:
    named, known, names = {n.key for n in new}, {o.key for o in old}, {o.name for o in old}
    kept = (one for one in old if not new or one in done or one.key in named)
    added = (one for one in new if one.key not in known)
    return *kept, *(replace(one, name=one.key) if one.name in names else one for one in added)


def _compute_cells(manifest: GridManifest, folder: GridFolder, progress: Progress) -> int:
    kept: dict[str, tuple[str, HeldOut]] = {}
    places, computed = manifest.places, 0
    finished = folder.finished(manifest)
    loaded = lru_cache(maxsize=1)(lambda one: load(str(one.path)))
    for number, place in enumerate(places):
        if place in finished:
            continue
        bundle, benchmark = place
        progress(f"{bundle.name} on {benchmark.name}", number, len(places))
        cell, scores = GridCell(bundle.name, benchmark.name), None
        measured = any(one == bundle for one, _ in finished)
        others = (found.rows for (_, one), found in finished.items() if one == benchmark)
        try:
            read = _read_rows(manifest, benchmark, loaded(bundle), kept)
            cell, scores = compute_cell(
                cell, benchmark, loaded(bundle), read, next(others, {}), footprint=not measured
            )
        except Exception as error:  # a defect of one cell must not end the others
            kind = "" if isinstance(error, FramescopeError) else f"{type(error).__name__}: "
            cell = replace(cell, why=kind + " ".join(str(error).split()))
        folder.write_cell(place, cell, scores)
        computed += 1
        if cell.why:
            tell(f"{cell.bundle} on {cell.benchmark} failed: {cell.why}")
        else:
            finished[place] = cell
    progress("all", len(places), len(places))
    return computed


def _read_rows(
    manifest: GridManifest, benchmark: Entry, bundle: Bundle, kept: dict[str, tuple[str, HeldOut]]
) -> HeldOut:
    """Read what a bundle is judged by; of each folder the last rows are `kept`."""
    if benchmark.path is not None:
        path = Path(benchmark.path)
        if not path.is_file():
            known = f"{', '.join(KNOWN)}, with or without /{' or /'.join(PARTS)}"
            reason = f"no such file, and no corpus; give a labelled file, or one of {known}"
            raise InputError(path, reason)
        asked = () if manifest.allow_seen else (bundle,)
        place, key = benchmark.path, " ".join(one.digest for one in asked)
        read = partial(held_out.held_out_of_files, [path], asked)
    elif not benchmark.ships and manifest.corpora is None:
        reason = "no folder of corpora; pass --corpora DIR or set FRAMESCOPE_CORPORA"
        raise FramescopeError(f"{benchmark.name}: {reason}")
    else:
        root, bundles = None if benchmark.ships else Path(str(manifest.corpora)), [bundle]
        # Bundles of one split and the same corpora are judged by the same rows.
        corpora = sorted(str(one.get("name")) for one in bundle.manifest.get("corpora", ()))
        place, key = str(root), f"{bundle.manifest.get('split')} {corpora}"
        key += bundle.digest * (ADDED in corpora)  # which may be what is judged by
        if manifest.allow_seen:  # that of the first bundle that can be loaded is used
            for one in manifest.bundles:
                with suppress(Exception):
                    bundles = [load(str(one.path)), bundle]
                    break
            key = " ".join(one.digest for one in bundles)
        of_corpora = held_out.held_out_of_corpora
        read = partial(of_corpora, root, bundles, allow_seen=manifest.allow_seen)
    if place not in kept or kept[place][0] != key:
        kept.pop(place, None)  # before others are read
        kept[place] = key, read()
    return kept[place][1]


def compute_cell(
    cell: GridCell,
    benchmark: Entry,
    bundle: Bundle,
    rows: HeldOut,
    expected: Mapping[str, str],
    *,
    footprint: bool,
) -> tuple[GridCell, RowScores]:
    """Score a bundle on a benchmark, on the ``expected`` rows if others were judged there."""
    if not len(rows.examples):
        raise SignalError(f"{benchmark.path or benchmark.name}: holds no article; give another")
    corpus, parts = benchmark.corpus or str(rows.examples.corpus[0]), benchmark.parts
    digests = {part: _rows_digest(rows.examples, corpus, part) for part in parts}
    if expected and digests != expected:
        seed = (bundle.manifest.get("split") or {}).get("seed")
        why = f"by other rows than the bundles before it (its split has seed {seed})"
        reason = f"would be judged on {benchmark.name} {why}; judge it in a run of its own"
        raise FramescopeError(f"{bundle.path}: {reason}")
    evaluation = Evaluation((bundle,), rows.examples, rows.signature, parts)
    scored = evaluation.articles(corpus, parts, bundle.signals)
    samples = [scored.sample(part, signal) for part in parts for signal in bundle.signals]
    if not (samples := [one for one in samples if len(one)]):
        labelled = f"is labelled with a signal that {bundle.name} gives"
        reason = f"no row of part {' or '.join(parts)} {labelled}: {', '.join(bundle.signals)}"
        raise SignalError(f"{benchmark.name}: {reason}")
    sentences = scored.rows.sentences
    takes = measure_footprint(bundle.path, sentences) if footprint else Footprint(None, None)
    cell = replace(
        cell, digest=bundle.digest, data=rows.signature, rows=digests, sentences=len(scored),
        seconds=scored.seconds[0] * len(scored) / 1000, disk=takes.disk, memory=takes.memory,
        runtime=bundle.runtime,
    )  # fmt: skip
    signals = list(dict.fromkeys(one.signal for one in samples))
    kept = np.unique(np.concatenate([one.chosen for one in samples]))
    labels, proba, thresholds = np.full((3, len(kept), len(signals)), np.nan, np.float32)
    for one in samples:
        column, place = signals.index(one.signal), np.searchsorted(kept, one.chosen)
        (given,) = one.scores
        assert given is not None  # only signals of the bundle are asked for
        labels[place, column] = scored.rows.column(one.signal)[one.chosen]
        proba[place, column], thresholds[place, column] = given
    _, group = np.unique(scored.rows.group[kept], return_inverse=True)
    return cell, RowScores(
        np.array(signals, np.str_), thresholds, scored.rows.part[kept],
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
