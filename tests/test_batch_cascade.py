"""A baseline settles what is clear: what that is, what it leaves alone, and what is said of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import batches
import framescope.classifier.batch.run  # noqa: F401
import numpy as np
import pytest
import toys
from framescope.classifier import batch, bundles
from framescope.classifier.batch import clearness as measured
from framescope.classifier.batch.cascade import (
    CascadeModel,
    CascadePrediction,
    cascaded,
    margins,
    packer_of,
    thresholds_of,
)
from framescope.classifier.batch.cascade import _Domain as KnownDomain
from framescope.classifier.batch.clearness import (
    BASELINE,
    CLEARNESS,
    CascadeError,
    Clearness,
    Doubt,
    Settling,
    Toll,
)
from framescope.classifier.batch.ending import report
from framescope.classifier.batch.folder import RunError, RunFolder
from framescope.classifier.batch.job import Job, changed_options
from framescope.classifier.batch.progress import RunProgress
from framescope.classifier.batch.stages import Setup, Stages
from framescope.classifier.errors import BundleError, CorpusError, StoppedError
from framescope.classifier.inputs import InputOptions
from framescope.classifier.models import TrainingDomain
from framescope.classifier.records import Article
from framescope.classifier.scoring import Scorer
from framescope.eval.rows import Evaluation
from framescope.eval.studies import study_cascade
from framescope.eval.studies.cascade import fit_doubt

SIGNAL = "vague_source"
NEVER = Doubt((0.0,), (0.9, 0.9), 0.05)
ALWAYS = Doubt((0.0,), (0.0, 0.0), 0.05)
FAR = Doubt((-1.0, 0.0, 1.0), (0.0, 0.5, 0.5, 0.0), 0.1)
"""Clear is what lies more than one from the threshold."""


@pytest.fixture(scope="module")
def pair(baseline_bundle, transformer_bundle) -> tuple[bundles.Bundle, bundles.Bundle]:
    """Two models of the same signals."""
    return bundles.load(baseline_bundle), bundles.load(transformer_bundle)


def known(pair: Any, doubt: Doubt = FAR, **others: Doubt) -> Clearness:
    """Make up what was measured."""
    signals = pair[1].signals
    toll = Toll("made up", 200, 20, 0.61, 0.60, -0.01, -0.03, 0.002)
    one = Settling(0.4, 0.004, 0.02, 0.1, {SIGNAL: toll})
    return Clearness(
        pair[0].digest, pair[1].digest, "made up", 0.1,
        {signal: others.get(signal, doubt) for signal in signals},
        200, 20, one, {signal: replace(one, tolls={SIGNAL: toll} if signal == SIGNAL else {})
                       for signal in signals},
    )  # fmt: skip


def model_of(pair: Any, doubt: Doubt = FAR, wanted: Any = None) -> CascadeModel:
    return CascadeModel(*pair, known(pair, doubt), wanted or pair[1].signals)


# --- what is settled ------------------------------------------------------------------------------


def test_where_nothing_is_clear_it_is_the_transformer_to_the_bit(pair) -> None:
    model, sentences = model_of(pair, NEVER), toys.unseen()
    found, plain = model.predict(sentences), pair[1].model.predict(sentences)
    assert model.settled == 0
    np.testing.assert_array_equal(found.proba, plain.proba)
    assert found.citations == plain.citations


def test_where_all_is_clear_decisions_are_the_baselines_by_our_thresholds(pair) -> None:
    model, sentences = model_of(pair, ALWAYS), toys.unseen(12)
    found = model.predict(sentences)
    first = pair[0].model.predict_proba(sentences)
    assert model.settled == len(packed(pair, sentences))
    yes = first >= thresholds_of(pair[0])
    assert yes.any()
    assert not yes.all()
    np.testing.assert_array_equal(found.proba >= thresholds_of(pair[1]), yes)
    # Which of two is surer stays as it was, but where rounding makes them one.
    order = np.argsort(first[:, 0], kind="stable")
    assert (np.diff(found.proba[order, 0]) >= 0).all()


def test_a_score_on_the_threshold_stays_on_its_side(pair) -> None:
    model = model_of(pair, ALWAYS)
    limits, ours = thresholds_of(pair[0]), thresholds_of(pair[1])
    below = np.nextafter(limits, np.float32(0))
    moved = model._moved(np.stack([limits, below]))
    assert (moved[0] >= ours).all()
    assert (moved[1] < ours).all()


def test_only_the_signals_that_are_reported_need_be_clear(pair) -> None:
    sentences = toys.unseen()
    doubts = known(pair, NEVER, **{SIGNAL: ALWAYS})
    one = CascadeModel(*pair, doubts, [SIGNAL])
    both = CascadeModel(*pair, doubts, [SIGNAL, "loaded_language"])
    one.predict(sentences)
    both.predict(sentences)
    assert one.settled
    assert not both.settled


def packed(pair: Any, sentences: Any) -> Any:
    packer = packer_of(pair[1])
    return packer.pack(sentences, packer.tokenize_both(sentences)[0])


def long_article(sentences: int = 60) -> list[Any]:
    return toys.article(1001, np.random.default_rng(4), sentences)


def test_a_passage_is_settled_by_the_mean_chance_of_its_sentences(pair) -> None:
    model, sentences = model_of(pair, FAR, [SIGNAL]), long_article()
    proba = pair[0].model.predict_proba(sentences)
    at = pair[0].signals.index(SIGNAL)
    far = margins(proba, thresholds_of(pair[0]))[:, at]
    expected = {
        one.rows
        for one in packed(pair, sentences)
        if np.mean([0.0 if abs(far[row]) > 1 else 0.5 for row in one.rows]) <= 0.1
    }
    assert {one.rows for one in model.passages(sentences, proba)} == expected


def some_settled(pair: Any) -> CascadeModel:
    """Give a cascade that settles some of the passages of the long article, not all."""
    sentences = long_article()
    proba = pair[0].model.predict_proba(sentences)
    far = margins(proba, thresholds_of(pair[0]))[:, pair[0].signals.index(SIGNAL)]
    means = sorted(far[list(one.rows)].mean() for one in packed(pair, sentences))
    edges = sorted({*far.tolist(), 0.0})
    chances = (edges[0], *edges)
    low = min(chances)
    doubt = Doubt(tuple(edges), tuple(c - low for c in chances), means[len(means) // 2] - low)
    return CascadeModel(*pair, known(pair, NEVER, **{SIGNAL: doubt}), [SIGNAL])


def test_what_is_left_of_an_article_is_read_as_it_was(pair) -> None:
    model, sentences = some_settled(pair), long_article()
    found, plain = model.predict(sentences), pair[1].model.predict(sentences)
    settled = found.settled
    assert settled.any()
    assert not settled.all()
    of_sentences = [i for i, s in enumerate(pair[1].signals) if s != "hyperpartisan"]
    np.testing.assert_array_equal(
        found.proba[~settled][:, of_sentences], plain.proba[~settled][:, of_sentences]
    )
    # The article is told from all its sentences, and has one answer.
    assert len(set(found.proba[:, pair[1].signals.index("hyperpartisan")].tolist())) == 1
    rows = np.flatnonzero(~settled)[:3].tolist()
    wanted = [(row, SIGNAL) for row in rows]
    assert found.evidence(wanted) == plain.evidence(wanted)


def test_an_article_is_not_touched_by_another_of_which_a_part_is_settled(pair) -> None:
    model, sentences = some_settled(pair), long_article()
    others = toys.unseen(20)
    proba = pair[0].model.predict_proba(others)
    settled = {others[one.rows[0]].article_id for one in model.passages(others, proba)}
    other = next([s for s in others if s.article_id == name] for name in
                 dict.fromkeys(s.article_id for s in others) if name not in settled)  # fmt: skip
    both = model.predict([*sentences, *other])
    plain = pair[1].model.predict(other)
    assert both.settled.any()
    np.testing.assert_array_equal(both.proba[len(sentences) :], plain.proba)


def test_evidence_is_by_the_model_that_decided(pair) -> None:
    model, sentences = some_settled(pair), long_article()
    found = model.predict(sentences)
    first = pair[0].model.predict(sentences)
    row = int(np.flatnonzero(found.settled)[0])
    assert found.evidence([(row, SIGNAL)]) == first.evidence([(row, SIGNAL)])
    assert found.citations[row] == sentences[row].citations


def test_of_an_article_that_was_not_read_as_a_whole_no_distance_is_said(pair) -> None:
    sentences = long_article()
    first, plain = (one.model.predict(sentences) for one in pair)
    settled = np.arange(len(sentences)) < 3
    whole = toys.article(1, np.random.default_rng(8), 2)
    found = CascadePrediction(
        plain.proba, (*sentences, *whole), np.r_[settled, False, False], first,
        replace(plain, neutral=replace(plain.neutral, vectors=np.ones((59, 4), np.float32))),
    )  # fmt: skip
    assert np.isnan(found.vectors[: len(sentences)]).all()
    assert (found.vectors[len(sentences) :] == 1).all()
    domain = TrainingDomain(
        np.zeros(4, np.float32), np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32),
        np.arange(4, dtype=np.float32), *np.zeros((2, 4), np.float32),
    )  # fmt: skip
    means = np.array([found.vectors[:60].mean(axis=0), found.vectors[60:].mean(axis=0)])
    distances = KnownDomain(**vars(domain)).distance(means)
    assert np.isnan(distances[0])
    assert distances[1] == domain.distance(means[1:])[0]


# --- a run ----------------------------------------------------------------------------------------


@pytest.fixture
def shipped(pair, transformer_bundle, tmp_path, monkeypatch) -> Path:
    """A transformer of one's own, measured beside the toy baseline."""
    folder = tmp_path / "own"
    shutil.copytree(transformer_bundle, folder)
    write(folder, some_settled(pair).known)
    ships = tmp_path / "ships"
    shutil.copytree(pair[0].path, ships / BASELINE)
    monkeypatch.setattr("framescope.classifier.bundles.store.SHIPPED", ships)
    return folder


