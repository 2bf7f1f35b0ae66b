"""Whose words a sentence is, on cases read by a person and on any text."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.attribution.reading import begin
from classifier.attribution.voice.voice import assign
from classifier.pages.sentences import split
from classifier.values.article import Article, Republication, Sentence, Unit, Voice

HERE = Path(__file__).parent
CASES = [
    json.loads(line)
    for line in (HERE / "cases" / "voice.jsonl").read_text(encoding="utf-8").split("\n")
    if line
]
POLNEAR = (
    Path(os.environ.get("FRAMESCOPE_CORPORA", HERE.parent.parent / "shared" / "corpora"))
    / "polnear"
    / "data"
    / "dev"
)


def voiced(text: str, **fields: object) -> tuple[Sentence, ...]:
    article = replace(Article(id="a", text=text), **fields)  # type: ignore[arg-type]
    return assign(begin(article))


def check(case: dict[str, object]) -> bool:
    sentences = voiced(str(case["text"]))
    assert [s.text for s in sentences] == case["sentences"]
    return [s.voice.value for s in sentences] == case["voices"]


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" not in c], ids=lambda c: str(c["name"])
)
def test_gives_the_voice_a_person_gives(case):
    assert check(case)


@pytest.mark.parametrize(
    "case", [c for c in CASES if "known_failure" in c], ids=lambda c: str(c["name"])
)
def test_known_failures_still_fail(case):
    assert not check(case)


def test_every_voice_has_negative_and_positive_cases():
    voices = [voice for case in CASES for voice in case["voices"]]
    assert min(voices.count(v.value) for v in Voice) >= 30


def test_a_voice_given_by_the_file_is_kept():
    text = "The minister said no. The port closed."
    units = (Unit(0, 21, voice=Voice.OWN), Unit(22, 38))
    assert [s.voice for s in voiced(text, units=units)] == [Voice.OWN, Voice.OWN]
    units = (Unit(0, 21), Unit(22, 38, voice=Voice.QUOTED))
    assert [s.voice for s in voiced(text, units=units)] == [Voice.REPORTED, Voice.QUOTED]


def test_a_republished_part_is_quoted_and_the_wrapper_own():
    text = "Below is the Courier's article:\nThe port is doomed.\nIt will rot.\nShare this page."
    start, end = text.index("The port"), text.index("\nShare")
    part = Republication(start, end, "Courier", "Below is the Courier's article:")
    assert [s.voice.value for s in voiced(text, republications=(part,))] == [
        "own",
        "quoted",
        "quoted",
        "own",
    ]


def test_no_sentences_have_no_voices():
    assert voiced("") == ()


PIECES = st.sampled_from([*"ab S.,:?\n\"'“”‘’«»„「」", "said ", "s' "])


@given(st.lists(PIECES, max_size=80).map("".join))
def test_changes_nothing_but_the_voice_in_any_text(text):
    article = Article(id="a", text=text)
    plain = split(article)
    assert [replace(s, voice=Voice.OWN) for s in assign(begin(article))] == list(plain)


def test_importing_is_cheap():
    code = (
        "import sys, classifier.attribution.voice.voice; "
        "sys.exit(bool({'numpy', 'nupunkt'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.skipif(not POLNEAR.is_dir(), reason="the PolNeAR corpus is not here")
def test_agrees_with_the_attributions_of_polnear():
    counts = {(gold, found): 0 for gold in (True, False) for found in (True, False)}
    for path in sorted((POLNEAR / "text").glob("*.txt"))[::4]:
        # As bytes: reading as text would turn the line ends that offsets count into one character.
        text = path.read_bytes().decode("utf-8")
        # Some articles were annotated twice; the first annotator is as good as the other.
        annotations = min((POLNEAR / "attributions").glob(path.stem + "*.ann"))
        contents = [
            tuple(map(int, part.split()))
            for line in annotations.read_text(encoding="utf-8").splitlines()
            if (match := re.match(r"T\d+\tContent ([\d; ]+)\t", line))
            for part in match[1].split(";")
        ]
        for s in voiced(text):
            gold = any(start < s.end and end > s.start for start, end in contents)
            counts[gold, s.voice is not Voice.OWN] += 1
    hits = counts[True, True]
    assert hits / (hits + counts[False, True]) > 0.94
    assert hits / (hits + counts[True, False]) > 0.66
