"""How far the annotators of PolNeAR agree, in the terms that its benchmarks are measured in.

Most of its articles have one annotator; those with several tell what people reach on the task.
Each annotator's labels are made as the corpus' own are, from what they marked alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framescope.training.corpora import polnear
from framescope.training.labels.agreement import Agreement, agreement

if TYPE_CHECKING:
    from framescope.classifier.outlets.registry.registry import Registry


def of_polnear(root: Path, registry: Registry) -> dict[str, Agreement]:
    """Compute Krippendorff's alpha of each signal over all pairs of annotators of one article.

    Parameters
    ----------
    root : pathlib.Path
        The folder of corpora.
    registry : Registry

    Raises
    ------
    CorpusError
        When no article has several annotators.
    """
    pairs = list(_pairs(root / polnear.CARD.folder, registry))
    found = agreement([one for one, _ in pairs], [other for _, other in pairs])
    return {one.signal: one for one in found}


def _pairs(
    folder: Path, registry: Registry
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Give the records of every two annotators of an article, under one id."""
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
