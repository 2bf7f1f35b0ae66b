"""What placeholders do: signals of who is cited, and framing that no name moves.

Three questions, asked of held-out articles:

* how well what PolNeAR says of sources is told, by signal;
* what becomes of the framing scores when every outlet is swapped for one of the other type: Reuters
  is written for each that is state media, TASS for each that is not;
* whether an attribution to state media is told for outlets that stand nowhere in training: in
  PolNeAR's held-out articles, half of whose outlets are swapped, and in sentences written for it.

``framescope eval placeholders BUNDLE... --corpora DIR`` prints them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from framescope.classifier import bundles
from framescope.classifier.attribution import cited
from framescope.classifier.errors import InputError
from framescope.classifier.models import Reader, TextForm, form_of
from framescope.classifier.outlets import load_registry
from framescope.classifier.records import Article, Sentence
from framescope.eval.metrics import Estimate, Section, decide, estimates, table
from framescope.eval.rows import Given, Sample, Single
from framescope.training.corpora import POLNEAR
from framescope.training.data import SWAPPED_SIGNAL, Examples, Swap, behind, rewritten

if TYPE_CHECKING:
    from framescope.classifier.bundles import Bundle
    from framescope.classifier.outlets import Registry

PARTS = ("test", "unseen_outlet")
SWAPPED_FOR = {True: "Reuters", False: "TASS"}
"""What is written for an outlet, by whether it is state media."""
DRAWS = 1000
_SEED = 13  # of the draws


@dataclass(frozen=True, slots=True)
class SignalScores:
    """How well a signal is told.

    ``name``, ``rows``: the signal, and what it is judged on. ``average_precision``, ``f1``: f1 of
    the positive class at the bundle's threshold for PolNeAR.
    """

    name: str
    rows: str
    sentences: int
    articles: int
    positives: int
    average_precision: Estimate
    f1: Estimate


@dataclass(frozen=True, slots=True)
class Shift:
    """What swapping outlets did to the framing scores of sentences.

    ``rows``: which sentences: those that name an outlet, or all of the articles with such
    sentences. ``mean``, ``largest``: absolute change of a calibrated probability, over sentences
    and framing signals. ``flipped``: share of sentences in which any decision changed.
    """

    rows: str
    sentences: int
    articles: int
    mean: float
    largest: float
    flipped: float


def kinds(model: Bundle, examples: Examples, part: str) -> list[SignalScores]:
    """Judge the sourcing signals on PolNeAR's articles of one part."""
    rows = examples.where((examples.corpus == POLNEAR.name) & (examples.part == part))
    names = [s for s in POLNEAR.signals if s in model.signals and s in rows.signals]
    proba = model.model.predict_proba(rows.sentences)
    where = f"polnear, {part}"
    return [_signal(model, rows, proba[:, model.signals.index(n)], n, where) for n in names]


def state_media(model: Bundle, examples: Examples, swap: Swap, part: str) -> list[SignalScores]:
    """Judge attributions to state media on swapped articles: all sentences, and those that matter.

    The latter name an outlet or are attributed to one.
    """
    if SWAPPED_SIGNAL not in model.signals:
        return []
    mask = (examples.corpus == POLNEAR.name) & (examples.part == part)
    rows = examples.where(mask)
    reader = Reader(swap.registry)
    near = np.array(
        [
            (s.article_id, s.start) in swap.behind or bool(reader.mentions(s))
            for s in rows.sentences
        ],
        np.bool_,
    )
    rows = swap.apply(rows, (part,))
    proba = _column(model, rows.sentences, SWAPPED_SIGNAL)
    where = f"polnear swapped, {part}"
    return [
        _signal(model, rows, proba, SWAPPED_SIGNAL, where),
        _signal(model, rows.where(near), proba[near], SWAPPED_SIGNAL, f"{where}, names an outlet"),
    ]


def framing(model: Bundle, examples: Examples, registry: Registry) -> list[Shift]:
    """Swap the outlets of held-out articles and compare the scores that must not depend on them."""
    reader = Reader(registry)
    held = examples.where(np.isin(examples.part, list(PARTS)))
    naming = np.array([bool(reader.mentions(s)) for s in held.sentences], np.bool_)
    held_articles = np.isin(held.article, np.unique(held.article[naming]))
    held, naming = held.where(held_articles), naming[held_articles]
    columns = [i for i, s in enumerate(model.signals) if form_of(s) is TextForm.NEUTRAL]
    limits = np.array([model.thresholds[model.signals[i]] for i in columns], np.float32)
    before = model.model.predict_proba(held.sentences)[:, columns]
    swapped = [swap_all(sentence, reader) for sentence in held.sentences]
    after = model.model.predict_proba(swapped)[:, columns]
    moved = np.abs(after - before)
    flipped = ((before >= limits) != (after >= limits)).any(axis=1)
    return [
        Shift(
            name,
            int(mask.sum()),
            len(np.unique(held.article[mask])),
            float(moved[mask].mean()) if mask.any() else float("nan"),
            float(moved[mask].max(initial=0.0)),
            float(flipped[mask].mean()) if mask.any() else float("nan"),
        )
        for name, mask in (
            ("sentences that name an outlet", naming),
            ("all sentences of their articles", np.ones(len(held), np.bool_)),
        )
    ]


