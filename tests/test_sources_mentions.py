"""Whether a name in running text means its outlet: cases, articles, and where the weights are from.

Half of the cases and all of the articles were kept for judging: nothing was learned from them, and
nothing was changed after looking at one.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from framescope.classifier.inputs import split_sentences
from framescope.classifier.outlets import load_registry, shipped_tables
from framescope.classifier.records import Article

FOLDER = Path(__file__).parent / "cases"
CASES = [
    json.loads(line)
    for line in (FOLDER / "sources_mentions.jsonl").read_text(encoding="utf-8").splitlines()
]
# Names met in 1,500 articles, and how many of them were taken for an outlet and not when 250 of
# each were drawn: what one that was drawn stands for.
MET = {"yes": 5721, "no": 5378}
DRAWN = 250
needs_articles = pytest.mark.skipif(
    "FRAMESCOPE_CORPORA" not in os.environ, reason="needs the public collections of articles"
)


def places(text: str, names: list[str]) -> Iterator[tuple[int, int]]:
    after = 0
    for name in names:
        at = text.index(name, after)
        after = at + len(name)
        yield at, after


def test_most_traps_are_seen_and_most_mentions_found():
    registry = load_registry()
    right = wrong = missed = 0
    for case in CASES:
        if case["for"] == "judging":
            wanted = list(places(case["text"], case["mentions"]))
            found = [(one.start, one.end) for one in registry.mentions(case["text"])]
            hit = [any(a < end and start < b for start, end in found) for a, b in wanted]
            right += sum(hit)
            missed += len(hit) - sum(hit)
            wrong += sum(not any(a < e and s < b for a, b in wanted) for s, e in found)
    assert right / (right + wrong) >= 0.87
    assert right / (right + missed) >= 0.94


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Xinhua: China to send pandas to Vienna.", ["Xinhua"]),
        ("The footage was filmed by Ruptly in March.", ["Ruptly"]),
        ("They met on Xinhua Road before noon.", []),
        ("Sputnik V was given to nurses first.", []),
        ("The Guardian Council barred four candidates.", []),
        ("She teaches AP chemistry in Ohio.", []),
    ],
)
def test_what_stands_around_a_name_tells(text, names):
    found = load_registry().mentions(text)
    assert [text[one.start : one.end] for one in found] == names


def test_a_name_that_is_all_of_a_text_is_met_unless_it_means_other_things():
    registry = load_registry()
    assert len(registry.mentions("Reuters")) == 1
    assert registry.mentions("Mirror") == []


@needs_articles
@pytest.mark.slow
def test_in_articles_as_they_come_most_are_right():
    from framescope.training.corpora import TEXTS, root_folder

    drawn: dict[str, list[tuple[int, int, bool, float]]] = {}
    with (FOLDER / "sources_mentions_read.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            weight = MET[row["drawn"]] / DRAWN
            place = (int(row["start"]), int(row["end"]), row["label"] == "1", weight)
            drawn.setdefault(row["article"], []).append(place)
    right = wrong = missed = 0.0
    for id, text in TEXTS["allsides"].read(root_folder()):
        wanted = drawn.pop(id, [])
        for sentence in split_sentences(Article(id, text)) if wanted else ():
            found = load_registry().mentions(sentence.text)
            for start, end, means, weight in wanted:
                if sentence.start <= start and end <= sentence.end:
                    hit = any(
                        start < sentence.start + one.end and sentence.start + one.start < end
                        for one in found
                    )
                    right += weight * (hit and means)
                    wrong += weight * (hit and not means)
                    missed += weight * (means and not hit)
    assert not drawn
    assert right / (right + wrong) >= 0.95
    assert right / (right + missed) >= 0.95


@needs_articles
@pytest.mark.slow
def test_the_weights_are_what_the_labels_give(tmp_path):
    from tools.registry import fit_mentions, labelled_mentions, write_mentions

    labelled = labelled_mentions()
    judged = {case["text"] for case in CASES if case["for"] == "judging"}
    written = Path(fit_mentions.__code__.co_filename).parent / "hand/mentions/written.jsonl"
    lines = written.read_text(encoding="utf-8").splitlines()
    assert not judged & {json.loads(line)["text"] for line in lines}
    path = write_mentions(fit_mentions(labelled), tmp_path / "mentions.tsv")
    fitted, shipped = (
        dict(line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[2:])
        for file in (path, shipped_tables() / "mentions.tsv")
    )
    # Solvers differ in the last digits between processors.
    assert fitted.keys() == shipped.keys()
    for feature, weight in shipped.items():
        assert float(fitted[feature]) == pytest.approx(float(weight), abs=0.01)
