"""What stands between citations and decisions: fitted on rows, kept as a record, read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from framescope.classifier.models.citations import Said, Words
from framescope.classifier.models.citing import Resolved, features_of, kind_chances
from framescope.classifier.models.fusion import (
    CITATION_FEATURES,
    KIND_FEATURES,
    SENTENCE_FEATURES,
    Fusion,
    Known,
    Regressions,
    citation_features,
    kind_features,
    quoted_share,
    sentence_features,
    sigmoid,
)
from framescope.classifier.models.roles import KINDS
from framescope.classifier.records.article import Citation, Place, Sentence, SourceKind
from framescope.training.data.examples import Examples
from framescope.training.data.marks import Mark, RowCitation
from framescope.training.transformer.citations import (
    _line,
    _of_own,
    _threshold,
    fit_citation_scorer,
)

TEXT = "Orr said the quay is lost"
ORR, SAID, LOST = (0, 3), (4, 8), (9, 25)


def words(row: int, place: tuple[int, int]) -> Words:
    return Words(row, *place)


def said(row: int, **more: object) -> Said:
    given = {
        "content": (words(row, LOST),),
        "source": words(row, ORR),
        "cue": words(row, SAID),
        "antecedent": None,
        "nested": False,
        "carried": False,
        "marked": 0.9,
        "linked": 0.9,
        "cued": 0.9,
        "kinds": np.zeros(len(KINDS), np.float32),
    }
    return Said(**{**given, **more})  # type: ignore[arg-type]


def marked(kind: SourceKind = SourceKind.NAMED, **more: object) -> RowCitation:
    given = {
        "source": Mark(0, *ORR),
        "cue": Mark(0, *SAID),
        "content": (Mark(0, *LOST),),
        "kind": kind,
        "government": False,
        "state_media": False,
        "antecedent": None,
    }
    return RowCitation(**{**given, **more})  # type: ignore[arg-type]


def examples(
    citations: Sequence[Sequence[RowCitation] | None],
    labels: np.ndarray | None = None,
    signals: Sequence[str] = ("attributed",),
) -> Examples:
    """As many articles of one sentence."""
    n = len(citations)
    names = np.array([f"a{row}" for row in range(n)])
    return Examples(
        sentences=tuple(Sentence(TEXT, 0, len(TEXT), name, 0) for name in names.tolist()),
        labels=np.full((n, len(signals)), np.nan, np.float32) if labels is None else labels,
        signals=tuple(signals),
        spans=((),) * n,
        citations=tuple(None if of is None else tuple(of) for of in citations),
        corpus=np.array(["house"] * n),
        article=names,
        outlet=names,
        group=names,
        part=names,
    )


def heard(
    found: Sequence[Sequence[Said]],
    citations: Sequence[Citation] | None = None,
    logits: np.ndarray | None = None,
    signals: Sequence[str] = ("attributed",),
    state_media: Sequence[bool] | None = None,
) -> tuple[Any, ...]:
    """Each row's citations, resolved as ``citations`` say: by default, as named sources."""
    n = len(found)
    default = Citation(Place(*ORR), Place(*SAID), (Place(*LOST),), SourceKind.NAMED)
    known = citations or [default] * n
    resolved = Resolved(
        tuple(map(tuple, found)),
        tuple((one,) * len(row) for one, row in zip(known, found, strict=True)),
    )
    votes = np.zeros((n, len(signals)), np.float32) if logits is None else logits
    return resolved, votes, signals, [False] * n if state_media is None else state_media


# --- one regression -------------------------------------------------------------------------------


def test_without_data_weights_are_the_priors() -> None:
    nothing = np.zeros((0, 3)), np.zeros(0, np.bool_)
    assert _line(*nothing, np.array([0.0, 1.0, 0.0])) == (0.0, 1.0, 0.0, 0.0)
    # Of features in the order a, b, c, the first of its own is the encoder's word.
    assert _of_own(*nothing, ("a", "b", "c"), ("c", "a")) == (0.0, 0.0, 1.0, 0.0)