def write(folder: Path, found: Clearness) -> None:
    (folder / CLEARNESS).write_text(json.dumps(found.to_record()), "utf-8")


def test_what_was_measured_is_read_as_it_was_written(shipped, pair) -> None:
    found = measured.clearness(str(shipped), [SIGNAL])
    assert found.to_record() == some_settled(pair).known.to_record()


def test_other_bundles_are_refused_with_what_measures_them(
    shipped, pair, small_bundle, tmp_path
) -> None:
    typed = f"framescope eval cascade {shipped} --output {shipped / CLEARNESS}"
    write(shipped, replace(known(pair), transformer="0" * 64))
    with pytest.raises(CascadeError, match="measured of other bundles") as caught:
        Stages(Setup(str(shipped), cascade=True))
    assert typed in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(CascadeError, match="leave out --cascade"):
        measured.clearness(str(small_bundle))
    (shipped / CLEARNESS).unlink()
    with pytest.raises(CascadeError, match="framescope eval cascade"):
        measured.clearness(str(shipped))


@pytest.mark.parametrize(
    "damage",
    ["{", "[]", '{"format": 2}', '{"format": 1}', "doubts"],
)
def test_what_is_damaged_is_one_clear_line(shipped, pair, damage) -> None:
    record = known(pair).to_record()
    record["doubts"][SIGNAL] = {**record["doubts"][SIGNAL], "chances": [1.0]}
    text = json.dumps(record) if damage == "doubts" else damage
    (shipped / CLEARNESS).write_text(text, "utf-8")
    with pytest.raises(CascadeError, match=r"damaged \(.*make it anew: framescope eval"):
        measured.clearness(str(shipped))


