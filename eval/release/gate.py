"""The gate: a bundle held against floors that are written down and never lowered in passing.

``floors.json`` beside this module has, for each benchmark, the digest of its rows and the least
figure that a default bundle may show. A floor is raised by measuring; it is lowered only with a
reason, which is kept in the same file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import FramescopeError
from framescope.eval.metrics import Estimate, Section, estimates, table
from framescope.eval.rows import BENCHMARK_BY_NAME as BY_NAME
from framescope.eval.rows import BENCHMARKS, Benchmark, Evaluation, Sample
from framescope.eval.suite import Suite, measure_suite

FLOORS = Path(__file__).with_name("floors.json")
SLACK = 0.005
"""A new floor lies this far under what was measured: int8 on another processor rounds otherwise."""
_POSITIVES = 20
"""Benchmarks with fewer positives have no floor: chance alone would break it."""


class GateError(FramescopeError):
    """A floor that is missed, or that would be lowered without a reason."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark measured.

    ``digest``: of its rows and labels. ``figure``: the main one; NaN where undefined, and its
    interval over resamples of whole groups too where none was asked for.
    """

    benchmark: Benchmark
    digest: str
    n: int
    groups: int
    positives: int
    figure: Estimate


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A measured benchmark beside its floor; None where it has none."""

    measured: Measured
    floor: float | None
    digest: str | None

    @property
    def missed(self) -> bool:
        """Whether the figure is under the floor."""
        return self.floor is not None and not self.measured.figure.value >= self.floor

    @property
    def changed(self) -> bool:
        """Whether the floor was measured on other rows."""
        return self.digest is not None and self.digest != self.measured.digest

    @property
    def verdict(self) -> str:
        """What a table says of it."""
        if self.floor is None:
            return ""
        return "missed" if self.missed else "other rows" if self.changed else "ok"


@dataclass(frozen=True)
class Floors:
    """What ``floors.json`` holds.

    ``floors``: by benchmark: ``digest``, ``floor``. ``regressions``: every floor that was lowered:
    ``benchmark``, ``from``, ``to``, ``reason``.
    """

    floors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regressions: tuple[Mapping[str, Any], ...] = ()


def read(path: Path = FLOORS) -> Floors:
    """Read the floors; none where the file isn't there.

    Raises `GateError` when the file can't be read.
    """
    if not path.is_file():
        return Floors()
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return Floors(dict(record["floors"]), tuple(record["regressions"]))
    except (ValueError, KeyError, TypeError) as error:
        raise GateError(f"{path}: no floors ({error}); restore the file") from None


def write(floors: Floors, path: Path = FLOORS) -> None:
    """Write the floors, sorted, so that a change shows as a line."""
    record = {
        "floors": {name: floors.floors[name] for name in BY_NAME if name in floors.floors},
        "regressions": list(floors.regressions),
    }
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(
    evaluation: Evaluation, whose: int = 0, benchmarks: Sequence[Benchmark] = BENCHMARKS
) -> Iterator[Measured]:
    """Measure a bundle on every benchmark that the examples have and the bundle gives.

    Parameters
    ----------
    evaluation : Evaluation
        Without draws there are no intervals.
    whose : int
        The place of the bundle.
    benchmarks : sequence of Benchmark
    """
    bundle, draws = evaluation.bundles[whose], evaluation.draws
    for corpus in dict.fromkeys(b.corpus for b in benchmarks):
        here = [b for b in benchmarks if b.corpus == corpus and b.signal in bundle.signals]
        parts, signals = {b.part for b in here}, dict.fromkeys(b.signal for b in here)
        if not len(evaluation.numbers(corpus, tuple(parts), tuple(signals))):
            continue
        scored = evaluation.articles(corpus, tuple(parts), tuple(signals))
        for benchmark in here:
            sample = scored.sample(benchmark.part, benchmark.signal)
            if not len(sample) or sample.scores[whose] is None:
                continue
            alone = replace(sample, scores=sample.scores[whose : whose + 1])
            (found,) = estimates(benchmark.metric, alone, draws, evaluation.seed)
            assert found is not None
            n_groups, positives = len(np.unique(sample.groups)), int(sample.truth.sum())
            yield Measured(benchmark, _digest(sample), len(sample), n_groups, positives, found)


def judge(found: Sequence[Measured], floors: Floors) -> list[FloorCheck]:
    """Put every figure beside its floor."""
    return [FloorCheck(one, *_floor(floors.floors.get(one.benchmark.name))) for one in found]


