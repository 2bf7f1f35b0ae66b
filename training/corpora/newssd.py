"""NewsSD-ENG: subjective and objective sentences of English news."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, by_block

CARD = Card(
    name="newssd",
    title="NewsSD-ENG (training and validation parts)",
    folder="newssd-eng",
    files=("english/train.csv", "english/val.csv"),
    url="https://aclanthology.org/2024.lrec-main.25",
    citation=(
        "Antici, Ruggeri, Galassi, Korre, Muti, Bardi, Fedotova, Barrón-Cedeño (2024). A Corpus "
        "for Sentence-Level Subjectivity Detection on English News Articles. LREC-COLING 2024. "
        "ACL Anthology 2024.lrec-main.25"
    ),
    licence="CC BY 4.0",
    language="en",
    signals=("subjective",),
    unit="a sentence, without its article",
    mapping=(
        "SUBJ is 1 and OBJ 0 for subjective, conflicts as the authors solved them. The files name "
        "no article; their sentences stand in the order of the articles, so blocks of neighbours "
        "are kept together when the corpus is split."
    ),
    digest="c7436c6649ed6de46595575b65c69f2612b9d314b77e8912927f1f10df5f212d",
    group=by_block,
)

LABEL_OF = {"SUBJ": 1.0, "OBJ": 0.0}
BLOCK = 20  # rows; about an article's worth of the sentences that were kept


def read(folder: Path) -> Iterator[Article]:
    """Read each row as an article of one sentence, in the files' order."""
    for part in ("train", "val"):
        with (folder / "english" / f"{part}.csv").open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines)):
                text = row["Sentence"].strip()
                if not text:
                    continue
                label = LABEL_OF[row["Label"]]
                yield Article(
                    id=f"{part}-{number // BLOCK:03d}/{number:04d}",
                    text=text,
                    lang="en",
                    units=(Unit(0, len(text), {"subjective": label}),),
                )
