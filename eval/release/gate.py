"""The gate: a bundle held against floors that are written down and never lowered in passing.

``eval/release/floors.json`` has, for each benchmark, the digest of its rows and the least figure that a
default bundle may show. A floor is raised by measuring; it is lowered only with a reason, which is
kept in the same file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from classifier import __version__
from classifier.bundle import Bundle
from classifier.errors import FramescopeError
from eval.figures import Interval
from eval.figures import resample_figures as resample
from eval.figures import single_figure as figure
from eval.rows import BENCHMARK_BY_NAME as BY_NAME
from eval.rows import BENCHMARKS, Benchmark, Evaluation, Sample
from eval.suite import Suite

FLOORS = Path(__file__).with_name("floors.json")
SLACK = 0.005
"""A new floor lies this far under what was measured: int8 on another processor rounds otherwise."""
_POSITIVES = 20
"""Benchmarks with fewer positives have no floor: chance alone would break it."""


class GateError(FramescopeError):
    """A floor that is missed, or that would be lowered without a reason."""


_UNKNOWN = Interval(math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Measured:
    """One benchmark measured.

    Attributes
    ----------
    benchmark : Benchmark
    digest : str
        Of its rows and labels.
    n, groups, positives : int
    value : float
        The main figure; NaN where undefined.
    interval : Interval
        95%, over resamples of whole groups; NaN where none was asked for.
    """

    benchmark: Benchmark
    digest: str
    n: int
    groups: int
    positives: int
    value: float
    interval: Interval = _UNKNOWN


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A measured benchmark beside its floor; None where it has none."""

    measured: Measured
    floor: float | None
    digest: str | None

    @property
    def missed(self) -> bool:
        """Whether the figure is under the floor."""
        return self.floor is not None and not self.measured.value >= self.floor

    @property
    def changed(self) -> bool:
        """Whether the floor was measured on other rows."""
        return self.digest is not None and self.digest != self.measured.digest


@dataclass(frozen=True)
class Floors:
    """What ``floors.json`` holds.

    Attributes
    ----------
    floors : mapping of str to mapping
        By benchmark: ``digest``, ``floor``.
    regressions : tuple of mapping
        Every floor that was lowered: ``benchmark``, ``from``, ``to``, ``reason``.
    """

    floors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regressions: tuple[Mapping[str, Any], ...] = ()


def read(path: Path = FLOORS) -> Floors:
    """Read the floors; none where the file isn't there.

    Raises
    ------
    GateError
        When the file can't be read.
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
            given = sample.given[whose]
            if not len(sample) or given is None:
                continue
            truth, groups, metric = sample.truth, sample.groups, benchmark.metric
            interval = _UNKNOWN
            if draws:
                drawn = resample(
                    truth, given, None, groups, draws=draws, seed=evaluation.seed, names=(metric,)
                )
                interval = drawn.a[metric]
            yield Measured(
                benchmark,
                _digest(sample),
                len(sample),
                len(np.unique(groups)),
                int(truth.sum()),
                figure(metric, truth, *given),
                interval,
            )


def judge(found: Sequence[Measured], floors: Floors) -> list[FloorCheck]:
    """Put every figure beside its floor."""
    return [FloorCheck(one, *_floor(floors.floors.get(one.benchmark.name))) for one in found]


def raised(verdicts: Sequence[FloorCheck], floors: Floors, reason: str | None) -> Floors:
    """Make new floors of what was measured.

    Parameters
    ----------
    verdicts : sequence of FloorCheck
    floors : Floors
        The present ones.
    reason : str or None
        Why a floor may be lowered.

    Raises
    ------
    GateError
        When a floor would be lowered, and no reason is given.
    """
    kept = dict(floors.floors)
    lowered: list[dict[str, Any]] = []
    for one in verdicts:
        found = one.measured
        if math.isnan(found.value) or min(found.positives, found.n - found.positives) < _POSITIVES:
            continue
        name, floor = found.benchmark.name, round(found.value - SLACK, 4)
        if one.floor is not None and floor < one.floor and not one.missed:
            floor = one.floor  # measured within the slack: as it was
        if one.floor is not None and floor < one.floor:
            lowered.append({"benchmark": name, "from": one.floor, "to": floor, "reason": reason})
        kept[name] = {
            "digest": found.digest,
            "metric": found.benchmark.metric,
            "floor": floor,
        }
    if lowered and reason is None:
        names = ", ".join(one["benchmark"] for one in lowered)
        raise GateError(f"floors would be lowered: {names}; say why with --allow-regression REASON")
    return Floors(kept, (*floors.regressions, *lowered))


def signature(bundle: Bundle, verdicts: Sequence[FloorCheck], suite: Suite) -> str:
    """One line; two runs with the same one give the same figures."""
    rows = hashlib.sha256("".join(one.measured.digest for one in verdicts).encode()).hexdigest()
    return (
        f"framescope {__version__} | benchmarks {rows[:12]} | cases {suite.cases_digest[:12]} | "
        f"{bundle.name} {bundle.digest[:12]}"
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
