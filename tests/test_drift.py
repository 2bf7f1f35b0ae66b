"""`framescope drift`: planted changes are found, and nothing where nothing has changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from framescope.classifier import bundles
from framescope.classifier.batch.folder import SUMMARY, RunFolder
from framescope.classifier.batch.schema import TABLES, VERSION, schema, text_digest
from framescope.classifier.errors import FramescopeError
from framescope.eval.commands.bundles import drift
from framescope.eval.drift import DriftReport, compare_runs
from framescope.eval.drift.measures import centred, mean_shift_ps
from typer.testing import CliRunner

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("duckdb")

app = typer.Typer()
app.command()(drift)
HOSTILE = "<script>window.pwned = 1<∕script>{{ 7*7 }}"

SIGNALS = (
    *("content", "claim", "attributed", "unnamed_source", "unsourced_assertion"),
    *("biased_language", "subjective", "loaded_language", "hyperpartisan"),
)
SHIFTED = ("claim", "subjective", "biased_language")
RARE = {"unnamed_source": -2.5, "loaded_language": -3.0, "biased_language": -1.5}
LETTERS = str.maketrans("0123456789", "abcdefghij")
COMMON = [f"word{n}".translate(LETTERS) for n in range(900)]
TOPIC = [f"topic{n}".translate(LETTERS) for n in range(60)]
SHARES = (1 / np.arange(5, 905)) / (1 / np.arange(5, 905)).sum()
OUTLETS = 12


USUAL = {"articles": 240, "topic": 0.0, "shift": 0.0, "strange": 0.0, "far": 0.02, "odds": 0.0}


def write(path: Path, seed: int, changed=(), **manifest: Any) -> Path:
    """Write a run of one shard, of articles that are drawn at random, and `mine.jsonl` beside it.

    `topic`: share of words of another topic; `shift`: added to the log-odds of `SHIFTED`, in
    standard deviations; `strange`: share of new outlets; `far`: share unlike the training data;
    `odds`: added to those of the labels.
    """
    articles, topic, shift, strange, unlike, miscalibrated = (USUAL | dict(changed)).values()
    rng = np.random.default_rng(seed)
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    records = []
    outlet_shares = 1 / np.arange(1, OUTLETS + 1)
    # What an outlet's articles have in common is the same in every run.
    manner = np.random.default_rng(77).normal(0, 0.3, (OUTLETS + 40, len(SIGNALS)))
    usual = np.array([RARE.get(name, 0.0) for name in SIGNALS])
    usual += 1.4 * shift * np.isin(SIGNALS, SHIFTED)
    for number in range(articles):
        fresh = rng.random() < strange
        outlet = int(rng.choice(OUTLETS, p=outlet_shares / outlet_shares.sum()))
        outlet = OUTLETS + int(rng.integers(40)) if fresh else outlet
        own = usual + rng.normal(0, 0.6, len(SIGNALS)) + manner[outlet]
        of_topic = topic if rng.random() < 0.6 else 0.0
        identity, text, items = number * 1_000_000, "", []
        odds = own + rng.normal(0, 1.2, (int(rng.integers(4, 10)), len(SIGNALS)))
        scores = 1 / (1 + np.exp(-odds))
        truth = rng.random(odds.shape) < 1 / (1 + np.exp(-(odds + miscalibrated)))
        for row, (given, yes) in enumerate(zip(scores.tolist(), truth.tolist(), strict=True)):
            words = rng.choice(COMMON, 14, p=SHARES)
            words = np.where(rng.random(14) < of_topic, rng.choice(TOPIC, 14), words)
            place = {"start": len(text), "end": len(text) + len(" ".join(words)) + 1}
            text += f"{' '.join(words)}. "
            labels = dict(zip(SIGNALS, map(int, yes), strict=True))
            items.append({**place, "labels": {s: labels[s] for s in ("claim", "subjective")}})
            tables["sentences"].append({
                "article_id": identity, "sentence": row, **place, "text": f"{' '.join(words)}.",
                **{s: v for s, v in zip(SIGNALS, given, strict=True) if s != "hyperpartisan"},
            })  # fmt: skip
        far, name = rng.random() < unlike, f"Outlet {outlet}"
        listed = not fresh and outlet % 4 != 3
        text = text.strip()
        records.append({"id": f"mine-{number}", "text": text, "sentences": items})
        tables["inputs"].append({"input_id": number, "input": "made-up.jsonl"})
        tables["articles"].append({
            "article_id": identity, "input_id": number, "id": f"a{number}", "outlet": name,
            "publisher": name.lower().replace(" ", "-") if listed else None,
            "publisher_name": name, "text_digest": text_digest(text), "far": far,
            "distance": float(rng.uniform(0.98, 1.0) if far else rng.uniform(0, 0.98)),
            "hyperpartisan": float(scores[0, -1]),
        })  # fmt: skip
    folder = RunFolder(path)
    folder.path.mkdir(parents=True)
    folder.shards.mkdir()
    draft = folder.draft(0)
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows, schema=schema(name, SIGNALS))
        pq.write_table(table, draft / f"{name}.parquet")
    folder.commit(draft, 0, {})
    folder.write("manifest.json", {
        "format": 1, "framescope": "0.4.0", "schema": VERSION,
        "model": {"name": "by-hand", "digest": "0" * 64, "runtime": "openvino"},
        "signals": list(SIGNALS), "thresholds": dict.fromkeys(SIGNALS, 0.5),
        "options": {"format": "parquet"}, "rounds": [{"shards": [0, 0]}], "finished": True,
        **manifest,
    })  # fmt: skip
    folder.write(SUMMARY, {"shards": 1})
    lines = "".join(json.dumps(one) + "\n" for one in records)
    (path.parent / "mine.jsonl").write_text(lines, "utf-8")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("drift") / "base", 1)


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which everything has changed, its labels too."""
    changed = {"topic": 0.1, "shift": 0.5, "strange": 0.3, "far": 0.2, "odds": 0.8}
    return write(tmp_path_factory.mktemp("drift") / HOSTILE, 3, changed)


