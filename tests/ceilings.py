"""How far the annotators of PolNeAR agree, in the terms that its benchmarks are measured in.

Most of its articles have one annotator; those with several tell what people reach on the task.
Each annotator's labels are made as the corpus' own are, from what they marked alone.
"""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

from framescope.training.corpora import polnear
from framescope.training.labels.annotators import Agreement, agreement


def of_polnear(root: Path, registry) -> dict[str, Agreement]:
    """Krippendorff's alpha of each signal over all pairs of annotators of one article."""
    first, second = zip(*_pairs(root / polnear.CARD.folder, registry), strict=True)
    return {one.signal: one for one in agreement(first, second)}


def _pairs(folder: Path, registry):
    """The records of every two annotators of an article, under one id."""
    for annotated in polnear.texts(folder):
        alone = [replace(annotated, annotators=(marked,)) for marked in annotated.annotators]
        if len(alone) < 2:
            continue
        records = [
            [
                {"start": sentence.start, "end": sentence.end, "labels": labels}
                for sentence, labels in zip(one.sentences, one.labels(registry), strict=True)
            ]
            for one in alone
        ]
        for number, (first, second) in enumerate(combinations(records, 2)):
            name = f"{annotated.article.id}#{number}"
            yield {"id": name, "sentences": first}, {"id": name, "sentences": second}
