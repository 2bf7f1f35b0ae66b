"""What picking saves: the reckoning on curves made by hand, and the loop on planted signals."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import toys
from framescope.training.commands.annotate import app
from framescope.training.picking.ground import Ground, prepared
from framescope.training.picking.methods import METHODS, MIX, OFFERED, PickError
from framescope.training.picking.savings import (
    WRITERS,
    _rising,
    overall,
    saves,
    savings,
)
from framescope.training.picking.simulation import PickingCurves, SimulationPlan, simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.isotonic import isotonic_regression
from typer.testing import CliRunner

DOCS = Path(__file__).parents[1] / "docs" / "picking.md"

# --- the reckoning --------------------------------------------------------------------------------


def curves(shift: float, noise: float = 0.0, repeats: int = 12) -> PickingCurves:
    """By lot the value is the square root of the picks; the method reaches it with a part."""
    lot = np.random.default_rng(4)
    sizes = (0, 200, 400, 600, 800, 1200, 1600, 2400)
    luck = lot.normal(0, noise, (repeats, 1))
    rounds = (200, 400, 600, 800)
    method = np.sqrt(np.array(rounds) * shift)[None] + luck + lot.normal(0, noise, (repeats, 4))
    return PickingCurves(
        "made: claim", "made", ("claim",), 3000, 500, sizes, np.sqrt(np.array(sizes))[None] + luck,
        rounds, {"rare": method},
    )  # fmt: skip


@pytest.mark.parametrize(("shift", "share"), [(2.0, 0.5), (1.0, 0.0), (0.5, -0.5)])
def test_labels_saved_are_what_the_lot_needs_more(shift, share) -> None:
    found = {one.n: one for one in savings(curves(shift))}
    assert found[400].share == pytest.approx(share, abs=0.02)
    assert found[400].lot == pytest.approx(400 * shift, rel=0.02)
    assert found[400].gain == pytest.approx(20 * (np.sqrt(shift) - 1))
    assert not found[400].beyond


def test_what_no_lot_reaches_is_at_least_what_there_is() -> None:
    one = {one.n: one for one in savings(curves(4.0))}[800]
    assert one.beyond
    assert one.lot == 2400
    assert one.share == pytest.approx(1 - 800 / 2400)


def test_intervals_hold_the_truth_and_luck_of_a_repeat_falls_out() -> None:
    one = {one.n: one for one in savings(curves(2.0, noise=0.5))}[400]
    low, high = one.share_interval
    assert low < 0.5 < high
    assert high - low < 0.2
    assert low <= one.share <= high


@pytest.mark.parametrize(("shift", "verdict"), [(2.0, True), (1.0, False), (0.6, False)])
def test_a_method_is_offered_when_its_interval_lies_above_nothing(shift, verdict) -> None:
    both = [curves(shift, noise=0.4), curves(shift, noise=0.4)]
    share = overall(both)["rare"]
    assert saves(share) is verdict
    assert share[1][0] <= share[0] <= share[1][1]


def test_a_curve_by_lot_that_falls_is_made_to_rise() -> None:
    one = curves(2.0)
    dented = one.by_lot.copy()
    dented[:, 3] -= 9
    found = savings(PickingCurves("", "", (), 0, 0, one.sizes, dented, one.rounds, one.picked))
    assert all(-1 <= saving.share <= 1 for saving in found)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_nearest_curve_that_does_not_fall(values) -> None:
    assert np.allclose(_rising(np.array([values]))[0], isotonic_regression(values))


def test_it_is_written_in_three_ways() -> None:
    both = [curves(2.0), curves(1.0)]
    markdown = WRITERS["markdown"](both, 0)
    assert "| method | 200 picks | 400 picks | 800 picks | verdict | offered |" in markdown
    assert markdown.count("| rare |") == 1 + 2 * 3
    assert "labels saved" in WRITERS["terminal"](both, 0)
    record = json.loads(WRITERS["json"](both, 0))
    assert record["overall"][0]["method"] == "rare"
    assert record["overall"][0]["n"] == 800
    assert len(record["settings"][0]["savings"]) == 4


def test_the_page_of_docs_says_what_is_offered() -> None:
    rows = (DOCS.read_text(encoding="utf-8").partition("| verdict |")[2]).split("**A method")[0]
    found = {}
    for line in rows.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in (*METHODS, MIX):
            found[cells[0]] = cells[-2], cells[-1]
    assert found.keys() == {*METHODS, MIX}
    assert {name for name, (_, offered) in found.items() if offered == "yes"} == set(OFFERED)
    # Drawing by lot is offered to judge by, whatever it saves.
    assert {name for name, (verdict, _) in found.items() if verdict == "saves"} == {
        name for name in OFFERED if name != "random"
    }


# --- the loop -------------------------------------------------------------------------------------


def planted(n: int = 1500, seed: int = 2) -> Ground:
    """A rare signal that one direction tells, in articles of ten sentences of five outlets."""
    lot = np.random.default_rng(seed)
    vectors = lot.normal(0, 1, (n, 12)).astype(np.float32)
    labels = np.stack([vectors[:, 0] + lot.normal(0, 0.4, n) > 1.9,
                       vectors[:, 1] + lot.normal(0, 0.4, n) > 1.5], axis=1)  # fmt: skip
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    articles = np.array([f"a{row // 10}" for row in range(n)])
    outlets = np.array([f"o{row // 10 % 5}" for row in range(n)])
    texts = tuple(f"sentence {row} of many about {row} ferries" for row in range(n))
    return Ground(
        "planted", ("vague_source", "unnamed_source"), labels, vectors, csr_matrix(vectors), texts,
        articles, outlets, np.arange(n) < 2 * n // 3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def simulated() -> PickingCurves:
    return simulate(planted(), repeats=4, pool=1000, first=60, size=40, rounds=3)


def test_each_method_learns_and_picks_help_where_a_signal_is_rare(simulated) -> None:
    assert set(simulated.picked) == {*METHODS, MIX}
    assert simulated.rounds == (40, 80, 120)
    assert simulated.sizes[0] == 0
    assert simulated.sizes[-1] == 940
    assert simulated.by_lot.shape == (4, len(simulated.sizes))
    mean = simulated.by_lot.mean(axis=0)
    assert mean[-1] > mean[0] + 0.05  # more labels teach more
    at = simulated.sizes.index(120)
    gained = {name: rows[:, -1].mean() - mean[at] for name, rows in simulated.picked.items()}
    assert gained["rare"] > 0.02
    assert gained["uncertainty"] > 0.02
    assert abs(gained["random"]) < 0.06


def test_the_same_seed_gives_the_same() -> None:
    one, two, other = (
        simulate(planted(600), ("rare", "random"), repeats=2, pool=400, first=40, size=30,
                 rounds=2, seed=seed)
        for seed in (3, 3, 4)
    )  # fmt: skip
    assert np.array_equal(one.by_lot, two.by_lot)
    assert all(np.array_equal(one.picked[name], two.picked[name]) for name in one.picked)
    assert not np.array_equal(one.by_lot, other.by_lot)


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(PickError, match="corpus 'planted': fewer than 1,200 sentences"):
        simulate(planted(600), repeats=2)


def test_one_signal_by_itself() -> None:
    ground = planted(300).only(["unnamed_source"])
    assert ground.labels.shape == (300, 1)
    assert ground.where(np.array([5, 2])).texts == (ground.texts[5], ground.texts[2])


def test_rows_are_made_ready_from_the_parts_that_are_for_it() -> None:
    examples = toys.examples(80)
    examples = examples.where(examples.corpus == "exchange")
    ground = prepared(examples, "exchange", ("vague_source",), lambda texts: np.ones(
        (len(texts), 4), np.float32), 10_000)  # fmt: skip
    assert ground.pool.sum() == (examples.part == "train").sum()
    assert (~ground.pool).sum() == (examples.part == "validation").sum()
    assert ground.labels[:, 0].tolist() == [t.startswith("Observers") for t in ground.texts]
    fewer = prepared(examples, "exchange", ("vague_source",), lambda texts: np.ones(
        (len(texts), 4), np.float32), 50)  # fmt: skip
    assert 0 < fewer.pool.sum() <= 50
    kept = set(fewer.articles[fewer.pool])
    assert all((examples.article == name).sum() == (fewer.articles == name).sum() for name in kept)


def test_nothing_is_simulated_on_rows_held_out() -> None:
    examples = toys.examples(80)
    examples = examples.where(examples.corpus == "exchange")
    part = np.where(examples.part == "validation", "test", examples.part)
    from dataclasses import replace

    with pytest.raises(PickError, match="has too few rows"):
        prepared(replace(examples, part=part), "exchange", ("vague_source",),
                 lambda texts: np.ones((len(texts), 4), np.float32), 10_000)  # fmt: skip


def test_what_is_not_simulated_is_refused() -> None:
    with pytest.raises(PickError, match="--corpus babe: is not simulated; give standoff, polnear"):
        SimulationPlan(corpora=("babe",))
    with pytest.raises(PickError, match="--by luck"):
        SimulationPlan(methods=("luck",))


@pytest.mark.slow
@pytest.mark.skipif("FRAMESCOPE_CORPORA" not in os.environ, reason="needs the corpora")
def test_it_runs_on_real_articles(tmp_path) -> None:
    pytest.importorskip("torch")
    out = tmp_path / "saved.json"
    words = ["simulate", "--corpus", "standoff", "--by", "uncertainty", "--repeats", "2", "--pool",
             "1500", "--cache", str(tmp_path), "--format", "json", "-o", str(out)]  # fmt: skip
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    record = json.loads(out.read_text(encoding="utf-8"))
    assert [one["corpus"] for one in record["settings"]] == ["standoff", "standoff"]
    for one in record["settings"]:
        reached = np.array(one["by_lot"]["average_precision"]).mean(axis=0)
        assert reached[-1] > reached[0]
    assert len(list(tmp_path.glob("vectors-*.npz"))) == 1
