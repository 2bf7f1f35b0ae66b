"""Propaganda Techniques Corpus, as released for SemEval-2020 task 11."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from framescope.classifier.errors import CorpusError
from framescope.classifier.records import Article, Span, Unit
from framescope.classifier.taxonomy import TECHNIQUES, in_order
from framescope.training.corpora.corpus import Card

LABELS = "train-task2-TC.labels"

TECHNIQUE_OF = {
    "Appeal_to_Authority": "appeal_to_authority",
    "Appeal_to_fear-prejudice": "appeal_to_fear",
    "Bandwagon,Reductio_ad_hitlerum": "bandwagon",
    "Black-and-White_Fallacy": "black_and_white_fallacy",
    "Causal_Oversimplification": "causal_oversimplification",
    "Doubt": "doubt",
    "Exaggeration,Minimisation": "exaggeration_minimisation",
    "Flag-Waving": "flag_waving",
    "Loaded_Language": "loaded_language",
    "Name_Calling,Labeling": "name_calling",
    "Repetition": "repetition",
    "Slogans": "slogans",
    "Thought-terminating_Cliches": "thought_terminating_cliche",
    "Whataboutism,Straw_Men,Red_Herring": "whataboutism",
}

CARD = Card(
    name="ptc",
    title="Propaganda Techniques Corpus, version 2 (SemEval-2020 task 11), training articles",
    folder="ptc-semeval2020",
    files=("train-articles/article*.txt", LABELS),
    url="https://propaganda.qcri.org/semeval2020-task11/",
    citation=(
        "Da San Martino, Barrón-Cedeño, Wachsmuth, Petrov, Nakov (2020). SemEval-2020 Task 11: "
        "Detection of Propaganda Techniques in News Articles. doi:10.18653/v1/2020.semeval-1.186; "
        "Da San Martino et al. (2019). Fine-Grained Analysis of Propaganda in News Articles. "
        "doi:10.18653/v1/D19-1565"
    ),
    licence="none stated",
    language="en",
    signals=in_order(["any_technique", *TECHNIQUES]),
    unit="a line of the article that is not empty (one sentence a line, title first)",
    mapping=(
        "The fourteen labels of subtask TC are the fourteen techniques. A line is 1 for a "
        "technique when any of one of its spans lies in the line, and 1 for any_technique when it "
        "is 1 for any; every other line, the title included, is 0."
    ),
    digest="13234df916249475c36a7bd01f65e9a88f89046448fc9d55f5ac4f45e1f665d4",
)

_LINE = re.compile(r"\S(?:[^\n]*\S)?")


def read(folder: Path) -> Iterator[Article]:
    """Read the articles in the order of their numbers."""
    spans = _spans(folder / LABELS)
    for path in sorted((folder / "train-articles").glob("article*.txt")):
        identifier = path.stem.removeprefix("article")
        text = path.read_text(encoding="utf-8")
        of_article = tuple(sorted(spans[identifier], key=lambda s: (s.start, s.end, s.signal)))
        units = tuple(
            Unit(match.start(), match.end(), _labels(match.start(), match.end(), of_article))
            for match in _LINE.finditer(text)
        )
        title = text[units[0].start : units[0].end] if units else None
        yield Article(
            id=identifier, text=text, title=title, lang="en", units=units, spans=of_article
        )


def _spans(path: Path) -> dict[str, list[Span]]:
    spans: dict[str, list[Span]] = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            article, technique, start, end = line.split("\t")
            span = Span(int(start), int(end), TECHNIQUE_OF[technique])
        except (ValueError, KeyError):
            raise CorpusError(
                f"{path}, line {number}: not 'article, technique, start, end' separated by tabs; "
                "obtain the file again"
            ) from None
        spans[article].append(span)
    return spans


def _labels(start: int, end: int, spans: Sequence[Span]) -> dict[str, float]:
    held = {span.signal for span in spans if span.start < end and start < span.end}
    labels = {technique: float(technique in held) for technique in TECHNIQUES}
    return {"any_technique": float(bool(held)), **labels}
