"""Files as the tools' own documentation has them, predictions, and a signal of a desk's own."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cassis
import pytest
from framescope.classifier import taxonomy
from framescope.classifier.errors import FramescopeError
from framescope.classifier.inputs import from_record
from framescope.training.annotation import Bringing, Sending, bring, send, tool_named
from framescope.training.annotation.catalogue import TOOLS
from framescope.training.annotation.scheme import scheme_for
from framescope.training.annotation.task import Assignment, bare

TEXT = "😀 The quay wall is a disgrace.\r\nIt will be rebuilt, the port said."
FIRST = TEXT.index("\r")
SCORED = {
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
def export(tmp_path: Path) -> Any:
    def exported(tool: str, record: Any = SCORED, **more: Any) -> Path:
        source = written(tmp_path / "scored.jsonl", record)
        send(tool_named(tool), Sending([source], tmp_path / tool, **more))
        return tmp_path / tool

    return exported


# --- predictions ----------------------------------------------------------------------------------


def test_a_models_labels_are_predictions_in_label_studio(export: Any) -> None:
    (task,) = json.loads((export("label-studio") / "tasks.json").read_text("utf-8"))
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "model-1"
    said = {
        (one["id"], one["from_name"]): (one["value"]["choices"][0], one.get("score"))
        for one in prediction["result"]
        if one["type"] == "choices"
    }
    assert said["s0", "sentence-claim"] == ("no", 0.25)
    assert said["s0", "sentence-quoted"] == ("yes", 0.125)
    assert said["s1", "sentence-claim"] == ("yes", 0.75)
    assert said["s1", "sentence-voice"] == ("reported", None)
    assert said["a-hyperpartisan", "article-hyperpartisan"] == ("yes", 0.75)
    marked = [one for one in prediction["result"] if one.get("from_name") == "technique"]
    assert [(one["value"]["text"], one["score"]) for one in marked] == [("disgrace", 0.625)]
    parts = {one["value"]["labels"][0] for one in prediction["result"] if one["type"] == "labels"}
    assert {"sentence", "source", "cue", "content"} < parts
    (annotation,) = task["annotations"]
    people = [
        (one["id"], one["from_name"]) for one in annotation["result"] if one["type"] == "choices"
    ]
    assert people == [("s1", "sentence-claim")]


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if tool.apart])
def test_what_nobody_looked_at_is_no_label(export: Any, tool: str, tmp_path: Path) -> None:
    labels = {**SCORED["sentences"][1], "labels": {}}  # type: ignore[dict-item]
    record = {**SCORED, "sentences": [SCORED["sentences"][0], labels], "spans": []}  # type: ignore[index]
    folder = export(tool, record)
    output = tmp_path / "labels.jsonl"
    with pytest.raises(FramescopeError, match=r"no labels|holds no"):
        bring(tool_named(tool), Bringing([folder], output))
    assert not output.exists()


@pytest.mark.parametrize("tool", [name for name, tool in TOOLS.items() if not tool.apart])
def test_others_fill_the_models_labels_in_and_say_so(tool: str, tmp_path: Path) -> None:
    told: list[str] = []
    source = written(tmp_path / "scored.jsonl", SCORED)
    send(tool_named(tool), Sending([source], tmp_path / tool, tell=told.append))
    assert any("--no-predictions" in line for line in told)
    output = tmp_path / "labels.jsonl"
    bring(tool_named(tool), Bringing([tmp_path / tool], output))
    back = json.loads(output.read_text("utf-8"))
    assert back["sentences"][0]["labels"] == {"claim": 0, "quoted": 1}
    assert [one["signal"] for one in back["spans"]] == ["doubt"]  # a person's stand for all
    output.unlink()
    told.clear()
    sending = Sending([source], tmp_path / "bare", predictions=False, tell=told.append)
    send(tool_named(tool), sending)
    bring(tool_named(tool), Bringing([tmp_path / "bare"], output))
    back = json.loads(output.read_text("utf-8"))
    assert [one["labels"] for one in back["sentences"]] == [{}, {"claim": 1}]
    assert told == []


def test_signals_and_citations_are_asked_as_wanted(export: Any) -> None:
    folder = export("label-studio", signals=["claim", "doubt"], citations=False)
    config = (folder / "config.xml").read_text("utf-8")
    assert "sentence-claim" in config
    assert "sentence-quoted" not in config
    assert "citation" not in config
    assert 'value="source"' not in config
    (task,) = json.loads((folder / "tasks.json").read_text("utf-8"))
    asked = {one["from_name"] for one in task["predictions"][0]["result"]}
    assert asked == {"part", "sentence-claim", "sentence-voice"}


def test_pages_are_cut_into_sentences_and_scored_by_a_model(tmp_path: Path) -> None:
    source = tmp_path / "article.txt"
    words = "The quay wall is a disgrace, said the port. It will be rebuilt in May."
    source.write_text(f"{words} {words}", encoding="utf-8")
    sending = Sending([str(source)], tmp_path / "out", model="baseline")
    sent = send(tool_named("label-studio"), sending)
    assert (sent.articles, sent.sentences, sent.labelled, sent.predicted) == (1, 4, 0, 1)
    (task,) = json.loads((tmp_path / "out" / "tasks.json").read_text("utf-8"))
    assert task["predictions"][0]["model_version"].startswith("baseline")


# --- configurations -------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
def test_the_definitions_are_in_every_folder(export: Any, tool: str) -> None:
    page = (export(tool) / "README.md").read_text("utf-8")
    for signal in taxonomy.SIGNALS:
        assert f"| `{signal.name}` | {signal.meaning} |" in page
    for words in ("not annotated", "kind `vague`", "`antecedent`", "`state_media`"):
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


@pytest.mark.parametrize("tool", TOOLS)
def test_a_signal_of_ones_own_is_asked_and_comes_back(
    export: Any, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signals.toml"
    path.write_text(DEFINED, encoding="utf-8")
    monkeypatch.setenv(taxonomy.ENVIRONMENT, str(path))
    taxonomy.forget_own()
    try:
        labels = {"start": 0, "end": FIRST, "labels": {"clickbait_headline": 1, "sneer": 0}}
        spans = [{"start": 2, "end": 5, "signal": "sneer"}]
        record = {"id": "a1", "text": TEXT, "sentences": [labels], "spans": spans}
        folder = export(tool, record)
        assert "promises more than it tells" in (folder / "README.md").read_text("utf-8")
        output = tmp_path / "labels.jsonl"
        bring(tool_named(tool), Bringing([folder], output))
        back = json.loads(output.read_text("utf-8"))
        assert back["sentences"][0]["labels"] == labels["labels"]
        assert back["spans"] == spans
    finally:
        monkeypatch.delenv(taxonomy.ENVIRONMENT)
        taxonomy.forget_own()


# --- INCEpTION ------------------------------------------------------------------------------------


def test_cassis_finds_our_annotations_where_they_are_meant(export: Any) -> None:
    folder = export("inception")
    types = cassis.load_typesystem((folder / "TypeSystem.xml").read_text("utf-8"))
    text = (folder / "00001-a1.xmi").read_text("utf-8")
    cas = cassis.load_cas_from_xmi(text, typesystem=types)
    assert cas.sofa_string == TEXT
    words = {one.role: one.get_covered_text() for one in cas.select("webanno.custom.Part")}
    assert words == {"source": "the port", "cue": "said", "content": "It will be rebuilt"}
    sentences = cas.select("webanno.custom.Sentence")
    assert [(one.begin, one.end) for one in sentences] == [(0, FIRST), (FIRST + 2, len(TEXT))]
    assert [one.claim for one in sentences] == ["no", "yes"]
    assert {one.Governor.role for one in cas.select("webanno.custom.CitationLink")} == {"content"}
    # In the file itself offsets are UTF-16 units, as UIMA has them.
    root = ElementTree.fromstring(text)
    begins = [one.get("begin") for one in root if one.tag.endswith("}Sentence")]
    assert str(FIRST + 3) in begins


def test_a_projects_archive_is_read_by_annotator(export: Any, tmp_path: Path) -> None:
    """``annotation/DOCUMENT/USER.zip``, each with its types; the initial state is nobody's."""
    folder = export("inception")
    cas = cassis.load_cas_from_xmi(
        (folder / "00001-a1.xmi").read_text("utf-8"),
        typesystem=cassis.load_typesystem((folder / "TypeSystem.xml").read_text("utf-8")),
    )
    path = tmp_path / "project.zip"
    with zipfile.ZipFile(path, "w") as project:
        for user in ("anna", "ben", "INITIAL_CAS"):
            inner = tmp_path / f"{user}.zip"
            with zipfile.ZipFile(inner, "w") as archive:
                archive.write(folder / "TypeSystem.xml", "TypeSystem.xml")
                archive.write(folder / "00001-a1.xmi", f"{user}.xmi")
            project.write(inner, f"annotation/00001-a1.xmi/{user}.zip")
        project.writestr("annotation/00001-a1.xmi/cy.json", cas.to_json())
        project.writestr("exportedproject.json", '{"name": "mine"}')
    output = tmp_path / "labels.jsonl"
    bringing = Bringing([path], output, articles=folder / "articles.jsonl")
    found = bring(tool_named("inception"), bringing)
    assert (found.articles, found.annotators) == (1, 3)
    back = [json.loads(line) for line in output.read_text("utf-8").split("\n")[:-1]]
    assert [one["annotator"] for one in back] == ["anna", "ben", "cy"]
    assert back[0]["sentences"] == back[1]["sentences"] == back[2]["sentences"]


