"""The controls as tables: predictors without the text, shuffled labels, outlets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from eval.figures import UNDEFINED, Section, Table, table
from eval.rows import Evaluation
from eval.studies.controls import SHUFFLES, Controlled, Probed, Shuffled, run


def section(evaluation: Evaluation) -> Section | None:
    """Check the benchmarks that have rows here; None without one."""
    checked: list[Controlled] = []
    probed: list[Probed] = []
    for of_corpus, probes in run(evaluation, evaluation.benchmarks):
        checked += of_corpus
        probed += probes
    return laid_out(checked, probed, evaluation.names) if checked else None


def laid_out(
    checked: Sequence[Controlled], probed: Sequence[Probed], names: tuple[str, ...]
) -> Section:
    """Lay out what was checked already."""
    return Section(
        "Predictors that haven't read the text, on the rows they can say anything of, with both "
        f"models on the same rows. Labels are permuted within the part {SHUFFLES} times; a figure "
        "that does not fall to chance would mean that the harness is wrong. Within outlets an "
        "outlet's name can't help: the share of the gain that survives is 1 where the second "
        "model is better by what stands in the text, and near 0 where it has only learned which "
        "outlet is which. The outlet is read off the scores by a regression over folds of "
        "articles; outlets do differ in what is scored, so that more than guessing is no proof "
        "of cheating.",
        (
            _without_text(checked, names),
            _shuffled(checked, names),
            _within(checked, names),
            _probes(probed, names),
        ),
    )


def record(
    checked: Sequence[Controlled], probed: Sequence[Probed], signature: str
) -> dict[str, Any]:
    """Give what JSON holds: every figure, and whether those of shuffled labels fell to chance."""

    def fell(found: Shuffled) -> dict[str, Any]:
        return asdict(found) | {"fell": found.fell}

    benchmarks = [
        asdict(one) | {"shuffled_a": fell(one.shuffled_a), "shuffled_b": fell(one.shuffled_b)}
        for one in checked
    ]
    return {"signature": signature, "benchmarks": benchmarks, "outlet_probes": probed}


def _without_text(checked: Sequence[Controlled], names: tuple[str, ...]) -> Table:
    return table(
        "Without the text",
        ("benchmark", "figure", "read", "n", "it", *names),
        (
            (
                one.benchmark.name, one.benchmark.metric, control.name, control.n,
                control.value, control.a, control.b,
            )
            for one in checked
            for control in one.controls
        ),
    )  # fmt: skip


def _shuffled(checked: Sequence[Controlled], names: tuple[str, ...]) -> Table:
    return table(
        "Shuffled labels",
        ("benchmark", "model", "true", "shuffled", "chance", "p", "fell to chance"),
        (
            (one.benchmark.name, model, value, found.mean, found.chance, found.p, _fell(found))
            for one in checked
            for model, value, found in zip(
                names, (one.a, one.b), (one.shuffled_a, one.shuffled_b), strict=True
            )
        ),
    )


def _within(checked: Sequence[Controlled], names: tuple[str, ...]) -> Table:
    a, b = names
    return table(
        "AUC over all pairs, and within outlets",
        (
            "benchmark", "n", "pairs in outlets", a, b, f"{a}, within", f"{b}, within",
            "gain that survives",
        ),
        (
            (
                one.benchmark.name, one.within.n, one.within.pairs, one.within.overall_a,
                one.within.overall_b, one.within.within_a, one.within.within_b,
                one.within.survives,
            )
            for one in checked
        ),
    )  # fmt: skip


def _probes(probed: Sequence[Probed], names: tuple[str, ...]) -> Table:
    return table(
        "The outlet read off the scores: balanced accuracy",
        ("part", "n", "articles", "outlets", *names, "guessing", "largest outlet"),
        (
            (
                f"{one.corpus}/{one.part}", one.a.n, one.a.articles, one.a.outlets,
                one.a.balanced_accuracy, one.b.balanced_accuracy, one.a.chance, one.a.largest,
            )
            for one in probed
        ),
    )  # fmt: skip


def _fell(found: Shuffled) -> str:
    if found.mean != found.mean:
        return UNDEFINED
    return "yes" if found.fell else "no"