FIRST = np.array([1.0, 0.0])


def test_few_rows_hardly_move_weights_and_many_do() -> None:
    x = np.array([[1.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [-1.0, 1.0]])
    y = np.array([False, True, False, True])  # the opposite of the prior
    few = _line(x, y, FIRST)
    many = _line(np.tile(x, (200, 1)), np.tile(y, 200), FIRST)
    assert 0.0 < few[0] < 1.0
    assert many[0] < -2.0
    assert few[1] == pytest.approx(0.0, abs=1e-3)


def test_what_decides_is_learned_and_what_does_not_is_left() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    line = _line(x, x[:, 1] > 0, np.array([1.0, 0.0, 0.0]))
    assert line[1] > 5 * abs(line[0])
    assert line[1] > 5 * abs(line[2])


def test_what_is_not_its_own_weighs_nothing() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 3))
    line = _of_own(x, x[:, 1] > 0, ("a", "b", "c"), ("c", "a"))
    assert line[1] == 0.0
    assert line[0] != 0.0


def test_what_hardly_varies_is_held_as_well() -> None:
    x = np.zeros((100, 2))
    x[0, 0] = 0.01
    assert abs(_line(x, np.arange(100) == 0)[0]) < 30.0
    assert np.isfinite(_line(x, np.arange(100) == 0)).all()


def test_the_threshold_is_that_of_the_best_f1() -> None:
    chances = np.array([0.9, 0.2, 0.7, 0.4, 0.6])
    right = np.array([True, False, True, True, False])
    # With k of them shown: F1 of 3 marked is 0.5, 0.8, 0.67, 0.86, 0.75.
    assert _threshold(chances, right, marked=3) == pytest.approx(0.3)
    # Of 30 marked recall decides, and as many are shown.
    assert _threshold(chances[:2], np.array([True, True]), marked=30) == pytest.approx(0.2)
    # What is missed by all weighs on precision: the first alone is surest of one.
    assert _threshold(np.array([0.9, 0.6]), np.array([True, False]), marked=1) == 0.75


@pytest.mark.parametrize("n", [0, 3])
def test_where_none_is_right_an_even_chance_decides(n) -> None:
    assert _threshold(np.full(n, 0.9), np.zeros(n, np.bool_), marked=5) == 0.5


# --- all of them ----------------------------------------------------------------------------------


def test_citations_are_told_right_by_what_speaks_for_them() -> None:
    """Every other one is linked to another source than it is marked with."""
    vale = marked(source=Mark(0, 9, 12))
    rows = examples([[marked()] if row % 2 else [vale] for row in range(80)])
    found = [[said(row, linked=0.9 if row % 2 else 0.55)] for row in range(80)]
    given = heard(found)
    fusion = fit_citation_scorer(rows, *given)
    line = dict(zip(CITATION_FEATURES, fusion.citation.weights["right"], strict=False))
    assert line["linked"] > 5 * abs(line["cued"])
    chances = [row[0] for row in features_of(fusion, given[0], rows.sentences, *given[1:]).chances]
    assert max(chances[0::2]) < fusion.threshold < min(chances[1::2])


@pytest.mark.parametrize(
    ("one", "mark", "right"),
    [
        ({}, {}, True),
        ({"content": (Words(0, 20, 25),)}, {}, True),  # that share characters
        ({"content": (Words(0, 4, 8),)}, {}, False),
        ({"source": Words(0, 4, 8)}, {}, False),
        ({"source": Words(1, 0, 3)}, {}, False),  # of another row
        ({"source": None}, {}, False),
        ({"source": None}, {"source": None}, True),
        ({}, {"source": None}, False),
    ],
)
def test_a_citation_is_right_when_content_and_source_are_shared(one, mark, right) -> None:
    rows = examples([[marked(**mark)], None])
    fusion = fit_citation_scorer(rows, *heard([[said(0, **one)], []]))
    # Of one that is right the intercept says so, as far as it may.
    (chance,) = sigmoid(
        fusion.citation.log_odds(np.zeros((1, len(CITATION_FEATURES))))["right"]
    ).tolist()
    assert chance != pytest.approx(0.5, abs=0.1)
    assert (chance > 0.5) is right