def test_a_signal_that_was_not_measured_is_refused(shipped) -> None:
    with pytest.raises(CascadeError, match="'slogans' was not measured"):
        measured.clearness(str(shipped), ["slogans"])


def test_bundles_of_other_signals_are_refused(pair, small_bundle) -> None:
    with pytest.raises(BundleError, match="gives other signals"):
        CascadeModel(bundles.load(small_bundle), pair[1], known(pair), [SIGNAL])


def test_the_cost_is_that_of_the_signals_asked_for(pair) -> None:
    found = known(pair)
    alone = replace(found.alone["loaded_language"], settled=0.7, changed=0.001)
    found = replace(found, alone={**found.alone, "loaded_language": alone})
    one = found.cost([SIGNAL])
    assert one.startswith("vague_source, on 200 held-out sentences of 20 articles: 40.0% of tokens")
    assert "F1 0.610 to 0.600 (-0.010, 95% interval -0.030 to +0.002" in one
    assert found.cost(None).startswith("all signals together")
    two = found.cost([SIGNAL, "loaded_language"])
    assert two.startswith("2 signals, on 200 held-out sentences of 20 articles and by what each")
    assert "at most 40.0% of tokens settled, 0.25% of decisions" in two
    assert "\n" not in one + two


def article(rng: Any, number: int) -> str:
    return toys.text_of(toys.article(1000 + number, rng, 24))


