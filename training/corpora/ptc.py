"""Propaganda Techniques Corpus, as released for SemEval-2020 task 11."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from classifier.errors import CorpusError
from classifier.taxonomy import TECHNIQUES
from classifier.values import Article, Span, Unit
from training.corpora.corpus import card

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

CARD = card("ptc")
_ARTICLES, _LABELS = CARD.files

_LINE = re.compile(r"\S(?:[^\n]*\S)?")


def read(folder: Path) -> Iterator[Article]:
    """Read the articles in the order of their numbers."""
    spans = _spans(folder / _LABELS)
    for path in sorted(folder.glob(_ARTICLES)):
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
