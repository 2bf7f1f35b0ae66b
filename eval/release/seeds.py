"""What another training seed changes: one recipe trained several times, benchmark by benchmark.

The interval of a figure says what other articles would change. How far the figure moves when only
the seed does is another thing, and a difference between two models that is smaller is luck.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from framescope.classifier.bundle import Bundle
from framescope.classifier.errors import FramescopeError
from framescope.classifier.runtime import ENCODER
from framescope.eval.metrics import Cell, Section, Table
from framescope.eval.release.gate import Measured, measured
from framescope.eval.rows import BENCHMARKS, Benchmark, Evaluation


@dataclass(frozen=True, slots=True)
class Spread:
    """One benchmark over the bundles of several seeds.

    ``values``: the main figure of each bundle; NaN where undefined. ``beside``: that of the model
    they are held against; NaN without one.
    """

    benchmark: Benchmark
    n: int
    positives: int
    values: tuple[float, ...]
    beside: float = math.nan

    @property
    def mean(self) -> float:
        """Mean over the seeds; NaN where one is undefined."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float:
        """Standard deviation over the seeds, with n - 1; NaN for a single one."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else math.nan

    @property
    def better(self) -> int:
        """How many seeds lie above the model they are held against."""
        return sum(value > self.beside for value in self.values)


def spreads(
    evaluation: Evaluation,
    seeds: Sequence[int],
    beside: int | None,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
) -> list[Spread]:
    """Measure bundles on the benchmarks that all of them give.

    By their places among those of the evaluation; see `section`.
    """
    evaluation = replace(evaluation, draws=0)  # the spread is over seeds, not over articles

    def of(place: int) -> dict[str, Measured]:
        found = measured(evaluation, place, benchmarks)
        return {one.benchmark.name: one for one in found}

    found = [of(place) for place in seeds]
    other = {} if beside is None else of(beside)
    return [
        Spread(
            one.benchmark,
            one.n,
            one.positives,
            tuple(of_bundle[name].figure.value for of_bundle in found),
            other[name].figure.value if name in other else math.nan,
        )
        for name, one in found[0].items()
        if all(name in of_bundle for of_bundle in found)
    ]


def same_recipe(bundles: Sequence[Bundle]) -> bool:
    """Tell whether bundles differ in nothing but the seed, as their manifests have it."""

    def recipe(bundle: Bundle) -> tuple[object, ...]:
        settings = bundle.manifest.get("settings")
        kept = {k: v for k, v in settings.items() if k != "seed"} if settings else None
        corpora = [(c["name"], c["digest"], c["rows"]) for c in bundle.manifest.get("corpora", ())]
        return bundle.manifest.get("kind"), kept, corpora

    seeds = [bundle.manifest.get("seed") for bundle in bundles]
    return len(set(seeds)) == len(seeds) and all(recipe(b) == recipe(bundles[0]) for b in bundles)


def section(
    evaluation: Evaluation,
    seeds: Sequence[int],
    beside: int | None,
    benchmarks: Sequence[Benchmark] = BENCHMARKS,
    signature: str = "",
) -> Section:
    """Measure bundles on the benchmarks that all of them give, and lay the spreads out.

    Parameters
    ----------
    evaluation : Evaluation
    seeds : sequence of int
        The places of bundles that were trained alike but for the seed.
    beside : int or None
        The place of another model, to hold them against.
    benchmarks : sequence of Benchmark
    signature : str
        Names what was measured on what, where nothing else does.
    """
    found = spreads(evaluation, seeds, beside, benchmarks)
    bundles = [evaluation.bundles[place] for place in seeds]
    alike = (
        "trained alike but for the seed"
        if same_recipe(bundles)
        else "NOT trained alike but for the seed: what tells them apart is more than luck"
    )
    names = ", ".join(f"{b.name} (seed {b.manifest.get('seed')})" for b in bundles)
    columns: tuple[str, ...] = ("benchmark", "figure", "n", "yes", "mean", "spread", "min", "max")
    rows: list[tuple[Cell, ...]] = [
        (
            one.benchmark.name, one.benchmark.metric, one.n, one.positives, one.mean, one.spread,
            min(one.values), max(one.values),
        )
        for one in found
    ]  # fmt: skip
    if beside is not None:
        columns += (evaluation.bundles[beside].name, "seeds above it")
        rows = [
            (*row, one.beside, f"{one.better} of {len(one.values)}")
            for row, one in zip(rows, found, strict=True)
        ]
    return Section(
        f"{len(bundles)} bundles, {alike}: {names}. Spread is the standard deviation over seeds; "
        "it says nothing of what other articles would change.",
        (Table("Mean and spread over training seeds", columns, tuple(rows)),),
        signature=signature,
    )


# --- which of them ships --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Validated:
    """A bundle's figure on the validation part, as its training wrote it into the manifest.

    ``validation``: `mean_average_precision`. ``encoder``: SHA-256 of its graph,
    which no card changes.
    """

    seed: int
    encoder: str
    validation: float


def median(bundles: Sequence[Mapping[str, Any]]) -> tuple[list[Validated], Validated]:
    """Find the bundle that ships of several seeds: the median by validation, not the best by test.

    Parameters
    ----------
    bundles : sequence of mapping
        Their manifests.

    Returns
    -------
    found : list of Validated
        The best first.
    median : Validated
        Of an even number, the lower of the two in the middle.

    Raises
    ------
    FramescopeError
        When a manifest has no such figure.
    """
    for manifest in bundles:
        if "validation" not in manifest or ENCODER not in manifest["files"]:
            raise FramescopeError(
                f"{manifest['name']}: its manifest has no figure of validation; train it again"
            )
    found = [Validated(m["seed"], m["files"][ENCODER], m["validation"]) for m in bundles]
    found.sort(key=lambda one: -one.validation)
    return found, found[len(found) // 2]


def record_of(found: Sequence[Validated], chosen: Validated) -> dict[str, Any]:
    """Lay several seeds out as they are kept: all figures, and which of them ships."""
    return {"bundles": [asdict(one) for one in found], "ships": chosen.encoder}
