"""What `framescope labels check` proves of labelled files, and that what ships is sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from framescope.classifier.errors import CorpusError, InputError
from framescope.training.corpora import standoff
from framescope.training.corpora.corpus import HOUSE
from framescope.training.data.duplicates import shingles, similar_pairs
from framescope.training.data.rows import articles, load
from framescope.training.labels import checking
from framescope.training.labels.checking import (
    MOST_ALIKE,
    LabelCheck,
    check_files,
    check_house,
    check_standoff,
)
from framescope.training.labels.labelled import LabelProblem

TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
LEAKS, DENIES = (0, 23), (24, 59)


def sentence(where: tuple[int, int], labels: Mapping[str, float] = {}, **more: Any) -> dict:
    return {"start": where[0], "end": where[1], "labels": dict(labels), **more}


def record(identifier: str = "orvel/1", text: str = TEXT, **more: Any) -> dict[str, Any]:
    sentences = [sentence(LEAKS, {"claim": 1}), sentence(DENIES, {"named_source": 1})]
    return {"id": identifier, "text": text, "sentences": sentences, **more}


def check(tmp_path: Path, *lines: dict[str, Any] | str) -> LabelCheck:
    path = tmp_path / "mine.jsonl"
    rows = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return check_files("mine", [path])


# Offsets, labels, lines


def test_a_sound_file_has_no_problem_and_is_counted(tmp_path) -> None:
    other = record("orvel/2", "A wholly other text about the mill. Nobody in Vesk minds that it.")
    found = check(tmp_path, record(), "", other)
    assert found == LabelCheck("mine", 2, 4, 0, ())


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ((0, 24), "begins or ends with a space"),
        ((23, 59), "begins or ends with a space"),
    ],
)
def test_a_sentence_with_a_space_at_its_end_is_a_problem(tmp_path, where, what) -> None:
    found = check(tmp_path, record(sentences=[sentence(where)]))
    assert found.problems == (LabelProblem("orvel/1, sentence 0", what),)


@pytest.mark.parametrize("where", [(0, 60), (-1, 5), (5, 5), (9, 4)])
def test_offsets_outside_the_text_or_the_wrong_way_round_are_a_problem(tmp_path, where) -> None:
    found = check(tmp_path, record(sentences=[sentence(where)]), record("orvel/2"))
    (problem,) = found.problems
    assert problem.where.endswith("mine.jsonl, line 1")
    assert "'sentences' item 0" in problem.what
    assert found.articles == 1, "the other one is still looked at"


def test_overlapping_sentences_are_a_problem(tmp_path) -> None:
    found = check(tmp_path, record(sentences=[sentence(LEAKS), sentence((10, 59))]))
    (problem,) = found.problems
    assert problem.where.endswith("line 1")


def test_a_signal_that_is_none_is_a_problem(tmp_path) -> None:
    found = check(tmp_path, record(sentences=[sentence(LEAKS, {"clam": 1})]))
    assert "clam" in found.problems[0].what


def test_labels_that_contradict_each_other_name_the_sentence(tmp_path) -> None:
    bad = {"unsourced_assertion": 1, "claim": 0}
    found = check(tmp_path, record(sentences=[sentence(LEAKS), sentence(DENIES, bad)]))
    assert found.problems == (
        LabelProblem("orvel/1, sentence 1", "an unsourced_assertion has a claim"),
    )


def test_a_line_that_is_no_record_is_named_and_the_rest_is_looked_at(tmp_path) -> None:
    found = check(tmp_path, "{broken", "[1]", record())
    assert [p.where.rpartition(", ")[2] for p in found.problems] == ["line 1", "line 2"]
    assert all(p.what.startswith("not JSON") for p in found.problems)
    assert found.articles == 1


def test_an_id_that_two_articles_have_is_a_problem_once(tmp_path) -> None:
    texts = ("It rained in Vesk. It is so.", "The mill stands. It is so.", "Ada left. It is so.")
    found = check(tmp_path, *(record("same", text, sentences=[]) for text in texts))
    assert found.problems == (LabelProblem("same", "two articles have this id"),)


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_a_separator_within_a_text_ends_no_line(tmp_path, separator) -> None:
    given = record(text=TEXT.replace(". ", f".{separator}"))
    assert check(tmp_path, json.dumps(given, ensure_ascii=False)).problems == ()


def test_sentences_may_be_null_as_the_format_allows(tmp_path) -> None:
    assert check(tmp_path, record(sentences=None)).problems == ()


def test_a_file_that_is_missing_or_not_text_is_one_error(tmp_path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        check_files("mine", [tmp_path / "none.jsonl"])
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="can't be read"):
        check_files("mine", [tmp_path / "bytes.jsonl"])


# Contrast pairs

LEFT, RIGHT = "The Tarn party lied to its voters.", "The Besk party lied to its voters."


def side(
    text: str, name: str, identifier: str, pair: str = "p1", claim: float = 1
) -> dict[str, Any]:
    marked = sentence((0, len(text)), {"claim": claim}, pair=pair, side=name)
    return {"id": identifier, "text": text, "sentences": [marked]}


def test_a_pair_with_two_sides_of_one_event_is_counted(tmp_path) -> None:
    found = check(tmp_path, side(LEFT, "a", "vote/1"), side(RIGHT, "b", "vote/2"))
    assert (found.pairs, found.problems) == (1, ())


@pytest.mark.parametrize(
    ("sides", "what"),
    [
        ([side(LEFT, "a", "vote/1")], "has the sides a, and not a and b"),
        (
            [side(LEFT, "a", "vote/1"), side(RIGHT, "a", "vote/2")],
            "has the sides a, a, and not a and b",
        ),
        (
            [side(LEFT, "a", "vote/1"), side(RIGHT, "b", "vote/2", claim=0)],
            "is labelled differently for its two sides",
        ),
        (
            [side(LEFT, "a", "vote/1"), side(RIGHT, "b", "market/2")],
            "stands in articles that may come into different parts of a split",
        ),
    ],
)
def test_a_pair_with_a_flaw_is_a_problem(tmp_path, sides, what) -> None:
    assert check(tmp_path, *sides).problems == (LabelProblem("pair p1", what),)


def test_a_pair_of_the_same_sentence_is_none(tmp_path) -> None:
    found = check(tmp_path, side(LEFT, "a", "vote/1"), side(LEFT, "b", "vote/2"))
    assert LabelProblem("pair p1", "is the same sentence twice") in found.problems


def test_pairs_of_two_names_are_two(tmp_path) -> None:
    rows = [side(LEFT, "a", "vote/1"), side(RIGHT, "b", "vote/2", "p2")]
    found = check(tmp_path, *rows)
    assert {p.where for p in found.problems} == {"pair p1", "pair p2"}


def test_only_whole_pairs_are_counted(tmp_path) -> None:
    assert check(tmp_path, side(LEFT, "a", "vote/1")).pairs == 0


# Near-duplicates

LONG = " ".join(f"word{n}" for n in range(40))


@pytest.mark.parametrize(("changed", "alike"), [(0, True), (8, True), (30, False)])
def test_articles_that_are_nearly_the_same_are_a_problem(tmp_path, changed, alike) -> None:
    words = [f"other{n}" for n in range(changed)] + LONG.split()[changed:]
    rows = [{"id": "a", "text": LONG}, {"id": "b", "text": " ".join(words)}]
    sets = [shingles(row["text"]) for row in rows]
    assert bool(list(similar_pairs(sets, MOST_ALIKE))) == alike, "as the split sees it"
    expected = (LabelProblem("a", "is nearly the same as b"),) if alike else ()
    assert check(tmp_path, *rows).problems == expected


# Stand-off labels


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A record of stand-off labels on the text above, and a collection that holds it."""
    texts = {"7": TEXT}
    collection = standoff.TextCollection(
        lambda root: root / "ptc", lambda root: iter(texts.items()), "https://ptc.example"
    )
    monkeypatch.setattr(standoff, "TEXTS", {"ptc": collection})
    for module in (standoff, checking):
        monkeypatch.setattr(module, "labels_file", lambda: tmp_path / "labels.jsonl")
    (tmp_path / "ptc").mkdir()
    return {
        "collection": "ptc",
        "article": "7",
        "digest": standoff.digest(TEXT),
        "sentences": [
            sentence(where, {"claim": 1}, digest=standoff.digest(TEXT[slice(*where)])[:16])
            for where in (LEAKS, DENIES)
        ],
    }