@pytest.fixture
def setup(shipped) -> Setup:
    """With what the runs here score."""
    return Setup(str(shipped), [SIGNAL], cascade=True)


@pytest.fixture
def inputs(tmp_path) -> Path:
    """A file of articles."""
    rng = np.random.default_rng(6)
    lines = (json.dumps({"id": f"a{n}", "text": article(rng, n)}) + "\n" for n in range(90))
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines), "utf-8")
    return path


@pytest.fixture
def here(monkeypatch) -> dict[str, Any]:
    """Score in this process; what it is told is how it is interrupted."""
    options: dict[str, Any] = {}

    def engine(job: Job, folder: RunFolder, progress: RunProgress) -> batches.EngineHere:
        return batches.EngineHere(folder, job.setup, InputOptions(job.columns), **options)

    monkeypatch.setattr(batch.run, "_engine", engine)
    return options


def test_a_run_says_how_much_was_settled_and_gone_on_with_it_has_the_same_rows(
    here, setup, inputs, tmp_path
) -> None:
    job = Job([str(inputs)], tmp_path / "whole", setup, quiet=True)
    summary = batch.run.run(job)
    assert summary["settled"] > 0
    assert summary["passages"] > 0
    said = report(summary, tmp_path, "the cost")
    assert f"{summary['settled']:,} passages settled by the baseline; the cost" in said
    assert all(row["distance"] is None or row["distance"] >= 0
               for row in batches.rows(tmp_path / "whole", "articles"))  # fmt: skip

    broken = replace(job, output=tmp_path / "broken")
    here.update(most=1)
    with pytest.raises(StoppedError) as stopped:
        batch.run.run(broken)
    assert "--resume" in str(stopped.value)
    assert " --cascade" in str(stopped.value)
    here.clear()
    again = batch.run.run(replace(broken, inputs=(), resume=True))
    assert again["settled"] == summary["settled"]
    batches.check_same(tmp_path / "whole", tmp_path / "broken")


def test_a_run_is_not_gone_on_with_otherwise(here, setup, inputs, shipped, pair, tmp_path) -> None:
    job = Job([str(inputs)], tmp_path / "run", setup, quiet=True)
    here.update(most=1)
    with pytest.raises(StoppedError):
        batch.run.run(job)
    here.clear()
    again = replace(job, inputs=(), resume=True)
    with pytest.raises(RunError, match=r"--cascade \(.* then, not given now\)"):
        batch.run.run(replace(again, setup=replace(setup, cascade=False)))
    write(shipped, replace(known(pair), limit=0.2))
    with pytest.raises(RunError, match=r"--cascade \("):
        batch.run.run(again)
    assert "--cascade" in changed_options(job)


