"""Options of several commands below `framescope eval`; light enough to import for their help."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from framescope.classifier.cli.shared import SectionFormat

if TYPE_CHECKING:
    from framescope.eval.compare import Progress
    from framescope.eval.rows import Evaluation


class Part(StrEnum):
    """A part of the corpora."""

    TEST = "test"
    UNSEEN_OUTLET = "unseen_outlet"
    VALIDATION = "validation"


class SectionName(StrEnum):
    """The sections of a report besides the comparison; see `eval.report.SECTIONS`."""

    TECHNIQUES = "techniques"
    CONTROLS = "controls"
    SOURCING = "sourcing"
    ROBUSTNESS = "robustness"


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
        help="The rows to judge by: test and unseen_outlet unless given. "
        "Thresholds were fitted on validation. Repeatable."
    ),
]
Signals = Annotated[
    list[str] | None, typer.Option("--signal", metavar="NAME", help="Only this signal. Repeatable.")
]
Draws = Annotated[int, typer.Option("--draws", min=100, help="Resamples of whole groups.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the resamples.")]
OtherSplit = Annotated[
    bool,
    typer.Option(
        "--allow-other-split",
        help="Accept a bundle that may have been trained on rows it is judged by.",
    ),
]
As = Annotated[SectionFormat, typer.Option("--format", "-f", help="How to write it.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write to a file, not to the terminal."),
]


def evaluation_of(
    bundles: Sequence[str | Path],
    corpora: Path | None,
    data: Sequence[Path] | None = None,
    part: Sequence[Part] | None = None,
    allow_other_split: bool = False,
    **settings: Any,
) -> Evaluation:
    """Load bundles and the rows to judge them by: by default those of the corpora that ship."""
    from framescope.classifier import bundles as bundle_files
    from framescope.classifier.errors import InputError
    from framescope.eval.rows import (
        FILE_PART,
        HELD_OUT,
        Evaluation,
        held_out_of_corpora,
        held_out_of_files,
    )
    from framescope.training.corpora import given_folder

    if data and (corpora is not None or part):
        raise InputError(data[0], "with --data every row is judged; leave out --corpora and --part")
    loaded = tuple(bundle_files.load(one) for one in bundles)
    parts: tuple[str, ...] = (FILE_PART,)
    if data:
        rows = held_out_of_files(data)
    else:
        folder = given_folder(corpora)
        rows = held_out_of_corpora(folder, loaded, allow_other_split=allow_other_split)
        parts = tuple(dict.fromkeys(part)) if part else HELD_OUT
    return Evaluation(loaded, rows.examples, rows.signature, parts, **settings)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show a progress bar on standard error, where that is a terminal."""
    from framescope.classifier import output

    with output.progress() as bar:
        yield lambda what, done, total: bar(description=what, completed=done, total=total or None)
