"""Seeds: mean and spread of bundles that differ in nothing else, and a word where they do."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from framescope.classifier.bundle import read_manifest, resolve
from framescope.classifier.errors import FramescopeError
from framescope.classifier.runtime import ENCODER
from framescope.eval.metrics.sections import Estimate
from framescope.eval.release import seeds
from framescope.eval.report.layout import cell
from framescope.eval.rows.scored import Evaluation
from framescope.eval.studies.axes import drop
from harness import bundle, examples

ROWS = examples(articles=60, corpus="claimbuster")


def trained(seed: int, skill: float, epochs: int = 3):
    made = bundle(f"seed-{seed}", ["claim"], skill)
    manifest = {**made.manifest, "seed": seed, "settings": {"epochs": epochs, "seed": seed},
                "corpora": [{"name": "claimbuster", "digest": "d", "rows": 9}]}  # fmt: skip
    return replace(made, manifest=manifest)


SEEDS = [trained(1, 0.30), trained(2, 0.35), trained(3, 0.40)]


def spreads(bundles, beside=None):
    evaluation = Evaluation((*bundles, *([beside] if beside else ())), ROWS)
    return seeds.spreads(evaluation, range(len(bundles)), len(bundles) if beside else None)


def test_mean_and_spread_are_those_of_the_single_figures():
    (one,) = spreads(SEEDS, bundle("beside", ["claim"], 0.1))
    alone = [
        value for made in SEEDS for (found,) in [spreads([made])]
        for value in found.values
    ]  # fmt: skip
    assert one.values == tuple(alone)
    assert one.mean == pytest.approx(sum(alone) / 3)
    assert one.spread == pytest.approx(
        math.sqrt(sum((value - one.mean) ** 2 for value in alone) / 2)
    )
    assert one.better == 3


def test_a_single_seed_has_no_spread():
    (one,) = spreads(SEEDS[:1])
    assert math.isnan(one.spread)
    assert math.isnan(one.beside)


def test_bundles_that_differ_in_more_than_the_seed_are_called_so():
    assert seeds.same_recipe(SEEDS)
    assert not seeds.same_recipe([*SEEDS, trained(4, 0.3, epochs=5)])
    assert not seeds.same_recipe([SEEDS[0], SEEDS[0]])  # one seed twice
    mixed = [*SEEDS, trained(4, 0.3, epochs=5)]
    section = seeds.section(Evaluation(tuple(mixed), ROWS), range(4), None)
    assert "NOT trained alike" in section.note


def manifest(seed: int, validation: float) -> dict[str, object]:
    files = {"encoder.onnx": f"{seed:064}"}
    return {"name": f"b{seed}", "seed": seed, "files": files, "validation": validation}


def test_the_median_by_validation_ships():
    found, chosen = seeds.median([manifest(1, 0.61), manifest(2, 0.58), manifest(3, 0.60)])
    assert [one.seed for one in found] == [1, 3, 2]
    assert chosen.seed == 3
    assert seeds.record_of(found, chosen) == {
        "bundles": [
            {"seed": 1, "encoder": f"{1:064}", "validation": 0.61},
            {"seed": 3, "encoder": f"{3:064}", "validation": 0.60},
            {"seed": 2, "encoder": f"{2:064}", "validation": 0.58},
        ],
        "ships": f"{3:064}",
    }


def test_the_transformer_that_ships_is_the_median():
    record = json.loads(Path(seeds.__file__).with_name("seeds.json").read_text("utf-8"))
    figures = sorted(record["bundles"], key=lambda one: -one["validation"])
    assert len(figures) == 3
    assert record["ships"] == figures[1]["encoder"]
    assert read_manifest(resolve("transformer"))["files"][ENCODER] == record["ships"]


def test_a_bundle_without_a_figure_of_validation_is_refused():
    with pytest.raises(FramescopeError, match="b4: its manifest has no figure of validation"):
        seeds.median([{"name": "b4", "seed": 4, "files": {"encoder.onnx": ""}}])


def test_a_drop_between_two_samples_is_as_uncertain_as_both_together():
    found = drop(Estimate(0.8, 0.77, 0.84), Estimate(0.7, 0.66, 0.73))
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - math.hypot(0.03, 0.03))
    assert found.high == pytest.approx(0.1 + math.hypot(0.04, 0.04))
    assert cell(found).startswith("+0.100 [+0.058, ")
    assert math.isnan(drop(Estimate(0.8), Estimate(0.7)).low)