def test_an_article_scores_the_same_whatever_its_company(shipped, inputs) -> None:
    bundle_, _ = cascaded(bundles.load(shipped), [SIGNAL])
    scorer = Scorer(bundle_, [SIGNAL])
    articles = [
        Article(record["id"], record["text"])
        for record in map(json.loads, inputs.read_text("utf-8").splitlines()[:12])
    ]
    together = scorer.score_together(articles)
    for one, found in zip(articles, together, strict=True):
        alone = scorer.score_together([one])[0]
        assert [s.scores for s in alone.sentences] == [s.scores for s in found.sentences]
        assert [s.flags for s in alone.sentences] == [s.flags for s in found.sentences]


# --- what it costs --------------------------------------------------------------------------------


def test_the_chance_of_another_decision_rises_to_the_threshold_and_falls_from_there() -> None:
    rng = np.random.default_rng(1)
    far = rng.normal(-1, 2, 8000)
    other = rng.random(8000) < 0.4 * np.exp(-np.abs(far))
    doubt = fit_doubt(far, other, 0.01)
    below, above = doubt.at(np.linspace(-6, -1e-6, 60)), doubt.at(np.linspace(0, 6, 60))
    assert (np.diff(below) >= 0).all()
    assert (np.diff(above) <= 0).all()
    assert 0 < below[0] < 0.01
    assert below[-1] > 0.25
    assert abs(doubt.at(far).mean() - other.mean()) < 0.005
    assert doubt.limit == 0.01


def test_nothing_is_clear_by_few_decisions_nor_where_it_is_no_clearer_than_on_average() -> None:
    few = fit_doubt(np.full(20, -5.0), np.zeros(20, np.bool_), 0.01)
    assert few.at(np.array([-9.0]))[0] > few.limit
    assert few.at(np.array([3.0]))[0] == 1.0  # there was nothing
    rare = fit_doubt(np.full(5000, -5.0), np.arange(5000) < 3, 0.01)
    assert rare.limit < 0.001


def test_what_is_measured_is_what_a_run_does(pair) -> None:
    examples = toys.examples(300, seed=12)
    fitted = np.array([name[-1] in "01234567" for name in examples.article.tolist()])
    part = np.where(fitted, "validation", "test")
    rows = replace(examples, corpus=np.full(len(part), "house"), part=part)
    section, found = study_cascade(Evaluation(pair, rows, parts=("test",), draws=100))
    assert Clearness.from_record(json.loads(json.dumps(found.to_record()))) == found
    assert len(section.tables[0].rows) == 1 + len(pair[1].signals)
    judged = [s for s, own in zip(rows.sentences, part, strict=True) if own == "test"]
    plain = pair[1].model.predict_proba(judged)
    first = pair[0].model.predict_proba(judged)
    tokens = sum(one.length for one in packed(pair, judged))
    assert found.alone[SIGNAL].settled > 0
    for signal in (SIGNAL, "loaded_language", "any_technique"):
        model = CascadeModel(*pair, found, [signal])
        settled = sum(one.length for one in model.passages(judged, first)) / tokens
        assert found.alone[signal].settled == pytest.approx(settled, abs=1e-4)
        at = pair[1].signals.index(signal)
        ours, proba = thresholds_of(pair[1])[at], model.predict_proba(judged)
        other = ((proba[:, at] >= ours) != (plain[:, at] >= ours)).mean()
        assert found.alone[signal].changed == pytest.approx(other, abs=1e-4)


def test_without_validation_articles_nothing_is_measured(pair) -> None:
    examples = replace(toys.examples(8), corpus=np.full(40, "house"), part=np.full(40, "test"))
    with pytest.raises(CorpusError, match="no validation articles"):
        study_cascade(Evaluation(pair, examples))


def test_what_ships_was_measured_of_what_ships() -> None:
    found = measured.clearness("transformer")
    assert set(found.alone) == set(bundles.read_manifest(bundles.resolve("transformer"))["signals"])
    assert found.together.settled <= min(one.settled for one in found.alone.values())
    assert found.alone["slogans"].settled > 0.3
