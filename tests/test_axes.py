"""What splits cost: topics, stand-ins, and the axes of one signal."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import typer
from framescope.classifier.bundles import default_path
from framescope.classifier.models.placeholders import Reader
from framescope.eval.commands import studies as study_cli
from framescope.eval.studies import axes, surrogates
from harness import examples
from typer.testing import CliRunner

SUBJECTS = ("ferry harbour captain", "orchard harvest cider", "tunnel railway signal")
FEW = {"draws": 100, "seed": 0}


def texts(n: int, per: int = 1):
    """Texts on three subjects, one after the other."""
    rng = np.random.default_rng(0)
    words = [subject.split() for subject in SUBJECTS]
    return [" ".join(rng.choice(words[row // per % 3], 6)) for row in range(n)]


def rows(truth, *, article=None, outlet=None, date=None, topic=None, said=None):
    n = len(truth)
    own = np.array([f"a{row}" for row in range(n)])
    blank = np.full(n, "")
    return axes.SplitRows(
        "invented",
        "claim",
        tuple(said or [f"word{row}" for row in range(n)]),
        np.asarray(truth),
        own if article is None else article,
        blank if outlet is None else outlet,
        blank if date is None else date,
        blank if topic is None else topic,
        n,
    )


def told(*columns):
    """Features that are given as they are."""
    return surrogates.Features(np.stack(columns, axis=1).astype(np.float32), lambda: [], c=100.0)


def cost(found, axis, stand_in="it"):
    (one,) = [c for c in found.costs if (c.axis, c.stand_in) == (axis, stand_in)]
    return one


# --- topics ---------------------------------------------------------------------------------------


def test_texts_of_one_subject_share_topics_and_those_of_two_do_not():
    found = surrogates.clusters(texts(60))
    for topic in np.unique(found):
        assert len({row % 3 for row in np.flatnonzero(found == topic)}) == 1


def test_topics_are_the_same_for_the_same_seed():
    assert (surrogates.clusters(texts(60), seed=4) == surrogates.clusters(texts(60), seed=4)).all()


def test_few_texts_or_texts_without_a_common_word_are_topics_of_their_own():
    assert surrogates.clusters(["one", "two"]).tolist() == [0, 1]
    strangers = [f"only{row}" for row in range(12)]
    assert len(set(surrogates.clusters(strangers))) == 12


def test_an_article_has_one_topic_whatever_its_sentences_say():
    names = np.array([f"a{row // 4}" for row in range(120)])
    found = surrogates.topics(texts(120, per=2), names)
    assert all(len(set(found[names == name])) == 1 for name in set(names))


def test_a_corpus_of_single_sentences_is_kept_whole_by_its_groups():
    whole = examples(articles=4)
    single = replace(whole, article=np.array([f"s{row}" for row in range(len(whole))]))
    assert surrogates.wholes(whole).tolist() == whole.article.tolist()
    assert surrogates.wholes(single).tolist() == whole.group.tolist()


# --- stand-ins ------------------------------------------------------------------------------------


def test_no_group_is_scored_by_a_model_that_saw_it():
    # The one feature names the group, and its label: all that can be learned is of other groups.
    groups = np.repeat([f"g{number}" for number in range(40)], 5)
    truth = np.repeat(np.random.default_rng(0).random(40) < 0.5, 5)
    named = surrogates.Features(np.eye(40, dtype=np.float32).repeat(5, axis=0), lambda: [], c=100.0)
    seen = surrogates.out_of_fold(named, truth, None, seed=0)
    unseen = surrogates.out_of_fold(named, truth, groups, seed=0)
    assert ((seen >= 0.5) == truth).mean() > 0.95
    assert len(np.unique(unseen)) <= surrogates.FOLDS


def test_too_few_groups_or_answers_are_undefined():
    truth = np.arange(40) % 2 == 0
    feature = told(truth)
    groups = np.repeat(["x", "y", "z", "w"], 10)
    assert np.isnan(surrogates.out_of_fold(feature, truth, groups, seed=0)).all()
    assert np.isnan(surrogates.out_of_fold(feature, np.arange(40) < 3, None, seed=0)).all()


def test_words_are_counted_in_ones_and_twos():
    counts = surrogates.words(["a ferry left", "a ferry sank", "nobody left"])
    assert counts.matrix.shape == (3, 4)  # a, ferry, left, "a ferry"


@pytest.mark.skipif(not default_path("transformer").is_dir(), reason="none ships yet")
def test_embeddings_are_those_that_the_shipped_bundle_left_as_they_were():
    found = surrogates.embeddings(["The ferry left.", "", "The ferry left."])
    assert found.matrix.shape == (3, 384)
    assert (found.matrix[0] == found.matrix[2]).all()
    assert not found.matrix[1].any()


def test_a_bundle_whose_embeddings_were_trained_gives_none(tmp_path, transformer_bundle):
    assert surrogates.embeddings(["a"], tmp_path) is None
    manifest = json.loads((transformer_bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest["settings"]["freeze_embeddings"] = False
    for file in transformer_bundle.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert surrogates.embeddings(["a"], tmp_path) is None


# --- axes -----------------------------------------------------------------------------------------


def test_what_only_names_the_outlet_is_lost_on_outlets_that_are_held_out():
    rng = np.random.default_rng(1)
    outlet = np.array([f"o{number}" for number in range(20)]).repeat(15)
    truth = (rng.random(20) < 0.5).repeat(15)
    one_hot = np.eye(20, dtype=np.float32).repeat(15, axis=0)
    named = surrogates.Features(one_hot, lambda: [], c=100.0)
    found = axes.measure(rows(truth, outlet=outlet), {"it": named}, **FEW)
    at_random, held = cost(found, "random"), cost(found, "outlet")
    assert at_random.figure > 0.95
    assert (held.n, held.groups) == (300, 20)
    assert held.drop == pytest.approx(at_random.figure - held.figure)
    assert held.drop > 0.2
    assert held.drop_interval.low > 0


def test_what_reads_the_label_loses_nothing():
    truth = np.arange(300) % 2 == 0
    article = np.array([f"a{row // 5}" for row in range(300)])
    found = axes.measure(rows(truth, article=article), {"it": told(truth)}, **FEW)
    held = cost(found, "article")
    assert held.figure == 1
    assert held.drop == 0
    assert held.groups == 60


def test_an_axis_without_groups_is_undefined_and_random_has_no_drop():
    truth = np.arange(60) % 2 == 0
    found = axes.measure(rows(truth), {"it": told(truth)}, **FEW)
    assert [c.axis for c in found.costs] == list(axes.AXES)
    assert math.isnan(cost(found, "random").drop)
    for axis in ("article", "outlet", "topic", "time"):
        assert math.isnan(cost(found, axis).figure), axis
        assert math.isnan(cost(found, axis).drop), axis
    assert cost(found, "outlet").n == 0


def test_time_judges_the_later_fifth_by_what_came_before():
    # What the feature means turns round in the last year, which only the earlier ones don't know.
    year = np.repeat(np.arange(2011, 2021), 30)
    date = np.array([f"{y}-05-{day % 28 + 1:02d}" for day, y in enumerate(year)])
    sign = np.random.default_rng(0).random(300) < 0.5
    truth = np.where(year >= 2019, ~sign, sign)
    found = axes.measure(rows(truth, date=date), {"it": told(sign, sign & (year >= 2019))}, **FEW)
    held = cost(found, "time")
    assert 50 <= held.n <= 60
    share = truth[year >= 2019].mean()
    assert held.figure == pytest.approx(share, abs=0.1)  # average precision without skill
    assert held.drop > 0.3


def test_rows_without_a_date_or_an_outlet_are_left_out_of_that_axis_on_both_sides():
    truth = np.arange(300) % 3 == 0
    outlet = np.array([f"o{row % 10}" if row < 200 else "" for row in range(300)])
    held = cost(axes.measure(rows(truth, outlet=outlet), {"it": told(truth)}, **FEW), "outlet")
    assert held.n == 200
    assert held.drop == 0


def test_rows_are_gathered_as_models_read_them_and_an_article_is_one_row():
    own = examples(articles=12, corpus="claimbuster")
    dates = {"claimbuster/3": "2020-01-02"}
    sentences = axes.gather(own, "claimbuster", "claim", Reader(), dates)
    assert len(sentences) == sentences.of_all == 60
    assert set(sentences.date[sentences.article == "claimbuster/3"]) == {"2020-01-02"}
    assert set(sentences.date[sentences.article != "claimbuster/3"]) == {""}
    whole = axes.gather(own, "claimbuster", "hyperpartisan", Reader(), dates)
    assert len(whole) == whole.of_all == 12
    assert all(text.count("ferry") == 5 for text in whole.texts)
    expected = {f"claimbuster/{number}": number % 3 == 0 for number in range(12)}
    assert dict(zip(whole.article, whole.truth, strict=True)) == expected


def test_a_large_corpus_is_capped_by_whole_articles_and_says_so(monkeypatch):
    monkeypatch.setattr(surrogates, "MOST_ROWS", 33)
    found = axes.gather(
        examples(articles=12, corpus="claimbuster"), "claimbuster", "claim", Reader(), {}
    )
    assert (len(found), found.of_all) == (30, 60)
    assert all((found.article == name).sum() == 5 for name in set(found.article))


def test_the_signal_with_a_published_figure_is_measured_unless_others_are_named():
    assert axes.chosen(["ptc", "house"], None) == [
        ("ptc", "any_technique"),
        ("house", "biased_language"),
    ]
    assert axes.chosen(["ptc", "babe"], ["loaded_language"]) == [("ptc", "loaded_language")]
    assert axes.chosen(["exchange"], None) == []


def test_two_runs_with_one_seed_give_the_same_figures():
    truth = np.random.default_rng(0).random(120) < 0.5
    given = rows(truth, outlet=np.array([f"o{row % 8}" for row in range(120)]), said=texts(120))
    features = {"words": surrogates.words(given.texts)}
    first, second = (axes.measure(given, features, **FEW) for _ in range(2))
    assert repr(first) == repr(second)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture
def command(monkeypatch):
    import framescope.training.data  # noqa: F401

    from framescope import training

    own = examples(articles=40, corpus="claimbuster")
    monkeypatch.setattr(training.data, "build_examples", lambda *_: own)
    monkeypatch.setattr(training.data, "load_rows", lambda *_: None)
    monkeypatch.setattr(training.data, "articles_of_rows", lambda _: iter(()))
    app = typer.Typer()
    app.command()(study_cli.controls)
    app.command()(study_cli.axes)

    def call(*options):
        return CliRunner().invoke(app, ["axes", "--corpus", "claimbuster", *options])

    return call


def test_the_table_says_that_no_bundle_is_judged_and_what_is_undefined(command):
    done = command("--draws", "100")
    assert done.exit_code == 0, done.output
    assert "Stand-ins, no bundle" in done.output
    assert "undefined" in done.output


def test_json_holds_every_axis_with_null_for_undefined(command):
    done = command("--draws", "100", "--format", "json")
    assert done.exit_code == 0, done.output
    record = json.loads(done.output)
    (one,) = record["axes"]
    outlets = [c for c in one["costs"] if c["axis"] == "outlet"]
    assert outlets
    assert all(c["figure"] is None and c["interval"]["low"] is None for c in outlets)
    assert any("no bundle" in note for note in record["notes"])