# --- documented formats ---------------------------------------------------------------------------


def test_brat_reads_places_as_its_page_on_standoff_has_them(export: Any) -> None:
    folder = export("brat", {**SCORED, "spans": [
        {"start": TEXT.index("wall"), "end": TEXT.index("will"), "signal": "doubt"},
    ]})  # fmt: skip
    assert (folder / "00001-a1.txt").read_bytes().decode() == TEXT
    line = re.compile(
        r"T\d+\t[\w-]+ \d+ \d+(;\d+ \d+)*\t[^\t\n]+|A\d+\t\w+ T\d+ \w+|"
        r"R\d+\t\w+ Arg1:T\d+ Arg2:T\d+|#\d+\t\w+ T\d+\t.*"
    )
    found = (folder / "00001-a1.ann").read_text("utf-8").split("\n")[:-1]
    assert [one for one in found if not line.fullmatch(one)] == []
    (span,) = (one for one in found if "\tdoubt " in one)
    pieces = [tuple(map(int, one.split())) for one in span.split("\t")[1][6:].split(";")]
    assert len(pieces) == 2
    assert [TEXT[start:end] for start, end in pieces] == ["wall is a disgrace.\r", "It "]
    assert not any("\n" in TEXT[start:end] for start, end in pieces)
    config = (folder / "annotation.conf").read_text("utf-8")
    for section in ("[entities]", "[relations]", "[events]", "[attributes]"):
        assert section in config
    assert "claim Arg:Sentence, Value:yes|no" in config


