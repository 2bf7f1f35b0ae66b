"""What came of a run: the bundles best first, how far each is from the best, and what it costs.

Read off the cells alone; no model is loaded and no row is read again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan

from framescope.eval.grid.asked import GridBenchmark, GridBundle
from framescope.eval.grid.kept import GridCell, GridFigures, GridFolder, GridManifest, RowScores
from framescope.eval.metrics import (
    Change,
    DrawnMean,
    Estimate,
    MeanPart,
    mean_of_figures,
    mean_of_means,
    resample_figures,
)
from framescope.eval.rows import BENCHMARK_BY_NAME

OWN_METRIC = "average_precision"
"""The main figure of rows that no benchmark describes, a user's own: it needs no threshold."""


@dataclass(frozen=True, slots=True)
class GridColumn:
    """A part of a benchmark, which is a column of the table.

    ``signals``: those whose main figure all bundles judged here have; the column is their mean.
    """

    benchmark: GridBenchmark
    part: str
    signals: tuple[str, ...]

    @property
    def name(self) -> str:
        """What tables call it."""
        corpus = self.benchmark.corpus
        return self.benchmark.name if corpus is None else f"{corpus}/{self.part}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a bundle stands.

    Attributes
    ----------
    bundle : GridBundle
    rank : int or None
        1 is the best; None for a bundle of which every cell failed, and for all where they have
        no benchmark in common.
    mean, difference : Estimate or None
        Over the benchmarks that all bundles have; and that less the best bundle's.
    columns, differences : mapping of str to Estimate
        The same of each column, by its name, where the bundle has it.
    disk, memory : int or None
        Bytes.
    sentences : int
        How many it scored.
    seconds : float
        For all of them.
    """

    bundle: GridBundle
    rank: int | None
    mean: Estimate | None
    difference: Change | None
    columns: Mapping[str, Estimate]
    differences: Mapping[str, Change]
    disk: int | None
    memory: int | None
    sentences: int
    seconds: float

    @property
    def per_thousand(self) -> float:
        """Seconds for 1,000 sentences; NaN where none was scored."""
        return 1000 * self.seconds / self.sentences if self.sentences else math.nan


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One bundle's main figure of one signal, and that less the best bundle's.

    ``p``: two-sided, of the difference, not corrected for the number of signals.
    """

    column: str
    metric: str
    bundle: str
    found: GridFigures
    value: Estimate
    difference: Change | None
    p: float


