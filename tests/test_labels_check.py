"""`framescope labels check`: faults, duplicates, balance, likely errors; what ships is sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier.bundles import load
from framescope.classifier.errors import CorpusError, InputError
from framescope.training.commands.labels import app
from framescope.training.corpora import standoff
from framescope.training.corpora.corpus import HOUSE
from framescope.training.labels import checking
from framescope.training.labels.checking import (
    MOST_ALIKE,
    Benchmarks,
    LabelCheck,
    check_labelled,
    check_standoff,
    class_balance,
    in_benchmarks,
    labelled_otherwise,
)
from framescope.training.labels.errors import MOST_LIKELY, find_errors
from framescope.training.labels.reading import LabelProblem, read_labelled
from typer.testing import CliRunner

from framescope import classifier

TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
LEAKS, DENIES = (0, 23), (24, 59)


@pytest.fixture(autouse=True)
def _without_public_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)


def sentence(where: tuple[int, int], labels: Mapping[str, float] = {}, **more: Any) -> dict:
    return {"start": where[0], "end": where[1], "labels": dict(labels), **more}


def orvel(identifier: str = "orvel/1", text: str = TEXT, **more: Any) -> dict[str, Any]:
    sentences = [sentence(LEAKS, {"claim": 1}), sentence(DENIES, {"named_source": 1})]
    return {"id": identifier, "text": text, "sentences": sentences, **more}


def record(identifier: str, *sentences: tuple[str, Mapping[str, float]], **more: Any) -> dict:
    items, text = [], ""
    for words, labels in sentences:
        text += " " if text else ""
        items.append(sentence((len(text), len(text) + len(words)), labels))
        text += words
    return {"id": identifier, "text": text, "sentences": items, **more}


def write(path: Path, records: Sequence[Mapping[str, Any] | str]) -> Path:
    lines = (one if isinstance(one, str) else json.dumps(one) for one in records)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def read(path: Path, *records: Mapping[str, Any]) -> Any:
    return read_labelled([write(path / "mine.jsonl", records)]).articles


def checked(path: Path, *lines: Mapping[str, Any] | str) -> LabelCheck:
    return check_labelled("mine", read_labelled([write(path / "mine.jsonl", lines)]))


def check(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], env={"COLUMNS": "200"})


# Offsets, labels, lines


def test_a_sound_file_has_no_problem_and_is_counted(tmp_path) -> None:
    other = orvel("orvel/2", "A wholly other text about the mill. Nobody in Vesk minds that it.")
    assert checked(tmp_path, orvel(), "", other) == LabelCheck("mine", 2, 4, 0, ())
    assert checked(tmp_path, orvel(sentences=None)).problems == ()


@pytest.mark.parametrize("where", [(0, 24), (23, 59)])
def test_a_sentence_with_a_space_at_its_end_is_a_problem(tmp_path, where) -> None:
    found = checked(tmp_path, orvel(sentences=[sentence(where)]))
    assert found.problems == (LabelProblem("orvel/1, sentence 0", "begins or ends with a space"),)


@pytest.mark.parametrize("where", [(0, 60), (-1, 5), (5, 5), (9, 4)])
def test_offsets_outside_the_text_or_the_wrong_way_round_are_a_problem(tmp_path, where) -> None:
    found = checked(tmp_path, orvel(sentences=[sentence(where)]), orvel("orvel/2"))
    (problem,) = found.problems
    assert problem.where.endswith("mine.jsonl, line 1")
    assert "'sentences' item 0" in problem.what
    assert found.articles == 1, "the other one is still looked at"


def test_labels_that_contradict_each_other_name_the_sentence(tmp_path) -> None:
    bad = {"unsourced_assertion": 1, "claim": 0}
    found = checked(tmp_path, orvel(sentences=[sentence(LEAKS), sentence(DENIES, bad)]))
    where = "orvel/1, sentence 1"
    assert found.problems == (LabelProblem(where, "an unsourced_assertion has a claim"),)


def test_a_line_that_is_no_record_is_named_and_the_rest_is_looked_at(tmp_path) -> None:
    found = checked(tmp_path, "{broken", "[1]", orvel())
    assert [p.where.rpartition(", ")[2] for p in found.problems] == ["line 1", "line 2"]
    assert all(p.what.startswith("not ") for p in found.problems)
    assert found.articles == 1


def test_an_id_that_two_articles_have_is_a_problem_once(tmp_path) -> None:
    texts = ("It rained in Vesk. It is so.", "The mill stands. It is so.", "Ada left. It is so.")
    found = checked(tmp_path, *(orvel("same", text, sentences=[]) for text in texts))
    assert found.problems == (LabelProblem("same", "two articles have this id"),)


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_a_separator_within_a_text_ends_no_line(tmp_path, separator) -> None:
    given = orvel(text=TEXT.replace(". ", f".{separator}"))
    assert checked(tmp_path, json.dumps(given, ensure_ascii=False)).problems == ()


# Contrast pairs

LEFT, RIGHT = "The Tarn party lied to its voters.", "The Besk party lied to its voters."


def side(text: str, name: str, identifier: str, pair: str = "p1", claim: float = 1) -> dict:
    marked = sentence((0, len(text)), {"claim": claim}, pair=pair, side=name)
    return {"id": identifier, "text": text, "sentences": [marked]}


@pytest.mark.parametrize(
    ("sides", "pairs", "problems"),
    [
        ([side(LEFT, "a", "v/1"), side(RIGHT, "b", "v/2")], 1, []),
        ([side(LEFT, "a", "v/1")], 0, ["has the sides a, and not a and b"]),
        (
            [side(LEFT, "a", "v/1"), side(LEFT, "b", "m/2", claim=0)],
            1,
            [
                "is the same sentence twice",
                "is labelled differently for its two sides",
                "stands in articles that may come into different parts of a split",
            ],
        ),
        (
            [side(LEFT, "a", "v/1"), side(RIGHT, "b", "v/2", "p2")],
            0,
            ["has the sides a, and not a and b", "has the sides b, and not a and b"],
        ),
    ],
)
def test_contrast_pairs_are_counted_and_their_flaws_named(tmp_path, sides, pairs, problems) -> None:
    found = checked(tmp_path, *sides)
    assert found.pairs == pairs
    assert [one.what for one in found.problems if one.kind == "pair"] == problems


# Duplicates and benchmarks

LONG = "The keeper of the dam at Orvel said on Monday that no water had leaked since May."
OTHER = "A choir of forty children sang at the opening of the new station in Vesk last week."


@pytest.mark.parametrize(("changed", "alike"), [(0, True), (8, True), (30, False)])
def test_articles_that_are_nearly_the_same_are_a_problem(tmp_path, changed, alike) -> None:
    words = [f"word{n}" for n in range(40)]
    other = [f"other{n}" for n in range(changed)] + words[changed:]
    rows = [{"id": "a", "text": " ".join(words)}, {"id": "b", "text": " ".join(other)}]
    expected = (LabelProblem("a", "is nearly the same as b"),) if alike else ()
    assert checked(tmp_path, *rows).problems == expected
    assert 0 < MOST_ALIKE < 1


def test_a_sentence_twice_with_other_labels_is_named_and_with_the_same_is_not(tmp_path) -> None:
    found = read(
        tmp_path,
        record("a", (LONG, {"claim": 1, "quoted": 0})),
        record("b", (OTHER, {"claim": 1}), (LONG.replace("Monday", "monday"), {"claim": 0})),
        record("c", (OTHER, {"claim": 1})),
    )
    (one,) = labelled_otherwise(found)
    assert one.where == "a, sentence 0"
    assert one.what == "is nearly b, sentence 1, and labelled otherwise: claim 1 and 0"


def test_two_annotators_of_one_article_are_no_duplicate(tmp_path) -> None:
    both = [record("a", (LONG, {"claim": n}), annotator=who) for n, who in enumerate(("Ada", "Bo"))]
    assert checked(tmp_path, *both).problems == ()
    (problem,) = checked(tmp_path, both[0], both[0]).problems
    assert problem.what == "annotator 'Ada' has labelled this article twice"


def test_what_bundles_are_judged_by_is_named(tmp_path) -> None:
    parts = {"house/x": "test", "house/y": "unseen_outlet"}
    benchmarks = Benchmarks((LONG, OTHER), ("house/x", "house/y"), parts)
    whole = record("a", (LONG, {}))
    part = record("b", *((f"Line {n} is new here.", {}) for n in range(9)), (OTHER, {}))
    found = list(in_benchmarks(read(tmp_path, whole, part), benchmarks))
    assert [(one.where, one.what) for one in found] == [
        ("a", "is nearly the same as house/x, which bundles are judged by (test)"),
        (
            "b",
            "nearly the same as one that bundles are judged by: "
            "sentence 9 (house/y, unseen_outlet)",
        ),
    ]


def test_articles_of_the_house_corpus_that_are_kept_back_are_found(tmp_path) -> None:
    pytest.importorskip("datasets")
    given = house("sports")
    mine = [{"id": f"mine/{one['id']}", "text": one["text"]} for one in given]
    done = check(write(tmp_path / "mine.jsonl", mine), "--errors", "0", "--format", "json")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)["files"]
    named = [p for p in found["problems"] if p["kind"] == "benchmark"]
    assert 0 < len(named) < len(given), "what models may learn from is no benchmark"
    for one in named:
        own = one["where"].removeprefix("mine/")
        assert one["what"].startswith(f"is nearly the same as house/{own}, which bundles are")
    assert found["not_looked_at"] == [
        "benchmarks of the public corpora: name their folder with --corpora DIR"
    ]


# Balance


def test_the_balance_says_what_labels_are_too_few_for(tmp_path) -> None:
    def labels(n: int, positive: int, articles: int, signal: str) -> Iterator[dict[str, Any]]:
        for article in range(articles):
            places = range(article, n, articles)
            rows = [(f"{signal} {row}.", {signal: row < positive}) for row in places]
            yield record(f"{signal}/{article}", *rows)

    found = read(
        tmp_path,
        *labels(200, 100, 20, "claim"),
        *labels(200, 30, 20, "quoted"),
        *labels(200, 190, 20, "reported"),
        *labels(200, 100, 2, "doubt"),
        record("soft", ("A.", {"subjective": 0.67}), ("B.", {"subjective": 0.33})),
    )
    rows = {row.signal: row for row in class_balance(found)}
    assert list(rows) == ["claim", "quoted", "reported", "subjective", "doubt"]
    assert rows["claim"].lacks == ""
    assert rows["quoted"].lacks.startswith("enough to calibrate, too few to train: 30")
    assert rows["reported"].lacks.startswith("too few to train or calibrate: 10 'no', 50 needed")
    assert rows["doubt"].lacks.startswith("from too few articles: 2")
    assert (rows["subjective"].soft, rows["subjective"].positives) == (2, 1)
    claim = rows["claim"]
    assert (claim.labels, claim.articles, claim.with_positives) == (200, 20, 20)


# Likely errors


def house(*names: str) -> list[dict[str, Any]]:
    paths = [HOUSE / "articles" / f"{name}.jsonl" for name in names]
    paths = paths or sorted((HOUSE / "articles").glob("*.jsonl"))
    lines = (line for path in paths for line in path.read_text(encoding="utf-8").split("\n"))
    return [json.loads(line) for line in lines if line]


def flipped(
    records: Sequence[dict[str, Any]], seed: int
) -> tuple[list[dict[str, Any]], set[tuple[str, int, str]]]:
    """Turn a twentieth of the labels of sentences round, and tell which."""
    draw, turned = np.random.default_rng(seed), set()
    made = json.loads(json.dumps(records))
    for one in made:
        for number, item in enumerate(one["sentences"]):
            for signal, label in item["labels"].items():
                if draw.random() < 0.05:
                    item["labels"][signal] = 1 - label
                    turned.add((one["id"], number, signal))
    return made, turned


def test_planted_errors_are_found_with_their_sentence_and_why(tmp_path) -> None:
    made, turned = flipped(house("wire_report", "op_ed"), seed=1)
    found = find_errors(read(tmp_path, *made), load("baseline"))
    right = [(one.article, one.sentence, one.signal) in turned for one in found.found]
    assert len(right) >= 25
    assert np.mean(right) > 5 * len(turned) / found.labels
    assert np.mean(right[:20]) >= 0.8, "the surest first"
    one = found.found[0]
    text = next(r for r in made if r["id"] == one.article)
    place = text["sentences"][one.sentence]
    assert text["text"][place["start"] : place["end"]] == one.text
    assert place["labels"][one.signal] == one.given
    assert abs(one.given - one.chance) > 1 - MOST_LIKELY
    assert f"labelled {one.given}, and its chance of 1 is {one.chance:.2f}" in one.why


def test_what_was_looked_at_again_and_is_right_is_not_named(tmp_path) -> None:
    records, _ = flipped(house("op_ed"), seed=1)
    bundle = load("baseline")
    before = find_errors(read(tmp_path, *records), bundle).found
    assert before
    for one in before:
        item = next(r for r in records if r["id"] == one.article)["sentences"][one.sentence]
        item["confirmed"] = True if one.sentence % 2 else [b.signal for b in before]
    assert find_errors(read(tmp_path, *records), bundle).found == ()


def test_doubts_are_not_looked_at(tmp_path) -> None:
    records = house("op_ed")
    for one in records:
        for item in one["sentences"]:
            item["labels"] = {"claim": 0.67 if item["labels"].get("claim") else 0.33}
    found = find_errors(read(tmp_path, *records), load("baseline"))
    assert (found.found, found.labels) == ((), 0)
    assert found.unread == ("likely errors of claim: fewer than 10 labels of an answer",)


def test_with_a_bundle_named_its_own_probabilities_are_compared_with_labels(tmp_path) -> None:
    made, turned = flipped(house("wire_report"), seed=2)
    one = find_errors(read(tmp_path, *made), load("baseline"), own=True).found[0]
    assert (one.article, one.sentence, one.signal) in turned


# Stand-off labels


@pytest.fixture
def labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A record of stand-off labels on the text above, and a collection that holds it."""
    collection = standoff.TextCollection(
        lambda root: root / "ptc", lambda root: iter([("7", TEXT)]), "https://ptc.example"
    )
    monkeypatch.setattr(standoff, "TEXTS", {"ptc": collection})
    for module in (standoff, checking):
        monkeypatch.setattr(module, "labels_file", lambda: tmp_path / "labels.jsonl")
    (tmp_path / "ptc").mkdir()
    sentences = [
        sentence(where, {"claim": 1}, digest=standoff.digest(TEXT[slice(*where)])[:16])
        for where in (LEAKS, DENIES)
    ]
    named = {"collection": "ptc", "article": "7", "digest": standoff.digest(TEXT)}
    return {**named, "sentences": sentences}


