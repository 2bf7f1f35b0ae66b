"""The house corpus: articles about invented events, written for this project and labelled whole."""

from __future__ import annotations

from framescope.classifier.taxonomy import SHIPPED
from framescope.training.corpora.corpus import Card, by_block

CARD = Card(
    name="house",
    title="The framescope house corpus, written part",
    folder="articles",
    files=("*.jsonl",),
    url="the folder corpus/ of a clone of this repository",
    citation="The framescope developers (2026). docs/datasheet.md",
    licence="CC-BY-4.0",
    language="en",
    signals=SHIPPED,
    unit="a sentence; spans of the fourteen techniques; hyperpartisan by article",
    mapping=(
        "The guidelines' own terms. Within a republished article `quoted` and `reported` are left "
        "unlabelled: its every sentence is quoted for who reads the page, and not for who reads "
        "the article. Articles on one event have one id up to the slash, and are never split."
    ),
    digest=None,
    group=by_block,
)
