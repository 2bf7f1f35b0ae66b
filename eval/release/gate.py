"""The gate: a bundle is compared with floors that are never lowered without a reason.

``floors.json`` has, for each benchmark, the digest of its rows and the lowest figure that a default
bundle may show. A floor is raised by measuring; the reason for lowering one is kept in the file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import CARD, MANIFEST, Bundle
from framescope.classifier.errors import BundleError, FramescopeError
from framescope.classifier.files import atomic_write
from framescope.eval.metrics import METRICS, estimates
from framescope.eval.report import markdown_table
from framescope.eval.rows import BENCHMARK_BY_NAME, BENCHMARKS, Benchmark, Evaluation, Sample
from framescope.eval.sections import Cell, Estimate, Section, table
from framescope.eval.suite import Suite, measure_suite

Floors = Mapping[str, Any]
FLOORS = Path(__file__).with_name("floors.json")
_SLACK = 0.005  # a new floor lies so far below the figure: int8 rounds differently elsewhere
_POSITIVES = 20  # benchmarks with fewer have no floor: chance alone would break it

_BEGIN, _END = "<!-- measured -->", "<!-- /measured -->"
_HEAD = """## How good it is

On rows that nothing was trained, tuned or calibrated on, with 95% intervals over
resamples of whole groups. Published figures are of other rows unless it says so; a
ceiling is how far annotators agree. Written by `framescope eval gate --update`.
"""


class GateError(FramescopeError):
    """A floor that is missed, or that would be lowered without a reason."""


def read_floors(path: Path | None) -> Floors:
    """Read ``floors`` and ``regressions``, none where there is no file; or raise `GateError`."""
    if path is None or not path.is_file():
        return {"floors": {}, "regressions": []}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {"floors": dict(record["floors"]), "regressions": list(record["regressions"])}
    except (ValueError, KeyError, TypeError) as error:
        raise GateError(f"{path}: no floors ({error}); restore the file") from None


@dataclass(frozen=True, slots=True)
class FloorCheck:
    """A bundle's main figure on a benchmark, and its floor; digests are of rows and labels."""

    benchmark: Benchmark
    digest: str
    n: int
    groups: int
    positives: int
    figure: Estimate
    floor: float | None
    floor_digest: str | None

    @property
    def missed(self) -> bool:
        """Whether the figure is below the floor."""
        return self.floor is not None and not self.figure.value >= self.floor

    @property
    def changed(self) -> bool:
        """Whether the floor was measured on other rows."""
        return self.floor_digest is not None and self.floor_digest != self.digest

    @property
    def verdict(self) -> str:
        """What the comparison says; nothing without a floor."""
        verdict = "missed" if self.missed else "other rows" if self.changed else "ok"
        return "" if self.floor is None else verdict


def measure(evaluation: Evaluation, floors: Floors, whose: int = 0) -> Iterator[FloorCheck]:
    """Measure a bundle, by its place, on the benchmarks that have rows and that it gives."""
    bundle = evaluation.bundles[whose]
    for corpus in dict.fromkeys(b.corpus for b in BENCHMARKS):
        here = [b for b in BENCHMARKS if b.corpus == corpus and b.signal in bundle.signals]
        parts, signals = {b.part for b in here}, dict.fromkeys(b.signal for b in here)
        if not len(evaluation.numbers(corpus, tuple(parts), tuple(signals))):
            continue
        scored = evaluation.articles(corpus, tuple(parts), tuple(signals))
        for benchmark in here:
            sample = scored.sample(benchmark.part, benchmark.signal)
            if not len(sample):
                continue
            alone = replace(sample, scores=sample.scores[whose : whose + 1])
            (figure,) = estimates(benchmark.metric, alone, evaluation.draws, evaluation.seed)
            assert figure is not None
            floor = floors["floors"].get(benchmark.name, {})
            yield FloorCheck(
                benchmark, _digest(sample), len(sample), len(np.unique(sample.groups)),
                int(sample.truth.sum()), figure, floor.get("floor"), floor.get("digest"),
            )  # fmt: skip


def _digest(sample: Sample) -> str:
    """Return the digest of the rows and labels of a benchmark."""
    total = hashlib.sha256()
    labels = sample.rows.column(sample.signal)
    for row in sample.chosen:
        sentence = sample.rows.sentences[row]
        total.update(f"{sentence.article_id}\t{sentence.text}\t{labels[row]:g}\n".encode())
    return total.hexdigest()[:16]


def raised(checks: Sequence[FloorCheck], floors: Floors, reasons: Mapping[str, str]) -> Floors:
    """Return floors raised to what was measured, or lowered for a reason, by benchmark."""
    kept, lowered = dict(floors["floors"]), list[dict[str, Any]]()
    for one in checks:
        value = one.figure.value
        if math.isnan(value) or min(one.positives, one.n - one.positives) < _POSITIVES:
            continue
        name, floor = one.benchmark.name, round(value - _SLACK, 4)
        if one.missed:
            fall = {"benchmark": name, "from": one.floor, "to": floor}
            lowered.append({**fall, "reason": reasons.get(name)})
        elif one.floor is not None:
            floor = max(floor, one.floor)  # within the slack: as it was
        kept[name] = {"digest": one.digest, "metric": one.benchmark.metric, "floor": floor}
    if unexplained := [one for one in lowered if one["reason"] is None]:
        falls = (f"{one['benchmark']} ({one['from']} to {one['to']})" for one in unexplained)
        remedy = "say of each why, with --allow-regression BENCHMARK=REASON"
        raise GateError(f"floors would be lowered: {', '.join(falls)}; {remedy}")
    if idle := sorted(reasons.keys() - {one["benchmark"] for one in lowered}):
        raise GateError(f"a reason for what is not lowered: {', '.join(idle)}; leave it out")
    ordered = {name: kept[name] for name in BENCHMARK_BY_NAME if name in kept}
    return {"floors": ordered, "regressions": [*floors["regressions"], *lowered]}


