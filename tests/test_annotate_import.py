"""What an annotation tool exported: who labelled, offsets, and whatever can't be read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import FramescopeError
from framescope.training.annotation import FORMATS, export, import_labels
from framescope.training.annotation.marks import AnnotationError, Mark, Role, fit
from framescope.training.commands.annotate import app
from typer.testing import CliRunner

TEXT = "The quay wall is a disgrace. It will be rebuilt, the port said."
LABELS = {
    "id": "a1",
    "text": TEXT,
    "sentences": [
        {"start": 0, "end": 28, "labels": {"claim": 0}},
        {"start": 29, "end": 63, "labels": {"claim": 1},
         "citations": [{"source": {"start": 49, "end": 57}, "cue": {"start": 58, "end": 62},
                        "content": [{"start": 29, "end": 47}], "kind": "named"}]},
    ],
    "spans": [{"start": 19, "end": 27, "signal": "loaded_language"}],
}  # fmt: skip


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[str], Path]:
    """The export of one labelled article."""
    source = tmp_path / "mine.jsonl"
    source.write_text(json.dumps(LABELS) + "\n", encoding="utf-8")

    def run(name: str) -> Path:
        export(FORMATS[name], [str(source)], tmp_path / name)
        return tmp_path / name

    return run


def refused(name: str, *paths: Path) -> str:
    """The one line of the refusal; nothing is written."""
    output = paths[0].parent / "labels.jsonl"
    with pytest.raises(FramescopeError) as caught:
        import_labels(FORMATS[name], paths, output)
    assert not output.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


# Who labelled


def test_prodigy_names_who_accepted_and_leaves_out_what_was_rejected(
    exported: Any, tmp_path: Path
) -> None:
    folder = exported("prodigy")
    one, two = lines(folder / "sentences.jsonl")[:2]
    session = "framescope-sentences-2026-01-02_03-04-05"
    done = [
        {**one, "answer": "accept", "_annotator_id": "framescope-sentences-anna"},
        {**two, "answer": "reject", "_annotator_id": "framescope-sentences-anna"},
        {**one, "answer": "ignore", "_session_id": session},
    ]
    source = tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(task) + "\n" for task in done), encoding="utf-8")
    articles = folder / "articles.jsonl"
    output = tmp_path / "labels.jsonl"
    (record,) = import_labels(FORMATS["prodigy"], [source], output, articles=articles)
    assert record["annotator"] == "anna"
    assert [one["labels"] for one in record["sentences"]] == [{"claim": 0}, {}]
    done = [{**one, "answer": "accept", "_session_id": session}]
    source.write_text(json.dumps(done[0]) + "\n", encoding="utf-8")
    (record,) = import_labels(FORMATS["prodigy"], [source], None, articles=articles)
    assert "annotator" not in record


def test_doccanos_archive_has_a_file_for_each_annotator(exported: Any, tmp_path: Path) -> None:
    folder = exported("doccano")
    paths = []
    for kind in ("marks", "sentences"):
        paths.append(tmp_path / f"{kind}.zip")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            for user in ("anna", "ben"):
                archive.write(folder / f"{kind}.jsonl", f"{user}.jsonl")
    records = import_labels(
        FORMATS["doccano"], paths, tmp_path / "o.jsonl", articles=folder / "articles.jsonl"
    )
    assert [one["annotator"] for one in records] == ["anna", "ben"]
    for record in records:
        assert record["spans"] == LABELS["spans"]
        assert len(record["sentences"][1]["citations"]) == 1


def test_an_article_has_one_annotation_per_name(exported: Any) -> None:
    path = exported("label-studio") / "tasks.json"
    (task,) = json.loads(path.read_text("utf-8"))
    one = task["annotations"][0]
    task["annotations"] = [{**one, "annotator": name} for name in ("anna", "ben")]
    path.write_text(json.dumps([task]), encoding="utf-8")
    records = import_labels(FORMATS["label-studio"], [path], None)
    assert [record["annotator"] for record in records] == ["anna", "ben"]
    with pytest.raises(FramescopeError, match="two annotations under the name 'cy'"):
        import_labels(FORMATS["label-studio"], [path], None, annotator="cy")


# Offsets


def marks(*places: tuple[int, int, str | None]) -> list[Mark]:
    return [Mark("m", Role.SPAN, start, end, "doubt", words=words) for start, end, words in places]


def test_utf16_units_are_converted_where_the_words_prove_them() -> None:
    text = f"😀😀 {TEXT}"
    (mark,) = fit(marks((24, 32, "disgrace")), text, "task 1")
    assert text[mark.start : mark.end] == "disgrace"
    with pytest.raises(AnnotationError, match=r"^task 1: doubt 24-32 doesn't mark 'a wall'"):
        fit(marks((24, 32, "a wall")), text, "task 1")
    with pytest.raises(AnnotationError, match="are its offsets UTF-16 units"):
        fit(marks((4, 6, None)), "😀😀😀", "task 1")


@pytest.mark.parametrize("text", ["  😀 One.\r\nTwo words. ", "So. One.\nTwo words."])
@pytest.mark.parametrize("utf16", [False, True])
def test_a_browsers_words_tell_what_its_offsets_count(text: str, utf16: bool) -> None:
    start, end = text.index("One"), text.index("words")
    shown = text[start:end].strip().replace("\r", r"\n").replace("\n", r"\n")
    shift = len(text[:start].encode("utf-16-le")) // 2 - start if utf16 else 0
    (mark,) = fit(marks((start + shift, end + shift, shown)), text, "task 1")
    assert (mark.start, mark.end) == (start, end)


# Sheets


def test_a_sheet_takes_words_without_places(exported: Any) -> None:
    folder = exported("csv")
    (folder / "spans.csv").write_text(
        "article;sentence;signal;words;place\na1;0;doubt;quay wall;\n", encoding="utf-8-sig"
    )
    (folder / "citations.csv").write_text(
        "article\tsentence\tsource\tcue\tcontent\tkind\n"
        "a1\t1\tthe port\tsaid\tIt will / rebuilt\tnamed\n",
        encoding="utf-8",
    )
    (record,) = import_labels(FORMATS["csv"], [folder], None)
    (span,) = record["spans"]
    assert TEXT[span["start"] : span["end"]] == "quay wall"
    (citation,) = record["sentences"][1]["citations"]
    pieces = [TEXT[one["start"] : one["end"]] for one in citation["content"]]
    assert pieces == ["It will", "rebuilt"]
    assert citation["kind"] == "named"


# Files that can't be read


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one[0].pop("data"), "has no 'data'"),
        (lambda one: one[0].update(annotation_id=one[0].pop("data") and 1), "JSON-MIN"),
        (lambda one: one[0].pop("annotations"), "has no 'annotations'"),
        (lambda one: one[0]["data"].update(text=" "), "'text' is empty"),
        (lambda one: one[0]["annotations"][0].pop("result"), "has no 'result'"),
        (lambda one: one[0]["annotations"][0]["result"][0]["value"].pop("end"), "has no 'end'"),
        (lambda one: one[0]["annotations"].append(one[0]["annotations"][0]), "two annotations"),
        (lambda one: one[0]["annotations"].clear(), "holds no labels"),
        (lambda one: result(one, "s0")["value"].update(end=40, text=TEXT[:40]), "as exported"),
        (lambda one: links(one).clear(), "linked to no content"),
        (lambda one: one[0]["annotations"][0]["result"].append(CROSSING), "contents cross"),
    ],
)
def test_label_studio(exported: Any, change: Callable[[Any], Any], reason: str) -> None:
    path = exported("label-studio") / "tasks.json"
    tasks = json.loads(path.read_text("utf-8"))
    change(tasks)
    if reason == "linked to no content":
        kept = [one for one in tasks[0]["annotations"][0]["result"] if one["type"] != "relation"]
        tasks[0]["annotations"][0]["result"] = kept
    path.write_text(json.dumps(tasks), encoding="utf-8")
    line = refused("label-studio", path)
    assert reason in line
    assert "tasks.json" in line


def result(tasks: Any, name: str) -> Any:
    return next(one for one in tasks[0]["annotations"][0]["result"] if one.get("id") == name)


def links(tasks: Any) -> list[Any]:
    return [one for one in tasks[0]["annotations"][0]["result"] if one["type"] == "relation"]


CROSSING = {
    "id": "x", "from_name": "part", "to_name": "text", "type": "labels",
    "value": {"start": 32, "end": 50, "text": TEXT[32:50], "labels": ["content"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "reason"),
    [
        ("label-studio", "tasks.json", "loaded_language", "loaded_languag", "did you mean loaded"),
        ("label-studio", "tasks.json", "sentence-claim", "sentence-claims", "did you mean claim?"),
        ("label-studio", "tasks.json", "sentence-claim", "mine-claim", "doesn't ask for"),
        ("doccano", "sentences.jsonl", "claim: yes", "claim yes", "write it as 'claim: yes'"),
        ("doccano", "sentences.jsonl", "claim: yes", "clam: yes", "did you mean claim?"),
        ("doccano", "sentences.jsonl", "claim: yes", "claim: maybe", "'claim' must be 0 to 1"),
        ("doccano", "marks.jsonl", '"entities"', '"annotations"', "has no 'entities'"),
        ("doccano", "marks.jsonl", "loaded_language", "loaded_languag", "did you mean loaded"),
        ("doccano", "marks.jsonl", "content named", "content names", "unknown label"),
        ("doccano", "marks.jsonl", '"to_id": ', '"to_id": 9', "isn't there"),
        ("doccano", "sentences.jsonl", "The quay", "A quay", "not that of 'a1'"),
        ("doccano", "marks.jsonl", "The quay", "A quay", "not that of 'a1'"),
        ("prodigy", "sentences.jsonl", '"claim: no"]', '"claim: no", "claim: yes"]', "keep one"),
        ("prodigy", "sentences.jsonl", '"accept"}', '"perhaps"}', "accept, reject or ignore"),
        ("prodigy", "spans.jsonl", '"label"', '"tag"', "has no 'label'"),
        ("csv", "sentences.csv", ",claim,", ",clam,", "did you mean claim?"),
        ("csv", "sentences.csv", "article,", "story,", "no columns 'article'"),
        ("csv", "sentences.csv", "29-63", "29. Jun", "is no place"),
        ("csv", "sentences.csv", "a1,", "b1,", "names the article 'b1'"),
        ("csv", "spans.csv", "disgrace,19-27", "disgrace,17-27", "doesn't stand at 17-27"),
        ("csv", "spans.csv", "disgrace,19-27", "harbour,", "not once"),
    ],
)
def test_files_of_other_tools_versions_and_names(
    exported: Any, name: str, file: str, old: str, new: str, reason: str
) -> None:
    folder = exported(name)
    edited(folder / file, old, new)
    assert reason in refused(name, folder)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("label-studio", "tasks.json"),
        ("doccano", "sentences.jsonl"),
        ("prodigy", "spans.jsonl"),
        ("csv", "sentences.csv"),
    ],
)
def test_what_is_damaged_is_refused(exported: Any, name: str, file: str) -> None:
    folder = exported(name)
    data = (folder / file).read_bytes()
    (folder / file).write_bytes(b"\xff\xfe" + data)
    assert "not UTF-8" in refused(name, folder)
    (folder / file).write_bytes(data[:-30] + b'"' if name == "csv" else data[: len(data) // 2])
    line = refused(name, folder)
    assert file in line
    assert any(word in line for word in ("damaged", "not JSON"))


def test_a_damaged_archive_and_no_file_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.json", "x" * 1000)
    path = tmp_path / "export.zip"
    for data in (b"PK\x03\x04", buffer.getvalue()[:-30], buffer.getvalue().replace(b"K", b"L")):
        path.write_bytes(data)
        assert "damaged ZIP" in refused("doccano", path)
    assert "No such file" in refused("csv", tmp_path / "nothing.json")
    (tmp_path / "empty").mkdir()
    assert "nothing there" in refused("csv", tmp_path / "empty")


def test_the_commands_export_and_import(tmp_path: Path) -> None:
    source, out, labels = (tmp_path / name for name in ("mine.jsonl", "out", "labels.jsonl"))
    source.write_text(json.dumps(LABELS) + "\n", encoding="utf-8")
    run = CliRunner().invoke(app, ["export", str(source), "--to", "csv", "--output", str(out)])
    assert "1 article, 2 sentences; 1 with labels, 0 with a model's" in run.output
    run = CliRunner().invoke(app, ["import", str(out), "--from", "csv", "--output", str(labels)])
    assert "1 record of 1 article and 1 annotator" in run.output
    assert "2 labelled sentences, 1 span, 1 citation" in run.output
    assert lines(labels)[0]["spans"] == LABELS["spans"]
