"""A transformer that finds who says what, from framescope.training to a bundle that cites."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import toys
from framescope.classifier import bundles
from framescope.classifier.models.citation_scorer import CitationScorer
from framescope.classifier.models.passages import HEADS
from framescope.classifier.outlets.registry.registry import Registry
from framescope.classifier.records.article import Sentence, SourceKind
from framescope.training.data.examples import Examples, Mark, RowCitation
from framescope.training.data.mixture import Data


def marked(sentence: Sentence) -> tuple[RowCitation, ...]:
    """Who is cited in a toy sentence: a mayor, or observers."""
    for cue, kind in (("said", SourceKind.NAMED), ("say", SourceKind.VAGUE)):
        before, found, _ = sentence.text.partition(f" {cue} ")
        if found:
            at = len(before) + 1
            first = Mark(sentence.index, 0, len(before))
            last = Mark(sentence.index, at + len(cue) + 1, len(sentence.text) - 1)
            source, content = (last, first) if cue == "said" else (first, last)
            handed = Mark(sentence.index, at, at + len(cue))
            return (RowCitation(source, handed, (content,), kind, False, False, None),)
    return ()


def examples() -> Examples:
    toy = toys.examples(80)
    citations = tuple(map(marked, toy.sentences))
    attributed = np.array([[float(bool(one))] for one in citations], np.float32)
    labels = np.concatenate([attributed, toy.labels], axis=1)
    return replace(
        toy, citations=citations, labels=labels, signals=("attributed", *toy.signals),
        corpus=np.array(["house"] * len(toy)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def cites(tmp_path_factory, encoder, toy_settings) -> bundles.Bundle:
    from framescope.training.runs import train_transformer

    folder = tmp_path_factory.mktemp("cites") / "tiny-cites"
    data = Data(examples(), ("house",), 13, "0" * 64, {}, {}, Registry(own={}))
    train_transformer(data, folder, encoder, toy_settings.changed(epochs=24))
    return bundles.load(folder, Registry(own={}))


def meet(sentence: Sentence, place, mark: Mark) -> bool:
    start, end = sentence.start + mark.start, sentence.start + mark.end
    return place is not None and place.start < end and start < place.end


@pytest.mark.slow
def test_a_bundle_finds_who_is_cited_where_nothing_was_learned_from(cites) -> None:
    rows = toys.unseen(20)
    prediction = cites.model.predict(rows)
    expected = [[(one.kind, one.source, one.content[0]) for one in marked(s)] for s in rows]
    right = total = 0
    for row, (wanted, found) in enumerate(zip(expected, prediction.citations, strict=True)):
        total += max(len(wanted), len(found))
        for (kind, source, content), one in zip(wanted, found, strict=False):
            same = meet(rows[row], one.source, source) and meet(rows[row], one.content[0], content)
            right += same and one.kind is kind
            assert one.found_by == "transformer"
            assert one.score is not None
            assert {part for part, _ in one.reasons} == {"words", "sentence", "known", "source"}
    assert sum(map(len, expected)) > 20
    assert right > 0.8 * total


@pytest.mark.slow
def test_its_fusion_is_kept_and_decides_its_signals(cites) -> None:
    record = json.loads((cites.path / HEADS).read_text(encoding="utf-8"))["fusion"]
    fusion = CitationScorer.from_record(record)
    assert {"attributed", "vague_source"} <= set(fusion.signals.weights)
    rows = toys.unseen(20)
    proba = cites.model.predict(rows).proba[:, cites.signals.index("attributed")]
    truth = np.array([bool(marked(s)) for s in rows])
    assert (proba[truth][:, None] > proba[~truth][None, :]).mean() > 0.98
    flagged = proba >= np.float32(cites.thresholds["attributed"])
    assert (flagged == truth).mean() > 0.95