@dataclass(frozen=True)
class Gate:
    """A bundle compared with the floors of a file and the limits of the behavioural suite."""

    bundle: Bundle
    path: Path
    floors: Floors
    checks: Sequence[FloorCheck]
    suite: Suite

    @classmethod
    def of(cls, evaluation: Evaluation, path: Path | None = FLOORS, whose: int = 0) -> Gate:
        """Measure a bundle of an evaluation; without a file there are no floors."""
        bundle = evaluation.bundles[whose]
        floors = read_floors(path)
        checks = list(measure(evaluation, floors, whose))
        return cls(bundle, path or FLOORS, floors, checks, measure_suite(bundle))

    @property
    def signature(self) -> str:
        """One line; two runs with the same one give the same figures."""
        rows = hashlib.sha256("".join(one.digest for one in self.checks).encode()).hexdigest()
        return (
            f"framescope {__version__} | benchmarks {rows[:12]} | "
            f"cases {self.suite.cases_digest[:12]} | {self.bundle.name} {self.bundle.digest[:12]}"
        )

    def section(self) -> Section:
        """Return the benchmarks with their floors."""
        rows = (
            (
                one.benchmark.name, one.benchmark.metric, one.n, one.positives, one.figure.value,
                "none" if one.floor is None else one.floor, one.verdict,
            )
            for one in self.checks
        )  # fmt: skip
        columns = ("benchmark", "figure", "n", "yes", "measured", "floor", "verdict")
        benchmarks = table("Benchmarks and their floors", columns, rows)
        note = f"Behaviour: {self.suite.verdict}"
        return Section(note, (benchmarks,), signature=self.signature)

    def update(self, reasons: Mapping[str, str]) -> None:
        """Write new floors, and the figures into the bundle's card; see `raised`."""
        record = raised(self.checks, self.floors, reasons)
        atomic_write(self.path, json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        write_card(self.bundle.path, self.checks)

    def check(self, name: str) -> None:
        """Raise a `GateError` where a floor or a limit is missed; the bundle's name as typed."""
        if changed := [one.benchmark.name for one in self.checks if one.changed]:
            reason = f"measured on other rows: {', '.join(changed)}; measure again with --update"
            raise GateError(f"the floors were {reason}")
        if missed := [one.benchmark.name for one in self.checks if one.missed]:
            raise GateError(f"below the floor: {', '.join(missed)}")
        if self.suite.missed:
            shown = f"`framescope eval robustness {name}` shows the cases"
            raise GateError(f"{self.suite.verdict} {shown}")
        if all(one.floor is None for one in self.checks):
            reason = "has no floor for these benchmarks; set some with --update"
            raise GateError(f"{self.path}: {reason}")


def card_records(checks: Iterable[FloorCheck]) -> list[dict[str, Any]]:
    """Return figures as a manifest holds them under ``metrics``; what is undefined is null."""
    return [
        {
            "benchmark": one.benchmark.name, "rows": one.digest, "n": one.n, "groups": one.groups,
            "positives": one.positives, "metric": one.benchmark.metric,
            **{
                key: None if math.isnan(value) else round(value, 4)
                for key, value in asdict(one.figure).items()
            },
        }
        for one in checks
    ]  # fmt: skip


def card_section(metrics: Iterable[Mapping[str, Any]]) -> str:
    """Return the measured section of a card, between the marks by which it is found again."""
    columns = ("benchmark", "n", "groups", "positive", "figure", "value (95% interval)")
    rows = table("", (*columns, "beside it"), map(_card_line, metrics))
    return "\n".join((_BEGIN, _HEAD, markdown_table(rows), _END))


def _card_line(record: Mapping[str, Any]) -> tuple[Cell, ...]:
    benchmark = BENCHMARK_BY_NAME.get(record["benchmark"])
    beside = []
    if benchmark and benchmark.published:
        rows = "these rows" if benchmark.published.same_split else "other rows"
        beside.append(f"{benchmark.published.value:g} {benchmark.published.metric} ({rows})")
    if benchmark and benchmark.ceiling:
        beside.append(f"{benchmark.ceiling.measure} {benchmark.ceiling.value:.2f}")
    value, low, high = (record[key] for key in ("value", "low", "high"))
    return (
        f"`{record['benchmark']}`", record["n"], record["groups"], record["positives"],
        next(one.label for one in METRICS if one.name == record["metric"]),
        value if low is None else Estimate(value, low, high), "; ".join(beside),
    )  # fmt: skip


def write_card(folder: Path, checks: Iterable[FloorCheck]) -> None:
    """Write figures into a bundle's manifest and card; raise `BundleError` where it can't."""
    metrics = card_records(checks)
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        before, begin, rest = (folder / CARD).read_text(encoding="utf-8").partition(_BEGIN)
        if begin:
            rest = rest.partition(_END)[2]
        else:
            before, heading, rest = before.partition("## What it can't do")
            rest = f"\n\n{heading}{rest}"
        atomic_write(folder / CARD, f"{before}{card_section(metrics)}{rest}")
        text = json.dumps(manifest | {"metrics": metrics}, indent=2, ensure_ascii=False)
        atomic_write(folder / MANIFEST, text + "\n")
    except (OSError, ValueError) as error:
        raise BundleError(f"{folder}: its card can't be written ({error})") from None
