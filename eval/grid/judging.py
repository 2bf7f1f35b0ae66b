"""One cell: a bundle on a benchmark, by the calls that `framescope eval run` makes.

The parts of a corpus are scored together, in blocks as they are there, and figures and intervals
come from the same functions: they are the same to the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle, digest
from framescope.classifier.errors import SignalError
from framescope.eval.compare import Footprint, measure_footprint
from framescope.eval.grid.asked import GridBenchmark, GridError, missing_file
from framescope.eval.grid.kept import GridCell, GridFigures, GridManifest, RowScores
from framescope.eval.metrics import all_metrics, resample_figures
from framescope.eval.rows import (
    Evaluation,
    HeldOut,
    Sample,
    ScoredRows,
    held_out_of_corpora,
    held_out_of_files,
)
from framescope.training.data import Examples

Scoring = Callable[[int], None]
"""Told of how many sentences more were scored."""


@dataclass
class Rows:
    """The rows of the benchmarks, each read once.

    Attributes
    ----------
    manifest : GridManifest
    corpora : pathlib.Path or None
        The folder of corpora.
    reference : callable
        Gives the bundle whose split is taken where any is allowed.
    """

    manifest: GridManifest
    corpora: Path | None
    reference: Callable[[], Bundle]
    _kept: dict[str, tuple[str, HeldOut]] = field(default_factory=dict)

    def of(self, benchmark: GridBenchmark, bundle: Bundle) -> HeldOut:
        """Read what a bundle is judged by on a benchmark.

        Raises
        ------
        FramescopeError
            When it can't be read, or the bundle was trained on another split.
        """
        if benchmark.corpus is None:
            path = Path(benchmark.path or "")
            if not path.is_file():
                raise missing_file(benchmark)
            return self._read(benchmark.key, "", lambda: held_out_of_files([path]))
        root = None if benchmark.ships else self.corpora
        if root is None and not benchmark.ships:
            raise GridError(
                f"{benchmark.name}: no folder of corpora; pass --corpora DIR or set "
                "FRAMESCOPE_CORPORA"
            )
        others = [self.reference()] if self.manifest.allow_other_split else []
        # Bundles of one split and the same corpora are refused alike, and given the same rows.
        split, learned = bundle.manifest.get("split"), bundle.manifest.get("corpora", ())
        same = f"{split} {sorted(str(one.get('name')) for one in learned)}"
        return self._read(
            str(root),
            f"{others[0].digest} {bundle.digest}" if others else same,
            lambda: held_out_of_corpora(
                root, [*others, bundle], allow_other_split=self.manifest.allow_other_split
            ),
        )

    def _read(self, place: str, key: str, read: Callable[[], HeldOut]) -> HeldOut:
        """Read what wasn't read; of a place the last is kept, since corpora are large."""
        kept = self._kept.get(place)
        if kept is None or kept[0] != key:
            self._kept.pop(place, None)
            kept = self._kept[place] = (key, read())
        return kept[1]


