"""Several languages: a bundle's thresholds, states and card, and its figures by language."""

from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier.bundles import Bundle
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.models import Calibration
from framescope.classifier.records import Sentence
from framescope.eval.compare.comparison import compare_models
from framescope.eval.compare.slices import slice_figures
from framescope.eval.release import floors_of
from framescope.eval.release.promotion import measure, read_floors
from framescope.eval.rows import Evaluation
from framescope.eval.studies import section_of_languages
from framescope.training.calibration.decisions import Decisions, fit_decisions
from framescope.training.calibration.languages import measure_languages, measured_still
from framescope.training.card import model_card
from framescope.training.data import Data, Examples
from sklearn.metrics import average_precision_score

SIGNALS = ("attributed", "subjective")


class Model:
    """A model that reads its logits off the text."""

    signals = SIGNALS
    runtime = "none"

    def predict(self, sentences):
        logits = np.array([[float(s.text.split()[-1])] * 2 for s in sentences], np.float32)
        return SimpleNamespace(logits=logits, proba=1 / (1 + np.exp(-logits)))


def rows(corpus: str, lang: str, signal: str, positives: int, *, limit=0.0, part="test", n=80):
    """Sentences, two a group, that are positive from about a logit on; `positives` of `n`."""
    noise, middle = np.random.default_rng(positives), n - positives
    logits = (np.arange(n) - middle) / 20 + limit + noise.normal(0, 0.3, n)
    name = f"{corpus}/{lang}"
    sentences = [
        Sentence(f"{at} {logit:.4f}", 0, 9, f"{name}/{at // 2}", at % 2, lang=lang)
        for at, logit in enumerate(logits)
    ]
    labels = np.full((n, 2), np.nan)
    labels[:, SIGNALS.index(signal)] = np.arange(n) >= middle
    return toys.rows_of(sentences, labels, SIGNALS, corpus=corpus, part=part)


joined = partial(reduce, Examples.followed_by)
DECISIONS = Decisions(Calibration.identity(SIGNALS), dict.fromkeys(SIGNALS, 0.5))
GIVEN = """checkthat de 40, checkthat it 9, house_languages it 6, house_languages de 6,
 house_languages pl 4, standoff en 30, newssd en 40"""
TABLE = [tuple(one.split()) for one in GIVEN.split(",")]  # corpus, language and positives
EVERY = joined([rows(corpus, lang, "subjective", int(n)) for corpus, lang, n in TABLE])
EVERY = EVERY.followed_by(rows("house_languages", "de", "attributed", 20, part="train"))
DATA = Data(EVERY, tuple(dict.fromkeys(EVERY.corpus.tolist())), 13, "0" * 64)


def measured(data=DATA):
    return measure_languages(Model(), DECISIONS, data, seed=1).get("measured", {})


def test_a_corpus_of_several_languages_has_thresholds_by_language() -> None:
    given = {"de": (40, -1.0), "it": (40, 1.0), "ar": (15, 3.0)}
    parts = [rows("checkthat", one, "subjective", n, limit=x) for one, (n, x) in given.items()]
    found = fit_decisions(
        Model(), joined([*parts, rows("wikinews", "de", "attributed", 40)]), seed=1
    )
    assert set(found.elsewhere) == {"checkthat", "checkthat/de", "checkthat/it", "wikinews"}
    manifest = {"thresholds": found.thresholds, "thresholds_elsewhere": found.elsewhere}
    bundle = Bundle(Path("b"), manifest, Model())
    de, it, ar = (bundle.threshold("subjective", "checkthat", one) for one in ("de", "it", "ar"))
    assert de < ar == found.elsewhere["checkthat"]["subjective"] < it


def test_a_signal_is_measured_on_real_text_or_else_on_what_was_written_or_not() -> None:
    found = measured()
    assert list(found) == list(SIGNALS)
    states = {one: of["state"] for one, of in found["subjective"].items() if of["n"]}
    assert states == {"de": "real", "en": "real", "it": "written", "pl": "none"}
    # English: by the labels that are as in the guidelines; Italian: of the house corpus.
    counts = [(of["n"], of["positives"]) for of in found["subjective"].values() if of["n"]]
    assert counts == [(80, 40), (80, 30), (80, 6), (80, 4)]
    assert found["attributed"].keys() == LANGUAGES.keys()
    assert found["attributed"]["de"]["ap"] is None
    english = replace(DATA, corpora=("standoff",), examples=EVERY.where(EVERY.lang == "en"))
    assert measured(english) == {}


def test_figures_are_those_of_the_flags_that_are_served_with_intervals_over_groups() -> None:
    one, german = measured()["subjective"]["de"], EVERY.where(EVERY.corpus == "checkthat")
    german = german.where(german.lang == "de")
    logits, truth = Model().predict(german.sentences).logits[:, 1], german.column("subjective") == 1
    assert one["ap"] == pytest.approx(average_precision_score(truth, logits), abs=1e-4)
    assert one["low"] < one["ap"] < one["high"]
    assert one["precision"] == pytest.approx(truth[logits >= 0].mean(), abs=1e-4)
    assert one["recall"] == pytest.approx((logits >= 0)[truth].mean(), abs=1e-4)
    assert list(measured_still({"measured": measured()}, {"subjective"})["measured"]) == [
        "attributed"
    ]