def stand_off(root: Path | None, *records: dict[str, Any]) -> LabelCheck:
    write(standoff.labels_file(), records)
    return check_standoff(root)


def test_stand_off_labels_are_compared_with_the_texts_that_are_here(tmp_path, labelled) -> None:
    assert stand_off(tmp_path, labelled) == LabelCheck("stand-off", 1, 2, 0, ())
    labelled["sentences"][1]["digest"] = "0" * 16
    labelled["sentences"][0]["end"] -= 1  # an offset that slipped is seen by the digest too
    what = "the digest is of another sentence"
    assert [(p.where, p.what) for p in stand_off(tmp_path, labelled).problems] == [
        ("ptc/7, sentence 0", what),
        ("ptc/7, sentence 1", what),
    ]
    with pytest.raises(CorpusError, match="another text than article '7'"):
        stand_off(tmp_path, {**labelled, "digest": "0" * 64})


def test_without_the_texts_labels_alone_are_checked_and_that_is_said(labelled) -> None:
    labelled["sentences"][1]["labels"] = {"unsourced_assertion": 1, "claim": 0}
    found = stand_off(None, labelled)
    assert found.unread == ("ptc: 1 articles without their text",)
    where = "ptc/7, sentence 1"
    assert found.problems == (LabelProblem(where, "an unsourced_assertion has a claim"),)
    assert (found.articles, found.sentences) == (1, 2)


