"""Text as it is in the wild: what doesn't show changes nothing that is found."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path

import pytest
from framescope.classifier import bundles
from framescope.classifier.inputs import detect_language, legible, read_input
from framescope.classifier.inputs.normal import normalise
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, Republication, Span, Unit
from framescope.classifier.scoring import Scorer
from hypothesis import given
from hypothesis import strategies as st

HARBOUR = Path(__file__).parents[1] / "classifier" / "samples" / "harbour.txt"
LOOK_ALIKES = str.maketrans("aeopcxijsABEKMHOPCTX", "аеорсхіјѕАВЕКМНОРСТХ")
LIGATURES = {"ffi": "ﬃ", "ffl": "ﬄ", "ff": "ﬀ", "fi": "ﬁ", "fl": "ﬂ"}


def ligatures(text: str, rng: random.Random) -> str:
    for letters, one in LIGATURES.items():
        text = text.replace(letters, one)
    return text


WILD = {
    "hyphenated": lambda text, rng: "".join(
        c + "\u00ad" * (c.isalpha() and rng.random() < 0.15) for c in text
    ),
    "zero width": lambda text, rng: "".join(
        c + rng.choice("\u200b\u200d\u2060\ufeff") * (rng.random() < 0.1) for c in text
    ),
    "ligatures": ligatures,
    "look-alikes": lambda text, rng: "".join(
        c.translate(LOOK_ALIKES) if rng.random() < 0.3 else c for c in text
    ),
    "decomposed": lambda text, rng: unicodedata.normalize("NFD", text),
}


@pytest.mark.parametrize("change", WILD)
def test_what_does_not_show_is_put_right(change):
    text = "“Café owners,” officials said, find the offer insufficient; a flat no, Ann Ray says."
    changed = WILD[change](text, random.Random(1))
    assert legible(changed) == text
    found = normalise(changed)
    assert found is not None
    start = found.text.index("officials")
    shown = changed[slice(*found.given(start, start + len("officials said")))]
    assert legible(shown) == "officials said"
    harbour = WILD[change](HARBOUR.read_text("utf-8"), random.Random(3))
    assert detect_language(harbour) == "en"


def test_scripts_of_their_own_stay_as_they_are():
    for text in (
        "Агентство ТАСС сообщило об этом.",
        "The agency (ТАСС) said so, and РИА Новости agreed.",
        "Ο πρωθυπουργός μίλησε στη Βουλή.",
        "TGF-β and µm and the α-helix stay.",
        "Kılıçdaroğlu met Erdoğan in Đà Nẵng.",
    ):
        assert legible(text) == text
    assert legible("Не said that " + "а" + " strike was near.") == "He said that a strike was near."


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_places_lead_back_into_the_text(text):
    found = normalise(text)
    if found is None:
        return
    assert len(found.text) == len(found.starts) == len(found.ends)
    for at in range(len(found.text)):
        start, end = found.given(at, at + 1)
        assert 0 <= start < end <= len(text)
    assert list(found.starts) == sorted(found.starts)


@pytest.fixture(scope="module")
def scorer():
    registry = load_registry()
    return Scorer(bundles.load("baseline", registry), registry=registry)


@pytest.mark.parametrize("change", WILD)
def test_nothing_that_is_found_changes(scorer, change):
    (article,) = read_input(str(HARBOUR))
    text = article.text.replace("port", "Pörtchen")
    wild = Article("wild", WILD[change](text, random.Random(7)), outlet=article.outlet)
    plain = Article("plain", legible(wild.text), outlet=article.outlet)
    as_meant, as_given = scorer.score([plain, wild])
    normal = normalise(wild.text)
    assert normal is not None
    assert as_given.article.text == wild.text
    assert len(as_given.sentences) == len(as_meant.sentences) > 10
    for one, other in zip(as_given.sentences, as_meant.sentences, strict=True):
        assert wild.text[one.start : one.end] == one.text
        assert normal.place(one.start, one.end) == (other.start, other.end)
        assert (one.flags, one.voice, one.scores) == (other.flags, other.voice, other.scores)
        assert [(c.kind, c.name) for c in one.citations] == [
            (c.kind, c.name) for c in other.citations
        ]
        here = [p for c in one.citations for p in c.content] + [*one.evidence]
        there = [p for c in other.citations for p in c.content] + [*other.evidence]
        assert [normal.place(p.start, p.end) for p in here] == [(p.start, p.end) for p in there]


def test_what_a_file_marks_is_found_in_its_place(scorer):
    text = "The of\u00adfer is a dis\u00adgrace. Offi\u00adcials said so."
    cut = text.index(" Offi")
    article = Article(
        "a",
        text,
        units=(Unit(0, cut), Unit(cut + 1, len(text))),
        spans=(Span(4, 10, "loaded_language"),),
        republications=(Republication(cut + 1, len(text), "Karst Press", "given"),),
    )
    (report,) = scorer.score([article])
    assert report.article.units == article.units
    assert [one.text for one in report.sentences] == [text[:cut], text[cut + 1 :]]
