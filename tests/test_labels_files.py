"""Labelled files as they are read to be mended: every fault, with file and line, and no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import CorpusError, InputError
from framescope.training.labels.reading import (
    check_labelled_record,
    read_annotators,
    read_labelled,
)
from hypothesis import given
from hypothesis import strategies as st

TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
FIRST, SECOND = {"start": 0, "end": 23}, {"start": 24, "end": 59}


def record(**more: Any) -> dict[str, Any]:
    return {"id": "orvel/1", "text": TEXT, "sentences": [FIRST, SECOND], **more}


def write(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def reasons(one: Mapping[str, Any]) -> list[str]:
    return check_labelled_record(one, "mine.jsonl, line 3")[1]


def test_a_sound_record_has_no_fault() -> None:
    found, faults = check_labelled_record(record(annotator=" Ada "), "mine.jsonl, line 3")
    assert faults == []
    assert found is not None
    assert (found.where, found.name) == ("mine.jsonl, line 3", "orvel/1 (Ada)")


def test_every_fault_of_a_record_is_named_with_its_place() -> None:
    cited = {"source": None, "cue": None, "content": [{"start": 0, "end": 99}]}
    found = reasons(
        record(
            outlet=7,
            sentences=[
                {**FIRST, "labels": {"clam": 1, "claim": 2, "quoted": 1}},
                {"start": 24, "end": 60},
                {**SECOND, "voice": "loud", "citations": [cited]},
                "no object",
            ],
            spans=[
                {"start": 0, "end": 3, "signal": "doubt"},
                {"start": 0, "end": 3, "signal": "dubt"},
            ],
            labels={"hyperpartizan": 1},
        )
    )
    for part in (
        "'outlet' must be text",
        "'sentences' item 0: no signal 'clam'",
        "'sentences' item 0: label 'claim' must be 0 to 1",
        "'sentences' item 1 24-60 is not inside the text",
        "'sentences' item 2: 'voice' must be",
        "'sentences' item 2, citation 0",
        "'sentences' item 3 must be an object",
        "'spans' item 1: no signal 'dubt'",
        "hyperpartizan",
    ):
        assert (
            sum(part in one or part.replace("no signal", "unknown signal") in one for one in found)
            == 1
        ), (part, found)
    assert len(found) == 9
    assert not any("\n" in one for one in found)


def test_sentences_that_overlap_are_named_by_their_numbers() -> None:
    overlapping = [{"start": 0, "end": 3}, FIRST, SECOND]
    (found,) = reasons(record(sentences=overlapping))
    assert found.startswith("'sentences' item 1 0-23 begins before")


@pytest.mark.parametrize("text", [None, 7, "", "  ", "half \ud800"])
def test_without_a_text_nothing_else_is_said(text) -> None:
    (found,) = reasons(record(text=text))
    assert "text" in found


@pytest.mark.parametrize("name", ["", "  ", 3, ["Ada"]])
def test_an_annotator_has_a_name(name) -> None:
    assert reasons(record(annotator=name)) == ["'annotator' must be a name, as text"]


# Offsets in other units

WIDE = "😀 The dam leaks. 𝔄da denies that 🙂 wholly."


def sentences(text: str) -> list[tuple[int, int]]:
    return [(0, text.index(".") + 1), (text.index(".") + 2, len(text))]


def counted(text: str, encoding: str, width: int) -> list[dict[str, int]]:
    def at(place: int) -> int:
        return len(text[:place].encode(encoding)) // width

    return [{"start": at(a), "end": at(b)} for a, b in sentences(text)]


@pytest.mark.parametrize(
    ("encoding", "width", "name"),
    [("utf-16-le", 2, "UTF-16 units"), ("utf-8", 1, "bytes of UTF-8")],
)
def test_offsets_that_count_something_else_are_told(encoding, width, name) -> None:
    faults = reasons({"id": "a", "text": WIDE, "sentences": counted(WIDE, encoding, width)})
    assert sum(name in one for one in faults) == 1
    assert any("must count characters" in one for one in faults)


@given(st.text(alphabet="ab é😀𝔄ü", min_size=3, max_size=40))
def test_right_offsets_are_never_taken_for_others(text) -> None:
    words, at = [], 0
    for word in text.split(" "):
        if word:
            words.append({"start": at, "end": at + len(word)})
        at += len(word) + 1
    if words:
        assert reasons({"id": "a", "text": text, "sentences": words}) == []


# Files


def test_what_cannot_be_read_is_one_line_and_what_can_goes_on(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(f"{{broken\n\n{json.dumps(record(outlet=1))}\n{json.dumps(record())}\n")
    found = read_labelled([path])
    assert [one.where for one in found.problems] == [f"{path}, line {n}" for n in (1, 3)]
    assert [one.where for one in found.articles] == [f"{path}, line 4"]


@pytest.mark.parametrize("content", ["", "\n\n", "an article\n", "[1, 2]\n", '"text"\n'])
def test_a_file_without_any_record_is_refused(tmp_path, content) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=r"mine\.jsonl: can't be read: no line is a record") as one:
        read_labelled([path])
    assert "\n" not in str(one.value)


@pytest.mark.parametrize("content", ["{broken\n", "[1]\n", '{"id": "a"}\n', "\n"])
def test_a_file_that_is_none_of_an_annotators_is_one_line(tmp_path, content) -> None:
    paths = write(tmp_path / "a.jsonl", record()), tmp_path / "b.jsonl"
    paths[1].write_text(content)
    with pytest.raises(InputError, match=r"b\.jsonl(, line 1)?: (not|is no|holds no) ") as error:
        read_annotators(paths)
    assert "\n" not in str(error.value)


# Annotators


def test_an_annotator_is_named_by_the_record_and_else_by_the_file(tmp_path) -> None:
    mixed = write(
        tmp_path / "mixed.jsonl", record(annotator="Ada"), record(annotator="Bo"), record()
    )
    other = write(tmp_path / "cy.jsonl", record())
    assert list(read_annotators([mixed, other])) == ["Ada", "Bo", "mixed", "cy"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path) -> None:
    paths = []
    for folder in ("ada", "bo"):
        (tmp_path / folder).mkdir()
        paths.append(write(tmp_path / folder / "labels.jsonl", record()))
    assert list(read_annotators(paths)) == list(map(str, paths))


def test_two_annotators_of_one_name_are_refused(tmp_path) -> None:
    first = write(tmp_path / "a.jsonl", record(annotator="Ada"))
    second = write(
        tmp_path / "b.jsonl", record(id="orvel/2", annotator="Ada"), record(annotator="Ada")
    )
    said = r"b\.jsonl, line 2: annotator 'Ada' has labelled 'orvel/1' before, in .*a\.jsonl, line 1"
    with pytest.raises(CorpusError, match=said):
        read_annotators([first, second])


def test_one_annotator_alone_and_one_file_twice_are_refused(tmp_path) -> None:
    path = write(tmp_path / "a.jsonl", record())
    with pytest.raises(CorpusError, match="all labels are by one annotator, 'a'"):
        read_annotators([path])
    with pytest.raises(CorpusError, match="given twice"):
        read_annotators([path, tmp_path / "." / "a.jsonl"])


def test_labels_of_unknown_names_are_one_line(tmp_path) -> None:
    bad = record(sentences=[{**FIRST, "labels": {"clam": 1}}])
    paths = [write(tmp_path / "a.jsonl", record()), write(tmp_path / "b.jsonl", bad)]
    with pytest.raises(InputError, match=r"b\.jsonl, line 1: .*clam"):
        read_annotators(paths)
