"""PolNeAR: attributions in news of the US election campaign of 2016."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from classifier.errors import CorpusError
from classifier.types import Article, Unit
from training.corpora.card import Card

CARD = Card(
    name="polnear",
    title="PolNeAR 1.0, political news attribution relations (training and development parts)",
    folder="polnear",
    files=("data/*/text/*.txt", "data/*/attributions/*.ann"),
    url="https://github.com/networkdynamics/PolNeAR",
    citation=(
        "Newell, Margolin, Ruths (2018). An Attribution Relations Corpus for Political News. "
        "LREC 2018. ACL Anthology L18-1524"
    ),
    licence="none stated",
    language="en",
    signals=("attributed",),
    unit="a sentence (split here; the corpus marks spans)",
    mapping=(
        "A sentence is 1 for attributed when a Content span of an attribution overlaps it, with or "
        "without a named source, else 0; where several annotators marked one text, their majority "
        "decides and a tie is left unlabelled. Wider than the guidelines in one way: thoughts, "
        "wishes and intentions ('she likes it') count as attributions too, and a sentence that "
        "mixes own and attributed matter is 1 even when its main assertion is the author's."
    ),
    digest="70ebc3edd2a349a6b78d87611ee390b9dcafac66b4a16aac0430edde86d2a7e8",
)

_ENTITY = re.compile(r"T\d+\tContent (?P<places>\d+ \d+(?:;\d+ \d+)*)\t")
_NAME = re.compile(r"(?P<outlet>[a-z-]+)_(?P<date>\d{4}-\d\d-\d\d)_.+")

Places = list[tuple[int, int]]


def read(folder: Path) -> Iterator[Article]:
    """Read the articles of every part, ordered by part and file name."""
    from dataclasses import replace

    from classifier.sentences import split

    for part in sorted(path for path in (folder / "data").iterdir() if path.is_dir()):
        annotations = _annotations(part / "attributions")
        for path in sorted((part / "text").glob("*.txt")):
            name = _NAME.fullmatch(path.stem)
            if name is None or path.stem not in annotations:
                raise CorpusError(
                    f"{path}: no attributions for this text in {part / 'attributions'}; "
                    "obtain the corpus again"
                )
            text = path.read_text(encoding="utf-8")
            article = Article(
                id=path.stem, text=text, outlet=name["outlet"], date=name["date"], lang="en"
            )
            units = tuple(
                Unit(s.start, s.end, _labels(s.start, s.end, annotations[path.stem]))
                for s in split(article)
            )
            title = text[units[0].start : units[0].end] if units else None
            yield replace(article, title=title, units=units)


def _annotations(folder: Path) -> dict[str, list[Places]]:
    """Collect the places of Content spans, per text one list an annotator."""
    annotations: dict[str, list[Places]] = defaultdict(list)
    for path in sorted(folder.glob("*.ann")):
        text_name, _, _annotator = path.stem.rpartition("_")
        places: Places = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := _ENTITY.match(line):
                for place in match["places"].split(";"):
                    start, end = place.split()
                    places.append((int(start), int(end)))
        annotations[text_name].append(places)
    return annotations


def _labels(start: int, end: int, annotators: Sequence[Places]) -> dict[str, float]:
    votes = [any(a < end and start < b for a, b in places) for places in annotators]
    yes = 2 * sum(votes)
    return {} if yes == len(votes) else {"attributed": float(yes > len(votes))}