def run(*words: object):
    return CliRunner().invoke(app, [*map(str, words)])


def compared(run: Path, against: str, data=(), level: float = 0.002) -> DriftReport:
    return compare_runs(run, against, data, level=level, most=3000, seed=0)


def measure(report: DriftReport, name: str):
    return next(one for one in report.measures if one.name == name)


def test_the_command_says_what_has_changed(base, moved) -> None:
    ended = run(moved, "--against", base, "--level", "0.02", "--format", "json")
    assert ended.exit_code == 1
    record = json.loads(ended.stdout)
    assert record["drift"] is True
    assert record["found"] == ["scores", "flags", "vocabulary", "outlets", "distance"]
    figures = {one["name"]: one for one in record["measures"][0]["figures"]}
    assert figures["claim"]["effect"]["value"] == pytest.approx(0.5, abs=0.2)
    assert figures["claim"]["effect"]["low"] > 0.1
    assert set(record["measures"][0]["found"]) == set(SHIFTED)
    assert all(one["word"].startswith("topic") for one in record["words"]["more"][:10])


def test_nothing_is_found_where_nothing_has_changed(base, tmp_path) -> None:
    write(tmp_path / "null", 2)
    ended = run(tmp_path / "null", "--against", base, "--level", "0.02")
    assert ended.exit_code == 0, ended.output
    assert "No drift found." in ended.output


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
    for seed in range(60):
        values = np.random.default_rng(seed).normal(0, 1, (60, 12))
        small += min(mean_shift_ps(values, np.arange(60) % 2 == 0, 99, seed)) <= 0.1
    assert 1 <= small <= 14  # 6 expected


def test_labels_tell_whether_scores_are_still_calibrated(base, moved) -> None:
    report = compared(moved, str(base), [moved.parent / "mine.jsonl"], level=0.02)
    found = measure(report, "calibration")
    assert set(found.found) == {"claim", "subjective"}
    figure = found.figures[0]
    assert figure.now.low > figure.before.value
    assert figure.effect.low > 0.05
    # The page holds every figure, and nothing hostile.
    html = report.page()
    assert "Drift: scores (" in html
    assert all(figure.words[1] in html for one in report.measures for figure in one.figures)
    assert measure(report, "vocabulary").more[0].word in html
    assert html.count("<svg") == len(measure(report, "scores").figures) + 1
    assert "<script>" not in html
    assert "{{ 7*7 }}" in html
    assert "http" not in html.replace("http-equiv", "")


