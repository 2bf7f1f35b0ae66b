import json
from dataclasses import replace

import numpy as np
import pytest
import toys
from framescope.classifier.errors import TrainingError
from framescope.classifier.records.article import Sentence
from framescope.training.baseline import MIXES, BaselineTrainer, Setting
from framescope.training.data.examples import Examples
from framescope.training.recipes import BaselineSettings

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
            at = 100 * index
            sentences.append(Sentence(text, at, at + len(text), f"a{number}", index))
            claim = float(not rants) if number % 3 else np.nan
            labels.append((claim, float(rants), 0.0, float(partisan)))
    return toys.rows_of(sentences, labels, SIGNALS, part=part)


def trainer(**settings) -> BaselineTrainer:
    least = {"least": 1, "mixes": ["words", "both"], "strengths": [0.3, 3.0]}
    return BaselineTrainer(BaselineSettings(**{**least, **settings}))


@pytest.fixture(scope="module")
def fitted() -> BaselineTrainer:
    return trainer().fit(examples())


def test_learns_what_the_labels_follow(fitted) -> None:
    new = [
        Sentence("A wicked, vile scheme.", 0, 22, "new", 0),
        Sentence("Ferry fares rose.", 0, 17, "other", 0),
    ]
    rant, fact = fitted.model.predict(new).proba
    claim, loaded, partisan = range(3)
    assert rant[loaded] > 0.5 > fact[loaded]
    assert fact[claim] > rant[claim] + 0.1
    assert rant[partisan] > fact[partisan]


def test_fits_labelled_rows_of_both_classes_and_articles_once(fitted) -> None:
    assert fitted.model.signals == tuple(fitted.choices)
    assert {s: (c.rows, c.positives) for s, c in fitted.choices.items()} == {
        "claim": (64, 48),
        "loaded_language": (96, 24),
        "hyperpartisan": (24, 12),
    }


def test_other_parts_are_not_read_and_the_same_seed_gives_the_same_model(fitted) -> None:
    train = examples()
    unheard = tuple(replace(s, text=s.text + " unheard") for s in train.sentences)
    part = np.full(len(train), "test")
    held = replace(train, labels=1 - train.labels, sentences=unheard, part=part)
    again = trainer().fit(train.followed_by(held))
    assert "unheard" not in again.model.blocks[0].terms
    assert again.choices == fitted.choices
    np.testing.assert_array_equal(again.model.weights, fitted.model.weights)
    np.testing.assert_array_equal(again.model.intercepts, fitted.model.intercepts)


def test_neighbours_count_where_signals_stand_together() -> None:
    rng = np.random.default_rng(4)
    sentences, labels = [], []
    for number in range(60):
        vile = number % 2
        for index in range(6):
            # The word that tells stands in half of the sentences of an article that has it.
            word = "vile" if vile and rng.random() < 0.5 else "plain"
            text = f"The {word} {rng.choice(['mill', 'tram', 'pier'])} of Orrin {index}."
            at = 40 * index
            sentences.append(Sentence(text, at, at + len(text), f"a{number}", index))
            labels.append([float(vile)])
    made = trainer().fit(toys.rows_of(sentences, labels, ("loaded_language",)))
    choice = made.choices["loaded_language"]
    assert choice.setting.neighbours >= 0.3
    assert made.model.neighbours[0] == pytest.approx(choice.setting.neighbours)
    without = [score for one, score in choice.trials.items() if not one.neighbours]
    assert choice.score > max(without) + 0.05


@pytest.mark.parametrize("mix", ["characters", "words over characters"])
def test_weights_are_those_of_the_regression_on_the_mix(mix: str) -> None:
    toy = examples()
    one = trainer(mixes=[mix], strengths=[1.0]).fit(toy)
    setting = one.choices["loaded_language"].setting
    task = one.count(toy).task("loaded_language")
    features = task.mixed(mix)
    regression = one.regression(features, task.targets, setting)
    expected = regression.decision_function(features)
    at = one.model.signals.index("loaded_language")
    one.model.neighbours = np.zeros(len(one.model.signals))
    ours = one.model.predict(toy.sentences).logits[:, at]
    # Weights are kept to five significant bits: each is off by a 32nd of itself at most.
    assert (abs(ours - expected) <= abs(features) @ abs(regression.coef_[0]) / 32 + 1e-3).all()
    assert np.corrcoef(ours, expected)[0, 1] > 0.999
    words = len(one.model.blocks[0])
    row = one.model.weights[at]
    assert bool(row[:words].any()) == (MIXES[mix][0] > 0)
    assert bool(row[words:].any()) == (MIXES[mix][1] > 0)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_a_label_between_0_and_1_is_what_is_learned(share: float) -> None:
    sentences = [
        Sentence(text, 100 * index, 100 * index + len(text), f"a{number}", index)
        for number in range(40)
        for index, text in enumerate(("Fares rose.", "Perhaps the mayor fled.", "Good evening."))
    ]
    rows = toys.rows_of(sentences, np.array([1.0, share, 0.0] * 40)[:, None], ("claim",))
    made = trainer(mixes=["words"], strengths=[10.0]).fit(rows)
    (found,) = made.model.predict([replace(sentences[1], article_id="new")]).proba[0]
    assert found == pytest.approx(share, abs=0.1)


def test_whole_groups_are_held_out() -> None:
    made = trainer(folds=3)
    task = made.count(examples()).task("loaded_language")
    folds = made.folds(task)
    assert len(folds) == 15  # few rows: drawn five times
    for fitted_rows, held in folds:
        assert not set(task.groups[fitted_rows]) & set(task.groups[held])


def test_too_few_positives_take_the_default_setting(fitted) -> None:
    toy = examples()
    labels = toy.labels.copy()
    labels[5, SIGNALS.index("slogans")] = 1
    choice = trainer().fit(replace(toy, labels=labels)).choices["slogans"]
    assert (choice.setting, choice.trials) == (Setting(), {})
    assert choice.to_record()["cv_average_precision"] is None  # NaN is no JSON
    record = fitted.choices["claim"].to_record()
    assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    ("part", "least", "reason"), [("test", 1, "nothing to"), ("train", 1000, "too little text")]
)
def test_what_nothing_can_be_learned_from_is_a_clear_error(part, least, reason) -> None:
    with pytest.raises(TrainingError, match=reason):
        trainer(least=least).fit(examples(part=part))
