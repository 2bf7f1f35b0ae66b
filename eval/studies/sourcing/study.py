"""The study of who says what: one bundle's citations on the annotated rows, as tables.

Beside each figure stands that of the rules that found citations before models did, measured once
on the same rows and kept in ``former-rules.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from framescope.classifier import __version__
from framescope.classifier.bundles import Bundle
from framescope.classifier.errors import CorpusError
from framescope.classifier.outlets import load_registry
from framescope.eval.metrics import Cell, Section, Table, table
from framescope.eval.rows import Evaluation, Read, citations_of, whole_articles
from framescope.eval.studies.sourcing.groups import ArticleGroup, groups_of, kinds_of_text
from framescope.eval.studies.sourcing.judged import ROLES, articles_of
from framescope.eval.studies.sourcing.tallies import (
    CHARACTERS,
    CITATIONS,
    CITATIONS_RESOLVED,
    KINDS,
    LINKS_RESOLVED,
    MEASURES,
    MISSED,
    OVERLAP,
    SHARES,
    CitationCounts,
    Counts,
    Extraction,
    extractions,
    tally,
)

FORMER = "former-rules.json"
DRAWS = 2000
NOTE = (
    "Citations found by {by}. n: how many are marked. Characters: of all that lie in that role. "
    "Exact: the same but for space, quotation marks and punctuation at the edges. Overlap: half of "
    "the characters of the longer one; each span is paired once. Links: of contents that both "
    "have, the share whose source is the same; resolved: or is named by the same words elsewhere. "
    "Citations: content in the same sentence, with that source. Kinds and antecedents are those of "
    "the resolved citations, and of the ones most alike. All: without PolNeAR, which has other "
    "guidelines, and kinds that rules typed. 95% intervals resample articles. Former rules: {says}"
)


@dataclass(frozen=True, slots=True, eq=False)
class Sourcing:
    """What a study found.

    ``by``: the bundle that found the citations. ``figures``: of each group, by its name.
    ``kinds``: see `CitationCounts`, of all articles. ``former``: of the former rules on the same
    rows, as far as they were recorded.
    """

    by: str
    groups: tuple[ArticleGroup, ...]
    figures: Mapping[str, Mapping[str, Extraction]]
    kinds: Counts
    former: FormerRules


@dataclass(frozen=True, slots=True)
class FormerRules:
    """Recorded figures of rules that are gone.

    ``said``: which rules, measured when. ``groups``: by the digest of a group's articles, of each
    measure how many were marked, and then precision, recall and F1, or the share.
    """

    said: str
    groups: Mapping[str, Mapping[str, Sequence[float | None]]]

    def figures(self, group: ArticleGroup) -> Mapping[str, Sequence[float | None]]:
        """Give what is recorded of a group; nothing where no group had these articles."""
        return self.groups.get(group.digest, {})

    def figure(self, group: ArticleGroup, measure: str) -> Cell:
        """Give F1, or a share; undefined where it was not recorded."""
        return self.figures(group).get(measure, (None,))[-1]


def study(
    evaluation: Evaluation, done: Read = lambda n, total: None
) -> tuple[Section, dict[str, Any]]:
    """Measure who says what, by the one bundle of an evaluation.

    Parameters
    ----------
    evaluation : Evaluation
        Its rows of its parts that have citations are judged by.
    done : callable, optional
        Told how far the model is.

    Returns
    -------
    Section
    dict
        What JSON holds.

    Raises
    ------
    CorpusError
        When no row of these parts has citations.
    """
    (bundle,) = evaluation.bundles
    found = measure(evaluation, bundle, done)
    if found is None:
        raise CorpusError(
            f"no row of part {' or '.join(evaluation.parts)} says who is cited; "
            "give corpora that do (see docs/corpora.md)"
        )
    signature = (
        f"framescope {__version__} | data {evaluation.data} | {bundle.name} {bundle.digest[:12]} | "
        f"draws {evaluation.draws}, seed {evaluation.seed}"
    )
    made = Section(note(found), tuple(tables(found)), signature=signature)
    return made, record(found, signature)


def section(evaluation: Evaluation) -> Section | None:
    """Give the report's section, of its second bundle; None where no row has citations."""
    draws = min(evaluation.draws, DRAWS)
    found = measure(evaluation, evaluation.bundles[-1], draws=draws)
    return None if found is None else Section(note(found), tuple(tables(found)))


def measure(
    evaluation: Evaluation,
    bundle: Bundle,
    done: Read = lambda n, total: None,
    draws: int | None = None,
) -> Sourcing | None:
    """Find who is cited, and count what of it is right, group by group.

    ``draws`` are the evaluation's own unless given. Gives None where no row of its parts has
    citations.
    """
    rows = evaluation.examples
    annotated = np.array([marked is not None for marked in rows.citations], np.bool_)
    wanted = annotated & np.isin(rows.part, evaluation.parts)
    if not wanted.any():
        return None
    cited = citations_of(bundle, whole_articles(rows, wanted), done)
    articles = articles_of(cited, evaluation.parts)
    kinds = kinds_of_text(one.corpus for one in articles)
    groups = groups_of(articles, kinds, bundle.registry or load_registry())
    tallies = {id(one): tally(one) for one in articles}
    draws = evaluation.draws if draws is None else draws

    def counts(group: ArticleGroup) -> list[CitationCounts]:
        return [tallies[id(one)] for one in group.articles]

    figures = {
        group.name: extractions(counts(group), draws=draws, seed=evaluation.seed)
        for group in groups
    }
    # Without any article but PolNeAR's there is no group of all.
    confused = sum(
        (one.kinds for one in counts(groups[0])), np.zeros((len(KINDS), len(KINDS) + 1), np.int64)
    )
    return Sourcing(cited.by, tuple(groups), figures, confused, former_rules())