@pytest.mark.slow
def test_labels_that_agree_with_the_scores_find_nothing_and_few_are_too_few(base, tmp_path) -> None:
    now, mine, few = (tmp_path / name for name in ("now", "mine.jsonl", "few.jsonl"))
    write(now, 9)
    few.write_text("".join(mine.read_text("utf-8").splitlines(keepends=True)[:4]), "utf-8")
    report = compared(now, str(base), [mine], level=0.02)
    assert not report.found, report.verdict
    found = measure(report, "calibration")
    assert {one.name for one in found.figures} == {"claim", "subjective"}
    assert found.p > 0.05
    found = measure(compared(now, str(base), [few], level=0.1), "calibration")
    assert found.figures == ()
    assert "too few labels of claim, subjective" in found.note


def test_too_few_articles_are_no_verdict(base, tmp_path) -> None:
    write(tmp_path / "small", 4, {"articles": 12})
    ended = run(tmp_path / "small", "--against", base, "-o", tmp_path / "page.html")
    assert ended.exit_code == 2
    assert "Too few articles: small has 12 scored articles; it takes 30." in ended.output
    assert "Too few articles" in (tmp_path / "page.html").read_text("utf-8")
    record = json.loads(run(tmp_path / "small", "--against", base, "-f", "json").stdout)
    assert record["drift"] is None


@pytest.mark.slow
def test_runs_of_two_bundles_are_compared_without_their_scores(base, tmp_path) -> None:
    other = {"name": "another-1", "digest": "f" * 64, "runtime": "openvino"}
    write(tmp_path / "other", 6, {"strange": 0.3}, model=other)
    report = compared(tmp_path / "other", str(base), level=0.02)
    note = measure(report, "scores").note
    assert "by-hand (000000000000) and other by another-1 (ffffffffffff)" in note
    assert [one.name for one in report.measures if one.figures] == ["vocabulary", "outlets"]
    assert [one.name for one in report.found] == ["outlets"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("BEGUN", "--against", "BASE"), "begun: is not finished; resume it: framescope batch"),
        (("NEWER", "--against", "BASE"), "newer: its tables are of version 7, not of 3"),
        (("EMPTY", "--against", "BASE"), "holds no run"),
        (("BASE", "--against", "nothing"), "nothing: no such bundle"),
        (("BASE", "--against", "EMPTY"), "neither a run nor a bundle"),
        (("BASE", "--against", "baseline"), "was scored by by-hand (000000000000)"),
        (("BASE", "--against", "BASE", "--data", "none.jsonl"), "none.jsonl: no such file"),
        (("BASE", "--against", "BASE", "--data", "MINE"), "mine.jsonl: labels no sentence of base"),
    ],
)
def test_what_can_not_be_compared_is_said_in_one_line(words, said, base, moved, tmp_path) -> None:
    places = {"BASE": base, "EMPTY": tmp_path, "MINE": moved.parent / "mine.jsonl"}
    places["BEGUN"] = write(tmp_path / "begun", 1, {"articles": 4}, finished=False)
    places["NEWER"] = write(tmp_path / "newer", 1, {"articles": 4}, schema=7)
    ended = run(*(places.get(word, word) for word in words), "-o", tmp_path / "page.html")
    assert isinstance(ended.exception, FramescopeError)
    assert said in str(ended.exception)
    assert "\n" not in str(ended.exception)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("far", "drift"), [(0.02, False), (0.2, True)])
def test_a_run_is_compared_with_its_bundle_by_distance(far, drift, tmp_path) -> None:
    shipped = bundles.load("baseline")
    model = {"name": shipped.name, "digest": shipped.digest, "runtime": "numpy"}
    write(tmp_path / "now", 21, {"far": far}, model=model)
    report = compared(tmp_path / "now", "baseline")
    assert bool(report.found) == drift, report.verdict
    assert "a bundle keeps no scores" in measure(report, "scores").note
    figure = measure(report, "distance").figures[1]
    assert figure.now.value == pytest.approx(far, abs=0.06)
