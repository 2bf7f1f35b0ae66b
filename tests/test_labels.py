"""Labelled files as they are read to be mended, and `framescope labels check`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framescope.classifier import bundles
from framescope.classifier.bundles import load
from framescope.classifier.errors import CorpusError, InputError
from framescope.classifier.records import Article
from framescope.training.commands.labelled import labels_app as app
from framescope.training.corpora.articles import HOUSE
from framescope.training.data import examples_of_articles
from framescope.training.labels import checking, find_errors, read_annotators, read_labelled
from framescope.training.labels.checking import (
    Benchmarks,
    LabelCheck,
    chance_of_error,
    check_labelled,
)
from framescope.training.labels.reading import check_record
from labelled import record, written
from typer.testing import CliRunner

TEXT = "The dam of Orvel leaks. Its keeper, Ada Quill, denies that."
LEAKS, DENIES = (0, 23), (24, 59)
LONG = "The keeper of the dam at Orvel said on Monday that no water had leaked since May."
OTHER = "A choir of forty children sang at the opening of the new station in Vesk last week."


@pytest.fixture(autouse=True)
def _without_public_corpora(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FRAMESCOPE_CORPORA", raising=False)


def sentence(where: tuple[int, int], labels: Mapping[str, float] = {}, **more: Any) -> dict:
    return {"start": where[0], "end": where[1], "labels": dict(labels), **more}


def orvel(identifier: str = "orvel/1", text: str = TEXT, **more: Any) -> dict[str, Any]:
    sentences = [sentence(LEAKS, {"claim": 1}), sentence(DENIES, {"named_source": 1})]
    return {"id": identifier, "text": text, "sentences": sentences, **more}


def read(path: Path, *records: Mapping[str, Any]) -> Any:
    return read_labelled([written(path / "mine.jsonl", *records)]).articles


def checked(path: Path, *lines: Mapping[str, Any] | str) -> LabelCheck:
    return check_labelled("mine", read_labelled([written(path / "mine.jsonl", *lines)]))


def check(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["check", *map(str, arguments)], env={"COLUMNS": "200"})


def faults(one: Mapping[str, Any]) -> list[str]:
    return check_record(one, "mine.jsonl, line 3")[1]


def test_every_fault_of_a_record_is_named_with_its_place() -> None:
    cited = {"source": None, "cue": None, "content": [{"start": 0, "end": 99}]}
    sentences = [
        sentence(LEAKS, {"clam": 1, "claim": 2, "quoted": 1}),
        sentence((24, 60)),
        sentence(DENIES, voice="loud", citations=[cited]),
        "no object",
    ]
    spans = [{"start": 0, "end": 3, "signal": name} for name in ("doubt", "dubt")]
    found = faults(orvel(outlet=7, sentences=sentences, spans=spans, labels={"hyperpartizan": 1}))
    for part in (
        "'outlet' must be text",
        "'sentences' item 0: unknown signal 'clam'",
        "'sentences' item 0: label 'claim' must be 0 to 1",
        "'sentences' item 1 24-60 is not inside the text",
        "'sentences' item 2: 'voice' must be",
        "'sentences' item 2, citation 0",
        "'sentences' item 3 must be an object",
        "'spans' item 1: unknown signal 'dubt'",
        "hyperpartizan",
    ):
        assert sum(part in one for one in found) == 1, (part, found)
    assert len(found) == 9
    assert not any("\n" in one for one in found)


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"sentences": [sentence((0, 3)), sentence(LEAKS)]}, "'sentences' item 1 0-23 begins befo"),
        ({"annotator": " "}, "'annotator' must be a name, as text"),
        ({"annotator": ["Ada"]}, "'annotator' must be a name, as text"),
        ({"text": None}, "no 'text'"),
        ({"text": "half \ud800"}, "'text' holds half a character"),
    ],
)
def test_a_fault_is_said_once(changes, start) -> None:
    (found,) = faults(orvel(**changes))
    assert found.startswith(start)


@pytest.mark.parametrize(("kind", "problems"), [("person", 0), ("people", 1)])
def test_only_a_person_has_a_gender(tmp_path, kind, problems) -> None:
    cited = {"content": [{"start": 24, "end": 30}], "speaker": {"type": kind, "gender": "f"}}
    one = orvel(sentences=[sentence(DENIES, citations=[cited])])
    assert len(checked(tmp_path, one).problems) == problems


WIDE = "😀 The dam leaks. 𝔄da denies that 🙂 wholly."


@pytest.mark.parametrize(
    ("encoding", "width", "name"), [("utf-16-le", 2, "UTF-16"), ("utf-8", 1, "bytes of UTF-8")]
)
def test_offsets_that_count_something_else_are_told(encoding, width, name) -> None:
    def at(place: int) -> int:
        return len(WIDE[:place].encode(encoding)) // width

    end = WIDE.index(".") + 1
    sentences = [sentence((0, at(end))), sentence((at(end + 1), at(len(WIDE))))]
    found = faults({"id": "a", "text": WIDE, "sentences": sentences})
    assert sum(f"count {name}" in one and "code points" in one for one in found) == 1


@pytest.mark.parametrize("content", ["\n\n", "an article\n", "[1, 2]\n"])
def test_a_file_without_any_record_is_refused(tmp_path, content) -> None:
    (tmp_path / "mine.jsonl").write_text(content)
    with pytest.raises(InputError, match=r"mine\.jsonl: can't be read: no line is a record") as one:
        read_labelled([tmp_path / "mine.jsonl"])
    assert "\n" not in str(one.value)


def test_an_annotator_is_named_by_the_record_and_else_by_the_file(tmp_path) -> None:
    mixed = written(tmp_path / "mix.jsonl", orvel(annotator="Ada"), orvel(annotator="Bo"), orvel())
    other = written(tmp_path / "cy.jsonl", orvel())
    assert list(read_annotators([mixed, other])) == ["Ada", "Bo", "mix", "cy"]
    (tmp_path / "two").mkdir()
    paths = [other, written(tmp_path / "two" / "cy.jsonl", orvel())]
    assert list(read_annotators(paths)) == list(map(str, paths))


AGAIN = orvel("orvel/2", annotator="a"), orvel(annotator="a")
BEFORE = r"line 2: annotator 'a' has labelled 'orvel/1' before, in .*a\.jsonl, line 1"


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (("{broken",), "line 1: not JSON"),
        (({"id": "a"},), "line 1: is no article"),
        ((orvel(sentences=[sentence(LEAKS, {"clam": 1})]),), "line 1: .*clam"),
        (AGAIN, BEFORE),
    ],
)
def test_files_that_are_none_of_annotators(tmp_path, second, reason) -> None:
    paths = written(tmp_path / "a.jsonl", orvel()), written(tmp_path / "b.jsonl", *second)
    with pytest.raises((CorpusError, InputError), match=rf"b\.jsonl, {reason}") as error:
        read_annotators(paths)
    assert "\n" not in str(error.value)


def test_one_annotator_alone_and_one_file_twice_are_refused(tmp_path) -> None:
    path = written(tmp_path / "a.jsonl", orvel())
    with pytest.raises(CorpusError, match="all labels are by one annotator, 'a'"):
        read_annotators([path])
    with pytest.raises(CorpusError, match="given twice"):
        read_annotators([path, tmp_path / "." / "a.jsonl"])


def test_a_sound_file_has_no_problem_and_is_counted(tmp_path) -> None:
    other = orvel("orvel/2", "A wholly other text about the mill. Nobody in Vesk minds that it.")
    assert checked(tmp_path, orvel(), "", other) == LabelCheck("mine", 2, 4, 0, ())
    assert checked(tmp_path, orvel(sentences=None)).problems == ()
    separated = json.dumps(orvel(text=TEXT.replace(". ", ".\u2028")), ensure_ascii=False)
    assert checked(tmp_path, separated).problems == ()


BAD = {"unsourced_assertion": 1, "claim": 0}
TWICE = [orvel("x", f"{n} It is so, {n * 'really '}so.", sentences=[]) for n in range(3)]
ADA, BO = orvel(annotator="Ada"), orvel(annotator="Bo")
ALIKE = [{"id": "a", "text": LONG}, {"id": "b", "text": LONG.replace("May", "June")}]


@pytest.mark.parametrize(
    ("lines", "where", "what"),
    [
        ([orvel(sentences=[sentence((23, 59))])], "orvel/1, sentence 0", "begins or ends with"),
        ([orvel(sentences=[sentence(DENIES, BAD)])], "orvel/1, sentence 0", "an unsourced_asserti"),
        (TWICE, "x", "two articles have this id"),
        ([ADA, ADA, BO], "orvel/1", "annotator 'Ada' has labelled this article twice"),
        (ALIKE, "a", "is nearly the same as b"),
    ],
)
def test_a_problem_names_its_article_and_sentence(tmp_path, lines, where, what) -> None:
    (problem,) = checked(tmp_path, *lines).problems
    assert problem.where == where
    assert problem.what.startswith(what)


LEFT, RIGHT = "The Tarn party lied to its voters.", "The Besk party lied to its voters."


def side(text: str, name: str, identifier: str, pair: str = "p1", claim: float = 1) -> dict:
    marked = sentence((0, len(text)), {"claim": claim}, pair=pair, side=name)
    return {"id": identifier, "text": text, "sentences": [marked]}


FLAWS = [
    "is the same sentence twice",
    "is labelled differently for its two sides",
    "stands in articles that may come into different parts of a split",
]


@pytest.mark.parametrize(
    ("sides", "pairs", "problems"),
    [
        ([side(LEFT, "a", "v/1"), side(RIGHT, "b", "v/2")], 1, []),
        ([side(LEFT, "a", "v/1")], 0, ["has the sides a, and not a and b"]),
        ([side(LEFT, "a", "v/1"), side(LEFT, "b", "m/2", claim=0)], 1, FLAWS),
    ],
)
def test_contrast_pairs_are_counted_and_their_flaws_named(tmp_path, sides, pairs, problems) -> None:
    found = checked(tmp_path, *sides)
    assert found.pairs == pairs
    assert [one.what for one in found.problems if one.kind == "pair"] == problems


def test_a_sentence_twice_with_other_labels_is_named_and_with_the_same_is_not(tmp_path) -> None:
    found = read(
        tmp_path,
        record("a", (LONG, {"claim": 1, "quoted": 0})),
        record("b", (OTHER, {"claim": 1}), (LONG.replace("Monday", "monday"), {"claim": 0})),
        record("c", (OTHER, {"claim": 1})),
    )
    (one,) = checking.labelled_otherwise(found)
    assert one.where == "a, sentence 0"
    assert one.what == "is nearly b, sentence 1, and labelled otherwise: claim 1 and 0"


def test_what_bundles_are_judged_by_is_named(tmp_path) -> None:
    rows = examples_of_articles("house", [Article("x", LONG), Article("y", OTHER)])
    benchmarks = Benchmarks(replace(rows, part=np.array(["test", "unseen_outlet"])))
    part = record("b", *((f"Line {n} is new here.", {}) for n in range(9)), (OTHER, {}))
    found = list(checking.in_benchmarks(read(tmp_path, record("a", (LONG, {})), part), benchmarks))
    judged = "which bundles are judged by (test)"
    same = "nearly the same as one that bundles are judged by: sentence 9 (house/y, unseen_outlet)"
    assert [(one.where, one.what) for one in found] == [
        ("a", f"is nearly the same as house/x, {judged}"),
        ("b", same),
    ]


def test_the_balance_says_what_labels_are_too_few_for(tmp_path) -> None:
    def labels(signal: str, positive: int, articles: int) -> Iterator[dict[str, Any]]:
        for article in range(articles):
            places = range(article, 200, articles)
            rows = [(f"{signal} {row}.", {signal: row < positive}) for row in places]
            yield record(f"{signal}/{article}", *rows)

    found = read(
        tmp_path,
        *labels("claim", 100, 20),
        *labels("quoted", 30, 20),
        *labels("reported", 190, 20),
        *labels("doubt", 100, 2),
        record("soft", ("A.", {"subjective": 0.67}), ("B.", {"subjective": 0.33})),
    )
    rows = {row.signal: row for row in checking.class_balance(found)}
    assert list(rows) == ["claim", "quoted", "reported", "subjective", "doubt"]
    assert rows["claim"].lacks == ""
    assert rows["quoted"].lacks.startswith("enough for a head, few to fine-tune: 30")
    assert rows["reported"].lacks.startswith("too few for a head or to calibrate: 10 'no', 20")
    assert rows["doubt"].lacks.startswith("from too few articles: 2")
    assert (rows["subjective"].soft, rows["subjective"].positives) == (2, 1)
    claim = rows["claim"]
    assert (claim.labels, claim.articles, claim.with_positives) == (200, 20, 20)


SIGNALS = ("content", "claim", "quoted", "attributed", "biased_language")


def house(name: str) -> list[dict[str, Any]]:
    """Articles of the house corpus, with some of their labels."""
    lines = (HOUSE / "articles" / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    articles = [json.loads(line) for line in lines if line]
    for item in (item for one in articles for item in one["sentences"]):
        item["labels"] = {s: item["labels"][s] for s in SIGNALS if s in item["labels"]}
    return articles


def flipped(
    records: Sequence[dict[str, Any]], seed: int
) -> tuple[list[dict[str, Any]], set[tuple[str, int, str]]]:
    """Turn a twentieth of the labels of sentences round, and tell which."""
    draw, turned = np.random.default_rng(seed), set()
    for one in records:
        for number, item in enumerate(one["sentences"]):
            for signal, label in item["labels"].items():
                if draw.random() < 0.05:
                    item["labels"][signal] = 1 - label
                    turned.add((one["id"], number, signal))
    return list(records), turned


def test_planted_errors_are_found_and_confirmed_labels_are_not(tmp_path) -> None:
    made, turned = flipped(house("op_ed"), seed=1)
    found = find_errors(read(tmp_path, *made), load("baseline"))
    right = [(one.article, one.sentence, one.signal) in turned for one in found.found]
    assert len(right) >= 10
    assert np.mean(right) > 5 * len(turned) / found.labels
    assert np.mean(right[:8]) >= 0.75, "the surest first"
    one = found.found[0]
    text = next(r for r in made if r["id"] == one.article)
    place = text["sentences"][one.sentence]
    assert text["text"][place["start"] : place["end"]] == one.text
    assert place["labels"][one.signal] == one.given
    assert f"labelled {one.given}, wrong with a chance of {one.wrong:.0%}" in one.why
    assert {one.given for one in found.found} == {0, 1}
    for one in found.found:
        item = next(r for r in made if r["id"] == one.article)["sentences"][one.sentence]
        item["confirmed"] = True if one.sentence % 2 else [b.signal for b in found.found]
    assert find_errors(read(tmp_path, *made), load("baseline")).found == ()


def test_a_rare_answer_is_not_called_wrong_for_being_rare() -> None:
    draw, given = np.random.default_rng(2), (np.arange(5000) < 300).astype(int)
    for apart, most in ((0.5, 0.2), (5, 1)):  # how far a model tells the answers apart
        odds = draw.normal(0, 1, 5000) + apart * given - 3
        turned = draw.random(5000) < np.where(given, 0.03, 0.002)
        wrong = chance_of_error(given ^ turned, 1 / (1 + np.exp(-odds)))
        assert wrong.max() <= most
    likely = wrong > 0.5
    upside_down = chance_of_error(given, 1 / (1 + np.exp(odds)))
    assert upside_down.max() < 0.2, "of scores that rise where the answer is no, nothing is known"
    assert turned[likely].mean() > 0.7
    assert set((given ^ turned)[likely]) == {0, 1}


def test_doubts_are_not_looked_at(tmp_path) -> None:
    doubts = [(f"Sentence {n}.", {"claim": 0.67 if n % 2 else 0.33}) for n in range(40)]
    found = find_errors(read(tmp_path, record("a", *doubts)), load("baseline"))
    assert (found.found, found.labels) == ((), 0)
    assert found.unread == ("likely errors of claim: fewer than 10 labels of an answer",)


@pytest.mark.slow
def test_what_ships_has_no_problem_and_is_enough() -> None:
    done = check("--format", "json")
    assert done.exit_code == 0, done.output
    files = json.loads(done.stdout)["files"]
    written, _, stand_off, *_ = files
    assert not any(one["problems"] for one in files)
    assert written["articles"] >= 200
    assert written["sentences"] >= 3_000
    assert written["pairs"] >= 100
    assert stand_off["articles"] >= 200
    assert stand_off["sentences"] >= 4_000
    assert any(one.startswith("polnear: ") for one in stand_off["not_looked_at"])


def test_findings_are_listed_as_json_and_end_with_status_1(tmp_path) -> None:
    path = written(tmp_path / "mine.jsonl", *flipped(house("op_ed"), seed=1)[0])
    words = ("--model", "baseline", "--errors", "3", "--allow-seen", "--format", "json")
    done = check(path, *words)
    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["files"]
    assert found["name"] == str(path)
    errors = found["likely_errors"]
    assert errors["found"] > len(errors["shown"]) == 3
    keys = {"article", "sentence", "text", "signal", "given", "wrong", "why"}
    assert keys <= errors["shown"][0].keys()
    assert {p["kind"] for p in found["problems"]} >= {"contradiction", "benchmark"}
    missing = "benchmarks of the public corpora: name their folder with --corpora DIR"
    assert missing in found["not_looked_at"]
    assert found["balance"][0]["signal"] == "content"


def test_every_fault_is_shown_and_not_the_first_alone(tmp_path) -> None:
    bad = record("a", ("It rains.", {"clam": 1, "clain": 1})) | {"title": 3}
    path = written(tmp_path / "mine.jsonl", bad, record("b", ("It snows.", {"quotes": 1})))
    done = check(path, "--errors", "0")
    assert done.exit_code == 1
    assert done.stdout.count("mine.jsonl, line 1: ") == 3
    assert done.stdout.count("mine.jsonl, line 2: ") == 1
    assert done.stderr.strip() == "framescope: 4 findings, listed above"
    for options in (["--errors", "5"], ["--model", "baseline"]):
        assert isinstance(check(*options).exception, InputError)


def test_files_that_share_articles_and_articles_that_the_model_has_seen_are_refused(
    tmp_path, monkeypatch
) -> None:
    one = written(tmp_path / "a.jsonl", record("a", (LONG, {})), record("b", (OTHER, {})))
    other = written(tmp_path / "b.jsonl", record("x", (LONG.upper(), {"claim": 1})))
    said = str(check(one, other, "--errors", "0").exception)
    assert said.startswith(f"{other}: 1 of its 1 articles are in {one} too")
    assert check(one, other, "--errors", "0", "--allow-seen").exit_code == 0
    monkeypatch.setattr(bundles.Bundle, "seen", frozenset([bundles.text_digest(OTHER)]))
    for words in ([], ["--model", "baseline"]):
        assert "calibrated on 1 of the 2 articles" in str(check(one, *words).exception)
    assert check(other).exit_code == 0
