"""docs/tutorial.md: its commands in order, in an empty folder; its data and its pictures."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from framescope.classifier.inputs import split_sentences
from framescope.classifier.records import Article
from pages_of_docs import ROOT, typed

PAGE = ROOT / "docs" / "tutorial.md"
DATA = ROOT / "docs" / "tutorial"
ELSEWHERE = ("make ", ". .venv")  # sets up what the tests run in
MINUTES = 20


class Step(NamedTuple):
    """What a command is to come to.

    ``starts`` is how its line begins, ``status`` its exit status, ``says`` a pattern of what it
    says, ``limit`` the seconds after which it is ended.
    """

    starts: str
    says: str
    status: int = 0
    limit: int = 25


STEPS = [
    Step("mkdir -p runs", "", limit=5),
    Step("framescope score", r"Two of its six legs stand on nothing \(harbour office\)"),
    Step("framescope batch docs", "36 of 36 articles scored"),
    Step("framescope batch corpus", "240 of 240 articles scored", limit=60),
    Step("framescope overview", ""),
    Step("framescope drift", r"(?s)named_source.*Drift: .*distance to the training data", status=1),
    Step("framescope annotate pick", "The Ebbermouth Slate +50 +50 "),
    Step("framescope annotate export", "22 articles, 176 sentences; 0 with labels"),
    Step("cp ", "", limit=5),
    Step("framescope annotate import", "22 articles and 1 annotator; 50 labelled sentences"),
    Step("framescope labels check runs", "(?s)0 problems.*attributed +50 +22 +33"),
    Step("framescope labels check docs", "(?s)0 problems.* likely errors? among", status=1),
    Step("framescope train", "wrote runs/slate; score with it", limit=540),
    Step("framescope eval", r"(?s)attributed\n.*AP +0\.\d+ +0\.\d+ +\+0\.\d+ \[\+.*\] \*"),
    Step("framescope bundles promote", r"slate@1 is current \(promoted\)", limit=100),
    Step("framescope bundles list", r"slate@1 .* current"),
    Step("framescope score", r"model: transformer-desk-labels-"),
    Step("framescope bundles rollback", r"slate: version 0 is current", limit=20),
    Step("framescope bundles rollback", r"slate: version 1 is current", limit=20),
    Step("framescope calibrate", r"attributed +105 +12 +67"),
    Step("framescope score", ""),
    Step("framescope bundles promote", r"(?s)against it:.*F1 of the flags -.*refused", 1, 100),
]


def lines() -> list[str]:
    """The lines of the page that are typed."""
    return [line for line in typed(PAGE) if line and not line.startswith(ELSEWHERE)]


def records(name: str) -> list[dict]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def labels() -> list[dict[str, str]]:
    with (DATA / "labels.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the page, its data and pictures -------------------------------------------------------------


def test_every_command_has_its_step():
    shown = lines()
    assert len(shown) == len(STEPS)
    for line, step in zip(shown, STEPS, strict=True):
        assert line.startswith(step.starts)


def test_the_limits_are_what_the_issue_allows():
    assert sum(step.limit for step in STEPS) <= MINUTES * 60


def test_fifty_sentences_are_labelled_where_they_stand():
    texts = {one["id"]: one["text"] for one in records("articles.jsonl")}
    for row in labels():
        start, end = map(int, row["place"].split("-"))
        assert texts[row["article"]][start:end] == row["text"]
        assert all(row[name] in "01" for name in list(row)[5:-1])
    assert len({(row["article"], row["place"]) for row in labels()}) == 50


def test_what_is_judged_by_is_not_learned_from():
    judged = {one["id"]: one for one in records("held-out.jsonl")}
    assert len(judged) == 12
    assert not judged.keys() & {row["article"] for row in labels()}
    week = {one["id"]: one["text"] for one in records("articles.jsonl")}
    assert all(one["text"] == week[name] for name, one in judged.items())
    assert not {one["text"] for one in records("bandstand.jsonl")} & set(week.values())


def test_the_sentences_are_those_that_scoring_makes():
    for one in records("held-out.jsonl"):
        cut = split_sentences(Article(one["id"], one["text"]))
        assert [(s.start, s.end) for s in cut] == [(s["start"], s["end"]) for s in one["sentences"]]
        assert all(s["labels"]["attributed"] in (0, 1) for s in one["sentences"])


def test_the_pictures_are_few_small_and_shown():
    pictures = sorted(DATA.glob("*.png"))
    assert 0 < len(pictures) <= 4
    shown = re.findall(r"!\[[^\]]{20,}\]\(tutorial/([\w-]+\.png)\)", PAGE.read_text("utf-8"))
    assert sorted(shown) == [one.name for one in pictures]
    assert all(one.stat().st_size < 150_000 for one in pictures)


# --- all of it -----------------------------------------------------------------------------------


class Ended(NamedTuple):
    """A command that was typed, how it ended, and what it said."""

    line: str
    status: int
    said: str


@pytest.fixture(scope="module")
def followed(tmp_path_factory) -> tuple[Path, list[Ended]]:
    """The folder of somebody who followed the page to its end, and what came of each line."""
    pytest.importorskip("torch")
    here = tmp_path_factory.mktemp("tutorial")
    (here / "docs").mkdir()
    (here / "docs" / "tutorial").symlink_to(DATA)
    (here / "corpus").symlink_to(ROOT / "corpus")
    (here / "bin").mkdir()
    command = here / "bin" / "framescope"
    command.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c "
        "'import sys; from framescope.__main__ import main; sys.exit(main())' \"$@\"\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    own = {
        "PATH": f"{here / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "FRAMESCOPE_BUNDLES": str(here / "bundles"),
        "XDG_CONFIG_HOME": str(here / "config"),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "160",
    }
    # A desk has no corpora, and as many threads as there are cores.
    dropped = {"FRAMESCOPE_CORPORA", "FRAMESCOPE_ARTICLES", "OMP_NUM_THREADS"}
    env = {name: value for name, value in os.environ.items() if name not in dropped} | own
    found = []
    for line, step in zip(lines(), STEPS, strict=True):
        ended = subprocess.run(
            line, shell=True, cwd=here, env=env, capture_output=True, text=True, check=False,
            timeout=step.limit,
        )  # fmt: skip
        found.append(Ended(line, ended.returncode, ended.stdout + ended.stderr))
        assert ended.returncode == step.status, (line, found[-1].said[-1500:])
    return here, found


@pytest.mark.slow
def test_each_command_says_what_the_page_promises(followed):
    _, found = followed
    assert len(found) == len(STEPS)
    for ended, step in zip(found, STEPS, strict=True):
        assert "Traceback" not in ended.said
        assert re.search(step.says, ended.said), (ended.line, ended.said[-1500:])


@pytest.mark.slow
def test_our_labels_are_those_of_the_picked_sentences(followed):
    here, _ = followed
    picked = {
        (one["id"], f"{s['start']}-{s['end']}")
        for one in map(json.loads, (here / "runs/to-label.jsonl").read_text("utf-8").splitlines())
        for s in one["sentences"]
        if "picked" in s
    }
    assert picked == {(row["article"], row["place"]) for row in labels()}


@pytest.mark.slow
def test_what_is_drawn_for_the_page_is_there(followed):
    here, _ = followed
    for name in ("week", "drift", "bandstand"):
        assert "</html>" in (here / f"runs/{name}.html").read_text("utf-8")[-200:].lower()


@pytest.mark.slow
def test_the_first_version_is_current_at_the_end(followed):
    here, _ = followed
    current = json.loads((here / "bundles/slate/current.json").read_text("utf-8"))
    assert current["current"] == 1