@dataclass
class Judge:
    """A bundle while it is judged, benchmark by benchmark.

    Attributes
    ----------
    bundle : Bundle
    manifest : GridManifest
    measured : bool
        Whether its footprint is known.
    """

    bundle: Bundle
    manifest: GridManifest
    measured: bool = False
    _evaluations: dict[int, Evaluation] = field(default_factory=dict)

    def cell(
        self,
        name: str,
        benchmark: GridBenchmark,
        rows: HeldOut,
        expected: Mapping[str, str],
        done: Scoring,
    ) -> tuple[GridCell, RowScores]:
        """Compute a cell.

        Parameters
        ----------
        name : str
            What to call the bundle.
        benchmark : GridBenchmark
        rows : HeldOut
            What `Rows.of` gives.
        expected : mapping of str to str
            The digest of each part, of the bundles that were judged before; empty before any was.
        done : callable

        Raises
        ------
        FramescopeError
            When no row has a label of a signal that the bundle gives, when the rows are not those
            that other bundles were judged by, or when scores are no probabilities.
        """
        bundle, manifest = self.bundle, self.manifest
        if not len(rows.examples):
            raise SignalError(f"{benchmark.path or benchmark.name}: holds no article; give another")
        corpus = benchmark.corpus or str(rows.examples.corpus[0])
        digests = {part: _digest(rows.examples, corpus, part) for part in benchmark.parts}
        if expected and digests != expected:
            seed = (bundle.manifest.get("split") or {}).get("seed")
            raise GridError(
                f"{bundle.path}: would be judged on {benchmark.name} by other rows than the bundles"
                f" before it (its split has seed {seed}); judge it in a run of its own"
            )
        evaluation = self._evaluations.setdefault(
            id(rows), Evaluation((bundle,), rows.examples, rows.signature, benchmark.parts)
        )
        scored = evaluation.articles(corpus, benchmark.parts, bundle.signals, lambda _, n: done(n))
        samples = [
            one
            for part in benchmark.parts
            for signal in bundle.signals
            if len(one := scored.sample(part, signal))
        ]
        if not samples:
            raise SignalError(
                f"{benchmark.name}: no row of part {' or '.join(benchmark.parts)} is labelled with "
                f"a signal that {bundle.name} gives: {', '.join(bundle.signals)}"
            )
        footprint = self._footprint(scored)
        cell = GridCell(
            name,
            benchmark.name,
            digest=bundle.digest,
            data=rows.signature,
            rows=digests,
            figures=tuple(_figures(one, manifest.draws, manifest.seed) for one in samples),
            sentences=len(scored),
            seconds=scored.seconds[0] * len(scored) / 1000,
            disk=footprint.disk,
            memory=footprint.memory,
            draws=manifest.draws,
            seed=manifest.seed,
            framescope=__version__,
            code=_code(),
            runtime=bundle.runtime,
        )
        return cell, _scores(scored, samples, bundle, corpus)

    def _footprint(self, scored: ScoredRows) -> Footprint:
        """Measure what the bundle takes, once."""
        if self.measured:
            return Footprint(None, None)
        self.measured = True
        return measure_footprint(self.bundle.path, scored.rows.sentences)


def _figures(sample: Sample, draws: int, seed: int) -> GridFigures:
    truth, groups, (given,) = sample.truth, sample.groups, sample.given
    assert given is not None  # only signals of the bundle are asked for
    drawn = resample_figures(truth, given, None, groups, draws=draws, seed=seed)
    return GridFigures(
        sample.part,
        sample.signal,
        len(sample),
        len(np.unique(groups)),
        int(truth.sum()),
        all_metrics(truth, *given),
        drawn.a,
    )


def _scores(scored: ScoredRows, samples: list[Sample], bundle: Bundle, corpus: str) -> RowScores:
    """Keep the rows that are judged by some signal, and the cells that are."""
    signals = list(dict.fromkeys(one.signal for one in samples))
    rows = np.unique(np.concatenate([one.chosen for one in samples]))
    labels, proba = np.full((2, len(rows), len(signals)), np.nan, np.float32)
    for one in samples:
        column, place = signals.index(one.signal), np.searchsorted(rows, one.chosen)
        labels[place, column] = scored.rows.column(one.signal)[one.chosen]
        given: Any = one.given[0]
        proba[place, column] = given.proba
    _, group = np.unique(scored.rows.group[rows], return_inverse=True)
    return RowScores(
        np.array(signals, np.str_),
        np.array([bundle.threshold(signal, corpus) for signal in signals], np.float64),
        scored.rows.part[rows],
        group.astype(np.int64),
        labels,
        proba,
    )


def _digest(examples: Examples, corpus: str, part: str) -> str:
    """Digest of a part's rows: their texts, labels and groups."""
    total = hashlib.sha256(" ".join(examples.signals).encode())
    for row in np.flatnonzero((examples.corpus == corpus) & (examples.part == part)):
        sentence = examples.sentences[row]
        said = "\t".join((sentence.article_id, str(examples.group[row]), sentence.text))
        total.update(f"{said}\n".encode(errors="surrogatepass"))
        total.update(examples.labels[row].tobytes())
    return total.hexdigest()


@cache
def _code() -> str:
    """Digest of the code that scores and judges, which a version alone doesn't pin in a clone."""
    total = hashlib.sha256()
    root = Path(__file__).resolve().parents[2]
    for package in ("classifier", "training", "eval"):
        for path in sorted((root / package).rglob("*.py")):
            total.update(f"{path.relative_to(root).as_posix()} {digest(path)}\n".encode())
    return total.hexdigest()
