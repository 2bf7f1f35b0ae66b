"""Two bundles on the same held-out rows: what each scores, and how sure the difference is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classifier.bundle import Bundle
from classifier.errors import SignalError
from classifier.taxonomy import in_order
from eval.compare.comparison import Comparison, Contender, Cost, Difference, Row
from eval.figures import all_metrics as measure
from eval.figures import always_yes_f1, decide, differences, holm, is_positive, mcnemar
from eval.figures import resample_figures as resample
from eval.rows import Scored, articles_of, rows_of
from eval.rows import score_rows as score
from training.data import Examples

HELD_OUT: tuple[str, ...] = ("test", "unseen_outlet")
"""The parts that no model was fitted, calibrated or thresholded on."""

Progress = Callable[[str, int, int], None]
"""Told what is being scored, how many sentences are done, and how many there are."""


def compare(
    a: Bundle,
    b: Bundle,
    examples: Examples,
    *,
    data: str = "as given",
    parts: Sequence[str] = HELD_OUT,
    signals: Sequence[str] | None = None,
    draws: int,
    seed: int,
    progress: Progress | None = None,
) -> Comparison:
    """Score the held-out rows of every corpus with both bundles and compare them.

    Parameters
    ----------
    a, b : Bundle
        Differences are ``b - a``.
    examples : Examples
        With their parts. Whole articles are scored, rows of other parts included, because models
        read a sentence beside its neighbours; only rows of ``parts`` are counted.
    data : str
        Identifies the examples in the record of the comparison.
    parts : sequence of str
        The parts to report, each apart.
    signals : sequence of str, optional
        Only these; by default all that either bundle gives.
    draws, seed : int
        Of the resampling. A row's interval doesn't depend on which other rows are asked for.
    progress : callable, optional

    Raises
    ------
    SignalError
        When no row has a label of a signal that a bundle gives.
    BundleError
        When a model's scores are not probabilities.
    """
    given = in_order([*a.signals, *b.signals])
    asked = given if signals is None else in_order(signals)
    wanted = tuple(signal for signal in asked if signal in given)
    corpora = [
        (corpus, rows)
        for corpus in dict.fromkeys(examples.corpus.tolist())
        if len((rows := articles_of(examples, corpus, parts, wanted)).sentences)
    ]
    if not corpora:
        raise SignalError(
            f"nothing to compare: no row of part {' or '.join(parts)} is labelled with "
            f"{' or '.join(asked)}, or neither bundle gives it; they give {', '.join(given)}"
        )
    steps = _Steps(2 * sum(len(rows.sentences) for _, rows in corpora), progress)
    found: list[Row] = []
    costs: list[Cost] = []
    for corpus, rows in corpora:
        scored_a, cost_a = score(a, rows.sentences, steps.named(f"{corpus}: {a.name}"))
        scored_b, cost_b = score(b, rows.sentences, steps.named(f"{corpus}: {b.name}"))
        costs.append(Cost(corpus, len(rows.sentences), cost_a, cost_b))
        for part in parts:
            of_part = [
                _row(rows, chosen, signal, scored_a, scored_b, draws, seed)
                for signal in wanted
                if len(chosen := rows_of(rows, part, signal))
            ]
            corrected = holm([row.mcnemar for row in of_part])
            found += [
                replace(row, mcnemar_corrected=p) for row, p in zip(of_part, corrected, strict=True)
            ]
    return Comparison(_contender(a), _contender(b), data, tuple(found), tuple(costs), draws, seed)


def _contender(bundle: Bundle) -> Contender:
    return Contender(bundle.name, bundle.digest)


def _row(
    rows: Examples,
    chosen: NDArray[np.intp],
    signal: str,
    a: Scored,
    b: Scored,
    draws: int,
    seed: int,
) -> Row:
    truth = is_positive(rows.column(signal)[chosen])
    groups = rows.group[chosen]
    proba_a, proba_b = (
        None if (column := scored.column(signal)) is None else column[chosen] for scored in (a, b)
    )
    figures_a = None if proba_a is None else measure(truth, proba_a, a.thresholds[signal])
    figures_b = None if proba_b is None else measure(truth, proba_b, b.thresholds[signal])
    drawn = resample(
        truth,
        None if proba_a is None else (proba_a, a.thresholds[signal]),
        None if proba_b is None else (proba_b, b.thresholds[signal]),
        groups,
        draws=draws,
        seed=seed,
    )
    between: dict[str, Difference] = {}
    chance = math.nan
    if proba_a is not None and proba_b is not None and figures_a and figures_b:
        values = differences(figures_a, figures_b)
        between = {
            name: Difference(value, drawn.difference[name], drawn.p[name])
            for name, value in values.items()
        }
        chance = mcnemar(
            truth, decide(proba_a, a.thresholds[signal]), decide(proba_b, b.thresholds[signal])
        )
    return Row(
        corpus=str(rows.corpus[chosen[0]]),
        part=str(rows.part[chosen[0]]),
        signal=signal,
        n=len(chosen),
        n_groups=len(np.unique(groups)),
        positives=int(truth.sum()),
        always_yes_f1=always_yes_f1(truth),
        a=figures_a,
        b=figures_b,
        differences=between,
        intervals_a=drawn.a,
        intervals_b=drawn.b,
        mcnemar=chance,
    )


class _Steps:
    """Counts sentences over all corpora and both models."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total = total
        self.progress = progress
        self.done = 0

    def named(self, what: str) -> Callable[[int], None]:
        def step(n: int) -> None:
            self.done += n
            if self.progress is not None:
                self.progress(what, self.done, self.total)

        if self.progress is not None:
            self.progress(what, self.done, self.total)
        return step
