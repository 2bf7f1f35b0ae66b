"""Articles out to annotation tools, and their labels back: what is sent, read and refused."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier import taxonomy
from framescope.classifier.errors import FramescopeError, InputError
from framescope.training.annotation import FORMATS, export, import_labels
from framescope.training.annotation.marks import Mark, Role, fit
from framescope.training.commands.annotate import app
from labelled import written
from typer.testing import CliRunner

TEXT = "The quay wall is a disgrace. It will be rebuilt, the port said."
CITED = {"source": {"start": 49, "end": 57}, "cue": {"start": 58, "end": 62},
         "content": [{"start": 29, "end": 47}], "kind": "named"}  # fmt: skip
LABELS: dict[str, Any] = {
    "id": "a1",
    "text": TEXT,
    "sentences": [
        {"start": 0, "end": 28, "labels": {"claim": 0}},
        {"start": 29, "end": 63, "labels": {"claim": 1}, "citations": [CITED]},
    ],
    "spans": [{"start": 19, "end": 27, "signal": "loaded_language"}],
}
SCORED: dict[str, Any] = {
    "id": "a1",
    "text": TEXT,
    "sentences": [
        {"start": 0, "end": 28, "voice": "own", "scores": {"claim": 0.25, "quoted": 0.125},
         "flags": ["quoted"], "citations": []},
        {"start": 29, "end": 63, "voice": "reported", "labels": {"claim": 1},
         "scores": {"claim": 0.75, "quoted": 0.5}, "flags": ["claim"],
         "citations": [{**CITED, "name": "the port", "government": True}]},
    ],
    "spans": [
        {"start": 0, "end": 3, "signal": "doubt"},
        {"start": 19, "end": 27, "signal": "loaded_language", "score": 0.625},
        {"start": 0, "end": 3, "signal": "claim", "score": 2.5},
    ],
    "report": {"format": 2, "model": "model-1", "scores": {"hyperpartisan": 0.75},
               "flags": ["hyperpartisan"]},
}  # fmt: skip


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Path]:
    """Export records, by default one labelled article."""

    def run(name: str, *records: Any, **more: Any) -> Path:
        source = written(tmp_path / "mine.jsonl", *(records or (LABELS,)))
        export(FORMATS[name], [str(source)], tmp_path / name, **more)
        return tmp_path / name

    return run


def back(name: str, *paths: Path, **more: Any) -> dict[str, Any]:
    (record,) = import_labels(FORMATS[name], paths, None, **more)
    return record


def refused(name: str, *paths: Path) -> str:
    """The one line of the refusal; nothing is written."""
    output = paths[0].parent / "labels.jsonl"
    with pytest.raises(FramescopeError) as caught:
        import_labels(FORMATS[name], paths, output)
    assert not output.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_models_labels_are_predictions_in_label_studio(exported: Any) -> None:
    (task,) = json.loads((exported("label-studio", SCORED) / "tasks.json").read_text("utf-8"))
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "model-1"
    choices = {
        (one["id"], one["from_name"]): (one["value"]["choices"][0], one.get("score"))
        for one in prediction["result"]
        if one["type"] == "choices"
    }
    assert choices["s0", "sentence-claim"] == ("no", 0.25)
    assert choices["s1", "sentence-claim"] == ("yes", 0.75)
    assert choices["s1", "sentence-voice"] == ("reported", None)
    assert choices["a-hyperpartisan", "article-hyperpartisan"] == ("yes", 0.75)
    marked = [one for one in prediction["result"] if one.get("from_name") == "technique"]
    assert [(one["value"]["text"], one["score"]) for one in marked] == [("disgrace", 0.625)]
    parts = {one["value"]["labels"][0] for one in prediction["result"] if one["type"] == "labels"}
    assert {"sentence", "source", "cue", "content"} < parts
    (annotation,) = task["annotations"]
    by_people = [one for one in annotation["result"] if one["type"] == "choices"]
    assert [(one["id"], one["from_name"]) for one in by_people] == [("s1", "sentence-claim")]


@pytest.mark.parametrize("name", [name for name, format in FORMATS.items() if format.apart])
def test_what_nobody_looked_at_is_no_label(exported: Any, name: str) -> None:
    unlabelled = {**SCORED["sentences"][1], "labels": {}}
    record = {**SCORED, "sentences": [SCORED["sentences"][0], unlabelled], "spans": []}
    assert "no labels" in refused(name, exported(name, record))


def test_doccano_fills_the_models_labels_in_and_says_so(exported: Any, capsys: Any) -> None:
    record = back("doccano", exported("doccano", SCORED))
    assert "--no-predictions" in capsys.readouterr().err
    assert record["sentences"][0]["labels"] == {"claim": 0, "quoted": 1}
    assert [one["signal"] for one in record["spans"]] == ["doubt"]  # a person's stand for all
    folder = exported("doccano", SCORED, predictions=False, overwrite=True)
    assert [one["labels"] for one in back("doccano", folder)["sentences"]] == [{}, {"claim": 1}]
    assert capsys.readouterr().err == ""


def test_pages_are_split_into_sentences_and_scored_by_a_model(tmp_path: Path) -> None:
    source = tmp_path / "article.txt"
    words = "The quay wall is a disgrace, said the port. It will be rebuilt in May."
    source.write_text(f"{words} {words}", encoding="utf-8")
    (task,) = export(FORMATS["label-studio"], [str(source)], tmp_path / "out", model="baseline")
    assert (len(task.article.units or ()), task.labelled) == (4, None)
    assert str(task.model).startswith("baseline")
    assert task.scores[0, "claim"] > 0


def test_signals_and_citations_are_asked_as_wanted(exported: Any) -> None:
    folder = exported("label-studio", SCORED, signals=["claim", "doubt"], citations=False)
    config = (folder / "config.xml").read_text("utf-8")
    assert "sentence-claim" in config
    assert not any(one in config for one in ("sentence-quoted", "citation", 'value="source"'))
    (task,) = json.loads((folder / "tasks.json").read_text("utf-8"))
    asked = {one["from_name"] for one in task["predictions"][0]["result"]}
    assert asked == {"part", "sentence-claim", "sentence-voice"}


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
def test_a_signal_of_ones_own_is_defined_asked_and_comes_back(
    exported: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signals.toml"
    path.write_text(DEFINED, encoding="utf-8")
    monkeypatch.setenv(taxonomy.ENVIRONMENT, str(path))
    taxonomy.forget_own()
    try:
        labels = {"start": 0, "end": 28, "labels": {"clickbait_headline": 1, "sneer": 0}}
        spans = [{"start": 0, "end": 3, "signal": "sneer"}]
        folder = exported(name, {"id": "a1", "text": TEXT, "sentences": [labels], "spans": spans})
        page = (folder / "README.md").read_text("utf-8")
        assert all(f"| `{one.name}` | {one.meaning} |" in page for one in taxonomy.SIGNALS)
        assert "promises more than it tells" in page
        record = back(name, folder)
        assert record["sentences"][0]["labels"] == labels["labels"]
        assert record["spans"] == spans
    finally:
        monkeypatch.delenv(taxonomy.ENVIRONMENT)
        taxonomy.forget_own()


def test_prodigys_tokens_hold_every_span(exported: Any) -> None:
    folder = exported("prodigy", SCORED)
    for name in ("spans", "citations"):
        record = lines(folder / f"{name}.jsonl")[0]
        tokens = {one["id"]: one for one in record["tokens"]}
        assert list(tokens) == list(range(len(tokens)))
        assert all(TEXT[one["start"] : one["end"]] == one["text"] for one in tokens.values())
        assert record["spans"]
        for span in record["spans"]:
            assert tokens[span["token_start"]]["start"] == span["start"]
            assert tokens[span["token_end"]]["end"] == span["end"]
        assert "answer" not in record  # a model's labels are still to be checked
    choice = lines(folder / "sentences.jsonl")[0]
    assert {"claim: yes", "claim: no"} <= {one["id"] for one in choice["options"]}
    assert "claim: no" in choice["accept"]


def test_a_spreadsheet_takes_no_words_for_a_formula(exported: Any) -> None:
    sentences = [{"start": 0, "end": 16, "labels": {"claim": 1}}, {"start": 17, "end": 33}]
    record = {"id": "a1", "text": "=SUM(A1) is all. @home it is not.", "sentences": sentences}
    sheet = (exported("csv", record) / "sentences.csv").read_text("utf-8-sig")
    assert ",'=SUM(A1) is all.," in sheet
    assert ",'@home it is not.," in sheet


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
    exported: Any, tmp_path: Path, records: list[Any], options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(FramescopeError) as caught:
        exported("csv", *records, **options)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.jsonl"]


def test_labels_that_a_tool_cant_hold_are_counted(exported: Any, capsys: Any) -> None:
    exported("prodigy", LABELLED)
    said = "framescope: Prodigy can't hold labels between 0 and 1: 1 left out\n"
    assert capsys.readouterr().err == said
    folder = exported("csv", LABELLED)
    assert capsys.readouterr().err == ""
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


def test_prodigy_names_who_accepted_and_leaves_out_rejected_tasks(exported, tmp_path) -> None:
    folder = exported("prodigy")
    one, two = lines(folder / "sentences.jsonl")[:2]
    anna = {"_annotator_id": "framescope-sentences-anna"}
    session = {"_session_id": "framescope-sentences-2026-01-02_03-04-05"}
    source = written(
        tmp_path / "out.jsonl",
        {**one, "answer": "accept", **anna},
        {**two, "answer": "reject", **anna},
        {**one, "answer": "ignore", **session},
    )
    record = back("prodigy", source, articles=folder / "articles.jsonl")
    assert record["annotator"] == "anna"
    assert [one["labels"] for one in record["sentences"]] == [{"claim": 0}, {}]
    written(source, {**one, "answer": "accept", **session})
    assert "annotator" not in back("prodigy", source, articles=folder / "articles.jsonl")


def test_doccanos_archive_has_a_file_for_each_annotator(exported: Any, tmp_path: Path) -> None:
    folder = exported("doccano")
    paths = [tmp_path / "marks.zip", tmp_path / "sentences.zip"]
    for path in paths:
        with zipfile.ZipFile(path, "w") as archive:
            for user in ("anna", "ben"):
                archive.write(folder / f"{path.stem}.jsonl", f"{user}.jsonl")
    given = {"articles": folder / "articles.jsonl"}
    records = import_labels(FORMATS["doccano"], paths, None, **given)
    assert [one["annotator"] for one in records] == ["anna", "ben"]
    for record in records:
        assert record["spans"] == LABELS["spans"]
        assert len(record["sentences"][1]["citations"]) == 1
    with pytest.raises(FramescopeError, match="two annotations under the name 'cy'"):
        import_labels(FORMATS["doccano"], paths, None, annotator="cy", **given)


def fitted(text: str, start: int, end: int, words: str | None) -> str:
    (mark,) = fit([Mark("m", Role.SPAN, start, end, "doubt", words=words)], text, "task 1")
    return text[mark.start : mark.end]


def test_utf16_units_are_converted_where_the_words_prove_them() -> None:
    text = f"😀😀 {TEXT}"
    assert fitted(text, 24, 32, "disgrace") == "disgrace"
    with pytest.raises(InputError, match=r"^task 1: doubt 24-32 doesn't mark 'a wall'"):
        fitted(text, 24, 32, "a wall")
    with pytest.raises(InputError, match="are its offsets UTF-16 units"):
        fitted("😀😀😀", 4, 6, None)


@pytest.mark.parametrize("text", ["  😀 One.\r\nTwo words. ", "So. One.\nTwo words."])
@pytest.mark.parametrize("utf16", [False, True])
def test_a_browsers_words_tell_what_its_offsets_count(text: str, utf16: bool) -> None:
    start, end = text.index("One"), text.index("words")
    shown = text[start:end].strip().replace("\r", r"\n").replace("\n", r"\n")
    shift = len(text[:start].encode("utf-16-le")) // 2 - start if utf16 else 0
    assert fitted(text, start + shift, end + shift, shown) == text[start:end]


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
    record = back("csv", folder)
    (span,) = record["spans"]
    assert TEXT[span["start"] : span["end"]] == "quay wall"
    (citation,) = record["sentences"][1]["citations"]
    pieces = [TEXT[one["start"] : one["end"]] for one in citation["content"]]
    assert pieces == ["It will", "rebuilt"]
    assert citation["kind"] == "named"


CROSSING = {
    "id": "x", "from_name": "part", "to_name": "text", "type": "labels",
    "value": {"start": 32, "end": 50, "text": TEXT[32:50], "labels": ["content"]},
}  # fmt: skip


def region(annotation: Any) -> Any:
    return next(one for one in annotation["result"] if one.get("id") == "s0")["value"]


def unlink(annotation: Any) -> None:
    annotation["result"] = [one for one in annotation["result"] if one["type"] != "relation"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda task, _: task.pop("data"), "has no 'data'"),
        (lambda task, _: task.update(annotation_id=task.pop("data") and 1), "JSON-MIN"),
        (lambda task, _: task["data"].update(text=" "), "'text' is empty"),
        (lambda task, one: task["annotations"].append(one), "two annotations"),
        (lambda task, _: task["annotations"].clear(), "holds no labels"),
        (lambda _, one: one.pop("result"), "has no 'result'"),
        (lambda _, one: region(one).update(end=40, text=TEXT[:40]), "as exported"),
        (lambda _, one: unlink(one), "linked to no content"),
        (lambda _, one: one["result"].append(CROSSING), "contents cross"),
    ],
)
def test_label_studios_tasks_are_checked(exported: Any, change: Any, reason: str) -> None:
    path = exported("label-studio") / "tasks.json"
    (task,) = json.loads(path.read_text("utf-8"))
    change(task, task["annotations"][0])
    path.write_text(json.dumps([task]), encoding="utf-8")
    line = refused("label-studio", path)
    assert reason in line
    assert "tasks.json" in line


@pytest.mark.parametrize(
    ("name", "file", "old", "new", "reason"),
    [
        ("label-studio", "tasks.json", "loaded_language", "loaded_languag", "did you mean loaded"),
        ("label-studio", "tasks.json", "sentence-claim", "mine-claim", "doesn't ask for"),
        ("doccano", "sentences.jsonl", "claim: yes", "claim yes", "write it as 'claim: yes'"),
        ("doccano", "sentences.jsonl", "claim: yes", "claim: maybe", "'claim' must be 0 to 1"),
        ("doccano", "marks.jsonl", '"entities"', '"annotations"', "has no 'entities'"),
        ("doccano", "marks.jsonl", "content named", "content names", "unknown label"),
        ("doccano", "marks.jsonl", '"to_id": ', '"to_id": 9', "isn't there"),
        ("doccano", "sentences.jsonl", "The quay", "A quay", "not that of 'a1'"),
        ("doccano", "marks.jsonl", "The quay", "A quay", "not that of 'a1'"),
        ("prodigy", "sentences.jsonl", '"claim: no"]', '"claim: no", "claim: yes"]', "keep one"),
        ("prodigy", "sentences.jsonl", '"accept"}', '"perhaps"}', "accept, reject or ignore"),
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
    path = exported(name) / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert reason in refused(name, path.parent)


@pytest.mark.parametrize(
    ("name", "file"),
    [("label-studio", "tasks.json"), ("doccano", "marks.jsonl"), ("csv", "sentences.csv")],
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
    source = written(tmp_path / "mine.jsonl", LABELS)
    out, labels = tmp_path / "out", tmp_path / "labels.jsonl"
    run = CliRunner().invoke(app, ["export", str(source), "--to", "csv", "--output", str(out)])
    assert "1 article, 2 sentences; 1 with labels, 0 with a model's" in run.output
    run = CliRunner().invoke(app, ["import", str(out), "--from", "csv", "--output", str(labels)])
    assert "1 record of 1 article and 1 annotator" in run.output
    assert "2 labelled sentences, 1 span, 1 citation" in run.output
    assert lines(labels)[0]["spans"] == LABELS["spans"]
