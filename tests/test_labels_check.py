"""`framescope labels check`: what is there twice, balance, likely errors, and how it ends."""

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
from framescope.training.corpora.corpus import HOUSE
from framescope.training.labels.balance import class_balance
from framescope.training.labels.labelled import read_labelled
from framescope.training.labels.repeats import Benchmarks, in_benchmarks, labelled_otherwise
from framescope.training.labels.suspects import MOST_LIKELY, find_suspects
from typer.testing import CliRunner


@pytest.fixture(autouse=True)
def _without_public_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)


def record(identifier: str, *sentences: tuple[str, Mapping[str, float]], **more: Any) -> dict:
    items, text = [], ""
    for words, labels in sentences:
        text += " " if text else ""
        items.append({"start": len(text), "end": len(text) + len(words), "labels": dict(labels)})
        text += words
    return {"id": identifier, "text": text, "sentences": items, **more}


def write(path: Path, records: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def read(path: Path, *records: Mapping[str, Any]) -> Any:
    return read_labelled([write(path / "mine.jsonl", records)]).articles


def check(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], env={"COLUMNS": "200"})


# Twice

LONG = "The keeper of the dam at Orvel said on Monday that no water had leaked since May."
OTHER = "A choir of forty children sang at the opening of the new station in Vesk last week."


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
    path = write(
        tmp_path / "two.jsonl",
        [record("a", (LONG, {"claim": n}), annotator=who) for n, who in enumerate(("Ada", "Bo"))],
    )
    done = check(path, "--no-errors")
    assert done.exit_code == 0, done.output
    done = check(write(path, [record("a", (LONG, {}), annotator="Ada")] * 2), "--no-errors")
    assert done.exit_code == 1
    assert "annotator 'Ada' has labelled this article twice" in done.output


def test_what_bundles_are_judged_by_is_named(tmp_path) -> None:
    benchmarks = Benchmarks(
        (LONG, OTHER),
        ("house/x", "house/y"),
        {"house/x": "test", "house/y": "unseen_outlet"},
        (),
        (),
    )
    whole, part = (
        record("a", (LONG, {})),
        record("b", *((f"Line {n} is new here.", {}) for n in range(9)), (OTHER, {})),
    )
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
    given = house(("sports",))
    mine = [{"id": f"mine/{one['id']}", "text": one["text"]} for one in given]
    done = check(write(tmp_path / "mine.jsonl", mine), "--no-errors", "--json")
    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)["files"]
    named = [p for p in found["problems"] if p["kind"] == "benchmark"]
    assert 0 < len(named) < len(given), "what models may learn from is no benchmark"
    for one in named:
        own = one["where"].removeprefix("mine/")
        assert one["what"].startswith(
            f"is nearly the same as house/{own}, which bundles are judged"
        )
    assert found["not_looked_at"] == [
        "benchmarks of the public corpora: name their folder with --corpora DIR"
    ]


# Balance


def test_the_balance_says_what_labels_are_too_few_for(tmp_path) -> None:
    def labels(n: int, positive: int, articles: int, signal: str) -> Iterator[dict[str, Any]]:
        for article in range(articles):
            rows = [
                (f"{signal} {row}.", {signal: row < positive})
                for row in range(article, n, articles)
            ]
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
    assert (rows["claim"].labels, rows["claim"].articles, rows["claim"].with_positives) == (
        200,
        20,
        20,
    )


# Likely errors


