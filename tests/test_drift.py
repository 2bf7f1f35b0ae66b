"""`framescope drift`: planted changes are found, and nothing where nothing has changed."""

from __future__ import annotations

import json
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
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.eval.commands.drift import drift
from framescope.eval.drift import LEVEL, compare_runs
from framescope.eval.drift.figures import centred, divergence, mean_shift_ps

app = typer.Typer()
app.command()(drift)
HOSTILE = "<script>window.pwned = 1<∕script>{{ 7*7 }}"
PLANTED = (
    ("vocabulary", Stream(topic=0.08)),
    ("scores", Stream(shift=0.3)),
    ("outlets", Stream(strange=0.25)),
    ("distance", Stream(far=0.15)),
)


def run(*words: object):
    return CliRunner().invoke(app, [*map(str, words)])


def measure(report, name: str):
    return next(one for one in report.measures if one.name == name)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return drifting.write(tmp_path_factory.mktemp("drift") / "base", 1).path


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> drifting.Drawn:
    """A run in which everything has changed, its labels too."""
    stream = Stream(topic=0.1, shift=0.5, strange=0.3, far=0.2, miscalibrated=0.8)
    return drifting.write(tmp_path_factory.mktemp("drift") / HOSTILE, 3, stream)


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


# --- planted changes, and none --------------------------------------------------------------------


def check_planted(now: Path, before: Path, name: str, level: float = LEVEL) -> None:
    report = compare_runs(now, str(before), level=level)
    found = {one.name for one in report.found}
    # A shift of scores shows in flags too; nothing else has changed.
    assert {name} <= found <= {name, *(("flags",) if name == "scores" else ())}, report.verdict


@pytest.mark.parametrize(("name", "stream"), PLANTED, ids=[name for name, _ in PLANTED])
def test_a_planted_shift_is_found(base, name, stream, tmp_path) -> None:
    check_planted(drifting.write(tmp_path / "now", 500, stream).path, base, name, level=0.02)


@pytest.mark.slow
def test_of_twenty_planted_shifts_each_is_found_and_of_twenty_nulls_none(tmp_path) -> None:
    runs = [drifting.write(tmp_path / f"null-{n}", 100 + n).path for n in range(21)]
    for before, now in pairwise(runs):
        report = compare_runs(now, str(before))
        assert (report.status, report.verdict) == (0, "no drift found"), now.name
    for number, before in enumerate(runs[:20]):
        name, stream = PLANTED[number % 4]
        now = drifting.write(tmp_path / f"planted-{number}", 500 + number, stream)
        check_planted(now.path, before, name)


def test_the_command_says_what_has_changed(base, moved) -> None:
    ended = run(moved.path, "--against", base, "--format", "json")
    assert ended.exit_code == 1
    record = json.loads(ended.stdout)
    assert record["drift"] is True
    assert record["found"] == ["scores", "flags", "vocabulary", "outlets", "distance"]
    figures = {one["name"]: one for one in record["measures"][0]["figures"]}
    assert figures["claim"]["effect"]["value"] == pytest.approx(0.5, abs=0.2)
    assert figures["claim"]["effect"]["low"] > 0.1
    assert set(record["measures"][0]["found"]) == {"claim", "subjective", "biased_language"}
    assert all(one["word"].endswith("ix") for one in record["words"]["more"][:10])


def test_nothing_is_found_where_nothing_has_changed(base, tmp_path) -> None:
    drifting.write(tmp_path / "null", 2)
    ended = run(tmp_path / "null", "--against", base)
    assert ended.exit_code == 0, ended.output
    assert "No drift found." in ended.output
    assert run(base, "--against", base, "--level", "0.05").exit_code == 0


# --- the tests ------------------------------------------------------------------------------------


def test_outlets_that_differ_by_nature_are_no_drift_of_scores() -> None:
    # One outlet differs from the other; one run happens to have more of it.
    rng = np.random.default_rng(5)
    outlet = np.where(np.arange(400) % 8 == 0, "odd", "even")
    outlet[200:260] = "odd"
    values = (rng.normal(0, 1, 400) + 2.0 * (outlet == "odd"))[:, None]
    now = np.arange(400) >= 200
    assert mean_shift_ps(values, now, 999, 0)[0] < 0.01
    assert mean_shift_ps(centred(values, outlet, now), now, 999, 0)[0] > 0.05


def test_p_is_uniform_where_nothing_has_changed_and_corrected_for_many() -> None:
    small = 0
    for seed in range(100):
        values = np.random.default_rng(seed).normal(0, 1, (80, 12))
        small += min(mean_shift_ps(values, np.arange(80) % 2 == 0, 199, seed)) <= 0.1
    assert 2 <= small <= 20  # 10 expected


def test_divergence_is_that_of_the_textbook() -> None:
    now = np.arange(8) >= 4
    apart = divergence(np.repeat([[1, 0], [0, 3]], 4, axis=0), now, 99, 0)
    assert apart.value == pytest.approx(1.0)
    assert apart.p < 0.05
    alike = divergence(np.repeat([[1, 1], [5, 5]], 4, axis=0), now, 99, 0)
    assert (alike.value, alike.p) == (pytest.approx(0.0, abs=1e-9), 1.0)


