"""ClaimBuster: check-worthy factual sentences of US presidential debates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from framescope.classifier.records import Article, Unit
from framescope.training.corpora.corpus import Card, by_block

CARD = Card(
    name="claimbuster",
    title="ClaimBuster, claim spotting in presidential debates (training file)",
    folder="claimbuster",
    files=("train.json",),
    url="https://github.com/idirlab/claimspotter",
    citation=(
        "Arslan, Hassan, Li, Tremayne (2020). A Benchmark Dataset of Check-Worthy Factual Claims. "
        "ICWSM 2020. doi:10.1609/icwsm.v14i1.7346"
    ),
    licence="GPL-3.0",
    language="en",
    signals=("claim",),
    unit="a sentence of a debate, without its neighbours",
    mapping=(
        "1 (check-worthy factual sentence) is 1 for claim, 0 is 0. Narrower than the guidelines: "
        "the zeros hold opinions, wishes, questions and pleasantries, but also factual sentences "
        "that are merely not worth a check, which the guidelines count as claims. A model trained "
        "on it under-reports plain claims. Speech, not news. Three zeros to one, by construction."
    ),
    digest="4285f392691e3f05bdd68f3737e242110274dba3e9781b3e87be01e1109baee3",
    other_sense=("claim",),
    group=by_block,
)

BLOCK = 250  # sentence numbers; the numbers run through the debates, about a thousand in each


def read(folder: Path) -> Iterator[Article]:
    """Read each sentence as an article, in the order of the debates."""
    rows = json.loads((folder / "train.json").read_text(encoding="utf-8"))
    for row in sorted(rows, key=lambda row: int(row["sentence_id"])):
        text = row["text"].strip()
        if not text:
            continue
        number = int(row["sentence_id"])
        yield Article(
            id=f"{number // BLOCK:03d}/{number:05d}",
            text=text,
            lang="en",
            units=(Unit(0, len(text), {"claim": float(row["label"])}),),
        )