def house(names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for name in names
        for line in (HOUSE / "articles" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
        if line
    ]


def flipped(
    records: Sequence[dict[str, Any]], share: float, seed: int
) -> tuple[list[dict[str, Any]], set[tuple[str, int, str]]]:
    """Turn a share of the labels of sentences round, and tell which."""
    draw, turned = np.random.default_rng(seed), set()
    made = json.loads(json.dumps(records))
    for one in made:
        for number, item in enumerate(one["sentences"]):
            for signal, label in item["labels"].items():
                if draw.random() < share:
                    item["labels"][signal] = 1 - label
                    turned.add((one["id"], number, signal))
    return made, turned


def test_planted_errors_are_found_with_their_sentence_and_why(tmp_path) -> None:
    records = house(("wire_report", "op_ed"))
    made, turned = flipped(records, 0.05, seed=1)
    found = find_suspects(read(tmp_path, *made), load("baseline"))
    right = [(one.article, one.sentence, one.signal) in turned for one in found.found]
    assert len(right) >= 25
    base = len(turned) / found.labels
    assert np.mean(right) > 5 * base
    assert np.mean(right[:20]) >= 0.8, "the surest first"
    one = found.found[0]
    text = next(r for r in made if r["id"] == one.article)
    place = text["sentences"][one.sentence]
    assert text["text"][place["start"] : place["end"]] == one.text
    assert place["labels"][one.signal] == one.given
    assert abs(one.given - one.chance) > 1 - MOST_LIKELY
    assert f"labelled {one.given}, and its chance of 1 is {one.chance:.2f}" in one.why


@pytest.mark.slow
def test_of_a_twentieth_turned_round_in_the_house_corpus_most_named_are_those(tmp_path) -> None:
    names = [path.stem for path in sorted((HOUSE / "articles").glob("*.jsonl"))]
    made, turned = flipped(house(names), 0.05, seed=0)
    found = find_suspects(read(tmp_path, *made), load("transformer"))
    right = [(one.article, one.sentence, one.signal) in turned for one in found.found]
    assert np.mean(right) >= 0.85
    assert sum(right) >= 0.6 * len(turned)
    assert np.mean(right[:100]) >= 0.95


def test_what_was_looked_at_again_and_is_right_is_not_named(tmp_path) -> None:
    records, _ = flipped(house(("op_ed",)), 0.05, seed=1)
    bundle = load("baseline")
    before = find_suspects(read(tmp_path, *records), bundle).found
    assert before
    for one in before:
        item = next(r for r in records if r["id"] == one.article)["sentences"][one.sentence]
        item["confirmed"] = True if one.sentence % 2 else [b.signal for b in before]
    assert find_suspects(read(tmp_path, *records), bundle).found == ()


def test_doubts_are_not_looked_at(tmp_path) -> None:
    records = house(("op_ed",))
    for one in records:
        for item in one["sentences"]:
            item["labels"] = {"claim": 0.67 if item["labels"].get("claim") else 0.33}
    found = find_suspects(read(tmp_path, *records), load("baseline"))
    assert (found.found, found.labels) == ((), 0)
    assert found.unread == ("likely errors of claim: fewer than 10 labels of an answer",)


def test_with_a_bundle_named_its_own_probabilities_are_held_against_labels(tmp_path) -> None:
    made, turned = flipped(house(("wire_report",)), 0.05, seed=2)
    bundle = load("baseline")
    found = find_suspects(read(tmp_path, *made), bundle, own=True)
    assert found.found
    one = found.found[0]
    assert (one.article, one.sentence, one.signal) in turned


# The command


def test_findings_are_listed_as_json_and_end_with_status_1(tmp_path) -> None:
    made, _ = flipped(house(("op_ed",)), 0.05, seed=1)
    path = write(tmp_path / "mine.jsonl", made)
    done = check(path, "--model", "baseline", "--errors", "3", "--format", "json")
    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["files"]
    assert found["name"] == str(path)
    assert found["likely_errors"]["found"] > len(found["likely_errors"]["shown"]) == 3
    assert {"article", "sentence", "text", "signal", "given", "chance", "why"} <= found[
        "likely_errors"
    ]["shown"][0].keys()
    assert {p["kind"] for p in found["problems"]} >= {"contradiction", "benchmark"}
    assert found["balance"][0]["signal"] == "content"


def test_a_clean_file_ends_with_status_0(tmp_path) -> None:
    done = check(write(tmp_path / "mine.jsonl", [record("a", (LONG, {"claim": 1}))]), "--no-errors")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "too few to train or calibrate: 0 'no', 50 needed" in done.stdout


def test_every_fault_is_shown_and_not_the_first_alone(tmp_path) -> None:
    bad = record("a", ("It rains.", {"clam": 1, "clain": 1})) | {"title": 3}
    path = write(tmp_path / "mine.jsonl", [bad, record("b", ("It snows.", {"quotes": 1}))])
    done = check(path, "--no-errors")
    assert done.exit_code == 1
    assert done.stdout.count("mine.jsonl, line 1: ") == 3
    assert done.stdout.count("mine.jsonl, line 2: ") == 1


@pytest.mark.parametrize("options", [["--errors", "5"], ["--model", "baseline"]])
def test_options_that_contradict_each_other_are_refused(tmp_path, options) -> None:
    path = write(tmp_path / "mine.jsonl", [record("a", (LONG, {}))])
    assert isinstance(check(path, "--no-errors", *options).exception, InputError)
    assert isinstance(check(*options).exception, InputError)


def test_a_file_that_is_not_there_is_one_line(tmp_path) -> None:
    error = check(tmp_path / "none.jsonl").exception
    assert isinstance(error, InputError)
    assert str(error).endswith(
        "none.jsonl: can't be read (No such file or directory); give a JSONL file"
    )


def test_without_cleanlab_the_rest_is_checked_and_that_is_said(tmp_path, monkeypatch) -> None:
    import framescope.classifier.errors  # noqa: F401

    from framescope import classifier

    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(classifier.errors, "import_module", missing)
    path = write(tmp_path / "mine.jsonl", [record("a", (LONG, {"claim": 1}))])
    done = check(path)
    assert done.exit_code == 0
    assert (
        "not looked at: likely errors: looking for likely label errors needs cleanlab"
        in done.stdout
    )
    assert "type: pip install" in str(check(path, "--errors", "3").exception)


# Agreement of files


def test_records_of_several_annotators_in_one_file_are_compared(tmp_path) -> None:
    given = [
        record("a", ("It rains.", {"claim": n != 1}), ("So.", {"claim": 0}), annotator=who)
        for n, who in enumerate(("Ada", "Bo", "Cy"))
    ]
    path = write(tmp_path / "all.jsonl", given)
    done = CliRunner().invoke(app, ["agreement", str(path), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
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
        paths.append(str(write(tmp_path / f"{who}.jsonl", records)))
    done = CliRunner().invoke(app, ["agreement", *paths, "--json"])
    (one,) = json.loads(done.stdout)["signals"]
    assert (one["signal"], one["sentences"], one["positive"]) == ("hyperpartisan", 4, [2, 1])


def test_annotators_without_a_signal_in_common_are_one_line(tmp_path) -> None:
    paths = [
        write(tmp_path / f"{who}.jsonl", [record("a", ("It rains.", {signal: 1}))])
        for who, signal in (("ada", "claim"), ("bo", "quoted"))
    ]
    error = CliRunner().invoke(app, ["agreement", *map(str, paths)]).exception
    assert isinstance(error, CorpusError)
    assert "no signal in common" in str(error)


def test_agreement_of_one_annotator_is_one_line(tmp_path) -> None:
    path = write(tmp_path / "one.jsonl", [record("a", ("It rains.", {"claim": 1}))])
    error = CliRunner().invoke(app, ["agreement", str(path)]).exception
    assert isinstance(error, CorpusError)
    assert "\n" not in str(error)
