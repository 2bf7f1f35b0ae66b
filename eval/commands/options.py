"""What several commands below `framescope eval` take; light enough to import for their help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eval.commands.parts import Part


class SectionName(StrEnum):
    """What a report holds besides the comparison; see `eval.report.report_sections`."""

    TECHNIQUES = "techniques"
    UNCERTAINTY = "uncertainty"
    AXES = "axes"
    CONTROLS = "controls"
    ROBUSTNESS = "robustness"
    SEEDS = "seeds"


First = Annotated[str, typer.Option("--a", metavar="BUNDLE", help="The model to compare with.")]
Second = Annotated[str, typer.Option("--b", metavar="BUNDLE", help="The model to compare.")]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Your own labelled file (exchange format), instead of the corpora. Repeatable.",
    ),
]
Parts = Annotated[
    list[Part] | None,
    typer.Option(
        "--part",
        help="Judge by these rows: test and unseen_outlet unless given. "
        "Thresholds were fitted on validation. Repeatable.",
    ),
]
Signals = Annotated[
    list[str] | None,
    typer.Option("--signal", metavar="NAME", help="Only this signal. Repeatable."),
]
Draws = Annotated[int, typer.Option("--draws", min=100, help="Resamples of whole groups.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")]
OtherSplit = Annotated[
    bool,
    typer.Option(
        "--allow-other-split",
        help="Go on with a bundle that may have been trained on rows it is judged by.",
    ),
]