def test_the_card_shows_states_and_the_licence_of_the_weights() -> None:
    corpora = [{"title": "A", "rows": 3, "licence": "CC BY-NC 4.0", "digest": "0" * 64}]
    given = {"name": "m", "kind": "transformer", "signals": [*SIGNALS], "languages": ["de", "en"]}
    given |= {"thresholds": DECISIONS.thresholds, "split": {"seed": 1, "signature": "0"}, "seed": 1}
    given |= {"corpora": corpora, "measured": measured(), "settings": {}, "code_version": "0"}
    found = model_card(given)
    assert "license: cc-by-nc-sa-4.0" in found.split("---")[1]
    assert "The weights are under CC BY-NC-SA 4.0" in found
    line = [one for one in found.splitlines() if one.startswith("| `subjective` |")][-1]
    marks = {"real": "0", "written": "*", "none": "–"}
    shown = [marks[one["state"]] for one in measured()["subjective"].values()]
    assert [cell.strip()[:1] for cell in line.split("|")[2:-1]] == shown
    plain = model_card(given | {"measured": {}, "corpora": [{**corpora[0], "licence": "MIT"}]})
    assert "license: other\nlicense_name: terms-of-the-corpora-below\n" in plain
    assert "NC-SA" not in plain


def bundle(name: str, languages: str, **more) -> Bundle:
    manifest = {"name": name, "signals": [*SIGNALS], "thresholds": DECISIONS.thresholds, "seed": 1}
    return Bundle(Path(name), manifest | {"languages": languages.split()} | more, Model())


ELSEWHERE = {"checkthat": {"subjective": 0.4}, "checkthat/de": {"subjective": 0.9}}
BOTH = bundle("en", "en"), bundle("many", "en de it pl", thresholds_elsewhere=ELSEWHERE)


def test_rows_are_flagged_by_the_thresholds_of_their_language_and_only_what_is_read() -> None:
    evaluation = Evaluation(BOTH, EVERY, draws=100)
    sample = evaluation.articles("checkthat", ["test"], SIGNALS).sample("test", "subjective")
    english, many = sample.scores
    assert english is None
    limits = dict(zip(sample.rows.lang.tolist(), many.threshold.tolist(), strict=True))
    assert limits == pytest.approx({"de": 0.9, "it": 0.4})
    (row,) = (one for one in compare_models(evaluation).rows if one.corpus == "checkthat")
    assert (row.a, row.n) == (None, 160)
    flags = many.proba >= many.threshold
    assert row.b["precision"] == pytest.approx(sample.truth[flags].mean())
    two = joined([rows("checkthat", one, "subjective", 50, n=120) for one in ("it", "de")])
    sample = Evaluation(BOTH, two).articles("checkthat", ["test"], SIGNALS)
    (axis,) = slice_figures(sample.sample("test", "subjective"), "f1", {}, 0, 0)
    assert [(one.value, one.n) for one in axis.slices] == [("de", 120), ("it", 120)]
    # Nor has the gate a figure for what isn't read; its floors are others.
    found = [list(measure(Evaluation((one,), EVERY), read_floors(None))) for one in BOTH]
    read, every = ({check.benchmark.corpus for check in checks} for checks in found)
    assert every - read == {"checkthat", "house_languages"}
    assert floors_of(BOTH[0]) != floors_of(BOTH[1])


def test_a_table_by_language_and_signal_and_means_over_signals() -> None:
    section = section_of_languages(Evaluation(BOTH, EVERY, draws=100))
    figures, means = section.tables
    assert {row[2:5] for row in figures.rows} == {("subjective", 80, 40)}
    shown = [f"{row[1]} {row[0][:2].lower()} {row[5]}" for row in figures.rows]
    names = {"de": "ge"}  # by the languages' names
    known = {" ".join((corpus, names.get(lang, lang), n)) for corpus, lang, n in TABLE}
    assert known - {*shown} == {"house_languages pl 4"}
    assert [one.split()[1] for one in shown] == ["en", "en", "ge", "ge", "it", "it"]
    # Of the house corpus only where there are enough; together all count.
    framing = [row for row in means.rows if row[1] == "framing"]
    assert [row[0] for row in framing] == ["together", "German", "Italian"]
    house = EVERY.where((EVERY.corpus == "house_languages") & (EVERY.part == "test"))
    proba = Model().predict(house.sentences).proba[:, 1]
    expected = average_precision_score(house.column("subjective") == 1, proba)
    assert framing[0][4].value == pytest.approx(expected)
    assert section_of_languages(Evaluation(BOTH, EVERY.where(EVERY.lang == "en"))) is None
