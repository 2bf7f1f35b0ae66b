from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier.errors import TrainingError
from framescope.classifier.records.article import Sentence
from framescope.training.baseline.baseline import (
    MIXES,
    NEIGHBOURS,
    BaselineRecipe,
    Setting,
    Trial,
    best,
)
from framescope.training.data.examples import Examples

SIGNALS = ("claim", "loaded_language", "slogans", "hyperpartisan")
FACTS = ("The council of Orrin met on day", "Ferry fares rose to", "The mill employs", "Bus line")
RANTS = ("What a vile, wicked scheme number", "These wicked thugs again, part", "A vile stunt, act")


def examples(articles: int = 24, part: str = "train") -> Examples:
    """Articles of four sentences; every other one rants. Only some rows have each label."""
    rng = np.random.default_rng(3)
    sentences, labels = [], []
    for number in range(articles):
        partisan = number % 2
        for index in range(4):
            rants = index < 2 and partisan
            text = f"{rng.choice(RANTS if rants else FACTS)} {rng.integers(100)}."
            sentences.append(
                Sentence(text, 100 * index, 100 * index + len(text), f"a{number}", index)
            )
            claim = float(not rants) if number % 3 else np.nan
            labels.append((claim, float(rants), 0.0, float(partisan)))
    names = np.array([s.article_id for s in sentences])
    n = len(sentences)
    return Examples(
        sentences=tuple(sentences),
        labels=np.array(labels, dtype=np.float32),
        signals=SIGNALS,
        spans=((),) * n,
        citations=(None,) * n,
        corpus=np.full(n, "toy"),
        article=names,
        outlet=np.full(n, ""),
        group=names,
        part=np.full(n, part),
    )


def recipe(**options) -> BaselineRecipe:
    return BaselineRecipe(
        **{"least": 1, "mixes": ("words", "both"), "strengths": (0.3, 3.0), **options}
    )


@pytest.fixture(scope="module")
def fitted() -> BaselineRecipe:
    return recipe().fit(examples())


def test_learns_what_the_labels_follow(fitted: BaselineRecipe) -> None:
    new = [
        Sentence("A wicked, vile scheme.", 0, 22, "new", 0),
        Sentence("Ferry fares rose.", 0, 17, "other", 0),
    ]
    rant, fact = fitted.model_.predict_proba(new)
    claim, loaded, partisan = range(3)
    assert rant[loaded] > 0.5 > fact[loaded]
    assert fact[claim] > rant[claim] + 0.1
    assert rant[partisan] > fact[partisan]


def test_signals_without_both_classes_are_left_out(fitted: BaselineRecipe) -> None:
    assert fitted.left_out_ == ("slogans",)
    assert fitted.model_.signals == ("claim", "loaded_language", "hyperpartisan")
    assert tuple(fitted.choices_) == fitted.model_.signals


def test_fits_only_labelled_rows_and_articles_once(fitted: BaselineRecipe) -> None:
    assert {s: (c.rows, c.positives) for s, c in fitted.choices_.items()} == {
        "claim": (64, 48),
        "loaded_language": (96, 24),
        "hyperpartisan": (24, 12),
    }


def test_other_parts_are_not_read(fitted: BaselineRecipe) -> None:
    train = examples()
    held = replace(
        examples(),
        labels=1 - train.labels,
        sentences=tuple(replace(s, text=s.text + " unheard") for s in train.sentences),
        part=np.full(len(train), "test"),
    )
    both = Examples(
        sentences=train.sentences + held.sentences,
        labels=np.concatenate([train.labels, held.labels]),
        signals=SIGNALS,
        spans=train.spans + held.spans,
        citations=train.citations + held.citations,
        **{
            name: np.concatenate([getattr(train, name), getattr(held, name)])
            for name in ("corpus", "article", "outlet", "group", "part")
        },
    )
    model = recipe().fit(both).model_
    assert "unheard" not in model.blocks[0].index
    np.testing.assert_array_equal(model.weights, fitted.model_.weights)


def test_same_seed_same_model(fitted: BaselineRecipe) -> None:
    again = recipe().fit(examples())
    assert again.choices_ == fitted.choices_
    np.testing.assert_array_equal(again.model_.weights, fitted.model_.weights)
    np.testing.assert_array_equal(again.model_.intercepts, fitted.model_.intercepts)


def test_fit_returns_self_and_constructor_only_assigns() -> None:
    made = recipe(folds=4)
    assert made.folds == 4
    assert not any(name.endswith("_") and not name.startswith("_") for name in vars(made))
    assert made.fit(examples(8)) is made


def test_tries_the_whole_documented_grid() -> None:
    made = recipe(mixes=tuple(MIXES))
    trials = made._choose(made._table(examples()).task("loaded_language")).trials
    first = [t.setting for t in trials[: 2 * len(MIXES)]]
    assert first == [Setting(mix, c) for mix in MIXES for c in (0.3, 3.0)]
    mix = best(trials[: 2 * len(MIXES)]).setting.mix
    of_weights = trials[2 * len(MIXES) : 2 * len(MIXES) + 2]
    assert [t.setting for t in of_weights] == [Setting(mix, c, "balanced") for c in (0.3, 3.0)]
    setting = best(trials[: 2 * len(MIXES) + 2]).setting
    assert [t.setting for t in trials[2 * len(MIXES) + 2 :]] == [
        replace(setting, neighbours=share) for share in NEIGHBOURS[1:]
    ]