def stand_off(root: Path | None, *records: dict[str, Any]) -> LabelCheck:
    standoff.labels_file().write_text(
        "".join(json.dumps(r) + "\n" for r in records), encoding="utf-8"
    )
    return check_standoff(root)


def test_labels_are_held_against_the_texts_that_are_here(tmp_path, labelled) -> None:
    assert stand_off(tmp_path, labelled) == LabelCheck("stand-off", 1, 2, 0, ())


def test_a_digest_of_another_sentence_is_a_problem(tmp_path, labelled) -> None:
    labelled["sentences"][1]["digest"] = "0" * 16
    assert stand_off(tmp_path, labelled).problems == (
        LabelProblem("ptc/7, sentence 1", "the digest is of another sentence"),
    )


def test_offsets_that_slipped_are_seen_by_the_digest(tmp_path, labelled) -> None:
    labelled["sentences"][0]["end"] -= 1
    (problem,) = stand_off(tmp_path, labelled).problems
    assert problem.where == "ptc/7, sentence 0"


@pytest.mark.parametrize("root", [None, "empty"])
def test_without_the_texts_labels_alone_are_checked_and_that_is_said(
    tmp_path, labelled, root
) -> None:
    labelled["sentences"][1]["labels"] = {"unsourced_assertion": 1, "claim": 0}
    found = stand_off(root and tmp_path / root, labelled)
    assert found.unread == ("ptc: 1 articles without their text",)
    assert found.problems == (
        LabelProblem("ptc/7, sentence 1", "an unsourced_assertion has a claim"),
    )
    assert (found.articles, found.sentences) == (1, 2)