# --- labels ---------------------------------------------------------------------------------------


def test_labels_tell_whether_scores_are_still_calibrated(base, moved, tmp_path) -> None:
    mine = labels(moved, tmp_path / "mine.jsonl")
    found = measure(compare_runs(moved.path, str(base), [mine]), "calibration")
    assert set(found.found) == {"claim", "subjective"}
    figure = found.figures[0]
    assert figure.now.low > figure.before.value
    assert figure.effect.low > 0.05


def test_labels_that_agree_with_the_scores_find_nothing_and_few_are_too_few(base, tmp_path) -> None:
    drawn = drifting.write(tmp_path / "now", 9)
    report = compare_runs(drawn.path, str(base), [labels(drawn, tmp_path / "mine.jsonl")])
    assert report.status == 0, report.verdict
    found = measure(report, "calibration")
    assert {one.name for one in found.figures} == {"claim", "subjective"}
    assert found.p > 0.05
    mine = labels(drawn, tmp_path / "mine.jsonl", articles=4)
    found = measure(compare_runs(drawn.path, str(base), [mine]), "calibration")
    assert found.figures == ()
    assert "too few labels of claim, subjective" in found.note


# --- what can't be compared -----------------------------------------------------------------------


def test_too_few_articles_are_no_verdict(base, tmp_path) -> None:
    drifting.write(tmp_path / "small", 4, Stream(articles=12))
    ended = run(tmp_path / "small", "--against", base, "-o", tmp_path / "page.html")
    assert ended.exit_code == 2
    assert "Too few articles: small has 12 scored articles; it takes 30." in ended.output
    assert "Too few articles" in (tmp_path / "page.html").read_text("utf-8")
    record = json.loads(run(tmp_path / "small", "--against", base, "-f", "json").stdout)
    assert record["drift"] is None


def test_runs_of_two_bundles_are_compared_without_their_scores(base, tmp_path) -> None:
    other = {"name": "another-1", "digest": "f" * 64, "runtime": "openvino"}
    drifting.write(tmp_path / "other", 6, Stream(strange=0.3), model=other)
    report = compare_runs(tmp_path / "other", str(base))
    note = measure(report, "scores").note
    assert "by-hand (000000000000) and other by another-1 (ffffffffffff)" in note
    assert [one.name for one in report.measures if one.figures] == ["vocabulary", "outlets"]
    assert [one.name for one in report.found] == ["outlets"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("BEGUN", "--against", "BASE"), "begun: is not finished; resume it: framescope batch"),
        (("NEWER", "--against", "BASE"), "newer: its tables are of version 7, not of 1"),
        (("EMPTY", "--against", "BASE"), "holds no run"),
        (("BASE", "--against", "nothing"), "nothing: no such bundle"),
        (("BASE", "--against", "EMPTY"), "neither a run nor a bundle"),
        (("BASE", "--against", "baseline"), "was scored by by-hand (000000000000)"),
        (("BASE", "--against", "BASE", "--data", "none.jsonl"), "none.jsonl: no such file"),
        (("BASE", "--against", "BASE", "--data", "MINE"), "mine.jsonl: labels no sentence of base"),
    ],
)
def test_what_can_not_be_compared_is_said_in_one_line(words, said, base, moved, tmp_path) -> None:
    few = Stream(articles=40)
    places = {"BASE": base, "EMPTY": tmp_path}
    places["BEGUN"] = drifting.write(tmp_path / "begun", 1, few, finished=False).path
    places["NEWER"] = drifting.write(tmp_path / "newer", 1, few, schema=7).path
    places["MINE"] = labels(moved, tmp_path / "mine.jsonl", articles=5)
    ended = run(*(places.get(word, word) for word in words), "-o", tmp_path / "page.html")
    assert isinstance(ended.exception, FramescopeError)
    assert said in str(ended.exception)
    assert "\n" not in str(ended.exception)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(("far", "status"), [(0.02, 0), (0.2, 1)])
def test_a_run_is_compared_with_its_bundle_by_distance(far, status, tmp_path) -> None:
    shipped = bundles.load("baseline")
    model = {"name": shipped.name, "digest": shipped.digest, "runtime": "numpy"}
    drifting.write(tmp_path / "now", 21, Stream(far=far), model=model)
    report = compare_runs(tmp_path / "now", "baseline")
    assert report.status == status, report.verdict
    assert "a bundle keeps no scores" in measure(report, "scores").note
    figure = measure(report, "distance").figures[1]
    assert figure.now.value == pytest.approx(far, abs=0.06)


# --- the page -------------------------------------------------------------------------------------


def test_the_page_holds_every_figure_and_nothing_hostile(base, moved, tmp_path) -> None:
    mine = labels(moved, tmp_path / "mine.jsonl")
    report = compare_runs(moved.path, str(base), [mine])
    html = report.page()
    assert "Drift: scores (" in html
    for one in report.measures:
        for figure in one.figures:
            assert figure.words[1] in html
    assert report.words.more[0].word in html
    assert html.count("<svg") == len(measure(report, "scores").figures) + 1
    assert "<script>" not in html
    assert "{{ 7*7 }}" in html
    assert "http" not in html.replace("http-equiv", "")
