"""What can't be sent or brought back: one line that says where and why, and nothing is written."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import FramescopeError
from framescope.training.annotation import Bringing, Sending, bring, send, tool_named

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
ENTRIES = ("label-studio", "doccano", "prodigy", "potato", "inception", "brat", "csv")


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def refused(run: Callable[[], Any], output: Path) -> str:
    """The one line that it is refused with."""
    with pytest.raises(FramescopeError) as caught:
        run()
    assert not output.exists()
    assert not list(output.parent.glob(f"{output.name}.part*"))
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[str], Path]:
    """What we export of one labelled article, for a tool."""
    source = lines(tmp_path / "mine.jsonl", LABELS)

    def export(tool: str) -> Path:
        send(tool_named(tool), Sending([str(source)], tmp_path / tool))
        return tmp_path / tool

    return export


def brought_back(tool: str, *paths: Path, annotator: str | None = None) -> str:
    output = paths[0].parent / "labels.jsonl"
    return refused(lambda: bring(tool_named(tool), Bringing(paths, output, annotator)), output)


def changed(path: Path, change: Callable[[Any], Any]) -> Path:
    """A JSON file, changed."""
    value = json.loads(path.read_text("utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


# --- what is brought back -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one[0].update(completions=one[0].pop("annotations")), "before 1.0"),
        (lambda one: one[0].pop("data"), "has no 'data'"),
        (lambda one: one[0].pop("annotations"), "has no 'annotations'"),
        (lambda one: one[0]["data"].update(text=" "), "without text"),
        (lambda one: one[0]["annotations"][0].pop("result"), "has no 'result'"),
        (lambda one: one[0]["annotations"][0]["result"][0]["value"].pop("end"), "has no 'end'"),
        (lambda one: one[0]["annotations"].append(one[0]["annotations"][0]), "two annotations"),
        (lambda one: one[0]["annotations"].clear(), "holds no labels"),
    ],
)
def test_label_studio(exported: Any, change: Callable[[Any], Any], reason: str) -> None:
    path = changed(exported("label-studio") / "tasks.json", change)
    line = brought_back("label-studio", path)
    assert reason in line
    assert "tasks.json" in line


def test_unknown_names_are_refused_with_the_nearest(exported: Any) -> None:
    path = exported("label-studio") / "tasks.json"
    line = brought_back("label-studio", edited(path, "loaded_language", "loaded_languag"))
    assert "did you mean loaded_language?" in line
    edited(path, "loaded_languag", "loaded_language")
    line = brought_back("label-studio", edited(path, "sentence-claim", "sentence-claims"))
    assert "did you mean claim?" in line


def region(task: Any, name: str) -> dict[str, Any]:
    result = task[0]["annotations"][0]["result"]
    return next(one["value"] for one in result if one.get("id") == name)


def test_sentences_that_overlap_or_are_others_are_refused(exported: Any) -> None:
    def longer(task: Any) -> None:
        region(task, "s0").update(end=40, text=TEXT[:40])

    path = changed(exported("label-studio") / "tasks.json", longer)
    assert "none of the article's" in brought_back("label-studio", path)
    changed(path, lambda task: task[0]["data"].pop("article"))
    assert "begins before the one before it ends" in brought_back("label-studio", path)


def test_contents_that_cross_are_refused(exported: Any) -> None:
    def second(task: Any) -> None:
        value = {"start": 32, "end": 50, "text": TEXT[32:50], "labels": ["content"]}
        task[0]["annotations"][0]["result"].append(
            {"id": "x", "from_name": "part", "to_name": "text", "type": "labels", "value": value}
        )

    path = changed(exported("label-studio") / "tasks.json", second)
    assert "their contents cross" in brought_back("label-studio", path)


def test_a_source_of_nothing_and_a_content_of_two_are_refused(exported: Any) -> None:
    def without_links(task: Any) -> None:
        result = task[0]["annotations"][0]["result"]
        result[:] = [one for one in result if one["type"] != "relation"]

    path = changed(exported("label-studio") / "tasks.json", without_links)
    assert "linked to no content" in brought_back("label-studio", path)


def test_utf16_is_converted_when_it_is_proven_and_else_refused(tmp_path: Path) -> None:
    text = f"😀😀 {TEXT}"
    value = {"start": 24, "end": 32, "text": "disgrace", "labels": ["loaded_language"]}
    item = {"id": "p", "from_name": "technique", "to_name": "text", "type": "labels"}
    task = {
        "id": 7,
        "data": {"text": text},
        "annotations": [{"result": [{**item, "value": value}]}],
    }
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task]), encoding="utf-8")
    output = tmp_path / "labels.jsonl"
    bring(tool_named("label-studio"), Bringing([path], output))
    (span,) = json.loads(output.read_text("utf-8"))["spans"]
    assert text[span["start"] : span["end"]] == "disgrace"
    output.unlink()
    value["text"] = "a wall"
    path.write_text(json.dumps([task]), encoding="utf-8")
    assert "neither in code points nor in UTF-16 units" in brought_back("label-studio", path)
    record = {"text": "😀😀😀", "entities": [{"id": 1, "label": "doubt", "start_offset": 4,
              "end_offset": 6}], "relations": []}  # fmt: skip
    assert "UTF-16" in brought_back("doccano", lines(tmp_path / "doccano.jsonl", record))


@pytest.mark.parametrize("tool", ENTRIES)
def test_what_is_damaged_is_refused(exported: Any, tool: str) -> None:
    folder = exported(tool)
    names = {
        "label-studio": "tasks.json", "doccano": "sentences.jsonl", "prodigy": "spans.jsonl",
        "potato": "annotation_output/marks/annotator/user_state.json",
        "inception": "00001-a1.xmi", "brat": "00001-a1.ann", "csv": "sentences.csv",
    }  # fmt: skip
    path = folder / names[tool]
    data = path.read_bytes()
    path.write_bytes(b"\xff\xfe" + data)
    assert "not UTF-8" in brought_back(tool, folder)
    path.write_bytes(data[:-30] + b'"' if tool == "csv" else data[: len(data) // 2])
    line = brought_back(tool, folder)
    assert names[tool] in line
    assert any(word in line for word in ("damaged", "no line of brat", "no place"))


@pytest.mark.parametrize("tool", ENTRIES)
def test_a_damaged_archive_and_no_file_are_refused(tool: str, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.json", "x" * 1000)
    path = tmp_path / "export.zip"
    for data in (b"PK\x03\x04", buffer.getvalue()[:-30], buffer.getvalue().replace(b"K", b"L")):
        path.write_bytes(data)
        assert "damaged ZIP" in brought_back(tool, path)
    assert "No such file" in brought_back(tool, tmp_path / "nothing.json")
    (tmp_path / "empty").mkdir()
    assert "nothing there" in brought_back(tool, tmp_path / "empty")


def test_an_archive_is_read_as_a_folder_is(exported: Any, tmp_path: Path) -> None:
    folder = exported("doccano")
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    found = bring(tool_named("doccano"), Bringing([path], tmp_path / "labels.jsonl"))
    assert (found.records, found.spans, found.citations) == (1, 1, 1)


@pytest.mark.parametrize(
    ("tool", "name", "old", "new", "reason"),
    [
        ("doccano", "sentences.jsonl", "claim: yes", "claim yes", "no label of ours"),
        ("doccano", "sentences.jsonl", "claim: yes", "clam: yes", "did you mean claim?"),
        ("doccano", "sentences.jsonl", "claim: yes", "claim: maybe", "must be one of yes, no"),
        ("doccano", "marks.jsonl", '"entities"', '"annotations"', "before 1.0"),
        ("doccano", "marks.jsonl", "loaded_language", "loaded_languag", "did you mean loaded"),
        ("doccano", "marks.jsonl", "content named", "content names", "unknown label"),
        ("doccano", "sentences.jsonl", "The quay", "A quay", "not that of 'a1'"),
        ("prodigy", "sentences.jsonl", '"claim: no"]', '"claim: no", "claim: yes"]', "keep one"),
        ("prodigy", "sentences.jsonl", '"accept"}', '"perhaps"}', "accept, reject or ignore"),
        ("prodigy", "spans.jsonl", '"label"', '"tag"', "has no 'label'"),
        ("brat", "00001-a1.ann", "loaded_language", "loaded_languages", "did you mean"),
        ("brat", "00001-a1.ann", "disgrace", "harbour", "doesn't mark 'The quay"),
        ("brat", "00001-a1.ann", "Arg2:T", "Arg2:T9", "isn't there"),
        ("brat", "00001-a1.txt", "quay", "key", "not that of the article"),
        ("csv", "sentences.csv", ",claim,", ",clam,", "did you mean claim?"),
        ("csv", "sentences.csv", "article,", "story,", "no columns 'article'"),
        ("csv", "sentences.csv", "29-63", "29. Jun", "is no place"),
        ("csv", "sentences.csv", "a1,", "b1,", "names the article 'b1'"),
        ("csv", "spans.csv", "disgrace,19-27", "disgrace,17-27", "doesn't stand at 17-27"),
        ("csv", "spans.csv", "disgrace,19-27", "harbour,", "not once"),
        ("inception", "00001-a1.xmi", 'role="cue"', 'role="clue"', "must be one of source, cue"),
        ("inception", "00001-a1.xmi", 'claim="yes"', 'claim="ja"', "must be one of yes, no"),
        ("inception", "00001-a1.xmi", "The quay", "The key", "the offset 63 is none of its"),
        ("inception", "00001-a1.xmi", "The quay", "The quey", "not that of the article"),
    ],
)
def test_files_of_other_tools_versions_and_names(
    exported: Any, tool: str, name: str, old: str, new: str, reason: str
) -> None:
    folder = exported(tool)
    edited(folder / name, old, new)
    assert reason in brought_back(tool, folder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one.pop("user_id"), "has no 'user_id'"),
        (lambda one: one.pop("instance_id_to_label_to_value"), "has no 'instance_id_to_label"),
        (lambda one: one["instance_id_to_label_to_value"].update(x=[]), "no item of ours"),
        (lambda one: one["instance_id_to_label_to_value"].update({"sentence:a1#9": []}),
         "has 2 sentences"),
        (lambda one: one["instance_id_to_label_to_value"].update(
            {"sentence:a1#0": [["claim", "yes"]]}), "another version"),
    ],
)  # fmt: skip
def test_potato(exported: Any, change: Callable[[Any], Any], reason: str) -> None:
    folder = exported("potato")
    state = folder / "annotation_output" / "sentences" / "annotator" / "user_state.json"
    changed(state, change)
    assert reason in brought_back("potato", folder)


def test_two_annotators_with_one_name_are_refused(exported: Any) -> None:
    folder = exported("potato")
    other = folder / "annotation_output" / "marks" / "ben"
    other.mkdir()
    state = json.loads((other.parent / "annotator" / "user_state.json").read_text("utf-8"))
    (other / "user_state.json").write_text(json.dumps({**state, "user_id": "ben"}), "utf-8")
    output = folder.parent / "labels.jsonl"
    found = bring(tool_named("potato"), Bringing([folder], output))
    assert found.annotators == 2
    output.unlink()
    line = brought_back("potato", folder, annotator="anna")
    assert "two annotations under the name 'anna'" in line


# --- what is sent ---------------------------------------------------------------------------------


def sent(tmp_path: Path, *records: Any, tool: str = "doccano", **more: Any) -> str:
    source = lines(tmp_path / "mine.jsonl", *records)
    output = tmp_path / "out"
    sending = Sending([str(source)], output, **more)
    return refused(lambda: send(tool_named(tool), sending), output)


def test_articles_that_cant_be_sent(tmp_path: Path) -> None:
    assert "'text' is empty" in sent(tmp_path, {"id": "a1", "text": " "})
    assert "NUL" in sent(tmp_path, {"id": "a1", "text": "One.\x00"})
    assert "U+0001" in sent(tmp_path, {"id": "a1", "text": "One.\x01"}, tool="inception")
    assert "line 2" in sent(tmp_path, LABELS, {"id": "a2"})
    assert "twice with the labels of nobody" in sent(tmp_path, LABELS, LABELS)
    anna, ben = ({**LABELS, "annotator": name} for name in ("anna", "ben"))
    assert "twice with the labels of 'anna'" in sent(tmp_path, anna, anna)
    assert "choose with --annotator" in sent(tmp_path, anna, ben)
    assert "those who have: anna" in sent(tmp_path, anna, annotator="Anna")
    assert "another article is called 'a1'" in sent(tmp_path, anna, {**ben, "text": TEXT + "!"})
    assert "did you mean claim?" in sent(tmp_path, LABELS, signals=["clam"])


def test_a_folder_of_somebody_elses_is_left_alone(exported: Any, tmp_path: Path) -> None:
    folder = exported("brat")
    source = str(tmp_path / "mine.jsonl")
    with pytest.raises(FramescopeError, match="is there already; add --overwrite"):
        send(tool_named("brat"), Sending([source], folder))
    other = tmp_path / "other"
    other.mkdir()
    (other / "diary.txt").write_text("mine", "utf-8")
    with pytest.raises(FramescopeError, match="no folder of ours"):
        send(tool_named("brat"), Sending([source], other, overwrite=True))
    assert (other / "diary.txt").is_file()
    send(tool_named("csv"), Sending([source], folder, overwrite=True))
    assert not (folder / "annotation.conf").exists()


def test_what_a_tool_cant_hold_is_said(tmp_path: Path) -> None:
    soft = {**LABELS, "sentences": [{"start": 0, "end": 28, "labels": {"claim": 0.5, "quoted": 1}}]}
    source = str(lines(tmp_path / "mine.jsonl", soft))
    told: list[str] = []
    send(tool_named("prodigy"), Sending([source], tmp_path / "out", tell=told.append))
    assert told == ["Prodigy can't hold a label between 0 and 1: left out 1 times"]
    told.clear()
    send(tool_named("csv"), Sending([source], tmp_path / "csv", tell=told.append))
    assert told == []
    output = tmp_path / "labels.jsonl"
    bring(tool_named("csv"), Bringing([tmp_path / "csv"], output))
    assert json.loads(output.read_text("utf-8"))["sentences"][0]["labels"] == {
        "claim": 0.5,
        "quoted": 1,
    }


def test_the_command_ends_with_2_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("[{", encoding="utf-8")
    line = [
        sys.executable,
        "-c",
        "import sys; from framescope.__main__ import main; sys.exit(main())",
    ]
    line += ["annotate", "import", "export.json", "--from", "label-studio", "-o", "labels.jsonl"]
    ended = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "damaged JSON" in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["export.json"]
