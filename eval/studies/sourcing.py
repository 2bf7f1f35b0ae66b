"""How articles source what they state, and whether that goes with their outlet's assessments.

Nothing is fitted: sentences are split, citations found by rules, and each article's shares and its
shift of a record computed as in scoring, save that without a model every sentence of content
counts as a claim. ``framescope eval sourcing --articles DIR`` prints the figures of
docs/source-record.md; it takes a fifth of a second an article.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from classifier.attribution import assign_voices, begin, find_citations
from classifier.sources import article_evidence, article_shift
from classifier.values import Article, ArticleEvidence, ArticleReport, SentenceReport
from eval.figures import Estimate, Section, draw, percentile, table
from eval.rows import Floats
from training import DEFAULT_SEED
from training.corpora import assessed_stories

if TYPE_CHECKING:
    from classifier.sources import Registry

DRAWS = 10_000
LEAST_ARTICLES, MOST_ARTICLES = 10, 25  # of an outlet: fewer say little, more say no more


def evidence_of(article: Article, registry: Registry) -> ArticleEvidence:
    """Give an article's evidence by the rules alone."""
    begun = begin(article)
    cited = find_citations(begun, registry)
    rows = [
        SentenceReport(s, {}, (), (), c) for s, c in zip(assign_voices(begun), cited, strict=True)
    ]
    return article_evidence(ArticleReport(article, tuple(rows), reading=begun))


def measure(
    folder: Path, registry: Registry, *, most: int = MOST_ARTICLES, draws: int = DRAWS
) -> Section:
    """Measure what articles show of their sourcing.

    Parameters
    ----------
    folder : pathlib.Path
        A folder that holds `training.corpora.allsides.FILE`.
    registry : Registry
        Whose assessments are the labels.
    most : int
        Articles of an outlet.
    draws : int
        Of the resampling of outlets.

    Raises
    ------
    FramescopeError
        When the articles can't be read.
    """
    stories = assessed_stories(folder, registry, most=most)
    counts = Counter(row.outlet.id for row in stories)
    stories = [row for row in stories if counts[row.outlet.id] >= LEAST_ARTICLES]
    evidence = [evidence_of(row.story.article, registry) for row in stories]
    outlets = np.array([row.outlet.id for row in stories])
    reliable = np.array([row.reliable for row in stories])
    claims = np.array([max(e.claims, 1) for e in evidence], np.float64)
    read = {
        "share of claims with a named source": np.array([e.named for e in evidence]) / claims,
        "... an unnamed one": np.array([e.unnamed for e in evidence]) / claims,
        "... a vague one": np.array([e.vague for e in evidence]) / claims,
        "... none": np.array([e.none for e in evidence]) / claims,
        "distinct named sources": np.array([len(e.sources) for e in evidence], np.float64),
        "claims": claims,
        "the record's shift": np.array([article_shift(e) for e in evidence]),
    }
    whole = sum(e.named + 0.5 * e.unnamed for e in evidence) / claims.sum()
    return Section(
        f"{len(stories):,} articles of {len(set(outlets.tolist()))} outlets; 95% intervals "
        "resample outlets. Sourced share of all claims, an unnamed source counting half: "
        f"{whole:.3f}.",
        (
            table(
                "",
                ("", "reliable, median", "unreliable, median", "AUC"),
                (
                    (
                        name, float(np.median(values[reliable])),
                        float(np.median(values[~reliable])),
                        ranked(values, outlets, reliable, draws=draws),
                    )
                    for name, values in read.items()
                ),
            ),
        ),
    )  # fmt: skip


def ranked(
    scores: Floats,
    outlets: NDArray[np.str_],
    reliable: NDArray[np.bool_],
    *,
    draws: int = DRAWS,
    seed: int = DEFAULT_SEED,
) -> Estimate:
    """Give the AUC of a score that nothing was fitted for, and its 95% interval over outlets.

    An outlet is reliable or not as a whole, so every pair of a reliable and an unreliable article
    is a pair of outlets. The pairs won are summed by outlets once; then any draw of outlets is a
    matter of weights (the bootstrap of `eval.figures.resample`, with outlets for groups).

    ``scores`` of shape (n,): of articles; higher for what is held to be reliable. ``outlets``:
    shape (n,). ``reliable``: shape (n,).
    """
    good, bad = sorted(set(outlets[reliable])), sorted(set(outlets[~reliable]))
    counts = Counter(outlets.tolist())
    of_pairs = np.outer([counts[o] for o in good], [counts[o] for o in bad]).astype(np.float64)
    sorted_bad = [np.sort(scores[outlets == name]) for name in bad]
    won = np.zeros((len(good), len(bad)))
    for i, name in enumerate(good):
        own = scores[outlets == name]
        for j, others in enumerate(sorted_bad):  # ties count half
            below = np.searchsorted(others, own, "left") + np.searchsorted(others, own, "right")
            won[i, j] = below.sum() / 2
    n = len(good)
    weights = np.concatenate(list(draw(n + len(bad), draws, seed, block=draws)))
    total, right = (
        np.einsum("di,ij,dj->d", weights[:, :n], pairs, weights[:, n:], optimize=True)
        for pairs in (of_pairs, won)
    )
    values = np.divide(right, total, out=np.full(draws, np.nan), where=total > 0)
    return Estimate.of(float(won.sum() / of_pairs.sum()), percentile(values, n + len(bad)))
