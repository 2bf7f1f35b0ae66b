"""The citation scorer, fitted on rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import models
from framescope.classifier.models import RawCitation
from framescope.classifier.models.citation_scorer import kind_features
from framescope.classifier.records import Citation, Place, Sentence, SourceKind
from framescope.training.data import Examples, Mark, RowCitation
from framescope.training.transformer import fit_citation_scorer
from test_citation_scorer import article, raw

NAMED, VAGUE = SourceKind.NAMED, SourceKind.VAGUE
TEXT = "Orr said the quay is lost"
ORR, SAID, LOST = (0, 3), (4, 8), (9, 25)


def one_of(row: int, **more: object) -> RawCitation:
    rows = article(*[TEXT] * (row + 1))
    return replace(raw(rows, row, "Orr", "said", "the quay is lost"), **more)


def marked(kind: SourceKind = NAMED, government: bool = False, **more: object) -> RowCitation:
    places = {"source": Mark(0, *ORR), "cue": Mark(0, *SAID), "content": (Mark(0, *LOST),), **more}
    return RowCitation(*places.values(), kind, government, False, None)


def examples(
    citations: Sequence[Sequence[RowCitation] | None],
    labels: np.ndarray | None = None,
    signals: Sequence[str] = ("attributed",),
) -> Examples:
    """As many articles of one sentence."""
    n = len(citations)
    rows = [Sentence(TEXT, 0, len(TEXT), f"a{row}", 0) for row in range(n)]
    given = tuple(None if of is None else tuple(of) for of in citations)
    labels = np.full((n, len(signals)), np.nan) if labels is None else labels
    return toys.rows_of(rows, labels, signals, citations=given)


def heard(
    found: Sequence[RawCitation | None], known: Sequence[Citation] | None = None, **more: object
) -> dict[str, Any]:
    """Each row's citation, resolved as `known` says: by default, as that of a named source."""
    n = len(found)
    known = known or [Citation(Place(*ORR), Place(*SAID), (Place(*LOST),), NAMED)] * n
    pairs = list(zip(found, known, strict=True))
    rows = tuple((one,) if one else () for one, _ in pairs)
    citations = tuple((what,) if one else () for one, what in pairs)
    given = {"logits": np.zeros((n, 1), np.float32), "signals": ("attributed",),
             "state_media": [False] * n, **more}  # fmt: skip
    return {"resolved": models.ResolvedCitations(rows, citations), **given}


def test_citations_are_told_right_by_what_speaks_for_them() -> None:
    """Every other one is linked to another source than it is marked with."""
    vale = marked(source=Mark(0, 9, 12))
    rows = examples([[marked()] if row % 2 else [vale] for row in range(80)])
    given = heard([one_of(row, linked=0.9 if row % 2 else 0.55) for row in range(80)])
    scorer = fit_citation_scorer(rows, **given)
    weights = dict(zip(models.CITATION_FEATURES, scorer.citation.weights["right"], strict=False))
    assert weights["linked"] > 5 * abs(weights["cued"])
    read = models.features_of(scorer, sentences=rows.sentences, **given)
    chances = [row[0] for row in read.chances]
    assert max(chances[0::2]) < scorer.threshold < min(chances[1::2])


@pytest.mark.parametrize(
    ("one", "mark", "right"),
    [
        ({}, {}, True),
        ({"content": (models.RowSpan(0, 20, 25),)}, {}, True),  # that share characters
        ({"source": models.RowSpan(0, 4, 8)}, {}, False),
        ({"source": models.RowSpan(1, 0, 3)}, {}, False),  # of another row
        ({"source": None}, {"source": None}, True),
        ({}, {"source": None}, False),
    ],
)
def test_a_citation_is_right_when_content_and_source_are_shared(one, mark, right) -> None:
    scorer = fit_citation_scorer(
        examples([[marked(**mark)], None]), **heard([one_of(0, **one), None])
    )
    # Of a single one the intercept says so.
    (chance,) = scorer.chances([[0.0] * len(models.CITATION_FEATURES)])
    assert chance != pytest.approx(0.5, abs=0.1)
    assert (chance > 0.5) is right


def test_without_marked_rows_the_encoder_decides_alone() -> None:
    scorer = fit_citation_scorer(examples([None] * 20), **heard([one_of(row) for row in range(20)]))
    assert set(scorer.citation.weights["right"]) == {0.0}
    assert (scorer.threshold, scorer.signals.weights) == (0.5, {})
    for at, kind in enumerate(models.KINDS):
        pairs = zip((*models.KIND_FEATURES, "intercept"), scorer.kinds.weights[kind], strict=True)
        assert {name for name, weight in pairs if weight} == {models.KIND_FEATURES[at]}


def test_what_is_known_of_sources_decides_their_kind_where_words_do_not() -> None:
    kinds = [NAMED if row % 2 else VAGUE for row in range(60)]
    rows = examples([[marked(kind, row % 4 == 0)] for row, kind in enumerate(kinds)])
    known = [
        Citation(Place(*ORR), None, (), kind, government=row % 4 == 0)
        for row, kind in enumerate(kinds)
    ]
    scorer = fit_citation_scorer(rows, **heard([one_of(row) for row in range(60)], known))
    for one in (known[1], known[0]):
        (chances,) = scorer.kind_chances([kind_features(one_of(0), one, [0.0] * 5)])
        found = dict(zip(models.KINDS, chances, strict=True))
        assert found[one.kind.value] > 0.8
        assert (found["government"] > 0.5) is one.government
        assert found["state_media"] < 0.1


def test_a_signal_is_the_encoders_vote_unless_something_else_decides() -> None:
    signals = ("attributed", "state_media_attribution", "named_source")
    votes = np.random.default_rng(1).normal(size=(120, 3)).astype(np.float32)
    named = np.arange(120) % 3 == 0
    labels = np.stack([votes[:, 0] > 0, named, np.ones(120)], axis=1).astype(np.float32)
    given = heard([None] * 120, logits=votes, signals=signals, state_media=named.tolist())
    lines = {
        signal: dict(zip(models.SENTENCE_FEATURES, weights, strict=False))
        for signal, weights in fit_citation_scorer(
            examples([None] * 120, labels, signals), **given
        ).signals.weights.items()
    }
    assert lines.keys() == set(signals[:2])  # without both classes none is fitted
    assert lines["attributed"]["vote"] > 2.0
    assert abs(lines["attributed"]["names state media"]) < 0.5
    assert lines["state_media_attribution"]["names state media"] > 2.0
    assert abs(lines["state_media_attribution"]["vote"]) < 1.0