@dataclass(frozen=True, slots=True)
class Standings:
    """What came of a run.

    Attributes
    ----------
    manifest : GridManifest
    bundles : tuple of Standing
        Best first; those of which every cell failed last.
    columns : tuple of GridColumn
    common : tuple of str
        The names of the columns that all bundles have: bundles are ranked by the mean over these.
    lines : tuple of FigureLine
    cells : tuple of GridCell
        All there are, failed ones among them.
    """

    manifest: GridManifest
    bundles: tuple[Standing, ...]
    columns: tuple[GridColumn, ...]
    common: tuple[str, ...]
    lines: tuple[FigureLine, ...]
    cells: tuple[GridCell, ...]

    @property
    def failed(self) -> tuple[GridCell, ...]:
        """The cells that failed."""
        return tuple(one for one in self.cells if one.why)

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures, costs excepted."""
        done = [one for one in self.cells if not one.why]
        digests = {one.bundle: one.digest[:12] for one in done}
        data = {one.benchmark: one.data for one in done}
        manifest = self.manifest
        return " | ".join(
            (
                f"framescope {manifest.framescope}",
                ", ".join(f"{name} {data[name]}" for name in sorted(data)) or "no data",
                ", ".join(f"{name} {digests[name]}" for name in sorted(digests)) or "no bundle",
                f"draws {manifest.draws}, seed {manifest.seed}",
            )
        )


def standings_of(manifest: GridManifest, folder: GridFolder) -> Standings:
    """Read the cells of a run, and say who is best."""
    cells = {one: cell for one in manifest.cells if (cell := folder.cell(*one)) is not None}
    scores = {one: folder.scores(*one) for one, cell in cells.items() if not cell.why}
    table = _Table(manifest, {one: cells[one] for one in scores}, scores)
    return Standings(
        manifest,
        tuple(table.standings()),
        tuple(table.columns),
        tuple(one.name for one in table.common),
        tuple(table.lines()),
        tuple(cells.values()),
    )


_Place = tuple[GridBundle, GridBenchmark]


class _Table:
    """The cells that did not fail, and what is computed of them."""

    def __init__(
        self,
        manifest: GridManifest,
        cells: Mapping[_Place, GridCell],
        scores: Mapping[_Place, RowScores],
    ) -> None:
        self.manifest, self.cells, self.scores = manifest, cells, scores
        self.judged = [b for b in manifest.bundles if any(b == bundle for bundle, _ in cells)]
        self.columns = list(self._columns())
        self.means = {
            (bundle, column.name): self._mean(bundle, column)
            for column in self.columns
            for bundle in self._holders(column.benchmark)
            if column.signals
        }
        self.common = [
            column
            for column in self.columns
            if all((bundle, column.name) in self.means for bundle in self.judged)
        ]
        self.overall = {
            bundle: mean_of_means(
                [self.means[bundle, column.name] for column in self.common], manifest.seed
            )
            for bundle in self.judged
            if self.common
        }
        self.order = sorted(self.judged, key=self._merit)
        self.best = self.order[0] if self.order else None

    def _merit(self, bundle: GridBundle) -> tuple[float, str]:
        found = self.overall.get(bundle)
        return (0.0 if found is None else -found.value, bundle.name)

    def _holders(self, benchmark: GridBenchmark) -> list[GridBundle]:
        return [one for one in self.judged if (one, benchmark) in self.cells]

    def _columns(self) -> Iterator[GridColumn]:
        for benchmark in self.manifest.benchmarks:
            for part in benchmark.parts:
                given = [
                    [one.signal for one in self._main(bundle, benchmark, part) if one.defined]
                    for bundle in self._holders(benchmark)
                ]
                if any(given):
                    common = (s for s in given[0] if all(s in others for others in given))
                    yield GridColumn(benchmark, part, tuple(common))

    def _main(self, bundle: GridBundle, benchmark: GridBenchmark, part: str) -> list[_Main]:
        """Give the main figures of a cell: those of the benchmarks, or else of every signal."""
        found = [one for one in self.cells[bundle, benchmark].figures if one.part == part]
        known = {
            one.signal: BENCHMARK_BY_NAME[name].metric
            for one in found
            if (name := f"{benchmark.corpus}/{part}/{one.signal}") in BENCHMARK_BY_NAME
        }
        return [
            _Main(one, known.get(one.signal, OWN_METRIC))
            for one in found
            if not known or one.signal in known
        ]

    def _mean(self, bundle: GridBundle, column: GridColumn) -> DrawnMean:
        scores = self.scores[bundle, column.benchmark]
        parts = [
            MeanPart(one.metric, *scores.of(column.part, one.signal))
            for one in self._main(bundle, column.benchmark, column.part)
            if one.signal in column.signals
        ]
        return mean_of_figures(parts, self.manifest.draws, self.manifest.seed)

    def standings(self) -> Iterator[Standing]:
        """Give the bundles, best first."""
        failed = [one for one in self.manifest.bundles if one not in self.judged]
        for rank, bundle in enumerate([*self.order, *failed], 1):
            own = {c.name: m for c in self.columns if (m := self.means.get((bundle, c.name)))}
            best = {name: self.means.get((self.best, name)) for name in own if self.best}
            cells = [cell for (one, _), cell in self.cells.items() if one == bundle]
            mean = self.overall.get(bundle)
            leading = None if self.best is None else self.overall.get(self.best)
            other = bundle != self.best and self.common
            yield Standing(
                bundle,
                rank if mean else None,
                mean.estimate() if mean else None,
                mean.less(leading) if mean and leading and other else None,
                {name: found.estimate() for name, found in own.items()},
                {name: own[name].less(b) for name, b in best.items() if b and other},
                next((one.disk for one in cells if one.disk is not None), None),
                next((one.memory for one in cells if one.memory is not None), None),
                sum(one.sentences for one in cells),
                math.fsum(one.seconds for one in cells),
            )

    def lines(self) -> Iterator[FigureLine]:
        """Give every main figure of every bundle, signal by signal, the best bundle first."""
        for column in self.columns:
            found = {
                (one.signal, bundle): one
                for bundle in self.order
                if (bundle, column.benchmark) in self.cells
                for one in self._main(bundle, column.benchmark, column.part)
            }
            signals = dict.fromkeys(signal for signal, _ in found)
            for signal in signals:
                for bundle in self.order:
                    if (signal, bundle) in found:
                        yield self._line(column, bundle, found[signal, bundle])

    def _line(self, column: GridColumn, bundle: GridBundle, main: _Main) -> FigureLine:
        value, leading = main.estimate, self._leading(column, bundle, main.signal)
        if leading is None or self.best is None:
            return FigureLine(column.name, main.metric, bundle.name, main.found, value, None, nan)
        truth, groups, given = self.scores[bundle, column.benchmark].of(column.part, main.signal)
        _, _, best = self.scores[self.best, column.benchmark].of(column.part, main.signal)
        drawn = resample_figures(
            truth, best, given, groups,
            draws=self.manifest.draws, seed=self.manifest.seed, names=(main.metric,),
        )  # fmt: skip
        between = drawn.difference[main.metric]
        difference = Change.of(value.value - leading.estimate.value, between)
        p = drawn.p[main.metric]
        return FigureLine(column.name, main.metric, bundle.name, main.found, value, difference, p)

    def _leading(self, column: GridColumn, bundle: GridBundle, signal: str) -> _Main | None:
        """Give the best bundle's figure, where another's is to be held against it."""
        best = self.best
        if best is None or bundle == best or not self.common:
            return None
        if (best, column.benchmark) not in self.cells:
            return None
        found = self._main(best, column.benchmark, column.part)
        return next((one for one in found if one.signal == signal), None)


@dataclass(frozen=True, slots=True)
class _Main:
    """A signal's figures, and which is the main one."""

    found: GridFigures
    metric: str

    @property
    def signal(self) -> str:
        return self.found.signal

    @property
    def estimate(self) -> Estimate:
        return Estimate.of(self.found.figures[self.metric], self.found.intervals[self.metric])

    @property
    def defined(self) -> bool:
        return not math.isnan(self.found.figures[self.metric])
