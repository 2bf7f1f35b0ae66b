"""How well the citation rules find who is cited: against the marked attributions of PolNeAR.

Three questions. Of sentences: is anything in it attributed (a gold Content touches it)? Of spans:
is each Source, Cue and Content found? A predicted span matches a gold one when they share at least
half of the words of the longer; each span matches once. Contents are compared sentence by
sentence, since a citation is a sentence's. Of words: which belong to a source, cue or content?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.attribution import assign_voices as assign
from classifier.attribution import begin
from classifier.attribution import find_citations as find
from classifier.values import Article, Citation, Place, Sentence
from eval.figures import Estimate, Section, table
from training import DEFAULT_SEED

if TYPE_CHECKING:
    from classifier.sources import Registry

#: What is counted, in the order of the columns.
MEASURES = (
    "sentence", "source", "cue", "content", "source words", "cue words", "content words",
)  # fmt: skip
_LINE = re.compile(r"T\d+\t(?P<kind>Source|Cue|Content) (?P<places>\d+ \d+(?:;\d+ \d+)*)\t")
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
SHARED = 0.5  # of the words of the longer span

Words = frozenset[int]
Finder = Callable[[Article, Sequence[Sentence]], Sequence[Sequence[Citation]]]


@dataclass(frozen=True, slots=True)
class Extraction:
    """Precision, recall and F1 of what was extracted; the F1's interval resamples articles."""

    precision: float
    recall: float
    f1: Estimate
    gold: int
    articles: int


def read(folder: Path) -> Iterable[tuple[str, str, dict[str, list[list[Place]]]]]:
    """Read PolNeAR: id, text and the spans of each kind; the first annotator where there are two.

    ``folder``: that holds ``data``.
    """
    for path in sorted(folder.glob("data/*/text/*.txt")):
        text = path.read_bytes().decode("utf-8")
        annotations = min((path.parents[1] / "attributions").glob(path.stem + "_*.ann"))
        spans: dict[str, list[list[Place]]] = {"Source": [], "Cue": [], "Content": []}
        for line in annotations.read_text(encoding="utf-8").splitlines():
            if match := _LINE.match(line):
                pieces = [piece.split() for piece in match["places"].split(";")]
                spans[match["kind"]].append([Place(int(a), int(b)) for a, b in pieces])
        yield path.stem, text, spans


def measure(
    root: Path, part: str, registry: Registry, seed: int = DEFAULT_SEED
) -> dict[str, Extraction]:
    """Measure the rules on one part of PolNeAR, by the split that models are trained on.

    ``root``: the folder of corpora. ``part``: ``validation``, ``test`` or ``unseen_outlet``;
    ``train`` to see what the rules miss. ``seed``: of the split. Raises `CorpusError` when a corpus
    is missing or changed.
    """
    from training.data import assign_parts as assign
    from training.data import build_examples as build

    examples = assign(build(root), seed).examples
    chosen = {str(a).partition("/")[2] for a in examples.article[examples.part == part]}
    finder = rules(registry)
    rows = [
        counts(text, spans, finder) for id, text, spans in read(root / "polnear") if id in chosen
    ]
    return figures(rows)


def rules(registry: Registry) -> Finder:
    """Give the rules as a finder."""
    return lambda article, sentences: find(begin(article, sentences), registry)


def counts(text: str, spans: dict[str, list[list[Place]]], finder: Finder) -> NDArray[np.int64]:
    """Count hits, predicted and gold of one article: shape (measures, 3)."""
    article = Article("a", text, lang="en")
    sentences = assign(begin(article))
    found = finder(article, sentences)
    words = [(m.start(), m.end()) for m in _WORD.finditer(text)]
    starts = np.array([start for start, _ in words])

    def covered(places: Iterable[Place]) -> Words:
        return frozenset(
            int(i)
            for p in places
            for i in range(np.searchsorted(starts, p.start), np.searchsorted(starts, p.end))
        )

    every = [c for row in found for c in row]
    gold = {kind: [covered(pieces) for pieces in spans[kind]] for kind in spans}
    said = [covered(c.content) for c in every]
    sentence_words = [covered([Place(s.start, s.end)]) for s in sentences]
    total: Words = frozenset().union(*gold["Content"])
    truth = {i for i, w in enumerate(sentence_words) if w & total}
    guess = {i for i, row in enumerate(found) if row}
    sources = [covered([c.source]) for c in every if c.source and c.cue]
    cues = [covered([c.cue]) for c in every if c.cue]
    pieces = [g & w for g in gold["Content"] for w in sentence_words if g & w]
    return np.array(
        [
            [len(truth & guess), len(guess), len(truth)],
            _matched(sources, gold["Source"]),
            _matched(cues, gold["Cue"]),
            _matched(said, pieces),
            _shared(sources, gold["Source"]),
            _shared(cues, gold["Cue"]),
            _shared(said, gold["Content"]),
        ]
    )


def _matched(found: list[Words], gold: list[Words]) -> list[int]:
    found, gold = list({f for f in found if f}), list({g for g in gold if g})
    pairs = sorted(
        (
            (len(f & g) / max(len(f), len(g)), i, j)
            for i, f in enumerate(found)
            for j, g in enumerate(gold)
            if f & g
        ),
        reverse=True,
    )
    left, right = set(range(len(found))), set(range(len(gold)))
    hits = 0
    for share, i, j in pairs:
        if share >= SHARED and i in left and j in right:
            left.discard(i)
            right.discard(j)
            hits += 1
    return [hits, len(found), len(gold)]


def _shared(found: list[Words], gold: list[Words]) -> list[int]:
    mine: Words = frozenset().union(*found)
    theirs: Words = frozenset().union(*gold)
    return [len(mine & theirs), len(mine), len(theirs)]


def figures(rows: Sequence[NDArray[np.int64]], draws: int = 2000) -> dict[str, Extraction]:
    """Sum up articles' counts, micro-averaged, with intervals by resampling articles.

    ``rows`` of shape (measures, 3): one an article, as `counts` gives them.
    """
    stack = np.stack(rows)
    generator = np.random.default_rng(DEFAULT_SEED)
    drawn = generator.integers(0, len(rows), (draws, len(rows)))
    result = {}
    for m, name in enumerate(MEASURES):
        precision, recall, f1 = _scores(stack[:, m].sum(axis=0))
        low, high = np.percentile([_scores(stack[d, m].sum(axis=0))[2] for d in drawn], [2.5, 97.5])
        gold = int(stack[:, m, 2].sum())
        estimate = Estimate(f1, float(low), float(high))
        result[name] = Extraction(precision, recall, estimate, gold, len(rows))
    return result


def _scores(total: NDArray[np.int64]) -> tuple[float, float, float]:
    hits, found, gold = map(float, total)
    return hits / max(found, 1), hits / max(gold, 1), 2 * hits / max(found + gold, 1)


def study(root: Path, part: str, registry: Registry) -> Section:
    """Measure the rules on one part of PolNeAR in a folder of corpora; see `measure`."""
    return section(measure(root, part, registry))


def section(found: dict[str, Extraction]) -> Section:
    """Lay the figures out."""
    articles = next(iter(found.values())).articles
    return Section(
        f"{articles:,} articles; 95% intervals resample articles.",
        (
            table(
                "",
                ("", "marked", "precision", "recall", "F1"),
                ((name, f.gold, f.precision, f.recall, f.f1) for name, f in found.items()),
            ),
        ),
    )
