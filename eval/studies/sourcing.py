"""How articles source what they state, and whether that goes with their outlet's assessments.

Nothing is fitted: sentences are split, citations found by rules, and each article's shares and its
shift of a record computed as in scoring, save that without a model every sentence of content
counts as a claim. ``framescope eval sourcing --articles DIR`` prints the figures of
docs/source-record.md; it takes a fifth of a second an article.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifier.attribution import assign_voices, begin, find_citations
from classifier.sources import article_evidence, article_shift
from classifier.values import Article, ArticleEvidence, ArticleReport, SentenceReport
from eval.studies.outlet_pairs import DRAWS, Rows, ranked
from training.corpora import assessed_stories

if TYPE_CHECKING:
    from classifier.sources import Registry

LEAST_ARTICLES, MOST_ARTICLES = 10, 25  # of an outlet: fewer say little, more say no more


def evidence_of(article: Article, registry: Registry) -> ArticleEvidence:
    """Give an article's evidence by the rules alone."""
    begun = begin(article)
    cited = find_citations(begun, registry)
    rows = [
        SentenceReport(s, {}, (), (), c) for s, c in zip(assign_voices(begun), cited, strict=True)
    ]
    return article_evidence(ArticleReport(article, tuple(rows), reading=begun))


def run(folder: Path, registry: Registry, *, most: int = MOST_ARTICLES, draws: int = DRAWS) -> str:
    """Measure, and write a table.

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
    names = [row.outlet.id for row in stories]
    stories = [row for row in stories if names.count(row.outlet.id) >= LEAST_ARTICLES]
    evidence = [evidence_of(row.story.article, registry) for row in stories]
    rows = Rows(
        np.array([row.story.article.id for row in stories]),
        np.array([row.outlet.id for row in stories]),
        np.array([row.story.topic for row in stories]),
        ("",) * len(stories),
        np.array([row.reliable for row in stories]),
        {row.outlet.id: row.outlet.name for row in stories},
    )
    claims = np.array([max(e.claims, 1) for e in evidence], np.float64)
    table = {
        "share of claims with a named source": np.array([e.named for e in evidence]) / claims,
        "... an unnamed one": np.array([e.unnamed for e in evidence]) / claims,
        "... a vague one": np.array([e.vague for e in evidence]) / claims,
        "... none": np.array([e.none for e in evidence]) / claims,
        "distinct named sources": np.array([len(e.sources) for e in evidence], np.float64),
        "claims": claims,
        "the record's shift": np.array([article_shift(e) for e in evidence]),
    }
    lines = [
        f"{len(stories):,} articles of {len(rows.names)} outlets; 95% intervals resample outlets.",
        "",
        "| | reliable, median | unreliable, median | AUC |",
        "| --- | --- | --- | --- |",
    ]
    for name, values in table.items():
        auc, interval = ranked(values, rows, draws=draws)
        good, bad = (np.median(values[rows.reliable == kind]) for kind in (True, False))
        span = f"{auc:.3f} ({interval.low:.3f} to {interval.high:.3f})"
        lines.append(f"| {name} | {good:.3f} | {bad:.3f} | {span} |")
    whole = sum(e.named + 0.5 * e.unnamed for e in evidence) / claims.sum()
    lines += ["", f"Sourced share of all claims, an unnamed source counting half: {whole:.3f}."]
    return "\n".join(lines) + "\n"
