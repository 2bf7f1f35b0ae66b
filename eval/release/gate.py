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
from eval.figures import Interval, is_positive
from eval.figures import all_metrics as measure
from eval.figures import resample_figures as resample
from eval.rows import BENCHMARK_BY_NAME as BY_NAME
from eval.rows import BENCHMARKS, Benchmark, articles_of, rows_of
from eval.rows import score_rows as score
from eval.suite import Suite
from training.data import Examples

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
class Verdict:
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
    bundle: Bundle,
    examples: Examples,
    draws: int = 0,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
) -> Iterator[Measured]:
    """Measure a bundle on every benchmark that the examples have and the bundle gives.

    Parameters
    ----------
    bundle : Bundle
    examples : Examples
        With their parts.
    draws : int
        Resamples for the intervals; 0 for none.
    benchmarks : sequence of Benchmark
    """
    corpora = [c for c in dict.fromkeys(b.corpus for b in benchmarks) if c in examples.corpus]
    for corpus in corpora:
        here = [b for b in benchmarks if b.corpus == corpus and b.signal in bundle.signals]
        signals = tuple(dict.fromkeys(b.signal for b in here))
        rows = articles_of(examples, corpus, tuple({b.part for b in here}), signals)
        if not len(rows):
            continue
        scored, _ = score(bundle, rows.sentences, lambda _: None)
        for benchmark in here:
            chosen = rows_of(rows, benchmark.part, benchmark.signal)
            proba = scored.column(benchmark.signal)
            if not len(chosen) or proba is None:
                continue
            truth = is_positive(rows.column(benchmark.signal)[chosen])
            decided = (proba[chosen], scored.thresholds[benchmark.signal])
            figures = measure(truth, *decided)
            groups = rows.group[chosen]
            interval = _UNKNOWN
            if draws:
                drawn = resample(truth, decided, None, groups, draws=draws, seed=0)
                interval = drawn.a[benchmark.metric]
            yield Measured(
                benchmark,
                _digest(rows.where(chosen), benchmark.signal),
                len(chosen),
                len(np.unique(groups)),
                int(truth.sum()),
                figures[benchmark.metric],
                interval,
            )


def judge(found: Sequence[Measured], floors: Floors) -> list[Verdict]:
    """Put every figure beside its floor."""
    return [Verdict(one, *_floor(floors.floors.get(one.benchmark.name))) for one in found]


def raised(verdicts: Sequence[Verdict], floors: Floors, reason: str | None) -> Floors:
    """Make new floors of what was measured.

    Parameters
    ----------
    verdicts : sequence of Verdict
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


def signature(bundle: Bundle, verdicts: Sequence[Verdict], suite: Suite) -> str:
    """One line; two runs with the same one give the same figures."""
    rows = hashlib.sha256("".join(one.measured.digest for one in verdicts).encode()).hexdigest()
    return (
        f"framescope {__version__} | benchmarks {rows[:12]} | cases {suite.cases_digest[:12]} | "
        f"{bundle.name} {bundle.digest[:12]}"
    )


def _floor(record: Mapping[str, Any] | None) -> tuple[float | None, str | None]:
    return (None, None) if record is None else (float(record["floor"]), str(record["digest"]))


def _digest(rows: Examples, signal: str) -> str:
    """Digest of the rows and labels of a benchmark: another one is another benchmark."""
    total = hashlib.sha256()
    labels = np.asarray(rows.column(signal))
    for sentence, label in zip(rows.sentences, labels, strict=True):
        total.update(f"{sentence.article_id}\t{sentence.text}\t{label:g}\n".encode())
    return total.hexdigest()[:16]