def test_prodigys_tokens_hold_every_span(export: Any) -> None:
    folder = export("prodigy")
    for name in ("spans", "citations"):
        record = json.loads((folder / f"{name}.jsonl").read_text("utf-8").split("\n")[0])
        tokens = {one["id"]: one for one in record["tokens"]}
        assert list(tokens) == list(range(len(tokens)))
        assert all(TEXT[one["start"] : one["end"]] == one["text"] for one in tokens.values())
        assert record["spans"]
        for span in record["spans"]:
            assert tokens[span["token_start"]]["start"] == span["start"]
            assert tokens[span["token_end"]]["end"] == span["end"]
        assert "answer" not in record  # what a model says is still to be looked at
    for relation in record["relations"]:
        assert relation["head"] == relation["head_span"]["token_end"]
    choice = json.loads((folder / "sentences.jsonl").read_text("utf-8").split("\n")[0])
    assert {"claim: yes", "claim: no"} <= {one["id"] for one in choice["options"]}
    assert "claim: no" in choice["accept"]


def test_prodigy_tells_who_accepted_and_leaves_out_what_was_rejected(
    export: Any, tmp_path: Path
) -> None:
    folder = export("prodigy")
    tasks = [
        json.loads(line)
        for line in (folder / "sentences.jsonl").read_text("utf-8").split("\n")[:-1]
    ]
    done = [
        {**tasks[0], "answer": "accept", "_annotator_id": "framescope-sentences-anna"},
        {**tasks[1], "answer": "reject", "_annotator_id": "framescope-sentences-anna"},
        {**tasks[0], "answer": "ignore", "_session_id": "framescope-sentences-2026-01-02_03-04-05"},
    ]
    source = tmp_path / "out.jsonl"
    written(source, *done)
    output = tmp_path / "labels.jsonl"
    bringing = Bringing([source], output, articles=folder / "articles.jsonl")
    found = bring(tool_named("prodigy"), bringing)
    assert (found.records, found.sentences) == (1, 1)
    assert json.loads(output.read_text("utf-8"))["annotator"] == "anna"