def raised(
    verdicts: Sequence[FloorCheck], floors: Floors, reasons: Mapping[str, str] | None = None
) -> Floors:
    """Make new floors of what was measured.

    ``floors``: the present ones. ``reasons``: by benchmark, why its floor may be lowered. Raises
    `GateError` when a floor would be lowered for which no reason is given, and when a reason is
    given for none.
    """
    reasons = reasons or {}
    kept = dict(floors.floors)
    lowered: list[dict[str, Any]] = []
    for one in verdicts:
        found, value = one.measured, one.measured.figure.value
        if math.isnan(value) or min(found.positives, found.n - found.positives) < _POSITIVES:
            continue
        name, floor = found.benchmark.name, round(value - SLACK, 4)
        if one.floor is not None and floor < one.floor and not one.missed:
            floor = one.floor  # measured within the slack: as it was
        if one.floor is not None and floor < one.floor:
            said = reasons.get(name)
            lowered.append({"benchmark": name, "from": one.floor, "to": floor, "reason": said})
        kept[name] = {"digest": found.digest, "metric": found.benchmark.metric, "floor": floor}
    unsaid = [one for one in lowered if one["reason"] is None]
    if unsaid:
        falls = ", ".join(f"{one['benchmark']} ({one['from']} to {one['to']})" for one in unsaid)
        raise GateError(
            f"floors would be lowered: {falls}; "
            "say of each why, with --allow-regression BENCHMARK=REASON"
        )
    if idle := sorted(reasons.keys() - {one["benchmark"] for one in lowered}):
        raise GateError(f"a reason for what is not lowered: {', '.join(idle)}; leave it out")
    return Floors(kept, (*floors.regressions, *lowered))


@dataclass(frozen=True)
class Gate:
    """A bundle beside the floors of a file and the limits of the behavioural suite."""

    bundle: Bundle
    path: Path
    floors: Floors
    verdicts: Sequence[FloorCheck]
    suite: Suite

    @classmethod
    def of(cls, evaluation: Evaluation, path: Path | None = FLOORS, whose: int = 0) -> Gate:
        """Measure a bundle of an evaluation; without a file of floors there are none."""
        bundle, floors = evaluation.bundles[whose], Floors() if path is None else read(path)
        verdicts = judge(list(measured(evaluation, whose)), floors)
        return cls(bundle, path or FLOORS, floors, verdicts, measure_suite(bundle))

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures."""
        digests = "".join(one.measured.digest for one in self.verdicts)
        rows = hashlib.sha256(digests.encode()).hexdigest()
        return (
            f"framescope {__version__} | benchmarks {rows[:12]} | "
            f"cases {self.suite.cases_digest[:12]} | {self.bundle.name} {self.bundle.digest[:12]}"
        )

    def section(self) -> Section:
        """Lay the benchmarks out beside their floors."""
        rows = (
            (
                one.measured.benchmark.name, one.measured.benchmark.metric, one.measured.n,
                one.measured.positives, one.measured.figure.value,
                "none" if one.floor is None else one.floor, one.verdict,
            )
            for one in self.verdicts
        )  # fmt: skip
        columns = ("benchmark", "figure", "n", "yes", "measured", "floor", "verdict")
        benchmarks = table("Benchmarks and their floors", columns, rows)
        note = f"Behaviour: {self.suite.verdict}"
        return Section(note, (benchmarks,), signature=self.signature)

    def update(self, reasons: Mapping[str, str] | None = None) -> None:
        """Write what was measured as new floors; see `raised`."""
        write(raised(self.verdicts, self.floors, reasons), self.path)

    def check(self, name: str) -> None:
        """Raise a `GateError` where a floor or a limit is missed; the bundle's name as given."""
        missed = [one.measured.benchmark.name for one in self.verdicts if one.missed]
        changed = [one.measured.benchmark.name for one in self.verdicts if one.changed]
        if changed:
            raise GateError(
                f"other rows than the floors were measured on: {', '.join(changed)}; "
                "measure anew with --update"
            )
        if missed:
            raise GateError(f"under the floor: {', '.join(missed)}")
        if self.suite.missed:
            said = self.suite.verdict
            raise GateError(f"{said} `framescope eval robustness {name}` shows the cases")
        if not any(one.floor is not None for one in self.verdicts):
            raise GateError(
                f"{self.path}: has no floor for these benchmarks; set some with --update"
            )


def _floor(record: Mapping[str, Any] | None) -> tuple[float | None, str | None]:
    return (None, None) if record is None else (float(record["floor"]), str(record["digest"]))


def _digest(sample: Sample) -> str:
    """Digest of the rows and labels of a benchmark: another one is another benchmark."""
    total = hashlib.sha256()
    labels = sample.rows.column(sample.signal)
    for row in sample.chosen:
        sentence = sample.rows.sentences[row]
        total.update(f"{sentence.article_id}\t{sentence.text}\t{labels[row]:g}\n".encode())
    return total.hexdigest()[:16]
