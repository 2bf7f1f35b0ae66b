"""What readers see on judged articles: right, defensible, found, and articles with a wrong mark."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toys
from framescope.classifier.bundles import Bundle
from framescope.classifier.records import Sentence
from framescope.eval.rows import Evaluation
from framescope.eval.studies import section_of_marks

SIGNALS = ("unsourced_assertion", "subjective", "loaded_language", "doubt")
LOADED, OPINION = "loaded_language", "subjective"
# By genre: sentences, which a model marks as they say; the settled labels; those of a reader.
ARTICLES = {
    "state_media": [("So loaded_language it is.", LOADED, ""), ("It rained here.", "", "")],
    "opinion": [
        ("So loaded_language it is.", "", LOADED),
        ("So subjective it is.", OPINION, ""),
        ("They say that it is so.", LOADED, ""),
    ],
    "hard_news": [("So doubt and unsourced_assertion it is.", "", "")],
    "wire": [("So loaded_language it is.", "", "")],  # which is not of the part that is judged
}


def predict(sentences):
    """Mark the signals that a sentence names."""
    rows = [[0.9 if name in one.text else 0.1 for name in SIGNALS] for one in sentences]
    proba = np.array(rows, np.float32).reshape(-1, len(SIGNALS))
    return SimpleNamespace(proba=proba, vectors=None, citations=((),) * len(proba))


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluation:
    """An evaluation of a model that doubts too often; labels lie in a house corpus."""
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path))
    sentences, labels, records, readings = [], [], [], []
    for number, (genre, lines) in enumerate(ARTICLES.items()):
        start, marked = 0, []
        for index, (text, settled, by_reader) in enumerate(lines):
            end = start + len(text)
            sentences.append(Sentence(text, start, end, f"judged/ptc/{number}", index))
            labels.append([float(name == settled) for name in SIGNALS])
            given = {name: int(name == by_reader) for name in SIGNALS}
            marked.append({"start": start, "end": end, "labels": given})
            start = end + 1
        named = {"collection": "ptc", "article": str(number), "digest": ""}
        records.append({**named, "genre": genre, "sentences": marked})
        readings.append({"id": f"ptc/{number}", "sentences": marked})
    for name, lines in {"judged/labels": records, "agreement/judged-second": readings}.items():
        path = tmp_path / f"{name}.jsonl"
        path.parent.mkdir()
        path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    (tmp_path / "agreement/judged-first.jsonl").touch()
    part = np.array(["unseen_outlet"] * (len(sentences) - 1) + ["validation"])
    rows = toys.rows_of(sentences, np.array(labels), SIGNALS, corpus="judged", part=part)
    manifest = {"name": "m", "thresholds": dict.fromkeys(SIGNALS, 0.5), "languages": ["en"]}
    model = SimpleNamespace(signals=SIGNALS, predict=predict)
    bundle = Bundle(Path("m"), {**manifest, "experimental": ["doubt"]}, model)
    return Evaluation((bundle,), rows)


def test_marks_are_compared_with_the_settled_labels_and_with_either_reader(judged) -> None:
    section = section_of_marks(judged)
    assert section is not None
    marks, articles = (
        {row[1]: [getattr(cell, "value", cell) for cell in row[2:]] for row in table.rows}
        for table in section.tables
    )
    # Shown, right, right or defensible, marked, found.
    expected = {
        "all framing": [3, 2 / 3, 1, 3, 2 / 3],
        "unsourced_assertion": [1, 0, 0, 0, math.nan],
        "subjective": [1, 1, 1, 1, 1],
        "loaded_language": [2, 1 / 2, 1, 2, 1 / 2],
    }
    assert marks.keys() == expected.keys()
    for signal, figures in expected.items():
        assert marks[signal] == pytest.approx(figures, nan_ok=True), signal
    # Articles, those with a wrong mark of framing, marks of framing and assertions by sentence.
    assert articles["all"] == pytest.approx([3, 1 / 3, 3 / 6, 1 / 6])
    assert articles["plain news"] == pytest.approx([1, 0, 0, 1])
    assert articles["ordinary news"] == pytest.approx([2, 0, 1 / 3, 1 / 3])
    assert "not shown: doubt (m)." in section.note
