"""Which words are shown as evidence, and whether they explain: without them the score falls."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.models.evidence import chunks, telling_words, whole_words
from framescope.classifier.records import Sentence
from framescope.classifier.taxonomy import BY_NAME, Family
from framescope.training.corpora import SHIPPED
from framescope.training.data import load_data


def shown(text: str, signal: str, scores: Sequence[float], known: set[str]) -> list[str]:
    sentence = Sentence(text, 100, 100 + len(text), "a", 0)
    found = telling_words(sentence, signal, np.array(scores, float), known)
    return [text[span.start - 100 : span.end - 100] for span in found]


@pytest.mark.parametrize(
    ("text", "scores", "expected"),
    [
        # Neighbours in a clause are one run, and the strongest comes first.
        ("a vile plot, by cowards", [0.1, 1.0, 0.9, 0.0, 3.0], ["cowards", "vile plot"]),
        ("the harbour of lies", [0.9, 0.0, 0.8, 1.0], ["lies"]),
        ("lies, tricks – thefts or plots", [1, 4, 5, 4, 9, 3], ["thefts or plots", "tricks"]),
        ("we will or they won’t fail", [0.1, 5.0, 4.0, 0.1, 3.0, 0.5], ["fail"]),
        ("it is it", [0.0, 1.0, 0.0], []),
        ("big sad mad bad cad", [5, -1, 4, -1, 3], ["big", "mad", "cad"]),
        ("big, sad, mad, bad", [5, 2, 4, 3], ["big", "mad", "bad"]),
        ("two words", [0.0, -1.0], []),
        ("to be “the vile scheme of it”, U.S. ...", [1, 1, 1, 1, 1, 1, 1, 0, 0], ["vile scheme"]),
        ("", [], []),
        ("这是骇人听闻。", [0, 0, 1, 1, 1, 1, 0], ["骇人听闻"]),
        # Neither the name nor a part of it; a capital that begins a sentence is none.
        ("shameful Pavel Relik", [1.0, 3.0, 0.0], ["shameful"]),
        ("Relik lied: Frauds at the Bank of Ely", [3, 2, 1, 0, 0, 9, 1, 1], ["lied", "Frauds"]),
        ("Bad men: al-Badri took 300 million", [2, 0, 9, 0, 1, 1], ["Bad", "300 million"]),
        ("Vile Plot of Relik Shames Town", [3, 2, 0, 9, 1, 1], ["Vile Plot", "Shames Town"]),
    ],
)  # fmt: skip
def test_words_that_stand_out_and_carry_meaning_are_shown(text, scores, expected) -> None:
    assert shown(text, "subjective", scores, {"Relik"}) == expected


def test_words_are_whole_in_any_script():
    for text, within, whole in (
        ("部长说没有问题", "没有", "没有"),
        ("این مهم\u200cتر است", "مهم", "مهم\u200cتر"),
        ("не сказано", "каза", "сказано"),
    ):
        start = text.index(within)
        assert text[slice(*whole_words(text, start, start + len(within)))] == whole
    sentence = Sentence("der Angriff", 0, 11, "a", 0, lang="de")
    (span,) = telling_words(sentence, "subjective", np.array([1.0, 0.9]))
    assert (span.start, span.end) == (4, 11)


def test_a_name_speaks_for_a_source_alone_and_then_whole() -> None:
    text, scores = "the shabby Ministry of Works denied it", [0.0, 0.5, 0.0, 0.0, 2.0, 1.0, 0.0]
    assert shown(text, "named_source", scores, set()) == ["Ministry of Works denied"]
    assert shown(text, "unsourced_assertion", scores, set()) == ["denied", "shabby"]


def without(sentence: Sentence, numbers: Sequence[int]) -> Sentence:
    """Take words out of a sentence, by their numbers."""
    words = [word for n, word in enumerate(sentence.text.split()) if n not in set(numbers)]
    return replace(sentence, text=" ".join(words), mentions=None, quoted=(), citations=())


def log_odds(bundle: bundles.Bundle, rows: Sequence[Sentence], signal: str) -> np.ndarray:
    proba = bundle.model.predict(rows).proba[:, bundle.signals.index(signal)].astype(np.float64)
    proba = np.clip(proba, 1e-6, 1 - 1e-6)
    return np.log(proba / (1 - proba))


@pytest.mark.slow
@pytest.mark.parametrize("model", ["baseline", "transformer"])
def test_without_its_evidence_a_flag_loses_twice_what_other_words_take(model) -> None:
    """On held-out articles: the drop by the words shown, and by as many others at random."""
    data = load_data(None, None, 13, corpora=SHIPPED)
    rows = data.examples.where(np.isin(data.examples.part, ("test", "unseen_outlet"))).sentences
    bundle, rng = bundles.load(model, data.outlets), np.random.default_rng(0)
    prediction = bundle.model.predict(rows)
    flags = [
        (row, signal)
        for column, signal in enumerate(bundle.signals)
        if BY_NAME[signal].family is Family.FRAMING or signal == "vague_source"
        for row in np.flatnonzero(prediction.proba[:, column] >= bundle.thresholds[signal]).tolist()
    ]
    flags = [flags[i] for i in rng.permutation(len(flags))[:120]]
    drops: list[tuple[float, float]] = []
    for (row, signal), spans in zip(flags, prediction.evidence(flags), strict=True):
        one = rows[row]
        places = chunks(one.text)
        shown = [
            n for n, (start, end) in enumerate(places)
            if any(s.start < one.start + end and one.start + start < s.end for s in spans)
        ]  # fmt: skip
        rest = [n for n in range(len(places)) if n not in shown]
        if shown and len(rest) >= max(len(shown), 3):
            own = [s for s in rows[max(0, row - 3) : row + 4] if s.article_id == one.article_id]
            at = own.index(one)
            taken = [[], shown, *(rng.choice(rest, len(shown), False) for _ in range(3))]
            scores = [
                log_odds(bundle, [*own[:at], without(one, words), *own[at + 1 :]], signal)[at]
                for words in taken
            ]
            drops.append((scores[0] - scores[1], scores[0] - float(np.mean(scores[2:]))))
    evidence, others = np.median(np.array(drops), axis=0)
    assert len(drops) > 60
    assert evidence > 0.5
    assert evidence >= 2 * max(others, 1e-6)