def former_rules() -> FormerRules:
    """Read what is recorded of the former rules."""
    text = files("framescope.eval.studies.sourcing").joinpath(FORMER).read_text(encoding="utf-8")
    kept = json.loads(text)
    said = f"those of version {kept['version']}, measured on {kept['date']}; F1, or the share"
    return FormerRules(said, {one["digest"]: one["measures"] for one in kept["groups"]})


# As tables, and as the record that JSON holds


def note(found: Sourcing) -> str:
    """Say what was measured."""
    former, says = found.former, f"{found.former.said}."
    if not any(former.figures(group) for group in found.groups):
        says = "not recorded for these articles."
    elif any(
        recorded[0] != found.figures[group.name][name].n
        for group in found.groups
        for name, recorded in former.figures(group).items()
        if name in (CITATIONS, "sentences")
    ):
        says += " Labels have changed since then."
    return NOTE.format(by=found.by, says=says)


def tables(found: Sourcing) -> Iterator[Table]:
    """Lay out all articles, what kinds were found, and then the groups."""
    first = found.groups[0]
    figures = found.figures[first.name]
    yield table(
        f"Who says what, {first.name} ({len(first.articles):,} articles)",
        ("", "n", "precision", "recall", "F1", "former rules"),
        (
            (
                name, one.n, one.precision.value, one.recall.value, one.f1,
                found.former.figure(first, name),
            )
            for name in MEASURES
            for one in (figures[name],)
        ),
    )  # fmt: skip
    yield table(
        "Shares",
        ("", "n", "share", "former rules"),
        (
            (name, one.n, one.f1, found.former.figure(first, name))
            for name in SHARES
            for one in (figures[name],)
        ),
    )
    yield table(
        "Kinds: marked, and as found",
        ("marked", *KINDS, MISSED),
        ((kind, *map(int, row)) for kind, row in zip(KINDS, found.kinds, strict=True)),
    )
    for axis, caption in _AXES.items():
        groups = [group for group in found.groups if group.axis == axis]
        if groups:
            yield _of_groups(found, groups, caption)
    corpora = [group for group in found.groups if group.axis == "corpus"]
    yield table(
        "Characters of each role, by corpus",
        ("corpus", "role", "n", "precision", "recall", "F1", "former rules"),
        (
            (
                corpus.name, role, one.n, one.precision.value, one.recall.value, one.f1,
                found.former.figure(corpus, f"{role}, {CHARACTERS}"),
            )
            for corpus in corpora
            for role in ROLES
            for one in (found.figures[corpus.name][f"{role}, {CHARACTERS}"],)
        ),
    )  # fmt: skip


_AXES = {
    "part": "By part",
    "corpus": "By corpus",
    "outlet": "By outlet (real articles)",
    "text": "By kind of text",
}
_WHOLE = ("precision", "recall", "F1", "former rules")
_GROUPS = (
    "n: citations. Spans by overlap; links, and all after strict, of resolved citations. F1, of "
    "links the share."
)
_SHORT = ("sentences", *(f"{role}, {OVERLAP}" for role in ROLES), LINKS_RESOLVED, CITATIONS)


def _of_groups(found: Sourcing, groups: Sequence[ArticleGroup], caption: str) -> Table:
    """Give the main figures of groups."""

    def row(group: ArticleGroup) -> Iterator[Cell]:
        figures = found.figures[group.name]
        whole = figures[CITATIONS_RESOLVED]
        yield from (group.name, len(group.articles), whole.n)
        yield from (figures[name].f1.value for name in _SHORT)
        yield from (whole.precision.value, whole.recall.value, whole.f1)
        yield found.former.figure(group, CITATIONS_RESOLVED)

    columns = ("", "articles", "n", "sentences", *ROLES, "links", "strict", *_WHOLE)
    return table(caption, columns, (tuple(row(group)) for group in groups), note=_GROUPS)


def record(found: Sourcing, signature: str) -> dict[str, Any]:
    """Give every figure of every group."""
    return {
        "signature": signature,
        "by": found.by,
        "notes": [note(found)],
        "groups": [
            {
                "axis": group.axis,
                "name": group.name,
                "articles": len(group.articles),
                "digest": group.digest,
                "measures": {name: found.figures[group.name][name] for name in MEASURES},
                "shares": {
                    name: {"n": one.n, "share": one.f1}
                    for name in SHARES
                    for one in (found.figures[group.name][name],)
                },
                "former_rules": found.former.figures(group) or None,
            }
            for group in found.groups
        ],
        "kinds": {
            kind: dict(zip((*KINDS, MISSED), map(int, row), strict=True))
            for kind, row in zip(KINDS, found.kinds, strict=True)
        },
    }
