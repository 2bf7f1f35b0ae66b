"""BABE: bias annotations by experts, on sentences of US news."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, by_url

CARD = Card(
    name="babe",
    title="BABE, bias annotations by experts (part of study group 2)",
    folder="babe",
    files=("final_labels_SG2*.csv",),
    url="https://github.com/Media-Bias-Group/Neural-Media-Bias-Detection-Using-Distant-Supervision-With-BABE",
    citation=(
        "Spinde, Plank, Krieger, Ruas, Gipp, Aizawa (2021). Neural Media Bias Detection Using "
        "Distant Supervision With BABE - Bias Annotations By Experts. Findings of EMNLP 2021. "
        "doi:10.18653/v1/2021.findings-emnlp.101"
    ),
    licence="AGPL-3.0",
    language="en",
    signals=("biased_language",),
    unit="a sentence, without its article",
    mapping=(
        "label_bias 'Biased' is 1 and 'Non-biased' 0 for biased_language; 'No agreement' is left "
        "out. Sentences are grouped by the page they come from (news_link). label_opinion is not "
        "used. The five annotators agree only moderately (alpha 0.40), and the sentences were "
        "picked by topic and outlet: half of them are biased, far more than in running news."
    ),
    digest="172a434f4bb8b917d346cb2d92a846514ed8be55a7efee80679a3f9a40c99aed",
    group=by_url,
)

LABEL_OF = {"Biased": 1.0, "Non-biased": 0.0}


def read(folder: Path) -> Iterator[Article]:
    """Read each labelled row as an article of one sentence, in the file's order."""
    for path in sorted(folder.glob("final_labels_SG2*.csv")):
        # utf-8-sig: the published file begins with a byte order mark in some releases.
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines, delimiter=";"), start=1):
                label = LABEL_OF.get(row["label_bias"])
                text = row["text"].strip()
                if label is None or not text:
                    continue
                yield Article(
                    id=f"{number:05d}",
                    text=text,
                    outlet=row["outlet"].strip() or None,
                    url=row["news_link"].strip() or None,
                    lang="en",
                    units=(Unit(0, len(text), {"biased_language": label}),),
                )