def swap_all(sentence: Sentence, reader: Reader) -> Sentence:
    """Write `SWAPPED_FOR` in the place of every outlet's name."""
    text, done, pieces = sentence.text, 0, []
    edits: list[tuple[int, int, int]] = []
    for mention in reader.mentions(sentence):
        name = SWAPPED_FOR[reader.is_state_media(mention)]
        pieces += [text[done : mention.start], name]
        edits.append((mention.start, mention.end, len(name)))
        done = mention.end
    return rewritten(sentence, "".join([*pieces, text[done:]]), edits)


def written(model: Bundle, path: Path, registry: Registry) -> tuple[int, list[dict[str, object]]]:
    """Judge sentences written for the purpose, each an article of its own.

    ``path``: JSON Lines with ``text`` and ``state_media``, 0 or 1. Gives how many there are. Gives
    those told wrong, with their ``score``.
    """
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    articles = [Article(f"case/{number}", case["text"]) for number, case in enumerate(cases)]
    sentences = [
        cited(article, [Sentence(article.text, 0, len(article.text), article.id, 0)], registry)[0]
        for article in articles
    ]
    scores = _column(model, sentences, SWAPPED_SIGNAL)
    flagged = decide(scores, model.thresholds[SWAPPED_SIGNAL])
    wrong = [
        {**case, "score": round(float(score), 3)}
        for case, score, flag in zip(cases, scores, flagged, strict=True)
        if bool(case["state_media"]) is not bool(flag)
    ]
    return len(cases), wrong


def _column(model: Bundle, sentences: Sequence[Sentence], name: str) -> Single:
    found: Single = model.model.predict_proba(sentences)[:, model.signals.index(name)]
    return found


def _signal(model: Bundle, rows: Examples, proba: Single, name: str, where: str) -> SignalScores:
    chosen = np.flatnonzero(~np.isnan(rows.column(name)))
    threshold = model.threshold(name, POLNEAR.name)
    sample = Sample(rows, chosen, "", name, (Given(proba[chosen], threshold),))
    # Articles are drawn, whatever the corpus has for groups.
    sample = replace(sample, rows=replace(rows, group=rows.article))
    precision, score = (
        estimates(metric, sample, DRAWS, _SEED)[0] for metric in ("average_precision", "f1")
    )
    assert precision is not None
    assert score is not None
    n_articles, positives = len(np.unique(sample.groups)), int(sample.truth.sum())
    return SignalScores(name, where, len(sample), n_articles, positives, precision, score)


def _section(model: Bundle, examples: Examples, swap: Swap, cases: Path | None) -> Section:
    told = [
        one
        for part in PARTS
        for one in (*kinds(model, examples, part), *state_media(model, examples, swap, part))
    ]
    tables = [
        table(
            model.name,
            ("rows", "signal", "sentences", "articles", "positives", "average precision", "F1"),
            (
                (one.rows, one.name, one.sentences, one.articles, one.positives,
                 one.average_precision, one.f1)
                for one in told
            ),
        ),
        table(
            f"{model.name}, outlets swapped",
            ("rows", "sentences", "articles", "mean change", "largest", "flipped"),
            (
                (one.rows, one.sentences, one.articles, one.mean, one.largest, one.flipped)
                for one in framing(model, examples, swap.registry)
            ),
            digits=4,
        ),
    ]  # fmt: skip
    if cases is not None and SWAPPED_SIGNAL in model.signals:
        count, wrong = written(model, cases, swap.registry)
        rows = ((str(one["text"]), str(one["state_media"]), str(one["score"])) for one in wrong)
        tables.append(
            table(
                f"{model.name}, written sentences: {count - len(wrong)} of {count} right; wrong",
                ("sentence", "state media", "score"),
                rows,
            )
        )
    return Section("95% intervals resample articles.", tuple(tables))


def run(names: Sequence[str], root: Path, cases: Path | None = None) -> Iterator[Section]:
    """Measure one model after the other.

    Parameters
    ----------
    names : sequence of str
        Bundles: folders, or names of those that ship.
    root : pathlib.Path
        The folder of corpora.
    cases : pathlib.Path or None
        See `written`.

    Raises
    ------
    FramescopeError
        When a bundle or a corpus is missing, or a bundle was trained on another split.
    """
    from framescope.eval.rows import held_out_of_corpora as of_corpora

    if cases is not None and not cases.is_file():
        raise InputError(cases, "no such file; name JSON Lines with text and state_media")
    models = [bundles.load(name) for name in names]
    examples = of_corpora(root, models, allow_other_split=False).examples
    registry = load_registry()
    # Another seed than training's: other outlets are swapped.
    swap = Swap(registry, behind(root, registry), seed=14)
    for model in models:
        yield _section(model, examples, swap, cases)