def test_neighbours_count_where_signals_stand_together() -> None:
    rng = np.random.default_rng(4)
    sentences, labels, names = [], [], []
    for number in range(120):
        vile = number % 2
        for index in range(6):
            # The word that tells stands in half of the sentences of an article that has it.
            word = "vile" if vile and rng.random() < 0.5 else "plain"
            text = f"The {word} {rng.choice(['mill', 'tram', 'pier'])} of Orrin {index}."
            sentences.append(
                Sentence(text, 40 * index, 40 * index + len(text), f"a{number}", index)
            )
            labels.append([float(vile)])
            names.append(f"a{number}")
    n = len(sentences)
    rows = Examples(
        tuple(sentences), np.array(labels, np.float32), ("loaded_language",), ((),) * n,
        (None,) * n, np.full(n, "house"), np.array(names), np.full(n, ""), np.array(names),
        np.full(n, "train"),
    )  # fmt: skip
    made = recipe().fit(rows)
    choice = made.choices_["loaded_language"]
    assert choice.setting.neighbours >= 0.3
    assert made.model_.neighbours[0] == pytest.approx(choice.setting.neighbours)
    assert f"neighbours {choice.setting.neighbours:g}" in str(choice)
    without = [t.score for t in choice.trials if not t.setting.neighbours]
    assert choice.score > max(without) + 0.05


def test_choice_is_among_the_best_tried(fitted: BaselineRecipe) -> None:
    for choice in fitted.choices_.values():
        assert choice.score >= max(t.score for t in choice.trials) - 0.01
        assert Trial(choice.setting, choice.score) in choice.trials


def test_ties_go_to_the_simpler() -> None:
    simple, complex_, better = (
        Trial(Setting("words", 0.1), 0.70),
        Trial(Setting("both", 10.0), 0.7005),
        Trial(Setting("both", 10.0), 0.71),
    )
    assert best([simple, complex_]) is simple
    assert best([simple, complex_, better]) is better


@pytest.mark.parametrize("mix", MIXES)
def test_weights_are_those_of_the_regression_on_the_mix(mix: str) -> None:
    toy = examples()
    one = recipe(mixes=(mix,), strengths=(1.0,), balances=(None,)).fit(toy)
    choice = one.choices_["loaded_language"]
    assert choice.setting == Setting(mix, 1.0)
    table = one._table(toy)
    task = table.task("loaded_language")
    features = task.mixed(mix)
    regression = one._regression(features, task.labels, choice.setting)
    expected = regression.decision_function(features)
    ours = one.model_.logits(toy.sentences)[:, one.model_.signals.index("loaded_language")]
    # Weights are held to five significant bits: each is off by a 32nd of itself at most.
    coefficients = regression.coef_[0]
    assert (abs(ours - expected) <= abs(features) @ abs(coefficients) / 32 + 1e-3).all()
    assert np.corrcoef(ours, expected)[0, 1] > 0.999
    words = len(one.model_.blocks[0])
    row = one.model_.weights[one.model_.signals.index("loaded_language")]
    assert bool(row[:words].any()) == (MIXES[mix][0] > 0)
    assert bool(row[words:].any()) == (MIXES[mix][1] > 0)


def test_whole_groups_are_held_out() -> None:
    toy = examples()
    made = recipe(folds=3)
    task = made._table(toy).task("loaded_language")
    folds = made._folds(task)
    assert len(folds) == 15  # few rows: drawn five times
    for fitted_rows, held in folds:
        assert not set(task.groups[fitted_rows]) & set(task.groups[held])


def test_too_few_positives_take_the_default_setting() -> None:
    toy = examples()
    labels = toy.labels.copy()
    labels[5, SIGNALS.index("slogans")] = 1
    choice = recipe().fit(replace(toy, labels=labels)).choices_["slogans"]
    assert choice.setting == Setting()
    assert np.isnan(choice.score)
    assert choice.trials == ()
    assert choice.to_record()["cv_average_precision"] is None  # NaN is no JSON


def test_choices_are_fit_for_a_manifest(fitted: BaselineRecipe) -> None:
    record = fitted.choices_["claim"].to_record()
    assert json.loads(json.dumps(record)) == record
    assert record["rows"] == 64
    assert record["mix"] in MIXES


def test_progress_names_every_signal() -> None:
    lines: list[str] = []
    recipe(progress=lines.append).fit(examples())
    assert [s for s in SIGNALS if any(f" {s}: " in line for line in lines)] == [
        "claim",
        "loaded_language",
        "hyperpartisan",
    ]


@pytest.mark.parametrize("toy", [examples(part="test"), examples(part="")])
def test_nothing_to_learn_is_a_clear_error(toy: Examples) -> None:
    with pytest.raises(TrainingError, match="nothing to learn"):
        recipe().fit(toy)


def test_too_little_text_is_a_clear_error() -> None:
    with pytest.raises(TrainingError, match="too little text"):
        recipe(least=1000).fit(examples())