def test_another_text_than_the_one_labelled_is_an_error(tmp_path, labelled) -> None:
    with pytest.raises(CorpusError, match="another text than article '7'"):
        stand_off(tmp_path, {**labelled, "digest": "0" * 64})


@pytest.mark.parametrize("change", [{"sentences": None}, {"sentences": []}])
def test_a_record_without_sentences_is_one_line(labelled, change) -> None:
    broken = {k: v for k, v in {**labelled, **change}.items() if v is not None}
    with pytest.raises(CorpusError):
        stand_off(None, broken)


# What ships

RECORDS = [
    json.loads(line)
    for path in sorted((HOUSE / "articles").glob("*.jsonl"))
    for line in path.read_text(encoding="utf-8").split("\n")
    if line
]


def test_the_written_part_has_no_problem_and_is_large_enough() -> None:
    found = check_house()
    assert found.problems == ()
    assert found.articles == len(RECORDS) >= 200
    assert found.sentences >= 3_000
    assert found.pairs >= 100


def test_a_folder_without_the_written_part_says_so(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("FRAMESCOPE_HOUSE", str(tmp_path))
    with pytest.raises(CorpusError, match="no articles there; restore the folder, or name it"):
        check_house()


def test_the_stand_off_labels_have_no_problem_and_are_enough() -> None:
    found = check_standoff(None)
    assert found.problems == ()
    assert found.articles >= 200
    assert found.sentences >= 4_000


def test_a_fifth_of_the_written_part_is_hard_on_purpose() -> None:
    sentences = [s for r in RECORDS for s in r["sentences"]]
    marked = [s for s in sentences if s.get("hard")]
    assert len(marked) >= len(sentences) / 5
    kinds = {kind for s in marked for kind in s["hard"]}
    assert kinds >= {
        "quoted_abuse",
        "sober_in_propaganda",
        "mention_only",
        "state_quotes_critic",
        "unsourced_number",
    }


def test_hard_sentences_are_in_every_genre_and_in_every_manner() -> None:
    for key in ("genre", "manner"):
        every = {r[key] for r in RECORDS}
        assert every == {r[key] for r in RECORDS if any(s.get("hard") for s in r["sentences"])}


def test_lengths_reach_from_a_flash_to_a_feature() -> None:
    lengths = [sum(s["labels"].get("content", 1) for s in r["sentences"]) for r in RECORDS]
    assert min(lengths) <= 3
    assert max(len(r["sentences"]) for r in RECORDS) >= 50


def test_every_written_sentence_says_whether_it_is_content() -> None:
    assert all("content" in s["labels"] for r in RECORDS for s in r["sentences"])


def test_every_signal_of_a_sentence_is_there_to_be_learned() -> None:
    from framescope.training.corpora import HOUSE_CARD as CARD

    held = {name for r in RECORDS for s in r["sentences"] for name, on in s["labels"].items() if on}
    held |= {name for r in RECORDS for name, on in r["labels"].items() if on}
    assert held == set(CARD.signals)


# The command


def framescope(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from framescope.__main__ import main; sys.argv[0] = 'framescope'; main()"
    kept = {k: v for k, v in os.environ.items() if k not in ("FRAMESCOPE_CORPORA",)}
    return subprocess.run(
        [sys.executable, "-c", code, "labels", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**kept, **environment},
        check=False,
    )


def test_findings_end_with_status_1_and_one_line(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    bad = [sentence((0, 24)), sentence(DENIES, {"quoted": 1, "reported": 1})]
    path.write_text(json.dumps(record(sentences=bad)) + "\n")
    done = framescope(path)
    assert done.returncode == 1
    assert done.stderr.strip() == "framescope: 2 findings, named above"
    assert "orvel/1, sentence 0: begins or ends with a space" in done.stdout
    assert "orvel/1, sentence 1: a sentence is not both quoted and reported" in done.stdout


def test_the_command_says_what_it_looked_at(tmp_path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(record()) + "\n")
    done = framescope(path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 article, 2 sentences; 0 problems" in done.stdout


def test_a_missing_file_is_one_line(tmp_path) -> None:
    done = framescope(tmp_path / "none.jsonl")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "none.jsonl" in done.stderr


def test_the_command_without_files_checks_what_ships_and_names_what_it_could_not() -> None:
    done = framescope()
    assert done.returncode == 0, done.stderr
    assert "written: " in done.stdout
    assert "stand-off: " in done.stdout
    assert "not looked at: polnear: " in done.stdout


def test_what_is_checked_is_what_is_loaded() -> None:
    pytest.importorskip("datasets")
    assert [a.id for a in articles(load("house", None))] == [r["id"] for r in RECORDS]