def test_rows_that_nobody_marked_fit_no_citations() -> None:
    rows = examples([None] * 20)
    fusion = fit_citation_scorer(rows, *heard([[said(row)] for row in range(20)]))
    assert set(fusion.citation.weights["right"]) == {0.0}
    assert fusion.threshold == 0.5
    # Kinds are the encoder's then, and no signal is decided by anything else.
    for at, kind in enumerate(KINDS):
        line = dict(zip((*KIND_FEATURES, "intercept"), fusion.kinds.weights[kind], strict=True))
        assert {name for name, weight in line.items() if weight} == {KIND_FEATURES[at]}
    assert fusion.signals.weights == {}


def test_what_is_known_of_sources_decides_their_kind_where_words_do_not() -> None:
    kinds = [SourceKind.NAMED if row % 2 else SourceKind.VAGUE for row in range(60)]
    rows = examples([[marked(kind, government=row % 4 == 0)] for row, kind in enumerate(kinds)])
    known = [
        Citation(Place(*ORR), None, (), kind, government=row % 4 == 0)
        for row, kind in enumerate(kinds)
    ]
    fusion = fit_citation_scorer(rows, *heard([[said(row)] for row in range(60)], known))
    for kind, government in ((SourceKind.NAMED, False), (SourceKind.VAGUE, True)):
        of = kind_features(said(0), Known(kind, government, False, False, False), [0.0] * 5)
        chances = dict(zip(KINDS, kind_chances(fusion, [of])[0], strict=True))
        assert chances[kind.value] > 0.8
        assert (chances["government"] > 0.5) is government
        assert chances["state_media"] < 0.1


def test_a_signal_is_the_encoders_vote_unless_something_else_decides() -> None:
    signals = ("attributed", "state_media_attribution")
    rng = np.random.default_rng(1)
    votes = rng.normal(size=(120, 2)).astype(np.float32)
    named = [row % 3 == 0 for row in range(120)]
    labels = np.stack([votes[:, 0] > 0, named], axis=1).astype(np.float32)
    rows = examples([None] * 120, labels, signals)
    given = heard([[]] * 120, logits=votes, signals=signals, state_media=named)
    lines = {
        signal: dict(zip(SENTENCE_FEATURES, line, strict=False))
        for signal, line in fit_citation_scorer(rows, *given).signals.weights.items()
    }
    assert lines.keys() == set(signals)
    assert lines["attributed"]["vote"] > 2.0
    assert abs(lines["attributed"]["names state media"]) < 0.5
    assert lines["state_media_attribution"]["names state media"] > 2.0
    assert abs(lines["state_media_attribution"]["vote"]) < 1.0


def test_a_signal_without_both_classes_is_not_fitted() -> None:
    labels = np.array([[1.0, np.nan]] * 10, np.float32)
    rows = examples([None] * 10, labels, ("attributed", "named_source"))
    given = heard([[]] * 10, logits=np.zeros((10, 2), np.float32),
                  signals=("attributed", "named_source"))  # fmt: skip
    assert fit_citation_scorer(rows, *given).signals.weights == {}


# --- features -------------------------------------------------------------------------------------


def test_features_of_a_citation_are_in_their_order() -> None:
    text = f"“{TEXT}”"
    sentence = Sentence(text, 0, len(text), "a", 0, quoted=((0, len(text)),))
    one = said(0, marked=0.5, linked=0.5, cued=0.5, carried=True, source=Words(1, 0, 3), cue=None)
    found = dict(zip(CITATION_FEATURES, citation_features(one, sentence, 1.5), strict=True))
    assert found == {
        "marked": 0.0, "linked": 0.0, "cued": 0.0, "cue": 0.0, "source": 1.0, "nested": 0.0,
        "carried": 1.0, "elsewhere": 1.0, "quoted": 1.0, "attributed": 1.5,
        "length": float(np.log1p(LOST[1] - LOST[0])),
    }  # fmt: skip


