"""What `framescope eval batch` is made of: what is asked for, means over draws, and the corpora."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.cli.help import _repeated as repeated
from framescope.eval.grid.asked import GridError, benchmarks_asked, bundles_asked
from framescope.eval.metrics import MeanPart, mean_of_figures, mean_of_means, resample_figures
from framescope.eval.rows import Given
from grids import batch, cells, labelled, table, typed


def test_words_after_an_option_that_may_be_repeated_are_its_values():
    words = ["--m", "a", "b", "--o", "c", "--m=d", "--resume", "--b", "e", "f", "g"]
    assert list(repeated(words, {"--m", "--b"})) == [
        "--m", "a", "--m", "b", "--o", "c", "--m=d", "--resume", "--b", "e", "--b", "f", "--b", "g",
    ]  # fmt: skip


# --- what is asked for ---------------------------------------------------------------------------


def test_corpora_parts_and_files_are_benchmarks(tmp_path):
    mine = tmp_path / "mine.jsonl"
    found = benchmarks_asked(["house", "babe/test", str(mine), "house"])
    assert [(one.name, one.corpus, one.parts) for one in found] == [
        ("house", "house", ("test", "unseen_outlet")),
        ("babe/test", "babe", ("test",)),
        ("mine.jsonl", None, ("test",)),
    ]
    assert [one.ships for one in found] == [True, False, False]
    (only,) = benchmarks_asked(["house"], ["validation"])
    assert (only.name, only.parts) == ("house/validation", ("validation",))
    every = [one.name for one in benchmarks_asked(["corpora"])]
    assert {"ptc", "house", "standoff"} <= set(every)


def test_benchmarks_that_share_rows_are_refused():
    with pytest.raises(GridError, match="house/test: shares rows with house"):
        benchmarks_asked(["house", "house/test"])


def test_bundles_of_one_name_are_told_apart_and_one_bundle_is_itself(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name / "mine").mkdir(parents=True)
    a, b = str(tmp_path / "a" / "mine"), str(tmp_path / "b" / "mine")
    found = bundles_asked(["baseline", a, b, f"{a}/"])
    assert [one.name for one in found] == ["baseline", a, b]
    assert [one.name for one in bundles_asked([a])] == ["mine"]


# --- means over draws ----------------------------------------------------------------------------


def part(seed: int, groups: int = 12, skill: float = 0.3) -> MeanPart:
    rng = np.random.default_rng(seed)
    truth = rng.random(6 * groups) < 0.4
    proba = (rng.random(len(truth)) * 0.6 + skill * truth).astype(np.float32)
    return MeanPart("average_precision", truth, np.repeat(np.arange(groups), 6), Given(proba, 0.5))


def test_the_mean_of_one_figure_has_the_interval_of_that_figure():
    one = part(1)
    alone = resample_figures(
        one.truth, one.given, None, one.group, draws=400, seed=3, names=(one.metric,)
    )
    found = mean_of_figures([one], 400, 3).estimate()
    interval = alone.a[one.metric]
    assert (found.low, found.high) == (interval.low, interval.high)
    assert mean_of_means([mean_of_figures([one], 400, 3)], 3).estimate() == found


def test_differences_are_paired_draw_by_draw():
    better = [part(1, skill=0.35), part(2, skill=0.35)]
    a, b = (mean_of_figures(parts, 400, 0) for parts in ([part(1), part(2)], better))
    none = a.less(a)
    assert (none.value, none.low, none.high) == (0, 0, 0)
    between = b.less(a)
    assert between.value == pytest.approx(b.value - a.value)
    own = b.estimate()
    assert 0 < between.high - between.low < own.high - own.low


def test_a_signal_that_a_draw_lacks_is_left_out_of_its_mean():
    rare = part(3)
    truth = np.zeros(len(rare.truth), np.bool_)
    truth[0] = True  # in one group of twelve: a third of the draws have none
    rare = MeanPart(rare.metric, truth, rare.group, rare.given)
    found = mean_of_figures([part(1), rare], 400, 0)
    assert not np.isnan(found.draws).any()
    assert np.isnan(mean_of_figures([rare], 400, 0).draws).any()


def test_with_too_few_groups_there_is_no_interval_for_any_mean():
    few, many = (mean_of_figures([part(1, groups)], 200, 0) for groups in (4, 12))
    assert np.isnan(few.estimate().low)
    whole = mean_of_means([few, many], 0)
    assert np.isnan(whole.estimate().low)
    assert whole.value == pytest.approx((few.value + many.value) / 2)


# --- the corpora, and another process ------------------------------------------------------------


@pytest.mark.slow
def test_on_the_house_corpus_a_cell_is_what_a_single_run_says(tmp_path, monkeypatch):
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    run = tmp_path / "run"
    batch(run, "--models", "baseline", "--benchmarks", "house", "--draws", 100)
    single = json.loads(
        typed("run", "--a", "baseline", "--b", "baseline", "--draws", 100, "--format", "json")
    )
    rows = {(row["part"], row["signal"]): row for row in single["rows"]}
    cell = cells(run)["baseline", "house"]
    assert len(cell["figures"]) == len(rows) > 20
    for found in cell["figures"]:
        row = rows[found["part"], found["signal"]]
        assert found["figures"] == row["a"]
        assert (found["n"], found["positives"]) == (row["n"], row["positives"])
    assert table(run)["ranked_by"] == ["house/test", "house/unseen_outlet"]


@pytest.mark.slow
def test_a_bundle_of_another_split_fails_unless_it_is_allowed(tmp_path, small_bundle, monkeypatch):
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)
    words = ("--models", "baseline", small_bundle, "--benchmarks", "house/test", "--draws", 100)
    batch(tmp_path / "a", *words, status=1)
    (failed,) = table(tmp_path / "a")["failed"]
    assert failed["bundle"] == "by-hand"
    assert "trained on a split it doesn't name" in failed["why"]
    assert "--allow-other-split" in failed["why"]
    batch(tmp_path / "b", *words, "--allow-other-split")
    assert len(table(tmp_path / "b")["bundles"]) == 2
    assert "not the split of by-hand" in cells(tmp_path / "b")["by-hand", "house/test"]["data"]


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_what_can_be_gone_on_with(tmp_path, small_bundle):
    files = [labelled(tmp_path / f"{n}.jsonl", range(n, n + 12)) for n in range(6)]
    run = tmp_path / "run"
    words = ["eval", "batch", "--models", small_bundle, "--benchmarks", *files, "--output", run]
    environment = {k: v for k, v in os.environ.items() if k != "FRAMESCOPE_CORPORA"}
    code = "import sys; from framescope.__main__ import main; sys.exit(main())"

    def started(*more: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, [*words, *more])], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parent.parent,
        )  # fmt: skip

    process = started()
    while not list(run.glob("cells/*.json")) and process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path: path.read_bytes() for path in run.glob("cells/*.json")}
    assert kept
    process = started("--resume")
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert f"{6 - len(kept)} of 6 cells computed now" in err
    assert {path: path.read_bytes() for path in kept} == kept
