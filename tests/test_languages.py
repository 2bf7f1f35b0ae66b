"""Articles in other languages: which model scores them, and what reports, runs and tables say."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import toys
from batches import in_process, rows
from framescope.classifier import bundles
from framescope.classifier.bundles import store
from framescope.classifier.records import Article
from framescope.classifier.scoring import Scorer, load_scorer

import framescope

ENGLISH = (
    "The council of the town met on Tuesday and said that the ferry will cost 900 crowns. "
    "They would not tell the people of the town who has to pay for this vile scheme."
)
# With the few words that the toy model knows.
GERMAN = (
    "Der Rat der Stadt hat am Dienstag beschlossen, die Fähre für 900 crowns nicht fahren zu lassen. "
    "Die Bewohner der Insel sind darüber nicht glücklich, das haben die observers heute gesagt. "
    "Das ist ein wirklich vile Vorhaben, und die Stadt weiß es auch seit vielen langen Jahren."
)
SWEDISH = (
    "Stadens råd beslutade på tisdagen att färjan inte längre ska gå till ön. Invånarna är inte "
    "glada över beslutet och vill nu gemensamt överklaga det till en högre domstol i landet."
)
MEASURED = {
    "claim": {"de": {"state": "real", "n": 1200, "positives": 300, "ap": 0.712, "low": 0.65,
                     "high": 0.78, "precision": 0.7, "recall": 0.6}},
    "vague_source": {"de": {"state": "written", "n": 90, "positives": 6, "ap": 0.4}},
    "loaded_language": {"de": {"state": "none", "n": 12, "positives": 0}},
    "hyperpartisan": {},
}  # fmt: skip


@pytest.fixture
def shipped(small_bundle, tmp_path, monkeypatch) -> Path:
    """Two bundles in the place of those that ship, one for German and with other thresholds."""
    folder = tmp_path / "ships"
    for name in ("transformer", "baseline"):
        shutil.copytree(small_bundle, folder / name)
    known = {"name": "many", "languages": ["en", "de"], "measured": MEASURED}
    known |= {"thresholds": dict.fromkeys(toys.BY_HAND, 0.25)}
    manifest = {**toys.MANIFEST_BY_HAND, **known}
    bundles.write(folder / "multilingual", manifest, "# Many\n", toys.save_by_hand)
    monkeypatch.setattr(store, "SHIPPED", folder)
    return folder


def test_the_language_of_an_article_says_which_model_scores_it(shipped) -> None:
    scorer = load_scorer(None, None, None)
    given = [Article(str(n), text) for n, text in enumerate((ENGLISH, GERMAN, SWEDISH))]
    (english,) = scorer.score(given[:1])
    assert (english.model, english.thresholds, english.remarks) == ("by-hand", None, ())
    assert not any(isinstance(one, Scorer) or "_other" in str(one) for one in vars(english.article.__class__))
    _, german, swedish = scorer.score(given)
    assert (german.model, german.note) == ("many", None)
    assert german.thresholds == dict.fromkeys(toys.BY_HAND, 0.25)
    assert [one.flags for one in german.sentences] == [("claim",), ("vague_source",), ()]
    assert german.sentences[2].scores["loaded_language"] > 0.9
    assert german.experimental == ("loaded_language", "hyperpartisan")
    assert german.remarks == (
        "validated in German on written text only: vague source",
        "not validated in German, and not flagged: loaded language, hyperpartisan",
    )
    assert (swedish.model, swedish.sentences[0].scores) == (None, {})
    assert swedish.note == "not scored: the text is in 'sv', the model reads en, de"
    asked = load_scorer(None, None, None, True, 300.0, True)
    (german,) = asked.score(given[1:2])
    assert "loaded_language" in german.sentences[2].flags
    alone = list(load_scorer("transformer", None, None).score(given))
    assert [one.model for one in alone] == ["by-hand", None, None]
    (english,) = load_scorer("multilingual", None, None).score(given[:1])
    assert (english.model, english.thresholds) == ("many", None)
