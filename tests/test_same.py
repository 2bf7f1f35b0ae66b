"""What `framescope eval same` calls the same, and where it stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import reports
from framescope.classifier.errors import InputError
from framescope.classifier.reports.document import to_json, to_line
from framescope.eval.commands import judge as cli
from framescope.eval.release import same
from typer.testing import CliRunner

Change = Callable[[list[Any]], object]


def written(path: Path, change: Change = lambda articles: None) -> Path:
    """Every report made by hand, as a document or as lines; ``change`` works on its articles."""
    if path.suffix == ".json":
        document = json.loads(to_json(reports.everything()))
        change(document["articles"])
        path.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return path
    lines = [
        json.loads(to_line(one, model=reports.MODEL, thresholds=reports.THRESHOLDS))
        for one in reports.everything().articles
    ]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(*args: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, ["same", *map(str, args)])
    if isinstance(result.exception, InputError):  # which the main command ends with status 2
        return 2, str(result.exception)
    assert result.output.count("\n") == 1
    return result.exit_code, result.output.strip()


def scored(articles: list[Any]) -> Any:
    """A sentence with scores: the second of the first article."""
    sentence = articles[0]["sentences"][1]
    assert sentence["scores"]["claim"] == 0.97
    return sentence


def a_score(value: object) -> Change:
    return lambda articles: scored(articles)["scores"].update(claim=value)


@pytest.fixture(params=[".json", ".jsonl"])
def suffix(request) -> str:
    found: str = request.param
    return found


@pytest.fixture
def before(tmp_path, suffix) -> Path:
    return written(tmp_path / f"before{suffix}")


def test_the_same_output_is_the_same_and_counted(before, tmp_path, suffix):
    everything = reports.everything().articles
    sentences = [one for report in everything for one in report.sentences]
    scores = sum(len(one.scores) for one in (*sentences, *everything))
    said = f"the same: {len(everything)} articles, {len(sentences)} sentences, {scores} scores"
    assert run(before, written(tmp_path / f"after{suffix}")) == (0, said)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (a_score(0.9700001), "sentence 2, scores.claim: 0.97 before, 0.9700001 after"),
        (a_score(1), "sentence 2, scores.claim: 0.97 before, 1 after"),
        (a_score(None), "sentence 2, scores.claim: 0.97 before, None after"),
        (a_score("0.97"), "sentence 2, scores.claim: 0.97 before, '0.97' after"),
        (lambda a: scored(a)["scores"].pop("claim"), "scores.claim: 0.97 before, nothing after"),
        (lambda a: scored(a)["scores"].update(new=0.5), "scores.new: nothing before, 0.5 after"),
        (lambda a: a[0]["sentences"].pop(), ", sentence 10: {"),
        (lambda a: a[0]["sentences"].reverse(), ", sentence 1, start: 0 before, "),
        (lambda a: a[0].update(id="other"), ", id: 'harbour' before, 'other' after"),
        (lambda a: a.reverse(), ", id: 'harbour' before, "),
    ],
)
def test_the_first_difference_is_named(before, tmp_path, suffix, change, where):
    status, said = run(before, written(tmp_path / f"after{suffix}", change))
    assert status == 1
    assert "after" in said
    assert "article 'harbour'" in said
    assert where in said


@pytest.mark.parametrize(
    ("old", "new", "differ"),
    [("1", "1.0", True), ("0.5", "0.50", True), ("NaN", "null", True), ("NaN", "NaN", False),
     ("1", "true", True), ("1", '"1"', True), ("0.1", "0.1", False)],
)  # fmt: skip
def test_numbers_are_compared_as_they_are_written(tmp_path, old, new, differ):
    files = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, value in zip(files, (old, new), strict=True):
        path.write_text(f'{{"id": "a", "sentences": [], "report": {{"scores": {value}}}}}\n')
    if not differ:
        assert same.same(*files, ignore=["scores.nothing"]).articles == 1
        return
    with pytest.raises(same.DifferenceError, match=r"article 'a', report\.scores: "):
        same.same(*files)


def test_the_order_of_an_objects_names_is_no_difference(before, tmp_path, suffix):
    def turned(articles: list[Any]) -> None:
        articles[0] = dict(reversed(articles[0].items()))

    assert run(before, written(tmp_path / f"after{suffix}", turned))[0] == 0


def test_an_article_that_only_one_side_has_is_named(before, tmp_path, suffix):
    shorter = written(tmp_path / f"after{suffix}", lambda articles: articles.pop())
    assert "article 'dispatch': {" in run(before, shorter)[1]
    status, said = run(shorter, before)
    assert status == 1
    assert "article 'dispatch': nothing before, {" in said


def test_fields_are_left_out_by_name_and_by_path(before, tmp_path, suffix):
    after = written(tmp_path / f"after{suffix}", a_score(0.5))
    assert run(before, after, "--ignore", "claim")[0] == 0
    assert run(before, after, "--ignore", "sentences.scores.claim")[0] == 0
    assert run(before, after, "--ignore", "voice", "--ignore", "scores.clai")[0] == 1
    for field in same.RUN_FIELDS:
        named = written(tmp_path / f"named{suffix}", lambda a, f=field: a[0].update({f: "x"}))
        assert run(before, named)[0] == 0


def test_folders_are_compared_file_by_file(tmp_path):
    for folder in ("before", "after"):
        (tmp_path / folder).mkdir()
        for name in ("a.json", "b.jsonl"):
            written(tmp_path / folder / name)
        (tmp_path / folder / "notes.txt").write_text(folder)
    folders = tmp_path / "before", tmp_path / "after"
    assert run(*folders)[1].startswith(f"the same: {2 * len(reports.everything().articles)} ")
    written(tmp_path / "after" / "b.jsonl", a_score(0.5))
    assert "b.jsonl: article 'harbour', sentence 2, scores.claim: " in run(*folders)[1]
    (tmp_path / "before" / "a.json").unlink()
    assert run(*folders) == (1, f"a.json: only in {tmp_path / 'after'}")


def test_a_truncated_file_is_no_output(before, tmp_path, suffix):
    after = tmp_path / f"after{suffix}"
    after.write_bytes(before.read_bytes()[:-20])
    status, said = run(before, after)
    assert (status, said.count("\n")) == (2, 0)
    assert "isn't whole JSON" in said
    assert str(after) in said


def test_a_difference_before_the_end_of_a_truncated_file_comes_first(tmp_path):
    before, after = written(tmp_path / "a.jsonl"), written(tmp_path / "b.jsonl", a_score(0.5))
    after.write_bytes(after.read_bytes()[:-20])
    assert run(before, after)[0] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"articles": 3}', '{"articles": [1]}', "ferry"])
def test_what_is_no_output_is_refused(tmp_path, text):
    other = tmp_path / "other.json"
    other.write_text(text)
    status, said = run(written(tmp_path / "a.json"), other)
    assert (status, said.count("\n")) == (2, 0)
    assert str(other) in said


def test_what_is_not_there_or_of_another_kind_is_refused(tmp_path):
    document, lines = written(tmp_path / "a.json"), written(tmp_path / "a.jsonl")
    (tmp_path / "empty").mkdir()
    for other in (tmp_path / "none", lines, tmp_path):
        status, said = run(document, other)
        assert (status, said.count("\n")) == (2, 0)
    assert run(tmp_path / "empty", tmp_path / "empty")[0] == 2


def test_lines_of_both_formats_are_read(tmp_path: Path) -> None:
    new, old = written(tmp_path / "new.jsonl"), tmp_path / "old.jsonl"

    def first_format(articles: list[Any]) -> None:
        for article in articles:
            del article["report"]["format"]
            for part in (article["report"], *article["sentences"]):
                if "flags" in part:
                    part["flags"] = {name: int(name in part["flags"]) for name in part["scores"]}

    written(old, first_format)
    assert run(old, new)[0] == 0
    written(
        old, lambda articles: (first_format(articles), scored(articles)["flags"].update(doubt=1))
    )
    status, said = run(old, new)
    assert status == 1
    assert "flags" in said