def test_doccanos_archive_has_a_file_for_each_annotator(export: Any, tmp_path: Path) -> None:
    folder = export("doccano")
    lines = (folder / "marks.jsonl").read_bytes(), (folder / "sentences.jsonl").read_bytes()
    paths = []
    for kind, data in zip(("marks", "sentences"), lines, strict=True):
        paths.append(tmp_path / f"{kind}.zip")
        with zipfile.ZipFile(paths[-1], "w") as archive:
            for user in ("anna", "ben"):
                records = [
                    {key: value for key, value in json.loads(line).items() if key != "annotator"}
                    for line in data.decode().split("\n")[:-1]
                ]
                archive.writestr(
                    f"{user}.jsonl", "".join(json.dumps(one) + "\n" for one in records)
                )
    output = tmp_path / "labels.jsonl"
    found = bring(
        tool_named("doccano"), Bringing(paths, output, articles=folder / "articles.jsonl")
    )
    assert (found.records, found.annotators, found.citations) == (2, 2, 2)


def test_a_sheet_takes_words_without_places(export: Any, tmp_path: Path) -> None:
    folder = export("csv")
    (folder / "spans.csv").write_text(
        "article;sentence;signal;words;place\na1;0;doubt;quay wall;\n", encoding="utf-8-sig"
    )
    (folder / "citations.csv").write_text(
        "article\tsentence\tsource\tcue\tcontent\tkind\n"
        "a1\t1\tthe port\tsaid\tIt will / rebuilt\tnamed\n",
        encoding="utf-8",
    )
    output = tmp_path / "labels.jsonl"
    bring(tool_named("csv"), Bringing([folder], output))
    back = json.loads(output.read_text("utf-8"))
    (span,) = back["spans"]
    assert TEXT[span["start"] : span["end"]] == "quay wall"
    (citation,) = back["sentences"][1]["citations"]
    assert [TEXT[one["start"] : one["end"]] for one in citation["content"]] == [
        "It will",
        "rebuilt",
    ]
    assert citation["kind"] == "named"


def test_a_spreadsheet_takes_no_words_for_a_formula(export: Any) -> None:
    text = "=SUM(A1) is all. @home it is not."
    folder = export("csv", {"id": "a1", "text": text, "sentences": [{"start": 0, "end": 16},
                            {"start": 17, "end": 33, "labels": {"claim": 1}}]})  # fmt: skip
    sheet = (folder / "sentences.csv").read_text("utf-8-sig")
    assert ",'=SUM(A1) is all.," in sheet
    assert ",'@home it is not.," in sheet


def test_what_is_asked_has_no_names_of_its_own() -> None:
    """Signals are the taxonomy's, whatever it holds."""
    article = bare(from_record({"id": "x", "text": "One."}, "here", 1))
    scheme = scheme_for([Assignment(article)])
    asked = {one.name for one in (*scheme.of_sentences, *scheme.of_article)}
    assert asked == {*taxonomy.NAMES, "voice", "citations"}


def test_the_page_of_the_docs_says_what_each_tool_lacks() -> None:
    page = (Path(__file__).parent.parent / "docs" / "annotate.md").read_text("utf-8")
    rows = {
        cells[1].strip(): cells
        for cells in (line.split("|") for line in page.splitlines() if line.startswith("| "))
        if len(cells) == 7
    }
    for tool in TOOLS.values():
        _, _, _, several, soft, further, _ = rows[tool.title]
        assert several.strip() == ("yes" if tool.several else "no"), tool.title
        assert soft.strip() == ("yes" if tool.soft else "no"), tool.title
        assert further.strip() == "; ".join(tool.lacks), tool.title


def test_an_offset_within_a_character_is_refused(export: Any, tmp_path: Path) -> None:
    """Code points written where UIMA counts UTF-16 units end within the emoji, or are all moved."""
    path = export("inception") / "00001-a1.xmi"
    text = path.read_text("utf-8")
    assert 'begin="0"' in text
    path.write_text(text.replace('begin="0"', 'begin="1"'), encoding="utf-8")
    with pytest.raises(FramescopeError, match="the offset 1 is none of its text's UTF-16 units"):
        bring(tool_named("inception"), Bringing([path], tmp_path / "labels.jsonl"))