# What ships


@pytest.mark.slow
def test_what_ships_has_no_problem_and_is_enough() -> None:
    done = check("--format", "json")
    assert done.exit_code == 0, done.output
    written, stand_off = json.loads(done.stdout)["files"]
    assert written["problems"] == stand_off["problems"] == []
    assert written["articles"] == len(house()) >= 200
    assert written["sentences"] >= 3_000
    assert written["pairs"] >= 100
    assert stand_off["articles"] >= 200
    assert stand_off["sentences"] >= 4_000
    assert any(one.startswith("polnear: ") for one in stand_off["not_looked_at"])


# The command


def test_findings_are_listed_as_json_and_end_with_status_1(tmp_path) -> None:
    path = write(tmp_path / "mine.jsonl", flipped(house("op_ed"), seed=1)[0])
    done = check(path, "--model", "baseline", "--errors", "3", "--format", "json")
    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["files"]
    assert found["name"] == str(path)
    errors = found["likely_errors"]
    assert errors["found"] > len(errors["shown"]) == 3
    keys = {"article", "sentence", "text", "signal", "given", "chance", "why"}
    assert keys <= errors["shown"][0].keys()
    assert {p["kind"] for p in found["problems"]} >= {"contradiction", "benchmark"}
    assert found["balance"][0]["signal"] == "content"


