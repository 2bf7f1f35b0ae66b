"""How good a model is in each language: on real text, on the house corpus, in finding citations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from framescope.classifier.languages import LANGUAGES
from framescope.classifier.taxonomy import BY_NAME, TECHNIQUES, Family
from framescope.eval.metrics import MeanPart, estimate, mean_of_figures, single_figure
from framescope.eval.rows import BENCHMARKS, MAIN_METRIC, Evaluation, Sample, Scores
from framescope.eval.sections import Section, table
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
_NAMES = {code: one.name for code, one in LANGUAGES.items()}
_Found = list[tuple[str, str, Sample]]  # language, corpus, and the rows of a signal
_NOTE = (
    "Of {by}; parts: {parts}, together. F1 and macro-F1 are those of the flags, at the threshold "
    "of the corpus, or of the language in it, where its labels have another sense than the "
    "guidelines; always yes: the macro-F1 of flagging every row. AP without skill is the share of "
    "yes. Versions of a house article in several languages are one group. Of the house corpus "
    f"signals are shown that have {_FEWEST} rows of either answer. 95% intervals resample groups."
)


def section(evaluation: Evaluation, signals: Collection[str] | None = None) -> Section | None:
    """Judge the last bundle by language; None where every row that is judged is English."""
    rows, bundle = evaluation.examples, evaluation.bundles[-1]
    if {*rows.lang[np.isin(rows.part, evaluation.parts)].tolist()} <= {"en"}:
        return None
    few = replace(evaluation, draws=min(evaluation.draws, DRAWS))
    found = _samples(few, signals or bundle.signals)
    columns = ("corpus", "signal", "n", "groups", "yes", "AP", "F1", "macro-F1", "always yes")
    of_house = ("signals", "number", "groups", "mean AP")
    of_citations = ("corpus", "articles", "citations", *_FOUND, "source and content")
    made = (
        ("By language and signal", columns, _figures(few, found), 3),
        ("House corpus, articles kept back", of_house, _means(few, found), 2),
        ("Citations found (F1)", of_citations, _citations(few), 2),
    )
    tables = []
    for caption, of, lines, heads in made:
        if own := [(_NAMES.get(language, language), *line) for language, *line in lines]:
            tables.append(table(caption, ("language", *of), own, heads=heads))
    note = _NOTE.format(by=bundle.name, parts=" and ".join(evaluation.parts))
    return Section(note, tuple(tables), signature=f"{evaluation.data} | {bundle.name}")


def _samples(evaluation: Evaluation, asked: Collection[str]) -> _Found:
    """Yield language, corpus and rows of each signal that is judged, all parts together."""
    (*_, bundle), parts = evaluation.bundles, evaluation.parts
    found: _Found = []
    for corpus in dict.fromkeys(evaluation.examples.corpus.tolist()):
        described = {one.signal for one in BENCHMARKS if one.corpus == corpus}
        wanted = asked if corpus in HOUSE or not described else described.intersection(asked)
        signals = [one for one in bundle.signals if one in wanted]
        scored = evaluation.articles(corpus, parts, signals)
        part = np.where(np.isin(scored.rows.part, parts), _KEPT, "")
        together = replace(scored, rows=replace(scored.rows, part=part))
        for sample in (together.sample(_KEPT, signal) for signal in signals):
            spoken = sample.rows.lang[sample.chosen]
            for one in dict.fromkeys(spoken.tolist()) if sample.scores[-1] else ():
                found.append((one, corpus, sample.where(np.flatnonzero(spoken == one))))
    order = [*LANGUAGES, *(language for language, *_ in found)]
    return sorted(found, key=lambda one: order.index(one[0]))


def _part(*samples: Sample) -> MeanPart:
    """Put rows of one signal together."""
    columns = [(one.truth, one.groups, *(one.scores[-1] or ())) for one in samples]
    truth, group, *scores = map(np.concatenate, zip(*columns, strict=True))
    return MeanPart(MAIN_METRIC, truth, group, Scores(*scores))


def _enough(part: MeanPart) -> bool:
    return bool(min(part.truth.sum(), (~part.truth).sum()) >= _FEWEST)


def _figures(evaluation: Evaluation, found: _Found) -> Iterator[tuple[Any, ...]]:
    resampling = {"draws": evaluation.draws, "seed": evaluation.seed}
    for language, corpus, sample in found:
        _, truth, groups, scores = part = _part(sample)
        if corpus in HOUSE and not _enough(part):
            continue
        counts = len(truth), len(np.unique(groups)), int(truth.sum())
        names = (MAIN_METRIC, "f1", "macro_f1")
        figures = (estimate(name, truth, scores, groups, **resampling) for name in names)
        yes = single_figure("macro_f1", truth, np.ones(len(truth), np.float32), 0.5)
        yield language, corpus, sample.signal, *counts, *figures, yes


def _means(evaluation: Evaluation, found: _Found) -> Iterator[tuple[Any, ...]]:
    """Average the precisions of the house corpus: of all languages but English, and of each."""
    ours = [(language, sample) for language, corpus, sample in found if corpus in HOUSE]
    spoken = dict.fromkeys(language for language, _ in ours)
    for name, languages in (("together", {*spoken} - {"en"}), *((x, {x}) for x in spoken)):
        own = [sample for language, sample in ours if language in languages]
        for kind, among in _MEANS.items():
            signals = dict.fromkeys(one.signal for one in own if one.signal in among)
            parts = [_part(*(one for one in own if one.signal == signal)) for signal in signals]
            if parts := [*filter(_enough, parts)]:
                mean = mean_of_figures(parts, evaluation.draws, evaluation.seed).estimate()
                groups = len(np.unique(np.concatenate([one.group for one in parts])))
                yield name, kind, len(parts), groups, mean


def _citations(evaluation: Evaluation) -> Iterator[tuple[Any, ...]]:
    articles = judged_articles(evaluation)
    for language, corpus in dict.fromkeys((one.lang, one.corpus) for one in articles):
        own = [one for one in articles if (one.lang, one.corpus) == (language, corpus)]
        counts = np.stack([tally(one) for one in own])
        figures = extractions(counts, draws=evaluation.draws, seed=evaluation.seed)
        f1 = (figures[name][-1] for name in (*_FOUND, "citations, resolved"))
        yield language, corpus, len(own), figures["citations"][0], *f1
