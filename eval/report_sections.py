"""The sections of the report that other parts of the harness measure, in the page's order."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from classifier.bundle import Bundle
from eval import axes_section, controls_section, seeds, suite_table, technique_tasks, uncertainty
from eval.judged import Judged
from eval.options import SectionName
from eval.report import Measure
from eval.sections import Section


@dataclass(frozen=True, slots=True)
class Described:
    """A section's heading, and how it is measured."""

    title: str
    measure: Measure


def _behaviour(judged: Judged) -> Section:
    """Run the behavioural suite on the second bundle."""
    from eval.behaviours import behaviours
    from eval.robustness import DRAWS, measure

    suite = measure(
        judged.bundles[1], behaviours(), draws=min(judged.draws, DRAWS), seed=judged.seed
    )
    return suite_table.section(suite)


SECTIONS: Mapping[str, Described] = {
    SectionName.TECHNIQUES: Described("Persuasion techniques", technique_tasks.section),
    SectionName.UNCERTAINTY: Described("What it doesn't know", uncertainty.section),
    SectionName.AXES: Described("Other splits", axes_section.section),
    SectionName.CONTROLS: Described("Controls", controls_section.section),
    SectionName.ROBUSTNESS: Described("Behaviour", _behaviour),
    SectionName.SEEDS: Described("Other seeds", lambda _: None),
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

    def of_seeds(judged: Judged) -> Section:
        bundles = (judged.bundles[1], *again)
        beside = judged.bundles[0]
        found = seeds.spreads(bundles, judged.examples, beside, judged.benchmarks)
        return seeds.section(found, bundles, beside)

    found = {name: one.measure for name, one in SECTIONS.items() if name not in without}
    if again and SectionName.SEEDS in found:
        found[SectionName.SEEDS] = of_seeds
    else:
        found.pop(SectionName.SEEDS, None)
    return found
