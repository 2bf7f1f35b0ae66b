"""`framescope calibrate`: thresholds fitted on a desk's labels, and what stays as it is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.errors import FramescopeError
from framescope.classifier.models import DOMAIN, TrainingDomain
from framescope.classifier.records import Sentence
from framescope.eval.calibration import Target, refit_line, threshold_for, write_recalibrated
from framescope.eval.commands.bundles import calibrate

app = typer.Typer()
app.command()(calibrate)
CARD = "# by-hand\n\n| signal | meaning | definition | flagged from |\n| --- | --- | --- | --- |\n"


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def clustered(articles: int, seed: int, slope: float, shift: float, each: int = 8):
    """Logits, labels by a line of its own with what articles have in common, and the articles."""
    rng = np.random.default_rng(seed)
    names = np.repeat(np.arange(articles), each).astype(str)
    common = np.repeat(rng.normal(0, 0.7, articles), each)
    logits = rng.normal(-1, 2, articles * each).astype(np.float32)
    return logits, rng.random(len(logits)) < sigmoid(slope * logits + shift + common), names


def test_many_labels_leave_the_bundles_line_behind() -> None:
    # What articles have in common flattens a line a little (Zeger et al., 1988).
    line = refit_line(*clustered(2000, 1, 1.6, 0.8), (1.0, 0.0))
    assert line == pytest.approx((1.6, 0.8), abs=0.15)


@pytest.mark.slow
def test_a_wanted_precision_is_reached_on_other_articles_as_often_as_promised() -> None:
    wanted = 0.8
    logits, truth, _ = clustered(30_000, 5, 1.5, 0.8)
    others, held = 0, 0
    for seed in range(40):
        mine, positive, names = clustered(120, 100 + seed, 1.5, 0.8)
        found = threshold_for(sigmoid(mine), positive, names, Target("precision", wanted, 0.9))
        if found is not None and found.enough:
            others += 1
            held += truth[sigmoid(logits) >= found.threshold].mean() >= wanted
    assert others > 30
    assert held / others > 0.75  # 0.9 promised, 40 tried


def test_a_wanted_recall_is_reached_by_what_is_flagged() -> None:
    logits, positive, names = clustered(80, 6, 1.5, 0.8)
    proba = sigmoid(logits)
    found = threshold_for(proba, positive, names, Target("recall", 0.8, 0.5))
    assert found is not None
    assert (proba[positive] >= found.threshold).mean() == pytest.approx(found.value)
    assert found.value >= 0.8


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle by hand, whose limits of what is sure are made up."""
    folder = tmp_path_factory.mktemp("bundles") / "by-hand"
    empty = np.zeros(0, np.float32)
    limits = np.full(4, 0.4, np.float32)
    domain = TrainingDomain(
        np.zeros(4, np.float32), np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32), empty,
        limits, limits,
    )  # fmt: skip

    def save(path: Path) -> None:
        toys.save_by_hand(path)
        domain.save(path)

    rows = "".join(f"| `{name}` | what it is | whose | 0.500 |\n" for name in toys.BY_HAND)
    manifest = {**toys.MANIFEST_BY_HAND, "thresholds_elsewhere": {"claimbuster": {"claim": 0.3}}}
    bundles.write(folder, manifest, CARD + rows, save)
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty labelled articles; what takes crowns is a claim in two of three, rain in a tenth."""
    path = tmp_path_factory.mktemp("labels") / "mine.jsonl"
    rng = np.random.default_rng(8)
    lines = []
    for number in range(60):
        sentences, units, at = [], [], 0
        for _ in range(8):
            costs = rng.random() < 0.5
            words = "the mill takes crowns" if costs else "the rain falls on the quay"
            sentences.append(f"{words} {'of the ' * int(rng.integers(0, 4))}north.")
            claim = int(rng.random() < (0.66 if costs else 0.1))
            labels = {"claim": claim, "vague_source": int(number == 3)}
            units.append({"start": at, "end": at + len(sentences[-1]), "labels": labels})
            at += len(sentences[-1]) + 1
        record = {"id": f"a{number}", "text": " ".join(sentences), "sentences": units}
        lines.append(json.dumps(record) + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


def run(*words: object):
    return CliRunner().invoke(app, [*map(str, words)], catch_exceptions=True)


@pytest.fixture(scope="module")
def written(base, mine, tmp_path_factory):
    """The folder of the bundle calibrated again, what ended the command, and both bundles."""
    folder = tmp_path_factory.mktemp("again") / "new"
    ended = run("--data", mine, "--model", base, "--output", folder, "--format", "json")
    assert ended.exit_code == 0, ended.output
    return folder, ended, bundles.load(base), bundles.load(folder)


def test_a_bundle_is_written_with_what_was_fitted_and_the_same_weights(base, mine, written) -> None:
    folder, ended, old, new = written
    for name in ("weights.npz", "vocabulary.json"):
        assert (base / name).read_bytes() == (folder / name).read_bytes()
    for fields in ("calibration", "thresholds"):
        before, after = (one.manifest[fields] for one in (old, new))
        assert [name for name in before if before[name] != after[name]] == ["claim"]
    (record,) = new.manifest["calibrated"]
    assert record["from"] == {"name": "by-hand", "digest": old.digest}
    assert record["data"] == [{"file": "mine.jsonl", "sha256": bundles.digest(mine)}]
    claim = record["signals"]["claim"]
    assert (claim["n"], claim["articles"]) == (480, 60)
    assert claim["threshold"] == {"before": 0.5, "after": new.thresholds["claim"]}
    assert claim["calibration"]["before"] == [1.0, 0.0]
    assert len(new.seen) == 60
    again = run("--data", mine, "--model", folder, "--output", folder.with_name("again"))
    assert "calibrated on 60 of the 60 articles" in str(again.exception)
    value, low, high = claim["figures"]["cross_fitted"]["precision"]
    assert low < value < high
    said = "vague_source stays as it is: 8 labelled yes in 1 article"
    assert said in " ".join(ended.output.split())
    figures = json.loads(ended.stdout)["signals"]["claim"]["figures"]
    # What is left is that the toy's chances don't follow a line.
    assert figures["before"]["debiased_error"][0] > 0.1
    assert figures["cross_fitted"]["debiased_error"][0] < 0.1
    assert figures["cross_fitted"]["brier"][0] < figures["before"]["brier"][0]


def test_what_speaks_of_chances_decides_as_before(written) -> None:
    _, _, old, new = written
    texts = ("crowns", "the crowns of the mill", "the rain", "observers of crowns and the vile")
    rows = [Sentence(t, 0, len(t), f"x{i}", 0) for i, t in enumerate(texts)]
    was, now = (one.model.predict(rows).proba for one in (old, new))
    assert not np.array_equal(was[:, 0], now[:, 0])
    assert np.array_equal(was[:, 1:], now[:, 1:])
    assert np.array_equal(old.domain.sure(was), new.domain.sure(now))
    assert old.domain.no[0] != new.domain.no[0]
    limit = new.threshold("claim", "claimbuster")
    assert limit != 0.3
    assert np.array_equal(was[:, 0] >= np.float32(0.3), now[:, 0] >= np.float32(limit))


def test_the_card_says_what_it_was_fitted_on(written, mine, tmp_path) -> None:
    folder, _, _, new = written
    card = (folder / "README.md").read_text("utf-8")
    assert f"| `claim` | what it is | whose | {new.thresholds['claim']:.3f} |" in card
    assert "| `loaded_language` | what it is | whose | 0.500 |" in card
    assert f"# {new.name}\n" in card
    assert bundles.digest(mine) in card
    again = run("--data", mine, "--model", folder, "--output", tmp_path / "c", "--allow-seen")
    assert again.exit_code == 0, again.output
    assert len(bundles.load(tmp_path / "c").manifest["calibrated"]) == 2
    assert "## Calibrated again, 2" in (tmp_path / "c" / "README.md").read_text("utf-8")


BAD = {
    "no share": (("--precision", "claim"), "--precision claim: write SIGNAL=SHARE"),
    "not given": (("--signal", "doubt"), "gives no 'doubt'"),
    "not labelled": (("--signal", "loaded_language"), "labels no 'loaded_language'"),
    "twice": (("--precision", "claim=0.6", "--recall", "claim=0.6"), "claim has two targets"),
    "too few": (("--precision", "vague_source=0.6"), "too few labels of vague_source: 8 labelled"),
    "all too few": (("--signal", "vague_source"), "too few labels of every signal (vague_source"),
    "not reached": (("--precision", "claim=0.95"), "no threshold achieves it, sure to 90%, on 480"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_done_is_said_in_one_line_and_nothing_written(name, base, mine, tmp_path):
    words, said = BAD[name]
    ended = run("--data", mine, *words, "--model", base, "--output", tmp_path / "b", "-q")
    assert isinstance(ended.exception, FramescopeError)
    assert said in str(ended.exception)
    assert "\n" not in str(ended.exception)
    assert list(tmp_path.iterdir()) == []


def test_what_is_calibrated_is_not_written_over(base, mine, tmp_path) -> None:
    own = tmp_path / "own"
    shutil.copytree(base, own)
    before = bundles.digest(own / "manifest.json")
    for output in (own, bundles.resolve("baseline")):
        ended = run("--data", mine, "--model", own, "--output", output)
        assert "choose another --output" in str(ended.exception)
    assert bundles.digest(own / "manifest.json") == before


@pytest.mark.slow
def test_what_is_told_of_articles_stays_when_their_sentences_are_calibrated(tmp_path) -> None:
    old = bundles.load("transformer")
    signals = ("claim", "biased_language", "loaded_language")
    ends = {key: [0.5, 0.4, 0.6] for key in ("precision", "recall", "f1", "debiased_error")}
    counts = {"n": 100, "articles": 20, "positives": 40, "wanted": None}
    counts |= {"figures": {"before": ends, "cross_fitted": ends}}
    fits = {}
    for signal in signals:
        slope, shift = map(float, old.manifest["calibration"][signal])
        line = {"before": [slope, shift], "after": [1.4 * slope, shift - 0.8]}
        limit = {"before": old.thresholds[signal], "after": 0.42}
        fits[signal] = counts | {"calibration": line, "threshold": limit}
    record = {"from": {"name": old.name, "digest": old.digest}, "data": [], "articles": 20}
    record |= {"sentences": 100, "signals": fits, "kept": {}}
    write_recalibrated(old, record, tmp_path / "b")
    new = bundles.load(tmp_path / "b")
    rows = toys.unseen(3)
    was, now = (one.model.predict(rows) for one in (old, new))
    assert np.array_equal(was.logits, now.logits)
    changed = [old.signals.index(s) for s in signals]
    others = np.setdiff1d(np.arange(len(old.signals)), changed)
    assert np.array_equal(was.proba[:, others], now.proba[:, others])
    assert (was.proba[:, changed] != now.proba[:, changed]).any()
    assert np.array_equal(old.domain.sure(was.proba), new.domain.sure(now.proba))
    for name in old.manifest["files"]:
        same = (old.path / name).read_bytes() == (new.path / name).read_bytes()
        assert same == (name not in (DOMAIN, "heads.json")), name