def test_features_of_a_kind_are_what_words_sentence_and_registry_say() -> None:
    one = said(0, kinds=np.arange(5, dtype=np.float32))
    known = Known(SourceKind.UNNAMED, True, False, True, False)
    found = dict(zip(KIND_FEATURES, kind_features(one, known, [5, 6, 7, 8, 9]), strict=True))
    assert [found[f"words: {kind}"] for kind in KINDS] == [0, 1, 2, 3, 4]
    assert [found[f"sentence: {kind}"] for kind in KINDS] == [5, 6, 7, 8, 9]
    assert [found[f"known: {kind}"] for kind in KINDS] == [0, 1, 0, 1, 0]
    assert (found["known: outlet"], found["known: antecedent"], found["source"]) == (1, 0, 1)
    nobody = dict(zip(KIND_FEATURES, kind_features(one, None, [0] * 5), strict=True))
    assert not any(value for name, value in nobody.items() if name.startswith("known"))


def test_features_of_a_sentence_are_its_surest_citations() -> None:
    kinds = [[0.9, 0.0, 0.1, 0.0, 0.0], [0.1, 0.8, 0.1, 1.0, 0.0]]
    line = [1.5, *sentence_features([0.5, 0.25], kinds, (0.75, 1.0), True)]
    found = dict(zip(SENTENCE_FEATURES, line, strict=True))
    assert (found["vote"], found["cited"]) == (1.5, 0.5)
    assert [found[kind] for kind in KINDS] == pytest.approx([0.45, 0.2, 0.05, 0.25, 0.0])
    assert (found["quoted share"], found["quoted content"]) == (0.75, 1.0)
    assert found["names state media"] == 1.0
    nothing = [0.0] * (len(SENTENCE_FEATURES) - 1)
    assert sentence_features([], [], (0.0, 0.0), False) == nothing


def test_the_share_in_quotation_marks_counts_letters() -> None:
    text = "He said: “No, no.” Ah"
    sentence = Sentence(text, 0, len(text), "a", 0, quoted=((9, 18),))
    assert quoted_share([(0, len(text))], sentence) == pytest.approx(4 / 12)
    assert quoted_share([(9, 18)], sentence) == 1.0
    assert quoted_share([(7, 9)], sentence) == 0.0
    assert quoted_share([], sentence) == 0.0


# --- its record -----------------------------------------------------------------------------------


def fusion() -> Fusion:
    def made(features: Sequence[str], *outputs: str) -> Regressions:
        line = tuple(float(n) for n in range(len(features) + 1))
        return Regressions(tuple(features), dict.fromkeys(outputs, line))

    return Fusion(
        made(CITATION_FEATURES, "right"),
        made(KIND_FEATURES, *KINDS),
        made(SENTENCE_FEATURES, "attributed", "quoted"),
        0.25,
    )


def test_what_was_written_is_read() -> None:
    record = json.loads(json.dumps(fusion().to_record()))
    assert Fusion.from_record(record) == fusion()


@pytest.mark.parametrize("part", ["citation", "kinds", "signals"])
def test_a_record_of_other_features_is_refused(part) -> None:
    record = json.loads(json.dumps(fusion().to_record()))
    renamed, short = json.loads(json.dumps([record, record]))
    renamed[part]["features"][0] = "grammar"
    for line in short[part]["weights"].values():
        line.pop()
    for other in (renamed, short):
        with pytest.raises(ValueError, match=f"the fusion's {part} is of other features"):
            Fusion.from_record(other)


def test_shares_add_up_to_the_log_odds() -> None:
    given = replace(fusion().citation, weights={"right": (*[0.5] * len(CITATION_FEATURES), 2.0)})
    features = np.arange(len(CITATION_FEATURES), dtype=float)
    shares = given.shares("right", features)
    assert list(shares) == list(CITATION_FEATURES)
    (odds,) = given.log_odds(features[None])["right"].tolist()
    assert sum(shares.values()) + 2.0 == pytest.approx(odds)


def test_chances_do_not_overflow() -> None:
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
