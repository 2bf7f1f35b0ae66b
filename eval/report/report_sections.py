"""The sections of the report that other parts of the harness measure, in the page's order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from classifier.bundle import Bundle
from eval.figures import Section
from eval.release import section_of_seeds, seed_spreads
from eval.report.report import Measure
from eval.rows import Evaluation
from eval.studies import (
    section_of_axes,
    section_of_controls,
    section_of_techniques,
    section_of_uncertainty,
)
from eval.suite import section_of_suite as suite_section


@dataclass(frozen=True, slots=True)
class Described:
    """A section's heading, and how it is measured."""

    title: str
    measure: Measure


def _behaviour(evaluation: Evaluation) -> Section:
    """Run the behavioural suite on the second bundle."""
    from eval.suite import DRAWS
    from eval.suite import measure_suite as measure
    from eval.suite import read_behaviours as behaviours

    suite = measure(
        evaluation.bundles[1],
        behaviours(),
        draws=min(evaluation.draws, DRAWS),
        seed=evaluation.seed,
    )
    return suite_section(suite)


#: By the names that `eval.commands.options.SectionName` lets a user give.
SECTIONS: Mapping[str, Described] = {
    "techniques": Described("Persuasion techniques", section_of_techniques),
    "uncertainty": Described("What it doesn't know", section_of_uncertainty),
    "axes": Described("Other splits", section_of_axes),
    "controls": Described("Controls", section_of_controls),
    "robustness": Described("Behaviour", _behaviour),
    "seeds": Described("Other seeds", lambda _: None),
}


def chosen(without: Collection[str], again: Sequence[Bundle]) -> dict[str, Measure]:
    """Choose the sections to measure.

    Parameters
    ----------
    without : collection of str
        Those to leave out.
    again : sequence of Bundle
        The second bundle trained again with other seeds; none, and there is no such section.
    """

    def of_seeds(evaluation: Evaluation) -> Section:
        a, b = evaluation.bundles
        alike = range(1, 2 + len(again))
        found = seed_spreads(evaluation.beside(again), alike, 0, evaluation.benchmarks)
        return section_of_seeds(found, (b, *again), a)

    found = {name: one.measure for name, one in SECTIONS.items() if name not in without}
    if again and "seeds" in found:
        found["seeds"] = of_seeds
    else:
        found.pop("seeds", None)
    return found
