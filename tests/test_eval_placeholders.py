"""The figures of `eval.studies.placeholders`, with models that read scores off the text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from framescope.classifier.bundles import Bundle
from framescope.classifier.models.placeholders import STATE_MEDIA, Reader
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Article, Sentence, Unit
from framescope.classifier.records.outlet import Name, Outlet
from framescope.classifier.records.statements import About, Code, Evidence, Statement
from framescope.eval.studies import placeholders
from framescope.training.data import swaps
from framescope.training.data.examples import of_articles

SIGNALS = ("attributed", "state_media_attribution", "loaded_language")
CASES = Path(__file__).parent / "cases" / "state_media.jsonl"


class ByName:
    """Says "attributed" of every "said", "state media" and "loaded language" of Xinhua and TASS."""

    signals = SIGNALS

    def __init__(self, prejudice: float = 0.0) -> None:
        self.prejudice = prejudice

    def predict_proba(self, sentences):
        said = np.array(["said" in s.text for s in sentences], float)
        state = np.array(["Xinhua" in s.text or "TASS" in s.text for s in sentences], float)
        return np.stack([said, said * state, 0.4 + self.prejudice * state], 1).astype(np.float32)


def bundle(model: ByName) -> Bundle:
    thresholds = dict.fromkeys(SIGNALS, 0.5)
    return Bundle(Path("x"), {"name": "x", "thresholds": thresholds, "languages": ["en"]}, model)


@pytest.fixture(scope="module")
def registry() -> Registry:
    said = (Statement(About.CODE, Code.SC, Evidence("made up")),)
    return Registry(
        own={
            "xinhua": Outlet("xinhua", "Xinhua", names=(Name("Xinhua"),), statements=said),
            "vesk-post": Outlet("vesk-post", "Vesk Post", names=(Name("Vesk Post"),)),
        }
    )


@pytest.fixture
def examples():
    articles = []
    for number in range(8):
        texts = [f"It rained {number} times, the Vesk Post said.", "The Vesk Post moved.", "So."]
        text = " ".join(texts)
        units, start = [], 0
        for piece in texts:
            said = float("said" in piece)
            units.append(
                Unit(
                    start,
                    start + len(piece),
                    {"attributed": said, "state_media_attribution": 0.0, "loaded_language": 0.0},
                )
            )
            start += len(piece) + 1
        articles.append(Article(id=str(number), text=text, units=tuple(units)))
    rows = of_articles("polnear", iter(articles))
    return replace(rows, part=np.full(len(rows), "test"))


@pytest.mark.slow
def test_kinds_are_judged_on_the_part_asked_for(examples) -> None:
    (found,) = (s for s in placeholders.kinds(bundle(ByName()), examples, "test")
                if s.name == "attributed")  # fmt: skip
    assert (found.sentences, found.articles, found.positives) == (24, 8, 8)
    assert found.average_precision.value == found.f1.value == 1.0
    assert found.f1.low == found.f1.high == 1.0
    (none,) = (s for s in placeholders.kinds(bundle(ByName()), examples, "unseen_outlet")
               if s.name == "attributed")  # fmt: skip
    assert none.sentences == 0


def test_signals_are_judged_at_the_threshold_of_the_corpus(examples) -> None:
    own = bundle(ByName())
    never = {"thresholds_elsewhere": {"polnear": {"attributed": 1.1}}}
    other = replace(own, manifest={**own.manifest, **never})
    (found,) = (s for s in placeholders.kinds(other, examples, "test") if s.name == "attributed")
    assert (found.average_precision.value, found.f1.value) == (1.0, 0.0)


@pytest.mark.slow
def test_state_media_are_judged_on_swapped_articles(examples, registry) -> None:
    behind = {(f"polnear/{number}", 0): {"vesk-post"} for number in range(8)}
    swap = swaps.Swap(registry, behind, share=1.0)
    every, near = placeholders.state_media(bundle(ByName()), examples, swap, "test")
    assert every.sentences == 24
    assert near.sentences == 16
    named = sum(swap.phrase(f"polnear/{number}", "vesk-post") is None for number in range(8))
    assert every.positives == near.positives == 8
    assert every.f1.value == pytest.approx(2 * named / (named + 8))


def test_a_model_that_goes_by_the_name_is_found_out(examples, registry) -> None:
    fair, unfair = (
        placeholders.framing(bundle(ByName(prejudice)), examples, registry)
        for prejudice in (0.0, 0.3)
    )
    assert [(shift.sentences, shift.articles) for shift in fair] == [(16, 8), (24, 8)]
    assert all(shift.mean == shift.largest == shift.flipped == 0 for shift in fair)
    assert unfair[0].mean == pytest.approx(0.3, abs=1e-6)
    assert unfair[0].flipped == 1.0
    assert unfair[1].flipped == pytest.approx(16 / 24)


def test_every_outlet_is_swapped_for_one_of_the_other_type(registry) -> None:
    text = "Xinhua said the Vesk Post was wrong."
    found = placeholders.swap_all(Sentence(text, 0, len(text), "a", 0), Reader(registry))
    assert found.text == "Reuters said the TASS was wrong."


def test_written_sentences_are_judged_one_by_one(tmp_path, registry) -> None:
    path = tmp_path / "cases.jsonl"
    cases = [("TASS said so.", 1), ("TASS moved.", 0), ("Vale said so.", 0), ("IRNA said so.", 1)]
    path.write_text("".join(json.dumps({"text": t, "state_media": y}) + "\n" for t, y in cases))
    count, wrong = placeholders.written(bundle(ByName()), path, registry)
    assert count == 4
    assert [(one["text"], one["score"]) for one in wrong] == [("IRNA said so.", 0.0)]


def test_most_written_sentences_name_outlets_the_registry_knows() -> None:
    # The rest calls them by what they are ("state television"), or by a name of several things.
    from framescope.classifier.outlets.registry import registry as shipped

    reader = Reader(shipped.load())
    cases = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    assert len(cases) >= 40
    assert len({case["text"] for case in cases}) == len(cases)

    def names_state_media(text: str) -> bool:
        return STATE_MEDIA in reader.read(Sentence(text, 0, len(text), "a", 0)).typed.text

    positive = [names_state_media(case["text"]) for case in cases if case["state_media"]]
    assert sum(positive) >= 0.6 * len(positive)
    mentioned = [c for c in cases if not c["state_media"] and names_state_media(c["text"])]
    assert len(mentioned) >= 8, "mentions that are no attributions"
