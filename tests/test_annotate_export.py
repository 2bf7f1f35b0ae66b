"""What is sent to an annotation tool: predictions, what is asked, and what can't be sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier import taxonomy
from framescope.classifier.errors import FramescopeError
from framescope.training.annotation import FORMATS, export, import_labels

TEXT = "😀 The quay wall is a disgrace.\r\nIt will be rebuilt, the port said."
FIRST = TEXT.index("\r")
SCORED: dict[str, Any] = {
    "id": "a1",
    "text": TEXT,
    "sentences": [
        {"start": 0, "end": FIRST, "voice": "own", "scores": {"claim": 0.25, "quoted": 0.125},
         "flags": ["quoted"], "citations": []},
        {"start": FIRST + 2, "end": len(TEXT), "voice": "reported", "labels": {"claim": 1},
         "scores": {"claim": 0.75, "quoted": 0.5}, "flags": ["claim"],
         "citations": [{"source": {"start": TEXT.index("the port"), "end": len(TEXT) - 6},
                        "cue": {"start": len(TEXT) - 5, "end": len(TEXT) - 1}, "kind": "named",
                        "content": [{"start": FIRST + 2, "end": TEXT.index(", the port")}],
                        "name": "the port", "government": True}]},
    ],
    "spans": [
        {"start": 2, "end": 5, "signal": "doubt"},
        {"start": TEXT.index("dis"), "end": FIRST - 1, "signal": "loaded_language", "score": 0.625},
        {"start": 0, "end": 5, "signal": "claim", "score": 2.5},
    ],
    "report": {"format": 2, "model": "model-1", "scores": {"hyperpartisan": 0.75},
               "flags": ["hyperpartisan"]},
}  # fmt: skip


def written(path: Path, *records: Any) -> str:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return str(path)


@pytest.fixture
def exported(tmp_path: Path) -> Any:
    def run(name: str, *records: Any, **more: Any) -> Path:
        source = written(tmp_path / "scored.jsonl", *(records or (SCORED,)))
        export(FORMATS[name], [source], tmp_path / name, **more)
        return tmp_path / name

    return run


def back(name: str, folder: Path) -> dict[str, Any]:
    (record,) = import_labels(FORMATS[name], [folder], folder.parent / "back.jsonl", overwrite=True)
    return record


# Predictions


def test_a_models_labels_are_predictions_in_label_studio(exported: Any) -> None:
    (task,) = json.loads((exported("label-studio") / "tasks.json").read_text("utf-8"))
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "model-1"
    choices = {
        (one["id"], one["from_name"]): (one["value"]["choices"][0], one.get("score"))
        for one in prediction["result"]
        if one["type"] == "choices"
    }
    assert choices["s0", "sentence-claim"] == ("no", 0.25)
    assert choices["s0", "sentence-quoted"] == ("yes", 0.125)
    assert choices["s1", "sentence-claim"] == ("yes", 0.75)
    assert choices["s1", "sentence-voice"] == ("reported", None)
    assert choices["a-hyperpartisan", "article-hyperpartisan"] == ("yes", 0.75)
    marked = [one for one in prediction["result"] if one.get("from_name") == "technique"]
    assert [(one["value"]["text"], one["score"]) for one in marked] == [("disgrace", 0.625)]
    parts = {one["value"]["labels"][0] for one in prediction["result"] if one["type"] == "labels"}
    assert {"sentence", "source", "cue", "content"} < parts
    (annotation,) = task["annotations"]
    people = [
        (one["id"], one["from_name"]) for one in annotation["result"] if "choices" in one["type"]
    ]
    assert people == [("s1", "sentence-claim")]


@pytest.mark.parametrize("name", [name for name, format in FORMATS.items() if format.apart])
def test_what_nobody_looked_at_is_no_label(exported: Any, name: str) -> None:
    unlabelled = {**SCORED["sentences"][1], "labels": {}}
    record = {**SCORED, "sentences": [SCORED["sentences"][0], unlabelled], "spans": []}
    with pytest.raises(FramescopeError, match="no labels"):
        back(name, exported(name, record))


def test_doccano_fills_the_models_labels_in_and_says_so(exported: Any) -> None:
    told: list[str] = []
    record = back("doccano", exported("doccano", tell=told.append))
    assert any("--no-predictions" in line for line in told)
    assert record["sentences"][0]["labels"] == {"claim": 0, "quoted": 1}
    assert [one["signal"] for one in record["spans"]] == ["doubt"]  # a person's stand for all
    told.clear()
    folder = exported("doccano", predictions=False, overwrite=True, tell=told.append)
    assert [one["labels"] for one in back("doccano", folder)["sentences"]] == [{}, {"claim": 1}]
    assert told == []


def test_pages_are_split_into_sentences_and_scored_by_a_model(tmp_path: Path) -> None:
    source = tmp_path / "article.txt"
    words = "The quay wall is a disgrace, said the port. It will be rebuilt in May."
    source.write_text(f"{words} {words}", encoding="utf-8")
    (task,) = export(FORMATS["label-studio"], [str(source)], tmp_path / "out", model="baseline")
    assert (len(task.article.units or ()), task.labelled) == (4, None)
    assert task.predicted is not None
    assert str(task.model).startswith("baseline")
    assert task.scores[0, "claim"] > 0


# What is asked


def test_signals_and_citations_are_asked_as_wanted(exported: Any) -> None:
    folder = exported("label-studio", signals=["claim", "doubt"], citations=False)
    config = (folder / "config.xml").read_text("utf-8")
    assert "sentence-claim" in config
    for words in ("sentence-quoted", "citation", 'value="source"'):
        assert words not in config
    (task,) = json.loads((folder / "tasks.json").read_text("utf-8"))
    asked = {one["from_name"] for one in task["predictions"][0]["result"]}
    assert asked == {"part", "sentence-claim", "sentence-voice"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_definitions_are_in_every_folder(exported: Any, name: str) -> None:
    page = (exported(name) / "README.md").read_text("utf-8")
    for signal in taxonomy.SIGNALS:
        assert f"| `{signal.name}` | {signal.meaning} |" in page
    for words in ("not annotated", "`kind vague`", "`antecedent`", "`state_media`"):
        assert words in page


DEFINED = """
[clickbait_headline]
family = "framing"
level = "sentence"
meaning = "promises more than it tells"
[sneer]
family = "framing"
level = "span"
meaning = "words of contempt"
"""


@pytest.mark.parametrize("name", FORMATS)
def test_a_signal_of_ones_own_is_asked_and_comes_back(
    exported: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signals.toml"
    path.write_text(DEFINED, encoding="utf-8")
    monkeypatch.setenv(taxonomy.ENVIRONMENT, str(path))
    taxonomy.forget_own()
    try:
        labels = {"start": 0, "end": FIRST, "labels": {"clickbait_headline": 1, "sneer": 0}}
        spans = [{"start": 2, "end": 5, "signal": "sneer"}]
        folder = exported(name, {"id": "a1", "text": TEXT, "sentences": [labels], "spans": spans})
        assert "promises more than it tells" in (folder / "README.md").read_text("utf-8")
        record = back(name, folder)
        assert record["sentences"][0]["labels"] == labels["labels"]
        assert record["spans"] == spans
    finally:
        monkeypatch.delenv(taxonomy.ENVIRONMENT)
        taxonomy.forget_own()


def test_prodigys_tokens_hold_every_span(exported: Any) -> None:
    folder = exported("prodigy")
    for name in ("spans", "citations"):
        record = json.loads((folder / f"{name}.jsonl").read_text("utf-8").split("\n")[0])
        tokens = {one["id"]: one for one in record["tokens"]}
        assert list(tokens) == list(range(len(tokens)))
        assert all(TEXT[one["start"] : one["end"]] == one["text"] for one in tokens.values())
        assert record["spans"]
        for span in record["spans"]:
            assert tokens[span["token_start"]]["start"] == span["start"]
            assert tokens[span["token_end"]]["end"] == span["end"]
        assert "answer" not in record  # a model's labels are still to be checked
    for relation in record["relations"]:
        assert relation["head"] == relation["head_span"]["token_end"]
    choice = json.loads((folder / "sentences.jsonl").read_text("utf-8").split("\n")[0])
    assert {"claim: yes", "claim: no"} <= {one["id"] for one in choice["options"]}
    assert "claim: no" in choice["accept"]


def test_a_spreadsheet_takes_no_words_for_a_formula(exported: Any) -> None:
    text = "=SUM(A1) is all. @home it is not."
    folder = exported("csv", {"id": "a1", "text": text, "sentences": [{"start": 0, "end": 16},
                              {"start": 17, "end": 33, "labels": {"claim": 1}}]})  # fmt: skip
    sheet = (folder / "sentences.csv").read_text("utf-8-sig")
    assert ",'=SUM(A1) is all.," in sheet
    assert ",'@home it is not.," in sheet


# What can't be sent


SOFT = {"start": 0, "end": 10, "labels": {"claim": 0.5, "quoted": 1}}
LABELLED = {"id": "a1", "text": "One is so. Two.", "sentences": [SOFT, {"start": 11, "end": 15}]}
ANNA, BEN = ({**LABELLED, "annotator": name} for name in ("anna", "ben"))


@pytest.mark.parametrize(
    ("records", "options", "reason"),
    [
        ([{"id": "a1", "text": " "}], {}, "'text' is empty"),
        ([{"id": "a1", "text": "One.\x00"}], {}, "NUL"),
        ([LABELLED, {"id": "a2"}], {}, "line 2"),
        ([LABELLED, LABELLED], {}, "twice with the labels of nobody"),
        ([ANNA, ANNA], {}, "twice with the labels of 'anna'"),
        ([ANNA, BEN], {}, "choose with --annotator"),
        ([ANNA], {"annotator": "Anna"}, "'Anna' has not labelled it, but 'anna'"),
        ([ANNA, {**BEN, "text": "One is so. Two!"}], {}, "another article is called 'a1'"),
        ([LABELLED], {"signals": ["clam"]}, "did you mean claim?"),
    ],
)
def test_articles_that_cant_be_sent(
    tmp_path: Path, records: list[Any], options: dict[str, Any], reason: str
) -> None:
    source, output = written(tmp_path / "mine.jsonl", *records), tmp_path / "out"
    with pytest.raises(FramescopeError) as caught:
        export(FORMATS["csv"], [source], output, **options)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jsonl"]


def test_one_of_two_annotators_is_chosen(exported: Any) -> None:
    record = back("csv", exported("csv", ANNA, BEN, annotator="ben"))
    assert record["annotator"] == "ben"


def test_labels_that_a_tool_cant_hold_are_counted(exported: Any) -> None:
    told: list[str] = []
    exported("prodigy", LABELLED, tell=told.append)
    assert told == ["Prodigy can't hold labels between 0 and 1: 1 left out"]
    told.clear()
    folder = exported("csv", LABELLED, tell=told.append)
    assert told == []
    assert back("csv", folder)["sentences"][0]["labels"] == {"claim": 0.5, "quoted": 1}


def test_other_folders_are_left_alone(exported: Any, tmp_path: Path) -> None:
    folder = exported("doccano")
    with pytest.raises(FramescopeError, match="is there already; add --overwrite"):
        exported("doccano")
    (tmp_path / "csv").mkdir()
    diary = tmp_path / "csv" / "diary.txt"
    diary.write_text("mine", "utf-8")
    with pytest.raises(FramescopeError, match="was not made by an export"):
        exported("csv", overwrite=True)
    assert diary.is_file()
    (folder / "old.txt").write_text("old", "utf-8")
    exported("doccano", overwrite=True)
    assert not (folder / "old.txt").exists()
