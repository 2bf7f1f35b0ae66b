"""How good a model is in each language: on real text, on the house corpus, in finding citations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.taxonomy import BY_NAME, TECHNIQUES, Family
from framescope.eval.metrics import MeanPart, estimate, mean_of_figures, single_figure
from framescope.eval.rows import BENCHMARKS, MAIN_METRIC, Bools, Evaluation, Sample, Scores
from framescope.eval.sections import Cell, Section, Table, table
from framescope.eval.studies.sourcing import extractions, judged_articles, tally

DRAWS = 1000
HOUSE = ("house", "house_languages")
_FEWEST = 5  # of either answer, in the house corpus: with fewer chance decides
_FRAMING = tuple(one for one in BY_NAME if BY_NAME[one].family is Family.FRAMING)
_MEANS: Mapping[str, Collection[str]] = {
    "sourcing": tuple(one for one in BY_NAME if BY_NAME[one].family is Family.SOURCING),
    "framing": _FRAMING,
    "framing but single techniques": tuple(one for one in _FRAMING if one not in TECHNIQUES),
}
_FOUND = ("sentences", *(f"{role}, characters" for role in ("source", "cue", "content")))
_KEPT = "kept back"
_NOTE = (
    "Of {by}; parts: {parts}, together. F1 and macro-F1 are those of the flags, at the threshold "
    "of the corpus, or of the language in it, where its labels have another sense than the "
    "guidelines; always yes: the macro-F1 of flagging every row. AP without skill is the share of "
    "yes. Versions of a house article in several languages are one group. Of the house corpus "
    f"signals are shown that have {_FEWEST} rows of either answer. 95% intervals resample groups."
)


class _Rows(NamedTuple):
    """The rows of a signal in one language of a corpus."""

    language: str
    corpus: str
    sample: Sample

    @property
    def scores(self) -> Scores:
        scores = self.sample.scores[-1]
        assert scores is not None
        return scores


def section(evaluation: Evaluation) -> Section | None:
    """Judge the last bundle by language; None where every row that is judged is English."""
    rows, bundle = evaluation.examples, evaluation.bundles[-1]
    if {*rows.lang[np.isin(rows.part, evaluation.parts)].tolist()} <= {"en"}:
        return None
    order = [*LANGUAGES]
    found = [*_rows(evaluation)]
    found.sort(key=lambda one: order.index(one.language) if one.language in order else len(order))
    tables = (_figures(evaluation, found), _means(evaluation, found), _citations(evaluation))
    note = _NOTE.format(by=bundle.name, parts=" and ".join(evaluation.parts))
    kept = tuple(one for one in tables if one.rows)
    return Section(note, kept, signature=f"{evaluation.data} | {bundle.name}")


def _rows(evaluation: Evaluation) -> Iterator[_Rows]:
    """Yield the rows of each signal that a corpus is judged by, all parts together."""
    bundle = evaluation.bundles[-1]
    for corpus in dict.fromkeys(evaluation.examples.corpus.tolist()):
        described = {one.signal for one in BENCHMARKS if one.corpus == corpus}
        every = corpus in HOUSE or not described
        signals = [one for one in bundle.signals if every or one in described]
        scored = evaluation.articles(corpus, evaluation.parts, signals)
        part = np.where(np.isin(scored.rows.part, evaluation.parts), _KEPT, "")
        together = replace(scored, rows=replace(scored.rows, part=part))
        for sample in (together.sample(_KEPT, signal) for signal in signals):
            languages = sample.rows.lang[sample.chosen]
            for language in dict.fromkeys(languages.tolist()) if sample.scores[-1] else ():
                yield _Rows(language, corpus, sample.where(np.flatnonzero(languages == language)))


def _figures(evaluation: Evaluation, found: Sequence[_Rows]) -> Table:
    draws = min(evaluation.draws, DRAWS)

    def line(one: _Rows) -> tuple[Cell, ...]:
        truth, groups = one.sample.truth, one.sample.groups
        figures = (
            estimate(name, truth, one.scores, groups, draws=draws, seed=evaluation.seed)
            for name in (MAIN_METRIC, "f1", "macro_f1")
        )
        yes = single_figure("macro_f1", truth, np.ones(len(truth), np.float32), 0.5)
        counts = len(truth), len(np.unique(groups)), int(truth.sum())
        return (_named(one.language), one.corpus, one.sample.signal, *counts, *figures, yes)

    columns = ("language", "corpus", "signal", "n", "groups", "yes", "AP", "F1", "macro-F1")
    shown = (one for one in found if one.corpus not in HOUSE or _enough(one.sample.truth))
    lines = map(line, shown)
    return table("By language and signal", (*columns, "always yes"), lines, heads=3)


def _means(evaluation: Evaluation, found: Sequence[_Rows]) -> Table:
    """Average the precisions of the house corpus: of each language, and of all but English."""
    ours = [one for one in found if one.corpus in HOUSE]
    spoken = dict.fromkeys(one.language for one in ours)
    lines = list[tuple[Cell, ...]]()
    for name, languages in (("together", {*spoken} - {"en"}), *((x, {x}) for x in spoken)):
        own = [one for one in ours if one.language in languages]
        signals = dict.fromkeys(one.sample.signal for one in own)
        for kind, among in _MEANS.items():
            names = (one for one in signals if one in among)
            parts = [_part([one for one in own if one.sample.signal == x]) for x in names]
            if parts := [one for one in parts if _enough(one.truth)]:
                mean = mean_of_figures(parts, min(evaluation.draws, DRAWS), evaluation.seed)
                groups = len(np.unique(np.concatenate([one.group for one in parts])))
                lines.append((_named(name), kind, len(parts), groups, mean.estimate()))
    columns = ("language", "signals", "number", "groups", "mean AP")
    return table("House corpus, articles kept back", columns, lines, heads=2)


def _enough(truth: Bools) -> bool:
    return bool(min(truth.sum(), (~truth).sum()) >= _FEWEST)


def _part(rows: Sequence[_Rows]) -> MeanPart:
    columns = [(one.sample.truth, one.sample.groups, one.scores.proba) for one in rows]
    truth, group, proba = map(np.concatenate, zip(*columns, strict=True))
    return MeanPart(MAIN_METRIC, truth, group, Scores(proba, 0.5))


def _citations(evaluation: Evaluation) -> Table:
    """Judge citations by the language of the articles, corpus by corpus."""
    articles = judged_articles(evaluation)
    lines = list[tuple[Cell, ...]]()
    for language, corpus in dict.fromkeys((one.lang, one.corpus) for one in articles):
        own = [one for one in articles if (one.lang, one.corpus) == (language, corpus)]
        counts, draws = np.stack([tally(one) for one in own]), min(evaluation.draws, DRAWS)
        figures = extractions(counts, draws=draws, seed=evaluation.seed)
        f1 = (figures[name][-1] for name in (*_FOUND, "citations, resolved"))
        lines.append((_named(language), corpus, len(own), figures["citations"][0], *f1))
    columns = ("language", "corpus", "articles", "citations", *_FOUND, "source and content")
    return table("Citations found (F1)", columns, lines, heads=2)


def _named(language: str) -> str:
    return LANGUAGES[language].name if language in LANGUAGES else language