def test_a_clean_file_ends_with_status_0(tmp_path) -> None:
    path = write(tmp_path / "mine.jsonl", [record("a", (LONG, {"claim": 1}))])
    done = check(path, "--errors", "0")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1 article, 1 sentence; 0 problems" in done.stdout
    assert "too few to train or calibrate: 0 'no', 50 needed" in done.stdout


def test_every_fault_is_shown_and_not_the_first_alone(tmp_path) -> None:
    bad = record("a", ("It rains.", {"clam": 1, "clain": 1})) | {"title": 3}
    path = write(tmp_path / "mine.jsonl", [bad, record("b", ("It snows.", {"quotes": 1}))])
    done = check(path, "--errors", "0")
    assert done.exit_code == 1
    assert done.stdout.count("mine.jsonl, line 1: ") == 3
    assert done.stdout.count("mine.jsonl, line 2: ") == 1
    assert done.stderr.strip() == "framescope: 4 findings, listed above"


def test_likely_errors_are_of_files() -> None:
    for options in (["--errors", "5"], ["--model", "baseline"]):
        assert isinstance(check(*options).exception, InputError)


def test_without_cleanlab_the_rest_is_checked_and_that_is_said(tmp_path, monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(classifier.errors, "import_module", missing)
    path = write(tmp_path / "mine.jsonl", [record("a", (LONG, {"claim": 1}))])
    done = check(path)
    assert done.exit_code == 0
    assert "likely errors: looking for likely label errors needs cleanlab" in done.stdout
    assert "type: pip install" in str(check(path, "--errors", "3").exception)


# Agreement of files


def agreed(*paths: Path) -> Any:
    return CliRunner().invoke(app, ["agreement", *map(str, paths), "--format", "json"])


def test_records_of_several_annotators_in_one_file_are_compared(tmp_path) -> None:
    given = [
        record("a", ("It rains.", {"claim": n != 1}), ("So.", {"claim": 0}), annotator=who)
        for n, who in enumerate(("Ada", "Bo", "Cy"))
    ]
    found = json.loads(agreed(write(tmp_path / "all.jsonl", given)).stdout)
    assert found["annotators"] == ["Ada", "Bo", "Cy"]
    (claim,) = found["signals"]
    assert (claim["signal"], claim["sentences"], claim["positive"]) == ("claim", 2, [1, 0, 1])
    assert claim["alpha"] == pytest.approx(1 - (2 * 2 * 1 / 2 / 6) / (2 * 2 * 4 / 30))


def test_labels_of_whole_articles_are_compared_too(tmp_path) -> None:
    paths = []
    for who, labels in (("ada", "0110"), ("bo", "0100")):
        records = [
            {"id": str(n), "text": LONG, "labels": {"hyperpartisan": int(label)}}
            for n, label in enumerate(labels)
        ]
        paths.append(write(tmp_path / f"{who}.jsonl", records))
    (one,) = json.loads(agreed(*paths).stdout)["signals"]
    assert (one["signal"], one["sentences"], one["positive"]) == ("hyperpartisan", 4, [2, 1])
