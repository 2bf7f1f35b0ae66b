"""Several annotators' labels made one record: by hand, by crowd-kit, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier.errors import CorpusError
from framescope.classifier.inputs import from_record
from framescope.training.commands.labels import app
from framescope.training.labels import merge_annotators as merge
from framescope.training.labels import read_annotators
from framescope.training.labels.merging import Merged
from typer.testing import CliRunner

TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
PLACES = (0, 23), (24, 59)


def record(*labels: Mapping[str, float], **more: Any) -> dict[str, Any]:
    items = [
        {"start": start, "end": end, "labels": dict(held)}
        for (start, end), held in zip(PLACES, labels, strict=False)
    ]
    return {"id": "orvel/1", "text": TEXT, "sentences": items, **more}


def cited(content: tuple[int, int], kind: str = "named") -> dict[str, Any]:
    source, place = {"start": 36, "end": 45}, dict(zip(("start", "end"), content, strict=True))
    return {"source": source, "cue": None, "content": [place], "kind": kind}


def write(folder: Path, *annotators: Sequence[Mapping[str, Any]]) -> list[Path]:
    paths = []
    for name, records in zip(("ada", "bo", "cy", "di", "ed"), annotators, strict=False):
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return paths


def merged(folder: Path, *records: Mapping[str, Any], **options: bool) -> Merged:
    return merge(read_annotators(write(folder, *([one] for one in records))), **options)


def first(found: Merged) -> dict[str, Any]:
    (one,) = found.records
    return dict(one)


# Labels


def test_a_label_is_the_share_of_those_who_gave_it(tmp_path) -> None:
    found = merged(
        tmp_path,
        record({"claim": 1, "quoted": 0}, {"claim": 1}),
        record({"claim": 1, "quoted": 0}, {"claim": 0}),
        record({"claim": 0, "quoted": 0}, {}),
        record({"claim": 0.5}, {}),
    )
    one = first(found)
    assert [item["labels"] for item in one["sentences"]] == [
        {"claim": 0.625, "quoted": 0},
        {"claim": 0.5},
    ]
    assert one["annotators"] == ["ada", "bo", "cy", "di"]
    assert (found.labels, found.soft, found.ties, found.alone) == (3, 2, 0, 0)


def test_hard_labels_are_those_of_the_majority_and_a_half_is_left_out(tmp_path) -> None:
    annotators = [record({"claim": n < 2}, {"claim": n == 0, "quoted": n % 2}) for n in range(3)]
    found = merged(tmp_path, *annotators[:3], hard=True)
    assert [item["labels"] for item in first(found)["sentences"]] == [
        {"claim": 1},
        {"claim": 0, "quoted": 0},
    ]
    found = merged(tmp_path, *annotators[:2], hard=True)
    assert [item["labels"] for item in first(found)["sentences"]] == [{"claim": 1}, {}]
    assert found.ties == 2


def test_a_line_that_most_call_no_content_gets_no_other_label(tmp_path) -> None:
    line, text = {"content": 0}, {"content": 1, "claim": 1}
    one = first(merged(tmp_path, record(line, line), record(line, text), record(text, text)))
    assert [item["labels"] for item in one["sentences"]] == [
        {"content": 0.3333},
        {"content": 0.6667, "claim": 0.6667},
    ]


def test_the_voice_is_what_most_say(tmp_path) -> None:
    given = [record({}, {}) for _ in range(3)]
    for one, voices in zip(
        given, (("own", "quoted"), ("own", None), ("quoted", "own")), strict=True
    ):
        for item, voice in zip(one["sentences"], voices, strict=True):
            item["voice"] = voice
    sentences = first(merged(tmp_path, *given))["sentences"]
    assert [item.get("voice") for item in sentences] == ["own", None]


# Spans and citations


def span(start: int, end: int, signal: str = "doubt") -> dict[str, Any]:
    return {"start": start, "end": end, "signal": signal}


@pytest.mark.parametrize(
    ("marks", "kept"),
    [
        ([(0, 7), (4, 12), (5, 20)], [(4, 12)]),  # where two of three meet, less the space
        ([(0, 7), (8, 12), (13, 20)], []),
        ([(0, 7), (0, 7), None], [(0, 7)]),
        ([(0, 7), None, None], []),
    ],
)
def test_a_span_is_where_a_majority_marks_its_characters(tmp_path, marks, kept) -> None:
    given = [
        record({"doubt": mark is not None}, spans=[] if mark is None else [span(*mark)])
        for mark in marks
    ]
    assert [(s["start"], s["end"]) for s in first(merged(tmp_path, *given))["spans"]] == kept


def test_who_looks_for_a_signal_nowhere_has_no_say_in_its_spans(tmp_path) -> None:
    given = [record({"doubt": 1}, spans=[span(0, 7)]), record({"claim": 1}), record({"claim": 1})]
    assert len(first(merged(tmp_path, *given))["spans"]) == 1


def test_a_citation_is_kept_when_a_majority_marks_the_very_same(tmp_path) -> None:
    def kept(*annotators: list[Mapping[str, Any]]) -> dict[str, Any]:
        given = [record({}, {}) for _ in annotators]
        for one, citations in zip(given, annotators, strict=True):
            one["sentences"][1]["citations"] = citations
        return first(merged(tmp_path, *given))["sentences"][1]

    same, other = cited((47, 58)), cited((47, 53))
    (citation,) = kept([same], [same], [other])["citations"]
    assert citation["content"] == [{"start": 47, "end": 58}]
    assert kept([], [], [other])["citations"] == []
    assert "citations" not in kept([same], [other], []), "somebody is cited, and it isn't said who"
    assert "citations" not in kept([same], [cited((47, 58), "vague")])


# Dawid and Skene


def crowd(folder: Path) -> tuple[list[Path], np.ndarray]:
    """Two who are nearly always right, and three who all err in the same direction, often."""
    draw = np.random.default_rng(5)
    truth = draw.random(60) < 0.4
    lenient = [truth | (draw.random(60) < 0.45) for _ in range(3)]
    careful = [np.where(draw.random(60) < 0.03, ~truth, truth) for _ in range(2)]
    given = []
    for labels in (*lenient, *careful):
        items = [
            {"start": 7 * n, "end": 7 * n + 6, "labels": {"claim": int(label)}}
            for n, label in enumerate(labels)
        ]
        given.append([{"id": "a", "text": "It is. " * 60, "sentences": items}])
    return write(folder, *given), truth


def values(found: Merged) -> np.ndarray:
    return np.array([item["labels"]["claim"] for item in first(found)["sentences"]])


def test_dawid_and_skene_find_who_errs_and_majority_does_not(tmp_path) -> None:
    paths, truth = crowd(tmp_path)
    annotators = read_annotators(paths)
    estimated, shares = values(merge(annotators, dawid_skene=True)), values(merge(annotators))
    assert ((estimated >= 0.5) == truth).mean() >= 0.95
    assert ((estimated >= 0.5) == truth).mean() > ((shares >= 0.5) == truth).mean()
    assert ((estimated >= 0) & (estimated <= 1)).all()


def test_a_signal_on_which_all_agree_stays_as_it_is(tmp_path) -> None:
    for value in (0, 1):
        found = merged(tmp_path, *[record({"claim": value})] * 2, dawid_skene=True)
        assert first(found)["sentences"][0]["labels"] == {"claim": value}


# What is refused


OTHER = record({}) | {"text": TEXT.replace("Orvel", "Vesk!")}
BARE = {key: value for key, value in record({}).items() if key != "text"}


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (record({}), OTHER, "the text of 'orvel/1' differs from "),
        (record({}, {}), record({}), "the sentences of 'orvel/1' differ from "),
        (record({}), BARE, "no 'text'"),
    ],
)
def test_other_texts_and_other_sentences_are_one_line(tmp_path, one, other, reason) -> None:
    with pytest.raises(CorpusError, match=rf"bo\.jsonl, line 1: {reason}"):
        merged(tmp_path, one, other)


# The command


def test_the_command_writes_what_the_format_reads(tmp_path) -> None:
    paths = write(tmp_path, [record({"claim": 1})], [record({"claim": 0})])
    output = tmp_path / "merged.jsonl"
    done = CliRunner().invoke(app, ["merge", *map(str, paths), "--output", str(output)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("1 article of 2 annotators, 1 label")
    (line,) = output.read_text(encoding="utf-8").splitlines()
    article = from_record(json.loads(line), "merged", 1)
    assert article.units is not None
    assert article.units[0].labels == {"claim": 0.5}
