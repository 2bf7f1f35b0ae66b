"""`framescope drift`: what is planted is found, what is not there is not, and bad input is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("pyarrow")
pytest.importorskip("duckdb")

import drifting
from drifting import Stream
from framescope.classifier.errors import FramescopeError
from framescope.eval.commands.drift import drift
from framescope.eval.drift.dealing import Deals, divergence
from framescope.eval.drift.verdicts import compare

app = typer.Typer()
app.command()(drift)


def run(*words: object):
    return CliRunner().invoke(app, [*map(str, words)])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("drift") / "base"
    drifting.write(path, 1)
    return path


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> drifting.Drawn:
    """A run in which everything has changed, its labels too."""
    stream = Stream(topic=0.1, shift=0.5, strange=0.3, far=0.2, miscalibrated=0.8)
    return drifting.write(tmp_path_factory.mktemp("drift") / "moved", 3, stream)


def labels(drawn: drifting.Drawn, path: Path, articles: int = 400) -> Path:
    with path.open("w", encoding="utf-8") as file:
        for number, (text, places, found) in enumerate(
            zip(drawn.texts[:articles], drawn.places, drawn.labels, strict=False)
        ):
            units = [
                {"start": a, "end": b,
                 "labels": {name: found[name][row] for name in ("claim", "subjective")}}
                for row, (a, b) in enumerate(places)
            ]  # fmt: skip
            record = {"id": f"mine-{number}", "text": text, "sentences": units}
            file.write(json.dumps(record) + "\n")
    return path


# --- twenty of each -------------------------------------------------------------------------------

PLANTED = (
    ("vocabulary", Stream(topic=0.08)),
    ("scores", Stream(shift=0.3)),
    ("outlets", Stream(strange=0.25)),
    ("distance", Stream(far=0.15)),
)


@pytest.mark.slow
def test_of_twenty_planted_shifts_each_is_found_and_of_twenty_nulls_none(tmp_path) -> None:
    runs = [tmp_path / f"null-{number}" for number in range(21)]
    for number, path in enumerate(runs):
        drifting.write(path, 100 + number)
    for before, now in pairwise(runs):
        report = compare(now, str(before))
        assert report.status == 0, (now.name, report.verdict)
        assert report.verdict == "no drift found"
    for number, before in enumerate(runs[:20]):
        name, stream = PLANTED[number % 4]
        now = tmp_path / f"planted-{number}"
        drifting.write(now, 500 + number, stream)
        report = compare(now, str(before))
        assert report.status == 1, (now.name, name)
        found = {one.name for one in report.found}
        assert name in found, (now.name, name, report.verdict)
        # A shift of scores shows in flags too; nothing else is told that isn't there.
        assert found <= {name, *(("flags",) if name == "scores" else ())}, report.verdict


def test_a_null_and_a_planted_shift_by_the_command(base, moved, tmp_path) -> None:
    drifting.write(tmp_path / "null", 2)
    ended = run(tmp_path / "null", "--against", base)
    assert ended.exit_code == 0, ended.output
    assert "No drift found." in ended.output
    ended = run(moved.folder.path, "--against", base, "--json")
    assert ended.exit_code == 1
    record = json.loads(ended.stdout)
    assert record["drift"] is True
    assert record["found"] == ["scores", "flags", "vocabulary", "outlets", "distance"]
    figures = {one["name"]: one for measure in record["measures"][:1] for one in measure["figures"]}
    assert figures["claim"]["effect"]["value"] == pytest.approx(0.5, abs=0.2)
    assert figures["claim"]["effect"]["low"] > 0.1
    assert set(record["measures"][0]["found"]) == {"claim", "subjective", "biased_language"}
    assert all(one["word"].endswith("ix") for one in record["words"]["more"][:10])


def test_a_run_against_itself_has_not_drifted(base) -> None:
    ended = run(base, "--against", base, "--draws", 2999)
    assert ended.exit_code == 0, ended.output


# --- who is dealt with whom -----------------------------------------------------------------------


def test_articles_of_an_outlet_in_both_runs_are_dealt_among_themselves() -> None:
    outlet = np.array(["a"] * 10 + ["b"] * 6 + ["a"] * 4 + ["b"] * 8)
    now = np.arange(28) >= 16
    (dealt,) = Deals.of(now, outlet, 50, 0).blocks()
    for name in ("a", "b"):
        assert set(dealt[:, outlet == name].sum(axis=1)) == {now[outlet == name].sum()}
    assert len({tuple(row) for row in dealt.tolist()}) > 40


def test_articles_of_outlets_that_are_in_one_run_alone_are_dealt_among_those() -> None:
    outlet = np.array(["a"] * 10 + ["old"] * 6 + ["a"] * 4 + ["new"] * 8)
    now = np.arange(28) >= 16
    (dealt,) = Deals.of(now, outlet, 50, 0).blocks()
    assert set(dealt[:, outlet == "a"].sum(axis=1)) == {4}
    assert set(dealt[:, outlet != "a"].sum(axis=1)) == {8}
    assert len(set(dealt[:, outlet == "new"].sum(axis=1))) > 3


def test_outlets_that_differ_by_nature_are_no_drift_of_scores(tmp_path) -> None:
    # One outlet is far from the others; one run happens to have more of it.
    rng = np.random.default_rng(5)
    outlet = np.where(np.arange(400) % 8 == 0, "odd", "even")
    outlet[200:260] = "odd"
    values = rng.normal(0, 1, 400) + 2.0 * (outlet == "odd")
    now = np.arange(400) >= 200

    def gap(dealt: np.ndarray) -> np.ndarray:
        ours, theirs = dealt @ values, (1 - dealt) @ values
        return np.abs(ours / dealt.sum(axis=1) - theirs / (1 - dealt).sum(axis=1))[:, None]

    assert Deals.freely(now, 999, 0).judge(gap).p[0] < 0.01
    assert Deals.of(now, outlet, 999, 0).judge(gap).p[0] > 0.05


def test_p_is_even_where_nothing_has_changed_and_corrected_for_many() -> None:
    small = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 1, (80, 12)).astype(np.float32)
        deals = Deals.freely(np.arange(80) % 2 == 0, 199, seed)
        judged = deals.judge(lambda dealt, v=values: np.abs(dealt @ v - (1 - dealt) @ v))
        small += judged.p.min() <= 0.1
    assert 2 <= small <= 20  # 10 expected


def test_divergence_is_that_of_the_textbook() -> None:
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 3.0])) == pytest.approx(1.0)
    assert divergence(np.array([1.0, 1.0]), np.array([5.0, 5.0])) == pytest.approx(0.0)
    one, two = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    middle = (one + two) / 2
    wanted = 0.5 * sum(float((x * np.log2(x / middle)).sum()) for x in (one, two))
    assert divergence(one, two) == pytest.approx(wanted)


# --- labels ---------------------------------------------------------------------------------------


def test_labels_tell_whether_scores_still_hold(base, moved, tmp_path) -> None:
    mine = labels(moved, tmp_path / "mine.jsonl")
    report = compare(moved.folder.path, str(base), [mine])
    found = next(one for one in report.measures if one.name == "calibration")
    assert set(found.found) == {"claim", "subjective"}
    figure = found.figures[0]
    assert figure.now is not None
    assert figure.before is not None
    assert figure.now.low > figure.before.value
    assert figure.effect.low > 0.05


def test_labels_that_agree_with_the_scores_find_nothing(base, tmp_path) -> None:
    drawn = drifting.write(tmp_path / "now", 9)
    mine = labels(drawn, tmp_path / "mine.jsonl")
    report = compare(drawn.folder.path, str(base), [mine])
    assert report.status == 0, report.verdict
    found = next(one for one in report.measures if one.name == "calibration")
    assert {one.name for one in found.figures} == {"claim", "subjective"}
    assert found.p > 0.05


def test_few_labels_are_said_to_be_few(base, tmp_path) -> None:
    drawn = drifting.write(tmp_path / "now", 9)
    mine = labels(drawn, tmp_path / "mine.jsonl", articles=4)
    report = compare(drawn.folder.path, str(base), [mine])
    found = next(one for one in report.measures if one.name == "calibration")
    assert found.figures == ()
    assert "too few labels to tell" in found.note
    assert "claim, subjective" in found.note


# --- what can't be compared -----------------------------------------------------------------------


def test_too_few_articles_are_no_verdict(base, tmp_path) -> None:
    drifting.write(tmp_path / "small", 4, Stream(articles=12))
    ended = run(tmp_path / "small", "--against", base, "-o", tmp_path / "page.html")
    assert ended.exit_code == 2
    assert "Too few to say: small has 12 scored articles; 30 are the least." in ended.output
    assert "Too few to say" in (tmp_path / "page.html").read_text("utf-8")
    record = json.loads(run(tmp_path / "small", "--against", base, "--json").stdout)
    assert record["drift"] is None


def test_runs_of_two_bundles_are_compared_as_far_as_that_goes(base, tmp_path) -> None:
    other = {"name": "another-1", "digest": "f" * 64, "runtime": "openvino"}
    drifting.write(tmp_path / "other", 6, Stream(strange=0.3), model=other)
    report = compare(tmp_path / "other", str(base))
    notes = {one.name: one.note for one in report.measures}
    assert "by-hand (000000000000) and other by another-1 (ffffffffffff)" in notes["scores"]
    assert [one.name for one in report.measures if one.figures] == ["vocabulary", "outlets"]
    assert [one.name for one in report.found] == ["outlets"]


def _unfinished(path: Path) -> tuple[object, ...]:
    drifting.write(path / "begun", 1, Stream(articles=40), finished=False)
    return (path / "begun", "--against", path / "begun")


def _of_another_version(path: Path) -> tuple[object, ...]:
    drifting.write(path / "newer", 1, Stream(articles=40), schema=7)
    return (path / "newer", "--against", path / "newer")


BAD: dict[str, tuple[Callable[[Path], tuple[object, ...]] | None, tuple[str, ...], str]] = {
    "unfinished": (_unfinished, (), "begun: is not finished; go on with it: framescope batch"),
    "version": (_of_another_version, (), "newer: its tables are of version 7, not of 1"),
    "no bundle": (None, ("--against", "nothing"), "nothing: no such bundle"),
    "another bundle": (None, ("--against", "baseline"), "was scored by by-hand (000000000000)"),
    "no labels": (None, ("--data", "nowhere.jsonl"), "nowhere.jsonl: no such file"),
    "few draws": (None, ("--draws", "99"), "--draws 99: too few for --level 0.002; give at least"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_compared_is_said_in_one_line(name, base, tmp_path) -> None:
    make, words, said = BAD[name]
    given = make(tmp_path) if make else (base, "--against", base)
    ended = run(*given, *words, "-o", tmp_path / "page.html")
    assert isinstance(ended.exception, FramescopeError)
    assert said in str(ended.exception)
    assert "\n" not in str(ended.exception)
    assert not (tmp_path / "page.html").exists()


def test_what_is_no_run_is_said(base, tmp_path) -> None:
    ended = run(tmp_path, "--against", base)
    assert "holds no run" in str(ended.exception)
    ended = run(base, "--against", tmp_path)
    assert "neither a run nor a bundle" in str(ended.exception)


def test_labels_of_other_articles_are_said_to_be(base, moved, tmp_path) -> None:
    mine = labels(moved, tmp_path / "mine.jsonl")
    ended = run(base, "--against", base, "--data", mine)
    assert re.search(r"mine\.jsonl: labels no sentence of base", str(ended.exception))


# --- against a bundle -----------------------------------------------------------------------------


@pytest.mark.parametrize(("far", "status"), [(0.02, 0), (0.2, 1)])
def test_against_a_bundle_the_distance_is_told(far, status, tmp_path) -> None:
    from framescope.classifier import bundles

    shipped = bundles.load("baseline")
    model = {"name": shipped.name, "digest": shipped.digest, "runtime": "numpy"}
    drifting.write(tmp_path / "now", 21, Stream(far=far), model=model)
    report = compare(tmp_path / "now", "baseline")
    assert report.status == status, report.verdict
    notes = {one.name: one.note for one in report.measures}
    assert "a bundle keeps no scores" in notes["scores"]
    figure = next(one for one in report.measures if one.name == "distance").figures[1]
    assert figure.now is not None
    assert figure.now.value == pytest.approx(far, abs=0.06)
    words = next(one for one in report.measures if one.name == "vocabulary").figures[0]
    assert words.now is not None
    assert words.now.value > 0.9  # words that nobody has
